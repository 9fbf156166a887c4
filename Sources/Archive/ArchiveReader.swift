import Operators
import ParallaxCore
import Synchronization
import ViewLanguage

/// Reads a source's archive: what the manifests list, and nothing else. Writes nothing, needs no lock; segments never change.
///
/// Safe to share between threads. Calls block: use threads of your own.
public final class ArchiveReader: Sendable {
    public let source: SourceDefinition
    private let folder: ArchiveFolder
    private let schema: ArchiveSchema
    private let decoding: ArchiveDecoding
    private let manifests = Mutex<[Partition: Manifest]>([:])

    /// Throws `.definition` where a column has a name that the archive uses itself.
    public init(directory: String, source: SourceDefinition, decoding: ArchiveDecoding = .standard) throws(ParallaxError) {
        self.source = source
        self.decoding = decoding
        folder = ArchiveFolder(directory: directory, source: source.name)
        schema = try ArchiveSchema(source)
    }

    /// Per partition, the first offset that is not archived.
    public func archived() throws(ParallaxError) -> Cut {
        var cut = Cut()
        for partition in try folder.partitions() { cut[partition] = try manifest(partition).position }
        return cut
    }

    /// What the archive knows of the log that it was written from.
    public func logKnowledge() throws(ParallaxError) -> [LogKnowledge] {
        var known: [LogKnowledge] = []
        for partition in try folder.partitions() {
            let manifest = try manifest(partition)
            known.append(LogKnowledge(partition: partition, position: manifest.position, witness: manifest.witness))
        }
        return known
    }

    /// The segments that hold the offsets below the cut, by partition and offset; the last of a partition may reach beyond it.
    /// Throws `.offsetGone` where the archive does not reach the cut.
    public func segments(below cut: Cut) throws(ParallaxError) -> [ArchiveSegment] {
        var segments: [ArchiveSegment] = []
        for partition in cut.partitions where cut[partition] > .zero {
            let manifest = try manifest(partition)
            guard manifest.position >= cut[partition] else {
                throw ParallaxError(
                    .offsetGone,
                    "offsets \(manifest.position) up to, not including, \(cut[partition]) of partition \(partition) of source "
                        + "\"\(source.name)\" are not in the archive",
                    detail: "Its manifest is \"\(manifest.path)\".", hint: "Archive up to the cut first: parallax archive --until-caught-up"
                )
            }
            segments += manifest.segments.prefix { $0.first < cut[partition] }
        }
        return segments
    }

    public func path(of segment: ArchiveSegment) -> String { folder.segment(segment) }

    /// False only where no event of the segment can have an event time in the range (microseconds since 1970).
    /// True for a segment of another schema: what its manifest line says is not about today's event time column.
    public func mayHold(_ segment: ArchiveSegment, eventTimes: Range<Int64>) -> Bool {
        guard segment.schema == schema.fingerprint else { return true }
        guard let low = segment.minEventTime, let high = segment.maxEventTime else { return false }
        return low.rawValue < eventTimes.upperBound && high.rawValue >= eventTimes.lowerBound
    }

    /// Checks the segment's file against the manifest's SHA-256; a file that was found sound, and has not changed since, is not
    /// read again. Throws `.missing` or `.corrupt`, naming file, partition and offsets.
    public func verify(_ segment: ArchiveSegment) throws(ParallaxError) {
        try SegmentVerification.verify(segment, path: path(of: segment), source: source.name)
    }

    /// The segment's events, one batch a row group, with only these columns of the source (indices; others are nil in the batch).
    /// Rows at or above `boundary` are left out. Nothing is verified here but the pages' CRCs and the offsets: see `verify`.
    ///
    /// A segment that was written under another schema is decoded anew from the payloads, as if its records came today: a result
    /// depends on the log and the definition, not on when the archiver ran (I3).
    ///
    /// - Parameter eventTimes: row groups whose statistics say that they hold no event in the range (microseconds since 1970) are passed over.
    public func read(
        _ segment: ArchiveSegment, columns: Set<Int>, below boundary: Offset? = nil, eventTimes: Range<Int64>? = nil
    ) throws(ParallaxError) -> EventBatches {
        precondition(columns.allSatisfy(source.columns.indices.contains), "columns \(columns.sorted()) of \(source.columns.count)")
        let file = try SegmentFile(segment, path: path(of: segment), source: source.name, below: boundary)
        let isCurrent = segment.schema == schema.fingerprint
        return EventBatches(
            file, schema: schema, columns: columns, eventTimes: eventTimes, decoder: isCurrent ? nil : decoding.makeDecoder(source))
    }

    /// The segment's records, one batch a row group, byte for byte as the log had them (I6).
    public func records(_ segment: ArchiveSegment, below boundary: Offset? = nil) throws(ParallaxError) -> RecordBatches {
        RecordBatches(try SegmentFile(segment, path: path(of: segment), source: source.name, below: boundary))
    }

    /// All of the segment's records at once, byte for byte as the log had them (I6). Needs memory for all of them: prefer `records`.
    public func readRecords(_ segment: ArchiveSegment) throws(ParallaxError) -> RecordBatch {
        let batches = try records(segment)
        var parts: [RecordBatch] = []
        while let batch = try batches.next() { parts.append(batch) }
        var whole = RecordBatch(joining: parts, partition: segment.partition, nextOffset: segment.next)
        whole.nextOffset = segment.next
        return whole
    }

    private func manifest(_ partition: Partition) throws(ParallaxError) -> Manifest {
        var manifest = manifests.withLock { $0[partition] } ?? Manifest(folder, partition)
        try manifest.refresh()
        manifests.withLock { [manifest] in $0[partition] = manifest }
        return manifest
    }
}
