import ParallaxCore
import Parquet

/// An open segment, whose contents are checked against its manifest line: the right partition, the right offsets, all records.
final class SegmentFile {
    let segment: ArchiveSegment
    let file: ParquetFile
    private let source: String
    /// Rows at or above it are not asked for.
    private let boundary: Offset
    private var group = 0
    private var lastOffset: Int64
    private var recordsSeen = 0

    /// A row group's place and the columns that every reader needs.
    struct Group {
        var index: Int
        /// Rows below the boundary.
        var rowCount: Int
        var offsets: [Int64]
        var appendedAt: [Int64]
    }

    init(_ segment: ArchiveSegment, path: String, source: String, below boundary: Offset?) throws(ParallaxError) {
        self.segment = segment
        self.source = source
        self.boundary = boundary ?? segment.next
        lastOffset = segment.first.rawValue - 1
        do throws(ParallaxError) { file = try ParquetFile(path: path) } catch {
            throw error.code == .missing ? SegmentVerification.missing(segment, path, source) : error
        }
        guard file.rowCount == segment.records else {
            throw damaged("It has \(file.rowCount) records; \(segment.records) were written.")
        }
        for fixed in ArchiveSchema.Fixed.allCases {
            guard fixed.rawValue < file.schema.count, file.schema[fixed.rawValue].name == fixed.field.name,
                file.schema[fixed.rawValue].type == fixed.field.type
            else { throw damaged("Its column \(fixed.rawValue) is not \(fixed.field.name).") }
        }
    }

    /// The next row group that has rows below the boundary.
    func nextGroup() throws(ParallaxError) -> Group? {
        guard group < file.rowGroupCount else { return nil }
        let index = group
        group += 1
        let partitions = try integers(index, .partition)
        guard partitions.allSatisfy({ $0 == Int64(segment.partition.rawValue) }) else { throw damaged("It holds another partition.") }
        let offsets = try integers(index, .offset)
        for offset in offsets {
            guard offset > lastOffset, offset < segment.next.rawValue else { throw damaged("Offset \(offset) follows \(lastOffset).") }
            lastOffset = offset
        }
        let rowCount = offsets.firstIndex { $0 >= boundary.rawValue } ?? offsets.count
        if rowCount == 0 { return nil }
        let appendedAt = try integers(index, .appendedAt)
        if rowCount == offsets.count { return Group(index: index, rowCount: rowCount, offsets: offsets, appendedAt: appendedAt) }
        return Group(
            index: index, rowCount: rowCount, offsets: Array(offsets.prefix(rowCount)), appendedAt: Array(appendedAt.prefix(rowCount)))
    }

    /// Passes over the row groups before the next one that is wanted; returns how many.
    func passOverGroups(unless isWanted: (Int) -> Bool) -> Int {
        let first = group
        while group < file.rowGroupCount, !isWanted(group) { group += 1 }
        return group - first
    }

    /// False only where no value of the column, which holds times, lies in the range.
    func mayHold(_ column: Int, group: Int, _ times: Range<Int64>) -> Bool {
        guard column < file.schema.count, let statistics = file.statistics(group: group, column: column),
            case .int64(let low)? = statistics.minimum, case .int64(let high)? = statistics.maximum
        else { return true }
        return low < times.upperBound && high >= times.lowerBound
    }

    private func integers(_ group: Int, _ column: ArchiveSchema.Fixed) throws(ParallaxError) -> [Int64] {
        let read = try file.read(group: group, column: column.rawValue)
        guard case .int64(let values) = read.values, read.nulls.isEmpty else { throw damaged("Its column \(column.field.name) has nulls.") }
        return values
    }

    /// The bytes of `_key`, `_raw` or `_rejected`, with its null marks in the column itself.
    func bytes(_ group: Group, _ column: ArchiveSchema.Fixed) throws(ParallaxError) -> ByteColumn {
        let read = try file.read(group: group.index, column: column.rawValue)
        guard case .bytes(let values) = read.values else { throw damaged("Its column \(column.field.name) has another type.") }
        return ByteColumn(bytes: values.bytes, ends: values.ends, nulls: read.nulls).prefix(group.rowCount)
    }

    /// Nil where the segment was written before there were any, or where no record of the group has one.
    private func headers(_ group: Group) throws(ParallaxError) -> ByteColumn? {
        let place = file.schema.count - 1
        guard file.schema[place].name == ArchiveSchema.headers.name else { return nil }
        let read = try file.read(group: group.index, column: place)
        guard case .bytes(let values) = read.values else { throw damaged("Its column \(ArchiveSchema.headers.name) has another type.") }
        guard !read.nulls.isEmpty || values.count > 0, read.nulls.isEmpty || read.nulls.contains(0) else { return nil }
        return ByteColumn(bytes: values.bytes, ends: values.ends, nulls: read.nulls).prefix(group.rowCount)
    }

    func records(_ group: Group) throws(ParallaxError) -> RecordBatch {
        var batch = RecordBatch(partition: segment.partition, nextOffset: Offset((group.offsets.last ?? segment.next.rawValue - 1) + 1))
        batch.offsets = group.offsets
        batch.appendedAt = group.appendedAt
        batch.keys = try bytes(group, .key)
        batch.payloads = try bytes(group, .raw)
        batch.headers = try headers(group)
        return batch
    }

    func damaged(_ trouble: String) -> ParallaxError { SegmentVerification.damaged(segment, file.path, source, trouble) }
}

/// The records of a segment, one batch a row group. One owner.
public final class RecordBatches {
    private let file: SegmentFile
    init(_ file: SegmentFile) { self.file = file }

    /// Nil at the end. Throws `.corrupt` or `.disk`.
    public func next() throws(ParallaxError) -> RecordBatch? {
        guard let group = try file.nextGroup() else { return nil }
        return try file.records(group)
    }
}
