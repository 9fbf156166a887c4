import Columns
import MergeLaw
import ParallaxCore
import TestSupport
import Testing
import ViewLanguage

@testable import Operators

/// states(parts in any order) = states(whole), byte for byte: what lets threads, segments and partitions be split as one likes (I3).
@Suite struct MergeLawTests {
    @Test(arguments: [UInt64(21), 22, 23], [StateLayout.Layer.speed, .batch])
    func partsInAnyOrderMakeTheWhole(_ seed: UInt64, _ layer: StateLayout.Layer) {
        var random = SeededGenerator(seed: seed)
        let view = plan(
            """
            SELECT tumble(at, '20 seconds') AS m, label, sum(ratio) AS a, avg(price) AS b, min(label) AS c, max(ratio) AS d, sum(exact) AS e,
                   count(DISTINCT id) AS f, count(DISTINCT label) AS g, sum(small + 1) FILTER (WHERE 10 / small > -5) AS h, max(at) AS i
            FROM every_type GROUP BY m, label
            """)
        let payloads = (0..<2_000).map { _ in randomPayload(&random) }
        let whole = ViewAggregator(plan: view, layer: layer)
        let rejected = whole.addAll(EventDecoder(everyType).decode(records(payloads))).count
        #expect(rejected > 0)
        let expected = whole.takeRows().copyLines
        let decoder = EventDecoder(everyType)
        for _ in 0..<3 {
            let parts = ViewAggregator(plan: view, layer: layer)
            var rest = payloads.shuffled(using: &random)[...]
            var rejectedOfParts = 0
            while !rest.isEmpty {
                let events = decoder.decode(records(Array(rest.prefix(Int.random(in: 1...300, using: &random)))))
                rest = rest.dropFirst(events.count)
                // Each batch in two disjoint selections of its rows.
                let isFirst = (0..<events.count).map { _ in Bool.random(using: &random) }
                for half in [true, false] {
                    rejectedOfParts += parts.add(events, rows: (0..<Int32(events.count)).filter { isFirst[Int($0)] == half }).count
                }
            }
            #expect(parts.takeRows().copyLines == expected)
            #expect(rejectedOfParts == rejected)
        }
    }
}
