/// What a column holds, to a reader. Physical types and encodings follow from it (Apache Parquet format 2.11, `LogicalTypes.md`).
public enum ParquetType: Hashable, Sendable, CustomStringConvertible {
    case boolean
    case int32
    case int64
    case double
    /// Bytes of any length, of no known meaning.
    case bytes
    /// Bytes of one length.
    case fixedBytes(Int)
    /// UTF-8.
    case string
    /// Microseconds since 1970-01-01 00:00:00 UTC.
    case timestamp
    /// Microseconds since 1970-01-01 00:00:00 of a clock without a zone.
    case localTimestamp
    /// Days since 1970, in INT32.
    case date
    /// Microseconds since midnight of a clock without a zone.
    case time
    /// Exact decimal: INT64 up to 18 digits, FIXED_LEN_BYTE_ARRAY(16) beyond. Readers take other lengths too.
    case decimal(precision: Int, scale: Int)
    /// Something that this module does not read; the text says what, for error messages. Never written.
    case unsupported(String)

    public var description: String {
        switch self {
        case .boolean: "BOOLEAN"
        case .int32: "INT32"
        case .int64: "INT64"
        case .double: "DOUBLE"
        case .bytes: "BYTE_ARRAY"
        case .fixedBytes(let length): "FIXED_LEN_BYTE_ARRAY(\(length))"
        case .string: "STRING"
        case .timestamp: "TIMESTAMP(MICROS, UTC)"
        case .localTimestamp: "TIMESTAMP(MICROS, local)"
        case .date: "DATE"
        case .time: "TIME(MICROS, local)"
        case .decimal(let precision, let scale): "DECIMAL(\(precision), \(scale))"
        case .unsupported(let what): what
        }
    }

    /// Digits of a decimal that INT64 holds.
    public static let maximumInt64Precision = 18
    /// Digits of a decimal that 16 bytes hold.
    public static let maximumPrecision = 38
    static let decimalBytes = 16
}

/// A column of a file.
public struct ParquetField: Hashable, Sendable {
    public var name: String
    public var type: ParquetType
    /// Nulls may occur.
    public var isOptional: Bool
    /// Keep min and max in the file where the type has an order. Not for payloads: nobody compares them.
    public var keepsExtremes: Bool

    public init(_ name: String, _ type: ParquetType, isOptional: Bool, keepsExtremes: Bool = true) {
        self.name = name
        self.type = type
        self.isOptional = isOptional
        self.keepsExtremes = keepsExtremes
    }
}
