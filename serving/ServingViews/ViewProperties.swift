import ParallaxCore
import Postgres

/// What people gave a view beside its text (owner, options, comments, grants): who makes it anew gives it back.
struct ViewProperties {
    /// In this order, after the view was made again under its name. Those of a column that it has no more are left out.
    private var statements: [(text: String, column: String?)] = []
    private let place: String
    /// Whatever belongs to a view, goes with it without a word from PostgreSQL, and is not made again here: triggers, rules, defaults, labels.
    private(set) var lost: [String] = []
    let definition: String

    /// - Parameter place: quoted, with the schema.
    init(_ connection: Connection, _ view: Int64, place: String) throws(ParallaxError) {
        self.place = place
        // Everything outside of pg_catalog is written with its schema then.
        try connection.execute("SAVEPOINT properties; SET LOCAL search_path = pg_catalog")
        definition = try connection.query("SELECT pg_get_viewdef($1::bigint::oid)", [.int(view)]).rows[0].text(0)
        for row in try connection.query(Self.statementsSQL, [.int(view), .text(place)]).rows {
            statements.append((try row.text(0), row[1]))
        }
        lost = try connection.query(Self.lostSQL, [.int(view)]).rows.compactMap { $0[0] }
        try connection.execute("ROLLBACK TO SAVEPOINT properties; RELEASE SAVEPOINT properties")
    }

    func restore(_ connection: Connection) throws(ParallaxError) {
        let view = [Parameter.text(place)]
        let columns = Set(
            try connection.query(
                "SELECT attname FROM pg_catalog.pg_attribute WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped", view
            ).texts(0))
        // Default privileges gave it some of their own.
        for row in try connection.query(
            """
            SELECT DISTINCT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END
            FROM pg_catalog.pg_class c, pg_catalog.aclexplode(c.relacl) a WHERE c.oid = $1::regclass AND a.grantee <> c.relowner
            """, view
        ).rows { try connection.execute("REVOKE ALL ON \(place) FROM \(try row.text(0))") }
        for (text, column) in statements where column.map(columns.contains) ?? true { try connection.execute(text) }
    }

    /// Owner first: it is who grants. Of the owner's own rights nothing is written down.
    private static let statementsSQL = """
        WITH v AS (SELECT c.* FROM pg_class c WHERE c.oid = $1::bigint::oid),
        granted AS (
            SELECT NULL::name AS attname, a.*, v.relowner FROM v, aclexplode(v.relacl) a
            UNION ALL
            SELECT t.attname, a.*, v.relowner FROM v JOIN pg_attribute t ON t.attrelid = v.oid AND NOT t.attisdropped, aclexplode(t.attacl) a)
        SELECT text, attname FROM (
            SELECT 1 AS step, format('ALTER VIEW %s OWNER TO %s', $2::text, relowner::regrole) AS text, NULL::name AS attname
            FROM v WHERE relowner <> (SELECT r.oid FROM pg_roles r WHERE r.rolname = current_user)
            UNION ALL
            SELECT 2, format('ALTER VIEW %s SET (%I = %L)', $2::text, split_part(o, '=', 1), substr(o, strpos(o, '=') + 1)), NULL
            FROM v, unnest(v.reloptions) o
            UNION ALL
            SELECT 3, format('COMMENT ON VIEW %s IS %L', $2::text, obj_description(oid, 'pg_class')), NULL
            FROM v WHERE obj_description(oid, 'pg_class') IS NOT NULL
            UNION ALL
            SELECT 4, format('COMMENT ON COLUMN %s.%I IS %L', $2::text, t.attname, col_description(v.oid, t.attnum)), t.attname
            FROM v JOIN pg_attribute t ON t.attrelid = v.oid AND NOT t.attisdropped WHERE col_description(v.oid, t.attnum) IS NOT NULL
            UNION ALL
            SELECT 5, format('GRANT %s%s ON %s TO %s%s', privilege_type, CASE WHEN attname IS NULL THEN '' ELSE format(' (%I)', attname) END, $2::text,
                          CASE grantee WHEN 0 THEN 'PUBLIC' ELSE grantee::regrole::text END,
                          CASE WHEN is_grantable THEN ' WITH GRANT OPTION' ELSE '' END), attname
            FROM granted WHERE grantee <> relowner) s
        ORDER BY step, text
        """

    private static let lostSQL = """
        SELECT pg_describe_object('pg_trigger'::regclass, oid, 0) FROM pg_trigger WHERE tgrelid = $1::bigint::oid AND NOT tgisinternal
        UNION ALL
        SELECT pg_describe_object('pg_rewrite'::regclass, oid, 0) FROM pg_rewrite WHERE ev_class = $1::bigint::oid AND rulename <> '_RETURN'
        UNION ALL
        SELECT pg_describe_object('pg_attrdef'::regclass, oid, 0) FROM pg_attrdef WHERE adrelid = $1::bigint::oid
        UNION ALL
        SELECT format('security label of %s', pg_describe_object(classoid, objoid, objsubid))
        FROM pg_seclabel WHERE (classoid, objoid) = ('pg_class'::regclass, $1::bigint::oid)
        """
}
