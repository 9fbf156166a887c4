import Synchronization

/// Figures of the HTTP server, for `/metrics`. The labels are route names and statuses: a client makes no new ones.
final class APIMetrics: Sendable {
    struct Key: Hashable, Sendable {
        var route: String
        var status: Int
    }

    struct Figures: Sendable {
        var requests: [Key: Int] = [:]
        /// Seconds by route, in buckets of `bounds`.
        var durations: [String: [Int]] = [:]
        var seconds: [String: Double] = [:]
    }

    static let bounds: [Double] = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]
    private let figures = Mutex(Figures())

    func count(route: String, status: Int, seconds: Double) {
        figures.withLock { figures in
            figures.requests[Key(route: route, status: status), default: 0] += 1
            figures.seconds[route, default: 0] += seconds
            let bucket = Self.bounds.firstIndex { seconds <= $0 } ?? Self.bounds.count
            figures.durations[route, default: Array(repeating: 0, count: Self.bounds.count + 1)][bucket] += 1
        }
    }

    var current: Figures { figures.withLock { $0 } }
}
