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
    /// Inside of expressions only: no column, group or measure has it.
    case interval

    /// A numeric with more digits than 38 does not fit the 128-bit integers that hold the unscaled values.
    public static let maximumNumericPrecision = 38
}
