// The parts of Parquet's `parquet.thrift` (format 2.11) that a flat file needs. Numbers are the specification's.

enum PhysicalType: Int32 {
    case boolean = 0
    case int32 = 1
    case int64 = 2
    case int96 = 3
    case float = 4
    case double = 5
    case byteArray = 6
    case fixedLengthByteArray = 7
}

enum Codec: Int32 {
    case uncompressed = 0
    case zstd = 6
}

enum Encoding: Int32 {
    case plain = 0
    /// The older name of `.rleDictionary` in data pages and of `.plain` in dictionary pages.
    case plainDictionary = 2
    case rle = 3
    case rleDictionary = 8
}

enum PageType: Int32 {
    case data = 0
    case index = 1
    case dictionary = 2
    case dataV2 = 3
}

struct FileMetadata {
    /// A leaf of the schema tree, in file order: one column chunk a row group.
    struct Leaf {
        var field: ParquetField
        var physical: PhysicalType
        /// How long the values of a fixed-length byte array are.
        var length = 0
    }
    struct Chunk {
        var physical: Int32 = -1
        var codec: Int32 = -1
        var valueCount = 0
        var uncompressedBytes = 0
        var compressedBytes = 0
        var dataPageOffset = 0
        var dictionaryPageOffset: Int?
        var encodings: Set<Int32> = []
        var statistics: RawStatistics?
        var isElsewhere = false

        /// Where the chunk's first page begins. Some writers give 0 for "no dictionary page".
        var start: Int {
            if let dictionaryPageOffset, dictionaryPageOffset > 0 { return min(dictionaryPageOffset, dataPageOffset) }
            return dataPageOffset
        }
    }
    struct RawStatistics {
        var nullCount: Int?
        var minimum: [UInt8]?
        var maximum: [UInt8]?
    }
    struct RowGroup {
        var chunks: [Chunk] = []
        var rowCount = 0
    }

    var leaves: [Leaf] = []
    var rowGroups: [RowGroup] = []
    var rowCount = 0
    var keyValues: [(key: String, value: String)] = []
    var createdBy = ""
    /// True for leaves whose min and max follow the type's own order.
    var hasTypeOrder = false
}

struct PageHeader {
    var type: Int32 = -1
    var uncompressedBytes = -1
    var compressedBytes = -1
    var crc: UInt32?
    var valueCount = -1
    var encoding: Int32 = -1
    var definitionLevelEncoding: Int32 = -1
}
