import ParallaxCore
import Postgres

extension PrivatePostgres {
    /// Throws `.notInstalled` where the server behind a connection (ours or the user's own) is too old or lacks one of the extensions; the
    /// hint is the Debian command that brings what is missing.
    public static func checkServer(_ connection: Connection, extensions: [String] = ["hll"]) throws(ParallaxError) {
        let version = connection.serverVersion / 10_000
        guard version >= ServerPrograms.minVersion else {
            throw ParallaxError(
                .notInstalled, "PostgreSQL \(version) is too old: version \(ServerPrograms.minVersion) or later is needed",
                hint: "Run: apt-get install postgresql-\(ServerPrograms.minVersion)   (or point postgres.url elsewhere)")
        }
        let available = try connection.query("SELECT name FROM pg_available_extensions WHERE name = ANY ($1)", [.texts(extensions)])
        let missing = extensions.filter { name in !available.rows.contains { $0[0] == name } }
        guard missing.isEmpty else {
            let packages = missing.map { "postgresql-\(version)-\($0)" }.joined(separator: " ")
            throw ParallaxError(
                .notInstalled, "PostgreSQL lacks the extension\(missing.count > 1 ? "s" : "") \(missing.joined(separator: ", "))",
                hint: "Run on the server's machine: apt-get install \(packages)")
        }
    }
}
