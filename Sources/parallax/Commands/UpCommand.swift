import ArgumentParser
import Catalog
import Foundation
import ParallaxCore
import Postgres
import ServiceLifecycle
import ServingAPI
import ViewLanguage

struct UpCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "up",
        abstract: "Run everything: PostgreSQL, the speed layer, the archiver, the batch schedule, the HTTP API, demo traffic.",
        discussion: discussion(
            """
            Applies the definitions first: additions at once; changed or dropped sources and views ask on a terminal and need --yes elsewhere. \
            Ctrl-C ends it; so does parallax down. --detach goes to the background and returns when everything runs; with exit code 69 where \
            PostgreSQL refuses a view's live rows, so that none of its source come (it stays up: see parallax status).
            """, example: "parallax up --detach --pipeline demo", "parallax down --pipeline demo"))

    @OptionGroup var options: PipelineOptions
    @OptionGroup var logging: LogOptions
    @Flag(help: "Run in the background; the log goes to .parallax/up.log.") var detach = false
    @Flag(name: .shortAndLong, help: "Apply changed definitions without asking.") var yes = false

    func run() async throws {
        let pipeline = try options.pipeline()
        let definitions = try pipeline.definitions()
        // Before anything is started: what cannot work should not begin.
        _ = try pipeline.apiSettings()
        let metricsAddress = try pipeline.listenAddress(.serveMetricsListen)
        let traffic = try pipeline.configuration.text(.generatorSource).map { name throws(ParallaxError) in
            try definitions.source(named: name)
        }
        try pipeline.makeStateFolder()
        if let holder = UpLock.holder(pipeline.upLock) {
            throw ParallaxError(
                .busy, "the pipeline is up already, in process \(holder.process)", hint: "parallax down ends it", isRetriable: false)
        }
        let database = try Database(pipeline, making: true)
        // Held until the server is given back: who waits for it (parallax down) may stop the server then.
        var lock: UpLock?
        do {
            let connection = try database.connect()
            let preview = try pipeline.preview(definitions, connection)
            try ApplyCommand.agree(to: preview, yes: yes)
            try pipeline.apply(definitions, connection)
            for line in preview.lines { Terminal.note(NamedCommands.completed("applied: \(line)")) }
            connection.close()
            if detach {
                // The server stays ours until the child has taken it.
                try Detaching(pipeline, arguments: childArguments).run { LookAt(definitions, pipeline, database) }
                try checkThatLiveRowsCome(try database.connect())
            } else {
                lock = try await serve(pipeline, definitions, database, traffic, metricsAddress)
            }
        } catch {
            // The first error is the news.
            try? database.close()
            throw error
        }
        try database.close()
        withExtendedLifetime(lock) {}
        if !detach { Terminal.note("stopped") }
    }

    /// It stays up where they do not: other sources go on, and so does this one once something is mended.
    private func checkThatLiveRowsCome(_ connection: Connection) throws(ParallaxError) {
        defer { connection.close() }
        let catalog = Catalog(connection)
        for source in try catalog.sources() {
            guard let problem = try catalog.problem(ofSource: source.id), problem.code == .anotherLog else { continue }
            throw ParallaxError(
                .anotherLog, "the pipeline is up, but source \"\(source.name)\" stands still: \(problem.message)", detail: problem.detail,
                hint: problem.hint)
        }
        let troubles = try catalog.viewTroubles().filter { $0.layer == .speed }
        if let first = troubles.first {
            throw ParallaxError(
                .database,
                "the pipeline is up, but no live rows come from source \"\(first.source)\": PostgreSQL refuses those of view "
                    + troubles.map { "\"\($0.view)\"" }.joined(separator: ", "),
                detail: troubles.map(\.problem).joined(separator: "\n"), hint: ViewTrouble.hint)
        }
        let unread = try catalog.troubles().filter { $0.layer == .speed }
        guard let first = unread.first else { return }
        throw ParallaxError(
            first.error.code,
            "the pipeline is up, but source \"\(first.source)\" is not read: \(first.error.message)",
            detail: unread.map {
                "\($0.source), \($0.subject): \([$0.error.message, $0.error.detail].compactMap(\.self).joined(separator: ": "))"
            }
            .joined(separator: "\n"),
            hint: "It goes on by itself when it can." + (first.error.hint.map { " \($0)" } ?? ""))
    }

    private static let graceForLogs = Duration.seconds(5)

    private var childArguments: [String] {
        ["up", "--pipeline", Pipeline.absolutePath(options.folder), "--yes"] + options.settings.flatMap { ["--set", $0] }
            + logging.asArguments
    }

    private func serve(
        _ pipeline: Pipeline, _ definitions: Definitions, _ database: Database, _ traffic: SourceDefinition?,
        _ metricsAddress: ListenAddress?
    ) async throws -> UpLock {
        let lock = try UpLock(pipeline.upLock)
        let logger = logging.logger("up")
        let worker = pipeline.speedWorker(dsn: database.dsn, logger: logging.logger("speed"))
        var services: [ServiceGroupConfiguration.ServiceConfiguration] = [
            .init(service: SpeedService(worker: worker)),
            .init(service: pipeline.archiveService(dsn: database.dsn, logger: logging.logger("archive"))),
        ]
        // Before the API: it is stopped after it, and waits for the runs that were begun there.
        let desk = RunDesk()
        services.append(.init(service: desk.service()))
        if let interval = pipeline.configuration.optionalDuration(.batchInterval) {
            services.append(
                .init(
                    service: pipeline.batchService(dsn: database.dsn, every: interval, board: desk.board, logger: logging.logger("batch"))))
        }
        var figures = PipelineFigures(dsn: database.dsn, speed: worker)
        if let settings = try pipeline.apiSettings() {
            let logger = logging.logger("serve")
            let server = try pipeline.apiServer(settings, dsn: database.dsn, desk: desk, logger: logger)
            figures.api = server
            services.append(
                .init(
                    service: ListeningService(
                        server: server, name: "the API", file: pipeline.apiAddress, pause: .seconds(5), level: .error, logger: logger)))
        }
        if let metricsAddress {
            services.append(.init(service: pipeline.metricsService(metricsAddress, figures, logger: logging.logger("metrics"))))
        }
        if let traffic {
            services.append(.init(service: pipeline.trafficService(traffic, logger: logging.logger("generate"))))
        }
        services.append(
            .init(
                service: ThreadService(name: "ready") { stop in
                    // Ready means: live rows come, or it is known why not. The worker owns a partition and has written what it read first, or
                    // there is none to own.
                    let began = ContinuousClock.now
                    while !stop.isSet && !definitions.sources.isEmpty {
                        let speed = worker.statistics
                        if speed.stopped.contains(where: { $0.error.code == .anotherLog }) || speed.lastError?.code == .anotherLog { break }
                        if !speed.refused.isEmpty || (speed.partitionsOwned > 0 && speed.hasSettled) { break }
                        // What is missing may be on its way; whoever waits for us should hear of it all the same.
                        if !speed.troubles.isEmpty && ContinuousClock.now - began > Self.graceForLogs { break }
                        stop.wait(atMost: .milliseconds(20))
                    }
                    guard !stop.isSet else { return }
                    lock.sayReady()
                    logger.info("ready", metadata: ["process": "\(getpid())"])
                    if Terminal.errorIsTerminal { Terminal.note(LookAt(definitions, pipeline, database).text) }
                }, successTerminationBehavior: .ignore))
        try await runServices(services, logger)
        return lock
    }
}

