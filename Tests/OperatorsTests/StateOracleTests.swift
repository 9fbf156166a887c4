import Columns
import ParallaxCore
import TestSupport
import Testing
import ViewLanguage

@testable import Operators

/// The states of random events, as COPY text, are byte for byte what PostgreSQL's COPY makes of its own aggregates.
@Suite struct StateOracleTests {
    @Test(arguments: [
        "SELECT tumble(at, '1 minute') AS m, count(*) AS n FROM every_type GROUP BY m",
        "SELECT tumble(at, '7 seconds') AS m, label, flag, count(small) AS c, count(*) FILTER (WHERE price > 0 AND flag) AS f FROM every_type GROUP BY m, label, flag",
        "SELECT label, sum(small) AS a, sum(big) AS b, sum(price) AS p, sum(exact) AS e FROM every_type GROUP BY label",
        "SELECT flag, min(label) AS a, max(label) AS b, min(small) AS c, max(big) AS d, min(price) AS e, max(exact) AS f, min(ratio) AS g, max(ratio) AS h, max(at) AS i FROM every_type GROUP BY flag",
        "SELECT small, big, price, exact, ratio, id, at, count(*) AS n FROM every_type GROUP BY small, big, price, exact, ratio, id, at",
        "SELECT exact, ratio, sum(small) FILTER (WHERE label IN ('a', 'zz')) AS s FROM every_type WHERE label IS NOT NULL OR small < 0 GROUP BY exact, ratio",
        "SELECT sum(price * small) AS s, sum(price + 1.005) AS t, sum(coalesce(small, 7)) AS u FROM every_type",
    ])
    func states(_ select: String) throws {
        let batch = randomEvents(3_000, seed: 11)
        let judge = try Judge(batch)
        let events = EventDecoder(everyType).decode(batch)
        #expect(events.rejections.isEmpty)
        let aggregator = ViewAggregator(plan: plan(select), layer: .batch)
        #expect(aggregator.addAll(events).isEmpty)
        let difference = difference(aggregator.takeRows().copyLines.sorted(), try judge.copyLines(select))
        #expect(difference == nil)
    }

    @Test func distinctCountsOfEveryType() throws {
        let batch = randomEvents(3_000, seed: 12)
        let judge = try Judge(batch)
        let names = ["label", "small", "big", "price", "exact", "ratio", "flag", "id", "at"]
        let list = names.map { "count(DISTINCT \($0)) AS n_\($0)" }.joined(separator: ", ")
        let aggregator = ViewAggregator(plan: plan("SELECT flag, \(list) FROM every_type GROUP BY flag"), layer: .batch)
        _ = aggregator.addAll(EventDecoder(everyType).decode(batch))
        let ours = aggregator.takeRows(sketchesForWindowsEndingAfter: nil).copyLines.map { line in
            line.split(separator: "\t").enumerated().filter { $0.offset % 2 == 1 || $0.offset == 0 }.map { String($0.element) }.joined(
                separator: "\t")
        }
        let theirs = try judge.copyLines("SELECT flag, \(list) FROM every_type GROUP BY flag")
        #expect(difference(ours.sorted(), theirs) == nil)
    }

    /// In PostgreSQL -0 is 0 and NaN is NaN for grouping; here the first does not depend on the order of rows either.
    @Test func zeroHasOneSign() {
        let batch = EventDecoder(everyType).decode(records(["{\(idAndTime),\"ratio\":-0.0}", "{\(idAndTime),\"ratio\":0}"]))
        let aggregator = ViewAggregator(
            plan: plan("SELECT ratio, min(ratio) AS a, count(DISTINCT ratio) AS d FROM every_type GROUP BY ratio"), layer: .batch)
        _ = aggregator.addAll(batch)
        #expect(aggregator.takeRows().copyLines.map { $0.split(separator: "\t").prefix(3).joined(separator: " ") } == ["0 0 1"])
    }

    /// The rows come in key order: window, then group columns, nulls last, text byte by byte.
    @Test func rowsComeInKeyOrder() throws {
        let batch = randomEvents(2_000, seed: 13)
        let judge = try Judge(batch)
        for keys in ["label, flag", "small, label", "big, ratio", "price, exact", "ratio, exact", "id, at", "at, label"] {
            let select = "SELECT \(keys), count(*) AS n FROM every_type GROUP BY \(keys)"
            let aggregator = ViewAggregator(plan: plan(select), layer: .speed)
            _ = aggregator.addAll(EventDecoder(everyType).decode(batch))
            var theirs: [String] = []
            try judge.connection.copyOut("COPY (\(select) ORDER BY \(keys)) TO STDOUT") { (row) throws(ParallaxError) in
                theirs.append(String(decoding: row.last == 10 ? row[..<(row.count - 1)] : row[...], as: UTF8.self))
            }
            #expect(aggregator.takeRows().copyLines == theirs, "\(keys)")
        }
    }
}
