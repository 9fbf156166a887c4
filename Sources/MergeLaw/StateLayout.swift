import Columns
import ViewLanguage

/// The columns in which a plan's results live between the layers: the same names in `batch.*`, `speed.*`, the operators'
/// output and the generated SQL. Order: window_start (where there is a window), g0…gN, the bounds of sessions, then each measure's states.
public struct StateLayout: Hashable, Sendable {
    public enum Layer: Hashable, Sendable { case speed, batch }

    public let layer: Layer
    public let columns: [StateColumn]
    /// The first `keyCount` columns identify a group: the window, then the group columns.
    public let keyCount: Int

    public init(_ plan: Plan, layer: Layer) {
        var columns: [StateColumn] = []
        if plan.window != nil { columns.append(StateColumn("window_start", .window, "timestamptz")) }
        for (index, group) in plan.groups.enumerated() {
            columns.append(StateColumn("g\(index)", .group(index), group.expression.type.stateSQLName))
        }
        keyCount = columns.count
        if plan.window?.kind.sessionGap != nil {
            if layer == .speed { columns.append(StateColumn("session_first", .sessionFirst, "timestamptz")) }
            columns.append(StateColumn("session_last", .sessionLast, "timestamptz"))
        }
        for law in plan.laws { columns += law.columns(layer) }
        self.layer = layer
        self.columns = columns
    }

    public var keys: ArraySlice<StateColumn> { columns[..<keyCount] }
    public var states: ArraySlice<StateColumn> { columns[keyCount...] }
    /// For CREATE TABLE.
    public var columnDefinitions: String { columns.map { "\($0.name) \($0.sqlType)" }.joined(separator: ", ") }
}

extension ScalarType {
    /// PostgreSQL's name of the type for a state table. Numerics carry no (precision, scale) there: an expression's result may need more digits
    /// than its type says, and the displayed scale travels with each value. Text compares bytewise in both layers.
    public var stateSQLName: String {
        switch self {
        case .text, .varchar, .char, .array(of: .text), .array(of: .varchar): "\(sqlName) COLLATE \"C\""
        case .numeric: "numeric"
        default: sqlName
        }
    }
}
