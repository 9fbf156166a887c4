import Disk
import Glibc
import ParallaxCore
import Postgres
import PrivatePostgres

/// PostgreSQL's own pg_dump and pg_restore, and the few things of a database that they leave out.
struct DatabaseDump {
    let dsn: String
    /// A database of ours alone is copied whole. On a user's server: our schemas.
    let isWhole: Bool

    /// What Parallax makes on a server.
    static let schemas = ["parallax", "batch", "speed", "serving", "dimension"]

    /// - Parameters:
    ///   - snapshot: of a transaction that stays open meanwhile.
    ///   - watch: called again and again; what it throws ends the program.
    func dump(
        to file: String, snapshot: String, serverVersion: Int, watch: () throws(ParallaxError) -> Void
    ) throws(ParallaxError) {
        let schemas = isWhole ? [] : Self.schemas.map { "--schema=\($0)" }
        // For us alone: pg_dump would make it for everybody, and takes one that is there.
        try Disk.write([], to: file)
        try run(
            "pg_dump", serverVersion, ["--format=custom", "--snapshot=\(snapshot)", "--no-password", "--file=\(file)"] + schemas,
            what: "the database was not copied", watch)
    }

    /// Everything or nothing: one transaction.
    func restore(from file: String, serverVersion: Int, watch: () throws(ParallaxError) -> Void) throws(ParallaxError) {
        let owners = isWhole ? [] : ["--no-owner"]
        let database = try Connection.environment(for: dsn)["PGDATABASE"] ?? ""
        try run(
            "pg_restore", serverVersion,
            ["--single-transaction", "--exit-on-error", "--no-password", "--dbname=\(database)"] + owners + [file],
            what: "the database was not restored", watch)
    }

    private func run(
        _ program: String, _ serverVersion: Int, _ arguments: [String], what: String, _ watch: () throws(ParallaxError) -> Void
    ) throws(ParallaxError) {
        let major = serverVersion / 10_000
        guard let path = Self.find(program, major) else {
            throw ParallaxError(
                .notInstalled, "\(program) of PostgreSQL \(major) or later is not installed",
                hint: "Debian: apt-get install postgresql-client-\(major)")
        }
        var template = Array("/tmp/parallax-\(program)-XXXXXX".utf8CString)
        let descriptor = mkstemp(&template)
        guard descriptor >= 0 else { throw ParallaxError(.disk, "cannot make a file in /tmp: \(String(cString: strerror(errno)))") }
        close(descriptor)
        let words = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        defer { unlink(words) }
        // By environment, so that no password stands in the list of processes.
        var environment = try Connection.environment(for: dsn)
        environment["PATH"] = environmentVariable("PATH") ?? "/usr/bin:/bin"
        environment["LC_ALL"] = "C"
        environment["PGAPPNAME"] = "parallax backup"
        var child = ChildProgram(path, arguments, environment: environment)
        child.outputFile = words
        let process = try child.start()
        var status: Int32 = 0
        while waitpid(process, &status, WNOHANG) != process {
            do { try watch() } catch {
                kill(process, SIGTERM)
                ChildProgram.waitForExit(process)
                throw error
            }
            poll(nil, 0, 20)
        }
        guard status != 0 else { return }
        let said = (try? Self.lastWords(words)) ?? ""
        throw ParallaxError(
            .database, "\(what): \(program) ended with \(status & 0x7F == 0 ? (status >> 8) & 0xFF : 128 + (status & 0x7F))", detail: said)
    }

    private static func lastWords(_ path: String) throws(ParallaxError) -> String {
        guard let file = fopen(path, "r") else { return "" }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 4_096)
        let count = fread(&bytes, 1, bytes.count, file)
        return String(decoding: bytes[..<count], as: UTF8.self).split(separator: "\n").joined(separator: "\n")
    }

    /// Beside the server's programs, as Debian has it, or in PATH. A program of an older version does not read a newer server.
    private static func find(_ program: String, _ major: Int) -> String? {
        var folders: [String] = []
        if let found = try? ServerPrograms.find(version: major) { folders.append(found.folder) }
        if let found = try? ServerPrograms.find(), found.version >= major { folders.append(found.folder) }
        folders.append("/usr/lib/postgresql/\(major)/bin")
        folders += (environmentVariable("PATH") ?? "").split(separator: ":").map(String.init)
        for folder in folders where access("\(folder)/\(program)", X_OK) == 0 {
            guard let said = try? ChildProgram("\(folder)/\(program)", ["--version"]).run(), said.status == 0,
                let match = said.output.firstMatch(of: /\(PostgreSQL\) (\d+)/), (Int(match.1) ?? 0) >= major
            else { continue }
            return "\(folder)/\(program)"
        }
        return nil
    }
}

