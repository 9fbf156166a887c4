import ArgumentParser
import Catalog
import Compression
import Disk
import Foundation
import ParallaxCore
import Postgres
import TableLoading
import ViewLanguage

struct LoadCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "load", abstract: "Fill a table that views join from CSV or newline-delimited JSON.",
        discussion: discussion(
            """
            Reads plain text, gzip and zstd. All rows are loaded, in one transaction, or none: each row that is wrong is named with its line. \
            The layers read the table again by themselves.
            """, example: "parallax load ad ads.csv --replace --pipeline demo",
            "zcat ads.ndjson.gz | parallax load ad - --format ndjson --upsert"))

    enum Format: String, ExpressibleByArgument, CaseIterable { case csv, ndjson }

    @OptionGroup var options: PipelineOptions
    @Argument(help: "The table, as the definitions name it.", completion: .tableNames) var table: String
    @Argument(help: ArgumentHelp("The file; - is standard input.", valueName: "file"), completion: .file()) var file: String
    @Option(help: "csv or ndjson. Without it the file's name tells.") var format: Format?
    @Flag(help: "Take all rows out of the table first.") var replace = false
    @Flag(help: "Overwrite rows that have the same key.") var upsert = false
    @Flag(help: "The CSV has no first line with the columns' names: its columns are the table's, in their order.") var noHeader = false
    @Flag(help: "Print the counts, or what is wrong, as JSON.") var json = false

    func validate() throws {
        if replace && upsert { throw ValidationError("--replace and --upsert exclude one another.") }
        if noHeader && format == .ndjson { throw ValidationError("--no-header is for CSV.") }
    }

    func run() throws {
        let pipeline = try options.pipeline()
        let definition = try pipeline.definitions().dimension(named: table)
        let format = try chosenFormat()
        let reader =
            file == "-"
            ? try DecompressingReader(descriptor: STDIN_FILENO, name: "standard input") : try DecompressingReader(path: file)
        let totals = try Database.with(pipeline) { connection -> TableLoad.Totals in
            let catalog = try requireApplied(connection)
            guard let applied = try catalog.dimensions().first(where: { $0.name == table }), applied.definition == definition else {
                throw ParallaxError(
                    .definition, "table \"\(table)\" is not applied as the definitions declare it", hint: "run parallax apply")
            }
            if upsert, definition.keys.isEmpty {
                throw ParallaxError(
                    .usage, "table \"\(table)\" has no key: --upsert cannot know which rows are the same",
                    hint: "declare a PRIMARY KEY, or load with --replace")
            }
            let load = TableLoad(table: definition, mode: replace ? .replace : upsert ? .upsert : .append, connection: connection)
            do {
                switch format {
                case .csv: return try read(load, CSVFile(reader, table: definition, hasHeader: !noHeader))
                case .ndjson:
                    let limit = pipeline.configuration.integer(.logMaxRecordBytes)
                    return try read(load, JSONFile(reader, table: definition, maximumLineBytes: limit))
                }
            } catch let problem as LoadProblem {
                throw refused(TableLoad.Refused(problems: [problem]))
            } catch let error as TableLoad.Refused {
                throw refused(error)
            }
        }
        report(totals)
    }

    private func read(_ load: TableLoad, _ rows: some LoadFile) throws -> TableLoad.Totals {
        var progress = Progress("load \(table)", total: file == "-" ? nil : Disk.size(ofFile: file))
        defer { progress.finish() }
        return try load.load(rows) { count throws(ParallaxError) in
            if Interrupt.isRequested { throw ParallaxError(.cancelled, "stopped; nothing was loaded") }
            progress.update(rows.inputPosition, counted(count, "row"))
        }
    }

    private func chosenFormat() throws(ParallaxError) -> Format {
        if let format { return format }
        var name = file.lowercased()
        for ending in [".gz", ".zst"] where name.hasSuffix(ending) { name.removeLast(ending.count) }
        if name.hasSuffix(".csv") { return .csv }
        if [".ndjson", ".jsonl", ".json"].contains(where: name.hasSuffix) { return .ndjson }
        throw ParallaxError(
            .usage, file == "-" ? "the format of standard input is not known" : "the format of \(file) is not known by its name",
            hint: "add --format csv or --format ndjson")
    }

    private func refused(_ refused: TableLoad.Refused) -> any Error {
        if json {
            Terminal.print(
                JSONText.object([
                    ("table", .string(table)), ("rows", .int(0)),
                    (
                        "problems",
                        .array(
                            refused.problems.map {
                                .object([
                                    ("line", .int(Int64($0.line))), ("column", .optional($0.column)), ("message", .string($0.message)),
                                ])
                            })
                    ),
                ]).text())
        }
        var texts = refused.problems.map { $0.text(file: file == "-" ? "standard input" : file) }
        if texts.count == TableLoad.problemsNamed { texts.append("the rest is not shown") }
        texts[texts.count - 1] += "\nnothing was loaded" + (refused.hint.map { "\nhint: \($0)" } ?? "")
        return ReportedProblems(code: .input, texts: texts)
    }

    private func report(_ totals: TableLoad.Totals) {
        if json {
            return Terminal.print(
                JSONText.object([
                    ("table", .string(table)), ("rows", .int(Int64(totals.rows))), ("removed", .int(Int64(totals.removed))),
                    ("problems", .array([])),
                ]).text())
        }
        let words = upsert ? "written" : "loaded"
        Terminal.print("\(table): \(counted(totals.rows, "row")) \(words)" + (replace ? ", \(grouped(totals.removed)) removed" : ""))
    }
}

extension Definitions {
    /// Throws `.usage` with the nearest name where there is no such table.
    func dimension(named name: String) throws(ParallaxError) -> DimensionDefinition {
        if let dimension = dimensions.first(where: { $0.name == name }) { return dimension }
        throw ParallaxError(
            .usage, "there is no table \"\(name)\"",
            detail: dimensions.isEmpty
                ? "The definitions have no CREATE TABLE." : "Tables: \(dimensions.map(\.name).joined(separator: ", ")).",
            hint: nearestName(to: name, among: dimensions.map(\.name)).map(didYouMean))
    }
}
