import Columns
import ParallaxCore
import ViewLanguage

/// How states are merged and finished, as SQL: the one place that knows it, for flushes, merged views and drift.
///
/// Nothing that a user wrote enters these texts: state columns have generated names.
public enum StateSQL {
    /// `SET` clause of a flush's `INSERT … ON CONFLICT DO UPDATE`: the stored state plus the delta.
    public static func upsertAssignment(_ column: StateLayout.StateColumn, plan: Plan, target: String) -> String {
        "\(column.name) = \(added(column, plan: plan, to: target, "excluded"))"
    }

    /// The state of a group's old and new rows together, of two rows that have their states apart. In the speed layer's states, and in exact ones that can
    /// be added to.
    ///
    /// - Parameters:
    ///   - old, new: aliases of the two rows.
    public static func added(_ column: StateLayout.StateColumn, plan: Plan, to old: String, _ new: String) -> String {
        let (oldRow, newRow) = (old, new)
        let old = "\(oldRow).\(column.name)"
        let new = "\(newRow).\(column.name)"
        return switch column.role {
        case .count: "\(old) + \(new)"
        case .sum, .sumOfPart, .sumOfSquares: "coalesce(\(old) + \(new), \(old), \(new))"
        case .extremum(let measure):
            switch (plan.measures[measure].function, plan.measures[measure].argument?.type) {
            // Of equal numerics the longest, in whichever order they come.
            case (.min, .decimal): "CASE WHEN \(old) = \(new) AND scale(\(new)) > scale(\(old)) THEN \(new) ELSE least(\(old), \(new)) END"
            case (.max, .decimal):
                "CASE WHEN \(old) = \(new) AND scale(\(new)) > scale(\(old)) THEN \(new) ELSE greatest(\(old), \(new)) END"
            // LEAST and GREATEST pass over nulls, as min and max do.
            case (.min, _): "least(\(old), \(new))"
            case (.max, _): "greatest(\(old), \(new))"
            // A null that decides nothing gives way to the other side.
            case (.boolAnd, _): "coalesce(\(old) AND \(new), \(old), \(new))"
            case (.boolOr, _): "coalesce(\(old) OR \(new), \(old), \(new))"
            default: preconditionFailure("\(column.name) is no extremum")
            }
        case .distinctSketch: "hll_union(\(old), \(new))"
        case .percentileSketch(let measure), .percentileValues(let measure):
            PercentileSQL(plan.measures[measure], index: measure).added(column.role, to: oldRow, newRow)
        case .taggedValue(let measure), .tagOrder(let measure), .tagPartition(let measure), .tagOffset(let measure):
            "CASE WHEN \(newTagWins(measure, plan, oldRow, newRow)) THEN \(new) ELSE \(old) END"
        case .distinctValues(let measure) where plan.measures[measure].argument?.type == .decimal:
            """
            (SELECT array_agg(l.value) FROM (SELECT DISTINCT ON (e.value) e.value \
            FROM unnest(\(old) || \(new)) AS e (value) ORDER BY e.value, scale(e.value) DESC) l)
            """
        case .distinctValues:
            "(SELECT array_agg(DISTINCT e.value) FROM unnest(\(old) || \(new)) AS e (value))"
        case .sessionFirst: "least(\(old), \(new))"
        case .sessionLast: "greatest(\(old), \(new))"
        case .window, .group, .distinctCount, .distinctSum, .percentile:
            preconditionFailure("\(column.name) is not a state that can be added to")
        }
    }

    /// Whether the new row's tag goes before (first) or behind (last) the old one's; each may be null, where no row was.
    private static func newTagWins(_ measure: Int, _ plan: Plan, _ old: String, _ new: String) -> String {
        let order = plan.measures[measure].function == .first ? "<" : ">"
        let measure = plan.measures[measure].sharedTag ?? measure
        func tag(_ table: String) -> String { "(" + ["k", "a", "b"].map { "\(table).m\(measure)_\($0)" }.joined(separator: ", ") + ")" }
        return """
            \(new).m\(measure)_a IS NOT NULL AND (\(old).m\(measure)_a IS NULL OR \(tag(new)) \(order) \(tag(old)))
            """
    }

