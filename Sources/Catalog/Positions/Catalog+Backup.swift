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
        guard try connection.query("SELECT pg_try_advisory_lock\(lock)").rows[0].bool(0) == true else { return false }
        defer { _ = try? connection.execute("SELECT pg_advisory_unlock\(lock)") }
        try body()
        return true
    }
}
