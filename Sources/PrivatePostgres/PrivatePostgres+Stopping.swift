import Disk
import ParallaxCore
import Postgres

// Under the start lock.
extension PrivatePostgres {
    /// How long clients that are still listed may take to go. A connection that was closed a moment ago is listed until its backend has
    /// ended, which takes milliseconds; only somebody who stays keeps the server.
    static let farewell: Duration = .seconds(1)

    /// Nil where no server runs afterwards; else who uses it.
    func stopUnlessUsed() throws(ParallaxError) -> String? {
        guard let server = try ServerFolder.existing(folder), ServerProcess.running(in: server) != nil else { return nil }
        let users = try FileLock("\(folder).users", owner: server.user)
        guard try users.tryLock(.exclusive) else { return "Another parallax process uses it." }
        let clients = try otherClients(server, patience: Self.farewell)
        guard clients.isEmpty else { return "Connected: \(clients.joined(separator: ", "))." }
        try stop(server)
        return nil
    }

    func stop(_ server: ServerFolder) throws(ParallaxError) {
        if let process = ServerProcess.running(in: server) { try process.stop(in: server, deadline: .now + patience) }
        SocketFolder(server).remove()
    }

    /// `psql (process 4711)`, … that are there after `patience`. Empty as well where the server is about to end.
    func otherClients(_ server: ServerFolder, patience: Duration) throws(ParallaxError) -> [String] {
        guard let process = ServerProcess.running(in: server) else { return [] }
        let deadline = ContinuousClock.now + patience
        do {
            let connection = try Connection(dsn(server, port: process.port))
            while true {
                let rows = try connection.query(
                    """
                    SELECT coalesce(nullif(application_name, ''), 'a program without a name'), pid
                    FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() ORDER BY pid
                    """
                ).rows
                if rows.isEmpty || ContinuousClock.now >= deadline {
                    return try rows.map { row throws(ParallaxError) in "\(try row.text(0)) (process \(try row.text(1)))" }
                }
                pause(milliseconds: 5)
            }
        } catch {
            // Down already, or not up yet: then nobody is connected. All sessions taken: then somebody is.
            if error.sqlState == SQLState.tooManyConnections { return ["as many clients as the server takes"] }
            guard error.code == .unavailable || error.sqlState == SQLState.invalidCatalogName else { throw error }
            return []
        }
    }
}
