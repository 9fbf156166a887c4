import ParallaxCore
import Postgres

/// The role that owns the merged views, and that the HTTP API reads as.
///
/// PostgreSQL reads what stands below a view with the rights of the view's owner. Ours are those of the state tables' owner, or a superuser's: with
/// them, row security that somebody put on those tables would not reach who reads the view. This role owns no table, so it does.
extension Catalog {
    /// It cannot log in. All it may do is read, and own what is in the schema `serving`.
    public static let servingOwner = "parallax_serving"

    /// Whether the role is there and ours to use, or why not.
    public enum ServingOwner: Sendable, Hashable {
        case ready
        case missing
        /// Somebody made it, and we are no member of it: nothing can be handed to it.
        case foreign
        /// It passes row security by, being a superuser or BYPASSRLS.
        case bypassing
    }

    public func servingOwnerState() throws(ParallaxError) -> ServingOwner {
        let row = try connection.query(
            """
            SELECT r.rolsuper OR r.rolbypassrls, pg_has_role(current_user, r.oid, 'MEMBER') AND pg_has_role(current_user, r.oid, 'USAGE')
            FROM pg_catalog.pg_roles r WHERE r.rolname = $1
            """, [.text(Self.servingOwner)]
        ).rows.first
        guard let row else { return .missing }
        guard try row.bool(1) else { return .foreign }
        return try row.bool(0) ? .bypassing : .ready
    }

    /// Makes the role where it is missing and we may, and gives it what it lacks. Inside the caller's transaction.
    ///
    /// Returns false where there is no role that views can be handed to: they stay ours, and `parallax doctor` says so.
    public func prepareServingOwner() throws(ParallaxError) -> Bool {
        var state = try servingOwnerState()
        if state == .missing, try makeServingOwner() { state = try servingOwnerState() }
        guard state == .ready else { return false }
        try grantToServingOwner()
        return true
    }

    /// What it lacks by now. It is ready.
    public func grantToServingOwner() throws(ParallaxError) {
        let grants = try connection.query(Self.grantsOfServingOwner, [.text(Self.servingOwner)]).texts(0)
        for grant in grants { try connection.execute(grant) }
    }

    /// False where we may not make roles.
    private func makeServingOwner() throws(ParallaxError) -> Bool {
        let me = try connection.query("SELECT rolsuper, rolsuper OR rolcreaterole FROM pg_catalog.pg_roles WHERE rolname = current_user")
            .rows[0]
        guard try me.bool(1) else { return false }
        let role = Connection.quoteIdentifier(Self.servingOwner)
        try connection.execute("SAVEPOINT serving_owner")
        do {
            try connection.execute("CREATE ROLE \(role) NOLOGIN")
            if try !me.bool(0) { try connection.execute("GRANT \(role) TO CURRENT_USER") }
        } catch {
            // A pipeline in another database of the server has made it in the meantime.
            guard error.sqlState == SQLState.duplicateObject || error.sqlState == SQLState.uniqueViolation else { throw error }
            try connection.execute("ROLLBACK TO SAVEPOINT serving_owner")
        }
        try connection.execute("RELEASE SAVEPOINT serving_owner")
        return true
    }

    /// What it lacks: of the schemas, of the control tables, of the state tables that are served, and of what stands in `serving`. Only what is ours to give.
    private static let grantsOfServingOwner = """
        SELECT format('GRANT %s ON SCHEMA %I TO %I', s.rights, s.name, $1::text)
        FROM (VALUES ('serving', 'USAGE'), ('serving', 'CREATE'), ('comparison', 'USAGE'), ('parallax', 'USAGE'), ('batch', 'USAGE'), ('speed', 'USAGE')) s (name, rights)
        JOIN pg_catalog.pg_namespace n ON n.nspname = s.name
        WHERE NOT has_schema_privilege($1, n.oid, s.rights)
        UNION ALL
        SELECT DISTINCT format('GRANT USAGE ON SCHEMA %I TO %I', n.nspname, $1::text)
        FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace
        WHERE e.extname IN ('hll', 'tdigest') AND NOT has_schema_privilege($1, n.oid, 'USAGE')
          AND has_schema_privilege(current_user, n.oid, 'USAGE WITH GRANT OPTION')
        UNION ALL
        SELECT format('GRANT SELECT ON %s TO %I', c.oid::regclass, $1::text)
        FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'p', 'v') AND pg_has_role(current_user, c.relowner, 'USAGE') AND NOT has_table_privilege($1, c.oid, 'SELECT')
          -- Rows that were answered hold values of groups that row security may hide from whoever asks next.
          AND ((n.nspname IN ('parallax', 'comparison') AND c.relname NOT IN ('served_answer', 'served_row'))
            OR (n.nspname IN ('batch', 'speed') AND EXISTS (
                SELECT FROM parallax.view w JOIN parallax.view_version v ON v.version_id = w.active_version_id WHERE v.state_table = c.relname))
            OR (n.nspname = 'serving' AND EXISTS (SELECT FROM parallax.serving_view o WHERE o.name = c.relname)))
        """

    /// Hands a view or function of ours to the role. What somebody else owns by now stays theirs.
    ///
    /// - Parameter place: quoted, with the schema; a function's with the types of its arguments.
    public func handToServingOwner(_ kind: ServedKind, _ place: String) throws(ParallaxError) {
        let owner =
            kind == .view
            ? "SELECT relowner FROM pg_catalog.pg_class WHERE oid = $1::regclass"
            : "SELECT proowner FROM pg_catalog.pg_proc WHERE oid = $1::regprocedure"
        let isOurs = try connection.query("SELECT (\(owner)) = current_user::regrole", [.text(place)]).rows[0].bool(0)
        if isOurs { try connection.execute("ALTER \(kind.rawValue) \(place) OWNER TO \(Connection.quoteIdentifier(Self.servingOwner))") }
    }

    public enum ServedKind: String, Sendable { case view = "VIEW", function = "FUNCTION" }

    /// Reads as the role from here on, where it is ready in this database: row security holds, and what is asked for can write nothing and read no secret.
    /// Returns false where the session stays what it is.
    @discardableResult
    public func readAsServingOwner() throws(ParallaxError) -> Bool {
        guard try servingOwnerState() == .ready else { return false }
        let mayRead = try connection.query(
            """
            SELECT to_regclass('parallax.view') IS NOT NULL AND has_schema_privilege($1, 'parallax', 'USAGE')
               AND coalesce(has_table_privilege($1, to_regclass('parallax.view'), 'SELECT'), false)
            """, [.text(Self.servingOwner)]
        ).rows[0].bool(0)
        if mayRead {
            // Names mean what they meant: "$user" in the path would be the role's own schema.
            try connection.query(
                "SELECT set_config('search_path', coalesce((SELECT string_agg(quote_ident(s), ', ') FROM unnest(current_schemas(false)) s), ''), false)"
            )
            try connection.execute("SET ROLE \(Connection.quoteIdentifier(Self.servingOwner))")
        }
        return mayRead
    }
}
