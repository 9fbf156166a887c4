import ParallaxCore
import Postgres
import ViewLanguage

/// A role that reads views, and nothing else.
public struct ReaderRole: Sendable, Hashable {
    public var name: String
    /// Nil: all of them, those of now and those that come later.
    public var views: [String]?
    /// False where somebody has dropped the role itself.
    public var exists: Bool
}

/// Roles that Parallax makes for readers: what they may read is written down, and given again to views that are made anew.
extension Catalog {
    public func readerRoles() throws(ParallaxError) -> [ReaderRole] {
        try connection.query(
            """
            SELECT r.role, r.views IS NULL, array_to_string(r.views, E'\\n'), EXISTS (SELECT FROM pg_catalog.pg_roles p WHERE p.rolname = r.role)
            FROM parallax.reader r ORDER BY r.role
            """
        ).rows.map { row throws(ParallaxError) in
            let isOfAll = try row.bool(1)
            return ReaderRole(
                name: try row.text(0), views: isOfAll ? nil : try row.text(2).split(separator: "\n").map(String.init),
                exists: try row.bool(3))
        }
    }

    /// In one transaction. The role may log in, reads only, and finds the views without naming their schema.
    ///
    /// - Parameters:
    ///   - views: views of the pipeline, also those on top of others; empty: all, and those that come later.
    ///   - password: nil: none, so that it cannot log in with one.
    public func createReader(_ name: String, views: [String], password: String?) throws(ParallaxError) {
        try mayMakeRoles("role \"\(name)\" was not made")
        guard try connection.query("SELECT FROM pg_catalog.pg_roles WHERE rolname = $1", [.text(name)]).rows.isEmpty else {
            throw ParallaxError(
                .usage, "the server has a role \"\(name)\" already",
                hint: "take another name, or drop that one first (parallax role drop, where Parallax made it)")
        }
        let known = try servingViews(besides: [])
        let followers = try changesNames()
        for view in views where !known.contains(view) || followers.contains(view) {
            throw ParallaxError(
                .usage, "there is no view \"\(view)\" that is served",
                hint: nameHint(for: view, among: known.filter { !followers.contains($0) }, listedAs: "the views are"))
        }
        let role = Connection.quoteIdentifier(name)
        try connection.transaction { () throws(ParallaxError) in
            // Who makes a view anew has read which roles may read it: it is given to this one now, or then.
            try lockServing()
            try connection.execute(
                """
                CREATE ROLE \(role) LOGIN;
                ALTER ROLE \(role) SET search_path = serving, public;
                ALTER ROLE \(role) SET default_transaction_read_only = on
                """)
            try connection.query(
                "INSERT INTO parallax.reader (role, views) VALUES ($1, $2::text[])", [.text(name), views.isEmpty ? .null : .texts(views)])
            if views.isEmpty { try grantAll(to: role) } else { try grantNamed() }
            if let password { try connection.setPassword(password, of: name) }
        }
    }

    /// Takes back what was given to it, and drops it. PostgreSQL refuses where it owns something, or was given something else.
    public func dropReader(_ name: String) throws(ParallaxError) {
        let roles = try readerRoles()
        guard let found = roles.first(where: { $0.name == name }) else {
            throw ParallaxError(
                .usage, "\"\(name)\" is no readers' role that Parallax made",
                hint: nameHint(for: name, among: roles.map(\.name), listedAs: "those are"))
        }
        try mayMakeRoles("role \"\(name)\" was not dropped")
        let role = Connection.quoteIdentifier(name)
        do {
            try connection.transaction { () throws(ParallaxError) in
                if found.exists {
                    try connection.execute(
                        """
                        ALTER DEFAULT PRIVILEGES IN SCHEMA serving REVOKE SELECT ON TABLES FROM \(role);
                        ALTER DEFAULT PRIVILEGES IN SCHEMA comparison REVOKE SELECT ON TABLES FROM \(role);
                        REVOKE ALL ON ALL TABLES IN SCHEMA serving, comparison FROM \(role);
                        REVOKE ALL ON ALL FUNCTIONS IN SCHEMA serving FROM \(role);
                        REVOKE ALL ON \(Self.relationsForReaders.map { "parallax.\($0)" }.joined(separator: ", ")) FROM \(role);
                        REVOKE ALL ON SCHEMA serving, comparison, parallax FROM \(role);
                        DROP ROLE \(role)
                        """)
                }
                try connection.query("DELETE FROM parallax.reader WHERE role = $1", [.text(name)])
            }
        } catch {
            guard error.sqlState == SQLState.dependentObjectsStillExist else { throw error }
            throw ParallaxError(
                .usage, "role \"\(name)\" was not dropped: something else belongs to it, or was given to it", detail: error.detail,
                hint: "take that away first: parallax psql", sqlState: error.sqlState)
        }
    }

