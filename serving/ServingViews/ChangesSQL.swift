import Catalog
import MergeLaw
import ParallaxCore
import Postgres
import ViewLanguage

/// The SQL of `serving.<view>_changes`: which rows of the merged view have changed, since when, and what they are now.
///
///     view(snapshot 2) = view(snapshot 1), where each key in {changes with a number above snapshot 1's} is taken away or put in as it says
///
/// For each change that is kept, the keys whose rows it may have made others; each with the row that the view has for the key now (`upsert`), or none (`delete`).
/// A key too many is an upsert of what a follower has, or a delete of what it has not; one too few would be a row that stays wrong.
///
///     what makes rows others                        whose keys
///     a flush                                       live rows that it added to
///       that left late events alone                 all rows of their windows: they are not exact any more
///       that moved the watermark                    all rows of windows that it closed
///     a publication, a revert                       batch rows that were added or closed between the two runs; live rows of the slices between the
///                                                   two cuts; all rows of windows that had late events there; live rows that retention takes or gives back
///     a served version, a gap, a watermark reset    not told: they cannot be followed across. The row `reset` says from where on
///
/// Rows of the whole view come, too, without a number (`snapshot`): with the keys that a follower begins with. Whoever compares numbers does not ask for them.
///
/// The number is compared with `change` in the innermost rows, so that what was asked before costs nothing; therefore a key may come once for each of several changes.
///
/// Not promised: `is_exact` of the merged view while records wait for a publication (`parallax.frontier.waiting_records`): then it is false for all rows, and here
/// it is not.
struct ChangesSQL {
    private let merged: MergedViewSQL
    private let snapshot: MergedViewSQL
    private var version: ViewVersion { merged.version }
    private var tables: StateTables { merged.tables }
    private var plan: Plan { version.plan }

    init(_ version: ViewVersion) {
        merged = MergedViewSQL(version)
        snapshot = MergedViewSQL(version, form: .followed)
    }

    private var leading: [String] { ChangesColumns.leading(plan) }

    private var keys: [String] { tables.speed.keys.map(\.name) }
    private var isVisible: String { "b.from_run <= \(merged.run) AND b.until_run > \(merged.run)" }

    /// No change up to this one can be followed from.
    private var followedFrom: String {
        """
        (SELECT greatest(w.followed_from, v.followed_from) FROM parallax.watermark w, parallax.view v \
        WHERE w.source_id = \(version.sourceID) AND v.view_id = \(version.viewID))
        """
    }

    private var changes: String { "parallax.change c" }
    private var isKept: String { "c.source_id = \(version.sourceID) AND c.change > \(followedFrom)" }
    private var flushes: String {
        "\(changes) JOIN parallax.flushed_window f ON f.version_id = \(version.id) AND f.flushed_by = c.flushed_by"
    }

    var selectText: String {
        let rows = plan.window?.kind.sessionGap.map { sessions(gap: $0) } ?? groups
        let columns = plan.outputs.indices.map { "r.o\($0)" } + ["r.is_exact", "r.is_closed"]
        let names =
            leading.map(Connection.quoteIdentifier) + plan.outputs.map { Connection.quoteIdentifier($0.name) } + ["is_exact", "is_closed"]
        let row = ["r.change", "r.operation", "r.key"] + columns
        return """
            SELECT \(zip(row, names).map { "\($0) AS \($1)" }.joined(separator: ", "))
            FROM (\(rows)) r
            WHERE \(merged.isServed)
            UNION ALL
            SELECT \(([followedFrom, "'reset'", "NULL"] + columns.map { _ in "NULL" }).joined(separator: ", "))
            WHERE \(merged.isServed)
            UNION ALL
            SELECT NULL, 'snapshot', q.* FROM (\(snapshot.selectText)) q
            """
    }
}

// Views without sessions: a key is the window and the group columns.
extension ChangesSQL {
    private var groups: String {
        // A view without keys has one row, always.
        let alias = "m"
        let outputs = OutputSQL(plan, .merged(alias: alias))
        let states = StateSQL.mergedStates(
            tables, run: merged.run, slices: merged.slices, batchCondition: isKey("b"),
            speedCondition: [merged.stays("s.window_start"), isKey("s")].compactMap(\.self).joined(separator: " AND "))
        let late = plan.window == nil ? merged.nothingIsLate : merged.nothingIsLate(in: "m.window_start")
        let values = plan.outputs.enumerated().map { "\(outputs.value($1.value)) AS o\($0)" }
        let flags = ["\(merged.isExactAnd)\(late) AND \(merged.hasNoGap(alias)) AS is_exact", "\(merged.isClosed(alias)) AS is_closed"]
        let shown = plan.outputs.enumerated().map { index, output in
            keyValue(output.value).map { "CASE WHEN m.is_there THEN m.o\(index) ELSE \($0) END AS o\(index)" } ?? "m.o\(index)"
        }
        let key = KeyText.sql(plan, window: plan.window == nil ? nil : "k.window_start", row: "k")
        return """
            SELECT \((["k.change", "CASE WHEN m.is_there THEN 'upsert' ELSE 'delete' END AS operation", "\(key) AS key"] + shown + ["m.is_exact", "m.is_closed"])
                .joined(separator: ", "))
            FROM (SELECT DISTINCT \(list("a", ["change"] + keys)) FROM (\(arms.joined(separator: "\nUNION ALL\n"))) a) k
            LEFT JOIN LATERAL (
                SELECT \((["true AS is_there"] + values + flags).joined(separator: ", "))
                FROM (\(states)) m\(outputs.having.map { "\nWHERE \($0)" } ?? "")) m ON true
            """
    }

