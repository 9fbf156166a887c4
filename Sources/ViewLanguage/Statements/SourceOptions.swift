import Columns
import ParallaxCore

/// OPTIONS (…) of a source.
struct SourceOptions {
    let statement: Statement
    private let nameOffset: Int
    private(set) var topic: String
    private(set) var eventIDColumn: Int?
    private(set) var eventTimeColumn: Int?
    /// Microseconds.
    private(set) var outOfOrderness: Int64 = 5_000_000
    private(set) var lateness: Int64 = 3_600_000_000
    private(set) var appendTime = SourceDefinition.AppendTime.record

    static let names = ["topic", "event_id", "event_time", "out_of_orderness", "lateness", "append_time"]

    init(statement: Statement, tableName: String, nameOffset: Int) {
        self.statement = statement
        self.nameOffset = nameOffset
        topic = tableName
    }

    /// Reads the options; everything that is wrong comes back.
    mutating func read(_ elements: [SyntaxNode], columns: SourceScope) -> [Refusal] {
        var refusals: [Refusal] = []
        var seen: Set<String> = []
        for element in elements {
            do { try read(element, columns, &seen) } catch { refusals.append(error) }
        }
        for (name, what) in [
            ("event_id", "names the column that identifies an event"), ("event_time", "names the timestamptz column of an event's time"),
        ]
        where !seen.contains(name) {
            let offset = elements.isEmpty ? nameOffset : statement.offset(ofKeyword: "options")
            refusals.append(Refusal(offset, "option \"\(name)\" is missing", hint: "OPTIONS (\(name) '…') \(what)"))
        }
        return refusals
    }

    private mutating func read(_ element: SyntaxNode, _ columns: SourceScope, _ seen: inout Set<String>) throws(Refusal) {
        guard let body = element.body(of: "DefElem"), let name = body["defname"]?.string else {
            throw Refusal(statement.offset(ofKeyword: "options"), "this option is not supported")
        }
        let offset = statement.offset(body.location)
        try body.allowFields(["defname", "arg", "defaction", "location"], in: statement)
        guard Self.names.contains(name) else {
            throw Refusal(offset, "unknown option \"\(name)\"", hint: nameHint(for: name, among: Self.names, listedAs: "the options are"))
        }
        guard seen.insert(name).inserted else { throw Refusal(offset, "option \"\(name)\" provided more than once") }
        guard let value = body["arg"]?.body(of: "String")?["sval"]?.string ?? (body["arg"] == nil ? nil : "") else {
            throw Refusal(offset, "option \"\(name)\" has no value")
        }
        switch name {
        case "topic":
            guard Self.isTopicName(value) else {
                throw Refusal(
                    offset, "\"\(value)\" cannot be a topic's name",
                    hint: "a topic has up to \(LanguageLimits.topicBytes) letters from a to z, digits, '.', '_' and '-'")
            }
            topic = value
        case "event_id":
            eventIDColumn = try column(value, of: columns, name, ["text", "uuid", "smallint", "integer", "bigint"], at: offset)
        case "event_time":
            eventTimeColumn = try column(value, of: columns, name, ["timestamp with time zone"], at: offset)
        case "out_of_orderness": outOfOrderness = try duration(value, name, at: offset)
        case "append_time":
            guard let choice = SourceDefinition.AppendTime(rawValue: value) else {
                throw Refusal(
                    offset, "option \"append_time\" cannot be \"\(value)\"",
                    hint: "it is 'record' (the record's own timestamp) or 'arrival' (when it came here)")
            }
            appendTime = choice
        default: lateness = try duration(value, name, at: offset)
        }
    }

    private func column(
        _ column: String, of source: SourceScope, _ option: String, _ types: [String], at offset: Int
    ) throws(Refusal) -> Int {
        guard let index = source.columns.firstIndex(where: { $0.name == column }) else {
            throw Refusal(
                offset, "option \"\(option)\": column \"\(column)\" does not exist",
                hint: nameHint(for: column, among: source.columns.map(\.name), listedAs: "the columns are"))
        }
        guard let type = source.columns[index].type else { throw .consequence(at: offset) }
        let name = type.typeClass.sqlName
        guard types.contains(name) else {
            throw Refusal(
                offset, "option \"\(option)\": column \"\(column)\" is of type \(name)",
                hint: "it must be of type \(types.joined(separator: ", "))")
        }
        return index
    }

    private func duration(_ text: String, _ option: String, at offset: Int) throws(Refusal) -> Int64 {
        let microseconds: Int64
        do { microseconds = try IntervalText.fixedLength(text) } catch {
            throw Refusal(
                offset, "option \"\(option)\": \(error.message)", hint: error.hint ?? "write a number and a unit, such as '5 seconds'")
        }
        guard microseconds >= 0 else { throw Refusal(offset, "option \"\(option)\" must not be negative") }
        return microseconds
    }

    /// Kafka's rule for a topic; also safe as the name of a folder.
    static func isTopicName(_ name: String) -> Bool {
        guard !name.isEmpty, name.utf8.count <= LanguageLimits.topicBytes, name != ".", name != ".." else { return false }
        return name.unicodeScalars.allSatisfy {
            $0.isASCII && ($0.properties.isAlphabetic || ("0"..."9").contains($0) || "._-".unicodeScalars.contains($0))
        }
    }
}
