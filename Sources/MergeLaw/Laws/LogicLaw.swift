import ViewLanguage

/// bool_and, bool_or, bit_and, bit_or and bit_xor: an operator over values, in any order. Null where no value was.
struct LogicLaw: MeasureLaw {
    let measure: Plan.Measure
    let index: Int

    private var names: (operator: String, aggregate: String) {
        switch measure.function {
        case .boolAnd: ("AND", "bool_and")
        case .boolOr: ("OR", "bool_or")
        case .bitAnd: ("&", "bit_and")
        case .bitOr: ("|", "bit_or")
        case .bitXor: ("#", "bit_xor")
        default: preconditionFailure("\(measure.function) is no operator")
        }
    }

    func columns(_ layer: StateLayout.Layer) -> [StateColumn] {
        [StateColumn(measure: index, "v", measure.argument?.type.stateSQLName ?? "boolean")]
    }

    /// A null that decides nothing gives way to the other side.
    func added(_ column: StateColumn, to old: String, _ new: String) -> String {
        let (old, new) = ("\(old).\(column.name)", "\(new).\(column.name)")
        return "coalesce(\(old) \(names.operator) \(new), \(old), \(new))"
    }

    func merged(_ column: StateColumn, joinsSessions: Bool) -> [String] {
        ["\(names.aggregate)(u.\(column.name)) AS \(column.name)"]
    }

    func finished(over row: StateSQL.Row, joinsSessions: Bool) -> String { "\(row.alias).m\(index)_v" }
    var canBeAddedTo: Bool { true }
}
