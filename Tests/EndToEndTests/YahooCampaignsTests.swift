import Foundation
import ParallaxCore
import TestSupport
import Testing
import ViewLanguage

/// The example pipeline, as its README says to run it, against PostgreSQL running the same SELECT over the same events.
@Suite(.serialized) struct YahooCampaignsTests {
    private static let example: String = {
        (0..<3).reduce(#filePath) { path, _ in (path as NSString).deletingLastPathComponent } + "/examples/yahoo-campaigns"
    }()

    private static let columns = [
        Oracle.Column("event_id", "uuid"), Oracle.Column("event_time", "timestamptz"), Oracle.Column("user_id", "uuid"),
        Oracle.Column("page_id", "uuid"), Oracle.Column("ad_id", "uuid"), Oracle.Column("ad_type", "text"),
        Oracle.Column("event_type", "text"),
        Oracle.Column("ip_address", "text"),
    ]

    private func makeEvents(seed: Int, count: Int, start: String, into folder: String) throws {
        let script = try String(contentsOfFile: Self.example + "/make-events", encoding: .utf8)
        _ = try Python.run(
            script, ["--seed", "\(seed)", "--count", "\(count)", "--campaigns", "20", "--rate", "100", "--start", start, "--into", folder])
    }

    @Test func campaignsAreCountedAsPostgreSQLCountsThem() throws {
        let sql = try String(contentsOfFile: Self.example + "/campaigns.sql", encoding: .utf8)
        let configuration = try String(contentsOfFile: Self.example + "/parallax.yaml", encoding: .utf8)
        let compilation = compile([SQLFile(path: "campaigns.sql", text: sql)])
        let select = try #require(compilation.definitions?.views.first).selectText
        let pipeline = try TestPipeline(sql: sql, configuration: configuration)
        func differences() throws -> [String] {
            try pipeline.compare(
                [(name: "campaign_views", select: select, columns: "start, campaign_id, views, newest_view")], source: "ad_event",
                oracle: Self.columns)
        }
        try makeEvents(seed: 1, count: 6_000, start: "2024-01-01T00:00:00", into: pipeline.path)
        try pipeline.run("load", "ad", pipeline.path + "/ads.csv")
        try pipeline.run("ingest", "ad_event", pipeline.path + "/events.ndjson")
        try pipeline.run("speed", "--until-caught-up")
        #expect(try differences() == [], "live")
        #expect(try pipeline.value("SELECT count(*) FROM serving.campaign_views") > 100)
        #expect(try pipeline.value("SELECT count(*) FROM serving.top_campaigns") > 0)
        try pipeline.run("batch", "run")
        #expect(try differences() == [], "batch")

        // Ads move to other campaigns, and new ones come, with their events: live at once, everywhere with the next run.
        let ads = try String(contentsOfFile: pipeline.path + "/ads.csv", encoding: .utf8).split(separator: "\n").map(String.init)
        let campaign = try #require(ads[1].split(separator: ",").last)
        let moved = "ad_id,campaign_id\n" + ads.suffix(30).map { "\($0.prefix(36)),\(campaign)\n" }.joined()
        try Data(moved.utf8).write(to: URL(fileURLWithPath: pipeline.path + "/moved.csv"))
        #expect(try pipeline.run("load", "ad", pipeline.path + "/moved.csv", "--upsert").output == "ad: 30 rows written\n")
        try makeEvents(seed: 2, count: 2_000, start: "2024-01-01T00:01:00", into: pipeline.path)
        try pipeline.run("load", "ad", pipeline.path + "/ads.csv")
        try pipeline.run("ingest", "ad_event", pipeline.path + "/events.ndjson")
        try pipeline.run("speed", "--until-caught-up")
        let run = try pipeline.run("batch", "run").output
        #expect(
            run.contains("looked up in ad (400 rows, generation ") && run.contains("campaign_views: everything (table_changed)"), "\(run)")
        #expect(try differences() == [], "after the table changed")
        let status = try pipeline.run("status", "--json").output.filter { !$0.isWhitespace }
        #expect(status.contains("\"tables\":[{\"table\":\"ad\",\"schema\":\"dimension\",\"own\":false,") && status.contains("\"rows\":400"))
        #expect(try pipeline.run("status").output.contains("rows in memory"))
        let full = try pipeline.run("batch", "run", "--full").output
        #expect(full.contains("+0 −0 rows"), "I3: \(full)")
    }
}
