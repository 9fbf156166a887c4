import Columns
import ParallaxCore
import Postgres
import TestSupport
import Testing
import ViewLanguage

@testable import Operators

/// What is an event, and which values it has, as PostgreSQL's json, casts and input functions decide.
@Suite struct DecoderOracleTests {
    static let corpus: [String: [String]] = [
        "small": [
            "", " 12 ", "+5", "-0", "00012", "1_000", "0x10", "1.0", "2147483648", "-2147483648", "-2147483649", "--1", "+ 1", "12a", "９",
            "\t7\n",
            "99999999999999999999999a", "1e3",
        ],
        "big": [
            "9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809", " -1", "1 2",
            "0000000000000000000000001",
        ],
        "price": [
            "1.", ".5", "1e3", "1.5E-3", "-.5e+2", "NaN", "inf", "-Infinity", "1e400000", "1e-400000", "1e-16500", "0e99999",
            "9999999999.994",
            "9999999999.995", "-9999999999.995", "  7 ", "1 2", "1e", "e5", ".", "+.e1", "0x1p3", "-0.004", "-0.005",
            "0.00499999999999999999999999999",
            "1e99999999999", "1e-99999999999", "1e1073741823", "1e1073741822", "00000000000000000000000000000000000000000000000000001.5",
        ],
        "exact": [
            "9999999999999999999999999999.99999999994", "9999999999999999999999999999.99999999995", "-1e27", "1e28", "0.00000000005",
            "-0.00000000004999999999999999999999999999999", "12345678901234567890123456789e-1",
            "0.000000000000000000000000000000000000000001e40",
        ],
        "ratio": [
            "1e-320", "4.9e-324", "2e-324", "3e-324", "1.7976931348623157e308", "1.7976931348623159e308", "nan", "-inf", "1e400",
            "infinity", "1e-400",
            "0e-400", "-0", "1d", "0x1p3", "0x10", "0x1.8", "-0xAp-2", "0x", "0x.8p1", "1e", "1e+", ".5", "5.", " 2.5 ", "9007199254740993",
            "0.1000000000000000055511151231257827021181583404541015625", "123456789012345678901234567890", "8.98846567431158e307",
        ],
        "id": [
            "{0f0e0d0c-0b0a-0908-0706-050403020100}", "0F0E0D0C0B0A09080706050403020100", "0f0e-0d0c-0b0a-0908-0706-0504-0302-0100",
            "0f0e0d0c-0b0a-0908-0706-050403020100 ", "0f0e0d0c--0b0a-0908-0706-050403020100", "0f0e0d0c-0b0a-0908-0706-05040302010g", "",
            "{0f0e0d0c-0b0a-0908-0706-050403020100", "0f0e0d0c-0b0a-0908-0706-0504030201000", "0f-0e0d0c0b0a09080706050403020100",
            "0f0e0d0c0b0a09080706050403020100-",
        ],
        "at": [
            "2024-02-29", "2023-02-29", "2024-05-01 10:11", "2024-05-01T10:11:12", "2024-05-01T10:11:12Z", "2024-05-01t10:11:12z",
            "2024-05-01 10:11:12.5 +02:30", "2024-05-01 10:11:12-0530", "2024-05-01 10:11:12+05", "2024-05-01 10:11:12+05:30:15",
            "2024-05-01 10:11:12.1234565", "2024-05-01 10:11:12.1234575", "2024-05-01 10:11:12.9999995", "2024-05-01 10:11:12.0000005",
            "2024-05-01 23:59:60", "2024-05-01 23:59:60.5", "2024-05-01 23:59:60.0", "2024-05-01 10:11:60.5", "2024-05-01 23:59:59.9999999",
            "2024-05-01 24:00:00", "2024-05-01 24:00:01", "2024-05-01 10:60:00", "2024-05-01 10:11:61", "2024-13-01",
            "2024-00-01",
            "2024-04-31", "0001-01-01", "0000-01-01", "0044-03-15 BC", "0044-03-15 12:00:00+00 BC", "4713-11-24 00:00:00+00 BC",
            "4713-11-23 23:59:59+00 BC", "9999-12-31 23:59:59.999999+00", "10000-01-01", "294246-12-31", "2024-05-01 10:11:12 UTC",
            "2024-05-01 10:11:12 GMT",
            "2024-05-01 10:11:12+15:59", "2024-05-01 10:11:12+16", "2024-05-01 10:11:12+05:60", " 2024-05-01 ", "2024-5-1", "1900-02-29",
            "2000-02-29",
            "1969-12-31 23:59:59.999999", "1582-10-10", "2024-05-01T24:00", "2024-05-01 10:11:12.", "2024-05-01 AD", "nonsense", "",
        ],
    ]

    @Test func corpusOfValues() throws {
        let payloads = Self.corpus.sorted { $0.key < $1.key }.flatMap { name, values in values.map { payload(name, quoted($0)) } }
        try compareWithPostgreSQL(payloads)
    }

    @Test(arguments: [UInt64(41), 42, 43])
    func mutatedValues(_ seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let alphabets = [
            "small": "0123456789+- .eE", "big": "0123456789+- ", "price": "0123456789+-. eEnaif", "exact": "0123456789+-.eE",
            "ratio": "0123456789+-.eExXpa ",
            "id": "0123456789abcdefABCDEF-{} ", "at": "0123456789-:T +Z.",
        ]
        let payloads = (0..<2_000).map { _ -> String in
            let (name, values) = Self.corpus.sorted { $0.key < $1.key }.randomElement(using: &random) ?? ("small", ["1"])
            var text = Array(values.randomElement(using: &random) ?? "")
            for _ in 0..<Int.random(in: 1...2, using: &random) {
                let letter = alphabets[name]?.randomElement(using: &random) ?? "0"
                let place = Int.random(in: 0...text.count, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: text.insert(letter, at: place)
                case 1 where place < text.count: text[place] = letter
                default: if place < text.count { text.remove(at: place) }
                }
            }
            let asNumber = name != "id" && name != "at" && Bool.random(using: &random)
            return payload(name, asNumber ? String(text) : quoted(String(text)))
        }
        try compareWithPostgreSQL(payloads)
    }