/// Where to look once a pipeline is up.
struct LookAt: Sendable {
    let text: String

    init(_ definitions: Definitions, _ pipeline: Pipeline, _ database: Database) {
        let flag = pipeline.pipelineFlag
        var lines: [String] = []
        if let page = pipeline.dashboard { lines += ["Watch it in a browser:        \(page)"] }
        if let view = definitions.views.first {
            // The newest window first, and in it the groups with most rows.
            var order: [String] = []
            if let window = view.plan.outputs.first(where: { $0.value == .window }) { order.append(window.name) }
            let counting = view.plan.measures.firstIndex { $0.function == .countRows && $0.filter == nil }
            if let counting, let output = view.plan.outputs.first(where: { $0.value == .measure(counting) }) { order.append(output.name) }
            let by = order.isEmpty ? "" : " ORDER BY " + order.map { "\(Self.identifier($0)) DESC" }.joined(separator: ", ")
            let query = "SELECT * FROM serving.\(Self.identifier(view.name))\(by) LIMIT 10"
            lines += ["See live rows change, every second (Ctrl-C ends it):", "  \(LookAt.psql(database, query: query, flag: flag))"]
        }
        lines += [
            "How far each layer is:        \(Pipeline.program) status\(flag)",
            "Recompute exactly, publish:   \(Pipeline.program) batch run\(flag)",
        ]
        lines.append("Stop:                         \(Pipeline.program) down\(flag)")
        text = lines.joined(separator: "\n")
    }

    /// Without quotes where it needs none.
    private static func identifier(_ name: String) -> String {
        name.wholeMatch(of: /[a-z_][a-z0-9_]*/) == nil ? Connection.quoteIdentifier(name) : name
    }

    /// psql itself for the private server, whose connection string holds no password; else our command, which hides it.
    private static func psql(_ database: Database, query: String, flag: String) -> String {
        let target = database.readerDSN.map { "psql \"\($0)\"" } ?? "\(Pipeline.program) psql\(flag)"
        return "echo \(shellQuoted("\(query) \\watch 1")) | \(target)"
    }
}
