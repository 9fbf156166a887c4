import Glibc
import ParallaxCore
import Postgres

/// The one order in which transactions lock what several of them change. Whoever needs several of these takes them from the top down.
///
///     1  LockClass.apply        one change of definitions at a time
///     2  parallax.source        rows, in the order of their ids: what a run holds while it stages, compares and publishes
///     3  dimension.*, the user's tables      (DDL)
///     4  LockClass.serving      one writer of the merged views at a time
///     5  serving.*              (DDL) each waits for those who read the view; and views of others on it, where it is made anew
///     6  parallax.partition_position         rows, in the order (source, partition): what a flush holds
///     7  rows of the state tables, touched windows, rejections, versions that go
///     8  parallax.watermark              the source's row, for the number of a change: the last act of whatever changes answers
///
/// A flush holds 6 and takes 7 and 8; a run holds 2 and takes 4, 5 or 6. A change of definitions takes all of them, and 6 as the last: then it waits
/// for no reader any more, so that flushes stand still for as long as a few statements take, whoever reads a view. The position rows are taken source
/// by source: a flush under way is waited for up to `LockPatience.flushTimeout`, and the sources before it stand still as long.
///
/// LockClass.trimming is in no step: whoever holds anything else only tries it, and a backup waits for it holding nothing.
///
/// State tables (`speed.*`, `batch.*`) are in no step: they are dropped when no version names them any more, in transactions that hold nothing
/// else.
///
/// What is waited for in 1 to 5 may last (a dashboard's long SELECT, a run's staging). Each wait ends after `LockPatience.timeout`: PostgreSQL
/// lets later readers queue behind a waiting DDL statement, and they should not have to for long. Then everything is given back, and tried
/// again from the top.
///
/// Not promised: that two transactions never meet in a circle. Rows that two statements of other people's take in another order are PostgreSQL's
/// deadlock detector's; who is its victim tries again.
public struct LockPatience: Sendable {
    /// How long a lock is waited for in one try. Shorter than PostgreSQL's deadlock_timeout: where a reader and a change meet in a circle, the change
    /// should be the one that gives way.
    public var timeout: Duration = .milliseconds(500)
    /// Tries before `.busy` is thrown: with a second's wait between them a minute and a half.
    public var tries: Int
    /// How long flushes are waited for, which come and go.
    public var flushTimeout: Duration = .seconds(10)
    /// Between two tries, when nothing is locked. What it throws is thrown on, and nothing was changed.
    public var wait: @Sendable (LockTrouble) throws(ParallaxError) -> Void

    public init(
        tries: Int = 60, wait: @escaping @Sendable (LockTrouble) throws(ParallaxError) -> Void = { (_) throws(ParallaxError) in pause() }
    ) {
        self.tries = tries
        self.wait = wait
    }

    /// A second, on the calling thread.
    public static func pause() {
        var time = timespec(tv_sec: 1, tv_nsec: 0)
        nanosleep(&time, nil)
    }
}

/// A try that could not have its locks.
public struct LockTrouble: Sendable, Hashable {
    public var failedTries: Int
    public var tries: Int
    /// Who may be in the way, for people: the sessions with the longest transactions that hold something here.
    public var holders: [String]

    public init(failedTries: Int, tries: Int, holders: [String]) {
        self.failedTries = failedTries
        self.tries = tries
        self.holders = holders
    }
}

extension Catalog {
    /// A transaction that changes what others read, in tries (see `LockPatience`). Throws `.busy` where the locks cannot be had; then nothing is
    /// changed.
    ///
    /// - Parameter what: the first half of that error's sentence.
    func changing<R>(_ what: String, _ body: () throws(ParallaxError) -> R) throws(ParallaxError) -> R {
        var failedTries = 0
        while true {
            do {
                return try connection.transaction("BEGIN; SET LOCAL lock_timeout = \(Self.milliseconds(patience.timeout))", body)
            } catch {
                guard error.isLockTrouble else { throw error }
                failedTries += 1
                // The dead let go of nothing by themselves.
                let dead = (try? endDeadSessions(holding: .anything)) ?? []
                let trouble = LockTrouble(
                    failedTries: failedTries, tries: patience.tries, holders: dead.map(\.text) + ((try? lockHolders()) ?? []))
                guard failedTries < patience.tries else {
                    throw ParallaxError(
                        .busy, "\(what): others hold what it changes, in \(failedTries) tries of \(patience.timeout)",
                        detail: trouble.holders.isEmpty ? error.message : trouble.holders.joined(separator: "\n"),
                        hint: "wait for them, or end them (SELECT pg_terminate_backend(process)), and try again; nothing was changed")
                }
                try patience.wait(trouble)
            }
        }
    }

    /// Step 2 of the order: no run stages or publishes before this transaction ends.
    func lockSources() throws(ParallaxError) {
        try connection.execute("SELECT 1 FROM parallax.source ORDER BY source_id FOR NO KEY UPDATE")
    }

    /// Step 6 of the order: no flush of the source begins or ends, and no partition changes its owner, before this transaction ends.
    func holdFlushes(ofSource id: SourceID) throws(ParallaxError) {
        try connection.execute("SET LOCAL lock_timeout = \(Self.milliseconds(patience.flushTimeout))")
        try connection.query(
            "SELECT 1 FROM parallax.partition_position WHERE source_id = $1 ORDER BY partition FOR UPDATE", [.source(id)])
    }

    private static func milliseconds(_ duration: Duration) -> Int64 { max(1, duration.microseconds / 1_000) }

    private func lockHolders() throws(ParallaxError) -> [String] {
        try connection.query(
            """
            SELECT format('process %s (%s, user %s) has held %s for %s s', a.pid, coalesce(nullif(a.application_name, ''), 'without a name'),
                          a.usename, string_agg(DISTINCT n.nspname || '.' || c.relname, ', '),
                          extract(epoch FROM clock_timestamp() - a.xact_start)::bigint)
            FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
            JOIN pg_catalog.pg_class c ON c.oid = l.relation JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
            WHERE l.granted AND a.datname = current_database() AND a.pid <> pg_backend_pid() AND c.relkind IN ('r', 'v')
              AND (n.nspname IN ('serving', 'speed', 'batch') OR (n.nspname, c.relname) = ('parallax', 'source')
                   OR EXISTS (SELECT FROM parallax.dimension d WHERE (d.schema_name, d.name) = (n.nspname, c.relname)))
            GROUP BY a.pid, a.application_name, a.usename, a.xact_start ORDER BY a.xact_start LIMIT 3
            """
        ).texts(0)
    }
}

extension ParallaxError {
    /// Another transaction was in the way of a change of definitions: it can be made again as a whole.
    ///
    /// 55P03 lock_timeout, 40P01 deadlock, 40001 what it stood on has changed; `.conflict`: so we say ourselves.
    public var isLockTrouble: Bool {
        code == .conflict || [SQLState.lockNotAvailable, SQLState.deadlockDetected, SQLState.serializationFailure].contains(sqlState)
    }
}
