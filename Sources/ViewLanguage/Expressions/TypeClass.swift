import Columns

/// A type without its modifiers: what operators and functions are chosen by.
enum TypeClass: Hashable {
    case text, int4, int8, numeric, float8, bool, timestamptz, timestamp, date, interval, uuid

    /// As PostgreSQL says it in messages.
    var sqlName: String {
        switch self {
        case .text: "text"
        case .int4: "integer"
        case .int8: "bigint"
        case .numeric: "numeric"
        case .float8: "double precision"
        case .bool: "boolean"
        case .timestamptz: "timestamp with time zone"
        case .timestamp: "timestamp without time zone"
        case .date: "date"
        case .interval: "interval"
        case .uuid: "uuid"
        }
    }

    /// Numbers become one another implicitly from left to right: int4, int8, numeric, float8. Nil for other types.
    var numberRank: Int? {
        switch self {
        case .int4: 0
        case .int8: 1
        case .numeric: 2
        case .float8: 3
        case .text, .bool, .timestamptz, .timestamp, .date, .interval, .uuid: nil
        }
    }

    /// Times become one another implicitly from left to right: date, timestamp, timestamptz (in UTC). Nil for other types.
    var timeRank: Int? {
        switch self {
        case .date: 0
        case .timestamp: 1
        case .timestamptz: 2
        default: nil
        }
    }

    /// The type to which both become without an explicit cast. Nil where there is none.
    static func common(_ a: TypeClass, _ b: TypeClass) -> TypeClass? {
        if a == b { return a }
        if let left = a.timeRank, let right = b.timeRank { return left > right ? a : b }
        guard let left = a.numberRank, let right = b.numberRank else { return nil }
        return left > right ? a : b
    }
}

extension ScalarType {
    var typeClass: TypeClass {
        switch self {
        case .text: .text
        case .int4: .int4
        case .int8: .int8
        case .numeric: .numeric
        case .float8: .float8
        case .bool: .bool
        case .timestamptz: .timestamptz
        case .timestamp: .timestamp
        case .date: .date
        case .interval: .interval
        case .uuid: .uuid
        }
    }

    /// Precision and scale of a numeric, and of a whole number as one.
    var decimalShape: (precision: Int, scale: Int)? {
        switch self {
        case .int4: (10, 0)
        case .int8: (19, 0)
        case .numeric(let precision, let scale): (precision, scale)
        case .text, .float8, .bool, .timestamptz, .timestamp, .date, .interval, .uuid: nil
        }
    }
}
