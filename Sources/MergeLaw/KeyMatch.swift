import Columns
import ViewLanguage

/// Equality of two rows' keys where nulls are equal, in a form that a hash join takes (IS NOT DISTINCT FROM would compare every pair).
public enum KeyMatch {
    public static func condition(_ tables: StateTables, _ left: String, _ right: String) -> String {
        condition(tables, tables.batch.keys, left, right)
    }

    /// The same for the group columns alone.
    public static func groups(_ tables: StateTables, _ left: String, _ right: String) -> String {
        condition(tables, tables.batch.keys.dropFirst(tables.plan.window == nil ? 0 : 1), left, right)
    }

    /// The same of some group columns, whose names in two rows end with their numbers.
    ///
    /// - Parameters:
    ///   - left, right: what stands before the number, such as `n.k`.
    public static func groups(_ plan: Plan, _ groups: [Int], _ left: String, _ right: String) -> String {
        let parts = groups.map { equality("\(left)\($0)", "\(right)\($0)", plan.groups[$0].expression.type) }
        return parts.isEmpty ? "true" : parts.joined(separator: " AND ")
    }

    private static func condition(
        _ tables: StateTables, _ keys: ArraySlice<StateColumn>, _ left: String, _ right: String
    ) -> String {
        let parts = keys.map { key in
            guard case .group(let index) = key.role else { return "\(left).\(key.name) = \(right).\(key.name)" }
            return equality("\(left).\(key.name)", "\(right).\(key.name)", tables.plan.groups[index].expression.type)
        }
        return parts.isEmpty ? "true" : parts.joined(separator: " AND ")
    }

    private static func equality(_ left: String, _ right: String, _ type: ScalarType) -> String {
        let stand = placeholder(type)
        return "coalesce(\(left), \(stand)) = coalesce(\(right), \(stand)) AND (\(left) IS NULL) = (\(right) IS NULL)"
    }

    /// Any value of the type: the second half of the condition tells it from a null.
    private static func placeholder(_ type: ScalarType) -> String {
        switch type {
        case .text, .varchar, .char: "''"
        case .int2, .int4, .int8, .numeric, .decimal, .float4, .float8: "0"
        case .time: "'00:00'::time"
        case .jsonb: preconditionFailure("a group of type jsonb")
        case .array: "'{}'"
        case .bool: "false"
        case .timestamptz: "'epoch'::timestamptz"
        case .timestamp: "'epoch'::timestamp"
        case .date: "'epoch'::date"
        case .interval: "'0'::interval"
        case .uuid: "'00000000-0000-0000-0000-000000000000'::uuid"
        }
    }
}
