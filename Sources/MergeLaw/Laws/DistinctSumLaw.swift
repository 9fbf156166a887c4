import Columns
import ViewLanguage

/// sum(DISTINCT x) and avg(DISTINCT x): the batch layer's exact number and sum of different values, and the values themselves as numeric[], ascending,
/// null where there are none. Sets of values are merged as sets, so that live results are exact, too.
struct DistinctSumLaw: MeasureLaw {
    let measure: Plan.Measure
    let index: Int

    private var count: String { "m\(index)_d" }
    private var sum: String { "m\(index)_s" }
    private var values: String { "m\(index)_u" }

    func columns(_ layer: StateLayout.Layer) -> [StateColumn] {
        let exact = [
            StateColumn(measure: index, "d", "bigint", rule: .count, isOfBatchOnly: true),
            StateColumn(measure: index, "s", "numeric", rule: .sum, isOfBatchOnly: true),
        ]
        return (layer == .batch ? exact : []) + [StateColumn(measure: index, "u", "numeric[]", isSketch: true)]
    }

    func added(_ column: StateColumn, to old: String, _ new: String) -> String {
        guard column.isSketch else { preconditionFailure("two sums of different values do not add up") }
        let both = "unnest(\(old).\(values) || \(new).\(values)) AS e (value)"
        guard measure.argument?.type == .decimal else { return "(SELECT array_agg(DISTINCT e.value) FROM \(both))" }
        return """
            (SELECT array_agg(l.value) FROM (SELECT DISTINCT ON (e.value) e.value \
            FROM \(both) ORDER BY e.value, scale(e.value) DESC) l)
            """
    }

    /// Numerics in text hold no comma; arrays of different lengths have no aggregate.
    func merged(_ column: StateColumn, joinsSessions: Bool) -> [String] {
        guard column.isSketch else { return [column.merged] }
        return [
            "string_agg(array_to_string(u.\(values), ','), ',') AS \(values)",
            StateSQL.batchHas(values, orNothingIn: "u.\(count) = 0", as: "\(values)_batch", joinsSessions: joinsSessions),
        ]
    }

    func rolledUp(_ column: StateColumn) -> [String] {
        if column.name == count { return [column.merged, "coalesce(max(u.\(count)), 0) AS \(count)_most"] }
        return merged(column, joinsSessions: true)
    }

    func finished(over row: StateSQL.Row, joinsSessions: Bool) -> String {
        let exact = result(count: "\(row.alias).\(count)", sum: "\(row.alias).\(sum)")
        if case .rolledUp(let alias, let lacking) = row {
            return """
                CASE WHEN \(alias).speed_rows = 0 AND \(alias).\(count) = \(alias).\(count)_most THEN \(exact) \
                WHEN \(alias).\(count) > 0 AND NOT \(alias).\(values)_batch AND \(lacking) THEN NULL ELSE \(ofValues(alias)) END
                """
        }
        guard case .merged(let alias) = row else { return exact }
        // Where the batch layer's values are gone (its window had closed), its exact result says more.
        return """
            CASE WHEN \(alias).speed_rows = 0 OR (\(alias).\(count) > 0 AND NOT \(alias).\(values)_batch) THEN \(exact) \
            ELSE \(ofValues(alias)) END
            """
    }

    private func ofValues(_ alias: String) -> String {
        let texts = "FROM unnest(string_to_array(\(alias).\(values), ',')) AS v"
        // Numerics may be equal and have different scales: the longest one counts, as in the states.
        let all =
            measure.argument?.type == .decimal
            ? "SELECT DISTINCT ON (v::numeric) v::numeric AS value \(texts) ORDER BY v::numeric, scale(v::numeric) DESC"
            : "SELECT v::numeric AS value \(texts)"
        return """
            (SELECT \(result(count: "l.n", sum: "l.s")) FROM (SELECT count(DISTINCT e.value) AS n, sum(DISTINCT e.value) AS s \
            FROM (\(all)) e) l)
            """
    }

    private func result(count: String, sum: String) -> String {
        switch (measure.function, measure.argument?.type) {
        case (.sumDistinct, .int2), (.sumDistinct, .int4): "\(sum)::bigint"
        case (.sumDistinct, .float4): Rounding.toReal(sum)
        case (.sumDistinct, .float8): Rounding.toDouble(sum)
        case (.sumDistinct, _): sum
        case (_, .float4), (_, .float8): "CASE WHEN \(count) > 0 THEN \(Rounding.toDouble(sum)) / \(count) END"
        default: "CASE WHEN \(count) > 0 THEN \(sum) / \(count) END"
        }
    }

    func differs(_ column: StateColumn) -> String? {
        if column.isSketch { return nil }
        return column.rule == .sum ? measure.differsInScale(column) : column.differs
    }
    var canBeAddedTo: Bool { false }
}
