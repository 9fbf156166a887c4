import Compression
import ParallaxCore

/// One column of one row group to the bytes of its chunk: pages with headers, and what the metadata says of them.
struct ChunkEncoder: ~Copyable {
    let options: ParquetOptions
    private var compressor: ZstdCompressor

    init(_ options: ParquetOptions) {
        self.options = options
        compressor = ZstdCompressor(level: options.zstdLevel)
    }

    private struct Page {
        var type: PageType
        var encoding: Encoding
        var valueCount: Int
        var body: Range<Int>
    }

    /// Appends the chunk's bytes, which will be at `position` in the file, to `output`.
    mutating func encode(_ column: ParquetColumn, field: ParquetField, position: Int, to output: inout [UInt8]) -> FileMetadata.Chunk {
        var bodies: [UInt8] = []
        let pages = Self.pages(column, field: field, options: options, bodies: &bodies)
        let isCompressed = options.isCompressed && !bodies.isEmpty
        var packed: [UInt8] = []
        var packedRanges: [Range<Int>] = []
        if isCompressed {
            bodies.withUnsafeBytes { bytes in
                for page in pages {
                    let start = packed.count
                    compressor.append(UnsafeRawBufferPointer(rebasing: bytes[page.body]), to: &packed)
                    packedRanges.append(start..<packed.count)
                }
            }
        }
        // Decompression is most of the cost of reading: where it saves less than a tenth, the pages stay as they are.
        let usesZstd = isCompressed && packed.count < bodies.count / 10 * 9
        var chunk = FileMetadata.Chunk()
        chunk.physical = field.type.physical.rawValue
        chunk.codec = (usesZstd ? Codec.zstd : .uncompressed).rawValue
        chunk.valueCount = column.count
        let start = output.count
        var hasDataPage = false
        for (index, page) in pages.enumerated() {
            let body = usesZstd ? packed[packedRanges[index]] : bodies[page.body]
            var header = PageHeader()
            header.type = page.type.rawValue
            header.uncompressedBytes = page.body.count
            header.compressedBytes = body.count
            header.crc = body.withUnsafeBytes { crc32($0) }
            header.valueCount = page.valueCount
            header.encoding = page.encoding.rawValue
            if page.type == .dictionary {
                chunk.dictionaryPageOffset = position
            } else if !hasDataPage {
                chunk.dataPageOffset = position + output.count - start
                hasDataPage = true
            }
            let encoded = header.encoded()
            output.append(contentsOf: encoded)
            output.append(contentsOf: body)
            chunk.uncompressedBytes += encoded.count + page.body.count
            chunk.encodings.insert(page.encoding.rawValue)
        }
        if field.isOptional { chunk.encodings.insert(Encoding.rle.rawValue) }
        chunk.compressedBytes = output.count - start
        chunk.statistics = Self.statistics(column, field)
        return chunk
    }

    private static func statistics(_ column: ParquetColumn, _ field: ParquetField) -> FileMetadata.RawStatistics {
        var statistics = FileMetadata.RawStatistics()
        statistics.nullCount = column.nulls.reduce(0) { $0 + Int($1) }
        if field.keepsExtremes, let extremes = Extremes.of(column, type: field.type) {
            statistics.minimum = extremes.minimum
            statistics.maximum = extremes.maximum
        }
        return statistics
    }

    /// The pages' contents, one after the other in `bodies`: a dictionary page first, where one pays.
    private static func pages(_ column: ParquetColumn, field: ParquetField, options: ParquetOptions, bodies: inout [UInt8]) -> [Page] {
        var pages: [Page] = []
        var dictionary: ByteDictionary?
        if case .bytes(let values) = column.values, field.type.physical == .byteArray, options.usesDictionaries {
            dictionary = ByteDictionary(values, nulls: column.nulls)
        }
        if let dictionary {
            PlainEncoding.append(
                ParquetColumn(.bytes(dictionary.values)), rows: 0..<dictionary.values.count, type: field.type, to: &bodies)
            pages.append(Page(type: .dictionary, encoding: .plain, valueCount: dictionary.values.count, body: 0..<bodies.count))
        }
        var row = 0
        var code = 0
        repeat {
            let rows = row..<pageEnd(from: row, column, options, hasDictionary: dictionary != nil)
            let start = bodies.count
            let present = appendLevels(column.nulls, rows: rows, isOptional: field.isOptional, to: &bodies)
            if let dictionary {
                bodies.append(UInt8(dictionary.width))
                dictionary.codes.withUnsafeBufferPointer {
                    RunLengthHybrid.encode(
                        UnsafeBufferPointer(rebasing: $0[code..<code + present]), width: dictionary.width, to: &bodies)
                }
                code += present
            } else {
                PlainEncoding.append(column, rows: rows, type: field.type, to: &bodies)
            }
            pages.append(
                Page(
                    type: .data, encoding: dictionary == nil ? .plain : .rleDictionary, valueCount: rows.count,
                    body: start..<bodies.count))
            row = rows.upperBound
        } while row < column.count
        return pages
    }

    /// Definition levels: 4 bytes of length, then 1 for a value and 0 for a null. Returns how many values there are.
    private static func appendLevels(_ nulls: [UInt8], rows: Range<Int>, isOptional: Bool, to output: inout [UInt8]) -> Int {
        guard isOptional else {
            precondition(nulls.isEmpty || !nulls[rows].contains(1), "a null in a column without nulls")
            return rows.count
        }
        let place = output.count
        output.appendLittleEndian(UInt32(0))
        var present = rows.count
        if nulls.isEmpty {
            if !rows.isEmpty { RunLengthHybrid.run(1, count: rows.count, width: 1, to: &output) }
        } else {
            let levels = rows.map { UInt32(1 - nulls[$0]) }
            present = levels.reduce(0) { $0 + Int($1) }
            levels.withUnsafeBufferPointer { RunLengthHybrid.encode($0, width: 1, to: &output) }
        }
        let length = UInt32(output.count - place - 4)
        withUnsafeBytes(of: length.littleEndian) { bytes in
            for index in 0..<4 { output[place + index] = bytes[index] }
        }
        return present
    }

    /// The first row that is not on this page: at least one row is, however large.
    private static func pageEnd(from row: Int, _ column: ParquetColumn, _ options: ParquetOptions, hasDictionary: Bool) -> Int {
        let limit = min(column.count, row + options.rowsPerPage)
        guard case .bytes(let values) = column.values, !hasDictionary, limit > row else { return limit }
        let base = values.start(row)
        var end = row + 1
        while end < limit && values.ends[end] - base <= options.bytesPerPage { end += 1 }
        return end
    }
}
