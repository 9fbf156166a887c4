import Disk
import Glibc
import ParallaxCore
import Postgres
import Synchronization

/// A PostgreSQL server of a pipeline's own, in the pipeline's folder, shared by all processes that work on the pipeline.
///
/// It runs while somebody uses it: whoever needs it calls `acquire`, which starts it when it is down, and `release`, which stops it when
/// nobody else is there. It is no child of ours, outlives us where others use it, and does not hear Ctrl-C.
///
///     U1  the server is stopped by `release` only while no process holds `<folder>.users` and no other client is connected
///     U2  it is started and stopped only under an exclusive lock on `<folder>.lock`, and `<folder>.users` is taken under it too
///
/// Not promised: that a server whose last user was killed stops at once. The next `release` or `stop` of anybody ends it.
///
/// All calls block (starting takes about 0.6 s, the first time about 2 s); call them on a thread of your own.
public final class PrivatePostgres: Sendable {
    public static let database = "parallax"
    /// A superuser: the catalog makes extensions.
    public static let role = "parallax"

    /// For programs that only look: may read what `Catalog.grantReaders` says, and finds the views without naming their schema.
    public static let readerRole = "parallax_reader"

    /// `<pipeline>/.parallax/postgres`.
    public let folder: String
    /// On 127.0.0.1, with a password; nil: no TCP.
    public let tcpPort: Int?

    let log: @Sendable (String) -> Void
    /// For starting and for stopping. After a crash the server first repeats its log, for at most `max_wal_size`.
    let patience: Duration
    /// Finds programs of a major version, for no other one can use the data that it made; with nil, of any version.
    let findPrograms: @Sendable (Int?) throws(ParallaxError) -> ServerPrograms
    private let state = Mutex(State())

    private struct State {
        /// Calls of `acquire` without their `release`.
        var uses = 0
        /// Held while `uses` is above zero.
        var users: FileLock?
    }

    /// Touches nothing yet. `log` gets the few lines that people should see (where the data went).
    public init(
        folder: String, tcpPort: Int? = nil, patience: Duration = .seconds(120),
        log: @escaping @Sendable (String) -> Void = { _ in },
        findPrograms: @escaping @Sendable (Int?) throws(ParallaxError) -> ServerPrograms = { version throws(ParallaxError) in
            try ServerPrograms.find(version: version)
        }
    ) {
        self.folder = folder
        self.tcpPort = tcpPort
        self.patience = patience
        self.findPrograms = findPrograms
        self.log = log
    }

    /// Starts the server where it is down, waits until it takes connections, and keeps it for us until `release`. Returns the DSN.
    ///
    /// Throws `.notInstalled`, `.configuration` (no user to run it as, a folder of somebody else's), `.busy`, `.corrupt`, `.disk`, and
    /// `.unavailable` with the last lines of the server's log.
    @discardableResult
    public func acquire() throws(ParallaxError) -> String {
        try state.withLock { state throws(ParallaxError) in
            let lock = try startLock()
            defer { lock.unlock() }
            let users: FileLock
            if let held = state.users { users = held } else { users = try sharedUsersLock() }
            do throws(ParallaxError) {
                let dsn = try ensureRunning(users)
                state.users = users
                state.uses += 1
                return dsn
            } catch {
                if state.uses == 0 {
                    users.unlock()
                    _ = try? stopUnlessUsed()
                }
                throw error
            }
        }
    }

    /// Ends one `acquire`. Stops the server where nobody else uses it. Without an `acquire` it does nothing.
    public func release() throws(ParallaxError) {
        try state.withLock { state throws(ParallaxError) in
            guard state.uses > 0 else { return }
            state.uses -= 1
            guard state.uses == 0, let users = state.users else { return }
            state.users = nil
            let lock = try startLock()
            defer { lock.unlock() }
            users.unlock()
            _ = try stopUnlessUsed()
        }
    }

    /// Stops a server that nobody uses, say one whose last user was killed. True where none runs afterwards.
    @discardableResult
    public func stopIfUnused() throws(ParallaxError) -> Bool {
        guard exists(folder) else { return true }
        let lock = try startLock()
        defer { lock.unlock() }
        return try stopUnlessUsed() == nil
    }

    /// For `parallax down`. `force`: whoever is connected loses the connection; else throws `.busy` and names them.
    public func stop(force: Bool) throws(ParallaxError) {
        guard exists(folder) else { return }
        let lock = try startLock()
        defer { lock.unlock() }
        if force {
            guard let server = try ServerFolder.existing(folder) else { return }
            try stop(server)
        } else if let users = try stopUnlessUsed() {
            throw ParallaxError(
                .busy, "the private PostgreSQL is in use", detail: users, hint: "Stop its users first, or stop it all the same by force.")
        }
    }

    /// Under the start lock: only a stop holds it exclusively, and it does so under the start lock too.
    private func sharedUsersLock() throws(ParallaxError) -> FileLock {
        let users = try FileLock("\(folder).users", owner: owner())
        guard try users.tryLock(.shared) else {
            throw ParallaxError(.busy, "\(users.path) is locked by something that is not parallax")
        }
        return users
    }

    /// Whether a server was ever made here.
    public var isMade: Bool { ((try? ServerFolder.existing(folder)) ?? nil) != nil }

    public var isRunning: Bool {
        guard let server = try? ServerFolder.existing(folder) else { return false }
        return ServerProcess.running(in: server) != nil
    }

    /// For libpq, over the socket; nobody but root and the server's user gets in. Throws `.missing` where no server was ever made here.
    public func dsn(role: String = PrivatePostgres.role) throws(ParallaxError) -> String {
        guard let server = try ServerFolder.existing(folder) else {
            throw ParallaxError(.missing, "there is no private PostgreSQL in \(folder) yet", hint: "Run: parallax up")
        }
        return dsn(server, port: ServerProcess.running(in: server)?.port, role: role)
    }

    /// For programs that cannot use the socket: over TCP, with the password in it. Throws `.configuration` where TCP was not asked for.
    public func tcpDSN(role: String = PrivatePostgres.role) throws(ParallaxError) -> String {
        guard let tcpPort else {
            throw ParallaxError(
                .configuration, "the private PostgreSQL listens on no TCP port",
                hint: "Set postgres.tcp_port in parallax.yaml, and start the pipeline again.")
        }
        guard let server = try ServerFolder.existing(folder), let password = readFile(server.password(of: role))?.firstLine else {
            throw ParallaxError(
                .missing, "the private PostgreSQL has not been started with TCP port \(tcpPort) yet", hint: "Run: parallax up")
        }
        return "postgresql://\(role):\(password)@127.0.0.1:\(tcpPort)/\(Self.database)"
    }
}
