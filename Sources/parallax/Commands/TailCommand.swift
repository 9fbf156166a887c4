import ArgumentParser
import Catalog
import Glibc
import ParallaxCore
import Postgres

struct TailCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tail", abstract: "Print a view's rows as they change.",
        discussion: discussion(
            """
            Each flush and each publication that changes rows prints them, as they are now: + a row that is new or has changed, - one that is no more. \
            It begins with what comes next; --from-start prints all rows first, --since goes on from the change that an earlier output ended with. \
            Where rows changed in a way that cannot be followed (another version of the view, a gap that was given up), it says so, and prints all rows \
            again. It waits for a server that restarts. Ctrl-C ends it.
            """,
            example: "parallax tail traffic_by_page --pipeline demo",
            "parallax tail traffic_by_page --from-start --json --limit 100 --pipeline demo"))

    @OptionGroup var options: PipelineOptions
    @Argument(help: "The view.", completion: .materializedNames) var view: String
    @Flag(help: "Print all rows first.") var fromStart = false
    @Option(help: "Go on behind this change.") var since: Int64?
    @Flag(help: "Print a JSON object a line: change, operation, key, row.") var json = false
    @Option(help: "End after so many rows.") var limit: Int?

    func validate() throws {
        if fromStart && since != nil { throw ValidationError("--from-start and --since are two places to begin at: give one of them.") }
        if let limit, limit < 1 { throw ValidationError("--limit takes a whole number from 1 on.") }
    }

    func run() throws {
        let pipeline = try options.pipeline()
        var progress = Progress(
            place: since.map { .change($0) } ?? (fromStart ? .start : .now), output: TailOutput(isJSON: json, rowsLeft: limit))
        while !Interrupt.isRequested, !progress.output.isFull {
            guard let error = lost(pipeline, &progress), !Interrupt.isRequested else { continue }
            guard progress.hasBegun, error.code == .unavailable || error.isRetriable else { throw error }
            if !progress.isLost { Terminal.note("\(error.message); waiting for it to come back") }
            progress.isLost = true
            Self.pause()
        }
    }

    private struct Progress {
        var place: Place
        var output: TailOutput
        /// A server that is not there is an error at first; later it is waited for.
        var hasBegun = false
        /// What is not kept is an error at the first look; later all rows come in its place.
        var hasLooked = false
        var isLost = false
    }

    /// Follows until enough was printed, or Ctrl-C; what ended it else.
    private func lost(_ pipeline: Pipeline, _ progress: inout Progress) -> ParallaxError? {
        do throws(ParallaxError) {
            let database = try Database(pipeline)
            defer { try? database.close() }
            let connection = try Connection(database.dsn, applicationName: "parallax tail")
            progress.hasBegun = true
            defer { connection.close() }
            try follow(connection, &progress)
            return nil
        } catch { return error }
    }

    private enum Place {
        case now, start
        case change(Int64)
    }

    /// Returns when enough was printed, or at Ctrl-C.
    private func follow(_ connection: Connection, _ progress: inout Progress) throws(ParallaxError) {
        let catalog = Catalog(connection)
        try catalog.checkVersion()
        let followed = try catalog.followedView(view)
        // Before anything is read: what comes after it is announced.
        try connection.listen(followed.channel)
        try connection.listen(followed.sourceChannel)
        if progress.isLost { Terminal.note("connected again") }
        progress.isLost = false
        while !Interrupt.isRequested {
            let changes: ViewChanges?
            switch progress.place {
            case .now:
                changes = nil
                progress.place = .change(try catalog.followedView(view).change)
            case .start: changes = try catalog.changes(of: view, since: nil, orAllRows: true)
            case .change(let change): changes = try catalog.changes(of: view, since: change, orAllRows: progress.hasLooked)
            }
            progress.hasLooked = true
            if let changes {
                if changes.isReset { Terminal.note("what changed cannot be followed: here are all rows of \(view)") }
                progress.output.write(changes)
                progress.place = .change(changes.change)
            }
            guard !progress.output.isFull else { return }
            // Wakes up now and then to look for Ctrl-C; asks nothing.
            while !Interrupt.isRequested, try connection.waitForNotification(timeout: .milliseconds(200)) == nil {}
            // Of several one look tells all.
            while try connection.waitForNotification(timeout: .zero) != nil {}
        }
    }

    private static func pause() {
        for _ in 0..<5 where !Interrupt.isRequested {
            var time = timespec(tv_sec: 0, tv_nsec: 200_000_000)
            nanosleep(&time, nil)
        }
    }
}

/// The rows of `parallax tail`: lines in columns, which grow with what comes, or JSON.
struct TailOutput {
    private let isJSON: Bool
    private var rowsLeft: Int?
    private var widths: [Int] = []

    init(isJSON: Bool, rowsLeft: Int?) {
        self.isJSON = isJSON
        self.rowsLeft = rowsLeft
    }

    var isFull: Bool { rowsLeft == 0 }

    mutating func write(_ changes: ViewChanges) {
        let output = QueryOutput(changes.rows)
        let rows = changes.rows.rows.prefix(rowsLeft ?? .max)
        rowsLeft = rowsLeft.map { $0 - rows.count }
        guard !rows.isEmpty else { return }
        let lines = isJSON ? rows.map { json($0, output, changes) } : table(rows, output)
        Terminal.write(lines.map { $0 + "\n" }.joined(), to: 1)
    }

    private func json(_ row: QueryResult.Row, _ output: QueryOutput, _ changes: ViewChanges) -> String {
        let values = zip(output.result.columns, zip(output.kinds, row.values)).dropFirst(3).map { ($0, output.value($1.0, $1.1)) }
        // A snapshot's rows stand for all changes up to its own.
        let change = row[0].map { JSONText.number($0) } ?? .int(changes.change)
        return JSONText.object([
            ("change", change), ("operation", .optional(row[1])), ("key", .optional(row[2])), ("row", .object(Array(values))),
        ]).text(indentation: nil)
    }

    private mutating func table(_ rows: ArraySlice<QueryResult.Row>, _ output: QueryOutput) -> [String] {
        let head = output.result.columns.dropFirst(3)
        let cells = rows.map { row in
            [Self.mark(row[1])] + row.values.dropFirst(3).map { ($0 ?? "").replacing("\n", with: "\\n").replacing("\t", with: "\\t") }
        }
        let isFirst = widths.count != head.count + 1
        if isFirst { widths = [1] + head.map(\.displayWidth) }
        for row in cells { for (column, cell) in row.enumerated() { widths[column] = max(widths[column], cell.displayWidth) } }
        let isNumber = [false] + output.kinds.dropFirst(3).map { $0 == .number }
        func line(_ cells: [String]) -> String {
            var text = cells.enumerated().map { column, cell in
                let space = String(repeating: " ", count: max(0, widths[column] - cell.displayWidth))
                return isNumber[column] ? space + cell : cell + space
            }.joined(separator: "  ")
            while text.hasSuffix(" ") { text.removeLast() }
            return text
        }
        return (isFirst ? [line([""] + head)] : []) + cells.map(line)
    }

    private static func mark(_ operation: String?) -> String {
        switch operation {
        case "delete": "-"
        case "snapshot": "="
        default: "+"
        }
    }
}
