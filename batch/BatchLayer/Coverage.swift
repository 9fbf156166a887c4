import ParallaxCore

/// What the archive lacks below a cut, or holds twice. A run publishes only where both are empty.
///
///     [0, cut(p))  =  the segments of p, one behind the other      for every partition p
public struct Coverage: Hashable, Sendable {
    public struct Stretch: Hashable, Sendable, CustomStringConvertible {
        public var partition: Partition
        public var offsets: Range<Offset>
        public init(partition: Partition, offsets: Range<Offset>) {
            self.partition = partition
            self.offsets = offsets
        }
        public var description: String { "partition \(partition): [\(offsets.lowerBound), \(offsets.upperBound))" }
    }

    public private(set) var gaps: [Stretch] = []
    public private(set) var overlaps: [Stretch] = []
    public var isComplete: Bool { gaps.isEmpty && overlaps.isEmpty }

    public init(of segments: [Segment], below cut: Cut) {
        let byPartition = Dictionary(grouping: segments, by: \.partition)
        for partition in cut.partitions {
            var next = Offset.zero
            for segment in (byPartition[partition] ?? []).sorted(by: { $0.offsets.lowerBound < $1.offsets.lowerBound }) {
                guard next < cut[partition], segment.offsets.lowerBound < cut[partition] else { break }
                if segment.offsets.lowerBound > next {
                    gaps.append(Stretch(partition: partition, offsets: next..<segment.offsets.lowerBound))
                } else if segment.offsets.lowerBound < next {
                    overlaps.append(
                        Stretch(partition: partition, offsets: segment.offsets.lowerBound..<min(next, segment.offsets.upperBound)))
                }
                next = max(next, segment.offsets.upperBound)
            }
            if next < cut[partition] { gaps.append(Stretch(partition: partition, offsets: next..<cut[partition])) }
        }
    }

    /// Throws what is wrong, with every stretch's offsets.
    public func check(source: String) throws(ParallaxError) {
        if !gaps.isEmpty {
            throw ParallaxError(
                .offsetGone, "the archive of source \"\(source)\" lacks records below the run's cut: nothing was published",
                detail: Self.list(gaps, "missing offsets"),
                hint: "bring the missing segments back from a backup, then run the batch layer again")
        }
        if !overlaps.isEmpty {
            throw ParallaxError(
                .corrupt, "the archive of source \"\(source)\" holds offsets twice: nothing was published",
                detail: Self.list(overlaps, "held by two segments"), hint: "see which of the segments the manifest should not name")
        }
    }

    /// As many as a person reads; a damaged archive may lack thousands.
    private static let mostStretchesNamed = 20

    static func list(_ stretches: [Stretch], _ what: String) -> String {
        var text = what + ": " + stretches.prefix(mostStretchesNamed).map(\.description).joined(separator: "; ")
        if stretches.count > mostStretchesNamed { text += "; and \(stretches.count - mostStretchesNamed) more" }
        return text
    }
}
