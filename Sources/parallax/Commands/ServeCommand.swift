import ArgumentParser
import Catalog
import Disk
import Logging
import ParallaxCore
import Postgres
import ServiceLifecycle

struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Run the HTTP API: views, rows and status for programs.",
        discussion: discussion(
            """
            Listens on serve.listen, and ends on Ctrl-C. parallax up runs one. What it answers stands at /openapi.json, and in docs/reference/api.md.
            """, example: "parallax serve --pipeline demo", "curl -s http://127.0.0.1:8321/v1/views"))

    @OptionGroup var options: PipelineOptions
    @OptionGroup var logging: LogOptions

    func run() async throws {
        let pipeline = try options.pipeline()
        guard let settings = try pipeline.apiSettings() else {
            throw ParallaxError(.configuration, "serve.listen is off", hint: "--set serve.listen=127.0.0.1:8321")
        }
        let logger = logging.logger("serve")
        try await withApplied(pipeline) { dsn in
            let server = try pipeline.apiServer(settings, dsn: dsn, logger: logger)
            defer { try? Disk.removeFile(pipeline.apiAddress) }
            try await runServices([.init(service: server)], logger)
        }
    }
}
