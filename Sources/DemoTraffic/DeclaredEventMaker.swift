import Columns
import ParallaxCore
import ViewLanguage

/// Random events for any declared schema: values of the right type, one in fifty null where that is allowed.
public struct DeclaredEventMaker: Sendable {
    /// A field of an object: a column's value, or an object of its own.
    private struct Field: Sendable {
        var name: String
        /// The name as JSON, with its quotes.
        var quotedName: [UInt8]
        var column: Int?
        var fields: [Field] = []
    }

    let source: SourceDefinition
    private let fields: [Field]
    private let words = ZipfRanks(count: 200)

    init(_ source: SourceDefinition) {
        self.source = source
        var fields: [Field] = []
        for (index, column) in source.columns.enumerated() { Self.add(index, column.fieldPath[...], to: &fields) }
        self.fields = fields
    }

    private static func add(_ column: Int, _ path: ArraySlice<String>, to fields: inout [Field]) {
        guard let name = path.first else { return }
        let at = fields.firstIndex { $0.name == name } ?? fields.count
        if at == fields.count {
            fields.append(Field(name: name, quotedName: Array(jsonQuoted(name).utf8)))
        }
        if path.count == 1 { fields[at].column = column } else { add(column, path.dropFirst(), to: &fields[at].fields) }
    }

    func record(eventTime: Int64, malformation: Malformation?, _ random: inout SeededRandom) -> TrafficGenerator.Record {
        var json: [UInt8] = []
        var key: [UInt8] = []
        append(fields, eventTime, malformation, to: &json, key: &key, &random)
        switch malformation {
        case .invalidUTF8: json.insert(contentsOf: [UInt8(ascii: "\""), 0xFF, UInt8(ascii: "\""), UInt8(ascii: ":")], at: 1)
        // A NUL needs a text column to be wrong, which there may not be: the record becomes a list instead.
        case .notAnObject, .nulCharacter: json = [UInt8(ascii: "[")] + json + [UInt8(ascii: "]")]
        case .truncated, .wrongType, .missingEventID, nil: break
        }
        return TrafficGenerator.Record(key: malformation == nil ? key : nil, payload: json, isMalformed: malformation != nil)
    }

    private func append(
        _ fields: [Field], _ eventTime: Int64, _ malformation: Malformation?, to json: inout [UInt8], key: inout [UInt8],
        _ random: inout SeededRandom
    ) {
        json.append(UInt8(ascii: "{"))
        var isFirst = true
        for field in fields {
            var column: SourceDefinition.Column?
            let isID = field.column == source.eventIDColumn
            let isTime = field.column == source.eventTimeColumn
            // An object stands for the columns in it, also where a column takes it whole.
            if let index = field.column, field.fields.isEmpty {
                column = source.columns[index]
                if isID && malformation == .missingEventID { continue }
                if !isID && !isTime && !source.columns[index].isNotNull && random.happens(perMillion: 20_000) { continue }
            }
            if !isFirst { json.append(UInt8(ascii: ",")) }
            isFirst = false
            json.append(contentsOf: field.quotedName)
            json.append(UInt8(ascii: ":"))
            guard let column else {
                append(field.fields, eventTime, malformation, to: &json, key: &key, &random)
                continue
            }
            if isTime && malformation == .wrongType {
                json.appendText("\"yesterday, about noon\"")
            } else if isID {
                key = appendID(column.type, to: &json, &random)
            } else if let format = column.format {
                let time = isTime ? eventTime : eventTime - Int64(random.below(86_400_000_000))
                let factor: Int64 = format == .epochNanoseconds ? 1_000 : 1
                json.appendDecimal(unscaled: time * factor, scale: max(0, format.digits))
            } else if isTime {
                json.append(UInt8(ascii: "\""))
                json.appendInstant(microseconds: eventTime)
                json.append(UInt8(ascii: "\""))
            } else {
                append(column.type, eventTime: eventTime, to: &json, &random)
            }
        }
        json.append(UInt8(ascii: "}"))
    }

