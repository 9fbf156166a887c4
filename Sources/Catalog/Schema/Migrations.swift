import ParallaxCore
import Postgres

struct Migration: Sendable {
    var number: Int
    var name: String
    var sql: String
    /// What SQL alone cannot do, in the same transaction.
    var then: @Sendable (Connection) throws(ParallaxError) -> Void = { (_) throws(ParallaxError) in }
}

/// All migrations, in order. The number of the last is the version that this binary knows.
let migrations: [Migration] = [
    migration1, migration2, migration3, migration4, migration5, migration6, migration7, migration8, migration9, migration10, migration11,
    migration12, migration13, migration14, migration15, migration16, migration17, migration18, migration19,
]

extension Catalog {
    /// Brings the control tables to this binary's version, each migration in a transaction of its own, under a lock against a second one.
    /// Refuses a database that a newer binary has migrated. Returns the migrations that were applied.
    @discardableResult
    public static func migrate(_ connection: Connection) throws(ParallaxError) -> [String] {
        try connection.execute("SELECT pg_advisory_lock(\(LockClass.migration), 0)")
        defer { _ = try? connection.execute("SELECT pg_advisory_unlock(\(LockClass.migration), 0)") }
        try connection.execute(
            """
            CREATE SCHEMA IF NOT EXISTS parallax;
            CREATE SCHEMA IF NOT EXISTS batch;
            CREATE SCHEMA IF NOT EXISTS speed;
            CREATE SCHEMA IF NOT EXISTS serving;
            CREATE TABLE IF NOT EXISTS parallax.migration (
                number integer PRIMARY KEY, name text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())
            """)
        // By their numbers, not by the largest one: a database that a build between two releases made may lack one in the middle.
        let applied = Set(try connection.query("SELECT number FROM parallax.migration").ints(0))
        let newest = migrations.last?.number ?? 0
        if let latest = applied.max(), latest > newest { throw isNewer(Int(latest)) }
        var names: [String] = []
        for migration in migrations where !applied.contains(Int64(migration.number)) {
            try Catalog(connection).changing("the control tables were not brought up to date") { () throws(ParallaxError) in
                try connection.execute(migration.sql)
                try migration.then(connection)
                try connection.query(
                    "INSERT INTO parallax.migration (number, name) VALUES ($1, $2)",
                    [.int(Int64(migration.number)), .text(migration.name)])
            }
            names.append("\(migration.number) \(migration.name)")
        }
        // It reads the new control tables, too.
        if !names.isEmpty { _ = try connection.transaction { () throws(ParallaxError) in try Catalog(connection).prepareServingOwner() } }
        return names
    }

    /// Throws where the control tables are another version's than this binary knows: `.missing` where there are none, `.configuration` where
    /// they are older, newer, or lack a migration in between.
    public func checkVersion() throws(ParallaxError) {
        guard try isMigrated() else {
            throw ParallaxError(
                .missing, "no definitions have been applied to this database yet", hint: "run parallax apply, or parallax up")
        }
        try Self.checkVersion(try connection.query("SELECT \(Self.appliedMigrations)").rows[0][0])
    }

    /// The numbers of all of them, in their order: the largest says nothing of the others.
    static let appliedMigrations = "(SELECT coalesce(string_agg(number::text, ',' ORDER BY number), '') FROM parallax.migration)"

    private static let knownMigrations = migrations.map { "\($0.number)" }.joined(separator: ",")

    /// - Parameter applied: what `appliedMigrations` says.
    static func checkVersion(_ applied: String?) throws(ParallaxError) {
        guard applied != knownMigrations else { return }
        let numbers = (applied ?? "").split(separator: ",").compactMap { Int($0) }
        let latest = numbers.last ?? 0
        if latest > newestVersion { throw isNewer(latest) }
        let missing = migrations.filter { !numbers.contains($0.number) }
        let hint = "run parallax apply (or parallax up) with this version of parallax: it brings them up to date"
        if let first = missing.first, first.number < latest {
            throw ParallaxError(
                .configuration,
                "the database's control tables are at version \(latest) and lack what version \(first.number) brought "
                    + "(\(missing.prefix { $0.number < latest }.map(\.name).joined(separator: "; ")))",
                detail: "A build between two releases, or a backup of one, leaves them so.", hint: hint)
        }
        throw ParallaxError(
            .configuration, "the database's control tables are at version \(latest), this binary needs version \(newestVersion)",
            hint: hint)
    }

    private static var newestVersion: Int { migrations.last?.number ?? 0 }

    private static func isNewer(_ version: Int) -> ParallaxError {
        ParallaxError(
            .configuration, "the database's control tables are at version \(version), this binary knows version \(newestVersion)",
            hint: "a newer parallax has used this database: install that version here too")
    }

    /// Creates the extensions that the given plans need; a missing one is named with the package that brings it.
    public static func createExtensions(_ connection: Connection, needed: Set<String>) throws(ParallaxError) {
        for name in needed.sorted() {
            let installed = try connection.query("SELECT 1 FROM pg_extension WHERE extname = $1", [.text(name)])
            guard installed.rows.isEmpty else { continue }
            let available = try connection.query("SELECT 1 FROM pg_available_extensions WHERE name = $1", [.text(name)])
            guard !available.rows.isEmpty else {
                let version = try connection.query("SELECT current_setting('server_version_num')::int / 10000").rows[0].int(0)
                throw ParallaxError(
                    .notInstalled, "PostgreSQL extension \"\(name)\" is not installed on the server",
                    hint: "Debian: apt-get install postgresql-\(version)-\(name)")
            }
            try connection.execute("CREATE EXTENSION IF NOT EXISTS \(Connection.quoteIdentifier(name))")
        }
    }
}

/// First keys of the two-key advisory locks.
enum LockClass {
    static let migration = 0x50_4C_58_01
    static let run = 0x50_4C_58_02
    static let apply = 0x50_4C_58_03
    static let serving = 0x50_4C_58_04
    static let session = 0x50_4C_58_05
    static let trimming = 0x50_4C_58_0B
}
