import ParallaxCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

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
    private let descriptor: Int32

    /// Opens a file and reads its footer. Throws `.missing`, `.disk` or `.corrupt`.
    public init(path: String, limits: Limits = Limits()) throws(ParallaxError) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw ParallaxError(errno == ENOENT ? .missing : .disk, "cannot open \"\(path)\"", detail: String(cString: strerror(errno)))
        }
        let metadata: FileMetadata
        var status = stat()
        do throws(ParallaxError) {
            guard fstat(descriptor, &status) == 0 else {
                throw ParallaxError(.disk, "cannot read \"\(path)\"", detail: String(cString: strerror(errno)))
            }
            metadata = try Self.footer(descriptor, path: path, byteCount: Int(status.st_size), limits: limits)
        } catch {
            close(descriptor)
            throw error
        }
        self.path = path
        self.descriptor = descriptor
        self.limits = limits
        self.metadata = metadata
        byteCount = Int(status.st_size)
        schema = metadata.leaves.map(\.field)
        rowCount = metadata.rowCount
        keyValues = metadata.keyValues
        createdBy = metadata.createdBy
    }

    deinit { close(descriptor) }

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
        let bytes = try Self.bytes(descriptor, path: path, at: chunk.start, count: chunk.compressedBytes)
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
    private static func footer(_ descriptor: Int32, path: String, byteCount: Int, limits: Limits) throws(ParallaxError) -> FileMetadata {
        func corrupt(_ message: String, at position: Int) -> ParallaxError {
            error(FormatError(message: message, position: position), path: path)
        }
        guard byteCount >= 12 else { throw corrupt("a file of \(byteCount) bytes is too short", at: 0) }
        let head = try bytes(descriptor, path: path, at: 0, count: 4)
        let tail = try bytes(descriptor, path: path, at: byteCount - 8, count: 8)
        guard head == ParquetWriter.magic else { throw corrupt("the file does not begin with PAR1", at: 0) }
        guard Array(tail[4...]) == ParquetWriter.magic else { throw corrupt("the file does not end with PAR1", at: byteCount - 4) }
        let length = tail.withUnsafeBytes { Int(UInt32(littleEndian: $0.loadUnaligned(as: UInt32.self))) }
        guard length <= byteCount - 12 else { throw corrupt("a footer of \(length) bytes is longer than the file", at: byteCount - 8) }
        guard length <= limits.footerBytes else {
            throw ParallaxError(
                .limit, "the footer of \"\(path)\" takes \(length) bytes", detail: "The limit is \(limits.footerBytes) bytes.")
        }
        let start = byteCount - 8 - length
        let footer = try bytes(descriptor, path: path, at: start, count: length)
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
    private static func bytes(_ descriptor: Int32, path: String, at position: Int, count: Int) throws(ParallaxError) -> [UInt8] {
        var filled = 0
        var trouble: Int32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            while filled < count {
                let read = pread(descriptor, buffer.baseAddress.map { $0 + filled }, count - filled, off_t(position + filled))
                if read < 0 && errno == EINTR { continue }
                if read < 0 { trouble = errno }
                if read <= 0 { break }
                filled += read
            }
            initialized = filled
        }
        if trouble != 0 { throw ParallaxError(.disk, "cannot read \"\(path)\"", detail: String(cString: strerror(trouble))) }
        guard filled == count else {
            throw error(FormatError(message: "the file ends early", position: position + filled), path: path)
        }
        return bytes
    }
}
