import Catalog
import ParallaxCore
import Postgres
import Synchronization

/// What clients that watch runs share: one question to PostgreSQL a run and half a second, whatever their number.
final class RunWatch: Sendable {
    static let believedFor = Duration.milliseconds(500)
    static let maxKept = 256

    private struct Seen {
        var run: RunStatus?
        var at: ContinuousClock.Instant
    }

    private let pool: ConnectionPool
    private let seen = Mutex<[Int64: Seen]>([:])

    init(pool: ConnectionPool) { self.pool = pool }

    /// Nil where there is no such run (any more: its source was dropped).
    func status(_ run: Int64) async throws(ParallaxError) -> RunStatus? {
        let now = ContinuousClock.now
        let isMine = seen.withLock { seen in
            if let last = seen[run], now - last.at < Self.believedFor { return false }
            if seen.count >= Self.maxKept { seen = [:] }
            // Others believe what was, until this one has asked.
            if seen[run] != nil { seen[run]?.at = now }
            return true
        }
        if !isMine { return seen.withLock { $0[run]?.run } }
        let found = try await pool.run { connection throws(ParallaxError) in
            try Catalog(connection).runs(number: RunNumber(run), limit: 1).first
        }
        seen.withLock { $0[run] = Seen(run: found, at: ContinuousClock.now) }
        return found
    }
}
