/// The seam between the layers: per partition, the first offset that is *not* in the batch view.
/// Exclusive upper bound of everything batch, inclusive lower bound of everything live.
public struct Cut: Hashable, Sendable, Codable, CustomStringConvertible {
    public private(set) var boundaries: [Partition: Offset]

    public init(_ boundaries: [Partition: Offset] = [:]) { self.boundaries = boundaries }

    /// Partitions that the cut does not name begin at zero: nothing of them is below it.
    public subscript(_ partition: Partition) -> Offset {
        get { boundaries[partition] ?? .zero }
        set { boundaries[partition] = newValue }
    }

    public var partitions: [Partition] { boundaries.keys.sorted() }

    /// True where no boundary of this cut lies below the other's.
    public func isAtOrAbove(_ other: Cut) -> Bool {
        other.boundaries.allSatisfy { self[$0.key] >= $0.value }
    }

    public var description: String {
        "{" + partitions.map { "\($0): \(self[$0])" }.joined(separator: ", ") + "}"
    }
}
