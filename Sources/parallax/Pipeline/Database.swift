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

    /// - Parameters:
    ///   - making: whether the private server is made where there is none. Only what applies definitions makes one: whoever looks, or works with what was
    ///     applied, is told that nothing was. Throws `.missing` then, and leaves no trace.
    ///   - whileRestoring: by the restore itself; nobody else works with half of a pipeline.
    init(
        _ pipeline: Pipeline, making: Bool = false, whileRestoring: Bool = false,
        log: @escaping @Sendable (String) -> Void = { Terminal.note($0) }
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
        let server = pipeline.privatePostgres(log: log)
        guard making || whileRestoring || server.isMade else { throw Self.nothingApplied(pipeline) }
        try pipeline.makeStateFolder()
        dsn = try server.acquire()
        privateServer = server
    }

    static func nothingApplied(_ pipeline: Pipeline) -> ParallaxError {
        ParallaxError(
            .missing, "no definitions of the pipeline \"\(pipeline.shownFolder)\" have been applied yet",
            detail: "It has no database: there is no \(pipeline.postgresFolder).",
            hint: "run parallax apply, or parallax up")
    }

    func connect() throws(ParallaxError) -> Connection { try Connection(dsn) }

    func close() throws(ParallaxError) { try privateServer?.release() }

    /// Opens, connects, and closes again however the body ends.
    static func with<R>(_ pipeline: Pipeline, making: Bool = false, _ body: (Connection) throws -> R) throws -> R {
        let database = try Database(pipeline, making: making)
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
    /// False only where nothing can have been applied yet.
    var mayHaveDatabase: Bool { configuration.isSet(.postgresURL) || privatePostgres().isMade }

    func privatePostgres(log: @escaping @Sendable (String) -> Void = { _ in }) -> PrivatePostgres {
        let port = configuration.integer(.postgresTCPPort)
        return PrivatePostgres(folder: postgresFolder, tcpPort: port == 0 ? nil : port, log: log)
    }
}
