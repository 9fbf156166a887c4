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
///
/// Everything is asked of one temporary table, `rows`: a row a group, with both layers' outputs (`m0`… and `b0`…, by the outputs' places) and
/// with the records that the layers treated differently.
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

    private var plan: Plan { tables.plan }
    private var hasWindow: Bool { plan.window != nil }
    private var compared: String { "compared_\(version)" }
    /// Keys, `session_last` where there are sessions, `is_live`, `is_batch`, `is_different`, `m0`…, `b0`…, `late`, `duplicates`, `healed`, `causes`.
    var rows: String { "pg_temp.drift_rows_\(version)" }
    private var counted: String { "pg_temp.drift_records_\(version)" }
    private var sessionGap: Int64? { plan.window?.kind.sessionGap }
    private var slices: String { "s.slice >= \(baseSlice) AND s.slice < \(runSlice)" }
    private var keys: [String] { tables.batch.keys.map(\.name) + (sessionGap == nil ? [] : ["session_last"]) }

    /// Speed rows of windows that have left are in no merged view.
    private var stays: String? {
        guard let horizon, let kind = plan.window?.kind else { return nil }
        return "\(WindowSQL.end(kind, of: "s")) > \(Catalog.instant("\(horizon.rawValue)"))"
    }

    /// The windows to compare; nil for a view without windows, which is compared whole.
    var createCompared: [String]? {
        guard let kind = plan.window?.kind else { return nil }
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
        let expressions = outputs.map { $0.sql(plan, .batch(alias: "b")) }
        return "SELECT \(expressions.joined(separator: ", ")) FROM \(tables.batchTable) b LIMIT 0"
    }

    /// One boolean: whether the speed layer has any row of these records.
    var hasLiveRows: String {
        "SELECT EXISTS (SELECT FROM \(tables.speedTable) s WHERE \(slices)\(stays.map { " AND \($0)" } ?? ""))"
    }

    // Records that the layers treated differently.

    /// `cause`, the keys and `n`, for COPY.
    func createCounted(_ layout: StateLayout) -> String {
        "CREATE TEMPORARY TABLE \(Self.local(counted)) (cause text NOT NULL, \(layout.columnDefinitions)) ON COMMIT DROP"
    }
    var analyzeCounted: String { "ANALYZE \(counted)" }
    func copyIntoCounted(_ layout: StateLayout) -> String {
        "COPY \(counted) (cause, \(layout.columns.map(\.name).joined(separator: ", "))) FROM STDIN"
    }

    /// Of the row `c`, in which the records are, and a compared row.
    private func holds(_ row: String) -> String {
        guard let sessionGap else { return KeyMatch.condition(tables, row, "c") }
        let gap = WindowSQL.length(sessionGap)
        return
            "\(KeyMatch.groups(tables, row, "c")) AND c.window_start < \(row).session_last + \(gap) AND c.session_last + \(gap) > \(row).window_start"
    }

    /// `cause` and how many records of it are in compared rows.
    var records: String {
        "SELECT c.cause, sum(c.m0_n)::bigint FROM \(counted) c WHERE EXISTS (SELECT FROM \(rows) r WHERE \(holds("r"))) GROUP BY c.cause"
    }

    // The table of compared rows.

    /// - Parameters:
    ///   - isCounted: records that the layers treated differently are in `counted`.
    ///   - otherwise: what a row differs by where no record says it, and no estimate does.
    func createRows(isCounted: Bool, otherwise: DriftCause.Kind) -> [String] {
        let restriction: String? =
            switch (hasWindow, sessionGap) {
            case (false, _): nil
            case (true, nil): "b.window_start IN (SELECT window_start FROM pg_temp.\(compared))"
            case (true, _): "b.ctid IN (SELECT tid FROM pg_temp.\(compared))"
            }
        let merged = StateSQL.mergedStates(tables, run: "\(base)", slices: slices, batchCondition: restriction, speedCondition: stays)
        let isExact = StateSQL.isExact(plan, alias: "u") ?? "true"
        return [
            """
            CREATE TEMPORARY TABLE \(Self.local(rows)) ON COMMIT DROP AS
            WITH f AS \(sessionGap == nil ? "NOT MATERIALIZED" : "MATERIALIZED") (
                SELECT \(joined)
                FROM (SELECT \(select("u", .merged(alias: "u"))), coalesce(\(isExact), true) AS is_exact FROM (\(merged)) u\(isThere)) m
                FULL JOIN (SELECT \(([select("b", .batch(alias: "b"))] + promiseColumns.map { "b.\($0)" }).joined(separator: ", ")) FROM \(tables.batchTable) b
                           WHERE b.from_run <= \(run) AND b.until_run > \(run)\(restriction.map { " AND \($0)" } ?? "")) b
                ON \(isSame("m", "b")))
            SELECT r.*, \(causes(isCounted: isCounted, otherwise)) AS causes
            FROM (SELECT f.*, NOT f.is_live OR NOT f.is_batch OR \(isDifferent) AS is_different,
                         \(isCounted ? "coalesce(k.late, 0) AS late, coalesce(k.duplicates, 0) AS duplicates, coalesce(k.healed, 0) AS healed"
                             : "0::bigint AS late, 0::bigint AS duplicates, 0::bigint AS healed")
                  FROM f \(isCounted ? "LEFT JOIN (\(recordsByRow)) k ON \(isSame("f", "k"))" : "")) r
            """, "ANALYZE \(rows)",
        ]
    }

    private func select(_ alias: String, _ row: StateSQL.Row) -> String {
        (keys.map { "\(alias).\($0)" } + ["true AS present"] + outputs.enumerated().map { "\($1.sql(plan, row)) AS o\($0)" }
            + (countOfRecords.map { ["\(StateSQL.finished($0, plan: plan, row: row)) AS n"] } ?? [])).joined(separator: ", ")
    }

    private var joined: String {
        (keys.map { "coalesce(m.\($0), b.\($0)) AS \($0)" }
            + ["coalesce(m.present, false) AS is_live", "coalesce(b.present, false) AS is_batch", "coalesce(m.is_exact, true) AS is_exact"]
            + outputs.indices.flatMap { ["m.o\($0) AS m\($0)", "b.o\($0) AS b\($0)"] }
            + promiseColumns.map { "b.\($0)" }
            + (countOfRecords == nil ? [] : ["coalesce(m.n, 0) AS live_n", "coalesce(b.n, 0) AS batch_n"])).joined(separator: ", ")
    }

    private var isDifferent: String {
        let all = outputs.enumerated().filter { $1.isCompared }.map { "f.m\($0.offset) IS DISTINCT FROM f.b\($0.offset)" }
        return all.isEmpty ? "false" : "(\(all.joined(separator: " OR ")))"
    }

    /// A view that does not group has a row also where it has no event: no layer has said anything then.
    private var isThere: String {
        guard keys.isEmpty else { return "" }
        return """
             WHERE u.speed_rows > 0 OR EXISTS (SELECT FROM \(tables.batchTable) b WHERE b.from_run <= \(base) AND b.until_run > \(base))
            """
    }

    /// Two rows of one group; of sessions, with the same bounds.
    private func isSame(_ left: String, _ right: String) -> String {
        KeyMatch.condition(tables, left, right) + (sessionGap == nil ? "" : " AND \(left).session_last = \(right).session_last")
    }

    /// Keys, `late`, `duplicates` and `healed`. A session that records are in need not be theirs alone: in `f` it is found by its groups and times.
    private var recordsByRow: String {
        func sum(_ cause: String) -> String { "sum(c.m0_n) FILTER (WHERE c.cause = '\(cause)')::bigint" }
        let sums = "\(sum("late")) AS late, \(sum("duplicate")) AS duplicates, \(sum("healed")) AS healed"
        let alias = sessionGap == nil ? "c" : "f"
        let keys = keys.map { "\(alias).\($0)" }.joined(separator: ", ")
        let from = sessionGap == nil ? "\(counted) c" : "f JOIN \(counted) c ON \(holds("f"))"
        return "SELECT \(keys)\(keys.isEmpty ? "" : ", ")\(sums) FROM \(from)\(keys.isEmpty ? "" : " GROUP BY \(keys)")"
    }

    /// count(*) of a view that has it: then the records of each row are known, and what was counted must be the difference.
    private var countOfRecords: Int? {
        sessionGap == nil ? plan.measures.firstIndex { $0.function == .countRows && $0.filter == nil } : nil
    }

    /// Where an estimate is promised to lie, for those outputs that are one.
    private var promised: [(place: Int, promise: EstimatePromise)] {
        outputs.enumerated().compactMap { place, output in
            guard case .measure(let index) = output.value, let promise = plan.law(index).promise(over: "r") else { return nil }
            return (place, promise)
        }
    }
    private var promiseColumns: [String] { Set(promised.flatMap(\.promise.columns)).sorted() }

    /// Why a row differs: all that is known. Empty for a row that does not.
    private func causes(isCounted: Bool, _ otherwise: DriftCause.Kind) -> String {
        let rest = "'\(otherwise.rawValue)'"
        let estimates = outputs.enumerated().filter { $1.isCompared && $1.isEstimate(plan) }.map(\.offset)
        let exact = outputs.enumerated().filter { $1.isCompared && !$1.isEstimate(plan) }.map {
            "r.m\($0.offset) IS DISTINCT FROM r.b\($0.offset)"
        }
        let beyond = promised.filter { estimates.contains($0.place) }.map {
            "(r.m\($0.place) IS DISTINCT FROM r.b\($0.place) AND NOT r.m\($0.place) BETWEEN \($0.promise.low) AND \($0.promise.high))"
        }
        let isBeyond = beyond.isEmpty ? "false" : "coalesce(\(beyond.joined(separator: " OR ")), false)"
        let sketch =
            "CASE WHEN \(isBeyond) THEN '\(DriftCause.Kind.sketchBeyondBound.rawValue)' ELSE '\(DriftCause.Kind.sketch.rawValue)' END"
        let isSketchOnly =
            "r.is_live AND r.is_batch AND NOT r.is_exact\(exact.isEmpty ? "" : " AND NOT (\(exact.joined(separator: " OR ")))")"
        let counted = """
            array_remove(ARRAY[CASE WHEN r.late > 0 THEN 'late' END, CASE WHEN r.duplicates > 0 THEN 'duplicate' END, \
            CASE WHEN r.healed > 0 THEN 'healed' END], NULL)
            """
        // The counted records must be all of the difference; where they are not, something else is part of it.
        let isAll = countOfRecords == nil ? "true" : "r.batch_n - r.live_n = r.late + r.healed - r.duplicates"
        return """
            CASE WHEN NOT r.is_different THEN '{}'::text[] \
            WHEN r.late + r.duplicates + r.healed > 0 THEN \(counted) || CASE WHEN \(isAll) THEN '{}'::text[] ELSE ARRAY[\(rest)] END \
            WHEN \(isSketchOnly) THEN ARRAY[\(sketch)] ELSE ARRAY[\(rest)] END
            """
    }

    /// `cause` and the rows whose first one it is.
    var rowsByCause: String {
        "SELECT causes[1], count(*) FROM \(rows) WHERE is_different GROUP BY 1"
    }

    // What is asked of it.

    private var bucket: String? {
        guard hasWindow else { return nil }
        return sessionGap == nil ? "r.window_start" : "date_trunc('hour', r.window_start, 'UTC')"
    }

    private static let differs = "(q.is_changed OR NOT q.is_live OR NOT q.is_batch)"

    /// Both values of an output, the size of their difference (`ae`), and what a row counts for in sums (`size`).
    ///
    /// - Parameters:
    ///   - more: further columns.
    ///   - condition: over `r`.
    private func sizes(_ place: Int, _ more: String = "", where condition: String = "r.is_different") -> String {
        let (m, b) = ("r.m\(place)", "r.b\(place)")
        let head = """
            SELECT \(more)r.is_live, r.is_batch, r.is_live AND r.is_batch AND \(m) IS DISTINCT FROM \(b) AS is_changed, \
            \(bucket ?? "NULL::timestamptz") AS bucket
            """
        let from = "FROM \(rows) r WHERE \(condition)"
        guard let numeric = outputs[place].kind.asNumeric else {
            return "\(head), NULL::numeric AS m, NULL::numeric AS b, NULL::numeric AS ae, NULL::numeric AS size \(from)"
        }
        let size = size(m, b, numeric)
        return
            "\(head), \(numeric(m)) AS m, \(numeric(b)) AS b, CASE WHEN r.is_live AND r.is_batch THEN \(size) END AS ae, \(size) AS size \(from)"
    }

    /// In numeric, where no total overflows and no difference of two large values is lost; rounded to a double at the end. A value that is missing, or
    /// null, counts as nothing; one that is no finite number on one side only is infinitely far off.
    private func size(_ m: String, _ b: String, _ numeric: (String) -> String) -> String {
        let (nm, nb) = (numeric(m), numeric(b))
        return """
            CASE WHEN \(m) IS NOT DISTINCT FROM \(b) THEN 0 \
            WHEN \(Self.isFinite(nm)) AND \(Self.isFinite(nb)) THEN abs(coalesce(\(nm), 0) - coalesce(\(nb), 0)) ELSE 'Infinity'::numeric END
            """
    }

    /// Of `q`: the difference's size as a part of the batch value.
    private static let relative = """
        CASE WHEN q.ae = 0 THEN 0 WHEN q.b = 0 OR q.b IS NULL OR NOT \(isFinite("q.b")) THEN 'Infinity' ELSE q.ae / abs(q.b) END
        """

    /// One row for all outputs: groups, only in merged, only in batch, windows; then five columns an output: differing, merged total, batch total, sum of the
    /// differences' sizes, sum of the batch values' sizes (all but the first null where the output is no number, totals also where they mean nothing).
    var counts: String {
        let figures = [
            "count(*)", "count(*) FILTER (WHERE NOT r.is_batch)", "count(*) FILTER (WHERE NOT r.is_live)",
            bucket.map { "count(DISTINCT \($0))" } ?? "NULL",
        ]
        let ofOutputs = outputs.enumerated().filter { $1.isCompared }.flatMap { place, output -> [String] in
            let (m, b) = ("r.m\(place)", "r.b\(place)")
            let differing = "count(*) FILTER (WHERE r.is_different AND r.is_live AND r.is_batch AND \(m) IS DISTINCT FROM \(b))"
            guard let numeric = output.kind.asNumeric else { return [differing] + Array(repeating: "NULL::double precision", count: 4) }
            let totals =
                output.isSummable(plan) ? [Self.double("sum(\(numeric(m)))"), Self.double("sum(\(numeric(b)))")] : ["NULL", "NULL"]
            return [differing] + totals + [
                Self.double("sum(\(size(m, b, numeric))) FILTER (WHERE r.is_different)"),
                Self.double("sum(abs(\(numeric(b)))) FILTER (WHERE \(Self.isFinite(numeric(b))))"),
            ]
        }
        return "SELECT \((figures + ofOutputs).joined(separator: ",\n       "))\nFROM \(rows) r"
    }

    /// One row about an output that differs: the windows that differ; then, over the rows that both layers have and that differ: largest, sum and the value at
    /// `$1` of the differences' sizes, and the same of their parts of the batch values. `$1`: a fraction; rows that are equal are not among them.
    func spread(_ place: Int) -> String {
        func of(_ value: String) -> [String] {
            ["max(\(value))", "sum(\(value))", "percentile_disc($1::double precision) WITHIN GROUP (ORDER BY \(value))"].map {
                Self.double("\($0) FILTER (WHERE q.is_changed)")
            }
        }
        let windows = bucket == nil ? "NULL" : "count(DISTINCT q.bucket) FILTER (WHERE \(Self.differs))"
        return "SELECT \(([windows] + of("q.ae") + of(Self.relative)).joined(separator: ",\n       "))\nFROM (\(sizes(place))) q"
    }

    /// A row a window that differs: its start; groups, differing, only in merged, only in batch, merged total, batch total; then largest, mean and p99 of the
    /// differences' sizes and of their parts of the batch values, over the rows that both layers have.
    func windows(_ place: Int) -> String {
        let counts = [
            "count(*)", "count(*) FILTER (WHERE q.is_changed)", "count(*) FILTER (WHERE NOT q.is_batch)",
            "count(*) FILTER (WHERE NOT q.is_live)",
        ]
        func of(_ value: String) -> [String] {
            let both = "(CASE WHEN q.ae IS NOT NULL THEN \(value) END)"
            return [
                "max(\(both)) FILTER (WHERE q.is_changed)", "avg(\(both))", "percentile_disc(0.99) WITHIN GROUP (ORDER BY \(both))",
            ].map(Self.double)
        }
        let none = "NULL::double precision"
        let isNumber = outputs[place].kind.asNumeric != nil
        let totals = outputs[place].isSummable(plan) ? [Self.double("sum(q.m)"), Self.double("sum(q.b)")] : [none, none]
        let spread = isNumber ? of("q.ae") + of(Self.relative) : Array(repeating: none, count: 6)
        let isOfOne = "\(bucket ?? "NULL") IN (SELECT \(bucket ?? "NULL") FROM \(rows) r WHERE r.is_different)"
        return """
            SELECT q.bucket, \((counts + totals + spread).joined(separator: ",\n       "))
            FROM (\(sizes(place, where: isOfOne))) q
            GROUP BY q.bucket HAVING bool_or(\(Self.differs))
            """
    }

    /// The values of a group column with the largest part of an output's difference: place, value, rows that differ, sum of their sizes, its share.
    func groups(_ group: Int, of place: Int, limit: Int) -> String {
        let shown = outputs.firstIndex { $0.value == .group(group) }
        let value = shown.map { "coalesce(r.m\($0), r.b\($0))::text" } ?? "r.g\(group)::text"
        let size = outputs[place].kind.asNumeric != nil ? "q.size" : "CASE WHEN \(Self.differs) THEN 1 ELSE 0 END::numeric"
        return """
            SELECT row_number() OVER (ORDER BY w.difference DESC, w.value), w.value, w.groups, \(Self.double("w.difference")),
                   CASE WHEN w.whole NOT IN ('NaN', 'Infinity') THEN \(Self.double("w.difference / w.whole")) END
            FROM (SELECT q.value, count(*) FILTER (WHERE \(Self.differs)) AS groups, sum(\(size)) AS difference, sum(sum(\(size))) OVER () AS whole
                  FROM (\(sizes(place, "\(value) AS value, "))) q
                  GROUP BY q.value) w
            WHERE w.difference > 0 ORDER BY 1 LIMIT \(limit)
            """
    }

    /// The rows themselves, as `parallax.compared_row` has them behind run and version: those that differ first, by the size of the difference, then as many of
    /// the others as there is room for.
    ///
    /// - Parameter means: of each compared output, the mean size of its true values: units differ.
    func comparedRows(limit: Int, means: [Double]) -> String {
        var next = means.makeIterator()
        let weights = outputs.enumerated().filter { $1.isCompared }.map { place, output -> String in
            let (m, b) = ("r.m\(place)", "r.b\(place)")
            guard let numeric = output.kind.asNumeric else {
                _ = next.next()
                return "CASE WHEN \(m) IS DISTINCT FROM \(b) THEN 1 ELSE 0 END::double precision"
            }
            let mean = next.next() ?? 1
            return Self.double("(\(size(m, b, numeric)) / \(mean > 0 && mean.isFinite ? mean : 1)::numeric)")
        }
        func values(_ side: String, _ isThere: String) -> String {
            "CASE WHEN r.\(isThere) THEN ARRAY[\(outputs.indices.map { "r.\(side)\($0)::text" }.joined(separator: ", "))]::text[] END"
        }
        let keyOrder = keys.map { "w.\($0)" }
        let order = (["w.is_different DESC", "w.weight DESC NULLS LAST"] + keyOrder).joined(separator: ", ")
        let columns = (keys.map { "r.\($0)" } + ["r.is_different", "r.causes", "r.late", "r.duplicates", "r.healed"]).joined(
            separator: ", ")
        let layers = "\(values("m", "is_live")) AS live, \(values("b", "is_batch")) AS batch"
        let weight = weights.isEmpty ? "0::double precision" : "greatest(\(weights.joined(separator: ", ")))"
        return """
            SELECT row_number() OVER (ORDER BY \(order)), \(hasWindow ? "w.window_start" : "NULL::timestamptz"), w.is_different, w.causes, w.late,
                   w.duplicates, w.healed, w.live, w.batch
            FROM (SELECT \(columns), \(layers), \(weight) AS weight FROM \(rows) r WHERE r.is_different
                  UNION ALL
                  (SELECT \(columns), \(layers), NULL::double precision FROM \(rows) r WHERE NOT r.is_different LIMIT \(limit))) w
            ORDER BY 1 LIMIT \(limit)
            """
    }

    private static func isFinite(_ numeric: String) -> String {
        "coalesce(\(numeric), 0) NOT IN ('NaN', 'Infinity', '-Infinity')"
    }

    /// Values beyond a double's range become infinities here, and those too small for it zero, where PostgreSQL would raise an error.
    private static func double(_ value: String) -> String {
        """
        (CASE WHEN \(value) = 'NaN' THEN 'NaN' WHEN \(value) > 1.797693134862315e308 THEN 'Infinity' \
        WHEN \(value) < -1.797693134862315e308 THEN '-Infinity' WHEN abs(\(value)) < 2.3e-308 THEN 0 ELSE \(value) END)::double precision
        """
    }

    private static func local(_ name: String) -> String { String(name.dropFirst("pg_temp.".count)) }
}

