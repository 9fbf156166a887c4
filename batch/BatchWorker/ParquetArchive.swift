import Archive
import BatchLayer
import Operators
import ParallaxCore
import Synchronization
import ViewLanguage

/// The archive of Parquet segments, as a run uses it.
public final class ParquetArchive: RunArchive {
    private let writer: ArchiveWriter
    private let reader: ArchiveReader
    /// The manifest's lines behind the segments that were handed out.
    private let lines = Mutex<[Segment: ArchiveSegment]>([:])

    public var source: SourceDefinition { reader.source }

    /// Both of the same folder and source.
    public init(writer: ArchiveWriter, reader: ArchiveReader) {
        precondition(writer.source == reader.source, "writer of \(writer.source.name), reader of \(reader.source.name)")
        self.writer = writer
        self.reader = reader
    }

    public func archive(upTo cut: Cut, progress: (Int) throws(ParallaxError) -> Void) throws(ParallaxError) -> Cut {
        try writer.archive(upTo: cut) { (step) throws(ParallaxError) in try progress(step.records) }
        return try reader.archived()
    }

    public func segments(below cut: Cut) throws(ParallaxError) -> [Segment] {
        var found: [Segment: ArchiveSegment] = [:]
        for line in try reader.segments(below: cut) { found[segment(line)] = line }
        lines.withLock { [found] in $0 = found }
        return Array(found.keys)
    }

    public func acceptedGaps() throws(ParallaxError) -> [AcceptedGap] { try writer.acceptedGaps() }

    public func verify(_ segment: Segment) throws(ParallaxError) { try reader.verify(line(segment)) }

    public func read(
        _ segment: Segment, columns: Set<Int>, _ body: (EventBatch) throws(ParallaxError) -> Void
    ) throws(ParallaxError) {
        let batches = try reader.read(line(segment), columns: columns)
        while let batch = try batches.next() { try body(batch) }
    }

    private func line(_ segment: Segment) -> ArchiveSegment {
        guard let line = lines.withLock({ $0[segment] }) else { preconditionFailure("segment \(segment.name) is of another archive") }
        return line
    }

    private func segment(_ line: ArchiveSegment) -> Segment {
        // A segment of an older schema is decoded anew when it is read: which of its records are events, and when, is not known before. It is
        // the one that may hold even an impossible time.
        let isOfOtherSchema = reader.mayHold(line, eventTimes: Int64.max..<Int64.max)
        let rejected = line.rejected.values.reduce(0, +)
        var times: Range<Int64>?
        if !isOfOtherSchema, let low = line.minEventTime, let high = line.maxEventTime { times = low.rawValue..<(high.rawValue + 1) }
        return Segment(
            name: reader.path(of: line), partition: line.partition, offsets: line.first..<line.next, records: line.records,
            events: isOfOtherSchema ? line.records : line.records - rejected, eventTimes: times, bytes: line.bytes,
            archivedAt: line.archivedAt?.rawValue)
    }
}
