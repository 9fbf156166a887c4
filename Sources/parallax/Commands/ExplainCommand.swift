import ArgumentParser
import Catalog
import Explanation
import ParallaxCore
import Postgres
import ServingViews
import ViewLanguage

struct ExplainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain", abstract: "Say what a number is made of: layers, run, cut, slices, drift, and the raw events behind it.",
        discussion: discussion(
            """
            --where names one row by the view's window and group columns: `page = /pricing`, `minute = 2026-01-01 10:00Z`, `page IS NULL`; several with AND or \
            commas between them, or several times. Quote a value that holds one of those: `name = 'a, b'`. Events come from this machine's archive and from the \
            log, each with its fate: batch or live (they make the row), copy, late, waiting or refused (left out). They come in pages; --after goes on with the \
            next one. --events-only prints the events that make the row, all of them, one JSON object a line: aggregated by PostgreSQL they give the row.
            """,
            example: "parallax explain traffic_by_page --where 'page = /pricing AND minute = 2026-01-01 10:00Z' --pipeline demo",
            "parallax explain traffic_by_page --where 'page = /pricing' --where 'minute = 2026-01-01 10:00Z' --events-only --pipeline demo")
    )

    @OptionGroup var options: PipelineOptions
    @Argument(help: "The view.", completion: .materializedNames) var view: String
    @Option(
        name: .customLong("where"), help: ArgumentHelp("Which row: column = value; may be given several times.", valueName: "condition"))
    var conditions: [String] = []
    @Option(help: ArgumentHelp("How many events to print; 20 without it.", valueName: "n")) var limit: Int?
    @Option(help: ArgumentHelp("Begin behind the page that ended with this.", valueName: "cursor")) var after: String?
    @Option(help: ArgumentHelp("Stop after so many records of archive and log.", valueName: "n")) var maxRecords = ExplanationLimits()
        .records
    @Flag(help: "Print JSON.") var json = false
    @Flag(help: "Print the events that make the row, as JSON objects, one a line.") var eventsOnly = false

    private static let defaultLimit = 20
    /// With --events-only: as many as fit into memory with their payloads.
    private static let allEvents = (count: 10_000_000, bytes: 1 << 30)

    func validate() throws {
        if let limit, limit < 1 { throw ValidationError("--limit takes a whole number from 1 on.") }
        if maxRecords < 1 { throw ValidationError("--max-records takes a whole number from 1 on.") }
        if json && eventsOnly { throw ValidationError("--json and --events-only are two forms of output: give one of them.") }
        if let after, EventCursor(after) == nil { throw ValidationError("--after takes what an earlier output ended with.") }
    }

    func run() throws {
        let pipeline = try options.pipeline()
        let wanted = try conditions.flatMap { try RowConditions.parsed($0) }
        let (row, found, next) = try Database.with(pipeline) { connection in
            let catalog = try requireApplied(connection)
            let version = try RowLookup.version(ofView: view, catalog)
            // One snapshot, so that all that is said of the row belongs together.
            let row = try connection.transaction("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY") { () throws(ParallaxError) in
                try RowLookup.find(version, wanted, catalog)
            }
            var limits = ExplanationLimits()
            limits.records = maxRecords
            if eventsOnly { limits.bytesPerPage = Self.allEvents.bytes }
            let question = try row.question(
                limit: limit ?? (eventsOnly ? Self.allEvents.count : Self.defaultLimit), after: after.flatMap(EventCursor.init))
            let found = try pipeline.eventsBehindRow(question, catalog, limits: limits) { !Interrupt.isRequested }
            return (row, found, row.cursor(behind: found, of: question)?.text)
        }
        if json {
            let members = row.members(value: { QueryOutput.json($0, $1) }) + found.members(withPayloads: true, next: next)
            Terminal.print(JSONText.object(members).text())
        } else if eventsOnly {
            let lines = found.page.filter { $0.fate.isCounted == true }.map { $0.json(withPayload: true).text(indentation: nil) + "\n" }
            Terminal.write(lines.joined(), to: 1)
            if let next { Terminal.note("note: there are more events: --after \(next)") }
        } else {
            Terminal.write(row.text(found, next: next), to: 1)
        }
        for note in row.notes(found) { Terminal.note("note: \(note)") }
    }
}