    private func mayMakeRoles(_ what: String) throws(ParallaxError) {
        let row = try connection.query("SELECT rolname, rolsuper OR rolcreaterole FROM pg_catalog.pg_roles WHERE rolname = current_user")
            .rows[0]
        guard try row.bool(1) else {
            let user = try row.text(0)
            throw ParallaxError(
                .configuration, "\(what): role \"\(user)\", which Parallax works as, may not make roles on this server",
                hint: "let a superuser run ALTER ROLE \(Connection.quoteIdentifier(user)) CREATEROLE")
        }
    }

    /// - Parameter role: quoted.
    func grantAll(to role: String) throws(ParallaxError) {
        try connection.execute(
            """
            GRANT USAGE ON SCHEMA serving, comparison, parallax TO \(role);
            GRANT SELECT ON serving.comparison_summary, \(Self.relationsForReaders.map { "parallax.\($0)" }.joined(separator: ", ")) TO \(role);
            ALTER DEFAULT PRIVILEGES IN SCHEMA serving GRANT SELECT ON TABLES TO \(role);
            ALTER DEFAULT PRIVILEGES IN SCHEMA comparison GRANT SELECT ON TABLES TO \(role)
            """)
        let followers = try changesNames()
        for name in try servingViews(besides: []) {
            try grant("serving.\(Connection.quoteIdentifier(name))", to: role)
            if !followers.contains(name) { try grantRollUp(of: name, to: role) }
        }
        for name in try comparisonViews().keys.sorted() { try grant("comparison.\(Connection.quoteIdentifier(name))", to: role) }
    }

    /// Gives readers of named views what they lack of them: whoever writes the merged views calls it last, for a view may have been made anew. Of Parallax'
    /// own relations they see the one that says what they follow, and in it their views alone.
    public func grantNamed() throws(ParallaxError) {
        let ours = Set(try servingViews(besides: []))
        let compared = Set(try comparisonViews().keys)
        for reader in try readerRoles() where reader.exists {
            let role = Connection.quoteIdentifier(reader.name)
            guard let views = reader.views else {
                // Views of comparisons are made anew by dropping them, and roles of before there were any lack them.
                try connection.execute("GRANT USAGE ON SCHEMA comparison TO \(role)")
                try grant("serving.comparison_summary", to: role)
                for name in compared.sorted() { try grant("comparison.\(Connection.quoteIdentifier(name))", to: role) }
                continue
            }
            try connection.execute("GRANT USAGE ON SCHEMA serving, comparison, parallax TO \(role)")
            try grant("parallax.followed_view", to: role)
            try grant("serving.comparison_summary", to: role)
            let followers = try connection.query("SELECT name FROM parallax.view WHERE name = ANY ($1::text[])", [.texts(views)]).texts(0)
            for name in views + followers.map({ ViewDefinition.changesName(of: $0) }) where ours.contains(name) {
                try grant("serving.\(Connection.quoteIdentifier(name))", to: role)
            }
            for name in views { try grantRollUp(of: name, to: role) }
            for name in views where compared.contains(name) { try grant("comparison.\(Connection.quoteIdentifier(name))", to: role) }
        }
    }

    /// Relations that stand beside views.
    private func changesNames() throws(ParallaxError) -> Set<String> {
        Set(try connection.query("SELECT name FROM parallax.view").texts(0).map { ViewDefinition.changesName(of: $0) })
    }

    /// The function beside a view is for whoever reads the view.
    private func grantRollUp(of view: String, to role: String) throws(ParallaxError) {
        for row in try connection.query(
            """
            SELECT p.oid::regprocedure::text FROM parallax.serving_function o
            JOIN pg_catalog.pg_proc p ON p.proname = o.name AND p.pronamespace = 'serving'::regnamespace
            WHERE o.name = $1 AND NOT has_function_privilege($2::regrole, p.oid, 'EXECUTE')
            """, [.text(ViewDefinition.rollUpName(of: view)), .text(role)]
        ).rows { try connection.execute("GRANT EXECUTE ON FUNCTION \(try row.text(0)) TO \(role)") }
    }

    private func grant(_ relation: String, to role: String) throws(ParallaxError) {
        let isLacking = try connection.query(
            """
            SELECT to_regclass($1) IS NOT NULL AND NOT EXISTS (
                SELECT FROM pg_catalog.pg_class c, pg_catalog.aclexplode(c.relacl) a
                WHERE c.oid = to_regclass($1) AND a.grantee = $2::regrole AND a.privilege_type = 'SELECT')
            """, [.text(relation), .text(role)]
        ).rows[0].bool(0)
        if isLacking { try connection.execute("GRANT SELECT ON \(relation) TO \(role)") }
    }
}
