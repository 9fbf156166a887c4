import Columns
import ParallaxCore
import Postgres
import TestSupport
import Testing
import ViewLanguage

@testable import Operators

/// Sketches are the bytes that postgresql-hll itself would have made of the same values.
@Suite struct SketchTests {
    @Test(arguments: [0, 1, 10, 200, 1_000, 1_280, 1_281, 2_000, 4_500, 5_000, 6_000, 100_000])
    func bytesOfTheExtension(_ count: Int) throws {
        let dsn = try TestCluster.shared.freshDatabase()
        let connection = try connect(dsn)
        let hex = { (bytes: [UInt8]) in
            var text: [UInt8] = []
            HyperLogLog.appendText(bytes, to: &text)
            return String(decoding: text, as: UTF8.self)
        }
        let numbers = (0..<count).map { Murmur3.hash(UInt64(bitPattern: Int64($0) * 7_919 - 1_000)).0 }
        let texts = (0..<count).map { number in Array("visitor \(number)".utf8).withUnsafeBytes { Murmur3.hash($0).0 } }
        let row = try connection.query(
            """
            SELECT coalesce(hll_add_agg(hll_hash_bigint(n * 7919 - 1000), 14, 5, -1, 1), hll_empty(14, 5, -1, 1))::text,
                   coalesce(hll_add_agg(hll_hash_text('visitor ' || n), 14, 5, -1, 1), hll_empty(14, 5, -1, 1))::text
            FROM generate_series(0, $1::bigint - 1) n
            """, [.int(Int64(count))]
        ).rows[0]
        #expect(hex(HyperLogLog.standard.encode(hashes: numbers, registers: [])) == row[0])
        #expect(hex(HyperLogLog.standard.encode(hashes: texts, registers: [])) == row[1])
        try TestCluster.shared.drop(dsn)
    }

    /// Both layers, also where a group goes from a list of hashes to registers on the way; and each type's hash.
    @Test func bothLayersMakeTheSameSketch() throws {
        let payloads = (0..<6_000).map { number in
            let group = number % 3 == 0 ? "many" : number % 7 == 0 ? "some" : "few"
            let value = group == "few" ? number % 50 : number
            return """
                {"id":"00000000-0000-0000-0000-\(String(value + 100_000_000_000))","at":"2024-05-01T10:11:12Z","label":"\(group)","small":\(value),
                 "big":\(Int64(value) * 1_000_000_007),"exact":\(value).5,"price":\(value).25,"ratio":\(value).125}
                """
        }
        let batch = records(payloads)
        let judge = try Judge(records([String]()))
        let select =
            "SELECT label, count(DISTINCT small) AS a, count(DISTINCT big) AS b, count(DISTINCT id) AS c, count(DISTINCT label) AS d, count(DISTINCT exact) AS e FROM every_type GROUP BY label"
        let speed = ViewAggregator(plan: plan(select), layer: .speed)
        let exact = ViewAggregator(plan: plan(select), layer: .batch)
        let events = EventDecoder(everyType).decode(batch)
        for aggregator in [speed, exact] {
            // In pieces, and twice: a sketch of the same values again is the same sketch.
            for _ in 0..<2 {
                for start in stride(from: 0, to: 6_000, by: 700) {
                    #expect(aggregator.add(events, rows: Array(Int32(start)..<Int32(min(6_000, start + 700)))).isEmpty)
                }
            }
        }
        let sketches = speed.takeRows().copyLines.map { $0.split(separator: "\t").map(String.init) }
        let both = exact.takeRows().copyLines.map { $0.split(separator: "\t").map(String.init) }
        #expect(both.map { row in [row[0]] + stride(from: 2, to: row.count, by: 2).map { row[$0] } } == sketches)
        try judge.connection.execute("CREATE TABLE visit (label text, small int, big bigint, id uuid)")
        var sent = 0
        try judge.connection.copyIn("COPY visit FROM STDIN") { (buffer) throws(ParallaxError) -> Bool in
            guard sent < 6_000 else { return false }
            for number in 0..<6_000 {
                let group = number % 3 == 0 ? "many" : number % 7 == 0 ? "some" : "few"
                let value = group == "few" ? number % 50 : number
                buffer += Array("\(group)\t\(value)\t\(value * 1_000_000_007)\t00000000-0000-0000-0000-\(value + 100_000_000_000)\n".utf8)
                sent += 1
            }
            return true
        }
        let theirs = try judge.copyLines(
            """
            SELECT label, hll_add_agg(hll_hash_bigint(small), 14, 5, -1, 1), hll_add_agg(hll_hash_bigint(big), 14, 5, -1, 1),
                   hll_add_agg(hll_hash_bytea(uuid_send(id)), 14, 5, -1, 1), hll_add_agg(hll_hash_text(label), 14, 5, -1, 1) FROM visit GROUP BY label
            """)
        #expect(sketches.map { $0.prefix(5).joined(separator: "\t") }.sorted() == theirs)
    }

    /// What the documentation promises: an estimate within three standard errors (1.04/√2^log2m), whatever the number of values.
    @Test(arguments: [(10, 14), (1_000, 14), (100_000, 14), (10_000_000, 14), (100_000, 10), (10_000_000, 10)])
    func estimatesAreWithinThreeStandardErrors(count: Int, log2m: Int) throws {
        let sketch = HyperLogLog(log2m: log2m)
        let state = DistinctState(.int8, isExact: false, sketch: sketch)
        let groups = [Int32](repeating: 0, count: min(count, 100_000))
        for start in stride(from: 0, to: count, by: groups.count) {
            // Each value twice: the second time says nothing new.
            let values = (start..<(start + groups.count)).map { Int64($0) &* 104_729 }
            for _ in 0..<(start == 0 ? 2 : 1) {
                state.add(groups: groups, values: Vector(type: .int8, values: .int64(values), nulls: []), groupCount: 1)
            }
        }
        guard case .text(let texts) = state.columns(order: [0], hasSketch: [true])[0] else { preconditionFailure("a sketch is text") }
        let dsn = try TestCluster.shared.freshDatabase()
        let text = String(decoding: texts[0], as: UTF8.self).replacing("\\\\", with: "\\")
        let row = try connect(dsn).query("SELECT hll_cardinality($1::hll)", [.text(text)]).rows[0]
        let estimate = try #require(row[0].flatMap { Double($0) })
        let standardError = 1.04 / Double(1 << log2m).squareRoot()
        let relative = abs(estimate - Double(count)) / Double(count)
        #expect(relative <= 3 * standardError, "\(estimate) for \(count): \(relative / standardError) standard errors")
        try TestCluster.shared.drop(dsn)
    }

    private func connect(_ dsn: String) throws -> Connection {
        let connection = try Connection(dsn)
        try connection.execute("CREATE EXTENSION hll")
        return connection
    }
}
