import Columns
import ViewLanguage

/// Percentiles of live rows, as SQL.
///
///     state   =  the values themselves (m_v) while there are at most `exactValues`, else a digest (m_t)
///     merged  =  PostgreSQL's own percentile of all values, while no digest is among the states; else what the digests say together
///
/// Where the batch layer's state is gone (its window had closed), its exact result says more than the live rows alone.
struct PercentileLaw: MeasureLaw {
    let measure: Plan.Measure
    let index: Int

    /// Names of the state columns.
    private var digest: String { "m\(index)_t" }
    private var values: String { "m\(index)_v" }
    private var result: String { "m\(index)_p" }

    private var fractions: [Double] { measure.percentile?.fractions ?? [] }
    private var isArray: Bool { measure.percentile?.isArray == true }
    private var fractionArray: String { "ARRAY[\(fractions.map { "\($0)" }.joined(separator: ", "))]::double precision[]" }

    func columns(_ layer: StateLayout.Layer) -> [StateColumn] {
        let type = measure.argument?.type.stateSQLName ?? "double precision"
        let exact = StateColumn(measure: index, "p", type + (isArray ? "[]" : ""), isOfBatchOnly: true)
        // The count tells a run that a row has changed where its percentile has not.
        return [.count(measure: index)] + (layer == .batch ? [exact] : [])
            + [StateColumn(measure: index, "t", "tdigest", isSketch: true), StateColumn(measure: index, "v", type + "[]", isSketch: true)]
    }

    /// What a flush leaves of the stored state and the delta. Two lists that fit together stay a list.
    func added(_ column: StateColumn, to oldRow: String, _ newRow: String) -> String {
        if column.rule == .count { return column.added(to: oldRow, newRow) }
        guard column.isSketch else { preconditionFailure("two percentiles do not add up") }
        let old = (digest: "\(oldRow).\(digest)", values: "\(oldRow).\(values)")
        let new = (digest: "\(newRow).\(digest)", values: "\(newRow).\(values)")
        let fits = """
            \(old.digest) IS NULL AND \(new.digest) IS NULL \
            AND coalesce(cardinality(\(old.values)), 0) + coalesce(cardinality(\(new.values)), 0) <= \(SketchPrecision.exactValues)
            """
        if column.name == values { return "CASE WHEN \(fits) THEN \(old.values) || \(new.values) END" }
        let digests = "coalesce(tdigest_union(\(old.digest), \(new.digest)), \(old.digest), \(new.digest))"
        return "CASE WHEN \(fits) THEN NULL ELSE \(adding("\(old.values) || \(new.values)", to: digests)) END"
    }

    func merged(_ column: StateColumn, joinsSessions: Bool) -> [String] {
        switch column.name {
        // Read where a group has one batch row, or where their sketches are gone.
        case result: return ["max(u.\(result)) AS \(result)"]
        case digest:
            let isThere = "u.\(digest) IS NOT NULL OR u.\(values) IS NOT NULL"
            let isInAll = joinsSessions ? "bool_and(\(isThere) OR u.m\(index)_n = 0)" : "bool_or(\(isThere))"
            return [
                "tdigest(u.\(digest)) FILTER (WHERE u.\(digest) IS NOT NULL) AS \(digest)",
                "coalesce(\(isInAll) FILTER (WHERE NOT u.is_speed), false) AS \(digest)_batch",
            ]
        case values: return ["parallax.concatenated(u.\(values)) AS \(values)"]
        default: return [column.merged]
        }
    }

    /// Also how many values the batch row with the most has: where all are in it, its result is that of the roll-up.
    func rolledUp(_ column: StateColumn) -> [String] {
        if column.rule == .count {
            return [column.merged, "coalesce(max(u.\(column.name)) FILTER (WHERE NOT u.is_speed), 0) AS \(column.name)_most"]
        }
        // Thousands of lists: to put each behind those before it would copy all of them each time.
        if column.name == values { return ["array_agg(ROW(u.\(values))) FILTER (WHERE u.\(values) IS NOT NULL) AS \(values)"] }
        return merged(column, joinsSessions: true)
    }

    func finished(over row: StateSQL.Row, joinsSessions: Bool) -> String {
        if case .rolledUp(let alias, let lacking) = row {
            return """
                CASE WHEN \(isOfOneRow(alias)) THEN \(alias).\(result) \
                WHEN \(alias).\(result) IS NOT NULL AND NOT \(alias).\(digest)_batch AND \(lacking) THEN NULL \
                WHEN \(alias).\(digest) IS NULL THEN \(result(of: lists(alias))) \
                ELSE \(estimate(alias, and: "(SELECT array_agg(e.value) FROM \(lists(alias)))")) END
                """
        }
        guard case .merged(let alias) = row else { return "\(row.alias).\(result)" }
        return """
            CASE WHEN \(alias).speed_rows = 0 OR (\(alias).\(result) IS NOT NULL AND NOT \(alias).\(digest)_batch) THEN \(alias).\(result) \
            WHEN \(alias).\(digest) IS NULL THEN \(result(of: "unnest(\(alias).\(values)) AS e (value)")) \
            ELSE \(estimate(alias, and: "\(alias).\(values)")) END
            """
    }

    /// FROM: the values of all lists of a roll-up.
    private func lists(_ alias: String) -> String {
        let type = measure.argument?.type.stateSQLName ?? "double precision"
        return "unnest(\(alias).\(values)) AS r (list \(type)[]), unnest(r.list) AS e (value)"
    }