    /// What a row that is no more shows of its key; nil of all else.
    private func keyValue(_ value: Plan.Output.Value) -> String? {
        switch value {
        case .window, .windowEnd: plan.window?.kind.sessionGap == nil ? OutputSQL(plan, .merged(alias: "k")).value(value) : nil
        case .group(let index): plan.groups[index].shownBy == nil ? "k.g\(index)" : nil
        case .measure, .finished: nil
        }
    }

    private func list(_ alias: String, _ names: [String]) -> String { names.map { "\(alias).\($0)" }.joined(separator: ", ") }

    /// In a form that indexes on (window, groups) take.
    private func isKey(_ row: String) -> String {
        let window = plan.window == nil ? [] : ["\(row).window_start = k.window_start"]
        let parts = window + groupMatches(row)
        return parts.isEmpty ? "true" : parts.joined(separator: " AND ")
    }

    private func groupMatches(_ row: String) -> [String] {
        plan.groups.indices.map { "(\(row).g\($0) = k.g\($0) OR (\(row).g\($0) IS NULL AND k.g\($0) IS NULL))" }
    }

    private func columns(_ alias: String) -> String { keys.isEmpty ? "" : ", " + list(alias, keys) }

    private var arms: [String] {
        [flushed, late, moved, closed].compactMap(\.self)
    }

    private var flushed: String {
        guard plan.window != nil else {
            return """
                SELECT c.change\(columns("s")) FROM \(changes) JOIN \(tables.speedTable) s ON s.flushed_by = c.flushed_by
                WHERE \(isKept) AND \(merged.slices)
                """
        }
        return """
            SELECT c.change\(columns("s")) FROM \(flushes) CROSS JOIN LATERAL unnest(f.windows) t (window_start)
            JOIN \(tables.speedTable) s ON s.window_start = t.window_start AND s.flushed_by = c.flushed_by
            WHERE \(isKept) AND \(merged.slices)
            """
    }

    /// All that the view has of a window, or of all windows.
    private func rows(ofWindow window: String?) -> String {
        func condition(_ row: String) -> String { window.map { " AND \(row).window_start = \($0)" } ?? "" }
        // The change alone, where there are no keys.
        let (b, s) = keys.isEmpty ? ("1 AS one", "1") : (list("b", keys), list("s", keys))
        return """
            SELECT \(b) FROM \(tables.batchTable) b WHERE \(isVisible)\(condition("b"))
            UNION ALL SELECT \(s) FROM \(tables.speedTable) s WHERE \(merged.slices)\(condition("s"))
            """
    }

    private var late: String {
        guard plan.window != nil else {
            return """
                SELECT c.change\(columns("a")) FROM \(flushes) CROSS JOIN LATERAL (\(rows(ofWindow: nil)) OFFSET 0) a
                WHERE \(isKept) AND cardinality(f.late_windows) > 0
                """
        }
        return """
            SELECT c.change\(columns("a")) FROM \(flushes) CROSS JOIN LATERAL unnest(f.late_windows) t (window_start)
            CROSS JOIN LATERAL (\(rows(ofWindow: "t.window_start")) OFFSET 0) a
            WHERE \(isKept)
            """
    }

