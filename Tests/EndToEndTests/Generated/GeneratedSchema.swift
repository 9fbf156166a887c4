import Postgres
import TestSupport

/// A random source: its columns, and what PostgreSQL and the dialect call them.
struct GeneratedSchema: Codable, Hashable {
    /// What an expression may do with a value; several types of SQL may share a kind.
    enum Kind: String, Codable, CaseIterable {
        case int4, int8, numeric, float8, bool, text, timestamptz, timestamp, date, time, uuid
    }

    struct Column: Codable, Hashable {
        var name: String
        var kind: Kind
        /// As in the definition, e.g. `numeric(12,2)`.
        var type: String
        var isNotNull = false
        /// float8: whole quarters of moderate size only, whose sums and squares a double holds exactly, in any order.
        var isTame = false

        var isComposite: Bool { type == "jsonb" || type == "text[]" }
        var quoted: String { Connection.quoteIdentifier(name) }
        /// Name and type in the CREATE FOREIGN TABLE.
        var declaration: String { "\(quoted) \(type)\(isNotNull ? " NOT NULL" : "")" }
    }

    var source: String
    var columns: [Column]
    /// The first two columns are the event id and the event time.
    var id: Column { columns[0] }
    var time: Column { columns[1] }
    /// Seconds.
    var outOfOrderness: Int
    var lateness: Int

    var sql: String {
        """
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
        }
        return GeneratedSchema(
            source: ["events", "clicks", "order"].randomElement(using: &random) ?? "events", columns: columns,
            outOfOrderness: [0, 5, 60].randomElement(using: &random) ?? 5, lateness: [0, 60, 3_600].randomElement(using: &random) ?? 60)
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
        case .timestamptz, .timestamp, .date, .time, .uuid: kind.rawValue
        }
    }
}
