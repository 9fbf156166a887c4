import Catalog
import MergeLaw
import ParallaxCore
import Postgres
import ViewLanguage

/// The SQL of `serving.<view>`: what the batch layer published, merged with what the speed layer has seen since.
///
///     merged(group) = batch(group, offsets below the cut) ⊕ speed(group, slices at or above the cut's)
///
/// A view with a window lets the batch rows of windows that nothing live touches through as they are: grouping history costs six times as much as
/// reading it (measured: 17 ms against 55 ms for an hour of 60,000 rows among two million). All others are grouped with the live rows. Of
/// sessions, those pass that no live row reaches (`SessionSQL`).
///
/// The view's text is always the newest, its rows are the snapshot's: a snapshot from before the version was switched would find tables that were
/// empty then, and say that its rows are exact. So every statement looks first whether the version is the one that is served (`isServed`).
///
/// Not promised: that two statements see the same publication, unless they share a snapshot (REPEATABLE READ).
struct MergedViewSQL {
    let version: ViewVersion
    let tables: StateTables
    let form: Form

    /// Which columns the rows have.
    enum Form {
        /// The view's own.
        case served
        /// For those who follow the view: each row's key, and the outputs as o0…; `is_exact` says nothing of records that wait.
        case followed
        /// For those who ask what a row is made of: the columns of its key (`ExplainedRowSQL`), and the outputs as o0….
        case explained
    }

    private var isFollowed: Bool { form == .followed }

    /// Whose rows are merged: of the publication that readers see, or of one that is kept.
    let publication: Published?

    init(_ version: ViewVersion, asOf publication: Published? = nil, form: Form = .served) {
        self.version = version
        self.publication = publication
        self.form = form
        tables = StateTables(version)
    }

    /// Uncorrelated, so PostgreSQL computes each once a statement, before it looks at any row; both come from one row and one snapshot (I2).
    var run: String {
        publication.map { "\($0.run)" } ?? "(SELECT p.run FROM parallax.published p WHERE p.source_id = \(version.sourceID))"
    }
    var slice: String {
        publication.map { "\($0.slice)" } ?? "(SELECT p.slice FROM parallax.published p WHERE p.source_id = \(version.sourceID))"
    }
    var watermark: String { "(SELECT w.watermark FROM parallax.watermark w WHERE w.source_id = \(version.sourceID))" }

    /// True, or an error that programs answer with a new transaction. It reads no row of the view, so PostgreSQL asks it once a statement, before it
    /// looks at any, and also where there is none (a One-Time Filter).
    var isServed: String {
        """
        (SELECT CASE WHEN EXISTS (SELECT FROM parallax.view w WHERE w.view_id = \(version.viewID) AND w.active_version_id = \(version.id)) \
        THEN true ELSE parallax.not_served(\(Connection.quoteLiteral(version.viewName))) END)
        """
    }

    var slices: String { "s.slice >= \(slice)" }

    /// Whether anything live belongs to a batch row's window.
    private func isTouched(_ row: String) -> String {
        if let gap = version.plan.window?.kind.sessionGap {
            return SessionSQL.isReached(tables, gap: gap, row: row, slices: slices)
        }
        return """
            EXISTS (SELECT 1 FROM parallax.touched_window t \
            WHERE t.version_id = \(version.id) AND t.slice >= \(slice) AND t.window_start = \(row).window_start)
            """
    }

    /// False for a row that may lack records: those that a run took over from a speed layer that was down and has not published (of no known
    /// event time), and those that the log lost and a person gave up. The first two questions are asked once a statement; without gaps they are
    /// the only ones.
    func isWhole(_ alias: String) -> String { isFollowed ? hasNoGap(alias) : "\(isNothingWaiting) AND \(hasNoGap(alias))" }

    /// The same of a row for whose events these are the bounds of time.
    func isWhole(from: String, until: String) -> String { "\(isNothingWaiting) AND \(hasNoGap(from: from, until: until))" }

    /// False for a row that may lack records that a person gave up.
    func hasNoGap(_ alias: String) -> String {
        guard let kind = version.plan.window?.kind else { return "NOT EXISTS (\(gaps))" }
        return hasNoGap(
            from: WindowSQL.earliestEvent(kind, of: alias), until: OutputSQL(version.plan, .merged(alias: alias)).value(.windowEnd))
    }

    private func hasNoGap(from: String, until: String) -> String {
        """
        (NOT (SELECT EXISTS (\(gaps))) OR NOT EXISTS (\(gaps) AND g.events_until > \(from) \
        AND g.events_from < \(until)))
        """
    }

