import Postgres

extension Oracle {
    /// PostgreSQL has no sessions: gaps and islands, in its own words. What stands in FROM in place of the source, with the columns
    /// `session_start` and `session_end` beside the source's own; `GROUP BY session_start, session_end` and the groups.
    ///
    /// - Parameters:
    ///   - by: the groups, as SQL over the source's columns.
    ///   - time: the event time.
    ///   - filter: the view's WHERE, which decides before sessions are made.
    public static func sessions(
        of source: String, gap: String, by groups: [String] = [], where filter: String = "true", time: String = "event_time"
    ) -> String {
        let partition = groups.isEmpty ? "" : "PARTITION BY \(groups.joined(separator: ", "))"
        let more = groups.isEmpty ? "PARTITION BY island" : "\(partition), island"
        return """
            (SELECT *, min(\(time)) OVER (\(more)) AS session_start, max(\(time)) OVER (\(more)) + interval '\(gap)' AS session_end
             FROM (SELECT *, count(*) FILTER (WHERE begins) OVER (\(partition) ORDER BY \(time)) AS island
                   FROM (SELECT *, coalesce(\(time) - lag(\(time)) OVER (\(partition) ORDER BY \(time)) >= interval '\(gap)', true)
                                   AS begins
                         FROM \(source) WHERE \(filter)) e) i) s
            """
    }
}
