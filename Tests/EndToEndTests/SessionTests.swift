import Catalog
import ParallaxCore
import TestSupport
import Testing

/// Sessions from the speed layer, from the batch layer and from both at a cut, by PostgreSQL's own gaps and islands.
@Suite(.serialized) struct SessionTests {
    typealias View = LayeredPipeline.View

    private static let measures = """
        count(*) AS n, sum(amount) AS revenue, avg(quantity) AS q, min(duration_ms) AS fastest, max(page) AS page_max, bool_and(ok) AS all_ok,
        stddev(duration_ms) AS spread, sum(DISTINCT quantity) AS different, count(*) FILTER (WHERE amount > 0) AS purchases,
        sum(score) AS score
        """

    /// Exact with live rows in them.
    static let exact: [View] = [
        View(
            "by_page",
            "SELECT session(event_time, '5 seconds') AS start, start_end, page, \(measures) FROM page_view GROUP BY start, page",
            oracle: """
                SELECT session_start, session_end, page, \(measures) FROM \(Oracle.sessions(of: "page_view", gap: "5 seconds", by: ["page"]))
                GROUP BY session_start, session_end, page
                """),
        View(
            "overall",
            "SELECT session(event_time, '1 second'), window_start AS w, session_end, \(measures) FROM page_view GROUP BY session(event_time, '1 second')",
            oracle: """
                SELECT session_start, session_start AS w, session_end, \(measures)
                FROM \(Oracle.sessions(of: "page_view", gap: "1 second")) GROUP BY session_start, session_end
                """),
        View(
            "by_both",
            """
            SELECT page, session(event_time, '00:00:07.5') AS s, ok, count(*) AS n, round(sum(amount) / count(*), 3) AS mean,
                   window_end - window_start AS length, first(visitor, event_time) AS entry, last(amount, event_time) AS exit
            FROM page_view WHERE quantity > 0 OR score IS NULL GROUP BY page, ok, s
            """,
            oracle: """
                SELECT page, session_start, ok, count(*) AS n, round(sum(amount) / count(*), 3) AS mean, session_end - session_start,
                       (array_agg(visitor ORDER BY event_time))[1], (array_agg(amount ORDER BY event_time DESC))[1]
                FROM \(Oracle.sessions(of: "page_view", gap: "7.5 seconds", by: ["page", "ok"], where: "quantity > 0 OR score IS NULL"))
                GROUP BY page, ok, session_start, session_end
                """),
        View(
            "long_ones",
            """
            SELECT session(event_time, '20 seconds') AS s, visitor, count(*) AS n FROM page_view GROUP BY s, visitor
            HAVING count(*) > 2 AND window_end - window_start > '30 seconds'
            """,
            oracle: """
                SELECT session_start, visitor, count(*) FROM \(Oracle.sessions(of: "page_view", gap: "20 seconds", by: ["visitor"]))
                GROUP BY session_start, session_end, visitor HAVING count(*) > 2 AND session_end - session_start > '30 seconds'
                """),
        View(
            "keys_only", "SELECT session(event_time, '3 seconds') AS s, page || '!' AS p FROM page_view GROUP BY s, p",
            oracle: """
                SELECT session_start, page || '!' FROM \(Oracle.sessions(of: "page_view", gap: "3 seconds", by: ["page || '!'"]))
                GROUP BY session_start, 2
                """),
        // Few values a session: hashes in a list, so that the estimate is the number.
        View(
            "visitors",
            "SELECT session(event_time, '5 seconds') AS s, page, count(DISTINCT visitor) AS n FROM page_view GROUP BY s, page",
            oracle: """
                SELECT session_start, page, count(DISTINCT visitor) FROM \(Oracle.sessions(of: "page_view", gap: "5 seconds", by: ["page"]))
                GROUP BY session_start, page
                """),
    ]

    /// Exact once a run has published.
    static let percentiles = View(
        "tails",
        """
        SELECT session(event_time, '5 seconds') AS s, page, percentile_cont(0.9) WITHIN GROUP (ORDER BY duration_ms) AS p90,
               percentile_disc(ARRAY[0.25, 0.75]) WITHIN GROUP (ORDER BY amount) AS quarters
        FROM page_view GROUP BY s, page
        """,
        oracle: """
            SELECT session_start, page, percentile_cont(0.9) WITHIN GROUP (ORDER BY duration_ms),
                   percentile_disc(ARRAY[0.25, 0.75]) WITHIN GROUP (ORDER BY amount)
            FROM \(Oracle.sessions(of: "page_view", gap: "5 seconds", by: ["page"])) GROUP BY session_start, page
            """)