extension DatabaseDump {
    /// Roles that grants of the database name, but for PostgreSQL's own and the one that we are. Passwords stay where they are.
    static func roles(_ connection: Connection) throws(ParallaxError) -> [BackupRecord.Role] {
        try connection.query(
            """
            SELECT r.rolname, r.rolcanlogin,
                   coalesce((SELECT string_agg(g.rolname, chr(10) ORDER BY g.rolname) FROM pg_catalog.pg_auth_members m
                             JOIN pg_catalog.pg_roles g ON g.oid = m.roleid WHERE m.member = r.oid), '')
            FROM pg_catalog.pg_roles r
            WHERE r.rolname !~ '^pg_' AND r.rolname <> current_user
              AND EXISTS (SELECT FROM pg_catalog.pg_shdepend d
                          WHERE d.refclassid = 'pg_authid'::regclass AND d.refobjid = r.oid
                            AND d.dbid IN (0, (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())))
            ORDER BY r.rolname
            """
        ).rows.map { row throws(ParallaxError) in
            try BackupRecord.Role(
                name: row.text(0), canLogin: row.bool(1),
                memberOf: row.text(2).split(separator: "\n").map(String.init).filter { !$0.hasPrefix("pg_") })
        }
    }

    static func settings(_ connection: Connection) throws(ParallaxError) -> [BackupRecord.Setting] {
        try connection.query(
            """
            SELECT r.rolname, s.setdatabase <> 0, array_to_string(s.setconfig, chr(10)) FROM pg_catalog.pg_db_role_setting s
            LEFT JOIN pg_catalog.pg_roles r ON r.oid = s.setrole
            WHERE (s.setdatabase = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database()) OR s.setdatabase = 0)
              AND (s.setrole = 0 OR (r.rolname IS NOT NULL AND r.rolname !~ '^pg_'))
            ORDER BY 1 NULLS FIRST, 2
            """
        ).rows.map { row throws(ParallaxError) in
            try BackupRecord.Setting(
                role: row[0], isOfDatabase: row.bool(1), assignments: row.text(2).split(separator: "\n").map(String.init))
        }
    }

    /// Makes the roles that are missing; they have no password. Throws where we may not.
    static func make(_ roles: [BackupRecord.Role], _ connection: Connection) throws(ParallaxError) {
        let known = Set(try connection.query("SELECT rolname FROM pg_catalog.pg_roles").texts(0))
        let missing = roles.filter { !known.contains($0.name) }
        for role in missing {
            do {
                try connection.execute("CREATE ROLE \(Connection.quoteIdentifier(role.name)) \(role.canLogin ? "LOGIN" : "NOLOGIN")")
            } catch {
                guard error.sqlState == SQLState.insufficientPrivilege else { throw error }
                throw ParallaxError(
                    .database, "role \"\(role.name)\", which the backup's grants name, is not on this server, and we may not make it",
                    detail: "Roles of the backup: \(roles.map(\.name).joined(separator: ", ")).",
                    hint: "Make them first, as a role that may: CREATE ROLE …", sqlState: error.sqlState)
            }
        }
        let all = known.union(roles.map(\.name))
        for role in missing {
            for group in role.memberOf where all.contains(group) {
                try connection.execute("GRANT \(Connection.quoteIdentifier(group)) TO \(Connection.quoteIdentifier(role.name))")
            }
        }
    }

    /// Settings whose value is a list of names, which PostgreSQL keeps quoted already.
    private static let lists: Set<String> = [
        "search_path", "local_preload_libraries", "session_preload_libraries", "temp_tablespaces",
    ]

    static func apply(_ settings: [BackupRecord.Setting], _ connection: Connection) throws(ParallaxError) {
        let database = Connection.quoteIdentifier(try connection.query("SELECT current_database()").rows[0].text(0))
        for setting in settings {
            let target =
                switch (setting.role, setting.isOfDatabase) {
                case (nil, _): "DATABASE \(database)"
                case (let role?, true): "ROLE \(Connection.quoteIdentifier(role)) IN DATABASE \(database)"
                case (let role?, false): "ROLE \(Connection.quoteIdentifier(role))"
                }
            for assignment in setting.assignments {
                guard let equals = assignment.firstIndex(of: "=") else { continue }
                let name = String(assignment[..<equals])
                let value = String(assignment[assignment.index(after: equals)...])
                let written = lists.contains(name) ? (value.isEmpty ? "''" : value) : "'\(value.replacing("'", with: "''"))'"
                let quoted = name.split(separator: ".").map { Connection.quoteIdentifier(String($0)) }.joined(separator: ".")
                try connection.execute("ALTER \(target) SET \(quoted) TO \(written)")
            }
        }
    }
}
