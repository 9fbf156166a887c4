import ArgumentParser
import ParallaxCore
import Postgres

struct QueryCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "query", abstract: "Run one SQL statement and print its rows.",
        discussion: discussion(
            "Read-only, unless --write is given. The views of the pipeline are in the schema \"serving\", which is searched first.",
            example: "parallax query --pipeline demo 'SELECT * FROM traffic_by_page ORDER BY minute DESC, views DESC LIMIT 5'"))

    enum Format: String, ExpressibleByArgument, CaseIterable { case table, csv, json }

    @OptionGroup var options: PipelineOptions
    @Argument(help: "The statement.") var sql: String
    @Option(help: "How to print: table, csv or json.") var format = Format.table
    @Flag(help: "Let the statement change things.") var write = false

    func run() throws {
        let pipeline = try options.pipeline()
        let result = try Database.with(pipeline) { connection in
            try connection.execute("SET search_path = serving, public")
            if !write { try connection.execute("SET default_transaction_read_only = on") }
            do throws(ParallaxError) {
                // The extended protocol takes one statement, so that none can follow that ends a transaction and begins another.
                return try connection.query(sql)
            } catch {
                var error = error
                // The statement is the user's: what PostgreSQL refuses in it is bad input, not an unavailable service.
                if error.code == .database { error.code = .input }
                // 25006 read_only_sql_transaction
                if error.sqlState == "25006" { error.hint = "parallax query is read-only unless --write is given." }
                throw error
            }
        }
        guard !result.columns.isEmpty else { return Terminal.note("ok, \(grouped(result.affectedRows)) rows changed") }
        let output = QueryOutput(result)
        switch format {
        case .table: Terminal.write(output.table(), to: 1)
        case .csv: Terminal.write(output.csv(), to: 1)
        case .json: Terminal.write(output.json(), to: 1)
        }
    }
}
