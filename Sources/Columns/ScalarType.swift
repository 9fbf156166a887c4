/// The types that a source's column and an expression can have. Names are PostgreSQL's.
public enum ScalarType: Hashable, Sendable, Codable {
    case text
    case int4
    case int8
    /// Exact decimal. 1 <= precision <= 38, 0 <= scale <= precision.
    case numeric(precision: Int, scale: Int)
    case float8
    case bool
    case timestamptz
    /// Microseconds since 1970-01-01 00:00 of a clock whose zone nobody knows.
    case timestamp
    /// Days since 1970.
    case date
    case uuid
    /// Months, days and microseconds apart, as `CalendarInterval.bits`; equal where a month of 30 days and a day of 24 hours make them so.
    case interval
    case int2
    case float4
    /// Text of at most so many characters. Nil: `varchar` without a length.
    case varchar(length: Int?)
    /// Text of so many characters, kept without the blanks at its end, which its comparisons pass over. Nil: a constant, of any length.
    case char(length: Int?)
    /// Microseconds since midnight, up to 24:00.
    case time
    /// A numeric without precision and scale: each value has a scale of its own. At most 38 digits.
    case decimal
    /// In PostgreSQL's normal form, as text.
    case jsonb
    /// One-dimensional, in PostgreSQL's text form.
    indirect case array(of: ScalarType)

    /// A numeric with more digits than 38 does not fit the 128-bit integers that hold the unscaled values.
    public static let maximumNumericPrecision = 38

    /// How a column or a vector keeps its values.
    public enum Layout: Hashable, Sendable {
        case int64, int128, float64, bool, text, bits128
    }

    public var layout: Layout {
        switch self {
        case .int2, .int4, .int8, .timestamptz, .timestamp, .date, .time: .int64
        case .numeric(let precision, _): precision <= 18 ? .int64 : .int128
        case .float4, .float8: .float64
        case .bool: .bool
        case .text, .varchar, .char, .decimal, .jsonb, .array: .text
        case .uuid, .interval: .bits128
        }
    }
}
