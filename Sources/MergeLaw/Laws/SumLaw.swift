import Columns
import ViewLanguage

/// sum and avg of numbers: an exact sum, and for avg the count.
struct SumLaw: MeasureLaw {
    let measure: Plan.Measure
    let index: Int

    func columns(_ layer: StateLayout.Layer) -> [StateColumn] {
        (measure.function == .avg ? [.count(measure: index)] : []) + [.sum(measure: index)]
    }

    func finished(over row: StateSQL.Row, joinsSessions: Bool) -> String {
        let n = "\(row.alias).m\(index)_n"
        let s = "\(row.alias).m\(index)_s"
        guard measure.function == .avg else {
            return switch measure.argument?.type {
            case .int2, .int4: "\(s)::bigint"
            case .float4: Rounding.toReal(s)
            case .float8: Rounding.toDouble(s)
            default: s
            }
        }
        // numeric / bigint is the same numeric division that PostgreSQL's avg ends with; its scale follows from the same rule.
        let quotient = measure.argument?.isFloat == true ? "\(Rounding.toDouble(s)) / \(n)" : "\(s) / \(n)"
        return "CASE WHEN \(n) > 0 THEN \(quotient) END"
    }

    func differs(_ column: StateColumn) -> String? { column.rule == .sum ? measure.differsInScale(column) : column.differs }
    var canBeAddedTo: Bool { true }
    var isSummable: Bool { measure.function == .sum }
}
