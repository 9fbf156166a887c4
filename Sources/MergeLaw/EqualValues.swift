import Columns
import ViewLanguage

// Values that are equal and do not look the same.

extension Plan.Measure {
    /// 1.0 and 1.00 are equal numerics that PostgreSQL shows differently.
    func differsInScale(_ column: StateColumn) -> String {
        guard percentile?.isArray != true else { return column.differs }
        return switch argument?.type {
        case .numeric, .decimal: "\(column.differs) OR scale(b.\(column.name)) IS DISTINCT FROM scale(s.\(column.name))"
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
