/// count(DISTINCT x): the batch layer's exact number, and an hll of the values.
struct DistinctCountLaw: MeasureLaw {
    let index: Int

    private var exact: String { "m\(index)_d" }
    private var sketch: String { "m\(index)_h" }

    func columns(_ layer: StateLayout.Layer) -> [StateColumn] {
        let exact = StateColumn(measure: index, "d", "bigint", rule: .count, isOfBatchOnly: true)
        return (layer == .batch ? [exact] : []) + [StateColumn(measure: index, "h", "hll", isSketch: true)]
    }

    func added(_ column: StateColumn, to old: String, _ new: String) -> String {
        guard column.isSketch else { preconditionFailure("two distinct counts do not add up") }
        return "hll_union(\(old).\(column.name), \(new).\(column.name))"
    }

    /// All sketches, and the batch layer's own: what the live rows add is the difference of the two estimates.
    func merged(_ column: StateColumn, joinsSessions: Bool) -> [String] {
        guard column.isSketch else { return [column.merged] }
        return [
            "hll_union_agg(u.\(sketch)) AS \(sketch)",
            "hll_union_agg(u.\(sketch)) FILTER (WHERE NOT u.is_speed) AS \(sketch)_batch",
            "hll_union_agg(u.\(sketch)) FILTER (WHERE u.is_speed) AS \(sketch)_speed",
        ] + (joinsSessions ? [StateSQL.batchHas(sketch, orNothingIn: "u.\(exact) = 0", as: "\(sketch)_all", joinsSessions: true)] : [])
    }

    /// Exact while no live row is in it. Else the exact part plus what the sketches say was added; without the batch layer's
    /// sketch (its window had closed) live values may repeat those of the batch: the largest it can be. Of several sessions that
    /// became one the exact parts may share values: the sketches alone tell.
    func finished(over row: StateSQL.Row, joinsSessions: Bool) -> String {
        guard case .merged(let alias) = row else { return "\(row.alias).\(exact)" }
        let (d, h) = ("\(alias).\(exact)", "\(alias).\(sketch)")
        let several = joinsSessions ? "WHEN \(alias).batch_rows > 1 AND \(h)_all THEN round(hll_cardinality(\(h)))::bigint " : ""
        return """
            CASE WHEN \(alias).speed_rows = 0 THEN \(d) \
            WHEN \(d) = 0 THEN round(hll_cardinality(\(h)))::bigint \
            \(several)\
            WHEN \(h)_batch IS NULL THEN \(d) + round(hll_cardinality(\(h)_speed))::bigint \
            ELSE \(d) + greatest(0, round(hll_cardinality(\(h)) - hll_cardinality(\(h)_batch)))::bigint END
            """
    }

    func exactness(over alias: String) -> MeasureExactness { .withoutLiveRows }
    /// The sketch is an estimate of what the exact count says already.
    func differs(_ column: StateColumn) -> String? { column.isSketch ? nil : column.differs }
    var canBeAddedTo: Bool { false }
}
