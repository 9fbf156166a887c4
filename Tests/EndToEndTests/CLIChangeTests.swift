import Foundation
import ParallaxCore
import TestSupport
import Testing

/// Definitions that change under a pipeline that runs.
@Suite(.serialized) struct CLIChangeTests {
    static let configuration = "log:\n  partitions: 2\nbatch:\n  interval: off\n"

    static func source(_ columns: String, lateness: String = "1 hour") -> String {
        """
        CREATE FOREIGN TABLE visit (\(columns)) SERVER parallax
        OPTIONS (event_id 'id', event_time 'at', out_of_orderness '5 seconds', lateness '\(lateness)');

        """
    }
    static let byPage = "SELECT tumble(at, '1 minute') AS minute, page, count(*) AS n FROM visit GROUP BY minute, page"
    static let byReferrer = "SELECT tumble(at, '1 minute') AS minute, referrer, count(*) AS n FROM visit GROUP BY minute, referrer"

    /// Events a second apart, numbered from `first`; every hundredth has a referrer that is no text.
    static func lines(_ numbers: Range<Int>) -> String {
        numbers.map { n in
            let id = "00000000-0000-4000-8000-" + String(repeating: "0", count: 12 - "\(n)".count) + "\(n)"
            let time = "2024-01-01T\(two(n / 3_600)):\(two(n / 60 % 60)):\(two(n % 60))Z"
            let referrer = n % 100 == 99 ? "7" : "\"r\(n % 3)\""
            return #"{"id":"\#(id)","at":"\#(time)","page":"/p\#(n % 5)","referrer":\#(referrer)}"# + "\n"
        }.joined()
    }
    private static func two(_ n: Int) -> String { n < 10 ? "0\(n)" : "\(n)" }

    /// Version and state of a view's versions, oldest first.
    static func versions(_ pipeline: TestPipeline, _ view: String) throws -> [String] {
        try pipeline.connection.query(
            """
            SELECT v.version_id || ' ' || v.hash || CASE WHEN w.active_version_id = v.version_id THEN ' active' ELSE '' END
            FROM parallax.view w JOIN parallax.view_version v USING (view_id) WHERE w.name = $1 ORDER BY v.version_id
            """, [.text(view)]
        ).rows.map { $0[0] ?? "" }
    }

