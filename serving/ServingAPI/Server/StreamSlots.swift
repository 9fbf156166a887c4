import Hummingbird
import Synchronization

/// How many streams are open: in all, of each address and of each token. A slot is given back when the last that holds it goes: the answer's body, whether it was
/// written to its end, broken off, or never begun.
final class StreamSlots: Sendable {
    /// Nil: nobody in particular, where no token is needed.
    typealias Holder = Int64?

    private struct State {
        var all = 0
        var byAddress: [String: Int] = [:]
        var byHolder: [Holder: Int] = [:]
        /// Those that may hold none any more; what they have open ends.
        var ended: Set<Holder> = []
    }

    final class Slot: Sendable {
        private let slots: StreamSlots
        private let address: String
        private let holder: Holder

        fileprivate init(_ slots: StreamSlots, _ address: String, _ holder: Holder) {
            self.slots = slots
            self.address = address
            self.holder = holder
        }

        /// Its token is not valid any more: the stream is to end.
        var isEnded: Bool { slots.state.withLock { $0.ended.contains(holder) } }

        deinit { slots.giveBack(address, holder) }
    }

    private let limit: Int
    private let limitPerAddress: Int
    private let limitPerToken: Int
    private let state = Mutex(State())

    init(limit: Int, perAddress: Int, perToken: Int) {
        self.limit = limit
        limitPerAddress = perAddress
        limitPerToken = perToken
    }

    var count: Int { state.withLock(\.all) }
    var holders: Set<Holder> { state.withLock { Set($0.byHolder.keys) } }

    /// Throws 429 where the token has as many as it may, 503 where all or the address have.
    func take(for grant: Grant, _ address: String) throws(Problem) -> Slot {
        let problem: Problem? = state.withLock { state in
            if grant.token != nil, state.byHolder[grant.token, default: 0] >= limitPerToken {
                return Problem(
                    .tooManyRequests, "too_many_streams", "the token has \(limitPerToken) streams open already",
                    hint: "close some, or raise serve.streams_per_token", retryAfterSeconds: 5)
            }
            guard state.all < limit, state.byAddress[address, default: 0] < limitPerAddress else {
                return Problem(
                    .serviceUnavailable, "too_many_streams", "there are too many streams already",
                    detail: "At most \(limit) in all, and \(limitPerAddress) of one address.",
                    hint: "end one, try again later, or raise serve.max_streams", retryAfterSeconds: 5)
            }
            state.all += 1
            state.byAddress[address, default: 0] += 1
            state.byHolder[grant.token, default: 0] += 1
            return nil
        }
        if let problem { throw problem }
        return Slot(self, address, grant.token)
    }

    /// The streams of these see it when they look next.
    func end(_ holders: Set<Holder>) { state.withLock { $0.ended.formUnion(holders) } }

    private func giveBack(_ address: String, _ holder: Holder) {
        state.withLock { state in
            state.all -= 1
            Self.takeOne(from: &state.byAddress, address)
            Self.takeOne(from: &state.byHolder, holder)
            if state.byHolder[holder] == nil { state.ended.remove(holder) }
        }
    }

    private static func takeOne<Key>(from counts: inout [Key: Int], _ key: Key) {
        let rest = counts[key, default: 1] - 1
        counts[key] = rest > 0 ? rest : nil
    }
}

extension Response {
    /// The same answer, which holds the slot as long as it lasts.
    func holding(_ slot: StreamSlots.Slot) -> Response {
        var response = self
        let body = body
        response.body = ResponseBody(contentLength: body.contentLength) { writer in
            defer { withExtendedLifetime(slot) {} }
            try await body.write(writer)
        }
        return response
    }
}
