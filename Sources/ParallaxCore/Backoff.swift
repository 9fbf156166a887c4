/// How long to wait before the next attempt of something that fails: twice as long with each failure in a row, between two bounds.
public struct Backoff: Hashable, Sendable {
    public let shortest: Duration
    public let longest: Duration
    /// In a row.
    public private(set) var failures = 0

    public init(from shortest: Duration = .milliseconds(100), upTo longest: Duration = .seconds(10)) {
        precondition(shortest > .zero && shortest <= longest, "waits from \(shortest) up to \(longest)")
        self.shortest = shortest
        self.longest = longest
    }

    public mutating func succeeded() { failures = 0 }

    /// How long to wait now.
    public mutating func failed() -> Duration {
        failures += 1
        // Sixteen doublings are beyond every bound that makes sense, and far from an overflow.
        return min(shortest * (1 << min(failures - 1, 16)), longest)
    }
}
