import MergeLaw
import ParallaxCore
import Postgres
import ViewLanguage

/// Row security that somebody put on the state tables of a view goes over to the tables of its next version: it must not end with a change of the definition.
extension Catalog {
    /// Where a policy reads what the new tables do not have, or have of another meaning, none is taken over. Row security is on all the same, so that
    /// readers see no row until somebody has made policies for the new tables.
    func takeOverRowSecurity(ofView view: ViewID, to plan: Plan, stateTable: String) throws(ParallaxError) {
        let row = try connection.query(
            """
            SELECT v.plan, v.state_table FROM parallax.view_version v JOIN parallax.view w USING (view_id)
            WHERE v.view_id = $1 AND v.state_table NOT IN ('', $2)
            ORDER BY v.version_id = w.active_version_id DESC NULLS LAST, v.version_id DESC LIMIT 1
            """, [.view(view), .text(stateTable)]
        ).rows.first
        guard let row else { return }
        let oldTable = try row.text(1)
        // What cannot be read has no column that is known to mean the same.
        let old = (try? decodeStored(Plan.self, row.text(0))).flatMap { $0.rebound(to: plan.source) ?? $0 }
        let new = StateTables(plan: plan, stateTable: stateTable)
        let same = old.map { StateTables(plan: $0, stateTable: oldTable).keysOfTheSameMeaning(in: new) } ?? []
        for schema in ["batch", "speed"] {
            let places = [oldTable, stateTable].map { "\(schema).\(Connection.quoteIdentifier($0))" }
            guard
                let found = try connection.query(
                    "SELECT relrowsecurity, relforcerowsecurity FROM pg_catalog.pg_class WHERE oid = to_regclass($1)", [.text(places[0])]
                ).rows.first
            else { continue }
            if try found.bool(0) { try connection.execute("ALTER TABLE \(places[1]) ENABLE ROW LEVEL SECURITY") }
            if try found.bool(1) { try connection.execute("ALTER TABLE \(places[1]) FORCE ROW LEVEL SECURITY") }
            let policies = try connection.query(Self.policies, [.text(places[0]), .text(places[1]), .texts(same)]).rows
                .map { row throws(ParallaxError) in (text: try row.text(0), fits: try row.bool(1)) }
            guard policies.allSatisfy(\.fits) else { continue }
            for policy in policies { try connection.execute(policy.text) }
        }
    }

    /// The statements that make a table's policies on another one, and whether all columns that each reads are among those named.
    private static let policies = """
        SELECT format('CREATE POLICY %I ON %s AS %s FOR %s TO %s%s%s', p.polname, $2::text,
                      CASE WHEN p.polpermissive THEN 'PERMISSIVE' ELSE 'RESTRICTIVE' END,
                      CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' ELSE 'ALL' END,
                      (SELECT string_agg(CASE o WHEN 0 THEN 'PUBLIC' ELSE o::regrole::text END, ', ') FROM unnest(p.polroles) o),
                      ' USING (' || pg_get_expr(p.polqual, p.polrelid) || ')',
                      ' WITH CHECK (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')'),
               NOT EXISTS (
                   SELECT FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_attribute a ON (a.attrelid, a.attnum) = (d.refobjid, d.refobjsubid)
                   WHERE d.classid = 'pg_policy'::regclass AND d.objid = p.oid AND d.refclassid = 'pg_class'::regclass
                     AND d.refobjid = p.polrelid AND a.attname <> ALL ($3::text[]))
        FROM pg_catalog.pg_policy p WHERE p.polrelid = to_regclass($1) ORDER BY p.polname
        """

    /// Whether it is on for the state tables of any view.
    public func hasRowSecurity() throws(ParallaxError) -> Bool {
        try connection.query(
            """
            SELECT EXISTS (
                SELECT FROM parallax.view_version v
                JOIN pg_catalog.pg_class c ON c.relname = v.state_table AND c.relnamespace IN ('batch'::regnamespace, 'speed'::regnamespace)
                WHERE c.relrowsecurity)
            """
        ).rows[0].bool(0)
    }

    /// Served views of which readers see no row, because row security is on for a state table that has no policy.
    public func viewsWithoutPolicies() throws(ParallaxError) -> [String] {
        try connection.query(
            """
            SELECT w.name FROM parallax.view w JOIN parallax.view_version v ON v.version_id = w.active_version_id
            JOIN pg_catalog.pg_class c ON c.relname = v.state_table AND c.relnamespace IN ('batch'::regnamespace, 'speed'::regnamespace)
            WHERE c.relrowsecurity AND NOT EXISTS (SELECT FROM pg_catalog.pg_policy p WHERE p.polrelid = c.oid)
            GROUP BY w.name ORDER BY w.name
            """
        ).texts(0)
    }
}
