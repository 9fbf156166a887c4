import ParallaxCore
import Postgres

/// What stands on a view, or on a function, over any number of levels, in any schema, whoever owns it.
struct Dependents {
    struct Object {
        /// As PostgreSQL describes it, with its owner where it has one.
        var description: String
        /// Set for a plain view, which can be made again from its definition: its number, its place (quoted, with the schema), and its name where it
        /// stands in `serving`.
        var view: (id: Int64, place: String, servingName: String?)?
        /// Columns of the view that it reads by itself.
        var columns: Set<String> = []
    }

    /// Each stands after what it reads.
    var objects: [Object] = []

    enum Ground: String { case view = "pg_class", function = "pg_proc" }

    init(_ connection: Connection, on object: Int64, _ ground: Ground = .view) throws(ParallaxError) {
        for row in try connection.query(Self.sql, [.int(object), .text(ground.rawValue)]).rows {
            guard let description = row[0] else { continue }
            var object = Object(description: description)
            if row[1] == "v" { object.view = (try row.int(2), try row.text(3), row[4]) }
            object.columns = Set(try row.text(5).split(separator: "\n").map(String.init))
            objects.append(object)
        }
    }

    /// A view's rule stands for the view. Only what depends on something by its own text is told of: row types, indexes and the like go along.
    private static let sql = """
        WITH RECURSIVE found (classid, objid, depth, is_told) AS (
            SELECT $2::regclass::oid, $1::bigint::oid, 0, false
            UNION
            SELECT CASE WHEN r.oid IS NULL THEN d.classid ELSE 'pg_class'::regclass END,
                   CASE WHEN r.oid IS NULL THEN d.objid ELSE r.ev_class END, f.depth + 1, d.deptype = 'n'
            FROM found f JOIN pg_catalog.pg_depend d ON (d.refclassid, d.refobjid) = (f.classid, f.objid) AND d.deptype IN ('n', 'a', 'i')
            LEFT JOIN pg_catalog.pg_rewrite r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid AND r.rulename = '_RETURN'
            WHERE r.ev_class IS DISTINCT FROM f.objid),
        reads AS (
            SELECT r.ev_class, string_agg(DISTINCT a.attname, E'\\n') AS columns
            FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_rewrite r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid
            JOIN pg_catalog.pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
            WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = $1::bigint::oid AND d.refobjsubid > 0 GROUP BY r.ev_class)
        SELECT pg_catalog.pg_describe_object(o.classid, o.objid, 0) || coalesce(format(' (of %s)', pg_catalog.pg_get_userbyid(c.relowner)), ''),
               c.relkind, c.oid::bigint, quote_ident(n.nspname) || '.' || quote_ident(c.relname), CASE n.nspname WHEN 'serving' THEN c.relname END,
               coalesce(reads.columns, '')
        FROM (SELECT classid, objid, max(depth) AS depth FROM found WHERE depth > 0 GROUP BY classid, objid HAVING bool_or(is_told)) o
        LEFT JOIN pg_catalog.pg_class c ON o.classid = 'pg_class'::regclass AND c.oid = o.objid
        LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        LEFT JOIN reads ON reads.ev_class = c.oid
        ORDER BY o.depth, 1
        """
}
