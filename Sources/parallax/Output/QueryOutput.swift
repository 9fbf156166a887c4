import ParallaxCore
import Postgres

/// A query's result as people or programs want it. What a value is follows from its column's type, never from its looks.
struct QueryOutput {
    enum Kind: Equatable { case number, bool, json, text }

    let result: QueryResult
    let kinds: [Kind]

    init(_ result: QueryResult) {
        self.result = result
        kinds = result.types.map { Self.kind(ofType: $0) }
    }

    static func kind(ofType oid: UInt32) -> Kind {
        switch oid {
        case TypeID.bool: .bool
        case TypeID.oid: .number
        case _ where TypeID.numbers.contains(oid): .number
        case TypeID.json, TypeID.jsonb: .json
        default: .text
        }
    }

    func table() -> String {
        var table = Table(head: result.columns, alignments: kinds.map { $0 == .number ? .right : .left })
        table.rows = result.rows.map { row in row.values.map { $0 ?? "" } }
        return table.text() + "(\(counted(result.rows.count, "row")))\n"
    }

    /// RFC 4180, but with line feeds. Null is nothing, an empty text is "".
    func csv() -> String {
        func field(_ text: String?) -> String {
            guard let text else { return "" }
            let needsQuotes = text.isEmpty || text.contains { $0 == "," || $0 == "\"" || $0.isNewline }
            return needsQuotes ? "\"" + text.replacing("\"", with: "\"\"") + "\"" : text
        }
        var output = result.columns.map { field($0) }.joined(separator: ",") + "\n"
        for row in result.rows { output += row.values.map(field).joined(separator: ",") + "\n" }
        return output
    }

    /// An array with an object a row, a line each. Numbers keep their digits; NaN and infinities, which JSON lacks, are texts.
    func json() -> String {
        guard !result.rows.isEmpty else { return "[]\n" }
        let rows = result.rows.map { row in
            JSONText.object(zip(result.columns, zip(kinds, row.values)).map { ($0, value($1.0, $1.1)) }).text(indentation: nil)
        }
        return "[\n" + rows.joined(separator: ",\n") + "\n]\n"
    }

    /// A value of a type.
    static func json(_ type: UInt32, _ text: String?) -> JSONText { json(kind(ofType: type), text) }

    func value(_ kind: Kind, _ text: String?) -> JSONText { Self.json(kind, text) }

    private static func json(_ kind: Kind, _ text: String?) -> JSONText {
        guard let text else { return .null }
        switch kind {
        case .number: return text.contains { $0.isLetter && $0 != "e" } ? .string(text) : .number(text)
        case .bool: return .bool(text == "t")
        case .json: return .number(text)
        case .text: return .string(text)
        }
    }
}