    /// The id's text, which is the record's key.
    private func appendID(_ type: ScalarType, to json: inout [UInt8], _ random: inout SeededRandom) -> [UInt8] {
        var id: [UInt8] = []
        switch type {
        case .int2: id.appendDigits(Int64(random.below(Int(Int16.max))))
        case .int4: id.appendDigits(Int64(random.below(Int(Int32.max))))
        case .int8: id.appendDigits(Int64(random.next() >> 1))
        default: id.appendUUID(random.uuid())
        }
        let isQuoted = type.layout != .int64
        if isQuoted { json.append(UInt8(ascii: "\"")) }
        json.append(contentsOf: id)
        if isQuoted { json.append(UInt8(ascii: "\"")) }
        return id
    }

    private func append(_ type: ScalarType, eventTime: Int64, to json: inout [UInt8], _ random: inout SeededRandom) {
        switch type {
        case .text:
            json.appendText("\"word-")
            json.appendDigits(Int64(words.pick(&random)))
            json.append(UInt8(ascii: "\""))
        case .varchar(let length), .char(let length):
            json.append(UInt8(ascii: "\""))
            var word: [UInt8] = []
            word.appendDigits(Int64(words.pick(&random)))
            json.append(contentsOf: word.suffix(length ?? word.count))
            json.append(UInt8(ascii: "\""))
        case .int2: json.appendDigits(Int64(random.within(-1_000..<30_000)))
        case .decimal: json.appendDecimal(unscaled: Int64(random.within(-1_000..<1_000_000_000)), scale: random.below(4))
        case .time:
            json.append(UInt8(ascii: "\""))
            for (index, limit) in [24, 60, 60].enumerated() {
                if index > 0 { json.append(UInt8(ascii: ":")) }
                json.appendDigits(UInt64(random.below(limit)), width: 2)
            }
            json.append(UInt8(ascii: "\""))
        case .jsonb:
            json.appendText("{\"count\":")
            json.appendDigits(Int64(random.below(1_000)))
            json.appendText(",\"word\":\"word-")
            json.appendDigits(Int64(words.pick(&random)))
            json.appendText("\"}")
        case .array(let element):
            json.append(UInt8(ascii: "["))
            for index in 0..<random.below(4) {
                if index > 0 { json.append(UInt8(ascii: ",")) }
                append(element, eventTime: eventTime, to: &json, &random)
            }
            json.append(UInt8(ascii: "]"))
        case .int4: json.appendDigits(Int64(random.within(-1_000..<1_000_000)))
        case .int8: json.appendDigits(Int64(random.within(-1_000..<1_000_000_000_000)))
        case .numeric(let precision, let scale):
            // At most seven digits before the point and as many as fit 18 behind it: every numeric column takes them.
            let shown = min(scale, 11)
            var limit = 1
            for _ in 0..<min(precision - scale + shown, 7 + shown) { limit *= 10 }
            json.appendDecimal(unscaled: Int64(random.below(limit)), scale: shown)
        case .float4, .float8:
            // Quarters have an exact binary form.
            json.appendDecimal(unscaled: Int64(random.within(-40_000..<4_000_000)) * 25, scale: 2)
        case .bool: json.appendText(random.below(2) == 0 ? "false" : "true")
        case .timestamptz:
            json.append(UInt8(ascii: "\""))
            json.appendInstant(microseconds: eventTime - Int64(random.below(86_400_000_000)))
            json.append(UInt8(ascii: "\""))
        case .timestamp, .date:
            json.append(UInt8(ascii: "\""))
            json.appendInstant(microseconds: eventTime - Int64(random.below(86_400_000_000)))
            json.append(UInt8(ascii: "\""))
        case .interval:
            json.append(UInt8(ascii: "\""))
            if random.below(4) == 0 {
                json.appendDigits(Int64(random.below(30)))
                json.appendText(" days ")
            }
            for (index, limit) in [24, 60, 60].enumerated() {
                if index > 0 { json.append(UInt8(ascii: ":")) }
                json.appendDigits(UInt64(random.below(limit)), width: 2)
            }
            json.append(UInt8(ascii: "\""))
        case .uuid:
            json.append(UInt8(ascii: "\""))
            json.appendUUID(random.uuid())
            json.append(UInt8(ascii: "\""))
        }
    }
}