/// What `--where` says: equalities with AND or commas between them.
enum RowConditions {
    /// Throws `.usage` where the text is none.
    static func parsed(_ text: String) throws(ParallaxError) -> [RowCondition] {
        var scanner = Scanner(text)
        var found: [RowCondition] = []
        repeat {
            guard let column = scanner.name() else { throw refused(text, "a column's name is missing") }
            if scanner.word("is") {
                guard scanner.word("null") else { throw refused(text, "behind \"\(column) IS\" comes NULL") }
                found.append(RowCondition(column, nil))
            } else {
                guard scanner.equals() else { throw refused(text, "behind \"\(column)\" comes = and a value") }
                let isQuoted = scanner.isAtQuote
                guard let value = scanner.value() else {
                    throw refused(text, "column \"\(column)\" has no value, or a quote that does not end")
                }
                found.append(RowCondition(column, !isQuoted && value.lowercased() == "null" ? nil : value))
            }
        } while scanner.separator()
        guard scanner.isAtEnd else { throw refused(text, "between two conditions stands AND or a comma") }
        for (index, condition) in found.enumerated() where found[..<index].contains(where: { $0.column == condition.column }) {
            throw refused(text, "the column \"\(condition.column)\" is named twice")
        }
        return found
    }

    private static func refused(_ text: String, _ why: String) -> ParallaxError {
        ParallaxError(
            .usage, "--where \(shellQuoted(text)) cannot be read: \(why)",
            hint: "as in --where \"page = '/pricing' AND minute = '2026-01-01 10:00Z'\"")
    }

    private struct Scanner {
        private let characters: [Character]
        private var position = 0

        init(_ text: String) { characters = Array(text) }

        private mutating func skipSpaces() { while position < characters.count, characters[position].isWhitespace { position += 1 } }

        var isAtEnd: Bool {
            var copy = self
            copy.skipSpaces()
            return copy.position == characters.count
        }

        private static func isPart(_ character: Character) -> Bool {
            character.isLetter || character.isNumber || character == "_" || character == "$"
        }

        /// In double quotes, or as PostgreSQL folds it.
        mutating func name() -> String? {
            skipSpaces()
            if let quoted = quoted("\"") { return quoted }
            let start = position
            while position < characters.count, Self.isPart(characters[position]) { position += 1 }
            return start == position ? nil : String(characters[start..<position]).lowercased()
        }

        /// A word by itself, in any case.
        mutating func word(_ word: String) -> Bool {
            skipSpaces()
            let end = position + word.count
            guard end <= characters.count, String(characters[position..<end]).lowercased() == word,
                end == characters.count || !Self.isPart(characters[end])
            else { return false }
            position = end
            return true
        }

        mutating func equals() -> Bool {
            skipSpaces()
            guard position < characters.count, characters[position] == "=" else { return false }
            position += 1
            return true
        }

        var isAtQuote: Bool {
            var copy = self
            copy.skipSpaces()
            return copy.position < characters.count && characters[copy.position] == "'"
        }

        /// In single quotes; or all up to the next comma, the next AND, or the end.
        mutating func value() -> String? {
            if isAtQuote {
                skipSpaces()
                return quoted("'")
            }
            skipSpaces()
            let start = position
            var end = position
            while position < characters.count, characters[position] != "," {
                if characters[position].isWhitespace {
                    var ahead = self
                    if ahead.word("and") { break }
                    position += 1
                } else {
                    position += 1
                    end = position
                }
            }
            return start == end ? nil : String(characters[start..<end])
        }

        mutating func separator() -> Bool {
            if word("and") { return true }
            skipSpaces()
            guard position < characters.count, characters[position] == "," else { return false }
            position += 1
            return true
        }

        /// Nil, and nothing is passed, where no such quote stands here, or where it does not end.
        private mutating func quoted(_ quote: Character) -> String? {
            guard position < characters.count, characters[position] == quote else { return nil }
            var text = ""
            var next = position + 1
            while next < characters.count {
                if characters[next] == quote {
                    guard next + 1 < characters.count, characters[next + 1] == quote else {
                        position = next + 1
                        return text
                    }
                    next += 1
                }
                text.append(characters[next])
                next += 1
            }
            return nil
        }
    }
}
