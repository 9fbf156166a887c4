/// A set of event times as half-open ranges of microseconds: ascending, with a gap between any two.
public struct EventTimeRanges: Hashable, Sendable {
    public private(set) var starts: [Int64]
    public private(set) var ends: [Int64]

    /// In any order; may overlap or touch. Empty ranges say nothing.
    public init(_ ranges: some Sequence<Range<Int64>>) {
        starts = []
        ends = []
        for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) where !range.isEmpty {
            if let last = ends.last, range.lowerBound <= last {
                ends[ends.count - 1] = max(last, range.upperBound)
            } else {
                starts.append(range.lowerBound)
                ends.append(range.upperBound)
            }
        }
    }

    public var isEmpty: Bool { starts.isEmpty }
    public var ranges: [Range<Int64>] { zip(starts, ends).map { $0..<$1 } }

    public func contains(_ time: Int64) -> Bool {
        let next = firstStart(above: time)
        return next > 0 && time < ends[next - 1]
    }

    public func intersects(_ range: Range<Int64>) -> Bool {
        guard !range.isEmpty else { return false }
        // The last range that begins before the other's end is the one that reaches furthest.
        let next = firstStart(above: range.upperBound - 1)
        return next > 0 && ends[next - 1] > range.lowerBound
    }

    public func union(_ other: EventTimeRanges) -> EventTimeRanges { EventTimeRanges(ranges + other.ranges) }

    /// Index of the first range that begins above the time.
    private func firstStart(above time: Int64) -> Int {
        var low = 0
        var high = starts.count
        while low < high {
            let middle = (low + high) / 2
            if starts[middle] <= time { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
