import ParallaxCore
import TestSupport
import Testing

/// Intervals as columns, groups, measures and keys, by PostgreSQL's judgement: from the speed layer, from the batch layer, and both at a cut.
@Suite(.serialized) struct IntervalTests {
    typealias View = LayeredPipeline.View

    private static let source = """
        CREATE TABLE term (length interval PRIMARY KEY, name text, grace interval);
        CREATE FOREIGN TABLE call (
          event_id bigint, event_time timestamptz, kind text, term interval OPTIONS (path 'contract.term'), lasted interval NOT NULL,
          pause interval DEFAULT '00:00:30', began time
        ) SERVER parallax OPTIONS (event_id 'event_id', event_time 'event_time', out_of_orderness '5 seconds', lateness '1 hour');

        """

    /// Equal ones among them, which are one group.
    private static let terms = [
        "1 day", "24:00", "P1D", "1 mon", "30 days", "720:00", "-1 mons +30 days", "00:00", "36:00", "1 year", "365 days", "-00:00:01.5",
    ]
    /// No two of these are equal, so that PostgreSQL's own min and max do not depend on the order of rows.
    private static let lengths = [
        "00:00:01", "00:17:03.25", "PT2H", "1 day 02:00", "-00:00:00.000001", "2 mons 3 days 04:05:06.789", "1-2", "@ 3 hours ago",
    ]

    private static let exact: [View] = [
        View(
            "by_term", "SELECT term, count(*) AS n, sum(lasted) AS s FROM call GROUP BY term",
            oracle: "SELECT min(term::text COLLATE \"C\")::interval, count(*), sum(lasted) FROM call GROUP BY term"),
        View(
            "by_minute",
            """
            SELECT tumble(event_time, '1 minute') AS minute, kind, sum(lasted) AS a, avg(lasted) AS b, min(lasted) AS c, max(lasted) AS d,
                count(lasted) AS e, sum(pause) FILTER (WHERE lasted > '1 minute') AS f, avg(pause - lasted) AS g, sum(began) AS h, avg(began) AS i
            FROM call GROUP BY minute, kind
            """),
        View(
            "differences",
            """
            SELECT date_trunc('hour', event_time - timestamptz '2023-12-31 23:59:00+00') AS age, term * 2 AS double_term, count(*) AS n,
                sum(lasted) / count(*) AS mean, max(lasted) - min(lasted) AS range, max(lasted) > interval '1 day' AS long
            FROM call WHERE lasted BETWEEN '0' AND '1 year' OR term IN ('1 day', '1 mon') GROUP BY age, term * 2 HAVING sum(lasted) > interval '1 hour'
            """,
            oracle: """
                SELECT date_trunc('hour', event_time - timestamptz '2023-12-31 23:59:00+00') AS age, min((term * 2)::text COLLATE "C")::interval, count(*) AS n,
                    sum(lasted) / count(*) AS mean, max(lasted) - min(lasted) AS range, max(lasted) > interval '1 day' AS long
                FROM call WHERE lasted BETWEEN '0' AND '1 year' OR term IN ('1 day', '1 mon') GROUP BY age, term * 2 HAVING sum(lasted) > interval '1 hour'
                """),
        // What is computed from a group is computed from the one that is shown.
        View(
            "from_the_group",
            "SELECT term, term + interval '1 hour' AS more, term::text AS shown, count(*) AS n FROM call GROUP BY term HAVING term > '1 hour'",
            oracle: """
                SELECT t, t + interval '1 hour', t::text, n FROM (
                    SELECT min(term::text COLLATE "C")::interval AS t, count(*) AS n FROM call GROUP BY term) g WHERE t > '1 hour'
                """),
        View(
            "newest", "SELECT DISTINCT ON (term) term, lasted, pause, kind FROM call ORDER BY term, event_time DESC"),
        View(
            "ends", "SELECT kind, first(term, event_time) AS a, last(lasted, event_time) AS b FROM call GROUP BY kind",
            oracle:
                "SELECT kind, (array_agg(term ORDER BY event_time))[1], (array_agg(lasted ORDER BY event_time DESC))[1] FROM call GROUP BY kind"
        ),
        View(
            "joined",
            "SELECT name, count(*) AS n, sum(grace) AS a, max(term.length - grace) AS b FROM call LEFT JOIN term ON call.term = term.length GROUP BY name"
        ),
        View(
            "by_grace", "SELECT grace, count(*) AS n FROM call JOIN term ON call.term = term.length GROUP BY grace",
            oracle: """
                SELECT min(grace::text COLLATE "C")::interval, count(*) FROM call JOIN term ON call.term = term.length GROUP BY grace
                """),
        View("everything", "SELECT sum(lasted) AS a, avg(lasted) AS b, min(lasted) AS c, max(lasted) AS d, avg(term) AS e FROM call"),
    ]