    private var isNothingWaiting: String {
        """
        NOT EXISTS (SELECT FROM parallax.boundary h \
        WHERE h.source_id = \(version.sourceID) AND h.slice > \(slice) AND h.processed_until < h.first_offset)
        """
    }
    private var gaps: String { "SELECT FROM parallax.accepted_gap g WHERE g.source_id = \(version.sourceID)" }

    /// False for a window that has left the view with the published run (its batch rows are closed); nil where none ever does.
    ///
    /// - Parameter start: SQL of the window's start.
    func stays(_ start: String) -> String? {
        guard let retention = version.plan.retention, let kind = version.plan.window?.kind else { return nil }
        let watermark =
            publication.map {
                "(SELECT p.cut_watermark FROM parallax.publication p WHERE p.source_id = \(version.sourceID) AND p.run_id = \($0.run))"
            } ?? "(SELECT p.cut_watermark FROM parallax.published p WHERE p.source_id = \(version.sourceID))"
        return "coalesce(\(WindowSQL.end(kind, start: start)) > \(watermark) - \(WindowSQL.length(retention)), true)"
    }

    /// Late events that the speed layer left alone, by what makes one start of several windows': `window_start` and `late`.
    ///
    /// - Parameters:
    ///   - start: over a row `t` with the window's start.
    ///   - conditions: over it, too.
    func late(by start: String, where conditions: [String]) -> String {
        """
        SELECT \(start) AS window_start, sum(t.late) AS late FROM parallax.touched_window t \
        WHERE \((["t.version_id = \(version.id)", "t.slice >= \(slice)", "t.late > 0"] + conditions).joined(separator: " AND ")) GROUP BY 1
        """
    }

    /// Before other conditions: that no measure of a merged row is an estimate.
    var isExactAnd: String { StateSQL.isExact(version.plan, alias: "m").map { "\($0) AND " } ?? "" }

    var selectText: String {
        switch version.plan.window?.kind {
        case nil: withoutWindow
        case .session(let gap): withSessions(gap: gap)
        case .tumbling, .hopping, .calendar: withWindow
        }
    }

    /// The outputs of the rows that a run sees in the batch table, under the names c0…: exact, and nothing live in them.
    func batchRows(run: Int64) -> String {
        let row = StateSQL.Row.batch(alias: "b")
        return """
            SELECT \(expressions(row).enumerated().map { "\($1) AS c\($0)" }.joined(separator: ", "))
            FROM \(tables.batchTable) b
            WHERE b.from_run <= \(run) AND b.until_run > \(run)\(having("b", row).map { " AND \($0)" } ?? "")
            """
    }

    /// One layer's rows by themselves, with the view's columns: what was published, as it is, or what is live, with nothing below it.
    func layerText(_ layer: ServedLayer) -> String {
        switch layer {
        case .merged: selectText
        case .batch: batchArm(isExact: isWhole("b"))
        case .speed:
            // No batch row has such a run.
            """
            SELECT \((outputs(.merged(alias: "m")) + ["\(isExactAnd)true AS is_exact", "\(isClosed("m")) AS is_closed"]).joined(separator: ",\n       "))
            FROM (\(StateSQL.mergedStates(tables, run: "(-1)", slices: slices, batchCondition: "false", speedCondition: stays("s.window_start")))) m
            WHERE \(isServed)\(having("m", .merged(alias: "m")).map { "\n  AND \($0)" } ?? "")
            """
        }
    }

    /// Batch rows as they are, of the publication.
    private func batchArm(isExact: String, and condition: String? = nil) -> String {
        """
        SELECT \((outputs(.batch(alias: "b")) + ["\(isExact) AS is_exact", "\(isClosed("b")) AS is_closed"]).joined(separator: ",\n       "))
        FROM \(tables.batchTable) b
        WHERE \(isServed)
          AND b.from_run <= \(run) AND b.until_run > \(run)\
        \(condition.map { "\n  AND \($0)" } ?? "")\(having("b", .batch(alias: "b")).map { "\n  AND \($0)" } ?? "")
        """
    }

    private func outputs(_ row: StateSQL.Row) -> [String] {
        let key =
            switch form {
            case .served: [String]()
            case .followed: ["\(key(row.alias)) AS key"]
            case .explained: ExplainedRowSQL.keyColumns(version.plan, row: row.alias)
            }
        return key
            + zip(expressions(row), version.plan.outputs).enumerated().map { index, output in
                "\(output.0) AS \(form == .served ? Connection.quoteIdentifier(output.1.name) : "o\(index)")"
            }
    }

    private func expressions(_ row: StateSQL.Row) -> [String] { version.plan.outputs.map { OutputSQL(version.plan, row).value($0.value) } }

