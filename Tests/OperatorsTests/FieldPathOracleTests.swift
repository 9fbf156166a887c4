import Columns
import ParallaxCore
import Postgres
import TestSupport
import Testing
import ViewLanguage

@testable import Operators

/// Columns whose fields lie inside of other objects, have a default, or count time from an epoch: by PostgreSQL's judgement of the same JSON.
@Suite struct FieldPathOracleTests {
    private static let nested = SourceDefinition(
        name: "nested", topic: "nested",
        columns: [
            .init(name: "id", type: .int8, path: ["meta", "id"]),
            .init(name: "at", type: .timestamptz, path: ["meta", "at"], format: .epochSeconds),
            .init(name: "zip", type: .int4, path: ["user", "address", "zip"]),
            .init(name: "city", type: .text, path: ["user", "address", "city"], missingValue: .text("nowhere")),
            .init(name: "age", type: .int4, path: ["user", "age"], missingValue: .int(-1)),
            .init(name: "dotted", type: .numeric(precision: 6, scale: 2), path: ["a.b", ""], missingValue: .decimal("150")),
            .init(name: "user", type: .bool),
        ], eventIDColumn: 0, eventTimeColumn: 1, outOfOrderness: 0, lateness: 0)

    /// Objects over few names, some of them twice, with anything where an object or a value is expected.
    private func object(_ depth: Int, _ random: inout SeededGenerator) -> String {
        let names = ["user", "address", "zip", "city", "age", "a.b", "", "meta", "us\\u0065r"]
        let members = (0..<Int.random(in: 0...4, using: &random)).map { _ in
            "\"\(names.randomElement(using: &random) ?? "")\":\(value(depth, &random))"
        }
        return "{" + members.joined(separator: ",") + "}"
    }

    private func value(_ depth: Int, _ random: inout SeededGenerator) -> String {
        switch Int.random(in: 0..<8, using: &random) {
        case 0...3 where depth > 0: object(depth - 1, &random)
        case 4: "null"
        case 5: "[{\"zip\":1}]"
        case 6 where depth > 0: "\"\(Int.random(in: 0...99, using: &random))\""
        default: "\(Int.random(in: -5...5, using: &random))"
        }
    }

    @Test(arguments: [UInt64(1), 2])
    func nestedFieldsAreThoseOfPostgreSQL(_ seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let payloads = (0..<4_000).map { row -> String in
            let user = "\"user\":{\"address\":\(value(1, &random)),\"age\":\(Int.random(in: 0...9, using: &random))}"
            let rest = object(3, &random).dropFirst().dropLast()
            let dotted = Bool.random(using: &random) ? ",\"a.b\":\(object(1, &random))" : ""
            return
                "{\"meta\":{\"at\":1,\"id\":\(row)},\(user)\(dotted)\(rest.isEmpty ? "" : ",")\(rest),\"meta\":{\"id\":\(row),\"at\":1.5}}"
        }
        let connection = try Connection(try TestCluster.shared.freshDatabase())
        defer { connection.close() }
        // A field that is there in a kind that does not fit rejects the record: PostgreSQL says which kind is there.
        let columns: [(path: String, kinds: String, type: String, missing: String)] = [
            ("{user,address,zip}", "'number','string'", "integer", "NULL"), ("{user,address,city}", "'string'", "text", "'nowhere'"),
            ("{user,age}", "'number','string'", "integer", "-1"), ("{a.b,\"\"}", "'number','string'", "numeric(6,2)", "1.50"),
            ("{user}", "'boolean'", "boolean", "NULL"),
        ]
        let fits = columns.map { "coalesce(jsonb_typeof(p #> '\($0.path)'), 'null') IN (\($0.kinds), 'null')" }.joined(separator: " AND ")
        let list = columns.map {
            "CASE WHEN p #> '\($0.path)' IS NULL THEN \($0.missing)::\($0.type) ELSE (p #>> '\($0.path)')::\($0.type) END::text"
        }
        let query =
            "SELECT CASE WHEN \(fits) THEN concat_ws('|', \(list.map { "coalesce(\($0), 'null')" }.joined(separator: ", "))) END FROM "
            + "(SELECT $1::text::jsonb AS p) q"
        let source = Self.nested
        let events = EventDecoder(source).decode(records(payloads))
        var accepted = 0
        for (row, payload) in payloads.enumerated() {
            let theirs = try connection.query(query, [.text(payload)]).rows[0][0]
            guard events.isRejected[row] == 0 else {
                #expect(theirs == nil, "seed \(seed): \(payload)\nrejected: \(events.rejections.first { $0.row == row }?.message ?? "")")
                continue
            }
            accepted += 1
            var evaluator = Evaluator(events)
            let ours = (2..<source.columns.count).map { index -> String in
                let vector = evaluator.evaluate(.cast(.column(index, source.columns[index].type), to: .text), [Int32(row)]).spread(1)
                guard case .text(let texts) = vector.values, !vector.isNull(0) else { return "null" }
                return String(decoding: texts.bytes[texts.starts[0]..<texts.ends[0]], as: UTF8.self)
            }
            #expect(ours.joined(separator: "|") == theirs, "seed \(seed): \(payload)")
            #expect(events.ints(1)[row] == 1_500_000)
        }
        #expect(accepted > 100, "only \(accepted) were events")
    }

