import ArgumentParser
import Catalog
import ParallaxCore

struct WatermarkCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "watermark", abstract: "Show a source's watermark, and begin it anew where wrong clocks have moved it.",
        discussion: discussion(
            """
            The watermark is the event time up to which everything is believed seen: windows that end before it are closed, and events further behind it \
            than the source's lateness wait for a batch run. It never goes back by itself. Where events and records of a wrong clock have moved it, \
            --reset forgets how far event times have got: the watermark begins anew with the next records, and the next batch run looks through the archive for \
            what retention is counted from, by the append times, by when records were archived, and by speed.max_future_skew as it is set now. \
            Rows that left a view by its retention come back with that run. No record and no row is lost.
            """, example: "parallax watermark page_view --pipeline demo", "parallax watermark page_view --reset --pipeline demo"))

    @OptionGroup var options: PipelineOptions
    @Argument(help: "The source, as the definitions name it.", completion: .sourceNames) var source: String
    @Flag(help: "Begin it anew.") var reset = false
    @Flag(help: "Print JSON.") var json = false

    func run() throws {
        let pipeline = try options.pipeline()
        try Database.with(pipeline) { connection in
            let catalog = try requireApplied(connection)
            let known = try catalog.source(named: source)
            guard reset else {
                let status = try catalog.status().first { $0.source.id == known.id }
                if json {
                    return show(status?.watermark, ahead: status?.watermarkAhead, isReset: false)
                }
                Terminal.print("\(source): watermark \(status?.watermark?.text ?? "none yet")")
                if let ahead = status?.watermarkAhead { Terminal.print(ahead.text) }
                return
            }
            let before = try catalog.resetWatermark(source: known)
            if json { return show(before, ahead: nil, isReset: true) }
            Terminal.print(
                "\(source): the watermark was \(before?.text ?? "none yet") and begins anew; run the batch layer for what retention is counted from"
            )
        }
    }

    /// - Parameter watermark: as it is, or was before it began anew.
    private func show(_ watermark: Instant?, ahead: SourceStatus.WatermarkAhead?, isReset: Bool) {
        Terminal.print(
            JSONText.object([
                ("source", .string(source)), ("watermark", .optional(watermark?.text)),
                ("watermark_ahead_seconds", .optional(ahead.map { Double($0.by.microseconds) / 1e6 })), ("reset", .bool(isReset)),
            ]).text())
    }
}

extension SourceStatus {
    struct WatermarkAhead {
        var by: Duration
        var text: String {
            "the watermark is \(by.rough) ahead of the newest record: events that are in time are left out as late"
        }
    }

    /// Not nil where clocks were wrong: no event may have been seen from beyond the newest record, nor from beyond now.
    var watermarkAhead: WatermarkAhead? {
        guard let watermark, let newest = positions.compactMap(\.newestAppendedAt).max() else { return nil }
        let ahead = watermark.rawValue.subtractingReportingOverflow(min(newest, now).rawValue)
        guard !ahead.overflow, ahead.partialValue > 0 else { return nil }
        return WatermarkAhead(by: .microseconds(ahead.partialValue))
    }
}
