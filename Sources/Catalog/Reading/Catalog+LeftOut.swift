import ParallaxCore
import Postgres

/// What the answer to a statement lacks, for a note beside it. Judged by the views' names in its text: a name too many only means a note too many.
extension Catalog {
    /// What answers contain: for people, as PostgreSQL has it.
    public func frontier() throws(ParallaxError) -> QueryResult {
        try connection.query("SELECT * FROM parallax.frontier ORDER BY source, partition")
    }

    /// Begins a statement that asks which relations another one may read; `$1` is that one's text.
    static let relationsRead = """
        WITH RECURSIVE read AS (
            SELECT c.oid FROM pg_class c
            WHERE lower(c.relname) = ANY (regexp_split_to_array(lower($1), '[^[:alnum:]_$]+'))
               OR (c.relname ~ '[^[:alnum:]_$]' AND position(lower(c.relname) IN lower($1)) > 0)
            UNION
            SELECT d.refobjid FROM read JOIN pg_rewrite r ON r.ev_class = read.oid
            JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid AND d.refclassid = 'pg_class'::regclass)
        """
    /// Over `v`, a row of parallax.view_version.
    static let isRead = "EXISTS (SELECT FROM read WHERE read.oid = to_regclass('batch.' || quote_ident(v.state_table)))"

    /// Views with late events that are in no row of theirs yet: in how many windows, and how many.
    public func late(readBy sql: String) throws(ParallaxError) -> [(view: String, windows: Int64, events: Int64)] {
        guard try connection.query("SELECT to_regclass('parallax.late_window') IS NOT NULL").rows[0].bool(0) else { return [] }
        return try connection.query(
            """
            \(Self.relationsRead)
            SELECT l.view, count(l.window_start), sum(l.late)::bigint
            FROM parallax.late_window l JOIN parallax.view w ON w.name = l.view JOIN parallax.view_version v ON v.version_id = w.active_version_id
            WHERE \(Self.isRead) GROUP BY l.view ORDER BY l.view
            """, [.text(sql)]
        ).rows.map { row throws(ParallaxError) in (try row.text(0), try row.int(1), try row.int(2)) }
    }

    /// Sources with records that a run took over from a speed layer that was down, and that no publication has yet.
    public func waiting(readBy sql: String) throws(ParallaxError) -> [(source: String, records: Int64)] {
        guard try connection.query("SELECT to_regclass('parallax.frontier') IS NOT NULL").rows[0].bool(0) else { return [] }
        return try connection.query(
            """
            \(Self.relationsRead)
            SELECT f.source, sum(f.waiting_records)::bigint FROM parallax.frontier f JOIN parallax.source s ON s.name = f.source
            WHERE f.waiting_records > 0 AND EXISTS (
                SELECT FROM parallax.view w JOIN parallax.view_version v USING (view_id) WHERE w.source_id = s.source_id AND \(Self.isRead))
            GROUP BY f.source ORDER BY f.source
            """, [.text(sql)]
        ).rows.map { row throws(ParallaxError) in (try row.text(0), try row.int(1)) }
    }
}
