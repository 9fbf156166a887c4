import Foundation
import TestSupport

/// Random records for a schema: nulls, extremes, Unicode, disorder, late events, events from the future, copies (also with another content) and
/// what is no event at all.
///
/// Copies of an event lie in its partition, a few records apart: further away they are the batch layer's alone to remove.
struct GeneratedEvents {
    struct Record: Codable, Hashable {
        var partition: Int
        /// Nil for a null payload. Latin-1 of the bytes, so that a case file can hold what is no UTF-8.
        var payload: String?
        /// The same event with every column under its own name, which is what PostgreSQL is given. Nil: the payload itself.
        var plain: String?

        var bytes: [UInt8]? { Self.bytes(payload) }
        var plainBytes: [UInt8]? { Self.bytes(plain ?? payload) }

        private static func bytes(_ text: String?) -> [UInt8]? {
            text.map { $0.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) } }
        }
        private static func text(_ bytes: [UInt8]) -> String { String(String.UnicodeScalarView(bytes.map { Unicode.Scalar($0) })) }

        init(_ partition: Int, _ bytes: [UInt8]?, plain: [UInt8]? = nil) {
            self.partition = partition
            payload = bytes.map(Self.text)
            self.plain = plain.map(Self.text)
        }
    }

    private struct Sent {
        var id: String
        var time: String
        var plainTime: String
        var partition: Int
    }

    let schema: GeneratedSchema
    let partitions: Int
    private(set) var random: SeededGenerator
    /// Microseconds since 1970 of the newest event, but for those from the future.
    private var clock: Int64
    private var pace: Double
    private var number = 0
    private var lately: [Sent] = []

    /// Instants near which calendars and clocks do something: changes to and from summer time, a leap day, a year's end, 1970.
    private static let starts: [Int64] = [1_710_053_400, 1_730_610_000, 1_711_846_200, 1_709_164_000, 1_704_066_000, -3_000, 951_825_000]

    init(_ schema: GeneratedSchema, partitions: Int, random: SeededGenerator) {
        self.schema = schema
        self.partitions = partitions
        self.random = random
        clock = (Self.starts.randomElement(using: &self.random) ?? 0) * 1_000_000
        pace = [0.3, 2, 20, 400].randomElement(using: &self.random) ?? 1
    }

    mutating func records(_ count: Int) -> [Record] {
        var records: [Record] = []
        while records.count < count {
            if let record = below(25) == 0 ? hostile() : below(20) == 0 ? copy() : event() { records.append(record) }
        }
        return records
    }

    private mutating func below(_ count: Int) -> Int { Int.random(in: 0..<count, using: &random) }
    private mutating func pick<T>(_ choices: [T]) -> T { choices[below(choices.count)] }

    private mutating func event() -> Record? {
        number += 1
        clock += Int64(Double.random(in: 0..<(pace * 1e6), using: &random))
        var time = clock - Int64(Double.random(in: 0..<(pace * 4e6), using: &random))
        // Behind the watermark, by more or less than the lateness.
        if below(20) == 0 { time = clock - Int64(below(10_000)) * 1_000_000 }
        if below(80) == 0 { time = 1_830_000_000_000_000 + Int64(below(1_000_000)) }
        let plain = "\"\(stamp(time))\""
        let sent = Sent(id: id(), time: epoch(time) ?? plain, plainTime: plain, partition: below(partitions))
        lately.append(sent)
        if lately.count > 30 { lately.removeFirst() }
        return record(sent)
    }

    /// The same event once more: the first copy counts, whatever is in the second.
    private mutating func copy() -> Record? {
        guard !lately.isEmpty else { return nil }
        return record(pick(lately))
    }

    private mutating func id() -> String {
        switch schema.id.kind {
        case .uuid: "\"\(String(format: "%08x-0000-4000-8000-%012x", number % 7, number))\""
        case .int4, .int8: "\(number)"
        default: "\"e\(number)\""
        }
    }

    /// The event time as a number, where the schema wants one.
    private func epoch(_ time: Int64) -> String? {
        switch schema.time.format {
        case "epoch_seconds":
            let fraction = String(time.magnitude % 1_000_000 + 1_000_000).dropFirst()
            return "\(time < 0 ? "-" : "")\(time.magnitude / 1_000_000).\(fraction)"
        case "epoch_milliseconds":
            return "\(time < 0 ? "-" : "")\(time.magnitude / 1_000).\(String(time.magnitude % 1_000 + 1_000).dropFirst())"
        case "epoch_microseconds": return "\(time)"
        default: return nil
        }
    }

    private mutating func record(_ sent: Sent) -> Record {
        var fields = ["\(Self.quoted(schema.id.name)): \(sent.id)", "\(Self.quoted(schema.time.name)): \(sent.time)"]
        var plain = ["\(Self.quoted(schema.id.name)): \(sent.id)", "\(Self.quoted(schema.time.name)): \(sent.plainTime)"]
        func add(_ column: GeneratedSchema.Column, _ value: String) {
            plain.append("\(Self.quoted(column.name)): \(value)")
            let path = column.path ?? [column.name]
            var field = "\(Self.quoted(path[path.count - 1])): \(value)"
            for name in path.dropLast().reversed() { field = "\(Self.quoted(name)): {\(field)}" }
            fields.append(field)
        }
        for column in schema.columns.dropFirst(2) {
            guard below(7) > 0 || column.isNotNull && below(4) > 0 else {
                if below(2) == 0 {
                    add(column, "null")
                } else if let missing = column.missing {
                    plain.append("\(Self.quoted(column.name)): \(missing.json)")
                }
                continue
            }
            add(column, value(of: column))
        }
        if below(9) == 0 { fields.append("\"unknown\": {\"a\": [1, {\"b\": null}]}") }
        fields.shuffle(using: &random)
        return Record(
            sent.partition, Array("{\(fields.joined(separator: ", "))}".utf8), plain: Array("{\(plain.joined(separator: ", "))}".utf8))
    }

    /// What must not become an event, and must not disturb those around it.
    private mutating func hostile() -> Record {
        let time = "\"\(stamp(clock))\""
        let payloads: [[UInt8]?] = [
            nil, [], Array("{".utf8), Array("[]".utf8), Array("{}".utf8), [0xff, 0xfe, 0x00], Array("nul".utf8),
            Array("{\(Self.quoted(schema.id.name)): \(id())}".utf8), Array("{\(Self.quoted(schema.time.name)): \(time)}".utf8),
            Array("{\(Self.quoted(schema.id.name)): \(id()), \(Self.quoted(schema.time.name)): \"soon\"}".utf8),
            Array("{\(Self.quoted(schema.id.name)): {}, \(Self.quoted(schema.time.name)): \(time)}".utf8),
        ]
        return Record(below(partitions), pick(payloads))
    }

    private mutating func value(of column: GeneratedSchema.Column) -> String {
        let wild = below(12) == 0
        switch column.type {
        case "smallint": return wild ? pick(["32767", "-32768", "0"]) : "\(below(60) - 20)"
        case "numeric":
            return wild
                ? pick(["1e3", "-0.000", "\"7.10\"", "123456.000001"]) : "\(below(40) - 9).\(pick(["0", "5", "50", "125", "10"]))"
        case "jsonb": return document()
        case "text[]":
            let elements = (0..<below(4)).map { _ in
                below(6) == 0 ? "null" : Self.quoted(pick(["a", "b", "", "a b", "x\\y", "NULL", "{}"]))
            }
            return "[\(elements.joined(separator: ", "))]"
        case "real": return wild ? pick(["0.1", "3.4e38", "-1.5e-45", "16777217"]) : "\(Double(below(8_000) - 4_000) / 4)"
        default: break
        }
        switch column.kind {
        case .int4: return wild ? pick(["2147483647", "-2147483648", "0"]) : "\(below(60) - 20)"
        case .int8:
            return wild
                ? pick(["9223372036854775807", "-9223372036854775808", "\"12\""]) : "\(below(4_000) * (below(2) == 0 ? 1 : 1_000_003))"
        case .numeric: return numeric(column.type, wild)
        case .float8:
            if column.isTame || !wild { return "\(Double(below(8_000) - 4_000) / 4)" }
            return pick(["1e300", "-1e300", "4.9e-324", "0.1", "3.3333333333333335", "123456789.123456789"])
        case .bool: return pick(["true", "false"])
        case .text:
            let strange = column.type == "text" ? Self.strangeTexts : Self.strangeTexts.filter { $0.unicodeScalars.count < 9 }
            return Self.quoted(
                wild ? pick(strange) : pick(["/a", "/b", "/a/b", "home", "Home", "x"]) + (below(3) == 0 ? "\(below(4))" : ""))
        case .time:
            return wild
                ? pick(["\"24:00:00\"", "\"00:00\"", "\"04:05:06.789012\""])
                : "\"\(10 + below(13)):\(10 + below(50)):\(10 + below(50)).\(below(900))\""
        case .timestamptz, .timestamp: return "\"\(wild ? pick(Self.strangeTimes) : stamp(clock - Int64(below(90_000_000)) * 1_000))\""
        case .date: return wild ? pick(["\"0001-01-01\"", "\"2024-02-29\"", "\"9999-12-31\""]) : "\"2024-0\(1 + below(9))-1\(below(10))\""
        case .interval:
            let clock = "0\(below(3)):\(10 + below(3) * 10):00"
            if column.isTame || below(3) == 0 { return "\"\(clock)\"" }
            return wild
                ? pick(["\"-1 mons +3 days\"", "\"100 years\"", "\"00:00:00.000001\"", "\"-1-2\"", "\"1.5 weeks ago\"", "\"PT-0.25S\""])
                : pick([
                    "\"1 day\"", "\"24:00\"", "\"1 mon\"", "\"30 days\"", "\"P1M\"", "\"36:00\"", "\"\(below(40)) days \(clock)\"",
                    "\"@ 2 hours ago\"",
                ])
        case .uuid: return "\"\(String(format: "0000000%x-1111-4222-8333-444444444444", below(9)))\""
        }
    }

    private mutating func document() -> String {
        switch below(8) {
        case 0: return pick(["[]", "[1, \"a\", null]", "\"text\"", "12.50", "true", "{}"])
        case 1: return #"{"b": 1.50, "a": "\#(pick(["/a", "home"]))", "a": "/b", "nested": {"z": [1, {"k": "deep"}], "aa": 1e2}}"#
        default:
            let a = pick(["\"/a\"", "\"home\"", "\"Ä\"", "null", "7", "true", "[1]"])
            let n = pick(["1", "2.50", "-3e2", "\"4\"", "null"])
            return "{\"a\": \(a), \"n\": \(n), \"nested\": {\"k\": \(pick(["\"deep\"", "0.10"]))}}"
        }
    }

    private mutating func numeric(_ type: String, _ wild: Bool) -> String {
        switch type {
        case "numeric(5,0)": return wild ? pick(["99999", "-99999", "\"7\""]) : "\(below(300) - 100)"
        case "numeric(3,3)": return "0.\(100 + below(900))"
        case "numeric(25,10)":
            return wild ? pick(["99999999.9999999999", "-0.0000000001"]) : "\(below(90_000) - 20_000).\(below(10_000_000))"
        case "numeric(18,6)":
            return wild ? pick(["999999999999.999999", "\"-1.5\"", "1e3"]) : "\(below(9_000) - 2_000).\(below(1_000_000))"
        default: return wild ? pick(["9999999999.99", "-9999999999.99", "0.005", "\"19.90\""]) : "\(below(900) - 200).\(below(100))"
        }
    }

    private static let strangeTexts = [
        "", " ", "Ä", "ä", "日本語", "🙂🙂", "a'b\"c\\d", "\t\n", "%_%", "A b  c", "e\u{301}", "-12", "3.50", "true", "2024-05-01",
    ]
    private static let strangeTimes = [
        "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z", "2024-03-10 02:30:00", "2024-06-30T12:00:00+05:30",
    ]

    private mutating func stamp(_ time: Int64) -> String {
        let seconds = Int64((Double(time) / 1e6).rounded(.down))
        let text = Date(timeIntervalSince1970: Double(seconds)).ISO8601Format().dropLast()
        let fraction = String(time - seconds * 1_000_000 + 1_000_000).dropFirst()
        switch below(4) {
        case 0: return "\(text).\(fraction)Z"
        case 1: return "\(text).\(fraction)+00:00"
        case 2: return "\(text.replacing("T", with: " ")).\(fraction)+00"
        default: return "\(text).\(fraction)"
        }
    }

    static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": quoted += "\\\(scalar)"
            case "\n": quoted += "\\n"
            case "\t": quoted += "\\t"
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }
}
