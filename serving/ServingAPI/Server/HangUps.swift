import NIOCore
import Synchronization

/// Who wants to know that a client has gone: requests under way, by their connection.
///
/// Hummingbird's own way reads the connection for it, and the connection cannot be used for another request afterwards.
final class HangUps: Sendable {
    private struct State {
        var waiting: [ObjectIdentifier: [UInt64: @Sendable () -> Void]] = [:]
        var number: UInt64 = 0
        var stalled = 0
    }
    private let state = Mutex(State())

    /// By the connection's handler: the client closed its side, or all of it.
    func happened(on channel: any Channel) {
        let waiting = state.withLock { $0.waiting.removeValue(forKey: ObjectIdentifier(channel)) }
        waiting?.values.forEach { $0() }
    }

    /// Clients that were let go because they took nothing of their answer.
    var stalled: Int { state.withLock(\.stalled) }
    func hasStalled() { state.withLock { $0.stalled += 1 } }

    /// Runs the body; its task is cancelled when the client hangs up.
    func watch<R: Sendable>(_ channel: any Channel, _ body: @escaping @Sendable () async throws -> R) async throws -> R {
        let task = Task { try await body() }
        let id = ObjectIdentifier(channel)
        let number = state.withLock { state in
            state.number += 1
            state.waiting[id, default: [:]][state.number] = { task.cancel() }
            return state.number
        }
        defer {
            state.withLock { state in
                state.waiting[id]?[number] = nil
                if state.waiting[id]?.isEmpty == true { state.waiting[id] = nil }
            }
        }
        // It may have gone before anybody watched.
        if !channel.isActive { task.cancel() }
        return try await withTaskCancellationHandler {
            try await task.value
        } onCancel: {
            task.cancel()
        }
    }
}