    /// The merged states of batch rows and speed rows, one row a group: keys, then per measure the columns that
    /// `finished(_:)` reads, then `speed_rows` (how many live rows are in it).
    ///
    /// - Parameters:
    ///   - run: SQL for the run whose batch rows count.
    ///   - slices: SQL condition over `s.slice`.
    ///   - batchCondition, speedCondition: further conditions over `b` and `s`, or nil.
    public static func mergedStates(
        _ tables: StateTables, run: String, slices: String, batchCondition: String? = nil, speedCondition: String? = nil
    ) -> String {
        let columns = mergedColumns(tables)
        let fromBatch = """
            \(tables.batchTable) b
            WHERE b.from_run <= \(run) AND b.until_run > \(run)\(batchCondition.map { " AND \($0)" } ?? "")
            """
        let fromSpeed = "\(tables.speedTable) s WHERE \(slices)\(speedCondition.map { " AND \($0)" } ?? "")"
        if let gap = tables.plan.window?.kind.sessionGap {
            return SessionSQL.merged(tables, columns, gap: gap, fromBatch: fromBatch, fromSpeed: fromSpeed)
        }
        let keys = tables.speed.keys.map(\.name)
        if let direction = tables.plan.keptEventDirection {
            // One sort for all columns, and no aggregate for each.
            return """
                SELECT DISTINCT ON (\(keys.map { "u.\($0)" }.joined(separator: ", "))) u.*
                FROM (SELECT \((keys.map { "b.\($0)" } + columns.ofBatch).joined(separator: ", "))
                      FROM \(fromBatch)
                      UNION ALL
                      SELECT \((keys.map { "s.\($0)" } + columns.ofSpeed).joined(separator: ", "))
                      FROM \(fromSpeed)) u (\((keys + columns.names).joined(separator: ", ")))
                ORDER BY \((keys.map { "u.\($0)" } + ["k", "a", "b"].map { "u.m0_\($0) \(direction) NULLS LAST" }).joined(separator: ", "))
                """
        }
        return """
            SELECT \((keys.map { "u.\($0)" } + columns.merged).joined(separator: ", "))
            FROM (SELECT \((keys.map { "b.\($0)" } + columns.ofBatch).joined(separator: ", "))
                  FROM \(fromBatch)
                  UNION ALL
                  SELECT \((keys.map { "s.\($0)" } + columns.ofSpeed).joined(separator: ", "))
                  FROM \(fromSpeed)) u (\((keys + columns.names).joined(separator: ", ")))\
            \(keys.isEmpty ? "" : "\nGROUP BY " + keys.map { "u.\($0)" }.joined(separator: ", "))
            """
    }

    /// What `mergedStates` selects beside the keys.
    struct MergedColumns {
        /// Of rows of both layers, behind one another (`u`); the last one is `is_speed`.
        var names: [String] = []
        /// Their expressions over a batch row (`b`) and over a speed row (`s`).
        var ofBatch: [String] = []
        var ofSpeed: [String] = []
        /// Aggregates over `u`, with their names.
        var merged: [String] = []
    }

