import ArgumentParser
import Catalog
import Disk
import Logging
import ParallaxCore
import Postgres
import ServiceLifecycle
import ServingAPI

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
        let metricsAddress = try pipeline.listenAddress(.serveMetricsListen)
        let logger = logging.logger("serve")
        try await withApplied(pipeline) { dsn in
            let desk = RunDesk()
            let server = try pipeline.apiServer(settings, dsn: dsn, desk: desk, logger: logger)
            defer { try? Disk.removeFile(pipeline.apiAddress) }
            var services: [ServiceGroupConfiguration.ServiceConfiguration] = [.init(service: desk.service()), .init(service: server)]
            if let metricsAddress {
                let figures = PipelineFigures(dsn: dsn, api: server)
                services.append(.init(service: pipeline.metricsService(metricsAddress, figures, logger: logging.logger("metrics"))))
            }
            try await runServices(services, logger)
        }
    }
}

struct OpenAPICommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "openapi", abstract: "Print what the HTTP API answers, as OpenAPI 3.1.",
        discussion: discussion(
            "No pipeline and no server is needed. --markdown prints the routes as docs/reference/api.md has them.",
            example: "parallax openapi | jq '.paths | keys'"))

    @Flag(help: "Print the routes as Markdown.") var markdown = false

    func run() throws {
        let reference = try APIServer.reference(version: parallaxVersion)
        if markdown { Terminal.write(reference.markdown, to: 1) } else { Terminal.print(reference.openAPI.text()) }
    }
}
