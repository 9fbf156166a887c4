import ParallaxCore

/// One column of a batch: values of one type, and which of them are null.
public struct Column: Sendable {
    public enum Storage: Sendable {
        /// int2, int4, int8, timestamptz and timestamp (microseconds since 1970), date (days since 1970), time (microseconds since midnight), and
        /// numeric of precision <= 18 (unscaled).
        case int64([Int64])
        /// numeric of precision > 18 (unscaled).
        case int128([Int128])
        /// float8, and float4 as the doubles that it is among.
        case float64([Double])
        /// 0 or 1.
        case bool([UInt8])
        /// UTF-8 without U+0000: text, varchar, char without the blanks at its end; decimal, jsonb and arrays as PostgreSQL writes them. Its own null marks are not used: `Column.nulls` counts.
        case text(ByteColumn)
        /// Sixteen bytes as one number. A uuid is big-endian, so that numbers are ordered as uuids are; an interval is `CalendarInterval.bits`, whose
        /// order means nothing.
        case bits128([UInt128])
    }

    public var type: ScalarType
    public var storage: Storage
    /// 1 where the value is null (its place in `storage` then holds zero or an empty string). Empty when no value is null.
    public var nulls: [UInt8]

    public init(type: ScalarType, storage: Storage, nulls: [UInt8] = []) {
        self.type = type
        self.storage = storage
        self.nulls = nulls
    }

    public var count: Int {
        switch storage {
        case .int64(let values): values.count
        case .int128(let values): values.count
        case .float64(let values): values.count
        case .bool(let values): values.count
        case .text(let values): values.count
        case .bits128(let values): values.count
        }
    }

    @inlinable public func isNull(_ row: Int) -> Bool { !nulls.isEmpty && nulls[row] != 0 }
}
