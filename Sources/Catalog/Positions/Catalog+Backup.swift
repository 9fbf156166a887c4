import ParallaxCore
import Postgres

/// A backup copies the database first and the logs behind it. What a position of the copied database has not passed must still be in the log by then.
extension Catalog {
    /// As long as this session lives, no run gives up records of a log. Waits for one that does.
    public func keepLogs() throws(ParallaxError) {
        try connection.execute("SELECT pg_advisory_lock_shared(\(LockClass.trimming), 0)")
    }

    /// Runs the body unless a backup is under way. False where one is: the next run tries again.
    public func whileLogsMayBeTrimmed(_ body: () throws(ParallaxError) -> Void) throws(ParallaxError) -> Bool {
        let lock = "(\(LockClass.trimming), 0)"
        guard try connection.query("SELECT pg_try_advisory_lock\(lock)").rows[0].bool(0) else { return false }
        defer { _ = try? connection.execute("SELECT pg_advisory_unlock\(lock)") }
        try body()
        return true
    }

    /// What changes a source's log, archive and control tables together: a backup that is made meanwhile would hold a part of it. Throws `.busy` where
    /// one is. A backup that begins meanwhile waits.
    ///
    /// The lock is tried, and never waited for (see `LockPatience`): for a moment, because a run that gives up records of a log has it, too.
    ///
    /// - Parameter task: what is refused then, for the error's first line: "the log was not adopted".
    public func whileNoBackupIsMade<R>(_ task: String, _ body: () throws(ParallaxError) -> R) throws(ParallaxError) -> R {
        let deadline = ContinuousClock.now + .seconds(2)
        while true {
            var result: R?
            let isFree = try whileLogsMayBeTrimmed { () throws(ParallaxError) in result = try body() }
            if isFree, let result { return result }
            guard ContinuousClock.now < deadline else { break }
            try connection.query("SELECT pg_sleep(0.05)")
        }
        throw ParallaxError(
            .busy, "a backup is being made: \(task)", detail: "The backup would hold a part of it.",
            hint: "wait until parallax backup has ended, and try again")
    }
}
