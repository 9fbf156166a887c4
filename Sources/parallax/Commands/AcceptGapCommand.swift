import ArgumentParser
import Archive
import Catalog
import LogDecisions
import ParallaxCore

struct ArchiveAcceptGapCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "accept-gap", abstract: "Give up records that a log or the archive lost.",
        discussion: discussion(
            """
            Where the log's retention took offsets that the archive does not have, archiver and batch runs stop and name them. This records your \
            decision to go on without: the archive gets a segment without records for them, and the speed layer goes on behind them. \
            Prints the offsets. Changes nothing where nothing is missing.

            The same for bytes that are not what was written: a damaged or missing stretch of the embedded log, and damaged or missing archive \
            segments, for which it reads and checks both. A segment whose records the log still has is written again from there. What nothing has \
            any more is named, offsets and bytes, and given up once you agree (on a terminal, or with --yes); the damaged bytes are kept beside \
            the files. Records before and behind the damage are unharmed.

            Answers carry the decision for good: parallax status and parallax.frontier name the offsets, and is_exact is false for every row \
            that may lack their records. Those are the rows of all windows that begin before the decision (and speed.max_future_skew after \
            it), and all rows of views without a window. Say --events-from and --events-until where you know better.

            With --undo it takes the decision back where the records are there again: in the log, all of a gap's offsets, or in the archive, whose folder \
            was restored. Answers have them, and lose the marks, with the next batch run.
            """, example: "parallax archive accept-gap page_view --pipeline demo"))

    @OptionGroup var options: PipelineOptions
    @Argument(help: "The source, as the definitions name it.", completion: .sourceNames) var source: String
    @Flag(name: .shortAndLong, help: "Give up damaged records without asking.") var yes = false
    @Flag(help: "Take back what was given up, where the log has the records again.") var undo = false
    @Option(help: ArgumentHelp("No lost event has an event time before this one, such as 2024-01-01T00:00:00Z.", valueName: "instant"))
    var eventsFrom: String?
    @Option(help: ArgumentHelp("No lost event has this event time or a later one.", valueName: "instant"))
    var eventsUntil: String?

    func validate() throws {
        for (name, text) in [("--events-from", eventsFrom), ("--events-until", eventsUntil)] {
            if let text, GenerateCommand.instant(text) == nil {
                throw ValidationError("\(name) must look like 2024-01-01T00:00:00Z, not \"\(text)\".")
            }
        }
        if let from = eventsFrom.flatMap(GenerateCommand.instant), let until = eventsUntil.flatMap(GenerateCommand.instant), from >= until {
            throw ValidationError("--events-from must lie before --events-until.")
        }
    }

    func run() throws {
        let pipeline = try options.pipeline()
        let database = try Database(pipeline)
        defer { try? database.close() }
        let connection = try database.connect()
        let catalog = try requireApplied(connection)
        let known = try catalog.source(named: source)
        // Not for writing: that would refuse a log that lost its end.
        let log = try pipeline.boundLogForLooking(known, catalog)
        let writer = try pipeline.archiveWriter(known.definition, log: log)
        let acceptance = GapAcceptance(
            source: known, catalog: catalog, log: log, archive: writer,
            eventsFrom: eventsFrom.flatMap(GenerateCommand.instant).map { Instant(microseconds: $0) }, eventsUntil: latestEvent(pipeline))
        if undo { return try takeBack(acceptance, writer) }
        let new = try acceptance.perform(
            rewrote: { Terminal.print("\(source): \($0.segment.file) is written again, from the log") },
            agree: { losses throws(ParallaxError) in try agree(to: losses) })
        for gap in new {
            Terminal.print(
                "\(source): partition \(gap.partition): offsets \(gap.offsets.lowerBound) up to, not including, \(gap.offsets.upperBound) "
                    + "are given up")
        }
        if new.isEmpty { Terminal.print("\(source): nothing is missing") }
    }

    /// What the archive does not name as a gap any more is taken back by the next run, in the transaction that publishes the records.
    private func takeBack(_ acceptance: GapAcceptance, _ writer: ArchiveWriter) throws(ParallaxError) {
        let taken = try acceptance.takeBack()
        for gap in taken {
            Terminal.print(
                "\(source): partition \(gap.partition): offsets \(gap.offsets.lowerBound) up to, not including, \(gap.offsets.upperBound) "
                    + "are archived, from the log: the next batch run counts them")
        }
        let left = try writer.acceptedGaps()
        for gap in left {
            Terminal.print(
                "\(source): partition \(gap.partition): offsets \(gap.offsets.lowerBound) up to, not including, \(gap.offsets.upperBound) "
                    + "stay given up: the log does not have all of them")
        }
        if taken.isEmpty && left.isEmpty { Terminal.print("\(source): the archive lacks nothing that was given up") }
    }

    private func agree(to losses: [String]) throws(ParallaxError) {
        guard !losses.isEmpty && !yes else { return }
        for loss in losses { Terminal.note("\(source): \(loss)") }
        if Terminal.confirm("Give these records up?") { return }
        throw ParallaxError(
            .corrupt,
            "\(counted(losses.count, "stretch", plural: "stretches")) of source \"\(source)\" cannot be read; nothing was given up",
            detail: losses.joined(separator: "\n"),
            hint: "restore the files from a backup; or give up exactly these records: add --yes")
    }

    /// What is lost was in the log before this moment; an event time beyond the believable is none to mark all the future for.
    private func latestEvent(_ pipeline: Pipeline) -> Instant {
        if let given = eventsUntil.flatMap(GenerateCommand.instant) { return Instant(microseconds: given) }
        let now = systemClock().rawValue
        return Instant(microseconds: now + pipeline.speedSettings.rules.maxFutureSkew)
    }
}
