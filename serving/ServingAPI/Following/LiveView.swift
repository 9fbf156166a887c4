import ParallaxCore
import Synchronization

/// The shell of a feed: a lock, and those who sleep until there is news.
final class LiveView: Sendable {
    private struct State {
        var feed: ViewFeed
        var sleeping: [Int: CheckedContinuation<Void, Never>] = [:]
        var channel: String?
    }

    let name: String
    private let state: Mutex<State>
    private let look: @Sendable (LiveView) -> Void

    /// - Parameter look: asks for a look; its end is `looked`, `lookFailed` or `viewIsGone`.
    init(_ name: String, _ limits: ViewFeed.Limits, look: @escaping @Sendable (LiveView) -> Void) {
        self.name = name
        self.look = look
        state = Mutex(State(feed: ViewFeed(limits)))
    }

    var number: Int64? { state.withLock { $0.feed.number } }
    var followers: Int { state.withLock { $0.feed.followers } }
    var channel: String? { state.withLock { $0.channel } }
    var isGone: Bool { state.withLock { $0.feed.isGone } }
    var isUnused: Bool { state.withLock { $0.feed.isIdle || ($0.feed.isGone && $0.feed.followers == 0) } }

    /// Where the view is, if whoever has a number has all its rows.
    func nothingNew(since: Int64) -> (number: Int64, frontier: JSONText)? {
        state.withLock { state in
            guard let updates = state.feed.updates(since: since), updates.allSatisfy(\.rows.isEmpty), let number = state.feed.number else {
                return nil
            }
            return (number, state.feed.frontier)
        }
    }

    // MARK: those who follow

    func join() -> Int {
        let (id, isNew) = state.withLock { ($0.feed.join(), $0.feed.number == nil) }
        if isNew { announced() }
        return id
    }

    func leave(_ id: Int) {
        state.withLock { state in
            state.feed.leave(id)
            return state.sleeping.removeValue(forKey: id)
        }?.resume()
    }
    func begin(_ id: Int, above number: Int64) { state.withLock { $0.feed.begin(id, above: number) } }
    func resume(_ id: Int, since: Int64) -> Bool { state.withLock { $0.feed.resume(id, since: since) } }
    func updates(since: Int64) -> [ViewUpdate]? { state.withLock { $0.feed.updates(since: since) } }

    /// Returns when the first look has ended, or the view is gone.
    func ready(_ id: Int) async throws {
        while !state.withLock({ $0.feed.number != nil || $0.feed.isGone }) {
            try Task.checkCancellation()
            await sleep(id) { $0.number != nil || $0.isGone }
        }
    }

    /// Waits for news.
    func next(_ id: Int) async throws -> ClientQueue.Batch {
        while true {
            try Task.checkCancellation()
            if let batch = state.withLock({ $0.feed.take(id) }) { return batch }
            await sleep(id) { $0.hasNews(id) }
        }
    }

    private func sleep(_ id: Int, unless isAwake: @Sendable (ViewFeed) -> Bool) async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isAwake = state.withLock { state in
                    if Task.isCancelled || isAwake(state.feed) { return true }
                    state.sleeping[id] = continuation
                    return false
                }
                if isAwake { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.sleeping.removeValue(forKey: id) }?.resume()
        }
    }

    private func change<R: Sendable>(_ body: (inout ViewFeed) -> R) -> R {
        let (result, woken) = state.withLock { state in
            let result = body(&state.feed)
            defer { state.sleeping = [:] }
            return (result, Array(state.sleeping.values))
        }
        for continuation in woken { continuation.resume() }
        return result
    }

    // MARK: looks

    func announced() { if state.withLock({ $0.feed.announced() }) { look(self) } }

    /// - Returns: whether the channel is another one than before.
    func looked(_ update: ViewUpdate, channel: String) -> Bool {
        let isOther = state.withLock { state in
            defer { state.channel = channel }
            return state.channel != channel
        }
        if change({ $0.looked(update) }) { look(self) }
        return isOther
    }

    func lookFailed() { state.withLock { $0.feed.lookFailed() } }
    func viewIsGone() { change { $0.viewIsGone() } }
    func beat() { change { $0.beat() } }
}
