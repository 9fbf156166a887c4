import ParallaxCore
import Postgres

/// Runs whose drift exceeds a view's max_drift: staged, and not published before a person says so.
///
/// held → published     publishHeld
/// held → discarded     discardHeld
///
/// While a run is held, no other run of its source begins, and no publication is reverted: both would take the ground from under its rows.
extension Catalog {
    /// By view: the share that the drift of a run may have.
    public func maxDrifts(ofSource id: Int64) throws(ParallaxError) -> [String: Double] {
        let rows = try connection.query(
            "SELECT name, max_drift FROM parallax.view WHERE source_id = $1 AND max_drift IS NOT NULL", [.int(id)]
        ).rows
        return Dictionary(uniqueKeysWithValues: rows.map { ($0[0] ?? "", $0[1].flatMap { Double($0) } ?? .infinity) })
    }

    /// Ends the run unpublished, its rows staged. A transaction of its own.
    public func hold(_ run: CatalogRun, because reason: String, statistics: String) throws(ParallaxError) {
        try connection.transaction { () throws(ParallaxError) in
            try checkFence(run)
            try setStatistics(run, json: statistics)
            try connection.query(
                """
                UPDATE parallax.run SET state = 'held', held_reason = $2, finished_at = clock_timestamp() WHERE run_id = $1
                """, [.int(run.number.rawValue), .text(reason)])
        }
    }

    /// The run that is held, and why; nil where none is.
    public func heldRun(ofSource id: Int64) throws(ParallaxError) -> (number: RunNumber, reason: String)? {
        try connection.query(
            "SELECT run_id, held_reason FROM parallax.run WHERE source_id = $1 AND state = 'held' ORDER BY run_id DESC LIMIT 1", [.int(id)]
        ).rows.first.map { (RunNumber($0.int(0) ?? 0), $0[1] ?? "") }
    }

    /// Throws where a run of the source is held.
    func checkNoneIsHeld(ofSource id: Int64, name: String, _ what: String) throws(ParallaxError) {
        guard let (number, reason) = try heldRun(ofSource: id) else { return }
        throw ParallaxError(
            .busy, "run \(number) of source \"\(name)\" is held: \(what)", detail: reason,
            hint: "publish it: parallax batch publish \(number); or throw it away: parallax batch discard \(number)", isRetriable: false)
    }

    /// Publishes a held run, as it would have been. Returns its source.
    public func publishHeld(
        _ number: RunNumber, refreshServing: (Connection) throws(ParallaxError) -> Void
    ) throws(ParallaxError) -> CatalogSource {
        try takingHeld(number) { (source, run, cut) throws(ParallaxError) in
            try publish(run, cut: cut, refreshServing: refreshServing)
        }
    }

    /// Erases what a held run has staged; what was published before is served on.
    public func discardHeld(_ number: RunNumber) throws(ParallaxError) -> CatalogSource {
        try takingHeld(number) { (source, run, _) throws(ParallaxError) in
            try connection.transaction { () throws(ParallaxError) in
                try checkFence(run)
                try eraseRuns(after: run.base.run, source: source.id)
                try connection.query("UPDATE parallax.run SET state = 'discarded' WHERE run_id = $1", [.int(number.rawValue)])
            }
        }
    }

    /// Holds the source as a run does, for the length of the body.
    private func takingHeld(
        _ number: RunNumber, _ body: (CatalogSource, CatalogRun, Cut) throws(ParallaxError) -> Void
    ) throws(ParallaxError) -> CatalogSource {
        guard
            let row = try connection.query(
                """
                SELECT r.state, s.name, r.is_full, r.slice, r.base_run, r.base_slice, r.cut FROM parallax.run r
                JOIN parallax.source s USING (source_id) WHERE r.run_id = $1
                """, [.int(number.rawValue)]
            ).rows.first
        else { throw ParallaxError(.usage, "there is no run \(number)", hint: "parallax batch list shows those that there are") }
        guard row[0] == RunState.held.rawValue else {
            throw ParallaxError(.usage, "run \(number) is not held: it is \(row[0] ?? "unknown")")
        }
        let source = try self.source(named: row[1] ?? "")
        let run = CatalogRun(
            number: number, sourceID: source.id, isFull: row.bool(2) ?? false, slice: SliceNumber(row.int(3) ?? 0),
            base: Published(run: RunNumber(row.int(4) ?? 0), slice: SliceNumber(row.int(5) ?? 0)))
        guard
            try connection.query("SELECT pg_try_advisory_lock(\(LockClass.run), $1::int)", [.int(source.id)]).rows[0].bool(0) ?? false
        else { throw ParallaxError(.busy, "somebody works on source \"\(source.name)\" already", hint: "parallax batch list") }
        do {
            try connection.transaction { () throws(ParallaxError) in
                let state = try connection.query(
                    """
                    SELECT r.state FROM parallax.source s JOIN parallax.run r ON r.run_id = $2 WHERE s.source_id = $1 FOR NO KEY UPDATE OF s
                    """, [.int(source.id), .int(number.rawValue)]
                ).rows.first?[0]
                // The base cannot have moved: nothing is published or reverted while a run is held.
                guard state == RunState.held.rawValue, source.published == run.base else {
                    throw ParallaxError(.usage, "run \(number) is not held any more")
                }
                try connection.query(
                    "UPDATE parallax.source SET active_run = $2 WHERE source_id = $1", [.int(source.id), .int(number.rawValue)])
            }
            try body(source, run, try row[6].map { text throws(ParallaxError) in try Self.cut(json: text) } ?? Cut())
        } catch {
            try? endRun(run)
            throw error
        }
        try endRun(run)
        return source
    }
}