    /// Bytes changed, lost and doubled in real events: nothing crashes, and what is JSON is an event exactly where PostgreSQL says so.
    @Test(arguments: [UInt64(51), 52, 53, 54])
    func mutatedPayloads(_ seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let pieces = [
            "\"", "\\", "{", "}", "[", "]", ":", ",", "null", "true", "1e5", "\\u0000", "\\ud83d", "\\u00e9", "\u{7f}", "é", " ", "-", "0",
        ].map { Array($0.utf8) }
        let payloads = (0..<3_000).map { _ -> [UInt8] in
            var bytes = Array(randomPayload(&random).utf8)
            if Bool.random(using: &random) { bytes.insert(contentsOf: Array(#""x":[{"y":[1,-2.5e3,"a\\u00e9\n"]},[],{}],"#.utf8), at: 1) }
            for _ in 0..<Int.random(in: 1...3, using: &random) where !bytes.isEmpty {
                let place = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<6, using: &random) {
                case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes.remove(at: place)
                case 2: bytes.removeSubrange(place...)
                case 3: bytes.insert(contentsOf: bytes[place..<min(bytes.count, place + 20)], at: place)
                case 4: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
                default: bytes.insert(contentsOf: pieces.randomElement(using: &random) ?? [], at: place)
                }
            }
            return bytes
        }
        try compareWithPostgreSQL(payloads)
    }

    private func payload(_ name: String, _ value: String) -> String {
        let others = ["id": #""00000000-0000-0000-0000-000000000001""#, "at": #""2024-05-01T10:11:12Z""#].filter { $0.key != name }
        return "{" + others.sorted { $0.key < $1.key }.map { "\"\($0.key)\":\($0.value)," }.joined() + "\"\(name)\":\(value)}"
    }

    private func quoted(_ text: String) -> String {
        "\"" + text.map { $0 == "\t" ? "\\t" : $0 == "\n" ? "\\n" : $0 == "\"" ? "\\\"" : String($0) }.joined() + "\""
    }

    private func compareWithPostgreSQL(_ payloads: [String]) throws { try compareWithPostgreSQL(payloads.map { Array($0.utf8) }) }

    private func compareWithPostgreSQL(_ payloads: [[UInt8]]) throws {
        let batch = records(payloads)
        let judge = try Judge(batch)
        let accepted = try judge.accepted()
        let list = everyType.columns.map { "(e).\($0.name)::text" }.joined(separator: ", ")
        let values = try judge.connection.query("SELECT \(list) FROM parsed ORDER BY record_offset").rows
        let events = EventDecoder(everyType).decode(batch)
        let rejections = Dictionary(uniqueKeysWithValues: events.rejections.map { ($0.row, $0) })
        var agreed = 0
        for row in payloads.indices {
            let text = String(decoding: payloads[row], as: UTF8.self)
            guard accepted[row] == (rejections[row] == nil) else {
                // PostgreSQL looks for a field in a json only where no string of all of it holds \u0000; to us that matters in text columns.
                if rejections[row] == nil, text.contains("\\u0000") { continue }
                guard let rejection = rejections[row], isStricter(rejection) else {
                    Issue.record(
                        "\(text)\nPostgreSQL \(accepted[row] ? "takes" : "refuses") it, ours: \(rejections[row].map { "\($0)" } ?? "takes it")"
                    )
                    continue
                }
                continue
            }
            if let rejection = rejections[row] {
                #expect((rejection.position ?? 0) <= payloads[row].count)
                continue
            }
            let ours = shownValues(events, row)
            if ours != values[row].values { Issue.record("\(text)\nours   \(ours)\ntheirs \(values[row].values)") }
            agreed += 1
        }
        #expect(agreed > payloads.count / 20, "only \(agreed) of \(payloads.count) were taken by both")
        // A payload's neighbours must not matter.
        let decoder = EventDecoder(everyType)
        for row in payloads.indices {
            let alone = decoder.decode(records([payloads[row]]))
            #expect(alone.identities[0] == events.identities[row])
            #expect(alone.rejections.first?.message == rejections[row]?.message)
            #expect(alone.rejections.first?.position == rejections[row]?.position)
        }
    }

    /// What we refuse and PostgreSQL takes, on purpose: its many other ways of writing times, and halves of surrogate pairs in fields that are
    /// never turned into text; infinite numerics.
    private func isStricter(_ rejection: Rejection) -> Bool {
        rejection.message.hasPrefix("invalid input syntax for type timestamp with time zone") || rejection.message.contains("surrogate")
            || rejection.message.contains("is not a finite")
    }

    private func shownValues(_ events: EventBatch, _ row: Int) -> [String?] {
        var evaluator = Evaluator(events)
        return everyType.columns.indices.map { index in
            let vector = evaluator.evaluate(.cast(.column(index, everyType.columns[index].type), to: .text), [Int32(row)]).spread(1)
            guard case .text(let texts) = vector.values, !vector.isNull(0) else { return nil }
            return String(decoding: texts.bytes[texts.starts[0]..<texts.ends[0]], as: UTF8.self)
        }
    }
}
