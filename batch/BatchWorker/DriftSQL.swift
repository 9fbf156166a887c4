import Catalog
import MergeLaw
import ParallaxCore
import Postgres
import ViewLanguage

/// What the merged view said at a run's cut, against what the run found, as SQL.
///
/// I4  merged = batch rows visible at the base + speed rows of slices in [base slice, run slice)
///     batch  = batch rows visible at the run
///
/// Both hold exactly the records below the cut (the caller has made sure that the speed layer read all of them). Groups that are in no
/// speed row and in no row that the run added or closed are equal by construction; they are left out, by whole windows. Sessions are the
/// same where group and bounds are: one that the run made longer is one that was only in the merged view, and one that is only in the batch.
struct DriftSQL {
    let tables: StateTables
    let version: VersionID
    let base: Int64
    let baseSlice: Int64
    let run: Int64
    let runSlice: Int64
    let outputs: [DriftOutput]
    /// Windows that ended at or before it leave with this run, and are not compared.
    let horizon: Instant?

    init(_ view: RunView, run: CatalogRun, outputs: [DriftOutput], horizon: Instant?) {
        tables = view.tables
        version = view.version.id
        base = run.base.run.rawValue
        baseSlice = run.base.slice.rawValue
        self.run = run.number.rawValue
        runSlice = run.slice.rawValue
        self.outputs = outputs
        self.horizon = horizon
    }

    private var hasWindow: Bool { tables.plan.window != nil }
    private var compared: String { "compared_\(version)" }
    private var sessionGap: Int64? { tables.plan.window?.kind.sessionGap }
    private var slices: String { "s.slice >= \(baseSlice) AND s.slice < \(runSlice)" }

    /// Speed rows of windows that have left are in no merged view.
    private var stays: String? {
        guard let horizon, let kind = tables.plan.window?.kind else { return nil }
        return "\(WindowSQL.end(kind, of: "s")) > \(Catalog.instant("\(horizon.rawValue)"))"
    }

    /// The windows to compare; nil for a view without windows, which is compared whole.
    var createCompared: [String]? {
        guard let kind = tables.plan.window?.kind else { return nil }
        if let sessionGap {
            // Rows of the batch table, whichever of the two runs sees them.
            return [
                """
                CREATE TEMPORARY TABLE \(compared) ON COMMIT DROP AS
                SELECT ctid AS tid FROM \(tables.batchTable) WHERE from_run = \(run) OR until_run = \(run)
                UNION SELECT b.ctid FROM \(tables.batchTable) b
                WHERE \(SessionSQL.isReachedLately(tables, gap: sessionGap, row: "b", slices: slices))
                """, "ANALYZE \(compared)",
            ]
        }
        return [
            """
            CREATE TEMPORARY TABLE \(compared) ON COMMIT DROP AS
            SELECT s.window_start FROM \(tables.speedTable) s WHERE \(slices)
            UNION SELECT window_start FROM \(tables.batchTable) WHERE from_run = \(run) OR until_run = \(run)
            """,
            horizon.map { horizon in
                """
                DELETE FROM pg_temp.\(compared) c
                WHERE \(WindowSQL.end(kind, of: "c")) <= \(Catalog.instant("\(horizon.rawValue)"))
                """
            } ?? "SELECT",
            "ANALYZE \(compared)",
        ]
    }

    /// Statement whose result's types are those of the outputs.
    var types: String {
        let expressions = outputs.map { $0.sql(tables.plan, .batch(alias: "b")) }
        return "SELECT \(expressions.joined(separator: ", ")) FROM \(tables.batchTable) b LIMIT 0"
    }

    /// One row: groups, only in merged, only in batch; then six columns an output: differing, merged total, batch total, largest
    /// difference, sum of the differences' sizes, sum of the batch values' sizes (all but the first null where the output is no number).
    var comparison: String {
        let restriction: String? =
            switch (hasWindow, sessionGap) {
            case (false, _): nil
            case (true, nil): "b.window_start IN (SELECT window_start FROM pg_temp.\(compared))"
            case (true, _): "b.ctid IN (SELECT tid FROM pg_temp.\(compared))"
            }
        let merged = StateSQL.mergedStates(tables, run: "\(base)", slices: slices, batchCondition: restriction, speedCondition: stays)
        let keys = tables.batch.keys.map(\.name) + (sessionGap == nil ? [] : ["session_last"])
        func select(_ alias: String, _ row: StateSQL.Row) -> String {
            (keys.map { "\(alias).\($0)" } + ["true AS present"]
                + outputs.enumerated().map { "\($1.sql(tables.plan, row)) AS o\($0)" }).joined(separator: ", ")
        }
        let figures = ["count(*)", "count(*) FILTER (WHERE b.present IS NULL)", "count(*) FILTER (WHERE m.present IS NULL)"]
        return """
            SELECT \((figures + outputs.indices.flatMap(self.figures)).joined(separator: ",\n       "))
            FROM (SELECT \(select("u", .merged(alias: "u"))) FROM (\(merged)) u) m
            FULL JOIN (SELECT \(select("b", .batch(alias: "b"))) FROM \(tables.batchTable) b
                       WHERE b.from_run <= \(run) AND b.until_run > \(run)\(restriction.map { " AND \($0)" } ?? "")) b
            ON \(KeyMatch.condition(tables, "m", "b"))\(sessionGap == nil ? "" : " AND m.session_last = b.session_last")
            """
    }

