import Foundation
import ParallaxCore
import Postgres
import TestSupport
import Testing

/// The whole path against PostgreSQL running the same SELECT over the raw events.
@Suite struct OracleTests {
    static let traffic = """
        SELECT tumble(event_time, '1 minute') AS minute, page, count(*) AS views, count(DISTINCT visitor) AS visitors, sum(amount) AS revenue,
               count(*) FILTER (WHERE amount > 0) AS purchases, avg(duration_ms) AS average_ms, max(duration_ms) AS longest_ms,
               min(visitor) AS first_visitor
        FROM page_view WHERE country <> 'ZZ' GROUP BY minute, page
        """
    static let countries =
        "SELECT country, count(*) AS views, sum(duration_ms) AS total_ms, avg(amount) AS average FROM page_view GROUP BY country"
    static let whole = "SELECT count(*) AS views, count(DISTINCT page) AS pages, sum(amount) AS revenue FROM page_view"
    /// Functions, CASE and times as groups and measures.
    static let computed = """
        SELECT lower(coalesce(country, 'none')) || '/' || left(page, 4) AS place, (event_time AT TIME ZONE 'America/New_York')::date AS day,
               CASE WHEN amount > 10 THEN 'large' WHEN amount > 0 THEN 'small' END AS size, count(*) AS views, sum(round(amount, 1)) AS rounded,
               max(event_time::date) AS last_day, min(date_trunc('hour', event_time) AT TIME ZONE 'Asia/Kolkata') AS first_hour,
               sum(extract(epoch FROM event_time - timestamptz '2020-01-01 00:00+00')) AS seconds
        FROM page_view WHERE page LIKE '/%' AND extract(dow FROM event_time) < 7
        GROUP BY place, day, size
        """
    static let sql = TestPipeline.pageViews(
        lateness: "1 hour",
        views: """
            CREATE MATERIALIZED VIEW traffic AS \(traffic);
            CREATE MATERIALIZED VIEW countries AS \(countries);
            CREATE MATERIALIZED VIEW whole AS \(whole);
            CREATE MATERIALIZED VIEW computed AS \(computed);
            """)
    /// All columns but the marks.
    static let exactViews = [
        (
            name: "traffic", select: traffic,
            columns: "minute, page, views, visitors, revenue, purchases, average_ms, longest_ms, first_visitor"
        ),
        (name: "countries", select: countries, columns: "country, views, total_ms, average"),
        (name: "whole", select: whole, columns: "views, pages, revenue"),
        (name: "computed", select: computed, columns: "place, day, size, views, rounded, last_day, first_hour, seconds"),
    ]

