import Columns
import ParallaxCore
import ViewLanguage

/// How states are merged and finished, as SQL, for flushes, runs, merged views and drift. What a measure's state is, and its law, each `MeasureLaw` says.
///
/// Nothing that a user wrote enters these texts: state columns have generated names.
public enum StateSQL {
    /// Which row an expression stands over.
    public enum Row: Sendable {
        /// A batch row as it is.
        case batch(alias: String)
        /// A row of `mergedStates`.
        case merged(alias: String)
        /// A row of `RollUpSQL.states`. `lacking`: SQL, an error that is asked for where a result cannot be told, since sketches are gone.
        case rolledUp(alias: String, lacking: String)

        public var alias: String {
            switch self {
            case .batch(let alias), .merged(let alias), .rolledUp(let alias, _): alias
            }
        }
    }

    /// `SET` clause of a flush's `INSERT … ON CONFLICT DO UPDATE`: the stored state plus the delta.
    public static func upsertAssignment(_ column: StateColumn, plan: Plan, target: String) -> String {
        "\(column.name) = \(added(column, plan: plan, to: target, "excluded"))"
    }

    /// The state of a group's old and new rows together, of two rows that have their states apart. In the speed layer's states, and in exact ones that can
    /// be added to.
    ///
    /// - Parameters:
    ///   - old, new: aliases of the two rows.
    public static func added(_ column: StateColumn, plan: Plan, to old: String, _ new: String) -> String {
        switch column.role {
        case .measure(let index): plan.law(index).added(column, to: old, new)
        case .sessionFirst: "least(\(old).\(column.name), \(new).\(column.name))"
        case .sessionLast: "greatest(\(old).\(column.name), \(new).\(column.name))"
        case .window, .group: preconditionFailure("\(column.name) is a key")
        }
    }

    /// The condition that a column of the rows `b` and `s` differs such that results may; nil where other columns tell.
    public static func differs(_ column: StateColumn, plan: Plan) -> String? {
        switch column.role {
        // Sketches that outlive their windows are read beside those of other windows: then one that is of other values is another one.
        case .measure where column.isSketch && plan.keepsSketches == true:
            "b.\(column.name)::text IS DISTINCT FROM s.\(column.name)::text"
        case .measure(let index): plan.law(index).differs(column)
        case .sessionFirst, .sessionLast: column.differs
        case .window, .group: preconditionFailure("\(column.name) is a key")
        }
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
                ORDER BY \((keys.map { "u.\($0)" } + TaggedLaw.tagParts.map { "u.m0_\($0) \(direction) NULLS LAST" }).joined(separator: ", "))
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
        /// The columns of `u`, which holds the rows of both layers, one layer after the other; the last column is `is_speed`.
        var names: [String] = []
        /// Their expressions over a batch row (`b`) and over a speed row (`s`).
        var ofBatch: [String] = []
        var ofSpeed: [String] = []
        /// Aggregates over `u`, with their names.
        var merged: [String] = []
    }

    private static func mergedColumns(_ tables: StateTables) -> MergedColumns {
        // Live rows may join several sessions that were published; all other groups have one batch row.
        let joinsSessions = tables.plan.joinsSessions
        return mergedColumns(tables, measures: tables.plan.measures.indices) { $0.merged($1, joinsSessions: joinsSessions) }
    }

    /// - Parameters:
    ///   - measures: those whose columns are read.
    ///   - merged: a law's aggregates over a column of its own.
    static func mergedColumns(
        _ tables: StateTables, measures: some Collection<Int>, merged: (any MeasureLaw, StateColumn) -> [String]
    ) -> MergedColumns {
        let joinsSessions = tables.plan.joinsSessions
        var columns = MergedColumns()
        for column in tables.batch.states {
            guard case .measure(let index) = column.role, measures.contains(index) else { continue }
            columns.names.append(column.name)
            columns.ofBatch.append("b.\(column.name)")
            columns.ofSpeed.append(column.isOfBatchOnly ? "NULL::\(column.sqlType)" : "s.\(column.name)")
            columns.merged += merged(tables.plan.law(index), column)
        }
        columns.names.append("is_speed")
        columns.ofBatch.append("false")
        columns.ofSpeed.append("true")
        columns.merged.append("count(*) FILTER (WHERE u.is_speed) AS speed_rows")
        if joinsSessions { columns.merged.append("count(*) FILTER (WHERE NOT u.is_speed) AS batch_rows") }
        return columns
    }

    /// An aggregate: whether the batch layer's sketch or set is there, in all rows that have anything to put into it.
    static func batchHas(_ name: String, orNothingIn exact: String, as result: String, joinsSessions: Bool) -> String {
        let isThere = joinsSessions ? "bool_and(u.\(name) IS NOT NULL OR \(exact))" : "bool_or(u.\(name) IS NOT NULL)"
        return "coalesce(\(isThere) FILTER (WHERE NOT u.is_speed), false) AS \(result)"
    }

    /// A measure's result, PostgreSQL's own to the last digit where it is exact.
    public static func finished(_ index: Int, plan: Plan, row: Row) -> String {
        plan.law(index).finished(over: row, joinsSessions: plan.joinsSessions)
    }

    /// The condition that no measure of a row of `mergedStates` is an estimate, though live rows may be in it; nil where none ever is.
    public static func isExact(_ plan: Plan, alias: String) -> String? {
        var conditions: [String] = []
        for law in plan.laws {
            switch law.exactness(over: alias) {
            case .always: break
            case .when(let condition): conditions.append(condition)
            case .withoutLiveRows: return "\(alias).speed_rows = 0"
            }
        }
        return conditions.isEmpty ? nil : "(\(alias).speed_rows = 0 OR \(conditions.joined(separator: " AND ")))"
    }
}

extension Plan {
    fileprivate var joinsSessions: Bool { window?.kind.sessionGap != nil }
}