    /// Between an apply that changes a column's type and its run the served version goes on in its own form; what fits the new one alone is counted as what
    /// it cannot take, and comes with the new version.
    @Test func I7_aServedVersionTakesWhatFitsItsOwnForm() throws {
        let views = "CREATE MATERIALIZED VIEW by_referrer AS SELECT referrer, count(*) AS n FROM visit GROUP BY referrer;"
        let pipeline = try TestPipeline(
            sql: Self.source("id int, at timestamptz, referrer text") + views,
            configuration: "log:\n  partitions: 1\nbatch:\n  interval: off\n  max_loss_percent: 100\n")
        func ingest(_ lines: [(id: Int, referrer: String)]) throws {
            let text = lines.map { "{\"id\":\($0.id),\"at\":\"2024-01-01T00:00:00Z\",\"referrer\":\($0.referrer)}\n" }.joined()
            try pipeline.ingest("visit", text)
            try pipeline.run("speed", "--until-caught-up")
        }
        func rows() throws -> [String] { Oracle.lines(try pipeline.connection.query("SELECT referrer, n FROM serving.by_referrer")) }
        try ingest([(1, #""a""#), (2, #""7""#)])
        try pipeline.run("batch", "run")
        #expect(try rows() == ["7|1", "a|1"])

        try pipeline.define(Self.source("id int, at timestamptz, referrer int") + views)
        try pipeline.run("apply", "--yes")
        // Fits the old form, a copy of it, both forms, the new one; and a copy of what was read before the change.
        try ingest([(3, #""a""#), (3, #""a""#), (4, #""7""#), (5, "7"), (1, #""a""#)])
        #expect(try rows() == ["7|2", "a|2"])
        let left = "SELECT sum(rejected)::bigint FROM parallax.rejected WHERE view_name = 'by_referrer'"
        #expect(try pipeline.value(left) == 1)
        #expect(try pipeline.run("status").output.contains("view by_referrer"))

        try pipeline.run("batch", "run")
        #expect(try rows() == ["7|3"])
        #expect(try pipeline.value("SELECT count(*) FROM parallax.rejected WHERE view_name = 'by_referrer'") == 0)
        #expect(try pipeline.value("SELECT sum(rejected)::bigint FROM parallax.rejected WHERE view_name = ''") == 4)
    }

    /// A fifth of the events does not fit a new column: less than max_loss_percent, and too much to go unseen. And a revert says afterwards what happened.
    @Test func aRunThatAFormLeavesLessToIsHeldAndARevertIsRecorded() throws {
        let view = "CREATE MATERIALIZED VIEW by_page AS \(Self.byPage);"
        let pipeline = try TestPipeline(sql: Self.source("id int, at timestamptz, page text") + view, configuration: Self.configuration)
        let lines = (0..<600).map {
            #"{"id":\#($0),"at":"2024-01-01T00:00:0\#($0 % 10)Z","page":"/","referrer":\#($0 % 5 == 0 ? "7" : "\"r\"")}"#
        }
        try pipeline.ingest("visit", lines.joined(separator: "\n"))
        try pipeline.run("speed", "--until-caught-up")
        try pipeline.run("batch", "run")
        try pipeline.define(Self.source("id int, at timestamptz, page text, referrer text") + view)
        try pipeline.run("apply", "--yes")
        let held = try pipeline.run("batch", "run", expecting: 1).output
        #expect(held.contains("held: source visit: 480 events below this run's cut, where publication 1 had 600"), "\(held)")
        #expect(held.contains("120 records are no event (then 0)"), "\(held)")
        try pipeline.run("batch", "publish", "2")
        try pipeline.run("batch", "run", "--full")

        try pipeline.run("batch", "revert", "1")
        let list = try pipeline.run("batch", "list").output
        let caller = try pipeline.connection.query("SELECT caller FROM parallax.audit WHERE action = 'revert'").rows[0].text(0)
        #expect(caller.hasPrefix("cli:"))
        let told = try #require(list.split(separator: "\n").last).description
        #expect(told.hasPrefix("reverted 20") && told.hasSuffix("Z by \(caller): from run 3 back to run 1"), "\(list)")
        #expect(list.components(separatedBy: "from run 3").count == 2, "one revert of two runs: \(list)")
        #expect(try pipeline.run("batch", "show", "2").output.contains("  \(told)\n"))
        let json = try pipeline.run("batch", "list", "--json").output
        let runs = try #require(try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [[String: Any]])
        #expect(runs.map { $0["state"] as? String } == ["reverted", "reverted", "published"])
        let reversals = runs.map { $0["reverted"] as? [String: Any] }
        #expect(
            reversals.map { $0?["from_run"] as? Int } == [3, 3, nil] && reversals.map { $0?["to_run"] as? Int } == [1, 1, nil], "\(json)")
        #expect(reversals[0]?["by"] as? String == caller && reversals[0]?["at"] as? String == reversals[1]?["at"] as? String, "\(json)")
    }

    @Test func aSourceGainsAColumnWhileWorkersRunAndItsViewsStayWhatTheyAre() throws {
        let columns = "id uuid, at timestamptz, page text"
        let pipeline = try TestPipeline(
            sql: Self.source(columns) + "CREATE MATERIALIZED VIEW by_page AS \(Self.byPage);", configuration: Self.configuration)
        let speed = try pipeline.start("speed")
        try pipeline.ingest("visit", Self.lines(0..<1_000))
        try waitUntil("the first thousand") { try pipeline.value("SELECT sum(n)::bigint FROM serving.by_page") == 1_000 }
        try pipeline.run("batch", "run")
        let before = try Self.versions(pipeline, "by_page")

        // First in the list: everything behind it has another number. The new view reads it.
        let wider = "referrer text, \(columns)"
        try pipeline.define(
            Self.source(wider, lateness: "2 hours")
                + "CREATE MATERIALIZED VIEW by_page AS \(Self.byPage); CREATE MATERIALIZED VIEW by_referrer AS \(Self.byReferrer);")
        #expect(try pipeline.run("apply", expecting: 65).errors.contains("add --yes to agree"))
        try pipeline.run("apply", "--yes")
        #expect(try Self.versions(pipeline, "by_page") == before)
        try pipeline.ingest("visit", Self.lines(1_000..<1_500))
        // A record whose referrer is no text is no event any more: five of the new ones, but for what the worker reads before it looks.
        try waitUntil("the next five hundred") {
            try pipeline.value("SELECT sum(next_offset)::bigint FROM parallax.partition_position") == 1_500
        }
        #expect((1_495...1_500).contains(try pipeline.value("SELECT sum(n)::bigint FROM serving.by_page")))

        let report = try pipeline.run("batch", "run").output
        #expect(report.contains("by_page: everything (source_changed), +0 −0 rows") == false, "\(report)")
        #expect(report.contains("by_page: everything (source_changed)"), "\(report)")
        #expect(report.contains("by_referrer: everything (new_version)"), "\(report)")
        #expect(try pipeline.value("SELECT sum(n)::bigint FROM serving.by_page") == 1_485)
        #expect(try pipeline.value("SELECT sum(n)::bigint FROM serving.by_referrer WHERE referrer IS NOT NULL") == 1_485)
        #expect(try pipeline.value("SELECT count(*) FROM serving.by_page WHERE NOT is_exact") == 0)
        let oracle = [
            Oracle.Column("id", "uuid"), Oracle.Column("at", "timestamptz"), Oracle.Column("page", "text"),
            Oracle.Column("referrer", "text"),
        ]
        func compare() throws -> [String] {
            try pipeline.compare(
                [("by_page", Self.byPage, "minute, page, n"), ("by_referrer", Self.byReferrer, "minute, referrer, n")], source: "visit",
                oracle: oracle, identity: ("id", "at"))
        }
        #expect(try compare() == [])

        // Only lateness: nothing is computed again.
        try pipeline.define(
            Self.source(wider, lateness: "3 hours")
                + "CREATE MATERIALIZED VIEW by_page AS \(Self.byPage); CREATE MATERIALIZED VIEW by_referrer AS \(Self.byReferrer);")
        try pipeline.run("apply", "--yes")
        #expect(try Self.versions(pipeline, "by_page") == before)
        try pipeline.ingest("visit", Self.lines(1_500..<1_600))
        try waitUntil("the last hundred") { try pipeline.value("SELECT sum(n)::bigint FROM serving.by_page") == 1_584 }
        let last = try pipeline.run("batch", "run").output
        #expect(last.contains("by_page: 2 windows") && last.contains("by_referrer: 2 windows"), "\(last)")
        #expect(try pipeline.run("batch", "run", "--full").output.contains("by_page: everything (asked), +0 −0 rows"))
        #expect(try compare() == [])
        speed.kill(SIGTERM)
        let ended = speed.wait()
        #expect(ended.status == 0, "\(ended.errors)")
    }
}
