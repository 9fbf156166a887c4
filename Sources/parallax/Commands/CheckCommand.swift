import ArgumentParser
import ParallaxCore
import ViewLanguage

struct CheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Check parallax.yaml and the definitions. Needs no database.",
        discussion: discussion(
            "Reports everything that is wrong, each with file, line, column and what to write instead. Exit code 65 for definitions, 78 for parallax.yaml.",
            example: "parallax check --pipeline demo"))

    @OptionGroup var options: PipelineOptions
    @Flag(help: "Print the findings as JSON.") var json = false

    func run() throws {
        let pipeline = try options.pipeline()
        if json { return try printJSON(pipeline) }
        let definitions = try pipeline.definitions()
        var table = Table(("kind", .left), ("name", .left), ("reads", .left), ("version", .left))
        for source in definitions.sources { table.rows.append(["source", source.name, "", ""]) }
        for dimension in definitions.dimensions { table.rows.append(["table", dimension.name, "", ""]) }
        for view in definitions.views {
            let reads = [view.plan.source.name] + (view.plan.lookups ?? []).map(\.table)
            table.rows.append(["view", view.name, reads.joined(separator: ", "), view.version])
        }
        for overlay in definitions.overlays { table.rows.append(["overlay", overlay.name, overlay.reads.joined(separator: ", "), ""]) }
        Terminal.write(table.text(), to: 1)
    }

    private func printJSON(_ pipeline: Pipeline) throws {
        let compilation = compile(try pipeline.definitionFiles())
        let findings = compilation.diagnostics.map { finding in
            JSONText.object([
                ("severity", .string(finding.severity.rawValue)), ("file", .string(finding.file)), ("line", .int(Int64(finding.line))),
                ("column", .int(Int64(finding.column))), ("message", .string(finding.message)), ("hint", .optional(finding.hint)),
            ])
        }
        Terminal.print(JSONText.array(findings).text())
        if compilation.diagnostics.contains(where: { $0.severity == .error }) { throw ExitCode(ExitStatus.of(.definition)) }
    }
}
