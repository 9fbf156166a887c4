import ArgumentParser
import BatchWorker
import Catalog
import Logging
import ParallaxCore
import Postgres
import ServiceLifecycle
import SpeedWorker

struct SpeedCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "speed", abstract: "Run a speed worker: keep the live rows of all views up to date.",
        discussion: discussion(
            "Takes the partitions that nobody holds, or with Kafka those that the consumer group gives it, and ends on Ctrl-C. parallax up runs one.",
            example: "parallax speed --until-caught-up --pipeline demo"))

    @OptionGroup var options: PipelineOptions
    @OptionGroup var logging: LogOptions
    @Flag(help: "End when everything is processed that was in the logs at the beginning.") var untilCaughtUp = false

    func run() async throws {
        let pipeline = try options.pipeline()
        let logger = logging.logger("speed", default: untilCaughtUp ? .warning : .info)
        try await withApplied(pipeline) { dsn in
            let worker = pipeline.speedWorker(dsn: dsn, logger: logger, joinsGroup: !untilCaughtUp)
            if untilCaughtUp {
                let registration = Interrupt.onStop { worker.stop() }
                defer { Interrupt.remove(registration) }
                try await withThrowingTaskGroup { group in
                    group.addTask { try await worker.runUntilCaughtUp() }
                    group.addTask { await Self.draw(worker) }
                    // The drawing ends with the work.
                    try await group.next()
                    group.cancelAll()
                }
                if Interrupt.isRequested { throw ParallaxError(.cancelled, "stopped before it had caught up") }
            } else {
                try await runServices([ServiceGroupConfiguration.ServiceConfiguration(service: SpeedService(worker: worker))], logger)
            }
            let statistics = worker.statistics
            let counts = statistics.counts
            let leftOut = statistics.leftOut.sorted { $0.key < $1.key }.map { "; view \($0.key) could not take \(grouped($0.value))" }
            Terminal.note(
                "speed: \(counted(statistics.flushes, "flush", plural: "flushes")) of \(counted(counts.events, "event")); "
                    + "\(grouped(counts.late)) late, \(counted(counts.duplicates, "duplicate")), "
                    + "\(grouped(counts.rejected)) rejected" + leftOut.joined())
        }
    }
}

extension SpeedCommand {
    fileprivate static func draw(_ worker: SpeedWorker) async {
        var progress = Progress("speed", total: nil)
        while !Task.isCancelled {
            let statistics = worker.statistics
            progress.update(
                0, "\(counted(statistics.counts.events, "event")), \(counted(statistics.flushes, "flush", plural: "flushes"))")
            try? await Task.sleep(for: .milliseconds(100))
        }
        progress.finish()
    }
}

struct ArchiveCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "archive", abstract: "The retained raw log: copy the logs into Parquet files.",
        discussion: discussion(
            "Without a subcommand: run the archiver.", example: "parallax archive --until-caught-up --pipeline demo"),
        subcommands: [ArchiveRunCommand.self, ArchiveAcceptGapCommand.self], defaultSubcommand: ArchiveRunCommand.self)
}

struct ArchiveRunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Run the archiver: copy the logs into Parquet files.",
        discussion: discussion(
            "Ends on Ctrl-C. parallax up runs one.", example: "parallax archive --until-caught-up --pipeline demo"))

    @OptionGroup var options: PipelineOptions
    @OptionGroup var logging: LogOptions
    @Flag(help: "Archive everything that is in the logs now, and end.") var untilCaughtUp = false
    @Flag(help: "With --until-caught-up: print what is archived as JSON.") var json = false

    func validate() throws {
        if json && !untilCaughtUp { throw ValidationError("--json needs --until-caught-up.") }
    }

    func run() async throws {
        let pipeline = try options.pipeline()
        let logger = logging.logger("archive")
        try await withApplied(pipeline) { dsn in
            guard untilCaughtUp else {
                return try await runServices([.init(service: pipeline.archiveService(dsn: dsn, logger: logger))], logger)
            }
            let connection = try Connection(dsn, applicationName: "parallax archive")
            let archiver = pipeline.archiver(dsn: dsn, tail: .everything, logger: logger)
            let progress = StepProgress()
            archiver.observe = { source, step in progress.update("archive \(source)", step.records, counted(step.records, "record")) }
            let failure = try archiver.archiveOnce(Catalog(connection)) { Interrupt.isRequested }
            progress.finish()
            if json {
                let sources = archiver.recorded.map { name, cut in
                    JSONText.object([
                        ("source", .string(name)), ("archived", .object(cut.partitions.map { ("\($0)", .int(cut[$0].rawValue)) })),
                    ])
                }
                Terminal.print(JSONText.array(sources).text())
            } else {
                for (name, cut) in archiver.recorded { Terminal.print("\(name): archived up to \(cut)") }
            }
            if let failure { throw failure }
        }
    }
}