    /// A session's key is the atom that it begins in: see `ChangesSQL`.
    private func key(_ alias: String) -> String {
        let window = version.plan.window.map { window in
            window.kind.sessionGap.map { SessionSQL.atom(of: "\(alias).window_start", gap: $0) } ?? "\(alias).window_start"
        }
        return KeyText.sql(version.plan, window: window, row: alias)
    }

    /// HAVING over a row; nil where there is none.
    private func having(_ alias: String, _ row: StateSQL.Row) -> String? { OutputSQL(version.plan, row).having }

    func isClosed(_ alias: String) -> String {
        guard let kind = version.plan.window?.kind else { return "false" }
        return "coalesce(\(WindowSQL.end(kind, of: alias)) <= \(watermark), false)"
    }

    private var withWindow: String {
        let merged = StateSQL.mergedStates(
            tables, run: run, slices: slices, batchCondition: isTouched("b"), speedCondition: stays("s.window_start"))
        // Late events that the speed layer left alone are in no live row: their window is not exact until the next run.
        let isExact = "\(isExactAnd)coalesce(l.late, 0) = 0"
        return """
            \(batchArm(isExact: isWhole("b"), and: "NOT \(isTouched("b"))"))
            UNION ALL
            SELECT \((outputs(.merged(alias: "m")) + ["\(isExact) AND \(isWhole("m"))", "\(isClosed("m"))"]).joined(separator: ",\n       "))
            FROM (\(merged)) m
            LEFT JOIN (\(late(by: "t.window_start", where: []))) l USING (window_start)
            WHERE \(isServed)\(having("m", .merged(alias: "m")).map { "\n  AND \($0)" } ?? "")
            """
    }

    private func withSessions(gap: Int64) -> String {
        let merged = StateSQL.mergedStates(
            tables, run: run, slices: slices, batchCondition: SessionSQL.isReachedLately(tables, gap: gap, row: "b", slices: slices))
        func isExact(_ row: String) -> String { "\(hasNothingLate(row, gap: gap)) AND \(isWhole(row))" }
        return """
            \(batchArm(isExact: isExact("b"), and: "NOT \(isTouched("b"))"))
            UNION ALL
            SELECT \((outputs(.merged(alias: "m")) + ["\(isExactAnd)\(isExact("m"))", "\(isClosed("m"))"])
                .joined(separator: ",\n       "))
            FROM (\(merged)) m
            WHERE \(isServed)\(having("m", .merged(alias: "m")).map { "\n  AND \($0)" } ?? "")
            """
    }

    /// No late event that the speed layer left alone may belong to the session. Most rows end before the first one: those take one comparison.
    func hasNothingLate(_ row: String, gap: Int64) -> String {
        let late = "parallax.touched_window t WHERE t.version_id = \(version.id) AND t.slice >= \(slice) AND t.late > 0"
        return """
            (coalesce(\(WindowSQL.end(.session(gap: gap), of: row)) <= (SELECT min(t.window_start) FROM \(late)), true) \
            OR NOT EXISTS (SELECT 1 FROM \(late) AND \(SessionSQL.mayReach(atom: "t.window_start", row: row, gap: gap))))
            """
    }

    private var withoutWindow: String {
        let merged = StateSQL.mergedStates(tables, run: run, slices: slices)
        let isExact = isExactAnd + nothingIsLate
        return """
            SELECT \((outputs(.merged(alias: "m")) + ["\(isExact) AND \(isWhole("m")) AS is_exact", "false AS is_closed"]).joined(separator: ",\n       "))
            FROM (\(merged)) m
            WHERE \(isServed)\(having("m", .merged(alias: "m")).map { "\n  AND \($0)" } ?? "")
            """
    }
}

extension MergedViewSQL {
    /// Of a view without a window: a late event may belong to any row.
    var nothingIsLate: String { noneIsLate("") }

    /// - Parameter start: SQL of a window's start.
    func nothingIsLate(in start: String) -> String { noneIsLate(" AND t.window_start = \(start)") }

    private func noneIsLate(_ condition: String) -> String {
        """
        (SELECT coalesce(sum(t.late), 0) FROM parallax.touched_window t WHERE t.version_id = \(version.id) AND t.slice >= \(slice)\(condition)) = 0
        """
    }

    /// A condition for one of the pipeline's own views. A table of the pipeline that was made anew is empty in older snapshots: then a view that reads it
    /// says so, as merged views do.
    static func hasTables(_ tables: [DimensionID], _ name: String) -> String {
        let list = tables.map(\.description).joined(separator: ", ")
        return """
            (SELECT CASE WHEN (SELECT count(*) FROM parallax.dimension t WHERE t.dimension_id IN (\(list))) = \(tables.count) \
            THEN true ELSE parallax.not_served(\(Connection.quoteLiteral(name))) END)
            """
    }
}
