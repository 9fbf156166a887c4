import Synchronization

/// Lets so many in at a time, and the others wait in a line: first come, first in.
///
/// Streams begin behind it. When a server comes up, all clients come back at once: each of them holds a slot already, so the line is bounded, and those who
/// ask for rows find connections free. A browser would not come back after a "busy".
final class Turnstile: Sendable {
    private struct State {
        var inside = 0
        var line: [(number: UInt64, waiting: CheckedContinuation<Bool, Never>)] = []
        var number: UInt64 = 0
    }

    private let places: Int
    private let state = Mutex(State())

    init(places: Int) { self.places = places }

    var waiting: Int { state.withLock(\.line.count) }

    /// Throws `CancellationError` where the task is cancelled in the line.
    func pass<R: Sendable>(_ body: @Sendable () async throws -> R) async throws -> R {
        guard await enter() else { throw CancellationError() }
        defer { leave() }
        return try await body()
    }

    private func enter() async -> Bool {
        let number = state.withLock { state in
            state.number += 1
            return state.number
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isIn: Bool? = state.withLock { state in
                    // Cancelled before it stood in the line: nobody would take it out.
                    if Task.isCancelled { return false }
                    if state.inside < places {
                        state.inside += 1
                        return true
                    }
                    state.line.append((number, continuation))
                    return nil
                }
                if let isIn { continuation.resume(returning: isIn) }
            }
        } onCancel: {
            let left = state.withLock { state in
                state.line.firstIndex { $0.number == number }.map { state.line.remove(at: $0).waiting }
            }
            left?.resume(returning: false)
        }
    }

    private func leave() {
        let next = state.withLock { state -> CheckedContinuation<Bool, Never>? in
            // The place goes to whoever is next.
            if !state.line.isEmpty { return state.line.removeFirst().waiting }
            state.inside -= 1
            return nil
        }
        next?.resume(returning: true)
    }
}
