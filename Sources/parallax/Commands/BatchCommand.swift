import ArgumentParser
import BatchWorker
import Catalog
import ParallaxCore
import Postgres

struct BatchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "batch", abstract: "The batch layer: run it, look at its runs, take one back.",
        discussion: discussion("", example: "parallax batch run --pipeline demo"),
        subcommands: [
            BatchRunCommand.self, BatchListCommand.self, BatchShowCommand.self, BatchPublishCommand.self, BatchDiscardCommand.self,
            BatchRevertCommand.self,
        ])
}

/// Throws where nothing was ever applied: then there are no tables to ask.
func requireApplied(_ connection: Connection) throws(ParallaxError) -> Catalog {
    let catalog = Catalog(connection, patience: .onTerminal)
    try catalog.checkVersion()
    return catalog
}

/// The same, for what stands in the audit.
func requireAppliedByCaller(_ connection: Connection) throws(ParallaxError) -> Catalog {
    var catalog = try requireApplied(connection)
    catalog.caller = .ofCommand
    return catalog
}

func requireRun(_ catalog: Catalog, _ number: Int64) throws(ParallaxError) -> RunStatus {
    guard let run = try catalog.runs(number: RunNumber(number), limit: 1).first else {
        throw ParallaxError(.usage, "there is no run \(number)", hint: "parallax batch list shows those that there are")
    }
    return run
}

struct BatchListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "The newest runs.",
        discussion: discussion("", example: "parallax batch list --limit 5 --pipeline demo"))

    @OptionGroup var options: PipelineOptions
    @Option(help: ArgumentHelp("How many.", valueName: "n")) var limit = 20
    @Flag(help: "Print JSON.") var json = false

    func validate() throws {
        if limit < 1 { throw ValidationError("--limit must be at least 1.") }
    }

    func run() throws {
        let runs = try Database.with(options.pipeline()) { try requireApplied($0).runs(limit: limit) }
        if json { return Terminal.print(JSONText.array(runs.map { $0.json }).text()) }
        var table = Table(
            ("run", .right), ("source", .left), ("state", .left), ("kind", .left), ("slice", .right), ("began", .left), ("took", .right),
            ("cut", .left))
        for run in runs {
            table.rows.append([
                "\(run.number)", run.source, run.stateText, run.isFull ? "full" : "incremental",
                "\(run.slice)", run.startedAt.text, run.took, run.cutJSON ?? "",
            ])
        }
        Terminal.write(table.text(), to: 1)
        var reversals: [RunStatus.Reversal] = []
        for case let reversal? in runs.map(\.reversal) where !reversals.contains(reversal) { reversals.append(reversal) }
        if !reversals.isEmpty { Terminal.print("") }
        for reversal in reversals { Terminal.print(reversal.text) }
    }
}

struct BatchShowCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "One run: its cut, its figures, and how far off the live views were.",
        discussion: discussion("", example: "parallax batch show 3 --pipeline demo"))

    @OptionGroup var options: PipelineOptions
    @Argument(help: ArgumentHelp("The run's number.", valueName: "run")) var number: Int64
    @Flag(help: "Print JSON.") var json = false

    func run() throws {
        let (status, drift) = try Database.with(options.pipeline()) { connection in
            let catalog = try requireApplied(connection)
            return (try requireRun(catalog, number), try catalog.drift(run: RunNumber(number)))
        }
        if json { return Terminal.print(status.json.adding("drift", .array(drift.map(\.json))).text()) }
        Terminal.print("run \(status.number) of source \(status.source): \(status.stateText)")
        Terminal.print("  \(status.isFull ? "full" : "incremental"), slice \(status.slice), cut \(status.cutJSON ?? "not complete")")
        Terminal.print("  based on run \(status.base.run) (slice \(status.base.slice))")
        Terminal.print("  began \(status.startedAt.text)" + (status.finishedAt.map { ", ended \($0.text)" } ?? ""))
        if !status.isKept && status.state == "published" { Terminal.print("  no longer kept: it cannot be reverted to") }
        if let reversal = status.reversal { Terminal.print("  \(reversal.text)") }
        if let reason = status.heldReason {
            let was = status.state == RunState.held.rawValue ? "held" : "was held"
            for line in reason.split(separator: "\n") { Terminal.print("  \(was): \(line)") }
        }
        if let error = status.error { Terminal.print("  error: \(error)") }
        if let report = RunReport(json: status.statisticsJSON) {
            for line in report.figures { Terminal.print("  \(line)") }
        }
        let summary = DriftStatus.summary(drift)
        Terminal.print(
            "\ndrift: what the merged view said, against what the batch layer found, below this cut"
                + (summary.isEmpty ? "" : "\n  \(summary)"))
        let differing = drift.filter(\.drift.isDifferent)
        if !differing.isEmpty { Terminal.write(DriftStatus.table(differing).text(), to: 1) }
        let equal = drift.count - differing.count
        if !differing.isEmpty, equal > 0 {
            Terminal.print("\(counted(equal, "other output")) \(equal == 1 ? "was" : "were") equal (--json has all)")
        }
    }
}

struct BatchPublishCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "publish",
        abstract: "Publish a run that is held: because its drift exceeds a view's max_drift, or because it would take most of it away.",
        discussion: discussion(
            "As it would have been: one transaction switches readers to its rows and its cut.",
            example: "parallax batch publish 7 --pipeline demo"))

    @OptionGroup var options: PipelineOptions
    @Argument(help: ArgumentHelp("The run's number.", valueName: "run")) var number: Int64

    func run() throws {
        let pipeline = try options.pipeline()
        let decision = try Database.with(pipeline) { try pipeline.publish(RunNumber(number), requireAppliedByCaller($0)) }
        for note in decision.notes { Terminal.note(note) }
        Terminal.print("run \(number) of source \(decision.source) is published")
    }
}

struct BatchDiscardCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "discard", abstract: "Throw a held run away.",
        discussion: discussion(
            "What was published before is served on. The next run computes its windows again, and is held again where nothing else has changed.",
            example: "parallax batch discard 7 --pipeline demo"))

    @OptionGroup var options: PipelineOptions
    @Argument(help: ArgumentHelp("The run's number.", valueName: "run")) var number: Int64

    func run() throws {
        let pipeline = try options.pipeline()
        let decision = try Database.with(pipeline) { try pipeline.discard(RunNumber(number), requireAppliedByCaller($0)) }
        Terminal.print("run \(number) of source \(decision.source) is discarded")
    }
}

struct BatchRevertCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "revert", abstract: "Go back to the publication of an earlier run.",
        discussion: discussion(
            """
            Later publications of the same source are undone; the live rows since that run's cut are shown again. No event is lost or counted twice. \
            A view whose definition has changed since shows its earlier version again, if it joins no table. The definitions stay as they are applied: the \
            next run publishes what they say, so apply the earlier ones where that is not wanted.
            """,
            example: "parallax batch revert 3 --pipeline demo"))

    @OptionGroup var options: PipelineOptions
    @Argument(help: ArgumentHelp("The run whose publication shall be current again.", valueName: "run")) var number: Int64

    func run() throws {
        let pipeline = try options.pipeline()
        let decision = try Database.with(pipeline) { try pipeline.revert(to: RunNumber(number), requireAppliedByCaller($0)) }
        Terminal.print("source \(decision.source) shows the publication of run \(number) again")
        for note in decision.notes { Terminal.print(note) }
    }
}