    @Test(arguments: SourceDefinition.Format.allCases)
    func timesSinceAnEpochAreExact(_ format: SourceDefinition.Format) throws {
        let source = SourceDefinition(
            name: "epochs", topic: "epochs",
            columns: [
                .init(name: "id", type: .int4), .init(name: "at", type: .timestamptz, format: format),
                .init(name: "local", type: .timestamp, format: format),
            ], eventIDColumn: 0, eventTimeColumn: 1, outOfOrderness: 0, lateness: 0)
        var random = SeededGenerator(seed: 7)
        var numbers = [
            "0", "-0", "1", "-1", "0.0000005", "-0.0000005", "0.00000049999999999999999999", "1.5e9", "1714558272123.4565", "-1e-300",
            "1e300",
            "9223372036854775.807", "9223372036854.775807", "9223372036854775807", "9223372036854775806", "-210866803200",
            "-210866803200.000001",
            "-210866803200000000", "-210866803200000001", "1e-300", "9223372036854775807000", "9223372036854775806000",
        ]
        for _ in 0..<2_000 {
            let whole = Int64.random(in: -9_000_000_000_000...9_000_000_000_000, using: &random) >> Int64.random(in: 0...40, using: &random)
            let fraction = (0..<Int.random(in: 0...12, using: &random)).map { _ in "\(Int.random(in: 0...9, using: &random))" }.joined()
            numbers.append(fraction.isEmpty ? "\(whole)" : "\(whole).\(fraction)")
        }
        // As a number and as a string with one.
        let payloads = numbers.enumerated().flatMap { index, number in
            [
                "{\"id\":\(2 * index),\"at\":\(number),\"local\":\(number)}",
                "{\"id\":\(2 * index + 1),\"at\":\"\(number)\",\"local\":\" \(number) \"}",
            ]
        }
        let connection = try Connection(try TestCluster.shared.freshDatabase())
        defer { connection.close() }
        try connection.execute("SET timezone = 'UTC'")
        let events = EventDecoder(source).decode(records(payloads))
        for (index, number) in numbers.enumerated() {
            let theirs = try connection.query("SELECT round($1::numeric * 1e\(format.digits))::text", [.text(number)]).rows[0][0] ?? ""
            let inRange = Int64(theirs).map { Instant.acceptedRange.contains($0) } ?? false
            for row in [2 * index, 2 * index + 1] {
                #expect((events.isRejected[row] == 0) == inRange, "\(format) \(number)")
                guard inRange else { continue }
                #expect("\(events.ints(1)[row])" == theirs && "\(events.ints(2)[row])" == theirs, "\(format) \(number)")
            }
        }
        let other = EventDecoder(source).decode(records(["{\"id\":1,\"at\":\"2024-05-01T00:00:00Z\"}", "{\"id\":1,\"at\":true}"]))
        #expect(other.rejections.map(\.reason) == [.wrongType, .wrongType])
    }
}