    /// Estimated while rows of the speed layer are in them.
    private static let estimated: [View] = [
        View("terms", "SELECT kind, count(DISTINCT term) AS n FROM call GROUP BY kind"),
        View(
            "percentiles",
            """
            SELECT kind, percentile_disc(0.5) WITHIN GROUP (ORDER BY lasted) AS a, percentile_cont(0.9) WITHIN GROUP (ORDER BY lasted) AS b,
                percentile_cont(ARRAY[0.1, 0.5]) WITHIN GROUP (ORDER BY lasted) AS c, percentile_disc(ARRAY[0, 1]) WITHIN GROUP (ORDER BY lasted) AS d
            FROM call GROUP BY kind
            """),
    ]

    private struct Traffic {
        var random: SeededGenerator
        var number = 0

        /// The same events for Parallax and for PostgreSQL, which is given every column under its own name.
        mutating func produce(_ count: Int, into log: MemoryLog, _ plain: MemoryLog) throws {
            func pick(_ values: [String]) -> String { values[Int.random(in: 0..<values.count, using: &random)] }
            for _ in 0..<count {
                number += 1
                // Five seconds apart, which no lateness reaches.
                let seconds = number * 5
                let clock = [seconds / 3_600, seconds / 60 % 60, seconds % 60].map { $0 < 10 ? "0\($0)" : "\($0)" }.joined(separator: ":")
                let head = "{\"event_id\":\(number),\"event_time\":\"2024-01-01T\(clock)Z\",\"kind\":\"k\(number % 3)\""
                let term = Int.random(in: 0..<9, using: &random) == 0 ? "null" : "\"\(pick(terms))\""
                // What is no interval rejects the record.
                let lasted = Int.random(in: 0..<20, using: &random) == 0 ? pick(["null", "\"1 minuet\"", "7"]) : "\"\(pick(lengths))\""
                let pause = Int.random(in: 0..<3, using: &random) == 0 ? nil : pick(["\"1 min\"", "\"2 min\"", "null"])
                let began = pick(["\"10:00\"", "\"23:59:59.5\"", "null"])
                let partition = Partition(Int.random(in: 0..<2, using: &random))
                let tail = "\"lasted\":\(lasted),\"began\":\(began)}"
                let own = head + ",\"contract\":{\"term\":\(term)}," + (pause.map { "\"pause\":\($0)," } ?? "") + tail
                let its = head + ",\"term\":\(term),\"pause\":\(pause ?? "\"00:00:30\"")," + tail
                try log.append([NewRecord(key: nil, payload: Array(own.utf8))], to: partition)
                try plain.append([NewRecord(key: nil, payload: Array(its.utf8))], to: partition)
            }
        }
    }

    @Test(arguments: [UInt64(101), 102])
    func bothLayersAreAsPostgreSQL(_ seed: UInt64) throws {
        let pipeline = try LayeredPipeline(partitions: 2, sourceSQL: Self.source, views: Self.exact + Self.estimated)
        try pipeline.connection.execute(
            """
            INSERT INTO dimension.term VALUES ('1 day', 'day', '2 hours'), ('1 mon', 'month', '72:00'), ('1 year', 'year', '3 days'), ('0', NULL, '3 days')
            """)
        let plain = MemoryLog(source: "call", partitions: 2)
        var traffic = Traffic(random: SeededGenerator(seed: seed))
        func check(_ note: String, _ views: [View]) throws {
            let oracle = try pipeline.oracle(over: plain)
            for view in views {
                let found = difference(try pipeline.served(view), try oracle.rows(view.oracle ?? view.select))
                #expect(found == nil, "\(note), seed \(seed), view \(view.name): \(found ?? "")")
            }
        }
        for step in 0..<3 {
            try traffic.produce(250, into: pipeline.log, plain)
            try pipeline.speed()
            try check("live \(step)", Self.exact)
            if step == 0 { try checkEstimates(pipeline, plain) }
            let report = try pipeline.batch()
            try check("published \(step)", Self.exact + Self.estimated)
            for view in report.views where !Self.estimated.contains(where: { $0.name == view.view }) {
                for drift in view.drift {
                    #expect(drift.differing == 0 && drift.onlyBatch == 0 && drift.onlyMerged == 0, "\(view.view) \(drift)")
                }
            }
        }
        #expect(try pipeline.batch(full: true).views.allSatisfy { $0.rowsAdded == 0 && $0.rowsClosed == 0 })
    }

    /// Between the least and the greatest value, and within a rank of the exact one: few values are kept as they are, and many are in a digest.
    private func checkEstimates(_ pipeline: LayeredPipeline, _ plain: MemoryLog) throws {
        let oracle = try pipeline.oracle(over: plain)
        _ = try oracle.rows("SELECT count(*) FROM call")
        let wrong = try pipeline.rows(
            """
            SELECT s.*, e.low, e.high FROM serving.percentiles s JOIN (
                SELECT kind, min(lasted) AS low, max(lasted) AS high, percentile_disc(0.3) WITHIN GROUP (ORDER BY lasted) AS third,
                    percentile_disc(0.7) WITHIN GROUP (ORDER BY lasted) AS two_thirds FROM oracle.call GROUP BY kind) e USING (kind)
            WHERE NOT (s.a BETWEEN e.third AND e.two_thirds AND s.b BETWEEN e.low AND e.high
                AND s.c[2] BETWEEN e.third AND e.two_thirds AND s.d[1] BETWEEN e.low - interval '1 us' AND e.third AND s.d[2] <= e.high + interval '1 us')
            """)
        #expect(wrong == [])
        #expect(try pipeline.rows("SELECT count(*) FROM serving.percentiles") == ["3"])
        #expect(try pipeline.rows("SELECT count(*) FROM serving.terms WHERE n NOT BETWEEN 4 AND 8") == ["0"])
    }

    /// Which of equal intervals is shown depends on neither the order of events nor on which layer has seen them.
    @Test func theGroupIsShownByTheSmallestText() throws {
        let views = [
            View("by_term", "SELECT term, count(*) AS n FROM call GROUP BY term"),
            View("newest", "SELECT DISTINCT ON (term) term FROM call ORDER BY term, event_time DESC"),
        ]
        let pipeline = try LayeredPipeline(partitions: 1, sourceSQL: Self.source, views: views)
        var number = 0
        func append(_ term: String) throws {
            number += 1
            let payload =
                "{\"event_id\":\(number),\"event_time\":\"2024-01-01T00:00:0\(number)Z\",\"lasted\":\"0\",\"contract\":{\"term\":\"\(term)\"}}"
            try pipeline.log.append([NewRecord(key: nil, payload: Array(payload.utf8))], to: Partition(0))
            try pipeline.speed()
        }
        func expect(_ group: String, newest: String) throws {
            #expect(try pipeline.rows("SELECT term::text, n FROM serving.by_term") == [group])
            #expect(try pipeline.rows("SELECT term::text FROM serving.newest") == [newest])
        }
        try append("720:00")
        try expect("720:00:00|1", newest: "720:00:00")
        try pipeline.batch()
        try append("30 days")
        try expect("30 days|2", newest: "30 days")
        try append("1 mon")
        try expect("1 mon|3", newest: "1 mon")
        try pipeline.batch()
        try expect("1 mon|3", newest: "1 mon")
        try append("720:00")
        try expect("1 mon|4", newest: "720:00:00")
        try pipeline.batch()
        try expect("1 mon|4", newest: "720:00:00")
        // A session may show intervals in a style of its own: the value is the same.
        try pipeline.connection.execute("SET IntervalStyle = 'sql_standard'")
        #expect(try pipeline.rows("SELECT term = '1 mon' AND term::text = '0-1' FROM serving.by_term") == ["t"])
    }

    /// A sum that no interval holds is the greatest or the least one, and leaves the other groups readable.
    @Test func sumsBeyondTheRange() throws {
        let views = [
            View("sums", "SELECT kind, sum(lasted) AS s, avg(lasted) AS a FROM call GROUP BY kind"),
            View(
                "by_length",
                "SELECT lasted, min(lasted) AS a, last(lasted, event_time) AS b, percentile_disc(ARRAY[0.5]) WITHIN GROUP (ORDER BY lasted) AS c FROM call GROUP BY lasted"
            ),
        ]
        let pipeline = try LayeredPipeline(partitions: 1, sourceSQL: Self.source, views: views)
        let values = [
            ("months", "178956970 years 7 mons"), ("months", "1 mon"), ("days", "-2147483648 days"), ("days", "-1 day"),
            ("hours", "2562047788:00:54.775807"),
            ("hours", "00:00:01"), ("edge", "2562047788:00:54.775807"), ("both", "178956970 years 7 mons 2147483647 days"),
            ("both", "-178956970 years -2147483647 days"),
            ("back", "-9223372036854775808 us"), ("plain", "1 day"),
        ]
        for (number, (kind, lasted)) in values.enumerated() {
            let payload = "{\"event_id\":\(number),\"event_time\":\"2024-01-01T00:00:00Z\",\"kind\":\"\(kind)\",\"lasted\":\"\(lasted)\"}"
            try pipeline.log.append([NewRecord(key: nil, payload: Array(payload.utf8))], to: Partition(0))
        }
        let greatest = "178956970 years 7 mons 2147483647 days 2562047788:00:54.775807"
        let least = "-178956970 years -8 mons -2147483648 days -2562047788:00:54.775808"
        let expected = [
            "back|-2562047788:00:54.775808|\(least)", "both|7 mons|3 mons 15 days", "days|\(least)|\(least)",
            "edge|2562047788:00:54.775807|\(greatest)",
            "hours|\(greatest)|\(greatest)", "months|\(greatest)|\(greatest)", "plain|1 day|1 day",
        ]
        try pipeline.speed()
        #expect(try pipeline.rows("SELECT kind, s, a FROM serving.sums") == expected)
        // PostgreSQL does not read its own text of the least number of microseconds.
        let smallest = "SELECT lasted, a, b FROM serving.by_length WHERE lasted < '-100000 days' AND lasted > '-200000000 days'"
        let row = Array(repeating: "-2562047788:00:54.775808", count: 3).joined(separator: "|")
        #expect(try pipeline.rows(smallest) == [row])
        try pipeline.batch()
        #expect(try pipeline.rows("SELECT kind, s, a FROM serving.sums") == expected)
        #expect(try pipeline.rows(smallest) == [row])
        #expect(
            try pipeline.rows("SELECT c[1] FROM serving.by_length WHERE lasted < '-100000 days' AND lasted > '-200000000 days'") == [
                "-2562047788:00:54.775808"
            ])
    }
}
