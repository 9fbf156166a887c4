import ViewLanguage

/// A view's outputs over one row, as SQL: what merged views show and what drift compares.
public struct OutputSQL {
    public let plan: Plan
    public let row: StateSQL.Row

    public init(_ plan: Plan, _ row: StateSQL.Row) {
        self.plan = plan
        self.row = row
    }

    private var alias: String { row.alias }

    public func value(_ value: Plan.Output.Value) -> String {
        switch value {
        case .window: part(.windowStart)
        case .windowEnd: part(.windowEnd)
        case .group(let index): part(.group(index))
        case .measure(let index): part(.measure(index))
        case .finished(let finisher): finisher.sql(part)
        }
    }

    /// HAVING; nil where there is none.
    public var having: String? { plan.having.map { "(\($0.sql(part)))" } }

    /// In parentheses where it is more than a name: it may stand anywhere in an expression.
    private func part(_ part: Finisher.Part) -> String {
        switch part {
        case .text(let text): return text
        case .windowStart: return "\(alias).window_start"
        case .windowEnd:
            guard let kind = plan.window?.kind else { preconditionFailure("the end of a window in a view without one") }
            if case .rolledUp = row { return "\(alias).window_end" }
            return "(\(WindowSQL.end(kind, of: alias)))"
        case .group(let index):
            let group = plan.groups[index]
            guard let shown = group.shownBy else { return "\(alias).g\(index)" }
            let value = StateSQL.finished(shown, plan: plan, row: row)
            let read = plan.measures[shown].argument?.type == .text ? IntervalSQL.read(value) : value
            // A roll-up may have left the group out, and not what shows it.
            if case .rolledUp = row { return "(CASE WHEN \(alias).g\(index) IS NOT NULL THEN \(read) END)" }
            return read
        case .measure(let index): return "(\(StateSQL.finished(index, plan: plan, row: row)))"
        }
    }
}
