import Disk
import Glibc
import ParallaxCore
import Postgres

// Everything here but `dsn` and `owner` runs under the start lock.
extension PrivatePostgres {
    func startLock() throws(ParallaxError) -> FileLock {
        try Disk.makeFolder(Disk.parent(of: folder), mode: 0o755)
        return try FileLock.exclusive("\(folder).lock", owner: owner(), until: .now + patience)
    }

    func owner() throws(ParallaxError) -> ServerUser {
        if let server = try ServerFolder.existing(folder) { return server.user }
        return try ServerUser.current()
    }

    /// `port`: what the running server uses, where one runs.
    func dsn(_ server: ServerFolder, port: Int?, database: String = PrivatePostgres.database, role: String = PrivatePostgres.role) -> String
    {
        let port = port ?? tcpPort ?? ServerSettings.socketOnlyPort
        return "host=\(SocketFolder(server).path) port=\(port) user=\(role) dbname=\(database)"
    }

    /// Returns the DSN. `users` is our own shared lock, to tell whether we are alone.
    ///
    ///     running   its TCP port          what happens
    ///     yes       what we want, or any  used as it is
    ///     yes       another or none       restarted where nobody else uses it, else .busy
    ///     no                              made where it never was, started
    func ensureRunning(_ users: FileLock) throws(ParallaxError) -> String {
        let known = try ServerFolder.existing(folder)
        if let known, let process = ServerProcess.running(in: known) {
            if tcpPort == nil || (process.port == tcpPort && process.address == "127.0.0.1") {
                try SocketFolder(known).prepare()
                return try ready(known, process.process, port: process.port)
            }
            try stopForOtherPort(known, users)
        }
        let programs = try findPrograms(known?.dataVersion())
        let server: ServerFolder
        if let known { server = known } else { server = try .make(folder, user: .current(), log: log) }
        if try server.dataVersion() == nil { try server.initialize(programs) }
        let sockets = SocketFolder(server)
        try sockets.prepare()
        try ServerProcess.clearRemains(in: server, log: log)
        let settings = ServerSettings(socketFolder: sockets.path, tcpPort: tcpPort)
        try writeFile("\(server.data)/parallax.conf", settings.text, owner: server.user)
        return try ready(server, ServerProcess.start(programs, in: server), port: nil)
    }

    private func ready(_ server: ServerFolder, _ process: pid_t, port: Int?) throws(ParallaxError) -> String {
        let connection = try waitUntilReady(server, process, port: port)
        try prepareReaders(server, connection)
        if tcpPort != nil {
            for role in [Self.role, Self.readerRole] { try preparePassword(server, role, connection) }
        }
        return dsn(server, port: port)
    }

    /// A connection to the database `parallax`, which is made where it is not there yet.
    private func waitUntilReady(_ server: ServerFolder, _ process: pid_t, port: Int?) throws(ParallaxError) -> Connection {
        let deadline = ContinuousClock.now + patience
        while true {
            let refusal: ParallaxError
            do {
                return try Connection(dsn(server, port: port))
            } catch {
                refusal = error
            }
            if refusal.sqlState == SQLState.invalidCatalogName {
                let connection = try Connection(dsn(server, port: port, database: "postgres"))
                try connection.execute("CREATE DATABASE \(Connection.quoteIdentifier(Self.database)) TEMPLATE template0")
                continue
            }
            guard refusal.code == .unavailable else { throw refusal }
            guard ServerProcess.isAlive(process) else { throw didNotStart(server) }
            guard ContinuousClock.now < deadline else {
                throw ParallaxError(
                    .unavailable, "the private PostgreSQL in \(server.path) takes no connections after \(patience)",
                    detail: [refusal.detail, server.lastLogLines()].compactMap(\.self).joined(separator: "\n"),
                    hint: "After a crash it first repeats its log, which can take a while: try again.")
            }
            pause(milliseconds: 10)
        }
    }

    private func didNotStart(_ server: ServerFolder) -> ParallaxError {
        let words = server.lastLogLines()
        let isFull = words?.contains("No space left on device") ?? false
        return ParallaxError(
            isFull ? .disk : .unavailable, "the private PostgreSQL in \(server.path) did not start", detail: words,
            hint: isFull ? "Make room on that disk and try again." : "Its log is in \(server.log).", isRetriable: false)
    }

    private func stopForOtherPort(_ server: ServerFolder, _ users: FileLock) throws(ParallaxError) {
        // Our own shared lock becomes exclusive and shared again; nobody can come in between, for that takes the start lock.
        let isAlone = try users.tryLock(.exclusive)
        let clients = isAlone ? try otherClients(server, patience: Self.farewell) : []
        if isAlone && clients.isEmpty { try stop(server) }
        guard try users.tryLock(.shared), isAlone, clients.isEmpty else {
            throw ParallaxError(
                .busy,
                "the private PostgreSQL runs without TCP port \(tcpPort ?? 0) and is in use, so that it cannot be started again with it",
                hint: "Stop its users first: parallax down")
        }
    }

    /// The role that `parallax dsn` names. What it may read is said by the catalog, where the relations are made. A person who takes the right to log in
    /// away from it, or gives it other settings, is not overruled.
    private func prepareReaders(_ server: ServerFolder, _ connection: Connection) throws(ParallaxError) {
        if try connection.query("SELECT FROM pg_catalog.pg_roles WHERE rolname = $1", [.text(Self.readerRole)]).rows.isEmpty {
            let role = Connection.quoteIdentifier(Self.readerRole)
            try connection.execute(
                """
                BEGIN;
                CREATE ROLE \(role) LOGIN;
                ALTER ROLE \(role) SET search_path = serving, public;
                ALTER ROLE \(role) SET default_transaction_read_only = on;
                COMMIT
                """)
        }
        let rules = readFile("\(server.data)/pg_hba.conf") ?? ""
        guard !rules.contains(Self.readerRole) else { return }
        let map = readFile("\(server.data)/pg_ident.conf") ?? ""
        try writeFile("\(server.data)/pg_ident.conf", map + ServerSettings.readerMap(server.user), owner: server.user)
        // Last: it tells that both are written.
        try writeFile("\(server.data)/pg_hba.conf", ServerSettings.readerAuthentication + rules, owner: server.user)
        try connection.execute("SELECT pg_reload_conf()")
    }

    /// The password's own text never goes to the server, only its SCRAM verifier.
    private func preparePassword(_ server: ServerFolder, _ role: String, _ connection: Connection) throws(ParallaxError) {
        if let known = readFile(server.password(of: role))?.firstLine, !known.isEmpty {
            return try connection.setPassword(known, of: role)
        }
        var random = SystemRandomNumberGenerator()
        let password = (0..<4).map { _ in
            let digits = String(random.next(), radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }.joined()
        try writeFile(server.password(of: role), password + "\n", owner: server.user)
        try connection.setPassword(password, of: role)
    }
}
