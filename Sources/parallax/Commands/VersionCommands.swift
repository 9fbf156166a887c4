import ArgumentParser
import Catalog
import ParallaxCore
import ServingViews

struct DiffCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "diff", abstract: "Compare the rows of a view's held version with those that are served.",
        discussion: discussion(
            """
            Both as the published batch run has them: exact, and over the same records. Two rows are compared where their window and their group \
            columns are equal. Exit code 1 where there is a difference, 0 where there is none.
            """, example: "parallax diff traffic_by_page --pipeline demo"))

    @OptionGroup var options: PipelineOptions
    @Argument(help: "The view.", completion: .materializedNames) var view: String
    @Option(help: ArgumentHelp("How many rows of each kind to show.", valueName: "n")) var limit = 10
    @Flag(help: "Print JSON.") var json = false

    func validate() throws {
        if limit < 0 { throw ValidationError("--limit must not be negative.") }
    }

    func run() throws {
        let comparison = try Database.with(options.pipeline()) { connection in
            _ = try requireApplied(connection)
            return try VersionComparison(connection, view: view, limit: limit)
        }
        if json { Terminal.print(comparison.json.text()) } else { Terminal.write(comparison.text, to: 1) }
        if !comparison.isSame { throw ExitCode(ExitStatus.differs) }
    }
}

struct PromoteCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "promote", abstract: "Serve a version that parallax apply --hold keeps waiting.",
        discussion: discussion(
            "In one transaction, at once where a batch run has computed it; otherwise the next run's publication serves it. The old version is dropped.",
            example: "parallax promote traffic_by_page --pipeline demo"))

    @OptionGroup var options: PipelineOptions
    @Argument(help: "The view.", completion: .materializedNames) var view: String

    func run() throws {
        let promotion = try Database.with(options.pipeline()) { connection in
            try requireApplied(connection).promote(view: view) { connection throws(ParallaxError) in
                try Pipeline.refreshServing(connection)
            } left: { line in
                Terminal.note("note: \(line)")
            }
        }
        switch promotion {
        case .served(let version): Terminal.print("view \(view) shows version \(version)")
        case .waits(let version): Terminal.print("view \(view) shows version \(version) as soon as a batch run has computed it")
        }
    }
}

struct AbandonCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "abandon", abstract: "Drop a view's version that waits, with its rows.",
        discussion: discussion(
            "The version that is served stays. Change the definition back, too: the next apply would build it again.",
            example: "parallax abandon traffic_by_page --pipeline demo"))

    @OptionGroup var options: PipelineOptions
    @Argument(help: "The view.", completion: .materializedNames) var view: String

    func run() throws {
        let version = try Database.with(options.pipeline()) { connection in
            try requireApplied(connection).abandon(view: view, left: { line in Terminal.note("note: \(line)") })
        }
        Terminal.print("version \(version) of view \(view) is gone")
    }
}