    /// While all values are there.
    func exactness(over alias: String) -> MeasureExactness {
        .when("(\(alias).\(digest) IS NULL AND (\(alias).\(result) IS NULL OR \(alias).\(digest)_batch))")
    }

    private func isOfOneRow(_ alias: String) -> String { "\(alias).m\(index)_n = \(alias).m\(index)_n_most" }

    /// That of the fraction whose bound is the widest.
    func estimate(over alias: String) -> RollUpEstimate? {
        let share = fractions.map { $0 * (1 - $0) }.max() ?? 0.25
        let n = "\(alias).m\(index)_n"
        let factor = 3 * Double.pi * share / Double(measure.precision ?? SketchPrecision.compression)
        return RollUpEstimate(
            isExact: "(\(isOfOneRow(alias)) OR \(alias).\(digest) IS NULL)",
            error: "least(1, \(factor)::double precision * ln(\(n)::double precision) + 1 / \(n)::double precision)", bound: .rankError)
    }

    /// What the batch layer's values, or its digest, have a rank error away on either side; a digest adds its own error. One fraction of numbers only.
    func promise(over alias: String) -> EstimatePromise? {
        guard !isArray, let fraction = fractions.first else { return nil }
        switch measure.argument?.type {
        case .int2, .int4, .int8, .numeric, .decimal, .float4, .float8: break
        default: return nil
        }
        let n = "\(alias).m\(index)_n::double precision"
        let factor = 3 * Double.pi * fraction * (1 - fraction) / Double(measure.precision ?? SketchPrecision.compression)
        let error = "(\(factor)::double precision * ln(greatest(\(n), 1)) + 1 / greatest(\(n), 1))"
        func value(at rank: String) -> String {
            """
            CASE WHEN \(alias).\(digest) IS NOT NULL THEN (SELECT tdigest_percentile(d.t, \(rank)) FROM (SELECT \(alias).\(digest)) d (t)) \
            ELSE (SELECT percentile_disc(\(rank)) WITHIN GROUP (ORDER BY e.value) FROM unnest(\(alias).\(values)) AS e (value))::double precision END
            """
        }
        func side(_ sign: String) -> String { "greatest(0, least(1, \(fraction)::double precision \(sign) 2 * \(error)))" }
        return EstimatePromise(
            columns: ["m\(index)_n", digest, values], low: value(at: side("-")), high: value(at: side("+")))
    }

    func differs(_ column: StateColumn) -> String? {
        if column.isSketch { return nil }
        return column.name == result ? measure.differsAsShown(column) : column.differs
    }
    var canBeAddedTo: Bool { false }

    /// - Parameter values: FROM with a column `e.value`.
    private func result(of values: String) -> String {
        let function = measure.function == .percentileCont ? "percentile_cont" : "percentile_disc"
        let fraction = isArray ? fractionArray : "\(fractions[0])::double precision"
        return "(SELECT \(function)(\(fraction)) WITHIN GROUP (ORDER BY e.value) FROM \(values))"
    }

    /// The aggregate stands in a sub-query of its own, which PostgreSQL computes once, however often a cast names its result.
    ///
    /// - Parameter values: an array of those that are in no digest.
    private func estimate(_ alias: String, and values: String) -> String {
        let all = adding(values, to: "\(alias).\(digest)")
        let estimates = "SELECT tdigest_percentile(d.t, \(fractionArray)) AS all_of_them FROM (SELECT \(all)) d (t)"
        let each = "FROM (\(estimates)) q, unnest(q.all_of_them) WITH ORDINALITY AS e (value, place)"
        return isArray ? "(SELECT array_agg(\(cast("e.value")) ORDER BY e.place) \(each))" : "(SELECT \(cast("e.value")) \(each))"
    }

    /// What is kept as a list can become doubles (`PercentileValue.canBeMergedAsItIs`): the extension never ends once it meets an infinity or NaN.
    /// Without values the digest is what it was.
    private func adding(_ values: String, to digest: String) -> String {
        let doubles =
            measure.argument?.type == .interval
            ? "(SELECT array_agg(extract(epoch FROM e.value)::double precision) FROM unnest(\(values)) AS e (value))"
            : "(\(values))::double precision[]"
        return "tdigest_add(\(digest), \(doubles), \(measure.precision ?? SketchPrecision.compression))"
    }

    /// An estimate is a double; a percentile_disc has the type of its values.
    private func cast(_ value: String) -> String {
        switch (measure.function, measure.argument?.type) {
        case (.percentileDisc, .decimal): "\(value)::numeric"
        case (_, .interval): IntervalSQL.ofSeconds(value)
        case (.percentileDisc, .numeric(_, let scale)): "round(\(value)::numeric, \(scale))"
        case (.percentileDisc, .float4): "\(value)::real"
        case (.percentileDisc, .int2): "round(\(value))::smallint"
        case (.percentileDisc, .int4): "round(\(value))::integer"
        case (.percentileDisc, .int8):
            // The type's ends are no doubles: an estimate next to them lies beyond, and would make the whole view unreadable.
            """
            CASE WHEN \(value) >= 9223372036854775807::double precision THEN 9223372036854775807 \
            WHEN \(value) <= (-9223372036854775808)::double precision THEN -9223372036854775808 ELSE round(\(value))::bigint END
            """
        default: value
        }
    }
}