    private static func mergedColumns(_ tables: StateTables) -> MergedColumns {
        // Live rows may join several sessions that were published; all other groups have one batch row.
        let hasManyBatchRows = tables.plan.window?.kind.sessionGap != nil
        var fromBatch: [String] = []
        var fromSpeed: [String] = []
        var merged: [String] = []
        let states = tables.batch.states.filter { $0.role != .sessionLast }
        /// Whether the batch layer's sketch or set is there: in all rows that have anything to put into it.
        func batchHas(_ name: String, orNothingIn exact: String, as result: String) -> String {
            let isThere = hasManyBatchRows ? "bool_and(u.\(name) IS NOT NULL OR \(exact))" : "bool_or(u.\(name) IS NOT NULL)"
            return "coalesce(\(isThere) FILTER (WHERE NOT u.is_speed), false) AS \(result)"
        }
        for column in states {
            let name = column.name
            switch column.role {
            case .count:
                merged.append("coalesce(sum(u.\(name)), 0)::bigint AS \(name)")
            case .sum, .sumOfPart, .sumOfSquares:
                merged.append("sum(u.\(name)) AS \(name)")
            case .extremum(let measure):
                merged.append("\(extremumAggregate(tables.plan.measures[measure].function))(u.\(name)) AS \(name)")
            case .distinctCount:
                merged.append("coalesce(sum(u.\(name)), 0)::bigint AS \(name)")
                fromBatch.append("b.\(name)")
                fromSpeed.append("NULL::bigint")
                continue
            case .distinctSketch(let measure):
                // All sketches, and the batch layer's own: what the live rows add is the difference of the two estimates.
                merged.append("hll_union_agg(u.\(name)) AS \(name)")
                merged.append("hll_union_agg(u.\(name)) FILTER (WHERE NOT u.is_speed) AS \(name)_batch")
                merged.append("hll_union_agg(u.\(name)) FILTER (WHERE u.is_speed) AS \(name)_speed")
                if hasManyBatchRows { merged.append(batchHas(name, orNothingIn: "u.m\(measure)_d = 0", as: "\(name)_all")) }
            case .distinctSum:
                merged.append("sum(u.\(name)) AS \(name)")
                fromBatch.append("b.\(name)")
                fromSpeed.append("NULL::numeric")
                continue
            case .distinctValues(let measure):
                // Numerics in text hold no comma; arrays of different lengths have no aggregate.
                merged.append("string_agg(array_to_string(u.\(name), ','), ',') AS \(name)")
                merged.append(batchHas(name, orNothingIn: "u.m\(measure)_d = 0", as: "\(name)_batch"))
            case .percentile:
                // Read where a group has one batch row, or where their sketches are gone.
                merged.append("max(u.\(name)) AS \(name)")
                fromBatch.append("b.\(name)")
                fromSpeed.append("NULL::\(column.sqlType)")
                continue
            case .percentileSketch(let measure):
                merged.append("tdigest(u.\(name)) FILTER (WHERE u.\(name) IS NOT NULL) AS \(name)")
                let isThere = "u.\(name) IS NOT NULL OR u.m\(measure)_v IS NOT NULL"
                let isInAll = hasManyBatchRows ? "bool_and(\(isThere) OR u.m\(measure)_n = 0)" : "bool_or(\(isThere))"
                merged.append("coalesce(\(isInAll) FILTER (WHERE NOT u.is_speed), false) AS \(name)_batch")
            case .percentileValues:
                merged.append("parallax.concatenated(u.\(name)) AS \(name)")
            case .taggedValue(let measure):
                let direction = tables.plan.measures[measure].function == .first ? "ASC" : "DESC"
                let tag = tables.plan.measures[measure].sharedTag ?? measure
                let order = ["k", "a", "b"].map { "u.m\(tag)_\($0) \(direction)" }.joined(separator: ", ")
                merged.append("(array_agg(u.\(name) ORDER BY \(order)) FILTER (WHERE u.m\(tag)_a IS NOT NULL))[1] AS \(name)")
            case .tagOrder, .tagPartition, .tagOffset: break  // What the value is chosen by.
            case .window, .group, .sessionFirst, .sessionLast:
                preconditionFailure("\(name) is a key")
            }
            fromBatch.append("b.\(name)")
            fromSpeed.append("s.\(name)")
        }
        merged.append("count(*) FILTER (WHERE u.is_speed) AS speed_rows")
        if hasManyBatchRows { merged.append("count(*) FILTER (WHERE NOT u.is_speed) AS batch_rows") }
        return MergedColumns(
            names: states.map(\.name) + ["is_speed"], ofBatch: fromBatch + ["false"], ofSpeed: fromSpeed + ["true"], merged: merged)
    }

    private static func extremumAggregate(_ function: Plan.Measure.Function) -> String {
        switch function {
        case .boolAnd: "bool_and"
        case .boolOr: "bool_or"
        default: function.rawValue
        }
    }

    /// Which row an expression of `finished` stands over.
    public enum Row {
        /// A batch row as it is.
        case batch(alias: String)
        /// A row of `mergedStates`.
        case merged(alias: String)
    }

