import Catalog
import Logging
import ParallaxCore
import SpeedLayer
import ViewLanguage

/// Reads logs and keeps the live states of all views up to date, for the partitions that it can get: one thread, one connection.
///
/// Everything that it knows is in the catalog with every flush: it may be killed at any moment, and the next one goes on. It never writes
/// anything a second time from memory: after whatever failure it reads the records again from the committed position.
public final class SpeedWorker: Sendable {
    private let context: WorkerContext

    /// - Parameters:
    ///   - openLog: called on the worker's thread, once for each source that the catalog has. A log that is not there (yet) is a
    ///     `ParallaxError`; it is asked for again.
    ///   - assignment: called likewise; nil: this worker takes every partition of the source that is free.
    public init(
        id: WorkerID, dsn: String, openLog: @escaping @Sendable (SourceDefinition) throws(ParallaxError) -> any EventLog,
        assignment: @escaping @Sendable (SourceDefinition) throws(ParallaxError) -> (any PartitionAssignment)? = {
            (_) throws(ParallaxError) in nil
        },
        settings: SpeedSettings = SpeedSettings(), clock: any WorkerClock = SystemClock(), logger: Logger
    ) {
        context = WorkerContext(
            id: id, dsn: dsn, openLog: openLog, assignments: Assignments(assignment), settings: settings, clock: clock, logger: logger,
            stop: StopSignal(),
            statistics: SharedStatistics())
    }

    /// Works until `stop` is called or the task is cancelled; then writes what it has read and gives its partitions back.
    ///
    /// Waits and tries again where PostgreSQL or a log is away for a while, or PostgreSQL refuses a source's rows (`SpeedStatistics.refused`): the other
    /// sources go on. Throws what no waiting heals: wrong credentials, a catalog of another version.
    public func run() async throws { try await run(.untilStopped) }

    /// Works until everything is committed that the logs held when it began, also by other workers.
    /// Throws as `run` does, and where a partition or a log cannot be read, PostgreSQL refuses what was read, or nothing succeeds for `giveUpAfter`.
    public func runUntilCaughtUp() async throws { try await run(.untilCaughtUp) }

    /// From any thread. `run` returns when the last flush is written (or could not be).
    public func stop() { context.stop.give() }

    public var statistics: SpeedStatistics { context.statistics.snapshot }

    /// The same on the calling thread.
    func work(_ goal: Goal) throws(ParallaxError) { try WorkerLoop(context, goal).run() }

    private func run(_ goal: Goal) async throws {
        try await withTaskCancellationHandler {
            try await onOwnThread(name: "speed") { try self.work(goal) }
        } onCancel: {
            context.stop.give()
        }
    }
}
