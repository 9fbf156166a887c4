import Columns
import ParallaxCore
import Testing
import ViewLanguage

@testable import Operators

@Suite struct ViewAggregatorTests {
    private let events = [
        "{\(idAndTime),\"label\":\"b\",\"small\":1,\"price\":1.50,\"ratio\":0.1}",
        "{\(idAndTime),\"label\":\"a\\tb\",\"small\":2147483647,\"price\":2.25,\"ratio\":0.2}",
        "{\(idAndTime),\"small\":3,\"price\":null,\"ratio\":0.3}",
        "{\(idAndTime),\"label\":\"b\",\"small\":4,\"price\":-10}",
    ]

    @Test func groupsStatesAndCopyText() {
        let view = plan(
            """
            SELECT tumble(at, '1 minute') AS minute, label, count(*) AS n, sum(price) AS s, avg(ratio) AS r, min(small) AS low,
                   max(label) AS top, count(price) FILTER (WHERE small > 1) AS some, count(DISTINCT small) AS d FROM every_type GROUP BY minute, label
            """)
        let aggregator = ViewAggregator(plan: view, layer: .batch)
        #expect(aggregator.addAll(EventDecoder(everyType).decode(records(events))).isEmpty)
        #expect(aggregator.groupCount == 3)
        let rows = aggregator.takeRows(sketchesForWindowsEndingAfter: Instant(microseconds: .max))
        let minute = "2024-05-01 10:11:00+00"
        #expect(
            rows.copyLines == [
                "\(minute)\ta\\tb\t1\t2.25\t1\t0.200000000000000011102230246251565404236316680908203125\t2147483647\ta\\tb\t1\t1\t\\N",
                "\(minute)\tb\t2\t-8.50\t1\t0.1000000000000000055511151231257827021181583404541015625\t1\tb\t1\t2\t\\N",
                "\(minute)\t\\N\t1\t\\N\t1\t0.299999999999999988897769753748434595763683319091796875\t3\t\\N\t0\t1\t\\N",
            ])
        #expect(aggregator.groupCount == 0 && aggregator.takeRows().count == 0)
    }

    @Test func aRowInErrorChangesNothing() {
        let view = plan(
            "SELECT label, count(*) AS n, sum(small + 1) AS s, count(*) FILTER (WHERE 10 / (small - 4) > 0) AS f FROM every_type GROUP BY label"
        )
        let aggregator = ViewAggregator(plan: view, layer: .speed)
        let rejections = aggregator.addAll(EventDecoder(everyType).decode(records(events)))
        #expect(rejections.map(\.row) == [1, 3])
        #expect(rejections.map(\.reason) == [.expression, .expression])
        #expect(rejections.map(\.message) == ["integer out of range", "division by zero"])
        #expect(aggregator.takeRows().copyLines == ["b\t1\t2\t0", "\\N\t1\t4\t0"])
    }

    /// The view was compiled on a machine that knows more time zones.
    @Test func aMissingTimeZoneRejectsRowsAndDoesNotStopTheProcess() {
        var view = plan("SELECT date_trunc('day', at, 'Europe/Berlin') AS day, count(*) AS n FROM every_type GROUP BY day")
        view.window?.kind = .calendar(unit: .day, zone: "Atlantis/Capital")
        let aggregator = ViewAggregator(plan: view, layer: .batch)
        let rejections = aggregator.addAll(EventDecoder(everyType).decode(records(events)))
        #expect(rejections.map(\.row) == [0, 1, 2, 3])
        #expect(rejections.first?.message == "time zone \"Atlantis/Capital\" not recognized")
        #expect(aggregator.takeRows(sketchesForWindowsEndingAfter: Instant(microseconds: 0)).count == 0)
    }

    @Test func operandsThatDoNotMatterAreNotEvaluated() {
        let view = plan(
            """
            SELECT count(*) FILTER (WHERE small <> 4 AND 10 / (small - 4) < 0) AS a, count(*) FILTER (WHERE small = 4 OR 10 / (small - 4) < 0) AS o,
                   sum(coalesce(price, 1 / (small - 3))) AS c, sum(1 / (small - 4)) FILTER (WHERE small <> 4) AS f FROM every_type
            """)
        let aggregator = ViewAggregator(plan: view, layer: .speed)
        let rejections = aggregator.addAll(EventDecoder(everyType).decode(records(events)))
        #expect(rejections.map(\.row) == [2])
        #expect(aggregator.takeRows().copyLines == ["1\t2\t-6.25\t0"])
    }

    @Test func groupKeysHaveALimit() {
        let view = plan("SELECT label, count(*) AS n FROM every_type GROUP BY label")
        let aggregator = ViewAggregator(plan: view, layer: .speed)
        func event(_ length: Int) -> String { "{\(idAndTime),\"label\":\"\(String(repeating: "x", count: length))\"}" }
        let batch = EventDecoder(everyType).decode(records([event(ViewAggregator.groupKeyBytes), event(ViewAggregator.groupKeyBytes + 1)]))
        let rejections = aggregator.addAll(batch)
        #expect(rejections.map(\.reason) == [.groupKeyTooLong])
        #expect(rejections.map(\.row) == [1])
        #expect(aggregator.groupCount == 1)
    }

    @Test func windowsStartAtTheirFloor() {
        let minutes = WindowAssignment(.init(name: "w", kind: .tumbling(size: 60, origin: 7)))
        for time in Int64(-1000)...1000 {
            guard let start = minutes.start(time) else { return #expect(Bool(false)) }
            #expect(start <= time && time < start + 60 && (start - 7) % 60 == 0)
        }
        let day = WindowAssignment(.init(name: "w", kind: .tumbling(size: 86_400_000_000 * 7, origin: 0)))
        #expect(day.start(Instant.acceptedRange.lowerBound) == nil)
        #expect(day.start(Instant.acceptedRange.upperBound - 1) != nil)
        #expect(WindowAssignment(.init(name: "w", kind: .tumbling(size: 1 << 40, origin: .min))).start(.max - 1) != nil)
    }

    @Test func otherWindowsArePassedOver() {
        let view = plan("SELECT tumble(at, '1 minute') AS minute, count(*) AS n FROM every_type WHERE 1 / (small - 1) >= 0 GROUP BY minute")
        let batch = EventDecoder(everyType).decode(records(events))
        let window = Int64(1_714_558_260_000_000)
        let rows = Array(0..<Int32(batch.count))
        let all = ViewAggregator(plan: view, layer: .batch)
        #expect(all.admitted(batch, rows: rows).map(\.row) == [1, 2, 3])
        #expect(all.admitted(batch, rows: rows).allSatisfy { $0.window == window })
        #expect(all.groupCount == 0)
        let other = ViewAggregator(plan: view, layer: .batch, onlyWindows: [window + 60_000_000])
        #expect(other.add(batch, rows: rows).isEmpty && other.groupCount == 0)
        let same = ViewAggregator(plan: view, layer: .batch, onlyWindows: [window])
        #expect(same.add(batch, rows: rows).map(\.row) == [0])
        #expect(same.takeRows().copyLines == ["2024-05-01 10:11:00+00\t3"])
    }

    @Test func aGlobalViewOfNothingHasNoRow() {
        let view = plan("SELECT count(*) AS n, sum(small) AS s FROM every_type WHERE small > 100000")
        let aggregator = ViewAggregator(plan: view, layer: .batch)
        _ = aggregator.addAll(EventDecoder(everyType).decode(records([events[0]])))
        #expect(aggregator.takeRows().count == 0)
        _ = aggregator.addAll(EventDecoder(everyType).decode(records(events)))
        #expect(aggregator.takeRows().copyLines == ["1\t2147483647"])
    }
}
