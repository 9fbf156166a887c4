import ViewLanguage

/// count(DISTINCT x): the batch layer's exact number, and an hll of the values.
struct DistinctCountLaw: MeasureLaw {
    let index: Int
    /// log2m where the view says it.
    var precision: Int?

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

    /// The layers' sketches, and whether the values are those of one batch row alone: then nothing has to be estimated. To put a sketch of registers into
    /// another takes 20 µs, so that each goes into one only.
    func rolledUp(_ column: StateColumn) -> [String] {
        guard column.isSketch else { return [column.merged, "coalesce(max(u.\(exact)), 0) AS \(exact)_most"] }
        return [
            "hll_union_agg(u.\(sketch)) FILTER (WHERE NOT u.is_speed) AS \(sketch)_batch",
            "hll_union_agg(u.\(sketch)) FILTER (WHERE u.is_speed) AS \(sketch)_speed",
            StateSQL.batchHas(sketch, orNothingIn: "u.\(exact) = 0", as: "\(sketch)_all", joinsSessions: true),
        ]
    }

    /// Of both layers.
    private func cardinality(_ alias: String) -> String {
        let (batch, speed) = ("\(alias).\(sketch)_batch", "\(alias).\(sketch)_speed")
        return "hll_cardinality(coalesce(hll_union(\(batch), \(speed)), \(batch), \(speed)))"
    }

    /// Exact while no live row is in it. Else the exact part plus what the sketches say was added; without the batch layer's
    /// sketch (its window had closed) live values may repeat those of the batch: the largest it can be. Of several sessions that
    /// became one the exact parts may share values: the sketches alone tell.
    func finished(over row: StateSQL.Row, joinsSessions: Bool) -> String {
        if case .rolledUp(let alias, let lacking) = row { return finishedRollUp(over: alias, lacking) }
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

    /// With one batch row the exact part stands, as above. Of several the sketches tell, within what their exact numbers leave possible.
    private func finishedRollUp(over alias: String, _ lacking: String) -> String {
        let (d, h, most) = ("\(alias).\(exact)", "\(alias).\(sketch)", "\(alias).\(exact)_most")
        let all = cardinality(alias)
        return """
            CASE WHEN \(isExact(alias)) THEN \(d) \
            WHEN \(d) = 0 THEN round(\(all))::bigint \
            WHEN NOT \(h)_all AND \(lacking) THEN NULL \
            WHEN \(d) = \(most) THEN \(d) + greatest(0, round(\(all) - hll_cardinality(\(h)_batch)))::bigint \
            ELSE greatest(\(most), least(round(\(all))::bigint, \
            \(d) + coalesce(round(hll_cardinality(\(h)_speed)), 0)::bigint)) END
            """
    }

    private func isExact(_ alias: String) -> String { "(\(alias).speed_rows = 0 AND \(alias).\(exact) = \(alias).\(exact)_most)" }

    func estimate(over alias: String) -> RollUpEstimate? {
        let range = SketchPrecision.biasedRange(log2m: precision)
        let error = """
            (CASE WHEN \(cardinality(alias)) BETWEEN \(range.lowerBound) AND \(range.upperBound) \
            THEN \(SketchPrecision.biasedError(log2m: precision)) ELSE \(SketchPrecision.standardError(log2m: precision)) END)
            """
        return RollUpEstimate(isExact: isExact(alias), error: error, bound: .standardError)
    }

    /// Three standard errors, and one for rounding.
    func promise(over alias: String) -> EstimatePromise? {
        let error = 3 * max(SketchPrecision.biasedError(log2m: precision), SketchPrecision.standardError(log2m: precision))
        let value = "\(alias).\(exact)"
        return EstimatePromise(
            columns: [exact], low: "floor(\(value) * (1 - \(error)::double precision)) - 1",
            high: "ceil(\(value) * (1 + \(error)::double precision)) + 1")
    }

    func exactness(over alias: String) -> MeasureExactness { .withoutLiveRows }
    /// The sketch is an estimate of what the exact count says already.
    func differs(_ column: StateColumn) -> String? { column.isSketch ? nil : column.differs }
    var canBeAddedTo: Bool { false }
}
