import ArgumentParser
import Catalog
import ParallaxCore
import Postgres
import PrivatePostgres

struct DSNCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dsn", abstract: "Print the connection string of the pipeline's PostgreSQL, for psql, Grafana or an ORM.",
        discussion: discussion(
            """
            By default that of a role that reads the served views (found without naming a schema), parallax.frontier, parallax.rejected, \
            parallax.late_window and parallax.followed_view, and nothing else. --admin is for the owner of everything. By default over the socket, which only root and the \
            server's user may use; --tcp prints the one for all other programs, with its password: set postgres.tcp_port for that. --url prints a URL, \
            as SQLAlchemy takes it.
            """,
            example: "psql \"$(parallax dsn --pipeline demo)\"", "parallax dsn --tcp --url --pipeline demo"))

    @OptionGroup var options: PipelineOptions
    @Flag(help: "The connection string over TCP, with its password.") var tcp = false
    @Flag(help: "Print a URL: postgresql://user@host:port/database.") var url = false
    @Flag(help: "Of the role that owns everything, and may change it.") var admin = false
    @Flag(help: "Print JSON.") var json = false

    func run() throws {
        let pipeline = try options.pipeline()
        let server = pipeline.privatePostgres()
        let own = pipeline.configuration.text(.postgresURL)
        let role = admin ? PrivatePostgres.role : PrivatePostgres.readerRole
        var dsn = try own ?? (tcp ? server.tcpDSN(role: role) : server.dsn(role: role))
        if let own, !admin { dsn = try Self.reader(of: own) }
        if url { dsn = Connection.url(of: try Connection.parts(of: dsn)) }
        let isRunning = own != nil || server.isRunning
        if json {
            return Terminal.print(
                JSONText.object([("dsn", .string(dsn)), ("private", .bool(own == nil)), ("running", .bool(isRunning))]).text())
        }
        Terminal.print(dsn)
        if !isRunning { Terminal.note("note: the server is not running; parallax up\(pipeline.pipelineFlag) starts it") }
    }

    /// On a server of the user's own: the same place, as the readers' role. Its password is not ours to know, and the role not ours to make.
    private static func reader(of url: String) throws(ParallaxError) -> String {
        let connection = try Connection(url)
        defer { connection.close() }
        let role = Catalog.readerRole
        guard try !connection.query("SELECT FROM pg_catalog.pg_roles WHERE rolname = $1", [.text(role)]).rows.isEmpty else {
            throw ParallaxError(
                .missing, "the server of postgres.url has no role \"\(role)\" for programs that read",
                detail: "The server is yours, and so are its roles.",
                hint: """
                    let who may make roles there run CREATE ROLE \(role) LOGIN PASSWORD '…'; ALTER ROLE \(role) SET search_path = serving, public; \
                    then parallax apply gives it what it may read. --admin prints postgres.url as it is
                    """)
        }
        var parts = try Connection.parts(of: url)
        for secret in ["password", "passfile", "sslkey", "sslcert", "sslpassword"] { parts[secret] = nil }
        parts["user"] = role
        return Connection.keywords(of: parts)
    }
}
