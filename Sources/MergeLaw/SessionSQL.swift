import ViewLanguage

/// Sessions of both layers, as SQL.
///
/// Batch rows are whole sessions of their group, a gap or more apart: `window_start` is the first event, `session_last` the last one. Speed
/// rows are atoms: the events of a group in one tumbling window as long as the gap, with `session_first` and `session_last`.
///
///     session  =  a longest chain of intervals [first, last] of one group in which  first(next) < max(last so far) + gap
///
/// A batch row that no live atom reaches is a session as it stands: none of its neighbours can reach it, either.
public enum SessionSQL {
    /// The start of the atom that an event lies in: see `WindowAssignment`.
    public static func atom(of instant: String, gap: Int64) -> String {
        "date_bin(\(WindowSQL.length(gap)), \(instant), timestamptz '1970-01-01 00:00:00+00')"
    }

    /// The condition that a live atom continues a batch row's session, begins before it or lies in it. By the equalities of groups it can be a
    /// hash join, by the range of atoms a look into an index: without groups every row would meet every atom (200,000 sessions and 1,000
    /// atoms: 29 s, 0.3 s with the range).
    ///
    /// - Parameters:
    ///   - row: alias of the batch row.
    ///   - slices: SQL condition over `s.slice`.
    public static func isReached(_ tables: StateTables, gap: Int64, row: String, slices: String) -> String {
        """
        EXISTS (SELECT 1 FROM \(tables.speedTable) s WHERE \(slices) AND \(KeyMatch.groups(tables, "s", row)) \
        AND s.session_first < \(row).session_last + \(WindowSQL.length(gap)) \
        AND s.session_last + \(WindowSQL.length(gap)) > \(row).window_start \
        AND \(mayReach(atom: "s.window_start", row: row, gap: gap)))
        """
    }

    /// The same with a comparison before it that most of history does not pass: it ends a gap or more before the first live atom.
    public static func isReachedLately(_ tables: StateTables, gap: Int64, row: String, slices: String) -> String {
        """
        \(row).session_last + \(WindowSQL.length(gap)) > (SELECT min(s.session_first) FROM \(tables.speedTable) s WHERE \(slices)) \
        AND \(isReached(tables, gap: gap, row: row, slices: slices))
        """
    }

    /// The condition over an atom's start that an event in it may belong to a session, or join it with others: there are events in
    /// [start, start + gap), less than a gap before the first or behind the last one of the row.
    public static func mayReach(atom: String, row: String, gap: Int64) -> String {
        """
        \(atom) < \(row).session_last + \(WindowSQL.length(gap)) AND \(atom) > \(row).window_start - \(WindowSQL.length(2 * gap))
        """
    }

    /// What new events' sessions and the batch rows that they reach become together: group columns, `window_start` and `session_last`, one row a session.
    ///
    /// - Parameters:
    ///   - new: table of the new events' sessions: `window_start`, group columns, `session_last`.
    ///   - visible: SQL condition over `b`, a batch row.
    public static func reached(_ tables: StateTables, gap: Int64, by new: String, visible: String) -> String {
        let groups = tables.batch.keys.dropFirst().map(\.name)
        func list(_ alias: String) -> String { groups.map { "\(alias).\($0), " }.joined() }
        func window(_ frame: String = "") -> String {
            "(" + (groups.isEmpty ? "" : "PARTITION BY \(groups.joined(separator: ", ")) ") + "ORDER BY window_start\(frame))"
        }
        let length = WindowSQL.length(gap)
        return """
            SELECT \(list("u"))min(u.window_start) AS window_start, max(u.session_last) AS session_last
            FROM (SELECT i.*, sum(i.begins) OVER \(window()) AS island
                  FROM (SELECT r.*, CASE WHEN r.window_start < \(length) + max(r.session_last) OVER \
            \(window(" ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING")) THEN 0 ELSE 1 END AS begins
                        FROM (SELECT \(list("n"))n.window_start, n.session_last FROM \(new) n
                              UNION ALL
                              SELECT \(list("b"))b.window_start, b.session_last FROM \(tables.batchTable) b
                              WHERE \(visible) AND b.session_last + \(length) > (SELECT min(e.window_start) FROM \(new) e)
                                AND EXISTS (SELECT FROM \(new) n WHERE \(KeyMatch.groups(tables, "n", "b"))
                                            AND n.window_start < b.session_last + \(length)
                                            AND n.session_last + \(length) > b.window_start)) r) i) u
            GROUP BY \(list("u"))u.island
            """
    }

    /// `StateSQL.mergedStates` of a view of sessions: gaps and islands, then the merge of every island. Beside its columns: `session_last`.
    ///
    /// - Parameter keys: the group columns, or fewer of them. Where some are left out, sessions of several groups become one: in each, events follow one
    ///   another in less than the gap, so two that overlap or are less than a gap apart are one chain.
    static func merged(
        _ tables: StateTables, _ columns: StateSQL.MergedColumns, gap: Int64, fromBatch: String, fromSpeed: String,
        keys: [RollUpSQL.Key]? = nil
    ) -> String {
        let keys = keys ?? tables.speed.keys.dropFirst().map { key in RollUpSQL.Key(name: key.name) { "\($0).\(key.name)" } }
        let groups = keys.map(\.name)
        func list(_ alias: String) -> String { groups.map { "\(alias).\($0), " }.joined() }
        func stored(_ alias: String) -> String { keys.map { "\($0.expression(alias)), " }.joined() }
        func window(_ alias: String, _ frame: String = "") -> String {
            let partition = groups.isEmpty ? "" : "PARTITION BY \(groups.map { "\(alias).\($0)" }.joined(separator: ", ")) "
            return "(\(partition)ORDER BY \(alias).session_first\(frame))"
        }
        let names = groups + ["session_first", "session_last"] + columns.names
        // In the outer sum, rows that begin together are counted together: whichever of them came first for the inner one.
        return """
            SELECT \(list("u"))min(u.session_first) AS window_start, max(u.session_last) AS session_last, \
            \(columns.merged.joined(separator: ", "))
            FROM (SELECT i.*, sum(i.begins) OVER \(window("i")) AS island
                  FROM (SELECT r.*, CASE WHEN r.session_first < \(WindowSQL.length(gap)) + max(r.session_last) OVER \
            \(window("r", " ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING")) THEN 0 ELSE 1 END AS begins
                        FROM (SELECT \(stored("b"))b.window_start, b.session_last, \(columns.ofBatch.joined(separator: ", "))
                              FROM \(fromBatch)
                              UNION ALL
                              SELECT \(stored("s"))s.session_first, s.session_last, \(columns.ofSpeed.joined(separator: ", "))
                              FROM \(fromSpeed)) r (\(names.joined(separator: ", ")))) i) u
            GROUP BY \(list("u"))u.island
            """
    }
}
