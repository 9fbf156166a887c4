import Dispatch
import Foundation
import Glibc
import ParallaxCore
import Postgres
import Synchronization

/// Says that a process lives, on a thread and a connection of its own: a flush that takes minutes, or tables that load for longer than the lease, are not
/// the end of it. A process that stands still stops saying so.
///
/// A thread that does the work ticks. Where it has done neither that nor waited for PostgreSQL for as long as the lease, it hangs, and the heartbeat is
/// silent, too: somebody else should have what it owns.
///
/// Each beat also ends the sessions of others that died in the midst of a transaction: this process' next write may wait for one of their rows.
public final class Heartbeat: Sendable {
    private struct Pulse {
        var lastTick = ContinuousClock.now
        var waits = 0
        var isStopped = false
    }
    private let pulse = Mutex(Pulse())
    private let wake = DispatchSemaphore(value: 0)
    private let ended = DispatchSemaphore(value: 0)
    private let dsn: String
    private let worker: WorkerID
    private let lease: Duration
    private let report: @Sendable (Notice) -> Void

    public enum Notice: Sendable {
        case ended(DeadSession)
        /// It goes on trying.
        case failed(ParallaxError)

        /// For the log of whoever lives by it.
        /// - Parameter who: what it is: "run".
        public func words(of who: String) -> String {
            switch self {
            case .ended(let session): session.text
            case .failed(let error): "others may take this \(who) for dead: it cannot say that it lives: \(error)"
            }
        }
    }

    /// - Parameters:
    ///   - worker: entered by `registerWorker`.
    ///   - report: called on the heartbeat's thread.
    public init(dsn: String, worker: WorkerID, lease: Duration, report: @escaping @Sendable (Notice) -> Void) {
        self.dsn = dsn
        self.worker = worker
        self.lease = lease
        self.report = report
        Thread.detachNewThread { [self] in
            run()
            ended.signal()
        }
    }

    /// The working thread moves.
    public func tick() { pulse.withLock { $0.lastTick = .now } }

    /// What may take as long as it likes: statements, above all.
    public func during<R>(_ body: () throws(ParallaxError) -> R) throws(ParallaxError) -> R {
        pulse.withLock { $0.waits += 1 }
        defer {
            pulse.withLock {
                $0.waits -= 1
                $0.lastTick = .now
            }
        }
        return try body()
    }

    /// For whoever has no thread that ticks.
    public func worksThroughout() { pulse.withLock { $0.waits += 1 } }

    /// Returns when the thread has ended: no beat comes after it.
    public func stop() {
        pulse.withLock { $0.isStopped = true }
        wake.signal()
        ended.wait()
        ended.signal()
    }

    private func run() {
        var connection: Connection?
        defer { connection?.close() }
        var wasReported = false
        while !pulse.withLock({ $0.isStopped }) {
            var pause = lease / 3
            if pulse.withLock({ $0.waits > 0 || .now - $0.lastTick < lease }) {
                do throws(ParallaxError) {
                    let open: Connection
                    if let connection { open = connection } else { open = try Connection(dsn, applicationName: "parallax heartbeat") }
                    connection = open
                    try Catalog(open).beat(worker, lease: lease)
                    for session in try Catalog(open).endDeadSessions(holding: .writing) { report(.ended(session)) }
                    wasReported = false
                } catch {
                    connection?.close()
                    connection = nil
                    if !wasReported { report(.failed(error)) }
                    wasReported = true
                    pause = min(pause, .milliseconds(500))
                }
            }
            _ = wake.wait(timeout: .now() + .nanoseconds(pause.nanoseconds))
        }
    }

    /// This machine's name, for people.
    public static func host() -> String {
        var name = [CChar](repeating: 0, count: 256)
        guard gethostname(&name, name.count - 1) == 0 else { return "unknown" }
        return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
