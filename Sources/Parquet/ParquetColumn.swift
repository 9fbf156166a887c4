import ParallaxCore

/// The values of one column in one row group.
public struct ParquetColumn: Sendable {
    public enum Values: Sendable {
        /// boolean: 0 or 1.
        case bool([UInt8])
        /// int32 (each must fit), int64, timestamp, and decimals of up to 18 digits (unscaled).
        case int64([Int64])
        /// Decimals of more than 18 digits (unscaled).
        case int128([Int128])
        case double([Double])
        /// bytes, string, fixedBytes. Its own null marks are not used: `ParquetColumn.nulls` counts.
        case bytes(ByteColumn)
    }

    public var values: Values
    /// 1 where the value is null (its place in `values` holds zero or an empty string). Empty when no value is null.
    public var nulls: [UInt8]

    public init(_ values: Values, nulls: [UInt8] = []) {
        self.values = values
        self.nulls = nulls
        precondition(nulls.isEmpty || nulls.count == values.count, "\(nulls.count) null marks for \(values.count) values")
    }

    public var count: Int { values.count }
}

extension ParquetColumn.Values {
    public var count: Int {
        switch self {
        case .bool(let values): values.count
        case .int64(let values): values.count
        case .int128(let values): values.count
        case .double(let values): values.count
        case .bytes(let values): values.count
        }
    }
}

/// What the file says about one column in one row group, where it says it.
public struct ParquetStatistics: Hashable, Sendable {
    public enum Extreme: Hashable, Sendable {
        case int64(Int64)
        case int128(Int128)
        case double(Double)
        case bool(Bool)
        case bytes([UInt8])
    }
    public var nullCount: Int?
    public var minimum: Extreme?
    public var maximum: Extreme?
}
