import Compression
import ParallaxCore

/// How a file is laid out. Limits and their reasons are with the fields.
public struct ParquetOptions: Sendable {
    /// zstd, where it shortens a chunk by a tenth or more.
    public var isCompressed = true
    /// 1: reading back is as fast as from higher levels, and writing three times as fast.
    public var zstdLevel = 1
    public var usesDictionaries = true
    /// Readers hold a page in memory; other writers use the same two limits.
    public var rowsPerPage = 20_000
    public var bytesPerPage = 1 << 20
    public init() {}
}

/// Writes a flat Parquet file: data pages v1, PLAIN and dictionary encodings, zstd or uncompressed, a CRC on every page.
///
/// The bytes go to `sink` in file order; what it does with them (a file, a digest) is its own affair. One owner.
///
///     let writer = ParquetWriter(schema: fields) { (bytes) throws(ParallaxError) in … }
///     try writer.append(columns)      // one row group
///     try writer.finish()
public final class ParquetWriter {
    public typealias Sink = (UnsafeRawBufferPointer) throws(ParallaxError) -> Void

    public let schema: [ParquetField]
    /// Bytes handed to the sink so far.
    public private(set) var position = 0
    private let sink: Sink
    private var encoder: ChunkEncoder
    private var metadata = FileMetadata()
    private var isFinished = false

    /// One value must fit a page, whose size is a 32-bit number, with room for the rest of it.
    public static let maximumValueBytes = 256 << 20

    static let magic: [UInt8] = Array("PAR1".utf8)

    public init(
        schema: [ParquetField], keyValues: [(key: String, value: String)] = [], options: ParquetOptions = ParquetOptions(),
        createdBy: String = "parallax", sink: @escaping Sink
    ) {
        precondition(!schema.isEmpty, "a file without columns")
        precondition(Set(schema.map(\.name)).count == schema.count, "two columns have one name")
        self.schema = schema
        self.sink = sink
        encoder = ChunkEncoder(options)
        metadata.leaves = schema.map { FileMetadata.Leaf(field: $0, physical: $0.type.physical, length: $0.type.fixedLength) }
        metadata.keyValues = keyValues
        metadata.createdBy = createdBy
    }

    /// Appends one row group: a column for each field, all of one length. Nothing is written for zero rows.
    /// Throws what the sink throws, and `.limit` for a value that no page can hold.
    public func append(_ columns: [ParquetColumn]) throws(ParallaxError) {
        precondition(!isFinished, "a row group after the end")
        precondition(columns.count == schema.count, "\(columns.count) columns where the schema has \(schema.count)")
        let rows = columns[0].count
        if rows == 0 { return }
        try begin()
        var group = FileMetadata.RowGroup()
        group.rowCount = rows
        for (column, field) in zip(columns, schema) {
            precondition(column.count == rows, "column \"\(field.name)\" has \(column.count) rows where others have \(rows)")
            try check(column, field)
            var bytes: [UInt8] = []
            group.chunks.append(encoder.encode(column, field: field, position: position, to: &bytes))
            try write(bytes)
        }
        metadata.rowGroups.append(group)
        metadata.rowCount += rows
    }

    /// Writes the footer. The file is whole after this, and only after this.
    public func finish() throws(ParallaxError) {
        precondition(!isFinished, "a file finished twice")
        try begin()
        var footer = metadata.encoded()
        let length = UInt32(footer.count)
        footer.appendLittleEndian(length)
        footer.append(contentsOf: Self.magic)
        try write(footer)
        isFinished = true
    }

    private func begin() throws(ParallaxError) {
        if position == 0 { try write(Self.magic) }
    }

    private func check(_ column: ParquetColumn, _ field: ParquetField) throws(ParallaxError) {
        let matches =
            switch (column.values, field.type) {
            case (.bool, .boolean), (.int64, .int32), (.int64, .int64), (.int64, .timestamp), (.int64, .localTimestamp), (.int64, .date),
                (.int64, .time),
                (.double, .double):
                true
            case (.bytes, .bytes), (.bytes, .string), (.bytes, .fixedBytes): true
            case (.int64, .decimal(let precision, _)): precision <= ParquetType.maximumInt64Precision
            case (.int128, .decimal(let precision, _)): precision > ParquetType.maximumInt64Precision
            default: false
            }
        precondition(matches, "column \"\(field.name)\" of type \(field.type) was given other values")
        guard case .bytes(let values) = column.values, values.byteCount > Self.maximumValueBytes else { return }
        for row in 0..<values.count where values.ends[row] - values.start(row) > Self.maximumValueBytes {
            throw ParallaxError(
                .limit, "a value of \(values.ends[row] - values.start(row)) bytes in column \"\(field.name)\" does not fit a page",
                detail: "The limit is \(Self.maximumValueBytes) bytes.")
        }
    }

    private func write(_ bytes: [UInt8]) throws(ParallaxError) {
        try bytes.withBytes(sink)
        position += bytes.count
    }
}

extension Array where Element == UInt8 {
    /// `withUnsafeBytes`, with the error's type kept.
    func withBytes<R, E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
        let result: Result<R, E> = withUnsafeBytes { raw in
            do throws(E) { return .success(try body(raw)) } catch { return .failure(error) }
        }
        return try result.get()
    }
}
