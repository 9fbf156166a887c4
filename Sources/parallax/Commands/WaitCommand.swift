import ArgumentParser
import Catalog
import ParallaxCore
import Postgres

struct WaitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "wait", abstract: "Wait until what was written is in the views.",
        discussion: discussion(
            """
            Takes the token that POST /v1/sources/{source}/events and parallax ingest --json answer with, and returns once the views of its source hold \
            every record of it. Ends with 75 where they do not in time, and says how far they are: call it again. An event that came too late for the \
            live rows is in them with the next batch run (late_waiting in parallax.frontier); one that is malformed is in none.
            """, example: "TOKEN=$(parallax ingest page_view events.ndjson --json --pipeline demo | jq -r .token)",
            "parallax wait \"$TOKEN\" --timeout 30s --pipeline demo"))

    @OptionGroup var options: PipelineOptions
    @Argument(help: "The token of a write.") var token: String
    @Option(help: ArgumentHelp("How long to wait at most; 0 looks once.", valueName: "time")) var timeout = "10s"
    @Flag(help: "Print JSON.") var json = false

    func validate() throws {
        if Duration(words: timeout) == nil {
            throw ValidationError("--timeout takes a number and a unit, as in 30s or 500ms, not \"\(timeout)\".")
        }
    }

    /// How often it looks for Ctrl-C, and, where an announcement was missed, at how far the layers are.
    private static let glance = Duration.milliseconds(200)

    func run() throws {
        guard let write = WriteToken(token) else {
            throw ParallaxError(
                .usage, "\"\(token.prefix(40))\" is no token of a write", detail: "It may have been cut.",
                hint: "parallax ingest --json prints one, and so does POST /v1/sources/{source}/events")
        }
        let began = ContinuousClock.now
        let deadline = began + (Duration(words: timeout) ?? .zero)
        let pipeline = try options.pipeline()
        let progress: WriteProgress = try Database.with(pipeline) { connection in
            try look(for: write, try requireApplied(connection), until: deadline)
        }
        if json {
            Terminal.print(
                JSONText.object(
                    [("source", .string(write.source)), ("visible", .bool(progress.isVisible))] + progress.json + [
                        ("waited_seconds", .optional((ContinuousClock.now - began).inSeconds))
                    ]
                ).text())
        }
        guard progress.isVisible else {
            throw ParallaxError(
                .busy, "what was written to \"\(write.source)\" is not in its views yet: \(progress.words)", detail: progress.detail,
                hint: "wait again: parallax wait TOKEN --timeout 1min")
        }
        if !json { Terminal.print("what was written to \"\(write.source)\" is in its views") }
    }

    private func look(
        for token: WriteToken, _ catalog: Catalog, until deadline: ContinuousClock.Instant
    ) throws(ParallaxError) -> WriteProgress {
        // Before the first look: what comes after it is announced.
        try catalog.connection.listen(try catalog.channel(ofSource: token.source))
        while true {
            guard let positions = try catalog.answeredPositions(ofSources: [token.source])[token.source] else {
                // Says which there are.
                _ = try catalog.source(named: token.source)
                continue
            }
            let progress = try positions.progress(of: token)
            let left = deadline - .now
            if progress.isVisible || left <= .zero { return progress }
            if Interrupt.isRequested { throw ParallaxError(.cancelled, "stopped") }
            _ = try catalog.connection.waitForNotification(timeout: min(left, Self.glance))
            while try catalog.connection.waitForNotification(timeout: .zero) != nil {}
        }
    }
}
