import ParallaxCore

/// Where an archiver is, after each row group.
public struct ArchiveProgress: Sendable {
    public var partition: Partition
    /// The first offset that is not written yet.
    public var position: Offset
    /// The first offset that is not to be written.
    public var target: Offset
    /// Records written by this call, in all partitions.
    public var records: Int
}

/// What one call of `archive` did.
public struct ArchiveSummary: Sendable {
    /// In the order of writing.
    public var segments: [ArchiveSegment] = []
    public var records = 0
    /// By `RejectionReason`'s raw value.
    public var rejected: [String: Int] = [:]
    /// Bytes of the files.
    public var bytes = 0
    /// Per partition, the first offset that is not archived.
    public var archived = Cut()

    mutating func add(_ segment: ArchiveSegment) {
        segments.append(segment)
        records += segment.records
        bytes += segment.bytes
        for (reason, count) in segment.rejected { rejected[reason, default: 0] += count }
    }
}
