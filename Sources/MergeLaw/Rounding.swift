import Columns
import ViewLanguage

/// Exact sums as the types that PostgreSQL's aggregates return.
enum Rounding {
    /// numeric to double precision, rounded once. A sum beyond the type's range reads as infinity: PostgreSQL would raise an error, and
    /// one group would make the whole view unreadable.
    static func toDouble(_ sum: String) -> String {
        """
        (CASE WHEN \(sum) > 1.797693134862315e308 THEN 'Infinity'::double precision \
        WHEN \(sum) < -1.797693134862315e308 THEN '-Infinity'::double precision ELSE \(sum)::double precision END)
        """
    }

    /// The same for real.
    static func toReal(_ sum: String) -> String {
        """
        (CASE WHEN \(sum) > 3.4028235e38 THEN 'Infinity'::real WHEN \(sum) < -3.4028235e38 THEN '-Infinity'::real ELSE \(sum)::real END)
        """
    }
}

extension StateColumn {
    /// Over the rows `b` and `s`.
    var differs: String { "b.\(name) IS DISTINCT FROM s.\(name)" }
}

extension Plan.Measure {
    /// 1.0 and 1.00 are equal numerics that PostgreSQL shows differently.
    func differsInScale(_ column: StateColumn) -> String {
        switch argument?.type {
        case .numeric where percentile?.isArray != true:
            "\(column.differs) OR scale(b.\(column.name)) IS DISTINCT FROM scale(s.\(column.name))"
        default: column.differs
        }
    }

    /// The same of a value in the argument's type: '1 day' and '24:00' are equal intervals. Results shall not depend on which run came first.
    func differsAsShown(_ column: StateColumn) -> String {
        if argument?.type == .interval { return "b.\(column.name)::text IS DISTINCT FROM s.\(column.name)::text" }
        return differsInScale(column)
    }
}

extension ScalarType {
    /// PostgreSQL's order is ours, and equal values look the same (or the longer numeric stands for them, in both).
    var hasOneOrder: Bool {
        switch self {
        case .text, .varchar, .char, .int2, .int4, .int8, .numeric, .decimal, .float4, .float8, .bool, .timestamptz, .timestamp, .date,
            .time, .uuid:
            true
        case .interval, .jsonb, .array: false
        }
    }
}
