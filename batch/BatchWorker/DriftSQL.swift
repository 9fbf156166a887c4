import Catalog
import Columns
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
    let version: Int64
    let base: Int64
    let baseSlice: Int64
    let run: Int64
    let runSlice: Int64
    let measures: [Int]

    /// - Parameter measures: indexes of the measures that are shown by any output.
    init(_ view: RunView, run: CatalogRun, measures: [Int]) {
        tables = view.tables
        version = view.version.id
        base = run.base.run.rawValue
        baseSlice = run.base.slice.rawValue
        self.run = run.number.rawValue
        runSlice = run.slice.rawValue
        self.measures = measures
    }

    private var hasWindow: Bool { tables.plan.window != nil }
    private var compared: String { "compared_\(version)" }
    private var sessionGap: Int64? { tables.plan.window?.kind.sessionGap }
    private var slices: String { "s.slice >= \(baseSlice) AND s.slice < \(runSlice)" }

    /// The windows to compare; nil for a view without windows, which is compared whole.
    var createCompared: [String]? {
        guard hasWindow else { return nil }
        if let sessionGap {
            // Rows of the batch table, whichever of the two runs sees them.
            return [
                """
                CREATE TEMPORARY TABLE \(compared) ON COMMIT DROP AS
                SELECT ctid AS tid FROM \(tables.batchTable) WHERE from_run = \(run) OR until_run = \(run)
                UNION SELECT b.ctid FROM \(tables.batchTable) b
                WHERE \(SessionSQL.isReached(tables, gap: sessionGap, row: "b", slices: slices))
                """, "ANALYZE \(compared)",
            ]
        }
        return [
            """
            CREATE TEMPORARY TABLE \(compared) ON COMMIT DROP AS
            SELECT s.window_start FROM \(tables.speedTable) s WHERE \(slices)
            UNION SELECT window_start FROM \(tables.batchTable) WHERE from_run = \(run) OR until_run = \(run)
            """, "ANALYZE \(compared)",
        ]
    }

    /// One row: groups, only in merged, only in batch; then four columns a measure: differing, merged total, batch total, largest
    /// difference (the last three null where the measure is no number).
    var comparison: String {
        let restriction: String? =
            switch (hasWindow, sessionGap) {
            case (false, _): nil
            case (true, nil): "b.window_start IN (SELECT window_start FROM pg_temp.\(compared))"
            case (true, _): "b.ctid IN (SELECT tid FROM pg_temp.\(compared))"
            }
        let merged = StateSQL.mergedStates(tables, run: "\(base)", slices: slices, batchCondition: restriction)
        let keys = tables.batch.keys.map(\.name) + (sessionGap == nil ? [] : ["session_last"])
        func select(_ alias: String, _ row: StateSQL.Row) -> String {
            (keys.map { "\(alias).\($0)" } + ["true AS present"]
                + measures.map { "\(StateSQL.finished($0, plan: tables.plan, row: row)) AS o\($0)" }).joined(separator: ", ")
        }
        let figures = ["count(*)", "count(*) FILTER (WHERE b.present IS NULL)", "count(*) FILTER (WHERE m.present IS NULL)"]
        return """
            SELECT \((figures + measures.flatMap(self.figures)).joined(separator: ",\n       "))
            FROM (SELECT \(select("u", .merged(alias: "u"))) FROM (\(merged)) u) m
            FULL JOIN (SELECT \(select("b", .batch(alias: "b"))) FROM \(tables.batchTable) b
                       WHERE b.from_run <= \(run) AND b.until_run > \(run)\(restriction.map { " AND \($0)" } ?? "")) b
            ON \(KeyMatch.condition(tables, "m", "b"))\(sessionGap == nil ? "" : " AND m.session_last = b.session_last")
            """
    }

    private func figures(_ measure: Int) -> [String] {
        let merged = "m.o\(measure)"
        let batch = "b.o\(measure)"
        let differing = "count(*) FILTER (WHERE m.present AND b.present AND \(merged) IS DISTINCT FROM \(batch))"
        guard let numeric = tables.plan.measures[measure].asNumeric else {
            return [differing, "NULL", "NULL", "NULL"]
        }
        // In numeric, where no total overflows and no difference of two large values is lost; rounded to a double at the end.
        let difference = """
            max(abs(\(numeric(merged)) - \(numeric(batch)))) FILTER (WHERE \(merged) IS DISTINCT FROM \(batch))
            """
        return [differing, Self.double("sum(\(numeric(merged)))"), Self.double("sum(\(numeric(batch)))"), Self.double(difference)]
    }

    /// Values beyond a double's range become infinities here, where PostgreSQL would raise an error.
    private static func double(_ value: String) -> String {
        """
        (CASE WHEN \(value) = 'NaN' THEN 'NaN' WHEN \(value) > 1.797693134862315e308 THEN 'Infinity' \
        WHEN \(value) < -1.797693134862315e308 THEN '-Infinity' ELSE \(value) END)::double precision
        """
    }
}

extension Plan.Measure {
    /// How the measure's finished value becomes a numeric; nil where it is no number.
    fileprivate var asNumeric: ((String) -> String)? {
        switch (function, argument?.type) {
        case _ where percentile?.isArray == true: nil
        case (.countRows, _), (.count, _), (.countDistinct, _): { "\($0)::numeric" }
        case (_, .int4), (_, .int8), (_, .numeric): { "\($0)::numeric" }
        // By way of its shortest exact text: the plain cast keeps fifteen digits only.
        case (_, .float8): { "\($0)::text::numeric" }
        default: nil
        }
    }
}
