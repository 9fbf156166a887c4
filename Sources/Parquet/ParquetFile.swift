import Disk
import ParallaxCore

/// An open Parquet file of flat columns: what `ParquetWriter` writes, and what pyarrow writes within the same subset (data pages v1,
/// PLAIN and dictionary encodings, zstd or uncompressed, any number of pages).
///
/// Nothing in the file is trusted: damage is a `.corrupt` error with file and byte position, a column of another kind is an `.input`
/// error when it is asked for, and nothing is allocated on the word of a number alone.
///
/// Safe to share: it holds no state that changes, and reads with `pread`.
public final class ParquetFile: Sendable {
    /// Bounds on what a file can make a reader allocate.
    public struct Limits: Sendable {
        /// The footer of a file with 10,000 columns and 100 row groups takes about this much.
        public var footerBytes = 64 << 20
        /// pyarrow's row groups have a million rows at most, unless told otherwise.
        public var rowsPerGroup = 16 << 20
        /// One value must fit; see `ParquetWriter.maximumValueBytes`.
        public var pageBytes = 512 << 20
        /// What one column of one row group may hold when its dictionary is expanded.
        public var bytesPerColumn = 2 << 30
        public init() {}
    }

    public let path: String
    public let schema: [ParquetField]
    public let rowCount: Int
    public let byteCount: Int
    public let keyValues: [(key: String, value: String)]
    public let createdBy: String
    let limits: Limits
    let metadata: FileMetadata
    private let file: File

    /// Opens a file and reads its footer. Throws `.missing`, `.disk` or `.corrupt`.
    public init(path: String, limits: Limits = Limits()) throws(ParallaxError) {
        let file = try File.opened(path)
        byteCount = try file.size()
        metadata = try Self.footer(file, byteCount: byteCount, limits: limits)
        self.path = path
        self.file = file
        self.limits = limits
        schema = metadata.leaves.map(\.field)
        rowCount = metadata.rowCount
        keyValues = metadata.keyValues
        createdBy = metadata.createdBy
    }

    public var rowGroupCount: Int { metadata.rowGroups.count }
    public func rowCount(ofGroup group: Int) -> Int { metadata.rowGroups[group].rowCount }

    /// Index of the column with this name.
    public func column(_ name: String) -> Int? { schema.firstIndex { $0.name == name } }

    public func statistics(group: Int, column: Int) -> ParquetStatistics? {
        let leaf = metadata.leaves[column]
        return metadata.rowGroups[group].chunks[column].statistics.map {
            ParquetStatistics($0, type: leaf.field.type, physical: leaf.physical, hasTypeOrder: metadata.hasTypeOrder)
        }
    }

    /// One column of one row group. Throws `.corrupt` with the byte position, `.limit`, `.disk`, or `.input` for a column of a kind that
    /// is not read.
    public func read(group: Int, column: Int) throws(ParallaxError) -> ParquetColumn {
        let leaf = metadata.leaves[column]
        let rowGroup = metadata.rowGroups[group]
        let chunk = rowGroup.chunks[column]
        do throws(FormatError) {
            try check(chunk, leaf, rows: rowGroup.rowCount)
        } catch { throw Self.error(error, path: path) }
        let bytes = try Self.bytes(of: file, at: chunk.start, count: chunk.compressedBytes)
        do throws(FormatError) {
            var decoder = ChunkDecoder(leaf: leaf, chunk: chunk, rowCount: rowGroup.rowCount, limits: limits, bytes: bytes)
            return try decoder.decode()
        } catch {
            var described = Self.error(error, path: path)
            described.detail = (described.detail ?? "") + " (column \"\(leaf.field.name)\", row group \(group))"
            throw described
        }
    }

    private func check(_ chunk: FileMetadata.Chunk, _ leaf: FileMetadata.Leaf, rows: Int) throws(FormatError) {
        func failure(_ message: String, _ kind: FormatError.Kind = .damaged) -> FormatError {
            FormatError(message: message, position: chunk.start, kind: kind)
        }
        if case .unsupported(let what) = leaf.field.type { throw failure("column \"\(leaf.field.name)\" is \(what)", .unsupported) }
        guard Codec(rawValue: chunk.codec) != nil else { throw failure("compression codec \(chunk.codec)", .unsupported) }
        guard !chunk.isElsewhere else { throw failure("column \"\(leaf.field.name)\" is in another file", .unsupported) }
        guard chunk.physical == leaf.physical.rawValue else { throw failure("a column chunk has another type than its column") }
        guard chunk.valueCount == rows else { throw failure("a column chunk has \(chunk.valueCount) values for \(rows) rows") }
        guard rows <= limits.rowsPerGroup else {
            throw failure("a row group has \(rows) rows; the limit is \(limits.rowsPerGroup)", .limit)
        }
        guard chunk.start >= 4, chunk.compressedBytes <= byteCount, chunk.start <= byteCount - chunk.compressedBytes else {
            throw failure("a column chunk of \(chunk.compressedBytes) bytes does not lie within the file's \(byteCount)")
        }
    }
}

extension ParquetFile {
    private static func footer(_ file: File, byteCount: Int, limits: Limits) throws(ParallaxError) -> FileMetadata {
        let path = file.path
        func corrupt(_ message: String, at position: Int) -> ParallaxError {
            error(FormatError(message: message, position: position), path: path)
        }
        guard byteCount >= 12 else { throw corrupt("a file of \(byteCount) bytes is too short", at: 0) }
        let head = try bytes(of: file, at: 0, count: 4)
        let tail = try bytes(of: file, at: byteCount - 8, count: 8)
        guard head == ParquetWriter.magic else { throw corrupt("the file does not begin with PAR1", at: 0) }
        guard Array(tail[4...]) == ParquetWriter.magic else { throw corrupt("the file does not end with PAR1", at: byteCount - 4) }
        let length = tail.withUnsafeBytes { Int(UInt32(littleEndian: $0.loadUnaligned(as: UInt32.self))) }
        guard length <= byteCount - 12 else { throw corrupt("a footer of \(length) bytes is longer than the file", at: byteCount - 8) }
        guard length <= limits.footerBytes else {
            throw ParallaxError(
                .limit, "the footer of \"\(path)\" takes \(length) bytes", detail: "The limit is \(limits.footerBytes) bytes.")
        }
        let start = byteCount - 8 - length
        let footer = try bytes(of: file, at: start, count: length)
        var thrift = ThriftReader(footer, in: 0..<length, origin: start)
        do throws(FormatError) { return try FileMetadata(&thrift) } catch { throw Self.error(error, path: path) }
    }

    private static func error(_ error: FormatError, path: String) -> ParallaxError {
        let detail = "At byte \(error.position): \(error.message)."
        return switch error.kind {
        case .damaged: ParallaxError(.corrupt, "\"\(path)\" is damaged", detail: detail)
        case .limit: ParallaxError(.limit, "\"\(path)\" asks for more than a reader may hold", detail: detail)
        case .unsupported: ParallaxError(.input, "\"\(path)\" holds something that is not read here", detail: detail)
        }
    }

    /// Exactly `count` bytes; the caller has checked that the file has them.
    private static func bytes(of file: File, at position: Int, count: Int) throws(ParallaxError) -> [UInt8] {
        let bytes = try file.bytes(at: position, count: count)
        guard bytes.count == count else {
            throw error(FormatError(message: "the file ends early", position: position + bytes.count), path: file.path)
        }
        return bytes
    }
}