    /// A measure's result, PostgreSQL's own to the last digit where it is exact.
    public static func finished(_ index: Int, plan: Plan, row: Row) -> String {
        let measure = plan.measures[index]
        let alias =
            switch row {
            case .batch(let alias), .merged(let alias): alias
            }
        let n = "\(alias).m\(index)_n"
        let s = "\(alias).m\(index)_s"
        switch measure.function {
        case .sum where measure.argument?.type == .interval:
            return IntervalSQL.sum(of: "\(alias).m\(index)")
        case .avg where measure.argument?.type == .interval:
            return IntervalSQL.average(of: "\(alias).m\(index)", count: n)
        case .countRows, .count:
            return n
        case .sum:
            return switch measure.argument?.type {
            case .int2, .int4: "\(s)::bigint"
            case .float4: roundedToReal(s)
            case .float8: roundedToFloat(s)
            default: s
            }
        case .avg:
            // numeric / bigint is the same numeric division that PostgreSQL's avg ends with; its scale follows from the same rule.
            let quotient = measure.argument?.isFloat == true ? "\(roundedToFloat(s)) / \(n)" : "\(s) / \(n)"
            return "CASE WHEN \(n) > 0 THEN \(quotient) END"
        case .sumDistinct, .avgDistinct:
            let states = (d: "\(alias).m\(index)_d", s: s, u: "\(alias).m\(index)_u")
            guard case .merged = row else { return FinishingSQL.distinct(measure, count: states.d, sum: states.s) }
            return FinishingSQL.mergedDistinct(measure, count: states.d, sum: states.s, values: states.u, speedRows: "\(alias).speed_rows")
        case .min, .max, .boolAnd, .boolOr, .first, .last:
            return "\(alias).m\(index)_v"
        case .varPop, .varSamp, .stddevPop, .stddevSamp:
            return FinishingSQL.variance(measure, n: n, s: s, q: "\(alias).m\(index)_q")
        case .percentileCont, .percentileDisc:
            let exact = "\(alias).m\(index)_p"
            guard case .merged = row else { return exact }
            return PercentileSQL(measure, index: index).merged(alias)
        case .countDistinct:
            let d = "\(alias).m\(index)_d"
            switch row {
            case .batch:
                return d
            case .merged:
                let h = "\(alias).m\(index)_h"
                // Exact while no live row is in it. Else the exact part plus what the sketches say was added; without the batch layer's
                // sketch (its window had closed) live values may repeat those of the batch: the largest it can be. Of several sessions that
                // became one the exact parts may share values: the sketches alone tell.
                let several = "WHEN \(alias).batch_rows > 1 AND \(h)_all THEN round(hll_cardinality(\(h)))::bigint "
                return """
                    CASE WHEN \(alias).speed_rows = 0 THEN \(d) \
                    WHEN \(d) = 0 THEN round(hll_cardinality(\(h)))::bigint \
                    \(plan.window?.kind.sessionGap == nil ? "" : several)\
                    WHEN \(h)_batch IS NULL THEN \(d) + round(hll_cardinality(\(h)_speed))::bigint \
                    ELSE \(d) + greatest(0, round(hll_cardinality(\(h)) - hll_cardinality(\(h)_batch)))::bigint END
                    """
            }
        }
    }

    /// numeric to double precision, rounded once. A sum beyond the type's range reads as infinity: PostgreSQL would raise an error, and
    /// one group would make the whole view unreadable.
    static func roundedToFloat(_ sum: String) -> String {
        """
        (CASE WHEN \(sum) > 1.797693134862315e308 THEN 'Infinity'::double precision \
        WHEN \(sum) < -1.797693134862315e308 THEN '-Infinity'::double precision ELSE \(sum)::double precision END)
        """
    }

    /// The same for real.
    static func roundedToReal(_ sum: String) -> String {
        """
        (CASE WHEN \(sum) > 3.4028235e38 THEN 'Infinity'::real WHEN \(sum) < -3.4028235e38 THEN '-Infinity'::real ELSE \(sum)::real END)
        """
    }

    /// The condition that no measure of a row of `mergedStates` is an estimate, though live rows may be in it; nil where none ever is.
    public static func isExact(_ plan: Plan, alias: String) -> String? {
        var conditions: [String] = []
        for (index, measure) in plan.measures.enumerated() {
            switch measure.function {
            case .countDistinct: return "\(alias).speed_rows = 0"
            case .percentileCont, .percentileDisc: conditions.append(PercentileSQL(measure, index: index).isExact(alias))
            default: break
            }
        }
        return conditions.isEmpty ? nil : "(\(alias).speed_rows = 0 OR \(conditions.joined(separator: " AND ")))"
    }
}

extension Plan {
    /// Of a plan whose rows are whole events, the one with the smallest or the largest tag of each group: ASC or DESC.
    fileprivate var keptEventDirection: String? {
        guard window == nil, !groups.isEmpty, let first = measures.first, first.sharedTag == nil,
            measures.dropFirst().allSatisfy({ $0.sharedTag == 0 })
        else { return nil }
        switch first.function {
        case .first: return "ASC"
        case .last: return "DESC"
        default: return nil
        }
    }
}
