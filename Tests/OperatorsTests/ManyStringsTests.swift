import Columns
import ParallaxCore
import TestSupport
import Testing
import ViewLanguage

@testable import Operators

/// Dictionaries and arenas that grow, against Swift's own dictionary.
@Suite struct ManyStringsTests {
    @Test func groupsDistinctValuesAndExtremesOfManyStrings() {
        var random = SeededGenerator(seed: 61)
        var expected: [String: (count: Int, most: String)] = [:]
        let aggregator = ViewAggregator(
            plan: plan("SELECT label, count(*) AS n, max(label) AS most FROM every_type GROUP BY label"), layer: .speed)
        let whole = ViewAggregator(
            plan: plan("SELECT count(DISTINCT label) AS d, max(label) AS high, min(label) AS low FROM every_type"), layer: .batch)
        let decoder = EventDecoder(everyType)
        for _ in 0..<10 {
            // Lengths around the eight bytes that hashing and comparing take at once.
            let labels = (0..<2_000).map { _ in
                String(repeating: "x", count: Int.random(in: 0...20, using: &random)) + String(Int.random(in: 0..<3_000, using: &random))
            }
            for label in labels { expected[label, default: (0, label)].count += 1 }
            let batch = decoder.decode(records(labels.map { "{\(idAndTime),\"label\":\"\($0)\"}" }))
            #expect(aggregator.addAll(batch).isEmpty && whole.addAll(batch).isEmpty)
        }
        #expect(aggregator.groupCount == expected.count)
        #expect(aggregator.approximateBytes > expected.count * 16)
        let lines = expected.sorted { Array($0.key.utf8).lexicographicallyPrecedes(Array($1.key.utf8)) }.map {
            "\($0.key)\t\($0.value.count)\t\($0.key)"
        }
        #expect(aggregator.takeRows().copyLines == lines)
        let row = whole.takeRows(sketchesForWindowsEndingAfter: nil).copyLines[0].split(separator: "\t")
        #expect(row[0] == "\(expected.count)")
        #expect(String(row[2]) == expected.keys.max { Array($0.utf8).lexicographicallyPrecedes(Array($1.utf8)) })
    }

    /// min keeps falling, so that every row replaces the one before; the arena must not keep them all.
    @Test func replacedExtremesAreForgotten() {
        let aggregator = ViewAggregator(plan: plan("SELECT min(label) AS low FROM every_type"), layer: .speed)
        let decoder = EventDecoder(everyType)
        let tail = String(repeating: "y", count: 1_000)
        for start in stride(from: 9_999, to: 8_000, by: -100) {
            let batch = decoder.decode(records((0..<100).map { "{\(idAndTime),\"label\":\"\(start - $0)\(tail)\"}" }))
            #expect(aggregator.addAll(batch).isEmpty)
        }
        #expect(aggregator.approximateBytes < 1_000_000)
        #expect(aggregator.takeRows().copyLines == ["8000\(tail)"])
    }

    @Test func aRecordOfTenMegabytes() {
        let long = String(repeating: "ä\\n", count: 2_500_000)
        let batch = EventDecoder(everyType).decode(
            records([
                "{\(idAndTime),\"label\":\"\(long)\"}", "{\(idAndTime),\"small\":\(String(repeating: "9", count: 10_000_000))}",
                "{\(idAndTime)}",
            ]))
        #expect(batch.rejections.map(\.row) == [1])
        #expect(batch.rejections.first?.reason == .outOfRange)
        #expect((batch.rejections.first?.message.utf8.count ?? 0) < 300)
        guard case .text(let labels)? = batch.columns[2]?.storage else { return #expect(Bool(false)) }
        #expect(labels[0].count == 7_500_000 && labels[2].isEmpty)
    }
}
