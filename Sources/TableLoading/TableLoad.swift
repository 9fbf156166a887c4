import Catalog
import Operators
import ParallaxCore
import Postgres
import ViewLanguage

/// Loads a file into a table, all of it or nothing: the rows go into a temporary table first, where what is wrong with them can be said by
/// the line that they come from.
public struct TableLoad {
    public enum Mode: String { case append, replace, upsert }

    /// More than anyone reads.
    public static let problemsNamed = 20

    public struct Totals {
        public var rows = 0
        /// Rows that the table had before, and that went.
        public var removed = 0
    }

    /// The rows that cannot be loaded, the first ones.
    public struct Refused: Error {
        public var problems: [LoadProblem]
        public var hint: String?

        public init(problems: [LoadProblem], hint: String? = nil) {
            self.problems = problems
            self.hint = hint
        }
    }

    let table: DimensionDefinition
    /// To overwrite rows the table must have a key.
    let mode: Mode
    let connection: Connection

    public init(table: DimensionDefinition, mode: Mode, connection: Connection) {
        self.table = table
        self.mode = mode
        self.connection = connection
    }

    private var place: String { Catalog.place(table) }
    /// The file's rows, with the lines that they come from, until the end of the transaction.
    private static let staged = "pg_temp.parallax_load"
    private var lineColumn: String {
        var name = "file_line"
        while table.columns.contains(where: { $0.name == name }) { name += "_" }
        return name
    }

    public func load(_ file: some LoadFile, progress: @escaping (Int) throws(ParallaxError) -> Void) throws -> Totals {
        try connection.execute("BEGIN")
        do {
            let totals = try loadInTransaction(file, progress)
            try connection.execute("COMMIT")
            return totals
        } catch {
            // Where this fails too, the connection is gone and the server rolls back by itself.
            _ = try? connection.execute("ROLLBACK")
            guard var refusal = error as? ParallaxError, let state = refusal.sqlState, state.hasPrefix("22") || state.hasPrefix("23") else {
                throw error
            }
            // The table has rules that the declaration does not know: it is the file's rows that do not fit.
            refusal.code = .input
            refusal.message = "nothing was loaded: \(refusal.message)"
            throw refusal
        }
    }

    private func loadInTransaction(_ file: some LoadFile, _ progress: (Int) throws(ParallaxError) -> Void) throws -> Totals {
        let names = file.columns.map { Connection.quoteIdentifier($0.name) }
        let list = names.joined(separator: ", ")
        let line = Connection.quoteIdentifier(lineColumn)
        if mode != .append {
            // Before anything is compared with the table's rows.
            try connection.execute("LOCK TABLE \(place) IN SHARE ROW EXCLUSIVE MODE")
        }
        try connection.execute(
            "CREATE TEMPORARY TABLE parallax_load ON COMMIT DROP AS SELECT NULL::bigint AS \(line), \(list) FROM \(place) LIMIT 0")
        var totals = Totals()
        totals.rows = try copy(file, "COPY \(Self.staged) (\(line), \(list)) FROM STDIN", progress)
        try connection.execute("ANALYZE \(Self.staged)")
        try checkKeys(file.columns.map(\.name))
        if mode == .replace {
            // Not TRUNCATE: a run that reads the table in an older snapshot would find it empty.
            totals.removed = try connection.execute("DELETE FROM \(place)").affectedRows
        }
        try connection.execute("INSERT INTO \(place) (\(list)) SELECT \(list) FROM \(Self.staged) ORDER BY \(line)\(onConflict(names))")
        return totals
    }

    private func copy(_ file: some LoadFile, _ sql: String, _ progress: (Int) throws(ParallaxError) -> Void) throws -> Int {
        var problems: [LoadProblem] = []
        var other: (any Error)?
        var rows = 0
        do throws(ParallaxError) {
            try connection.copyIn(sql) { (buffer) throws(ParallaxError) in
                let batch: LoadRows?
                do { batch = try file.next() } catch {
                    other = error
                    throw ParallaxError(.cancelled, "the file ended the load")
                }
                guard let batch else { return false }
                problems += batch.problems
                guard problems.count < Self.problemsNamed else { throw ParallaxError(.cancelled, "the file ended the load") }
                rows += batch.lines.count
                if problems.isEmpty { append(batch, to: &buffer) }
                try progress(rows)
                return true
            }
        } catch {
            switch other {
            case let problem as LoadProblem: problems.append(problem)
            case let failure?: throw failure
            case nil: if problems.isEmpty { throw error }
            }
        }
        guard problems.isEmpty else { throw Refused(problems: Array(problems.prefix(Self.problemsNamed))) }
        return rows
    }

    private func append(_ rows: LoadRows, to buffer: inout [UInt8]) {
        for row in rows.lines.indices {
            buffer += "\(rows.lines[row])".utf8
            for column in rows.values {
                buffer.append(UInt8(ascii: "\t"))
                column.appendCopyText(row, to: &buffer)
            }
            buffer.append(UInt8(ascii: "\n"))
        }
    }

    /// Rows of the file with one key, and, where rows are added, with one that the table has already.
    private func checkKeys(_ given: [String]) throws {
        let line = Connection.quoteIdentifier(lineColumn)
        for key in table.keys {
            let names = key.map { table.columns[$0].name }
            guard names.allSatisfy(given.contains) else { continue }
            let quoted = names.map { Connection.quoteIdentifier($0) }
            let values = "concat_ws(', ', \(quoted.map { "s.\($0)::text" }.joined(separator: ", ")))"
            let shown = "(\(names.joined(separator: ", ")))"
            let twice = try connection.query(
                """
                SELECT lines[2], lines[1], value FROM (
                    SELECT (array_agg(s.\(line) ORDER BY s.\(line)))[1:2] AS lines, min(\(values)) AS value FROM \(Self.staged) s
                    WHERE \(quoted.map { "s.\($0) IS NOT NULL" }.joined(separator: " AND "))
                    GROUP BY \(quoted.map { "s.\($0)" }.joined(separator: ", ")) HAVING count(*) > 1) d
                ORDER BY 1 LIMIT \(Self.problemsNamed)
                """
            ).rows.map { row in
                try LoadProblem(line: Int(row.int(0)), message: "\(shown) = (\(row.text(2))) stands in line \(row.int(1)) already")
            }
            guard twice.isEmpty else { throw Refused(problems: twice, hint: "a key has one row: take one of them out") }
            guard mode == .append else { continue }
            let known = try connection.query(
                """
                SELECT s.\(line), \(values) FROM \(Self.staged) s JOIN \(place) t
                ON \(quoted.map { "s.\($0) = t.\($0)" }.joined(separator: " AND ")) ORDER BY 1 LIMIT \(Self.problemsNamed)
                """
            ).rows.map { try LoadProblem(line: Int($0.int(0)), message: "\(shown) = (\($0.text(1))) is in the table already") }
            guard known.isEmpty else {
                throw Refused(problems: known, hint: "--upsert overwrites rows with the same key, --replace all rows of the table")
            }
        }
    }

    private func onConflict(_ columns: [String]) -> String {
        guard mode == .upsert, let key = table.keys.first else { return "" }
        let names = key.map { Connection.quoteIdentifier(table.columns[$0].name) }
        let others = columns.filter { !names.contains($0) }
        let action =
            others.isEmpty ? "DO NOTHING" : "DO UPDATE SET " + others.map { "\($0) = excluded.\($0)" }.joined(separator: ", ")
        return " ON CONFLICT (\(names.joined(separator: ", "))) \(action)"
    }
}