    /// Generated traffic with late, duplicate, out-of-order and malformed records: after a run, every row is the oracle's.
    /// I3: whatever the number of partitions, and whether the run was incremental or full.
    @Test(arguments: [1, 3, 8])
    func I3_batchRowsAreTheOraclesWhateverTheNumberOfPartitions(partitions: Int) throws {
        let pipeline = try TestPipeline(sql: Self.sql, configuration: "log:\n  partitions: \(partitions)\nbatch:\n  interval: 0\n")
        let views = Self.exactViews
        for (seed, count) in [(1, 4_000), (2, 1_500)] {
            try pipeline.run(
                "generate", "page_view", "--count", "\(count)", "--seed", "\(seed)", "--malformed", "1", "--duplicates", "3", "--late", "2")
            try pipeline.run("speed", "--until-caught-up")
            let live = try pipeline.value("SELECT sum(views) FROM serving.traffic")
            #expect(live > 0)
            try pipeline.run("batch", "run")
            #expect(try pipeline.compare(views) == [], "incremental, \(partitions) partitions, seed \(seed)")
            #expect(try pipeline.value("SELECT count(*) FROM serving.traffic WHERE NOT is_exact") == 0)
        }
        let incremental = try pipeline.connection.query("SELECT \(views[0].columns) FROM serving.traffic")
        try pipeline.run("batch", "run", "--full")
        #expect(try pipeline.compare(views) == [])
        #expect(Oracle.lines(try pipeline.connection.query("SELECT \(views[0].columns) FROM serving.traffic")) == Oracle.lines(incremental))

        // Rejected records are counted by reason, and the counts add up with what PostgreSQL itself could parse.
        let oracle = try Oracle(
            dsn: pipeline.dsn, source: "page_view", columns: TestPipeline.pageViewColumns, identity: ("event_id", "event_time"))
        try oracle.load(try pipeline.log())
        try oracle.parse()
        let counts = try oracle.counts()
        #expect(
            try pipeline.value("SELECT sum(rejected)::bigint FROM parallax.rejected WHERE view_name = ''") == counts.records - counts.events
        )
    }

    /// A source gains a column in the middle, and a view begins to use it: old segments are read through their raw payload, plans of the old
    /// numbering serve until the next publication.
    @Test func aSourceThatGainsAColumnStaysExact() throws {
        // The topic's name is not the source's.
        let sql = Self.sql.replacingOccurrences(of: "OPTIONS (event_id", with: "OPTIONS (topic 'clicks', event_id")
        let pipeline = try TestPipeline(sql: sql, configuration: "log:\n  partitions: 2\nbatch:\n  interval: 0\n")
        try pipeline.run("generate", "page_view", "--count", "2000", "--seed", "5")
        try pipeline.run("speed", "--until-caught-up")
        try pipeline.run("batch", "run")
        let byReferrer = "SELECT referrer, country, count(*) AS views, sum(amount) AS revenue FROM page_view GROUP BY referrer, country"
        let changed =
            sql.replacingOccurrences(of: "visitor text, page text", with: "visitor text, referrer text, page text")
            + "\nCREATE MATERIALIZED VIEW by_referrer AS \(byReferrer);"
        try Data(changed.utf8).write(to: URL(fileURLWithPath: pipeline.path + "/views.sql"))
        try pipeline.run("apply", "--yes")
        try pipeline.run("generate", "page_view", "--count", "2000", "--seed", "6")
        try pipeline.run("speed", "--until-caught-up")
        try pipeline.run("batch", "run")
        var columns = TestPipeline.pageViewColumns
        columns.insert(Oracle.Column("referrer", "text"), at: 3)
        let views =
            Self.exactViews + [(name: "by_referrer", select: byReferrer, columns: "referrer, country, views, revenue")]
        #expect(try pipeline.compare(views, oracle: columns, topic: "clicks") == [])
        try pipeline.run("batch", "run", "--full")
        #expect(try pipeline.compare(views, oracle: columns, topic: "clicks") == [])
    }

    /// Ten thousand real page requests, out of order as they came.
    @Test func realRequestsBecomeExactRows() throws {
        let data = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent(
            "../../../shared/data/web-access/web-access.ndjson.gz"
        ).standardized
        guard FileManager.default.fileExists(atPath: data.path) else {
            print("skipped: the web-access data set is not beside this checkout (see examples/web-access)")
            return
        }
        let byHour = """
            SELECT tumble(event_time, '1 hour') AS hour, status, count(*) AS requests, count(DISTINCT visitor) AS visitors, sum(bytes) AS bytes,
                   avg(bytes) AS average, min(path) AS first_path, max(bytes) AS largest, count(referrer) AS referred
            FROM web_access WHERE method = 'GET' GROUP BY hour, status
            """
        let byPath = "SELECT path, count(*) AS requests, count(DISTINCT visitor) AS visitors FROM web_access GROUP BY path"
        let sql = """
            CREATE FOREIGN TABLE web_access (
              event_id text, event_time timestamptz, visitor text, method text, path text, status int, bytes bigint, referrer text, agent text
            ) SERVER parallax OPTIONS (event_id 'event_id', event_time 'event_time', out_of_orderness '1 minute', lateness '1 hour');
            CREATE MATERIALIZED VIEW by_hour AS \(byHour);
            CREATE MATERIALIZED VIEW by_path AS \(byPath);
            """
        let columns = [
            Oracle.Column("event_id", "text"), Oracle.Column("event_time", "timestamptz"), Oracle.Column("visitor", "text"),
            Oracle.Column("method", "text"),
            Oracle.Column("path", "text"), Oracle.Column("status", "integer"), Oracle.Column("bytes", "bigint"),
            Oracle.Column("referrer", "text"),
            Oracle.Column("agent", "text"),
        ]
        let exact = "hour, status, requests, bytes, average, first_path, largest, referred"
        let pipeline = try TestPipeline(sql: sql, configuration: "log:\n  partitions: 4\nbatch:\n  interval: 0\n")
        let ingested = try pipeline.run("ingest", "web_access", data.path)
        #expect(ingested.output.contains("9999") || ingested.output.contains("9,999"), "\(ingested.output)")

        // Live: nothing is late here, so every exact measure is right before any batch run; distinct counts within their error.
        try pipeline.run("speed", "--until-caught-up")
        #expect(
            try pipeline.compare(
                [("by_hour", byHour, exact), ("by_path", byPath, "path, requests")], source: "web_access", oracle: columns) == [])
        let visitors = try pipeline.value("SELECT sum(visitors)::bigint FROM serving.by_path")
        #expect(abs(Double(visitors) / 9_000 - 1) < 0.2, "\(visitors)")
        #expect(try pipeline.value("SELECT count(*) FROM serving.by_hour WHERE is_exact") == 0)

        // Exact rows replace approximate ones.
        try pipeline.run("batch", "run")
        #expect(
            try pipeline.compare(
                [("by_hour", byHour, exact + ", visitors"), ("by_path", byPath, "path, requests, visitors")], source: "web_access",
                oracle: columns) == [])
        #expect(try pipeline.value("SELECT count(*) FROM serving.by_hour WHERE NOT is_exact") == 0)
        let answer = try pipeline.run("query", "SELECT sum(requests) AS n FROM by_path", "--format", "csv")
        #expect(answer.output == "n\n9999\n")
    }
}