/// Opens the pipeline's PostgreSQL for the length of the body; throws `.missing` where nothing was ever applied.
func withApplied(_ pipeline: Pipeline, _ body: (String) async throws -> Void) async throws {
    let database = try Database(pipeline)
    do {
        let connection = try database.connect()
        _ = try requireApplied(connection)
        connection.close()
        try await body(database.dsn)
    } catch {
        // The body's error is the news.
        try? database.close()
        throw error
    }
    try database.close()
}

/// Runs the services until the first signal (or until one of them fails); they are stopped in reverse order.
func runServices(_ services: [ServiceGroupConfiguration.ServiceConfiguration], _ logger: Logger) async throws {
    // The group's own chatter is for those who look for trouble.
    var quiet = logger
    quiet.logLevel = max(logger.logLevel, .warning)
    var configuration = ServiceGroupConfiguration(services: services, gracefulShutdownSignals: [.sigint, .sigterm, .sighup], logger: quiet)
    configuration.maximumGracefulShutdownDuration = .seconds(120)
    try await ServiceGroup(configuration: configuration).run()
}

struct BatchRunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Recompute the views exactly, up to now, and publish.",
        discussion: discussion(
            """
            Recomputes the windows that new records touch; --full everything. Works with and without a speed worker. Prints what changed and how \
            far off the live rows were. Readers see the old rows or the new ones, never a mix.
            """, example: "parallax batch run --pipeline demo"))

    @OptionGroup var options: PipelineOptions
    @OptionGroup var logging: LogOptions
    @Argument(help: "The sources; all of them without any.", completion: .sourceNames) var sources: [String] = []
    @Flag(help: "Recompute all of history.") var full = false
    @Flag(help: "Print the reports as JSON.") var json = false

    func run() throws {
        let pipeline = try options.pipeline()
        let database = try Database(pipeline)
        do {
            let reports = try runAll(pipeline, database)
            if json { Terminal.print("[\n" + (try reports.map { try $0.json(pretty: true) }).joined(separator: ",\n") + "\n]") }
            try database.close()
            if reports.contains(where: { !$0.held.isEmpty }) { throw ExitCode(ExitStatus.differs) }
        } catch {
            try? database.close()
            throw error
        }
    }

    private func runAll(_ pipeline: Pipeline, _ database: Database) throws -> [RunReport] {
        let connection = try database.connect()
        let catalog = try requireApplied(connection)
        let wanted = try sources.isEmpty ? catalog.sources() : sources.map { try catalog.source(named: $0) }
        connection.close()
        let logger = logging.logger("batch", default: .warning)
        var reports: [RunReport] = []
        for source in wanted {
            let progress = StepProgress()
            let worker = try pipeline.batchWorker(source.definition, dsn: database.dsn, logger: logger) { step throws(ParallaxError) in
                if Interrupt.isRequested { throw ParallaxError(.cancelled, "stopped: run \(step.run) was not published") }
                progress.update(
                    "batch \(source.name): \(step.phase.rawValue)", step.records, total: step.totalRecords,
                    step.records > 0 ? counted(step.records, "record") : "")
            }
            let report = try worker.run(source: source.name, full: full)
            progress.finish()
            if !json { Terminal.print(NamedCommands.completed(report.text)) }
            reports.append(report)
        }
        return reports
    }
}
