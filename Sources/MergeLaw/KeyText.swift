import Columns
import ViewLanguage

/// A row's key as text: equal for equal keys, whatever the settings of who asks, and whichever layer the key comes from.
public enum KeyText {
    /// - Parameter row: alias of a row with the names of a plan's group columns (g0, g1 …).
    public static func sql(_ plan: Plan, window: String?, row: String) -> String {
        let window = window.map { ["(\($0)) AT TIME ZONE 'UTC'"] } ?? []
        let groups = plan.groups.enumerated().map { canonical("\(row).g\($0)", $1.expression.type) }
        let parts = window + groups
        return parts.isEmpty ? "'[]'::text" : "jsonb_build_array(\(parts.joined(separator: ", ")))::text"
    }

    /// Of equal values that PostgreSQL shows differently one.
    private static func canonical(_ value: String, _ type: ScalarType) -> String {
        switch type {
        case .timestamptz: "\(value) AT TIME ZONE 'UTC'"
        case .numeric, .decimal: "trim_scale(\(value))"
        // Their bits: as digits they are what extra_float_digits says. -0 is 0, and there is one NaN.
        case .float4, .float8: "CASE WHEN \(value) = 'NaN' THEN 'NaN' ELSE encode(float8send((\(value) + 0)::float8), 'hex') END"
        // A space at the end counts for nothing.
        case .char: "\(value)::text"
        case .interval:
            // As PostgreSQL compares them: months of 30 days, days of 24 hours.
            """
            trim_scale((extract(year FROM \(value)) * 360 + extract(month FROM \(value)) * 30 + extract(day FROM \(value))) * 86400 \
            + extract(hour FROM \(value)) * 3600 + extract(minute FROM \(value)) * 60 + extract(second FROM \(value)))
            """
        default: value
        }
    }
}
