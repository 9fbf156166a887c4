import Backup
import Disk
import ParallaxCore
import Postgres
import PrivatePostgres

/// The pipeline's PostgreSQL: the user's own server, or the private one, which is started here where it is down and stopped by `close` where
/// nobody else uses it.
final class Database: Sendable {
    /// May hold a password: never print it, never log it.
    let dsn: String
    private let privateServer: PrivatePostgres?

    var isPrivate: Bool { privateServer != nil }

    /// For programs that only look, over the socket; nil where the server is the user's own.
    var readerDSN: String? { try? privateServer?.dsn(role: PrivatePostgres.readerRole) }

    /// - Parameter whileRestoring: by the restore itself; nobody else works with half of a pipeline.
    init(
        _ pipeline: Pipeline, whileRestoring: Bool = false, log: @escaping @Sendable (String) -> Void = { Terminal.note($0) }
    ) throws(ParallaxError) {
        if !whileRestoring, Disk.exists(Restore.mark(in: pipeline.state)) {
            throw ParallaxError(
                .missing, "a restore of this pipeline was interrupted: what it keeps is not whole",
                hint: "run it again: parallax restore DIR\(pipeline.pipelineFlag)")
        }
        if let url = pipeline.configuration.text(.postgresURL) {
            dsn = url
            privateServer = nil
            return
        }
        try pipeline.makeStateFolder()
        let server = pipeline.privatePostgres(log: log)
        dsn = try server.acquire()
        privateServer = server
    }

    func connect() throws(ParallaxError) -> Connection { try Connection(dsn) }

    func close() throws(ParallaxError) { try privateServer?.release() }

    /// Opens, connects, and closes again however the body ends.
    static func with<R>(_ pipeline: Pipeline, _ body: (Connection) throws -> R) throws -> R {
        let database = try Database(pipeline)
        do {
            let connection = try database.connect()
            // Ctrl-C ends the statement, and with it the body.
            let canceller = try connection.canceller()
            let registration = Interrupt.onStop { try? canceller.cancel() }
            defer { Interrupt.remove(registration) }
            let result = try body(connection)
            connection.close()
            try database.close()
            return result
        } catch {
            // The body's error is the news.
            try? database.close()
            if Interrupt.isRequested { throw ParallaxError(.cancelled, "stopped") }
            throw error
        }
    }
}

extension Pipeline {
    func privatePostgres(log: @escaping @Sendable (String) -> Void = { _ in }) -> PrivatePostgres {
        let port = configuration.integer(.postgresTCPPort)
        return PrivatePostgres(folder: postgresFolder, tcpPort: port == 0 ? nil : port, log: log)
    }
}
