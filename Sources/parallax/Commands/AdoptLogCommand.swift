import ArgumentParser
import Catalog
import ParallaxCore

struct AdoptLogCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "adopt-log", abstract: "Go on with another log: one that was replaced, restored, made anew, or has another topic.",
        discussion: discussion(
            """
            Positions belong to a log: where the source's log is another one, nothing is read on, and status says so. This records your decision to \
            go on with the log that is there. What is archived stays; the log's records continue behind everything that is known of the former. \
            What the former log held and the archive does not is given up: it is printed before, and marked in answers as after \
            parallax archive accept-gap.

            Records that are in both logs are counted once, by the source's event id and time; until the next batch run, live rows may count them \
            twice. Run it where the archive is. Changes nothing where the log is the source's own.
            """, example: "parallax adopt-log page_view --dry-run --pipeline demo"))

    @OptionGroup var options: PipelineOptions
    @Argument(help: "The source, as the definitions name it.", completion: .sourceNames) var source: String
    @Flag(help: "Only print what would be given up.") var dryRun = false
    @Flag(name: .shortAndLong, help: "Do not ask.") var yes = false
    @Flag(help: "Print JSON. Implies not asking: needs --yes or --dry-run.") var json = false

    func validate() throws {
        if json && !dryRun && !yes { throw ValidationError("--json needs --yes or --dry-run.") }
    }

    func run() throws {
        let pipeline = try options.pipeline()
        try Database.with(pipeline) { connection in
            let catalog = try requireApplied(connection)
            let adoption = try pipeline.adopter.plan(try catalog.source(named: source), catalog, onlyLooks: dryRun)
            if !json {
                let own = "\(source): its log is the one that it reads; nothing to do"
                for line in adoption.isOwn ? [own] : adoption.lines { Terminal.print(line) }
            }
            if !adoption.isOwn && !dryRun {
                guard yes || Terminal.confirm("Go on with this log?") else {
                    throw ParallaxError(
                        .definition, "source \"\(source)\" goes on only with your consent; nothing was done",
                        hint: Terminal.inputIsTerminal ? nil : "add --yes to agree")
                }
                try pipeline.adopter.adopt(adoption, catalog)
            }
            if json { Terminal.print(adoption.json.text()) } else if !adoption.isOwn && !dryRun { Terminal.print("adopted") }
        }
    }
}
