import ParallaxCore
import TestSupport
import Testing

/// Tables of the newest event of each key: from the speed layer, from the batch layer and from both at a cut, by PostgreSQL's own DISTINCT ON.
@Suite(.serialized) struct DistinctOnTests {
    typealias View = LayeredPipeline.View

    static let views: [View] = [
        View(
            "newest",
            """
            SELECT DISTINCT ON (visitor) visitor, event_id, event_time, page, amount, duration_ms, quantity, score, ok
            FROM page_view ORDER BY visitor, event_time DESC
            """),
        View(
            "oldest",
            """
            SELECT DISTINCT ON (p, ok) coalesce(page, '?') AS p, ok, amount * quantity AS total, visitor || '!' AS who, event_time::date AS day
            FROM page_view WHERE score IS NOT NULL ORDER BY ok DESC NULLS FIRST, p, event_time
            """),
        // The key is not shown; every value may be null.
        View("hidden", "SELECT DISTINCT ON (page) amount, quantity FROM page_view ORDER BY page, event_time DESC"),
        View(
            "hourly",
            """
            SELECT DISTINCT ON (1, page) date_trunc('minute', event_time) AS minute, page, visitor, event_time
            FROM page_view ORDER BY 1, page, event_time DESC
            """),
        View(
            "each_time",
            "SELECT DISTINCT ON (visitor, event_time) visitor, event_time, page, amount FROM page_view ORDER BY visitor, event_time DESC"),
        View("keys_only", "SELECT DISTINCT ON (page, quantity) page, quantity FROM page_view ORDER BY quantity, page, event_time DESC"),
    ]

    /// I1: at every cut, with publications and a revert in between.
    @Test(arguments: [(seed: UInt64(11), partitions: 1), (seed: 12, partitions: 3)])
    func everyCutOfAKeyedTableEqualsPostgreSQL(seed: UInt64, partitions: Int) throws {
        let pipeline = try LayeredPipeline(partitions: partitions, views: Self.views)
        var random = SeededGenerator(seed: seed)
        var traffic = MeasuredTraffic(seed: seed)
        var first: RunNumber?
        let followers = try pipeline.followers()
        for step in 0..<9 {
            try traffic.produce(Int.random(in: 10..<80, using: &random), into: pipeline.log)
            try pipeline.speed()
            try pipeline.expectEqualToOracle("live in step \(step), seed \(seed)")
            if step % 3 == 1 {
                let report = try pipeline.batch(full: step == 7)
                first = first ?? RunNumber(report.run)
                try pipeline.expectEqualToOracle("published in step \(step), seed \(seed)")
                for drift in report.views.flatMap(\.drift) {
                    #expect(drift.differing == 0 && drift.onlyBatch == 0 && drift.onlyMerged == 0, "\(drift), seed \(seed)")
                }
            }
            if step == 5, let first {
                try pipeline.revert(to: first)
                try pipeline.expectEqualToOracle("reverted, seed \(seed)")
            }
            try expectFollowed(followers, "step \(step), seed \(seed)")
        }
        try pipeline.batch()
        #expect(try pipeline.batch(full: true).views.allSatisfy { $0.rowsAdded == 0 && $0.rowsClosed == 0 }, "seed \(seed)")
        #expect(try pipeline.rows("SELECT count(*) FROM serving.newest WHERE NOT is_exact") == ["0"])
    }

    /// Between events of one time the place in the log decides, the same in both layers: the largest partition, then the largest offset; with
    /// ascending order the smallest. All columns come from that event, nulls too.
    @Test func eventsOfOneTime() throws {
        let views = [
            View("newest", "SELECT DISTINCT ON (visitor) visitor, page, amount FROM page_view ORDER BY visitor, event_time DESC"),
            View("oldest", "SELECT DISTINCT ON (visitor) visitor, page, amount FROM page_view ORDER BY visitor, event_time"),
            View("newest_at", "SELECT DISTINCT ON (event_time) visitor, page, amount FROM page_view ORDER BY event_time DESC"),
            View("oldest_at", "SELECT DISTINCT ON (visitor, event_time) visitor, page, amount FROM page_view ORDER BY event_time, visitor"),
        ]
        let pipeline = try LayeredPipeline(partitions: 2, views: views)
        func append(_ id: Int, page: String, amount: String, to partition: Int) throws {
            let payload = """
                {"event_id": "e\(id)", "event_time": "2024-01-01T10:00:00Z", "visitor": "v", "page": \(page), "amount": \(amount)}
                """
            try pipeline.log.append([NewRecord(key: nil, payload: Array(payload.utf8))], to: Partition(partition))
        }
        func expect(_ newest: String, _ oldest: String, _ note: String) throws {
            for suffix in ["", "_at"] {
                #expect(try pipeline.rows("SELECT visitor, page, amount FROM serving.newest\(suffix)") == [newest], "\(note)\(suffix)")
                #expect(try pipeline.rows("SELECT visitor, page, amount FROM serving.oldest\(suffix)") == [oldest], "\(note)\(suffix)")
            }
        }
        try append(1, page: "\"/1\"", amount: "1", to: 1)
        try append(2, page: "null", amount: "2", to: 1)
        try pipeline.speed()
        try expect("v|∅|2.00", "v|/1|1.00", "live")
        try pipeline.batch()
        try expect("v|∅|2.00", "v|/1|1.00", "published")
        try append(3, page: "\"/3\"", amount: "null", to: 0)
        try append(4, page: "\"/4\"", amount: "4", to: 0)
        try pipeline.speed()
        try expect("v|∅|2.00", "v|/3|∅", "both")
        try append(5, page: "\"/5\"", amount: "5", to: 1)
        try pipeline.speed()
        try expect("v|/5|5.00", "v|/3|∅", "live and newer")
        try pipeline.batch()
        try expect("v|/5|5.00", "v|/3|∅", "published again")
    }

