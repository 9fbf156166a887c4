import ParallaxCore
import Synchronization

/// Memory that bodies of writes may take at a time, all together: as they came, decompressed, and once more while they are cut apart.
///
/// What is beyond it is refused at once, and nothing of it is kept: whoever sends too much waits, not the server.
final class BodyBudget: Sendable {
    let limit: Int
    private let taken = Mutex(0)

    init(limit: Int) { self.limit = limit }

    var bytesTaken: Int { taken.withLock { $0 } }

    /// What one request has taken; all of it is free again when nobody holds it any more.
    final class Share: Sendable {
        private let budget: BodyBudget
        private let bytes = Mutex(0)
        private let refused = Mutex(false)

        fileprivate init(_ budget: BodyBudget) { self.budget = budget }

        deinit {
            let bytes = bytes.withLock { $0 }
            budget.taken.withLock { $0 -= bytes }
        }

        /// Throws `.busy` where others have taken the rest.
        func take(_ count: Int) throws(ParallaxError) {
            let isFree = budget.taken.withLock { taken in
                guard taken + count <= budget.limit else { return false }
                taken += count
                return true
            }
            guard isFree else {
                refused.withLock { $0 = true }
                throw ParallaxError(
                    .busy, "too many events are on their way to the logs",
                    detail: "Bodies hold \(budget.limit) bytes of memory at most, all together.",
                    hint: "try again in a moment, with smaller bodies; serve.ingest_memory is the limit")
            }
            bytes.withLock { $0 += count }
        }

        var wasRefused: Bool { refused.withLock { $0 } }
    }

    func share() -> Share { Share(self) }
}
