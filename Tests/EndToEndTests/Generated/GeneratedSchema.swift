import Postgres
import TestSupport

/// A random source: its columns, and what PostgreSQL and the dialect call them.
struct GeneratedSchema: Codable, Hashable {
    /// What an expression may do with a value; several types of SQL may share a kind.
    enum Kind: String, Codable, CaseIterable {
        case int4, int8, numeric, float8, bool, text, timestamptz, timestamp, date, time, interval, uuid
    }

    struct Column: Codable, Hashable {
        var name: String
        var kind: Kind
        /// As in the definition, e.g. `numeric(12,2)`.
        var type: String
        var isNotNull = false
        /// float8: whole quarters of moderate size only, whose sums and squares a double holds exactly, in any order.
        /// interval: less than a day, so that equal ones are written the same.
        var isTame = false
        /// OPTIONS (path …): where in the event it is. Nil: the field of its name.
        var path: [String]?
        /// DEFAULT …, as SQL and as the JSON that says the same. Nil: null.
        var missing: Missing?
        /// OPTIONS (format 'epoch_…').
        var format: String?

        var isComposite: Bool { type == "jsonb" || type == "text[]" }
        var quoted: String { Connection.quoteIdentifier(name) }
        /// Name and type in the CREATE FOREIGN TABLE.
        var declaration: String {
            var options: [String] = []
            // A name with a dot in it stands in double quotes.
            if let path {
                options.append("path \(Connection.quoteLiteral(path.map { $0.contains(".") ? "\"\($0)\"" : $0 }.joined(separator: ".")))")
            }
            if let format { options.append("format '\(format)'") }
            return "\(quoted) \(type)" + (options.isEmpty ? "" : " OPTIONS (\(options.joined(separator: ", ")))")
                + (missing.map { " DEFAULT \($0.sql)" } ?? "") + (isNotNull ? " NOT NULL" : "")
        }
    }

    struct Missing: Codable, Hashable {
        var sql: String
        var json: String
    }

    /// A table of the pipeline that views may join events with.
    struct Table: Codable, Hashable {
        /// The event's column that its key is compared with.
        var column: Column
        /// Literals of (key, label, weight, score).
        var rows: [String]

        static let name = "dim"
        static let columns = [
            Column(name: "label", kind: .text, type: "text"), Column(name: "weight", kind: .numeric, type: "numeric(8,2)"),
            Column(name: "score", kind: .int4, type: "integer"),
        ]
        var sql: String { "CREATE TABLE \(Self.name) (key \(column.type) PRIMARY KEY, label text, weight numeric(8,2), score integer);\n" }
        var insert: String { "INSERT INTO dimension.\(Self.name) VALUES \(rows.joined(separator: ", "))" }
        func join(_ source: String, isLeft: Bool) -> String {
            " \(isLeft ? "LEFT JOIN" : "JOIN") \(Self.name) ON \(source).\(column.quoted) = \(Self.name).key"
        }
    }

    var source: String
    var columns: [Column]
    var table: Table?
    /// The first two columns are the event id and the event time.
    var id: Column { columns[0] }
    var time: Column { columns[1] }
    /// Seconds.
    var outOfOrderness: Int
    var lateness: Int

    var sql: String {
        (table?.sql ?? "") + """
            CREATE FOREIGN TABLE \(Connection.quoteIdentifier(source)) (
              \(columns.map(\.declaration).joined(separator: ", "))
            ) SERVER parallax OPTIONS (topic \(Connection.quoteLiteral(source)), event_id \(Connection.quoteLiteral(id.name)), \
            event_time \(Connection.quoteLiteral(time.name)), out_of_orderness '\(outOfOrderness) seconds', lateness '\(lateness) seconds');

            """
    }

    /// Those that an expression may take as they are; of jsonb and arrays it takes parts.
    func columns(of kind: Kind) -> [Column] { columns.filter { $0.kind == kind && !$0.isComposite } }
    var documents: [Column] { columns.filter { $0.type == "jsonb" } }
    var arrays: [Column] { columns.filter { $0.type == "text[]" } }

    static func random(_ random: inout SeededGenerator) -> GeneratedSchema {
        // Names that a parser, a quoting function or a case folding could stumble over.
        var names = [
            "page", "Visitor", "größe", "order", "a b", "quote\"d", "it's", "x1", "select", "价格", "user_id", "u_", "percent%",
            "back\\slash",
        ].shuffled(using: &random)
        let ids: [(Kind, String)] = [(.text, "text"), (.uuid, "uuid"), (.int4, "integer"), (.int8, "bigint")]
        let id = ids.randomElement(using: &random) ?? ids[0]
        let idName = ["event_id", "Id", "e id"].randomElement(using: &random) ?? "event_id"
        let timeName = ["event_time", "At", "when"].randomElement(using: &random) ?? "event_time"
        var columns = [
            Column(name: idName, kind: id.0, type: id.1), Column(name: timeName, kind: .timestamptz, type: "timestamptz"),
        ]
        for _ in 0..<Int.random(in: 4..<11, using: &random) {
            let kind = Kind.allCases.randomElement(using: &random) ?? .text
            columns.append(
                Column(
                    name: names.removeLast(), kind: kind, type: type(of: kind, &random),
                    isNotNull: Int.random(in: 0..<6, using: &random) == 0,
                    isTame: Bool.random(using: &random)))
            if columns[columns.count - 1].type == "real" { columns[columns.count - 1].isTame = false }
            addOptions(&columns[columns.count - 1], columns.count, &random)
        }
        if Int.random(in: 0..<4, using: &random) == 0 {
            columns[1].format = ["epoch_seconds", "epoch_milliseconds", "epoch_microseconds"].randomElement(using: &random)
        }
        return GeneratedSchema(
            source: ["events", "clicks", "order"].randomElement(using: &random) ?? "events", columns: columns,
            table: table(columns, &random), outOfOrderness: [0, 5, 60].randomElement(using: &random) ?? 5,
            lateness: [0, 60, 3_600].randomElement(using: &random) ?? 60)
    }

    private static func addOptions(_ column: inout Column, _ number: Int, _ random: inout SeededGenerator) {
        if Int.random(in: 0..<4, using: &random) == 0 {
            column.path =
                ["o\(number)"] + (["inner", "a.b", "größe"].shuffled(using: &random).prefix(Int.random(in: 1...2, using: &random)))
        }
        guard !column.isComposite, Int.random(in: 0..<5, using: &random) == 0 else { return }
        switch column.kind {
        case .int4, .int8: column.missing = Missing(sql: "7", json: "7")
        case .numeric: column.missing = Missing(sql: "0.125", json: "0.125")
        case .bool: column.missing = Missing(sql: "true", json: "true")
        case .text: column.missing = Missing(sql: "'none'", json: "\"none\"")
        case .interval: column.missing = Missing(sql: "interval '1 hour'", json: "\"01:00\"")
        case .date: column.missing = Missing(sql: "'2024-05-01'", json: "\"2024-05-01\"")
        default: break
        }
    }

    private static func table(_ columns: [Column], _ random: inout SeededGenerator) -> Table? {
        let plain = columns.filter { ["text", "integer", "bigint", "uuid"].contains($0.type) }
        guard Bool.random(using: &random), let column = plain.randomElement(using: &random) else { return nil }
        let keys: [String] =
            switch column.kind {
            case .text: ["'/a'", "'/b'", "'home'", "''", "'Ä'", "'x1'", "'e7'", "'none'"]
            case .uuid: (0..<6).map { "'0000000\($0)-1111-4222-8333-444444444444'" }
            default: (0..<12).map { "\($0 * 3 - 9)" }
            }
        let rows = keys.map { key in
            let label = ["'red'", "'green'", "NULL", "'/a'"].randomElement(using: &random) ?? "NULL"
            let weight = ["1.25", "0.00", "NULL", "-3.5"].randomElement(using: &random) ?? "NULL"
            return "(\(key), \(label), \(weight), \(Int.random(in: -5..<6, using: &random)))"
        }
        return Table(column: column, rows: rows)
    }

    private static func type(of kind: Kind, _ random: inout SeededGenerator) -> String {
        switch kind {
        case .int4: Int.random(in: 0..<4, using: &random) == 0 ? "smallint" : "integer"
        case .int8: "bigint"
        case .numeric:
            ["numeric(12,2)", "numeric(5,0)", "numeric(18,6)", "numeric(25,10)", "numeric(3,3)", "numeric", "numeric"].randomElement(
                using: &random)
                ?? "numeric(12,2)"
        case .float8: Int.random(in: 0..<4, using: &random) == 0 ? "real" : "double precision"
        case .bool: "boolean"
        case .text: ["text", "text", "text", "varchar(12)", "char(9)", "jsonb", "text[]"].randomElement(using: &random) ?? "text"
        case .timestamptz, .timestamp, .date, .time, .interval, .uuid: kind.rawValue
        }
    }
}
