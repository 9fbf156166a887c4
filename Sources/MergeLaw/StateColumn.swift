/// A column of a state table.
public struct StateColumn: Hashable, Sendable {
    public enum Role: Hashable, Sendable {
        case window
        /// Index into plan.groups.
        case group(Int)
        /// Sessions: the least and the greatest event time. Never null. The batch layer has the first in `window_start`; the speed layer's
        /// rows are atoms, whose `window_start` is that of a tumbling window. Merged by LEAST and GREATEST.
        case sessionFirst
        case sessionLast
        /// A part of a measure's state; index into plan.measures.
        case measure(Int)
    }

    /// How values of the column become one, where the law has no way of its own.
    public enum Rule: Hashable, Sendable {
        /// +; never null.
        case count
        /// +; null where no value was.
        case sum
        /// The law's own.
        case own
    }

    public let name: String
    public let role: Role
    /// PostgreSQL's type name, e.g. `bigint`, `numeric`, `text COLLATE "C"`, `hll`.
    public let sqlType: String
    public let rule: Rule
    /// A sketch, or a set in its place: the speed layer always has it, the batch layer only while the window can still change.
    public let isSketch: Bool
    /// An exact result of the batch layer: a speed row has null in its place when the layers are merged.
    public let isOfBatchOnly: Bool

    init(_ name: String, _ role: Role, _ sqlType: String, rule: Rule = .own, isSketch: Bool = false, isOfBatchOnly: Bool = false) {
        self.name = name
        self.role = role
        self.sqlType = sqlType
        self.rule = rule
        self.isSketch = isSketch
        self.isOfBatchOnly = isOfBatchOnly
    }

    /// A part of a measure's state: `m0_s`.
    init(
        measure: Int, _ part: String, _ sqlType: String, rule: Rule = .own, isSketch: Bool = false, isOfBatchOnly: Bool = false
    ) {
        self.init("m\(measure)_\(part)", .measure(measure), sqlType, rule: rule, isSketch: isSketch, isOfBatchOnly: isOfBatchOnly)
    }

    /// The number of rows or values.
    static func count(measure: Int) -> StateColumn { StateColumn(measure: measure, "n", "bigint", rule: .count) }

    /// An exact sum as numeric, also for double precision: a double is a decimal fraction, so its sum has an exact decimal form; adding is then
    /// associative, and one cast at the end rounds once.
    static func sum(measure: Int, _ part: String = "s") -> StateColumn { StateColumn(measure: measure, part, "numeric", rule: .sum) }

    var isNeverNull: Bool {
        switch role {
        case .window, .sessionFirst, .sessionLast: true
        case .group: false
        case .measure: rule == .count
        }
    }

    /// Types that an extension of the same name brings.
    static let extensionTypes: Set<String> = ["hll", "tdigest"]
}

/// What `MeasureLaw` asks for, by the column's rule.
extension StateColumn {
    func added(to old: String, _ new: String) -> String {
        let (old, new) = ("\(old).\(name)", "\(new).\(name)")
        return switch rule {
        case .count: "\(old) + \(new)"
        case .sum: "coalesce(\(old) + \(new), \(old), \(new))"
        case .own: preconditionFailure("\(name) is not a state that can be added to")
        }
    }

    var merged: String {
        switch rule {
        case .count: "coalesce(sum(u.\(name)), 0)::bigint AS \(name)"
        case .sum: "sum(u.\(name)) AS \(name)"
        case .own: preconditionFailure("\(name) has no rule")
        }
    }

    var differs: String { "b.\(name) IS DISTINCT FROM s.\(name)" }
}
