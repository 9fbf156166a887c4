import ArgumentParser
import Catalog
import ParallaxCore
import Postgres

struct QueryCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "query", abstract: "Run one SQL statement and print its rows.",
        discussion: discussion(
            """
            A name alone is all rows of that view. Read-only, unless --write is given. The views of the pipeline are in the schema "serving", which \
            is searched first. --frontier prints beside the rows what they contain, from the same snapshot: cut, offsets, watermark, and what is \
            missing or given up.
            """,
            example: "parallax query --pipeline demo 'SELECT * FROM traffic_by_page ORDER BY minute DESC, views DESC LIMIT 5'"))

    enum Format: String, ExpressibleByArgument, CaseIterable { case table, csv, json }

    @OptionGroup var options: PipelineOptions
    @Argument(help: "The statement, or a view's name.", completion: .viewNames) var statement: String
    @Option(help: "How to print: table, csv or json.") var format = Format.table
    @Flag(help: "Let the statement change things.") var write = false
    @Flag(help: "Also print what the rows contain; as JSON: an object with \"rows\" and \"frontier\".") var frontier = false

    /// One word is no statement that reads anything: it is meant as a name.
    private var sql: String {
        let words = statement.trimmingSpaces
        guard words.wholeMatch(of: /(serving\.)?([a-z_][a-z0-9_$]*|"([^"]|"")+")/.ignoresCase()) != nil,
            !["commit", "rollback", "abort", "end", "begin", "checkpoint", "vacuum", "analyze"].contains(words.lowercased())
        else { return statement }
        return "SELECT * FROM \(words)"
    }

    func validate() throws {
        if frontier && write { throw ValidationError("--frontier is for statements that read: it cannot be given with --write.") }
        if frontier && format == .csv { throw ValidationError("--frontier has no place in a CSV file: use --format table or json.") }
    }

    func run() throws {
        let pipeline = try options.pipeline()
        let (result, contained, notes) = try Database.with(pipeline) { connection in
            try connection.execute("SET search_path = serving, public")
            if !write { try connection.execute("SET default_transaction_read_only = on") }
            var contained: QueryResult?
            let result: QueryResult
            do throws(ParallaxError) {
                if frontier {
                    _ = try requireApplied(connection)
                    // One snapshot, so that the frontier is that of these rows.
                    result = try connection.transaction("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY") { () throws(ParallaxError) in
                        let result = try answer(connection)
                        contained = try Catalog(connection).frontier()
                        return result
                    }
                } else {
                    result = try answer(connection)
                }
            } catch { throw Self.explained(error, connection) }
            return (result, contained, try Self.notes(sql, Catalog(connection)))
        }
        for note in notes { Terminal.note(NamedCommands.completed("note: \(note)")) }
        guard !result.columns.isEmpty else { return Terminal.note("ok, \(counted(result.affectedRows, "row")) changed") }
        let rows = QueryOutput(result)
        switch (format, contained.map(QueryOutput.init)) {
        case (.table, nil): Terminal.write(rows.table(), to: 1)
        case (.table, let contained?): Terminal.write(rows.table() + "\n" + contained.table(), to: 1)
        case (.csv, _): Terminal.write(rows.csv(), to: 1)
        case (.json, nil): Terminal.write(rows.json(), to: 1)
        case (.json, let contained?):
            Terminal.write("{\"rows\": \(rows.json().dropLast()),\n\"frontier\": \(contained.json().dropLast())}\n", to: 1)
        }
    }

    /// What the rows lack, also where there is no row to say so.
    private static func notes(_ sql: String, _ catalog: Catalog) throws(ParallaxError) -> [String] {
        var notes: [String] = []
        for (source, offsets) in try catalog.givenUp(readBy: sql) {
            notes.append(
                "\(counted(offsets, "offset")) of source \(source) \(offsets == 1 ? "was" : "were") lost and given up: rows that may lack records are marked "
                    + "is_exact = false (parallax status names them)")
        }
        for (source, records) in try catalog.waiting(readBy: sql) {
            notes.append(
                "\(counted(records, "record")) of source \(source) \(records == 1 ? "is" : "are") in no answer until a batch run is published: "
                    + "no row is exact")
        }
        for (view, windows, events) in try catalog.late(readBy: sql) {
            let place = windows == 0 ? "" : " in \(counted(windows, "window"))"
            notes.append(
                "view \(view) lacks \(counted(events, "late event"))\(place) until the next batch run: their windows' "
                    + "rows are not exact, or are not there yet (SELECT * FROM parallax.late_window)")
        }
        return notes
    }

    /// Who asks a source for its events should hear what it is. PostgreSQL only knows that there is no such relation (42P01).
    private static func explained(_ error: ParallaxError, _ connection: Connection) -> ParallaxError {
        guard error.sqlState == SQLState.undefinedTable else { return error }
        let sources = (try? Catalog(connection).sources().map(\.name)) ?? []
        guard let source = sources.first(where: { error.message.contains("\"\($0)\"") || error.message.contains(".\($0)\"") }) else {
            return Self.withNearestView(error, connection)
        }
        let views = try? Catalog(connection).viewNames(ofSource: source)
        var error = error
        error.detail =
            "\"\(source)\" is a source: its events are not rows of a table. They are counted in views, and kept in the archive, as Parquet files."
        error.hint = views.flatMap { $0.isEmpty ? nil : "views over it: \($0.joined(separator: ", "))" } ?? "no view reads it yet"
        return error
    }

    /// - Parameter error: PostgreSQL's, of a relation that is not there.
    private static func withNearestView(_ error: ParallaxError, _ connection: Connection) -> ParallaxError {
        guard let name = error.message.firstMatch(of: /"(?:serving\.)?([^"]+)"/)?.1 else { return error }
        let views = try? connection.query(
            "SELECT relname FROM pg_class WHERE relnamespace = to_regnamespace('serving') AND relkind = 'v' ORDER BY relname"
        ).texts(0)
        var error = error
        error.hint = views.flatMap { nameHint(for: String(name), among: $0, listedAs: "the views are") }
        return error
    }

    /// The extended protocol takes one statement, so that none can follow that ends a transaction and begins another.
    private func answer(_ connection: Connection) throws(ParallaxError) -> QueryResult {
        do throws(ParallaxError) { return try connection.query(sql) } catch {
            var error = error
            // The statement is the user's: what PostgreSQL refuses in it is bad input, not an unavailable service.
            if error.code == .database { error.code = .input }
            if error.sqlState == SQLState.syntaxError, error.message.contains("multiple commands") {
                error.message = "parallax query takes one statement, and this is more than one"
                error.hint = "ask one after the other; parallax psql takes several"
            }
            if error.sqlState == SQLState.readOnlyTransaction { error.hint = "add --write to let the statement change things" }
            throw error
        }
    }
}