/// An output of a view, as drift sees it.
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
    /// PostgreSQL refuses it for some group, as it does for whoever reads the view: it is not asked.
    var isLeftOut = false

    /// An expression may raise an error for groups that HAVING hides, as in `sum(a) / count(b) … HAVING count(b) > 0`: it is not asked there.
    func sql(_ plan: Plan, _ row: StateSQL.Row) -> String {
        let outputs = OutputSQL(plan, row)
        if isLeftOut { return "NULL::text" }
        guard case .finished = value, let having = outputs.having else { return outputs.value(value) }
        return "CASE WHEN \(having) THEN \(outputs.value(value)) END"
    }

    /// Measures, and expressions over them; window and group columns are what rows are paired by.
    var isCompared: Bool { isMeasure && !isLeftOut }
    var isMeasure: Bool {
        switch value {
        case .measure, .finished: true
        case .window, .windowEnd, .group: false
        }
    }

    /// The live rows may hold an estimate of it.
    func isEstimate(_ plan: Plan) -> Bool {
        let measures: Set<Int> =
            switch value {
            case .measure(let index): [index]
            case .finished(let finisher): finisher.measures
            case .window, .windowEnd, .group: []
            }
        return measures.contains { plan.law($0).exactness(over: "u") != .always }
    }

    /// A sum over groups means something: of counts and of sums. Averages, extremes, percentiles and distinct values of groups do not add up, and of an
    /// expression nobody knows.
    func isSummable(_ plan: Plan) -> Bool {
        guard case .measure(let index) = value else { return false }
        return plan.law(index).isSummable
    }

    var isFinished: Bool { if case .finished = value { true } else { false } }
}
