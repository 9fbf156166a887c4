import ParallaxCore
import Synchronization

/// Who appends to one source's log now, who waits for their turn, and who is refused. Each source has its own: a log that stands still keeps nobody else waiting.
///
///     enters ──a turn is free──► appends ──leaves──► the first who waits appends
///       └──others have them all──► waits      └──too many wait──► refused
struct WriteGateState: Sendable {
    enum Answer: Sendable, Equatable { case go, wait, refused }

    /// Appends at a time. They share syncs, so more of them make each cheaper; each has a thread.
    let turns: Int
    /// Requests that wait for one, with their bodies in memory.
    let places: Int
    private(set) var taken = 0
    private(set) var waiting = 0

    init(turns: Int, places: Int) {
        self.turns = turns
        self.places = places
    }

    mutating func enter() -> Answer {
        if taken < turns {
            taken += 1
            return .go
        }
        guard waiting < places else { return .refused }
        waiting += 1
        return .wait
    }

    /// True: the turn goes on to the first who waits.
    mutating func leave() -> Bool {
        guard waiting > 0 else {
            taken -= 1
            return false
        }
        waiting -= 1
        return true
    }
}

/// The gate's lock, and the tasks that wait at it, in their order. Nobody leaves the line: what is before them ends by itself.
final class WriteGate: Sendable {
    private struct State {
        var gate: WriteGateState
        /// In their order, from `next` on.
        var line: [CheckedContinuation<Bool, Never>] = []
        var next = 0
    }

    private let state: Mutex<State>

    init(turns: Int, places: Int) { state = Mutex(State(gate: WriteGateState(turns: turns, places: places))) }

    /// Throws 429 where too many wait.
    func enter() async throws(Problem) {
        let isIn = await withCheckedContinuation { continuation in
            let answer = state.withLock { state in
                let answer = state.gate.enter()
                if answer == .wait { state.line.append(continuation) }
                return answer
            }
            if answer != .wait { continuation.resume(returning: answer == .go) }
        }
        guard !isIn else { return }
        throw Problem(
            .tooManyRequests, "too_many_writes", "too many writes to this source wait",
            hint: "try again in a moment, with more events in a body",
            retryAfterSeconds: 1)
    }

    func leave() {
        let next = state.withLock { state -> CheckedContinuation<Bool, Never>? in
            guard state.gate.leave() else { return nil }
            let next = state.line[state.next]
            state.next += 1
            // What was served is let go when it is the larger part.
            if state.next * 2 > state.line.count {
                state.line.removeFirst(state.next)
                state.next = 0
            }
            return next
        }
        next?.resume(returning: true)
    }
}
