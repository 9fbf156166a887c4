import ParallaxCore
import Postgres

/// Who may change what a source publishes: one session at a time.
///
///     session lock   active_run   what it means
///     taken          set          a run is under way, or a held run is published or discarded
///     taken          null         a publication is being reverted, or another log adopted
///     free           set          a run died: whoever takes the lock next ends it in the records, and goes on
///     free           null         nobody
///
/// The lock vanishes with its holder's session, `active_run` does not: the lock says who may begin, `active_run` fences those who began before.
///
/// A statement that waits for a row sees that row as it is after the wait, and all others as they were before: so what the source's row protects
/// (the pointer, its runs and publications) is read by a later statement than the one that locks it. `lockedSource` does both.
extension Catalog {
    /// Takes the source's session lock, for the length of the body. Throws `.busy`, naming the session, where another has it.
    ///
    /// - Parameter task: what is refused then, for the error's first line: "source … was not reverted".
    public func claiming<R>(
        _ source: CatalogSource, _ task: String, _ body: () throws(ParallaxError) -> R
    ) throws(ParallaxError) -> R {
        try claim(source, task)
        defer { letGo(source.id) }
        return try body()
    }

    func claim(_ source: CatalogSource, _ task: String) throws(ParallaxError) {
        if try lockRun(ofSource: source.id) { return }
        // Asked at once: whoever has it may let go at any moment.
        var error = try isTaken(source, task)
        // A dead run does not. A session that is told to end does so at its next chance.
        let dead = try endDeadSessions(holding: .runOf(source: source.id))
        if dead.contains(where: { $0.refusal == nil }) {
            let deadline = ContinuousClock.now + Self.endOfSessionDeadline
            while ContinuousClock.now < deadline {
                if try lockRun(ofSource: source.id) { return }
                _ = try connection.query("SELECT pg_sleep(0.02)")
            }
        }
        if !dead.isEmpty { error.detail = ([error.detail].compactMap(\.self) + dead.map(\.text)).joined(separator: "\n") }
        throw error
    }

    /// The session lock of a source's run, if it is free.
    private func lockRun(ofSource id: SourceID) throws(ParallaxError) -> Bool {
        try connection.query("SELECT pg_try_advisory_lock(\(LockClass.run), $1::int)", [.source(id)]).rows[0].bool(0)
    }

    private static let endOfSessionDeadline = Duration.seconds(10)

    /// The first error is the news: a session that is gone has let go already.
    func letGo(_ source: SourceID) { _ = try? connection.execute("SELECT pg_advisory_unlock(\(LockClass.run), \(source))") }

    /// Step 2 of the lock order: the source's row, until the transaction ends (foreign keys to it pass: workers go on writing). Returns the run that has
    /// it. Throws `.fenced` where the source is not there any more.
    @discardableResult
    func lockSource(_ id: SourceID) throws(ParallaxError) -> RunNumber? {
        let row = try connection.query(
            "SELECT active_run FROM parallax.source WHERE source_id = $1 FOR NO KEY UPDATE", [.source(id)]
        ).rows.first
        guard let row else { throw Self.sourceIsGone(id) }
        return try row.optionalRun(0)
    }

    /// The same, and then what it protects.
    func lockedSource(_ id: SourceID) throws(ParallaxError) -> (activeRun: RunNumber?, published: Published) {
        let run = try lockSource(id)
        return (run, try published(ofSource: id))
    }

    /// Inside the transaction that has locked the source.
    func setActiveRun(_ run: RunNumber, source id: SourceID) throws(ParallaxError) {
        try connection.query("UPDATE parallax.source SET active_run = $2 WHERE source_id = $1", [.source(id), .int(run.rawValue)])
    }

    private func published(ofSource id: SourceID) throws(ParallaxError) -> Published {
        let pointer = try connection.query("SELECT run, slice FROM parallax.published WHERE source_id = $1", [.source(id)]).rows.first
        guard let pointer else { throw Self.sourceIsGone(id) }
        return try Published(run: pointer.run(0), slice: pointer.slice(1))
    }

    /// Ends the source's runs that did not end: they died. Only for whoever holds the session lock, in the transaction that has locked the source.
    func endInterruptedRuns(ofSource id: SourceID) throws(ParallaxError) {
        try connection.query(
            """
            UPDATE parallax.run SET state = 'failed', finished_at = clock_timestamp(), error = coalesce(error, 'interrupted')
            WHERE source_id = $1 AND state IN ('requested', 'archiving', 'computing', 'staged')
            """, [.source(id)])
        try connection.query("UPDATE parallax.source SET active_run = NULL WHERE source_id = $1", [.source(id)])
    }

    /// The condition that some session has taken the source.
    static func isClaimed(_ source: String) -> String { "EXISTS (SELECT FROM pg_catalog.pg_locks l WHERE \(isClaim("l", source)))" }

    private static func isClaim(_ lock: String, _ source: String) -> String {
        """
        \(lock).locktype = 'advisory' AND \(lock).granted AND \(lock).objsubid = 2 AND \(lock).classid::bigint = \(LockClass.run) \
        AND \(lock).objid::bigint = \(source) \
        AND \(lock).database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
        """
    }

    private func isTaken(_ source: CatalogSource, _ task: String) throws(ParallaxError) -> ParallaxError {
        let run = try connection.query(
            """
            SELECT format('run %s since %s', r.run_id, to_char(r.started_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS "UTC"'))
            FROM parallax.source s JOIN parallax.run r ON r.run_id = s.active_run WHERE s.source_id = $1
            """, [.source(source.id)]
        ).rows.first?[0]
        // A client that was killed while its server worked for it is seen by the server when it next writes to it, or asks after it.
        let session = try connection.query(
            """
            SELECT a.pid, format('process %s of PostgreSQL (%s, user %s) has it, since %s', a.pid,
                                 coalesce(nullif(a.application_name, ''), 'without a name'), a.usename,
                                 to_char(a.backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS "UTC"'))
            FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid WHERE \(Self.isClaim("l", "$1"))
            """, [.source(source.id)]
        ).rows.first
        var hint = "one run at a time: wait for it (parallax batch list)"
        if let session { hint += "; a session that hangs is ended by SELECT pg_terminate_backend(\(try session.text(0)))" }
        return ParallaxError(
            .busy, "another run holds source \"\(source.name)\": \(task)",
            detail: [run, session?[1]].compactMap(\.self).joined(separator: "\n"), hint: hint)
    }
}
