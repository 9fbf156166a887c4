import ArgumentParser
import Catalog
import ParallaxCore
import ServingViews

struct CompareCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compare", abstract: "How far a view's live rows were from the exact ones, why, and in which rows.",
        discussion: discussion(
            """
            A batch run compares what the live view said with what it finds itself, over exactly the same records, and writes both down. This prints it: the \
            figures of each output, the causes (their rows add up to the rows that differ), the group values that stand out, and the rows with both values, those that \
            differ most first. Exit code 1 where an output's drift is beyond the view's max_drift, or beyond --max-drift; 0 where it is not, and where there is no limit.

            All of it is plain SQL, too: comparison.<view> has the rows of the last runs, serving.comparison_summary the figures of all runs.

            With --answers: of the answers of the HTTP API that were kept (serve.audit_sample), how wrong each number was, by how old its window was when \
            the answer was given. The truth is the published run's row, once the window has ended and all of it lies below the run's cut.
            """,
            example: "parallax compare traffic_by_page --pipeline demo",
            "parallax compare traffic_by_page --run 3 --from 2026-03-01T12:00Z --format csv > drift.csv"))

    @OptionGroup var options: PipelineOptions
    @Argument(help: "The view.", completion: .materializedNames) var view: String
    @Option(
        name: .customLong("run"), help: ArgumentHelp("The run. Without it, the newest that compared live rows of the view.", valueName: "n")
    ) var number: Int64?
    @Option(help: ArgumentHelp("Only windows that begin at or after it.", valueName: "time")) var from: String?
    @Option(help: ArgumentHelp("Only windows that begin before it.", valueName: "time")) var to: String?
    @Option(help: ArgumentHelp("How many rows to print.", valueName: "n")) var limit = 10
    @Flag(help: "Also print rows in which the layers agree.") var all = false
    @Option(help: ArgumentHelp("Judge by this share instead of the view's max_drift, as in 2%.", valueName: "share")) var maxDrift: String?
    @Flag(help: "Compare answers that were kept: how wrong they were, by the age of their windows.") var answers = false
    @Option(help: "How to print: table, csv (the rows) or json.") var format = QueryCommand.Format.table

    func validate() throws {
        if answers, number != nil || from != nil || to != nil || all || maxDrift != nil {
            throw ValidationError("--answers compares all answers with the published run: it goes with --format alone.")
        }
        if limit < 0 { throw ValidationError("--limit must not be negative.") }
        if let maxDrift, Self.share(maxDrift) == nil {
            throw ValidationError("--max-drift is a share, such as 2% or 0.02: \"\(maxDrift)\" is none.")
        }
    }

    private static func share(_ text: String) -> Double? {
        let isPercent = text.hasSuffix("%")
        guard let number = Double(isPercent ? String(text.dropLast()) : text), number >= 0, number.isFinite else { return nil }
        return isPercent ? number / 100 : number
    }

    func run() throws {
        if answers { return try compareAnswers() }
        let comparison = try Database.with(options.pipeline()) { connection in
            _ = try requireApplied(connection)
            return try LayerComparison(
                connection, .init(view: view, run: number.map { RunNumber($0) }, from: from, to: to, limit: limit, withEqual: all))
        }
        let maxShare = maxDrift.flatMap(Self.share) ?? comparison.maxDrift
        switch format {
        case .table: Terminal.write(comparison.text(limit: maxShare), to: 1)
        case .csv: Terminal.write(QueryOutput(comparison.rows).csv(), to: 1)
        case .json: Terminal.print(comparison.json(limit: maxShare).text())
        }
        if !comparison.beyond(maxShare).isEmpty { throw ExitCode(ExitStatus.differs) }
    }

    private func compareAnswers() throws {
        let comparison = try Database.with(options.pipeline()) { connection in
            _ = try requireApplied(connection)
            return try AnswersComparison(connection, view: view)
        }
        switch format {
        case .table: Terminal.write(comparison.text, to: 1)
        case .csv: Terminal.write(comparison.csv, to: 1)
        case .json: Terminal.print(comparison.json.text())
        }
    }
}
