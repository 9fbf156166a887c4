import Columns
import ViewLanguage

/// min and max, in the argument's type. Null where no value was.
struct ExtremumLaw: MeasureLaw {
    let measure: Plan.Measure
    let index: Int

    private var isMinimum: Bool { measure.function == .min }

    func columns(_ layer: StateLayout.Layer) -> [StateColumn] {
        [StateColumn(measure: index, "v", measure.argument?.type.stateSQLName ?? "bigint")]
    }

    /// LEAST and GREATEST pass over nulls, as min and max do. Of equal numerics the longest, in whichever order they come.
    func added(_ column: StateColumn, to old: String, _ new: String) -> String {
        let (old, new) = ("\(old).\(column.name)", "\(new).\(column.name)")
        let extremum = "\(isMinimum ? "least" : "greatest")(\(old), \(new))"
        guard measure.argument?.type == .decimal else { return extremum }
        return "CASE WHEN \(old) = \(new) AND scale(\(new)) > scale(\(old)) THEN \(new) ELSE \(extremum) END"
    }

    func merged(_ column: StateColumn, joinsSessions: Bool) -> [String] {
        ["\(isMinimum ? "min" : "max")(u.\(column.name)) AS \(column.name)"]
    }

    func finished(over row: StateSQL.Row, joinsSessions: Bool) -> String { "\(row.alias).m\(index)_v" }
    func differs(_ column: StateColumn) -> String? { measure.differsAsShown(column) }
    var canBeAddedTo: Bool { measure.argument?.type.hasOneOrder ?? false }
}