    /// Of different lengths, empty, null and with nulls in them: as rows of the view, and as those of fewer groups.
    @Test func arraysAreThoseOfTheKeptEvent() throws {
        let source = """
            CREATE FOREIGN TABLE page_view (event_id text, event_time timestamptz, page text, visitor text, tags text[], marks integer[],
                scores numeric(6,2)[], flags boolean[], weights double precision[])
            SERVER parallax OPTIONS (topic 'page_view', event_id 'event_id', event_time 'event_time', lateness '1 hour');
            """
        let view = View(
            "newest",
            """
            SELECT DISTINCT ON (page, visitor) page, visitor, tags, marks, scores, flags, weights FROM page_view
            ORDER BY page, visitor, event_time DESC
            """)
        let pipeline = try LayeredPipeline(partitions: 1, sourceSQL: source, views: [view])
        let arrays = [
            (
                json: #""tags": ["a", "b,c", null], "marks": [1, null, 3], "scores": [1.5], "flags": [true], "weights": [0.1]"#,
                sql: #"{a,"b,c",NULL}|{1,NULL,3}|{1.50}|{t}|{0.1}"#
            ),
            (
                json: #""tags": ["{\"x\"}"], "marks": [], "scores": [2, null], "flags": null, "weights": [1e300, 2]"#,
                sql: #"{"{\"x\"}"}|{}|{2.00,NULL}|∅|{1e+300,2}"#
            ),
            (json: #""tags": [], "marks": [7, 8]"#, sql: "{}|{7,8}|∅|∅|∅"),
        ]
        for (index, (json, sql)) in arrays.enumerated() {
            let payload = """
                {"event_id": "e\(index)", "event_time": "2024-01-01T10:0\(index):00Z", "page": "/", "visitor": "v\(index)", \(json)}
                """
            try pipeline.log.append([NewRecord(key: nil, payload: Array(payload.utf8))], to: Partition(0))
            try pipeline.speed()
            for step in ["live", "published"] {
                let columns = "tags, marks, scores, flags, weights"
                #expect(try pipeline.rows("SELECT \(columns) FROM serving.newest WHERE visitor = 'v\(index)'") == [sql], "\(step)")
                #expect(try pipeline.rows("SELECT \(columns) FROM serving.newest_rollup(groups => '{page}')") == [sql], "\(step)")
                if step == "live" { try pipeline.batch() }
            }
        }
    }

    /// As a user runs it.
    @Test func theBinaryKeepsATableOfTheNewestEvents() throws {
        let select = """
            SELECT DISTINCT ON (visitor) visitor, page, country, amount, duration_ms, event_time FROM page_view
            ORDER BY visitor, event_time DESC
            """
        let visits = """
            SELECT session(event_time, '1 minute') AS visit, visitor, count(*) AS views, window_end - window_start AS length
            FROM page_view GROUP BY visit, visitor
            """
        let pipeline = try TestPipeline(
            sql: TestPipeline.pageViews(
                views: "CREATE MATERIALIZED VIEW latest AS \(select);\nCREATE MATERIALIZED VIEW visits AS \(visits);"),
            configuration: "log:\n  partitions: 3\n")
        let oracle = """
            SELECT session_start AS visit, visitor, count(*) AS views, session_end - session_start AS length
            FROM \(Oracle.sessions(of: "page_view", gap: "1 minute", by: ["visitor"])) GROUP BY session_start, session_end, visitor
            """
        let views = [
            (name: "latest", select: select, columns: "visitor, page, country, amount, duration_ms, event_time"),
            (name: "visits", select: oracle, columns: "visit, visitor, views, length"),
        ]
        try pipeline.run("generate", "page_view", "--count", "3000", "--seed", "5")
        try pipeline.run("speed", "--until-caught-up")
        try pipeline.run("batch", "run")
        #expect(try pipeline.compare(views) == [])
        try pipeline.run("generate", "page_view", "--count", "2000", "--seed", "6")
        try pipeline.run("speed", "--until-caught-up")
        #expect(try pipeline.compare(views) == [])
        let printed = try pipeline.run("batch", "run")
        #expect(printed.output.contains("latest: new events added") && printed.output.contains(" sessions, +"), "\(printed.output)")
        #expect(try pipeline.compare(views) == [])
    }
}
