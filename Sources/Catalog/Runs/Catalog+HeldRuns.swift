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
    public func maxDrifts(ofSource id: SourceID) throws(ParallaxError) -> [String: Double] {
        let rows = try connection.query(
            "SELECT name, max_drift FROM parallax.view WHERE source_id = $1 AND max_drift IS NOT NULL", [.source(id)]
        ).rows
        return Dictionary(uniqueKeysWithValues: try rows.map { row throws(ParallaxError) in (try row.text(0), try row.double(1)) })
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
    public func heldRun(ofSource id: SourceID) throws(ParallaxError) -> (number: RunNumber, reason: String)? {
        try connection.query(
            "SELECT run_id, held_reason FROM parallax.run WHERE source_id = $1 AND state = 'held' ORDER BY run_id DESC LIMIT 1",
            [.source(id)]
        ).rows.first.map { row throws(ParallaxError) in (try row.run(0), try row.text(1)) }
    }

    /// Throws where a run of the source is held.
    func checkNoneIsHeld(ofSource id: SourceID, name: String, _ what: String) throws(ParallaxError) {
        guard let (number, reason) = try heldRun(ofSource: id) else { return }
        throw ParallaxError(
            .busy, "run \(number) of source \"\(name)\" is held: \(what)", detail: reason,
            hint: "publish it: parallax batch publish \(number); or throw it away: parallax batch discard \(number)", isRetriable: false)
    }

    /// Publishes a held run, as it would have been. Returns its source.
    ///
    /// - Parameter afterwards: what a run does behind its publication; the source is let go then.
    public func publishHeld(
        _ number: RunNumber, refreshServing: (Connection) throws(ParallaxError) -> Void,
        afterwards: (CatalogSource, Cut) -> Void = { _, _ in }
    ) throws(ParallaxError) -> CatalogSource {
        try takingHeld(number, "run \(number) was not published") { (source, run, cut) throws(ParallaxError) in
            guard let cut else { throw ParallaxError(.internalInconsistency, "run \(number) is held and has no cut") }
            // Its rows are what changed since its base. None but a run and a revert moves that, and neither may while a run is held.
            guard
                try connection.query(
                    "SELECT 1 FROM parallax.published WHERE source_id = $1 AND run = $2 AND slice = $3",
                    [.source(source.id), .int(run.base.run.rawValue), .int(run.base.slice.rawValue)]
                ).rows.count == 1
            else {
                throw ParallaxError(
                    .usage, "run \(number) cannot be published: what it was computed from is not published any more",
                    detail: "it began with publication \(run.base.run)", hint: "parallax batch discard \(number), then parallax batch run")
            }
            try publish(run, cut: cut, refreshServing: refreshServing)
            afterwards(source, cut)
        }
    }

    /// Erases what a held run has staged; what is published is served on, whatever that is by now.
    public func discardHeld(_ number: RunNumber) throws(ParallaxError) -> CatalogSource {
        try takingHeld(number, "run \(number) was not discarded") { (source, run, _) throws(ParallaxError) in
            try connection.transaction { () throws(ParallaxError) in
                try checkFence(run)
                try eraseRuns(after: try lockedSource(source.id).published.run, source: source.id)
                try connection.query("UPDATE parallax.run SET state = 'discarded' WHERE run_id = $1", [.int(number.rawValue)])
                try audit(.discard, run: number, source: source.id)
            }
        }
    }

    /// Holds the source as a run does, for the length of the body.
    private func takingHeld(
        _ number: RunNumber, _ task: String, _ body: (CatalogSource, CatalogRun, Cut?) throws(ParallaxError) -> Void
    ) throws(ParallaxError) -> CatalogSource {
        guard
            let row = try connection.query(
                """
                SELECT s.name, r.is_full, r.slice, r.base_run, r.base_slice, r.cut FROM parallax.run r
                JOIN parallax.source s USING (source_id) WHERE r.run_id = $1
                """, [.int(number.rawValue)]
            ).rows.first
        else { throw ParallaxError(.usage, "there is no run \(number)", hint: "parallax batch list shows those that there are") }
        let source = try self.source(named: row.text(0))
        let run = try CatalogRun(
            number: number, sourceID: source.id, isFull: row.bool(1), slice: row.slice(2),
            base: Published(run: row.run(3), slice: row.slice(4)))
        // What a run says of itself before it is held stays as it is; only its state is looked at again under the lock.
        try claim(source, task)
        do throws(ParallaxError) {
            let state = try connection.transaction { () throws(ParallaxError) -> String? in
                _ = try lockedSource(source.id)
                try endInterruptedRuns(ofSource: source.id)
                let state = try connection.query("SELECT state FROM parallax.run WHERE run_id = $1", [.int(number.rawValue)]).rows.first?[0]
                guard state == RunState.held.rawValue else { return state }
                try setActiveRun(number, source: source.id)
                return state
            }
            guard state == RunState.held.rawValue else {
                throw ParallaxError(.usage, "run \(number) is not held: it is \(state ?? "gone")")
            }
            try body(source, run, try row[5].map { text throws(ParallaxError) in try Self.cut(json: text) })
        } catch {
            // Lets go only: the run stays held.
            try? endRun(run)
            throw error
        }
        try endRun(run)
        return source
    }
}
