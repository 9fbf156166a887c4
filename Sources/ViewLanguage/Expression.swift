import Columns
import ParallaxCore

/// A value of the plan's constants.
public enum Literal: Hashable, Sendable, Codable {
    case null
    case bool(Bool)
    /// int4, int8, timestamptz and timestamp (microseconds), date (days)
    case int(Int64)
    /// Unscaled value; the scale is in the expression's type. As decimal text in JSON.
    case decimal(String)
    case float(Double)
    case text(String)
    /// Canonical lower-case text.
    case uuid(String)
    case interval(CalendarInterval)
}

/// A typed expression over one row of a source and of the tables that it is joined with. Every implicit cast of PostgreSQL is explicit here, so that the
/// evaluator never guesses: both operands of a comparison or an arithmetic operator have the same type class.
public indirect enum Expression: Hashable, Sendable, Codable {
    /// Index into the source's columns.
    case column(Int, ScalarType)
    /// A column of a table that the event was looked up in: index into the plan's lookups, index into its columns. Null where a LEFT JOIN
    /// found no row.
    case lookup(Int, Int, ScalarType)
    case literal(Literal, ScalarType)
    case compare(Comparison, Expression, Expression)
    case arithmetic(Arithmetic, Expression, Expression, ScalarType)
    case negate(Expression, ScalarType)
    case not(Expression)
    /// Three-valued; evaluated left to right, an operand that cannot change the result is not evaluated for that row.
    case and([Expression])
    case or([Expression])
    case isNull(Expression)
    case isNotNull(Expression)
    /// IS [NOT] TRUE/FALSE/UNKNOWN.
    case isTruth(Expression, Truth, negated: Bool)
    /// `value IN (list)`; NOT IN is `.not` of it.
    case inList(Expression, [Expression])
    case cast(Expression, to: ScalarType)
    case coalesce([Expression], ScalarType)
    /// CASE: the value of the first branch whose condition is true, else the last one. Only what is needed for a row is evaluated for it.
    case choice([Branch], otherwise: Expression, ScalarType)
    case call(Function, [Expression], ScalarType)

    public enum Comparison: String, Hashable, Sendable, Codable {
        case equal, notEqual, less, lessOrEqual, greater, greaterOrEqual, isDistinct, isNotDistinct
    }
    public enum Arithmetic: String, Hashable, Sendable, Codable { case add, subtract, multiply, divide, modulo }
    public enum Truth: String, Hashable, Sendable, Codable { case `true`, `false`, unknown }

    public var type: ScalarType {
        switch self {
        case .column(_, let type), .lookup(_, _, let type), .literal(_, let type), .arithmetic(_, _, _, let type), .negate(_, let type),
            .cast(_, let type), .coalesce(_, let type), .choice(_, _, let type), .call(_, _, let type):
            type
        case .compare, .not, .and, .or, .isNull, .isNotNull, .isTruth, .inList: .bool
        }
    }
}
