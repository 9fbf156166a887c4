import ParallaxCore
import Postgres

extension Catalog {
    /// The role that programs read as. On a server of the user's own it exists where somebody made it.
    public static let readerRole = "parallax_reader"

    /// What tells how fresh and how complete answers are. No payload of any record is in them.
    static let relationsForReaders = ["frontier", "rejected", "late_window", "followed_view"]

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
            try Catalog(connection).lockServing()
            try Catalog(connection).grantAll(to: role)
        }
        return true
    }
}
