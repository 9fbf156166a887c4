import MergeLaw
import ParallaxCore
import Postgres

/// A run that holds its source.
public struct CatalogRun: Sendable, Hashable {
    public var number: RunNumber
    public var sourceID: SourceID
    public var isFull: Bool
    /// The slice that it asked for: its cut is where that slice starts.
    public var slice: SliceNumber
    /// What was published when it began.
    public var base: Published
}

public enum RunState: String, Sendable, CaseIterable {
    case requested, archiving, computing, staged
    /// Its drift exceeds a view's max_drift: a person publishes or discards it.
    case held
    case published, failed, reverted, discarded
}

extension Catalog {
    /// Takes the source for one run: a session lock (it vanishes with the process), erases what an unpublished run left behind, asks for a new slice
    /// and records the run. Throws `.busy` where another session holds the source, or a run of it is held.
    public func beginRun(source: CatalogSource, isFull: Bool) throws(ParallaxError) -> CatalogRun {
        try claim(source, "no other run begins")
        do {
            return try connection.transaction { () throws(ParallaxError) in
                // Where an apply has dropped it since the caller looked, this throws.
                let base = try lockedSource(source.id).published
                try checkNoneIsHeld(ofSource: source.id, name: source.name, "no other run begins before that is decided")
                try endInterruptedRuns(ofSource: source.id)
                try eraseRuns(after: base.run, source: source.id)
                let slice = try requestSlice(source: source.id)
                let number =
                    try connection.query(
                        """
                        INSERT INTO parallax.run (source_id, is_full, state, slice, base_run, base_slice, source_form)
                        VALUES ($1, $2, 'requested', $3, $4, $5, $6) RETURNING run_id
                        """,
                        [
                            .source(source.id), .bool(isFull), .int(slice.rawValue), .int(base.run.rawValue), .int(base.slice.rawValue),
                            .text(source.definition.form),
                        ]
                    ).rows[0].int(0)
                try setActiveRun(RunNumber(number), source: source.id)
                return CatalogRun(number: RunNumber(number), sourceID: source.id, isFull: isFull, slice: slice, base: base)
            }
        } catch {
            letGo(source.id)
            throw error
        }
    }

    /// Batch rows of runs after the published one: staged by a run that died, or published and then reverted. Inside a transaction.
    func eraseRuns(after run: RunNumber, source: SourceID) throws(ParallaxError) {
        for version in try versions(ofSource: source) {
            let table = StateTables(version).batchTable
            try connection.query("DELETE FROM \(table) WHERE from_run > $1", [.int(run.rawValue)])
            try connection.query(
                "UPDATE \(table) SET until_run = \(StateTables.openRun) WHERE until_run > $1 AND until_run < \(StateTables.openRun)",
                [.int(run.rawValue)])
        }
        try connection.query(
            "DELETE FROM parallax.rejected_batch WHERE source_id = $1 AND run_id > $2", [.source(source), .int(run.rawValue)])
        try followNoMore(beforeRevertsOf: source)
    }

    /// Inside a transaction: throws `.fenced` where another run has taken the source. Holds the source's row until the transaction ends, so that
    /// nobody can take it in between (but lets foreign keys to it pass: workers go on writing).
    public func checkFence(_ run: CatalogRun) throws(ParallaxError) {
        let active = try lockSource(run.sourceID)
        guard active == run.number else {
            throw ParallaxError(
                .fenced, "run \(run.number) lost its source to run \(active.map { "\($0)" } ?? "none"): nothing more was written",
                hint: "see parallax batch list")
        }
    }

    /// Where the run's slice starts, for the partitions that have got there.
    public func boundaries(of run: CatalogRun) throws(ParallaxError) -> [Partition: Offset] {
        let rows = try connection.query(
            "SELECT partition, first_offset FROM parallax.boundary WHERE source_id = $1 AND slice = $2",
            [.source(run.sourceID), .int(run.slice.rawValue)]
        ).rows
        var boundaries: [Partition: Offset] = [:]
        for row in rows { boundaries[try row.partition(0)] = try row.offset(1) }
        return boundaries
    }

    public func partitions(ofSource id: SourceID) throws(ParallaxError) -> [Partition] {
        try connection.query("SELECT partition FROM parallax.partition_position WHERE source_id = $1 ORDER BY partition", [.source(id)])
            .rows.map { row throws(ParallaxError) in try row.partition(0) }
    }

