import Catalog
import Logging
import ParallaxCore
import SpeedLayer
import Synchronization
import ViewLanguage

/// What the loop of one worker was given, and what it tells.
struct WorkerContext: Sendable {
    let id: WorkerID
    let dsn: String
    let openLog: @Sendable (SourceDefinition) throws(ParallaxError) -> any EventLog
    var assignments = Assignments { (_) throws(ParallaxError) in nil }
    let settings: SpeedSettings
    let clock: any WorkerClock
    let logger: Logger
    let stop: StopSignal
    let statistics: SharedStatistics
    /// Nil: nobody would take this worker for dead.
    var heartbeat: Heartbeat?

    var now: Duration { clock.elapsed() }
    func wait(_ time: Duration) { _ = try? during { () throws(ParallaxError) in clock.wait(time, or: stop) } }

    /// What may take longer than the lease.
    func during<R>(_ body: () throws(ParallaxError) -> R) throws(ParallaxError) -> R {
        guard let heartbeat else { return try body() }
        return try heartbeat.during(body)
    }
}

/// One for each source, for as long as the worker lives: a session that is lost does not leave the group.
final class Assignments: Sendable {
    private let make: @Sendable (SourceDefinition) throws(ParallaxError) -> (any PartitionAssignment)?
    private let made = Mutex<[String: any PartitionAssignment]>([:])

    init(_ make: @escaping @Sendable (SourceDefinition) throws(ParallaxError) -> (any PartitionAssignment)?) { self.make = make }

    func assignment(of source: SourceDefinition) throws(ParallaxError) -> (any PartitionAssignment)? {
        if let known = made.withLock({ $0[source.name] }) { return known }
        guard let new = try make(source) else { return nil }
        made.withLock { $0[source.name] = new }
        return new
    }

    /// Forgets a source that is gone.
    func leave(_ source: String) { made.withLock { $0.removeValue(forKey: source) }?.leave() }

    func leaveAll() {
        let all = made.withLock { made in
            defer { made = [:] }
            return made
        }
        for assignment in all.values { assignment.leave() }
    }
}

/// Written by the worker's thread, read by any.
final class SharedStatistics: Sendable {
    private let current = Mutex(SpeedStatistics())
    var snapshot: SpeedStatistics { current.withLock { $0 } }
    func update(_ change: (inout SpeedStatistics) -> Void) { current.withLock { change(&$0) } }
}

/// What a worker works for.
enum Goal: Sendable {
    case untilStopped
    /// Until everything is committed that the logs held when the worker first saw them.
    case untilCaughtUp
}
