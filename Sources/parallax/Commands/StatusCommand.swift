import ArgumentParser
import Catalog
import EventLog
import ParallaxCore

struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "How far each layer is, what is published, what was rejected, what is missing.",
        discussion: discussion("", example: "parallax status --pipeline demo", "parallax status --json | jq '.sources[].lag'"))

    @OptionGroup var options: PipelineOptions
    @Flag(help: "Print JSON.") var json = false

    func run() throws {
        let pipeline = try options.pipeline()
        let report = try Database.with(pipeline) { connection in
            let catalog = try requireApplied(connection)
            // One snapshot, so that the parts fit together.
            return try connection.transaction("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY") { () throws(ParallaxError) in
                try StatusReport(catalog, pipeline)
            }
        }
        if json { return Terminal.print(report.json.text()) }
        Terminal.write(report.text, to: 1)
    }
}