    /// One boolean: whether the speed layer has any row of these records.
    var hasLiveRows: String {
        "SELECT EXISTS (SELECT FROM \(tables.speedTable) s WHERE \(slices)\(stays.map { " AND \($0)" } ?? ""))"
    }

    private func figures(_ index: Int) -> [String] {
        let merged = "m.o\(index)"
        let batch = "b.o\(index)"
        let differing = "count(*) FILTER (WHERE m.present AND b.present AND \(merged) IS DISTINCT FROM \(batch))"
        guard let numeric = outputs[index].kind.asNumeric else { return [differing] + Array(repeating: "NULL", count: 5) }
        // In numeric, where no total overflows and no difference of two large values is lost; rounded to a double at the end.
        let difference = """
            max(abs(\(numeric(merged)) - \(numeric(batch)))) FILTER (WHERE \(merged) IS DISTINCT FROM \(batch))
            """
        // A value that is missing, or null, counts as nothing; one that is no finite number on one side only is infinitely far off.
        let size = "abs(coalesce(\(numeric(merged)), 0) - coalesce(\(numeric(batch)), 0))"
        let sizes = """
            sum(CASE WHEN \(merged) IS NOT DISTINCT FROM \(batch) THEN 0 \
            WHEN \(Self.isFinite(numeric(merged))) AND \(Self.isFinite(numeric(batch))) THEN \(size) ELSE 'Infinity'::numeric END)
            """
        let batchSizes = "sum(abs(\(numeric(batch)))) FILTER (WHERE \(Self.isFinite(numeric(batch))))"
        let isSummable = outputs[index].isSummable(tables.plan)
        return [
            differing, isSummable ? Self.double("sum(\(numeric(merged)))") : "NULL",
            isSummable ? Self.double("sum(\(numeric(batch)))") : "NULL", Self.double(difference),
            Self.double(sizes), Self.double(batchSizes),
        ]
    }

    private static func isFinite(_ numeric: String) -> String {
        "coalesce(\(numeric), 0) NOT IN ('NaN', 'Infinity', '-Infinity')"
    }

    /// Values beyond a double's range become infinities here, where PostgreSQL would raise an error.
    private static func double(_ value: String) -> String {
        """
        (CASE WHEN \(value) = 'NaN' THEN 'NaN' WHEN \(value) > 1.797693134862315e308 THEN 'Infinity' \
        WHEN \(value) < -1.797693134862315e308 THEN '-Infinity' ELSE \(value) END)::double precision
        """
    }
}

/// An output that is compared.
struct DriftOutput {
    enum Kind {
        case exact, float, interval, other

        init(type: UInt32) {
            switch type {
            case TypeID.int8, TypeID.int2, TypeID.int4, TypeID.numeric: self = .exact
            case TypeID.float4, TypeID.float8: self = .float
            case TypeID.interval: self = .interval
            default: self = .other
            }
        }

        /// How a value becomes a numeric; nil where it is no number.
        var asNumeric: ((String) -> String)? {
            switch self {
            case .exact: { "\($0)::numeric" }
            // By way of its shortest exact text: the plain cast keeps fifteen digits only.
            case .float: { "\($0)::text::numeric" }
            // Seconds.
            case .interval: { "extract(epoch FROM \($0))" }
            case .other: nil
            }
        }
    }

    var name: String
    var value: Plan.Output.Value
    /// Known once PostgreSQL has been asked.
    var kind: Kind = .other

    /// An expression may raise an error for groups that HAVING hides, as in `sum(a) / count(b) … HAVING count(b) > 0`: it is not asked there.
    func sql(_ plan: Plan, _ row: StateSQL.Row) -> String {
        let outputs = OutputSQL(plan, row)
        guard case .finished = value, let having = outputs.having else { return outputs.value(value) }
        return "CASE WHEN \(having) THEN \(outputs.value(value)) END"
    }

    /// A sum over groups means something: of counts and of sums. Averages, extremes, percentiles and distinct values of groups do not add up, and of an
    /// expression nobody knows.
    func isSummable(_ plan: Plan) -> Bool {
        guard case .measure(let index) = value else { return false }
        return plan.law(index).isSummable
    }

    var isFinished: Bool { if case .finished = value { true } else { false } }
}
