import Columns

/// A type without its modifiers: what operators and functions are chosen by. varchar is text here, as it is binary-coercible to it.
enum TypeClass: Hashable, Sendable {
    case text, bpchar, int2, int4, int8, numeric, float4, float8, bool, timestamptz, timestamp, date, time, interval, uuid, jsonb
    indirect case array(of: TypeClass)

    /// As PostgreSQL says it in messages.
    var sqlName: String {
        switch self {
        case .text: "text"
        case .bpchar: "character"
        case .int2: "smallint"
        case .int4: "integer"
        case .int8: "bigint"
        case .numeric: "numeric"
        case .float4: "real"
        case .float8: "double precision"
        case .bool: "boolean"
        case .timestamptz: "timestamp with time zone"
        case .timestamp: "timestamp without time zone"
        case .date: "date"
        case .time: "time without time zone"
        case .interval: "interval"
        case .uuid: "uuid"
        case .jsonb: "jsonb"
        case .array(let element): element.sqlName + "[]"
        }
    }

    /// Numbers become one another implicitly from left to right: int2, int4, int8, numeric, float4, float8. Nil for other types.
    var numberRank: Int? {
        switch self {
        case .int2: 0
        case .int4: 1
        case .int8: 2
        case .numeric: 3
        case .float4: 4
        case .float8: 5
        default: nil
        }
    }

    var isFloat: Bool { self == .float4 || self == .float8 }

    /// Times become one another implicitly from left to right: date, timestamp, timestamptz (in UTC). Nil for other types.
    var timeRank: Int? {
        switch self {
        case .date: 0
        case .timestamp: 1
        case .timestamptz: 2
        default: nil
        }
    }

    /// The type to which both become without an explicit cast, in CASE, COALESCE, IN (PostgreSQL's select_common_type). Nil where there is none.
    static func common(_ a: TypeClass, _ b: TypeClass) -> TypeClass? {
        if a == b { return a }
        if let left = a.timeRank, let right = b.timeRank { return left > right ? a : b }
        // Each becomes the other: the first one stays.
        if (a == .text && b == .bpchar) || (a == .bpchar && b == .text) { return a }
        guard let left = a.numberRank, let right = b.numberRank else { return nil }
        return left > right ? a : b
    }

    /// The type in which a binary operator takes both. A real meets another number in double precision, the preferred type of numbers:
    /// `real = 0.1` compares doubles.
    static func commonOfOperator(_ a: TypeClass, _ b: TypeClass) -> TypeClass? {
        if (a == .text && b == .bpchar) || (a == .bpchar && b == .text) { return .text }
        // A time becomes an interval implicitly.
        if (a == .time && b == .interval) || (a == .interval && b == .time) { return .interval }
        guard let common = common(a, b) else { return nil }
        return common == .float4 && a != b ? .float8 : common
    }
}

extension ScalarType {
    var typeClass: TypeClass {
        switch self {
        case .text, .varchar: .text
        case .char: .bpchar
        case .int2: .int2
        case .int4: .int4
        case .int8: .int8
        case .numeric, .decimal: .numeric
        case .float4: .float4
        case .float8: .float8
        case .bool: .bool
        case .timestamptz: .timestamptz
        case .timestamp: .timestamp
        case .date: .date
        case .time: .time
        case .interval: .interval
        case .uuid: .uuid
        case .jsonb: .jsonb
        case .array(let element): .array(of: element.typeClass)
        }
    }

    /// Precision and scale of a numeric, and of a whole number as one. Nil for a numeric whose values have scales of their own.
    var decimalShape: (precision: Int, scale: Int)? {
        switch self {
        case .int2: (5, 0)
        case .int4: (10, 0)
        case .int8: (19, 0)
        case .numeric(let precision, let scale): (precision, scale)
        default: nil
        }
    }
}
