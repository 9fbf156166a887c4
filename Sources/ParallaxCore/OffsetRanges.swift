/// Offsets of one partition, as ascending ranges that do not touch: a million records in a row weigh sixteen bytes.
public struct OffsetRanges: Hashable, Sendable {
    /// First and end (exclusive), by turns.
    public private(set) var bounds: [Int64] = []
    public init() {}

    /// - Parameter bounds: first and end by turns, ascending; nil where they are not.
    public init?(bounds: [Int64]) {
        guard bounds.count.isMultiple(of: 2), zip(bounds, bounds.dropFirst()).allSatisfy({ $0 < $1 }) else { return nil }
        self.bounds = bounds
    }

    public var isEmpty: Bool { bounds.isEmpty }
    /// How many ranges there are.
    public var count: Int { bounds.count / 2 }
    /// How many offsets.
    public var offsets: Int64 { stride(from: 0, to: bounds.count, by: 2).reduce(0) { $0 + bounds[$1 + 1] - bounds[$1] } }

    /// - Parameter offset: above all that are in it.
    public mutating func add(_ offset: Int64) {
        if let end = bounds.last {
            precondition(offset >= end, "offset \(offset) comes after \(end - 1)")
            if end == offset {
                bounds[bounds.count - 1] = offset + 1
                return
            }
        }
        bounds.append(offset)
        bounds.append(offset + 1)
    }

    /// False where it would need one range more than there may be.
    mutating func add(_ offset: Int64, atMost ranges: Int) -> Bool {
        guard bounds.last == offset || count < ranges else { return false }
        add(offset)
        return true
    }

    /// - Parameter more: all of it above what is in this one.
    public mutating func add(_ more: OffsetRanges) {
        guard let first = more.bounds.first else { return }
        guard let end = bounds.last else {
            bounds = more.bounds
            return
        }
        precondition(first >= end, "offset \(first) comes after \(end - 1)")
        if first == end { bounds.removeLast() }
        bounds += first == end ? more.bounds.dropFirst() : more.bounds[...]
    }

    public mutating func removeAll() { bounds.removeAll() }

    public func contains(_ offset: Int64) -> Bool {
        var (low, high) = (0, bounds.count)
        // The first bound above the offset: inside where an odd one is next.
        while low < high {
            let middle = (low + high) / 2
            if bounds[middle] <= offset { low = middle + 1 } else { high = middle }
        }
        return !low.isMultiple(of: 2)
    }
}

/// Which records of a partition a layer put into no view, and why: all others that it read are events in its views.
public struct LeftOutRecords: Hashable, Sendable {
    /// They came too late for the live rows.
    public var late = OffsetRanges()
    /// Copies of an event that it remembered.
    public var duplicates = OffsetRanges()
    /// No events, as the source was declared then.
    public var rejected = OffsetRanges()
    /// False where there were too many ranges to keep all of them.
    public var isComplete = true
    public init() {}

    public enum Kind: String, Sendable, CaseIterable { case late, duplicate, rejected }

    /// Ranges of each kind that one flush keeps: 16 bytes each.
    static let mostRanges = 20_000

    /// - Parameter offset: above all that are in it.
    public mutating func add(_ offset: Int64, as kind: Kind) {
        let isKept =
            switch kind {
            case .late: late.add(offset, atMost: Self.mostRanges)
            case .duplicate: duplicates.add(offset, atMost: Self.mostRanges)
            case .rejected: rejected.add(offset, atMost: Self.mostRanges)
            }
        if !isKept { isComplete = false }
    }

    public var isEmpty: Bool { isComplete && late.isEmpty && duplicates.isEmpty && rejected.isEmpty }

    /// - Parameter more: of offsets above these.
    public mutating func add(_ more: LeftOutRecords) {
        late.add(more.late)
        duplicates.add(more.duplicates)
        rejected.add(more.rejected)
        if !more.isComplete { isComplete = false }
    }

    public func contains(_ offset: Int64) -> Bool { late.contains(offset) || duplicates.contains(offset) || rejected.contains(offset) }
}
