import Compression
import ParallaxCore

/// The bytes of one column chunk to its values. Positions in errors are those of the file.
struct ChunkDecoder: ~Copyable {
    private let leaf: FileMetadata.Leaf
    private let chunk: FileMetadata.Chunk
    private let rowCount: Int
    private let limits: ParquetFile.Limits
    private let bytes: [UInt8]
    /// False only in tests that aim at what the CRC protects.
    private let verifiesCRC: Bool
    private var values: ValueBuilder
    private var dictionary: ParquetColumn.Values?
    private var decompressor = ZstdDecompressor()
    /// The page being decoded, decompressed; reused.
    private var page: [UInt8] = []
    private var levels: [UInt32] = []
    private var codes: [UInt32] = []

    init(
        leaf: FileMetadata.Leaf, chunk: FileMetadata.Chunk, rowCount: Int, limits: ParquetFile.Limits, bytes: [UInt8],
        verifiesCRC: Bool = true
    ) {
        self.verifiesCRC = verifiesCRC
        self.leaf = leaf
        self.chunk = chunk
        self.rowCount = rowCount
        self.limits = limits
        self.bytes = bytes
        values = ValueBuilder(leaf, byteLimit: limits.bytesPerColumn)
    }

    mutating func decode() throws(FormatError) -> ParquetColumn {
        var index = 0
        while index < bytes.count && values.count < rowCount {
            var thrift = ThriftReader(bytes, in: index..<bytes.count, origin: chunk.start)
            let header = try PageHeader(&thrift)
            let body = thrift.index
            guard header.compressedBytes <= bytes.count - body else {
                throw failure("a page of \(header.compressedBytes) bytes does not lie within its column chunk", at: index)
            }
            index = body + header.compressedBytes
            guard let type = PageType(rawValue: header.type) else { continue }
            switch type {
            case .index: continue
            case .dataV2: throw failure("a data page of version 2", at: body, .unsupported)
            case .dictionary, .data:
                try checkCRC(header, body..<index)
                try unpack(header, body..<index)
                if type == .dictionary { try decodeDictionary(header, at: body) } else { try decodeData(header, at: body) }
            }
        }
        guard values.count == rowCount else {
            throw failure("the column chunk ends after \(values.count) of \(rowCount) values", at: bytes.count)
        }
        return values.finish()
    }

    private func failure(_ message: String, at index: Int, _ kind: FormatError.Kind = .damaged) -> FormatError {
        FormatError(message: message, position: chunk.start + index, kind: kind)
    }

    private func checkCRC(_ header: PageHeader, _ body: Range<Int>) throws(FormatError) {
        guard verifiesCRC, let stated = header.crc else { return }
        let actual = bytes.withUnsafeBytes { crc32(UnsafeRawBufferPointer(rebasing: $0[body])) }
        guard actual == stated else { throw failure("a page's CRC is \(actual) where its header says \(stated)", at: body.lowerBound) }
    }

    /// Puts the page's content into `page`.
    private mutating func unpack(_ header: PageHeader, _ body: Range<Int>) throws(FormatError) {
        guard header.uncompressedBytes <= limits.pageBytes else {
            throw failure("a page of \(header.uncompressedBytes) bytes; the limit is \(limits.pageBytes)", at: body.lowerBound, .limit)
        }
        if chunk.codec == Codec.uncompressed.rawValue {
            guard header.uncompressedBytes == body.count else {
                throw failure(
                    "an uncompressed page of \(body.count) bytes says that it has \(header.uncompressedBytes)", at: body.lowerBound)
            }
            page = Array(bytes[body])
            return
        }
        // A zstd block of three bytes stands for 128 KiB at most: a page that claims more than all its bytes could hold is
        // refused before its memory is taken.
        guard header.uncompressedBytes <= (body.count / 3 + 1) * (128 << 10) else {
            throw failure("a page of \(body.count) bytes cannot hold \(header.uncompressedBytes)", at: body.lowerBound)
        }
        let trouble: ParallaxError? = bytes.withUnsafeBytes { raw in
            do throws(ParallaxError) {
                try decompressor.decompress(
                    UnsafeRawBufferPointer(rebasing: raw[body]), expectedSize: header.uncompressedBytes, into: &page)
                return nil
            } catch { return error }
        }
        if let trouble { throw failure(trouble.message, at: body.lowerBound) }
    }

