import ArgumentParser
import ParallaxCore

struct DSNCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dsn", abstract: "Print the connection string of the pipeline's PostgreSQL, for psql, Grafana or an ORM.",
        discussion: discussion(
            "By default over the socket. --tcp prints the one for programs that cannot use it; set postgres.tcp_port for that. It holds a password.",
            example: "psql \"$(parallax dsn --pipeline demo)\""))

    @OptionGroup var options: PipelineOptions
    @Flag(help: "The connection string over TCP, with its password.") var tcp = false
    @Flag(help: "Print JSON.") var json = false

    func run() throws {
        let pipeline = try options.pipeline()
        let server = pipeline.privatePostgres()
        let url = pipeline.configuration.text(.postgresURL)
        let dsn = try url ?? (tcp ? server.tcpDSN() : server.dsn())
        let isRunning = url != nil || server.isRunning
        if json {
            return Terminal.print(
                JSONText.object([("dsn", .string(dsn)), ("private", .bool(url == nil)), ("running", .bool(isRunning))]).text())
        }
        Terminal.print(dsn)
        if !isRunning { Terminal.note("note: the server is not running; parallax up\(pipeline.pipelineFlag) starts it") }
    }
}
