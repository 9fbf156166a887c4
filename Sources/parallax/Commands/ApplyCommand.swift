import ArgumentParser
import Catalog
import ParallaxCore
import ViewLanguage

struct ApplyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "apply", abstract: "Make the database what the definitions say.",
        discussion: discussion(
            """
            Prints what it will change, as a diff, and how much history that computes. Additions go through; changed or dropped sources and views \
            ask on a terminal and need --yes elsewhere. A changed view is built beside the old one, which serves until the next batch run has \
            published the new one, or, with --hold, until parallax promote.
            """, example: "parallax apply --dry-run --pipeline demo"))

    @OptionGroup var options: PipelineOptions
    @Flag(help: "Only print what would change.") var dryRun = false
    @Flag(name: .shortAndLong, help: "Do not ask.") var yes = false
    @Flag(help: "New versions of views that are served wait for parallax promote; batch runs compute them meanwhile.") var hold = false
    @Flag(help: "Print the changes as JSON. Implies not asking: needs --yes or --dry-run.") var json = false

    func validate() throws {
        if json && !dryRun && !yes { throw ValidationError("--json needs --yes or --dry-run.") }
    }

    func run() throws {
        let pipeline = try options.pipeline()
        let definitions = try pipeline.definitions()
        // Who only looks makes no server.
        if dryRun && !pipeline.mayHaveDatabase {
            let nothing = Dictionary(definitions.sources.map { ($0.name, History()) }) { $1 }
            return show(ApplyPreview(plan: ApplyPlan(beginningWith: definitions), histories: nothing))
        }
        try Database.with(pipeline, making: !dryRun) { connection in
            let preview = try pipeline.preview(definitions, connection, holds: hold)
            if !json || dryRun { show(preview) }
            guard !dryRun else { return }
            try Self.agree(to: preview, yes: yes)
            // Also when nothing changes: the merged views are written again, should somebody have dropped them.
            try pipeline.apply(definitions, connection, holding: hold)
            if json { show(preview) } else if !preview.plan.isEmpty { Terminal.print("applied") }
        }
    }

    private func show(_ preview: ApplyPreview) {
        if json {
            return Terminal.print(
                JSONText.object([
                    ("changes", preview.json), ("problems", .array(preview.plan.troubles.map(\.json))),
                    ("obstacles", preview.obstaclesJSON), ("applied", .bool(!dryRun)),
                ]).text())
        }
        for line in preview.lines { Terminal.print(NamedCommands.completed(line)) }
        if preview.plan.isEmpty { Terminal.print("nothing to change") }
    }

    /// Throws `.definition` where a person should have agreed and did not, and where something of others is in the way.
    static func agree(to preview: ApplyPreview, yes: Bool) throws(ParallaxError) {
        if let first = preview.refusing.first {
            throw ParallaxError(
                .definition, "something of yours stands on what the definitions change; nothing was applied",
                detail: preview.refusing.map(preview.words).joined(separator: "\n"), hint: first.hint)
        }
        let changes = preview.needsConsent
        guard !changes.isEmpty && !yes else { return }
        if Terminal.confirm("Apply these changes?") { return }
        throw ParallaxError(
            .definition, "the definitions change what is applied; nothing was done", detail: changes.joined(separator: "\n         "),
            hint: Terminal.inputIsTerminal ? nil : "add --yes to agree")
    }
}