    /// Writes the boundaries that no live worker will write: partitions without an owner, or with one that is dead. Under the same fence as a
    /// flush: the epoch grows, a zombie's flush fails. The boundary is the log's end, so that the run catches up for a speed layer that is down;
    /// the worker that later takes the partition starts there.
    ///
    /// - Parameter logEnds: durable end a partition, read *before* this call. Never moves a position back.
    /// Returns the partitions whose boundary it wrote. A transaction of its own.
    public func completeBoundaries(_ run: CatalogRun, logEnds: [Partition: Offset]) throws(ParallaxError) -> [Partition] {
        try connection.transaction { () throws(ParallaxError) in
            try checkFence(run)
            let rows = try connection.query(
                """
                SELECT p.partition, p.next_offset, p.slice FROM parallax.partition_position p
                WHERE p.source_id = $1 AND p.slice < $2
                  AND NOT \(Self.ownerLives)
                ORDER BY p.partition FOR UPDATE SKIP LOCKED
                """, [.source(run.sourceID), .int(run.slice.rawValue)]
            ).rows
            var written: [Partition] = []
            for row in rows {
                let partition = try row.partition(0)
                let position = try row.offset(1)
                let boundary = max(position, logEnds[partition] ?? position)
                try closeSlices(
                    source: run.sourceID, partition: partition, from: row.slice(2), through: run.slice, at: boundary,
                    processedUntil: position)
                try connection.query(
                    """
                    UPDATE parallax.partition_position
                    SET epoch = epoch + 1, \(Self.unowned), next_offset = $3, slice = $4, log_end = greatest(log_end, $3)
                    WHERE source_id = $1 AND partition = $2
                    """,
                    [.source(run.sourceID), .int(Int64(partition.rawValue)), .int(boundary.rawValue), .int(run.slice.rawValue)])
                written.append(partition)
            }
            return written
        }
    }

    public func setState(_ run: CatalogRun, _ state: RunState, cut: Cut? = nil) throws(ParallaxError) {
        try connection.query(
            "UPDATE parallax.run SET state = $2, cut = coalesce($3::jsonb, cut) WHERE run_id = $1",
            [.int(run.number.rawValue), .text(state.rawValue), cut.map { .text(Self.cutJSON($0)) } ?? .null])
    }

    public func setStatistics(_ run: CatalogRun, json: String) throws(ParallaxError) {
        try connection.query(
            "UPDATE parallax.run SET statistics = statistics || $2::jsonb WHERE run_id = $1", [.int(run.number.rawValue), .text(json)])
    }

    static func cutJSON(_ cut: Cut) -> String {
        "{" + cut.partitions.map { "\"\($0)\": \(cut[$0])" }.joined(separator: ", ") + "}"
    }

    /// Ends the run in the records and lets the source go. For a run that failed, `error` says why.
    public func endRun(_ run: CatalogRun, error: ParallaxError? = nil) throws(ParallaxError) {
        if let error {
            try connection.query(
                """
                UPDATE parallax.run SET state = 'failed', finished_at = clock_timestamp(), error = $2
                WHERE run_id = $1 AND state NOT IN ('published', 'reverted')
                """, [.int(run.number.rawValue), .text(error.description)])
        }
        try connection.query(
            "UPDATE parallax.source SET active_run = NULL WHERE source_id = $1 AND active_run = $2",
            [.source(run.sourceID), .int(run.number.rawValue)])
        letGo(run.sourceID)
    }

    /// Versions that a run at this slice computes: those whose speed rows are complete from the slice on.
    /// The caller marks new ones with `markFirstRun` once their rows are staged.
    public func versions(for run: CatalogRun) throws(ParallaxError) -> [ViewVersion] {
        try versions(ofSource: run.sourceID).filter { $0.firstSlice <= run.slice && !$0.isRetired }
    }

    /// True where the base publication holds complete batch rows of this version, so that an incremental run may start from them.
    public func hasBatchRows(_ version: ViewVersion, at base: Published) throws(ParallaxError) -> Bool {
        let row = try connection.query("SELECT first_run FROM parallax.view_version WHERE version_id = $1", [.version(version.id)]).rows
            .first
        guard let first = try row?.optionalInt(0) else { return false }
        return first <= base.run.rawValue
    }

    /// Inside the staging transaction.
    public func markFirstRun(_ version: ViewVersion, _ run: CatalogRun) throws(ParallaxError) {
        try connection.query(
            """
            UPDATE parallax.view_version SET first_run = $2
            WHERE version_id = $1 AND (first_run IS NULL OR first_run > $3)
            """, [.version(version.id), .int(run.number.rawValue), .int(run.base.run.rawValue)])
    }
}
