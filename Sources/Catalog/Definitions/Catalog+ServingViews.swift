import ParallaxCore
import Postgres

/// What Parallax made in the schema `serving`: no other relation there is touched.
extension Catalog {
    /// The pipeline's own views over merged ones, in the order in which they are made.
    public func overlays() throws(ParallaxError) -> [(name: String, selectText: String)] {
        try connection.query("SELECT name, select_text FROM parallax.overlay ORDER BY position").rows.map { row throws(ParallaxError) in
            (try row.text(0), try row.text(1))
        }
    }

    public func recordServingView(_ name: String) throws(ParallaxError) {
        try connection.query("INSERT INTO parallax.serving_view (name) VALUES ($1) ON CONFLICT DO NOTHING", [.text(name)])
    }

    public func forgetServingView(_ name: String) throws(ParallaxError) {
        try connection.query("DELETE FROM parallax.serving_view WHERE name = $1", [.text(name)])
    }

    /// Those that were made and that no definition asks for.
    public func servingViews(besides wanted: [String]) throws(ParallaxError) -> [String] {
        try connection.query("SELECT name FROM parallax.serving_view WHERE name <> ALL ($1::text[]) ORDER BY name", [.texts(wanted)])
            .texts(0)
    }

    /// What stands in `serving` under a name; nil where nothing does. `isOurs`: it is a view, and Parallax made it.
    public func servingRelation(_ name: String) throws(ParallaxError) -> (id: Int64, isOurs: Bool, description: String)? {
        try connection.query(
            """
            SELECT c.oid::bigint, c.relkind = 'v' AND EXISTS (SELECT FROM parallax.serving_view o WHERE o.name = c.relname),
                   pg_catalog.pg_describe_object('pg_class'::regclass, c.oid, 0)
            FROM pg_catalog.pg_class c WHERE c.relnamespace = 'serving'::regnamespace AND c.relname = $1
            """, [.text(name)]
        ).rows.first.map { row throws(ParallaxError) in (try row.int(0), try row.bool(1), row[2] ?? name) }
    }

    /// What stands in `serving` under a function's name and arguments; nil where nothing does. `written`: its text, where Parallax made it.
    ///
    /// - Parameter place: quoted, with the schema and the types of its arguments.
    public func servingFunction(
        _ name: String, _ place: String
    ) throws(ParallaxError) -> (id: Int64, written: String?, description: String)? {
        try connection.query(
            """
            SELECT f.id::oid::bigint, (SELECT o.text FROM parallax.serving_function o WHERE o.name = $1),
                   pg_catalog.pg_describe_object('pg_proc'::regclass, f.id, 0)
            FROM (SELECT pg_catalog.to_regprocedure($2) AS id) f WHERE f.id IS NOT NULL
            """, [.text(name), .text(place)]
        ).rows.first.map { row throws(ParallaxError) in (try row.int(0), row[1], row[2] ?? name) }
    }

    public func recordServingFunction(_ name: String, _ text: String) throws(ParallaxError) {
        try connection.query(
            """
            INSERT INTO parallax.serving_function AS o (name, text) VALUES ($1, $2)
            ON CONFLICT (name) DO UPDATE SET text = excluded.text WHERE o.text <> excluded.text
            """, [.text(name), .text(text)])
    }

    public func forgetServingFunction(_ name: String) throws(ParallaxError) {
        try connection.query("DELETE FROM parallax.serving_function WHERE name = $1", [.text(name)])
    }

    /// The pipeline's own tables that a view (by its oid) reads by itself.
    public func ownedDimensions(readBy view: Int64) throws(ParallaxError) -> [DimensionID] {
        try connection.query(
            """
            SELECT DISTINCT t.dimension_id FROM pg_catalog.pg_rewrite r
            JOIN pg_catalog.pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid AND d.refclassid = 'pg_class'::regclass
            JOIN pg_catalog.pg_class c ON c.oid = d.refobjid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
            JOIN parallax.dimension t ON (t.schema_name, t.name) = (n.nspname, c.relname)
            WHERE r.ev_class = $1::bigint::oid AND t.is_owned ORDER BY 1
            """, [.int(view)]
        ).ints(0).map { DimensionID($0) }
    }
}
