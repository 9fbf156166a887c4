import ArgumentParser
import Catalog
import ParallaxCore
import Postgres

struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "How far each layer is, what is published, what was rejected, what is missing.",
        discussion: discussion(
            """
            Looks only. What it could not learn it says: PROBLEM lines, "log_error" and "troubles" in JSON. With --check its exit code says it, too: the \
            number of the first problem's kind, 0 where there is none. That no speed worker reads a source, of parallax up or by itself, is one (69). A lag is \
            a number and no problem by itself.
            """, example: "parallax status --pipeline demo", "parallax status --json | jq '.sources[].lag'", "parallax status --check"))

    @OptionGroup var options: PipelineOptions
    @Flag(help: "Print JSON.") var json = false
    @Flag(help: "End with the number of the first problem's kind: 69 where no speed worker reads a source.") var check = false

    func run() throws {
        let pipeline = try options.pipeline()
        let report = try Database.with(pipeline) { connection in try StatusReport.gathered(pipeline, connection) }
        if json { Terminal.print(report.json.text()) } else { Terminal.write(NamedCommands.completed(report.text), to: 1) }
        if check, let first = report.problems.first { throw ExitCode(ExitStatus.of(first.code)) }
    }
}

extension StatusReport {
    /// From one snapshot, so that the parts fit together.
    static func gathered(_ pipeline: Pipeline, _ connection: Connection) throws -> StatusReport {
        let catalog = try requireApplied(connection)
        return try connection.transaction("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY") { () throws(ParallaxError) in
            try StatusReport(catalog, pipeline)
        }
    }
}