    /// The pointer was moved, forth or back.
    private var moved: String {
        let (b, s) = keys.isEmpty ? ("1 AS one", "1") : (list("b", keys), list("s", keys))
        var parts = [
            "SELECT \(b) FROM \(tables.batchTable) b WHERE \(Moved.isAdded)",
            "SELECT \(b) FROM \(tables.batchTable) b WHERE \(Moved.isClosed)",
            "SELECT \(s) FROM \(tables.speedTable) s WHERE \(Moved.isBetween("s"))",
        ]
        let touched = "parallax.touched_window t WHERE t.version_id = \(version.id) AND \(Moved.isBetween("t")) AND t.late > 0"
        if plan.window == nil {
            parts.append("SELECT a.* FROM (\(rows(ofWindow: nil))) a WHERE EXISTS (SELECT FROM \(touched))")
        } else {
            parts.append(
                "SELECT a.* FROM (SELECT DISTINCT t.window_start FROM \(touched)) t CROSS JOIN LATERAL (\(rows(ofWindow: "t.window_start"))) a"
            )
        }
        if let retention = plan.retention, let kind = plan.window?.kind {
            parts.append(
                """
                SELECT \(s) FROM \(tables.speedTable) s WHERE \(merged.slices) AND \(WindowSQL.end(kind, of: "s")) \
                <= greatest(c.cut_watermark, c.cut_watermark_before) - \(WindowSQL.length(retention))
                """)
        }
        return """
            SELECT c.change\(columns("a")) FROM \(changes) CROSS JOIN LATERAL (\(parts.joined(separator: "\nUNION ALL\n"))
            OFFSET 0) a
            WHERE \(isKept) AND \(Moved.isMove)
            """
    }

    private var closed: String? {
        guard let kind = plan.window?.kind else { return nil }
        func closes(_ row: String) -> String {
            let end = WindowSQL.end(kind, of: row)
            return "\(Self.mayClose(kind, row)) AND \(end) > \(Self.before) AND \(end) <= c.watermark"
        }
        return """
            SELECT c.change\(columns("a")) FROM \(changes) CROSS JOIN LATERAL (
                SELECT \(list("b", keys)) FROM \(tables.batchTable) b WHERE \(isVisible) AND \(closes("b"))
                UNION ALL SELECT \(list("s", keys)) FROM \(tables.speedTable) s WHERE \(merged.slices) AND \(closes("s"))
                OFFSET 0) a
            WHERE \(isKept) AND c.watermark > \(Self.before)
            """
    }

    private static let before = "coalesce(c.watermark_before, '-infinity')"

    /// A range of starts that holds all windows which end between the two watermarks: an index finds it.
    private static func mayClose(_ kind: Plan.Window.Kind, _ row: String) -> String {
        let longest =
            switch kind {
            case .tumbling(let size, _), .hopping(_, let size, _): WindowSQL.length(size)
            case .calendar(let unit, _): unit == .quarter ? "interval '94 days'" : "(interval '1 \(unit.rawValue)' + interval '2 days')"
            case .session: preconditionFailure("a session's length is not known")
            }
        return "\(row).window_start >= \(before) - \(longest) AND \(row).window_start <= c.watermark"
    }

    /// Over a change `c` that moved the pointer.
    private enum Moved {
        static let isMove = "c.run_before IS NOT NULL"
        static let isAdded = "b.from_run > least(c.run_before, c.run) AND b.from_run <= greatest(c.run_before, c.run)"
        /// The last condition says nothing new: it is that of the index of closed rows.
        static let isClosed = """
            b.until_run > least(c.run_before, c.run) AND b.until_run <= greatest(c.run_before, c.run) AND b.until_run < \(StateTables.openRun)
            """
        static func isBetween(_ row: String) -> String {
            "\(row).slice >= least(c.slice_before, c.slice) AND \(row).slice < greatest(c.slice_before, c.slice)"
        }
    }
}

