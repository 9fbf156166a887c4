import ArgumentParser
import Compression
import Disk
import Foundation
import Ingestion
import KafkaLog
import Operators
import ParallaxCore

struct IngestCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ingest", abstract: "Append newline-delimited JSON to a source's log.",
        discussion: discussion(
            """
            Reads plain text, gzip and zstd. Each line is a record, whatever is in it: lines that are no events go into the log too and are \
            counted as malformed. The event id is the record's key. Lines of a slow producer wait for others 0.2 s at most. Returns when all records \
            are durable. --json prints a token, too: parallax wait, or after= of the API's rows, waits until what was written is in the answers.
            """, example: "parallax ingest page_view events.ndjson.gz --pipeline demo", "zcat events.gz | parallax ingest page_view -"))

    @OptionGroup var options: PipelineOptions
    @Argument(help: "The source, as the definitions name it.", completion: .sourceNames) var source: String
    @Argument(help: ArgumentHelp("The file; - is standard input.", valueName: "file"), completion: .file()) var file = "-"
    @Option(
        name: .customLong("header"), help: ArgumentHelp("A header of every record; may be given several times.", valueName: "name=value"))
    var headers: [String] = []
    @Flag(help: "Print the counts, and the token of what was written, as JSON.") var json = false

    func validate() throws {
        for header in headers where !header.contains("=") {
            throw ValidationError("--header must look like NAME=VALUE, not \"\(header)\".")
        }
    }

    private var recordHeaders: [RecordHeader] {
        headers.map { header in
            let parts = header.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            return RecordHeader(name: Array(parts[0].utf8), value: Array(parts[1].utf8))
        }
    }

    func run() throws {
        let pipeline = try options.pipeline()
        let definition = try pipeline.definitions().source(named: source)
        if file == "-" { try waitForInput() }
        let reader =
            file == "-"
            ? try DecompressingReader(descriptor: STDIN_FILENO, name: "standard input") : try DecompressingReader(path: file)
        let log = try pipeline.openLog(definition, onRecovery: { Terminal.note("recovered the log of \($0.source): \($0)") })
        let why = pipeline.whyNotRead(log, definition).map { pipeline.standsStill(source, $0) }
        if let why { Terminal.warn(why) }
        let limit = pipeline.configuration.integer(.logMaxRecordBytes)
        var ingestion = LineIngestion(definition, lines: LineReader(reader, maximumLineBytes: limit), headers: recordHeaders) {
            records throws(ParallaxError) in
            try log.append(records, to: nil)
        }
        var progress = Progress("ingest \(source)", total: file == "-" ? nil : Disk.size(ofFile: file))
        do throws(ParallaxError) {
            while !Interrupt.isRequested, try ingestion.step() {
                progress.update(reader.inputPosition, counted(ingestion.totals.records, "record"))
            }
        } catch {
            progress.finish()
            let partly = (log as? KafkaLog)?.recordsOfFailedAppend ?? 0
            report(ingestion.totals, limit: limit, why, partly: partly, token: token(ingestion.totals, log))
            throw withPosition(error, ingestion.totals)
        }
        progress.finish()
        report(ingestion.totals, limit: limit, why, token: token(ingestion.totals, log))
        if Interrupt.isRequested {
            throw ParallaxError(
                .cancelled, "stopped before the end of the input: \(Self.inTheLog(ingestion.totals.records))")
        }
        if ingestion.totals.tooLong.count > 0 { throw ExitCode(ExitStatus.of(.input)) }
    }

    /// A pipe that stays silent must not keep Ctrl-C from ending us.
    private func waitForInput() throws(ParallaxError) {
        while !DecompressingReader.waitForInput(STDIN_FILENO, until: .now + LineIngestion.patience) {
            if Interrupt.isRequested { throw ParallaxError(.cancelled, "stopped before any input came") }
        }
    }

    private func withPosition(_ error: ParallaxError, _ totals: IngestionTotals) -> ParallaxError {
        var error = error
        let words = "Of the appends before it \(Self.inTheLog(totals.records)); records that are sent again are counted once."
        error.detail = [error.detail, words].compactMap(\.self).joined(separator: "\n         ")
        return error
    }

    static func inTheLog(_ records: Int) -> String { "\(counted(records, "record")) \(records == 1 ? "is" : "are") in the log" }

    /// What `parallax wait` takes; nil where nothing was appended, or the log does not say which one it is any more.
    private func token(_ totals: IngestionTotals, _ log: any EventLog) -> WriteToken? {
        guard !totals.ends.isEmpty, let identity = try? log.identity() else { return nil }
        return WriteToken(source: source, log: identity, ends: totals.ends)
    }

    /// - Parameters:
    ///   - unread: why nobody reads them, where that is so.
    ///   - partly: records of an append that failed, which are in the log all the same.
    private func report(_ totals: IngestionTotals, limit: Int, _ unread: ParallaxError?, partly: Int = 0, token: WriteToken?) {
        if json {
            var counted = totals
            counted.records += partly
            return Terminal.print(
                JSONText.object(
                    [("source", .string(source))] + counted.json + [
                        ("too_long", .int(Int64(totals.tooLong.count))),
                        ("too_long_lines", .array(totals.tooLong.firstLines.map { .int(Int64($0)) })),
                        ("token", .optional(token?.text)), ("problem", unread.map(\.json) ?? .null),
                    ]
                ).text())
        }
        Terminal.print(
            "\(source): \(Self.inTheLog(totals.records + partly)): \(grouped(totals.events)) accepted, "
                + "\(grouped(totals.malformedCount)) malformed" + (partly > 0 ? ", \(grouped(partly)) of an append that failed" : ""))
        for (reason, rejected) in totals.malformed.sorted(by: { ($1.value.count, $0.key.rawValue) < ($0.value.count, $1.key.rawValue) }) {
            Terminal.print("  \(grouped(rejected.count))  \(reason.rawValue)  \(places(rejected))")
        }
        if totals.tooLong.count > 0 {
            let why = "not taken, longer than \(counted(limit, "byte"))"
            Terminal.print("  \(grouped(totals.tooLong.count))  \(why)  \(places(totals.tooLong))")
            Terminal.note("hint: log.max_record_bytes in parallax.yaml is the limit")
        }
    }

    /// The message is one line's: it quotes that line's value.
    private func places(_ rejected: IngestionTotals.Rejected) -> String {
        guard let first = rejected.firstLines.first else { return rejected.message }
        guard rejected.count > 1 else { return "line \(first): \(rejected.message)" }
        let others = rejected.firstLines.dropFirst().map(String.init).joined(separator: ", ")
        let more = rejected.count > rejected.firstLines.count ? ", …" : ""
        return "first in line \(first): \(rejected.message); also in \(rejected.count == 2 ? "line" : "lines") \(others)\(more)"
    }
}
