import ParallaxCore
import Postgres

extension Catalog {
    /// The role that programs read as. On a server of the user's own it exists where somebody made it.
    public static let readerRole = "parallax_reader"

    /// What tells how fresh and how complete answers are. No payload of any record is in them.
    static let relationsForReaders = ["frontier", "rejected", "late_window"]

    /// Lets the readers' role read the served views, those of now and all that are to come, and what tells how fresh they are; nothing else. Once: what a
    /// person takes from the role afterwards is not given back. Returns false where the server has no such role.
    @discardableResult
    public static func grantReaders(_ connection: Connection) throws(ParallaxError) -> Bool {
        let found = try connection.query(
            "SELECT has_schema_privilege(rolname, 'serving', 'USAGE') FROM pg_catalog.pg_roles WHERE rolname = $1", [.text(readerRole)]
        ).rows.first
        guard let found else { return false }
        guard try !found.bool(0) else { return true }
        let role = Connection.quoteIdentifier(readerRole)
        try connection.transaction { () throws(ParallaxError) in
            try connection.execute(
                """
                GRANT USAGE ON SCHEMA serving, parallax TO \(role);
                GRANT SELECT ON \(relationsForReaders.map { "parallax.\($0)" }.joined(separator: ", ")) TO \(role);
                ALTER DEFAULT PRIVILEGES IN SCHEMA serving GRANT SELECT ON TABLES TO \(role)
                """)
            for name in try connection.query("SELECT name FROM parallax.serving_view ORDER BY name").texts(0) {
                let view = "serving.\(Connection.quoteIdentifier(name))"
                guard try connection.query("SELECT to_regclass($1) IS NOT NULL", [.text(view)]).rows[0].bool(0) else { continue }
                try connection.execute("GRANT SELECT ON \(view) TO \(role)")
            }
        }
        return true
    }
}
