import Catalog
import Logging
import ParallaxCore
import Postgres

/// Sessions, one after the other, until the goal is reached. A session ends with its connection, and all of its memory with it.
struct WorkerLoop {
    private var context: WorkerContext
    private let goal: Goal

    init(_ context: WorkerContext, _ goal: Goal) {
        self.context = context
        self.goal = goal
    }

    func run() throws(ParallaxError) {
        let logger = context.logger
        let heartbeat = Heartbeat(dsn: context.dsn, worker: context.id, lease: context.settings.lease) {
            logger.warning("\($0.words(of: "worker"))")
        }
        defer { heartbeat.stop() }
        var loop = self
        loop.context.heartbeat = heartbeat
        try loop.runSessions()
    }

    private func runSessions() throws(ParallaxError) {
        defer { context.assignments.leaveAll() }
        var backoff = context.settings.backoff
        var failingSince: Duration?
        while !context.stop.isSet {
            let flushesBefore = context.statistics.snapshot.flushes
            do {
                let session = WorkerSession(context, goal, try Connection(context.dsn, applicationName: "parallax speed"))
                defer { session.close() }
                try session.run()
                return
            } catch {
                context.statistics.update {
                    $0.lastError = error
                    $0.partitionsOwned = 0
                }
                guard error.isRetriable else { throw error }
                if context.statistics.snapshot.flushes > flushesBefore {
                    backoff.succeeded()
                    failingSince = nil
                }
                let wait = backoff.failed()
                let since = failingSince ?? context.now
                failingSince = since
                if goal == .untilCaughtUp, context.now - since >= context.settings.giveUpAfter { throw error }
                context.logger.warning(
                    "the speed layer lost its session; it goes on from the committed positions",
                    metadata: [
                        "error": "\(error)", "retry_in": "\(wait)",
                    ])
                context.wait(wait)
                context.statistics.update { $0.reconnections += 1 }
            }
        }
    }
}
