import ParallaxCore
import ServiceLifecycle
import SpeedWorker

/// A long-lived part whose calls block: its body runs on a thread of its own until the group shuts down and `stop` is given.
struct ThreadService: Service {
    let name: String
    let body: @Sendable (StopSignal) throws -> Void

    func run() async throws {
        let stop = StopSignal()
        try await withTaskCancellationHandler {
            try await withGracefulShutdownHandler {
                try await onOwnThread(name: name) { [body] in try body(stop) }
            } onGracefulShutdown: {
                stop.give()
            }
        } onCancel: {
            stop.give()
        }
    }
}

/// The speed worker, stopped by the group.
struct SpeedService: Service {
    let worker: SpeedWorker

    func run() async throws {
        try await withGracefulShutdownHandler {
            try await worker.run()
        } onGracefulShutdown: {
            worker.stop()
        }
    }
}