// Views of sessions. Sessions of a group become one, and one becomes several where a run finds copies: which keys a follower has is not known. So a key is the group
// and the atom that a session begins in. No other session of the group ever begins there at the same time, and whatever session there was began in an atom of
// which a row is kept, live or batch.
//
//     for a group in which something changed, from the first change on
//     each session that there is now             upsert, under its atom
//     each atom in which one may have begun      delete, where none begins now
extension ChangesSQL {
    private func sessions(gap: Int64) -> String {
        let length = WindowSQL.length(gap)
        func atom(_ start: String) -> String { SessionSQL.atom(of: start, gap: gap) }
        func matches(_ row: String) -> String { (["true"] + groupMatches(row)).joined(separator: " AND ") }
        let outputs = OutputSQL(plan, .merged(alias: "m"))
        // Live rows may reach further back: whatever they reach is a part of a session.
        let since = """
            least(k.since, (SELECT min(s.session_first) FROM \(tables.speedTable) s WHERE \(merged.slices) AND \(matches("s"))))
            """
        let states = StateSQL.mergedStates(
            tables, run: merged.run, slices: merged.slices, batchCondition: "b.session_last + \(length) > \(since) AND \(matches("b"))",
            speedCondition: matches("s"))
        let values = plan.outputs.enumerated().map { "\(outputs.value($1.value)) AS o\($0)" }
        let isExact = "\(merged.isExactAnd)\(merged.hasNothingLate("m", gap: gap)) AND \(merged.hasNoGap("m"))"
        let gone = plan.outputs.enumerated().map { index, output in
            keyValue(output.value).map { "CASE WHEN m.operation = 'delete' THEN \($0) ELSE m.o\(index) END AS o\(index)" } ?? "m.o\(index)"
        }
        let names = plan.outputs.indices.map { "o\($0)" }
        let key = KeyText.sql(plan, window: "m.atom", row: "k")
        let groups = Array(keys.dropFirst())
        let group = groups.isEmpty ? "" : ", " + list("a", groups)
        return """
            SELECT \((["k.change", "m.operation", "\(key) AS key"] + gone + ["m.is_exact", "m.is_closed"]).joined(separator: ", "))
            FROM (SELECT a.change\(group), min(a.since) AS since FROM (\(sessionArms(gap: gap).joined(separator: "\nUNION ALL\n"))) a
                  GROUP BY a.change\(group)) k
            CROSS JOIN LATERAL (
                WITH shown AS (
                    SELECT \(([atom("m.window_start") + " AS atom"] + values + ["\(isExact) AS is_exact", "\(merged.isClosed("m")) AS is_closed"])
                        .joined(separator: ", "))
                    FROM (\(states)) m
                    WHERE m.session_last + \(length) > k.since\(outputs.having.map { " AND \($0)" } ?? ""))
                SELECT 'upsert' AS operation, shown.* FROM shown
                UNION ALL
                SELECT 'delete', g.atom, \((names.map { _ in "NULL" } + ["NULL", "NULL"]).joined(separator: ", "))
                FROM (SELECT s.window_start AS atom FROM \(tables.speedTable) s WHERE \(matches("s"))
                      UNION
                      SELECT \(atom("b.window_start")) FROM \(tables.batchTable) b WHERE b.window_start >= \(since) AND \(matches("b"))) g
                WHERE g.atom > k.since - \(length) AND NOT EXISTS (SELECT FROM shown WHERE shown.atom = g.atom)) m
            """
    }

    /// (change, groups, since): the sessions of the group that end after `since` may be others.
    private func sessionArms(gap: Int64) -> [String] {
        let groups = Array(keys.dropFirst())
        let length = WindowSQL.length(gap)
        func columns(_ alias: String) -> String { groups.isEmpty ? "" : ", " + list(alias, groups) }
        func part(_ table: String, _ alias: String, _ condition: String, since: String? = nil) -> String {
            "SELECT \(since ?? "\(alias).window_start") AS since\(columns(alias)) FROM \(table) \(alias) WHERE \(condition)"
        }
        func arm(_ from: String, _ parts: [String], _ condition: String) -> String {
            """
            SELECT c.change\(columns("a")), a.since FROM \(from) CROSS JOIN LATERAL (\(parts.joined(separator: "\nUNION ALL\n"))
            OFFSET 0) a
            WHERE \(isKept) AND \(condition)
            """
        }
        func reached(by late: String) -> [String] {
            [
                part(tables.batchTable, "b", "\(isVisible) AND \(SessionSQL.mayReach(atom: late, row: "b", gap: gap))", since: late),
                part(
                    tables.speedTable, "s",
                    """
                    \(merged.slices) AND s.window_start > \(late) - 3 * \(length) AND s.window_start < \(late) + 3 * \(length)
                    """, since: late),
            ]
        }
        // In a form that the index on a batch row's last event takes: this is asked after every flush.
        func closes(_ row: String) -> String {
            "\(row).session_last > \(Self.before) - \(length) AND \(row).session_last <= c.watermark - \(length)"
        }
        let touched = "parallax.touched_window t WHERE t.version_id = \(version.id) AND \(Moved.isBetween("t")) AND t.late > 0"
        return [
            """
            SELECT c.change\(columns("s")), s.window_start AS since FROM \(flushes) CROSS JOIN LATERAL unnest(f.windows) t (window_start)
            JOIN \(tables.speedTable) s ON s.window_start = t.window_start AND s.flushed_by = c.flushed_by
            WHERE \(isKept) AND \(merged.slices)
            """,
            arm("\(flushes) CROSS JOIN LATERAL unnest(f.late_windows) t (window_start)", reached(by: "t.window_start"), "true"),
            arm(
                changes,
                [
                    part(tables.batchTable, "b", Moved.isAdded), part(tables.batchTable, "b", Moved.isClosed),
                    part(tables.speedTable, "s", Moved.isBetween("s")),
                    """
                    SELECT a.since\(columns("a")) FROM (SELECT DISTINCT t.window_start FROM \(touched)) t
                    CROSS JOIN LATERAL (\(reached(by: "t.window_start").joined(separator: "\nUNION ALL\n"))) a
                    """,
                ], Moved.isMove),
            arm(
                changes,
                [
                    part(tables.batchTable, "b", "\(isVisible) AND \(closes("b"))"),
                    part(tables.speedTable, "s", "\(merged.slices) AND \(closes("s"))"),
                ], "c.watermark > \(Self.before)"),
        ]
    }
}
