import Dispatch
import NIOCore
import ParallaxCore
import Synchronization

/// Bytes on their way from a thread that blocks to a task that does not: at most `capacity` chunks wait, and the thread waits for room.
///
///     producer   head ─► chunk ─► chunk ─► finish            one thread
///     consumer   head(), next(), next(), nil                  one task; cancel() at any time
///
/// Whoever takes nothing for `patience` is given up: the producer's next `send` throws.
final class ChunkChannel<Head: Sendable>: Sendable {
    private struct State {
        var head: Head?
        var chunks: [ByteBuffer] = []
        var end: Result<Void, any Error>?
        var isCancelled = false
        var waiting: CheckedContinuation<Void, Never>?
        /// Grows with each change, so that one between a look and a wait is not missed.
        var changes = 0
    }

    private let capacity: Int
    private let patience: Duration
    private let state = Mutex(State())
    private let room: DispatchSemaphore

    init(capacity: Int, patience: Duration) {
        self.capacity = capacity
        self.patience = patience
        room = DispatchSemaphore(value: capacity)
    }

    deinit {
        // A semaphore must not be freed below the value that it was made with.
        for _ in 0..<capacity { room.signal() }
    }

    // MARK: the producer's side

    func send(head: Head) { change { $0.head = head } }

    /// A connection that died is tried again by its pool: not where a part of the answer is on its way.
    func beginOnce() throws(ParallaxError) {
        guard state.withLock({ $0.head == nil }) else {
            throw ParallaxError(.unavailable, "the connection to PostgreSQL was lost in the midst of the answer", isRetriable: false)
        }
    }

    /// Blocks the calling thread while there is no room.
    func send(_ chunk: ByteBuffer) throws(ParallaxError) {
        guard room.wait(timeout: .now() + .nanoseconds(patience.nanoseconds)) == .success else {
            throw ParallaxError(.cancelled, "the client took nothing for \(patience.rough)")
        }
        var isCancelled = false
        change { state in
            isCancelled = state.isCancelled
            if !isCancelled { state.chunks.append(chunk) }
        }
        if isCancelled { throw ParallaxError(.cancelled, "the client is gone") }
    }

    func finish(_ result: Result<Void, any Error>) { change { $0.end = $0.end ?? result } }

    private func change(_ body: (inout State) -> Void) {
        let waiting = state.withLock { state in
            body(&state)
            state.changes += 1
            defer { state.waiting = nil }
            return state.waiting
        }
        waiting?.resume()
    }

    // MARK: the consumer's side

    /// Throws what ended the producer before there was one.
    func head() async throws -> Head {
        try await look { state in
            if let head = state.head { return .success(head) }
            switch state.end {
            case .failure(let error): return .failure(error)
            case .success: return .failure(ParallaxError(.internalInconsistency, "an answer ended before it began"))
            case nil: return nil
            }
        }
    }

    /// Nil at the end.
    func next() async throws -> ByteBuffer? {
        try await look { state in
            if !state.chunks.isEmpty {
                self.room.signal()
                return .success(state.chunks.removeFirst())
            }
            switch state.end {
            case .failure(let error): return .failure(error)
            case .success: return .success(nil)
            case nil: return nil
            }
        }
    }

    /// Ends the answer where it has not begun; says whether it did.
    func giveUp(_ error: any Error) -> Bool {
        var isGivenUp = false
        change { state in
            guard state.head == nil, state.end == nil else { return }
            state.end = .failure(error)
            isGivenUp = true
        }
        return isGivenUp
    }

    func cancel() {
        change { $0.isCancelled = true }
        room.signal()
    }

    /// Asks again after each change until there is an answer.
    private func look<R>(_ find: (inout State) -> Result<R, any Error>?) async throws -> R {
        while true {
            let (found, changes) = state.withLock { state in (find(&state), state.changes) }
            if let found { return try found.get() }
            await withCheckedContinuation { continuation in
                let isLate = state.withLock { state in
                    if state.changes != changes { return true }
                    state.waiting = continuation
                    return false
                }
                if isLate { continuation.resume() }
            }
        }
    }
}
