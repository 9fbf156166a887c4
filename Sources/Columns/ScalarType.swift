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
    case uuid

    /// A numeric with more digits than 38 does not fit the 128-bit integers that hold the unscaled values.
    public static let maximumNumericPrecision = 38
}