    /// I1: sessions at every cut, with publications and a revert in between; the tail of each run is in open sessions.
    @Test(arguments: [(seed: UInt64(1), partitions: 1), (seed: 2, partitions: 3)])
    func everyCutOfSessionsEqualsPostgreSQL(seed: UInt64, partitions: Int) throws {
        let pipeline = try LayeredPipeline(partitions: partitions, views: Self.exact + [Self.percentiles])
        let exact = Set(Self.exact.map(\.name))
        var random = SeededGenerator(seed: seed)
        var traffic = MeasuredTraffic(seed: seed)
        var published: [RunNumber] = []
        let followers = try pipeline.followers()
        for step in 0..<10 {
            traffic.pace = [0.3, 1, 2].randomElement(using: &random) ?? 1
            try traffic.produce(Int.random(in: 20..<90, using: &random), into: pipeline.log)
            try pipeline.speed()
            try pipeline.expectEqualToOracle("live in step \(step), seed \(seed)", only: exact)
            if step % 3 == 1 {
                let report = try pipeline.batch(full: step == 7)
                published.append(RunNumber(report.run))
                try pipeline.expectEqualToOracle("published in step \(step), seed \(seed)")
                for view in report.views where exact.contains(view.view) {
                    for drift in view.drift {
                        #expect(
                            drift.differing == 0 && drift.onlyBatch == 0 && drift.onlyMerged == 0, "\(view.view) \(drift), seed \(seed)")
                        #expect(drift.groups > 0 && drift.mergedTotal == drift.batchTotal, "\(view.view) \(drift), seed \(seed)")
                    }
                }
            }
            if step == 5 {
                try pipeline.revert(to: published[0])
                try pipeline.expectEqualToOracle("reverted, seed \(seed)", only: exact)
            }
            try expectFollowed(followers, "step \(step), seed \(seed)")
        }
        #expect(try pipeline.batch(full: true).views.allSatisfy { $0.rowsClosed == 0 || $0.rowsAdded > 0 })
        #expect(try pipeline.batch(full: true).views.allSatisfy { $0.rowsAdded == 0 && $0.rowsClosed == 0 }, "seed \(seed)")
        let extents = Set(try pipeline.batch().views.map(\.extent.rawValue))
        #expect(extents == ["sessions"])
    }

    private func event(_ number: Int, at time: String, page: String?, visitor: String = "v", amount: String = "1") -> [UInt8] {
        let page = page.map { "\"\($0)\"" } ?? "null"
        return Array(
            """
            {"event_id": "e\(number)", "event_time": "2024-01-01T\(time)Z", "page": \(page), "visitor": "\(visitor)", "amount": \(amount)}
            """.utf8)
    }

    private func append(_ pipeline: LayeredPipeline, _ payloads: [[UInt8]], to partition: Int = 0) throws {
        try pipeline.log.append(payloads.map { NewRecord(key: nil, payload: $0) }, to: Partition(partition))
    }

    private static let handMade = View(
        "v",
        """
        SELECT session(event_time, '10 seconds') AS s, s_end, page, count(*) AS n, count(DISTINCT visitor) AS visitors, sum(amount) AS a
        FROM page_view GROUP BY s, page
        """,
        oracle: """
            SELECT session_start, session_end, page, count(*), count(DISTINCT visitor), sum(amount)
            FROM \(Oracle.sessions(of: "page_view", gap: "10 seconds", by: ["page"])) GROUP BY session_start, session_end, page
            """)

    private static let shown = """
        SELECT to_char(s AT TIME ZONE 'UTC', 'HH24:MI:SS') AS s, to_char(s_end AT TIME ZONE 'UTC', 'HH24:MI:SS') AS e, page, n, visitors, is_exact, is_closed
        FROM serving.v
        """

    /// Two published sessions, an event in the break between them, and one that is just a gap behind.
    @Test func aLiveEventJoinsTwoPublishedSessions() throws {
        let pipeline = try LayeredPipeline(partitions: 2, views: [Self.handMade])
        try append(
            pipeline,
            [
                event(1, at: "10:00:00", page: "/a", visitor: "x"), event(2, at: "10:00:05", page: "/a", visitor: "y"),
                event(3, at: "10:00:15", page: "/a", visitor: "x"), event(4, at: "10:00:20", page: nil),
                event(5, at: "10:00:21", page: "/b"),
            ])
        // Two, since no event moves the watermark of a partition alone.
        try append(
            pipeline, [event(13, at: "10:00:39", page: "/a", visitor: "z"), event(6, at: "10:00:40", page: "/a", visitor: "z")], to: 1)
        try pipeline.speed()
        let first = try pipeline.batch()
        #expect(
            try pipeline.rows(Self.shown) == [
                "10:00:00|10:00:15|/a|2|2|t|t", "10:00:15|10:00:25|/a|1|1|t|f", "10:00:20|10:00:30|∅|1|1|t|f",
                "10:00:21|10:00:31|/b|1|1|t|f", "10:00:39|10:00:50|/a|2|1|t|f",
            ])

        // 10:00:10 is less than ten seconds from both neighbours; 10:00:50 begins a session of its own.
        try append(
            pipeline, [event(7, at: "10:00:10", page: "/a", visitor: "y"), event(8, at: "10:00:50", page: "/a", visitor: "z")], to: 1)
        try append(pipeline, [event(9, at: "10:00:12", page: nil), event(10, at: "10:00:31", page: "/b")])
        try pipeline.speed()
        let merged = [
            "10:00:00|10:00:25|/a|4|2|f|t", "10:00:12|10:00:30|∅|2|1|f|f", "10:00:21|10:00:31|/b|1|1|t|f",
            "10:00:31|10:00:41|/b|1|1|f|f", "10:00:39|10:00:50|/a|2|1|t|f", "10:00:50|10:01:00|/a|1|1|f|f",
        ]
        #expect(try pipeline.rows(Self.shown) == merged)
        try pipeline.expectEqualToOracle("joined")

        let report = try pipeline.batch()
        #expect(report.views[0].drift.allSatisfy { $0.differing == 0 && $0.onlyMerged == 0 && $0.onlyBatch == 0 && $0.groups == 4 })
        // Those that new events reach, and no others.
        #expect(report.views[0].rowsUnchanged == 0 && report.views[0].rowsClosed == 3 && report.views[0].rowsAdded == 4)
        #expect(report.views[0].extent == .sessions && report.views[0].touchedWindows == 4)
        try pipeline.expectEqualToOracle("published")
        #expect(try pipeline.rows(Self.shown).allSatisfy { $0.contains("|t|") })
        try pipeline.revert(to: RunNumber(first.run))
        #expect(try pipeline.rows(Self.shown) == merged)
        // And once more over the reverted publication.
        try append(pipeline, [event(11, at: "10:00:32", page: "/a", visitor: "new"), event(12, at: "10:00:24", page: "/a")])
        try pipeline.speed()
        try pipeline.expectEqualToOracle("reverted and joined again")
        try pipeline.batch()
        try pipeline.expectEqualToOracle("published again")
    }

    /// I7: a late event is in no live row; sessions that it may belong to or join say so until a run has it.
    @Test func I7_lateEventsMarkTheSessionsThatTheyMayReach() throws {
        let view = View(
            "v", "SELECT session(event_time, '10 seconds') AS s, page, count(*) AS n FROM page_view GROUP BY s, page",
            oracle: """
                SELECT session_start, page, count(*) FROM \(Oracle.sessions(of: "page_view", gap: "10 seconds", by: ["page"]))
                GROUP BY session_start, page
                """)
        let pipeline = try LayeredPipeline(partitions: 1, views: [view])
        try append(
            pipeline, [event(1, at: "10:00:00", page: "/a"), event(2, at: "10:00:15", page: "/a"), event(3, at: "10:02:00", page: "/a")])
        try pipeline.speed()
        try pipeline.batch()
        // Two hours on, an event of 10:00:09 is an hour too late.
        try append(
            pipeline,
            [event(4, at: "12:00:00", page: "/a"), event(6, at: "12:00:01", page: "/a"), event(5, at: "10:00:09", page: "/a")])
        try pipeline.speed()
        let shown = "SELECT to_char(s AT TIME ZONE 'UTC', 'HH24:MI:SS'), n, is_exact, is_closed FROM serving.v"
        #expect(try pipeline.rows(shown) == ["10:00:00|1|f|t", "10:00:15|1|f|t", "10:02:00|1|t|t", "12:00:00|2|t|f"])
        let report = try pipeline.batch()
        #expect(try pipeline.rows(shown) == ["10:00:00|3|t|t", "10:02:00|1|t|t", "12:00:00|2|t|f"])
        try pipeline.expectEqualToOracle("the late one is in")
        // What readers saw was two sessions; the truth is one that begins like the first of them and ends later.
        let drift = report.views[0].drift[0]
        #expect(drift.onlyMerged == 2 && drift.onlyBatch == 1 && drift.differing == 0 && drift.mergedTotal == 4 && drift.batchTotal == 5)
    }

    /// Sketches go when nothing can reach the session any more, and not before.
    @Test func sketchesStayWhileALiveEventMayJoin() throws {
        let pipeline = try LayeredPipeline(partitions: 1, views: [Self.handMade])
        try append(
            pipeline, [event(1, at: "10:00:00", page: "/a"), event(2, at: "10:00:00.5", page: "/b"), event(3, at: "10:30:00", page: "/c")])
        try pipeline.speed()
        try pipeline.batch()
        let table = try pipeline.rows("SELECT state_table FROM parallax.view_version")[0]
        let kept = "SELECT count(*) FROM batch.\(table) WHERE m1_h IS NOT NULL AND until_run = 9223372036854775807"
        #expect(try pipeline.rows(kept) == ["3"])
        // The horizon is an hour and five seconds behind the newest event: at 10:00:10, where the first session ends and the second does not.
        try append(pipeline, [event(4, at: "11:00:15", page: "/d")])
        try pipeline.speed()
        try pipeline.batch()
        #expect(try pipeline.rows(kept) == ["3"])
        try append(pipeline, [event(5, at: "11:00:20", page: "/d")])
        try pipeline.speed()
        try pipeline.batch()
        try pipeline.batch()
        #expect(try pipeline.rows(kept) == ["2"])
        try pipeline.expectEqualToOracle("without sketches")
    }
}
