extension ParquetType {
    var physical: PhysicalType {
        switch self {
        case .boolean: .boolean
        case .int32, .date: .int32
        case .int64, .timestamp, .localTimestamp, .time: .int64
        case .double: .double
        case .bytes, .string: .byteArray
        case .fixedBytes: .fixedLengthByteArray
        case .decimal(let precision, _): precision <= Self.maximumInt64Precision ? .int64 : .fixedLengthByteArray
        case .unsupported(let what): preconditionFailure("a column of type \(what) is never written")
        }
    }

    var fixedLength: Int {
        switch self {
        case .fixedBytes(let length): length
        case .decimal(let precision, _) where precision > Self.maximumInt64Precision: Self.decimalBytes
        default: 0
        }
    }
}

extension FileMetadata {
    /// `FileMetaData`, field by field. Both the converted and the logical type are written: old readers know only the first.
    func encoded() -> [UInt8] {
        var thrift = ThriftWriter()
        thrift.element { file in
            file.field(1, Int32(2))
            file.list(2, of: .structure, 0...leaves.count) { schema, index in
                schema.element { index == 0 ? Self.root(childCount: leaves.count, to: &$0) : leaves[index - 1].encode(to: &$0) }
            }
            file.field(3, Int64(rowCount))
            file.list(4, of: .structure, rowGroups.indices) { list, index in
                list.element { rowGroups[index].encode(ordinal: index, leaves: leaves, to: &$0) }
            }
            if !keyValues.isEmpty {
                file.list(5, of: .structure, keyValues) { list, entry in
                    list.element {
                        $0.field(1, entry.key.utf8)
                        $0.field(2, entry.value.utf8)
                    }
                }
            }
            file.field(6, createdBy.utf8)
            // TypeDefinedOrder for every leaf: what min_value and max_value mean.
            file.list(7, of: .structure, leaves) { list, _ in list.element { $0.field(1) { _ in } } }
        }
        return thrift.bytes
    }

    private static func root(childCount: Int, to thrift: inout ThriftWriter) {
        thrift.field(4, "schema".utf8)
        thrift.field(5, Int32(childCount))
    }
}

extension FileMetadata.Leaf {
    func encode(to thrift: inout ThriftWriter) {
        thrift.field(1, physical.rawValue)
        if physical == .fixedLengthByteArray { thrift.field(2, Int32(length)) }
        thrift.field(3, Int32(field.isOptional ? 1 : 0))
        thrift.field(4, field.name.utf8)
        switch field.type {
        case .string:
            thrift.field(6, Int32(0))
            thrift.field(10) { logical in logical.field(1) { _ in } }
        case .timestamp:
            thrift.field(6, Int32(10))
            thrift.field(10) { logical in
                logical.field(8) { timestamp in
                    timestamp.field(1, true)
                    timestamp.field(2) { unit in unit.field(2) { _ in } }
                }
            }
        // Older readers have no name for it: their converted type always means UTC.
        case .localTimestamp:
            thrift.field(10) { logical in
                logical.field(8) { timestamp in
                    timestamp.field(1, false)
                    timestamp.field(2) { unit in unit.field(2) { _ in } }
                }
            }
        case .time:
            // The converted type says the unit; readers of the logical one learn that the clock is local.
            thrift.field(6, Int32(8))
            thrift.field(10) { logical in
                logical.field(7) { time in
                    time.field(1, false)
                    time.field(2) { unit in unit.field(2) { _ in } }
                }
            }
        case .date:
            thrift.field(6, Int32(6))
            thrift.field(10) { logical in logical.field(6) { _ in } }
        case .decimal(let precision, let scale):
            thrift.field(6, Int32(5))
            thrift.field(7, Int32(scale))
            thrift.field(8, Int32(precision))
            thrift.field(10) { logical in
                logical.field(5) { decimal in
                    decimal.field(1, Int32(scale))
                    decimal.field(2, Int32(precision))
                }
            }
        default: break
        }
    }
}

extension FileMetadata.RowGroup {
    func encode(ordinal: Int, leaves: [FileMetadata.Leaf], to thrift: inout ThriftWriter) {
        thrift.list(1, of: .structure, chunks.indices) { list, index in
            list.element { chunk in
                chunk.field(2, Int64(0))
                chunk.field(3) { chunks[index].encode(name: leaves[index].field.name, to: &$0) }
            }
        }
        thrift.field(2, Int64(chunks.reduce(0) { $0 + $1.uncompressedBytes }))
        thrift.field(3, Int64(rowCount))
        thrift.field(5, Int64(chunks.first?.start ?? 0))
        thrift.field(6, Int64(chunks.reduce(0) { $0 + $1.compressedBytes }))
        if let ordinal = Int16(exactly: ordinal) { thrift.field(7, ordinal) }
    }
}

extension FileMetadata.Chunk {
    func encode(name: String, to thrift: inout ThriftWriter) {
        thrift.field(1, physical)
        thrift.list(2, of: .i32, encodings.sorted()) { $0.zigzag(Int64($1)) }
        thrift.list(3, of: .binary, CollectionOfOne(name)) { $0.binary($1.utf8) }
        thrift.field(4, codec)
        thrift.field(5, Int64(valueCount))
        thrift.field(6, Int64(uncompressedBytes))
        thrift.field(7, Int64(compressedBytes))
        thrift.field(9, Int64(dataPageOffset))
        // Absent, rather than 0, where there is no dictionary: readers have mistaken 0 for a place.
        if let dictionaryPageOffset { thrift.field(11, Int64(dictionaryPageOffset)) }
        if let statistics {
            thrift.field(12) { thrift in
                if let nullCount = statistics.nullCount { thrift.field(3, Int64(nullCount)) }
                if let maximum = statistics.maximum { thrift.field(5, maximum) }
                if let minimum = statistics.minimum { thrift.field(6, minimum) }
            }
        }
    }
}

extension PageHeader {
    func encoded() -> [UInt8] {
        var thrift = ThriftWriter()
        thrift.element { header in
            header.field(1, type)
            header.field(2, Int32(uncompressedBytes))
            header.field(3, Int32(compressedBytes))
            if let crc { header.field(4, Int32(bitPattern: crc)) }
            if type == PageType.dictionary.rawValue {
                header.field(7) { page in
                    page.field(1, Int32(valueCount))
                    page.field(2, encoding)
                }
            } else {
                header.field(5) { page in
                    page.field(1, Int32(valueCount))
                    page.field(2, encoding)
                    page.field(3, Encoding.rle.rawValue)
                    page.field(4, Encoding.rle.rawValue)
                }
            }
        }
        return thrift.bytes
    }
}