    private mutating func decodeDictionary(_ header: PageHeader, at index: Int) throws(FormatError) {
        guard dictionary == nil, values.count == 0 else { throw failure("a dictionary page that is not the first page", at: index) }
        guard header.encoding == Encoding.plain.rawValue || header.encoding == Encoding.plainDictionary.rawValue else {
            throw failure("a dictionary page in encoding \(header.encoding)", at: index, .unsupported)
        }
        // A value takes a bit at least.
        guard header.valueCount >= 0, header.valueCount <= page.count * 8 else {
            throw failure("a dictionary of \(header.valueCount) values in \(page.count) bytes", at: index)
        }
        var builder = ValueBuilder(leaf, byteLimit: limits.bytesPerColumn)
        do throws(PlainDecoding.Failure) {
            try builder.appendPlain(page, from: 0, count: header.valueCount)
        } catch { throw failure(error.message, at: index, error.kind) }
        dictionary = builder.finish().values
    }

    private mutating func decodeData(_ header: PageHeader, at index: Int) throws(FormatError) {
        guard header.valueCount >= 0, header.valueCount <= rowCount - values.count else {
            throw failure("a page of \(header.valueCount) values where \(rowCount - values.count) are left", at: index)
        }
        var start = 0
        var present = header.valueCount
        if leaf.field.isOptional { (start, present) = try decodeLevels(header, at: index) }
        let first = values.count
        do throws(PlainDecoding.Failure) {
            switch Encoding(rawValue: header.encoding) {
            case .plain: try values.appendPlain(page, from: start, count: present)
            case .plainDictionary, .rleDictionary:
                guard let dictionary else { throw .init("a page of dictionary codes without a dictionary") }
                try decodeCodes(from: start, count: present)
                try values.append(codes: codes, of: dictionary)
            case .rle where leaf.physical == .boolean:
                try decodeBooleans(from: start, count: present)
                try values.append(codes: codes, of: .bool([0, 1]))
            default: throw .init("values in encoding \(header.encoding)", .unsupported)
            }
        } catch { throw failure(error.message, at: index, error.kind) }
        if present < header.valueCount { values.spread(from: first, levels: levels) }
    }

    /// Fills `levels`; returns where the values begin and how many of them there are.
    private mutating func decodeLevels(_ header: PageHeader, at index: Int) throws(FormatError) -> (start: Int, present: Int) {
        guard header.definitionLevelEncoding == Encoding.rle.rawValue else {
            throw failure("definition levels in encoding \(header.definitionLevelEncoding)", at: index, .unsupported)
        }
        guard let end = Self.lengthPrefixed(page, at: 0, count: header.valueCount, into: &levels) else {
            throw failure("a page's definition levels are damaged", at: index)
        }
        var present = 0
        for level in levels { present += Int(level) }
        return (end, present)
    }

    private mutating func decodeBooleans(from start: Int, count: Int) throws(PlainDecoding.Failure) {
        guard Self.lengthPrefixed(page, at: start, count: count, into: &codes) != nil else {
            throw .init("a page's truth values are damaged")
        }
    }

    private mutating func decodeCodes(from start: Int, count: Int) throws(PlainDecoding.Failure) {
        codes.removeAll(keepingCapacity: true)
        if count == 0 { return }
        guard start < page.count, page[start] <= 32 else { throw .init("a page's code width is damaged") }
        guard Self.runs(page, in: start + 1..<page.count, width: Int(page[start]), count: count, into: &codes) else {
            throw .init("a page's dictionary codes are damaged")
        }
    }

    /// Four bytes of length, then runs of single bits. Returns the place after them; nil where they are damaged.
    private static func lengthPrefixed(_ page: [UInt8], at start: Int, count: Int, into output: inout [UInt32]) -> Int? {
        guard page.count - start >= 4 else { return nil }
        let length = page.withUnsafeBytes { Int(UInt32(littleEndian: $0.loadUnaligned(fromByteOffset: start, as: UInt32.self))) }
        guard length <= page.count - start - 4 else { return nil }
        let range = start + 4..<start + 4 + length
        return runs(page, in: range, width: 1, count: count, into: &output) ? range.upperBound : nil
    }

    private static func runs(_ page: [UInt8], in range: Range<Int>, width: Int, count: Int, into output: inout [UInt32]) -> Bool {
        if output.count > count {
            output.removeLast(output.count - count)
        } else {
            output.append(contentsOf: repeatElement(0, count: count - output.count))
        }
        return page.withUnsafeBytes { raw in
            output.withUnsafeMutableBufferPointer {
                RunLengthHybrid.decode(UnsafeRawBufferPointer(rebasing: raw[range]), width: width, into: $0) != nil
            }
        }
    }
}
