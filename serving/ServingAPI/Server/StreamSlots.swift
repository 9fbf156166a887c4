import Hummingbird
import Synchronization

/// How many streams each token has open. A slot is given back when the last that holds it goes: the answer's body, whether it was written to its end, broken off, or
/// never begun.
final class StreamSlots: Sendable {
    private let perToken: Int
    private let open = Mutex<[Int64: Int]>([:])
    private let all = Atomic<Int>(0)

    final class Slot: Sendable {
        private let slots: StreamSlots
        private let token: Int64?

        fileprivate init(_ slots: StreamSlots, _ token: Int64?) {
            self.slots = slots
            self.token = token
        }

        deinit { slots.giveBack(token) }
    }

    init(perToken: Int) { self.perToken = perToken }

    /// Throws 429 where the token has as many as it may.
    func take(for grant: Grant) throws(Problem) -> Slot {
        if let token = grant.token {
            let isFree = open.withLock { open in
                guard open[token, default: 0] < perToken else { return false }
                open[token, default: 0] += 1
                return true
            }
            guard isFree else {
                throw Problem(
                    .tooManyRequests, "too_many_streams", "the token has \(perToken) streams open already",
                    hint: "close some, or raise serve.streams_per_token", retryAfterSeconds: 5)
            }
        }
        all.add(1, ordering: .relaxed)
        return Slot(self, grant.token)
    }

    private func giveBack(_ token: Int64?) {
        all.subtract(1, ordering: .relaxed)
        guard let token else { return }
        open.withLock { open in
            let rest = open[token, default: 1] - 1
            open[token] = rest > 0 ? rest : nil
        }
    }

    var count: Int { all.load(ordering: .relaxed) }
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
