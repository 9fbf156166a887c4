import Foundation
import Glibc
import TestSupport
import Testing

/// WITH (max_drift = …), through the binary.
@Suite(.serialized) struct CLIHeldRunTests {
    private static let source = CLIChangeTests.source("id uuid, at timestamptz, page text")
    private static func byPage(_ options: String) -> String {
        "CREATE MATERIALIZED VIEW by_page\(options) AS SELECT tumble(at, '1 minute') AS minute, page, count(*) AS n FROM visit GROUP BY minute, page;"
    }

    @Test func aHeldRunIsShownAndAPersonDecides() throws {
        let pipeline = try TestPipeline(
            sql: Self.source + Self.byPage(" WITH (max_drift = '5%')"), configuration: CLIChangeTests.configuration)
        try pipeline.ingest("visit", CLIChangeTests.lines(10_000..<10_600))
        try pipeline.run("speed", "--until-caught-up")
        // More than an hour behind: left to the batch layer.
        try pipeline.ingest("visit", CLIChangeTests.lines(0..<98))
        try pipeline.run("speed", "--until-caught-up")
        let held = try pipeline.run("batch", "run", expecting: 1)
        #expect(held.output.contains("run 1 of source \"visit\": HELD, nothing is published"), "\(held.output)")
        #expect(held.output.contains("held: view by_page, n: drift "))
        #expect(try pipeline.value("SELECT sum(n)::bigint FROM serving.by_page") == 600)
        let status = try pipeline.run("status").output
        #expect(
            status.contains("HELD        run 1, and with it every run after: parallax batch publish 1, or parallax batch discard 1"),
            "\(status)")
        #expect(status.contains("view by_page, n: drift"))
        let refused = try pipeline.run("batch", "run", expecting: 75)
        #expect(refused.errors.contains("run 1 of source \"visit\" is held"))
        #expect(refused.errors.contains("parallax batch publish 1; or throw it away: parallax batch discard 1"))
        #expect(try pipeline.run("batch", "show", "1").output.contains("  held: view by_page, n: drift"))
        #expect(try pipeline.run("batch", "publish", "7", expecting: 64).errors.contains("there is no run 7"))

        #expect(try pipeline.run("batch", "discard", "1").output == "run 1 of source visit is discarded\n")
        #expect(try pipeline.run("batch", "discard", "1", expecting: 64).errors.contains("is not held: it is discarded"))
        try pipeline.run("batch", "run", expecting: 1)
        #expect(try pipeline.run("batch", "publish", "2").output == "run 2 of source visit is published\n")
        #expect(try pipeline.value("SELECT sum(n)::bigint FROM serving.by_page") == 698)
        #expect(try pipeline.run("batch", "show", "2").output.contains("  was held: view by_page"))
        #expect(try !pipeline.run("status").output.contains("HELD"))

        // Another limit is no other version, and needs nobody's consent.
        let versions = try CLIChangeTests.versions(pipeline, "by_page")
        try pipeline.define(Self.source + Self.byPage(" WITH (max_drift = 0.5)"))
        let applied = try pipeline.run("apply").output
        #expect(applied.contains("    - WITH (max_drift = '5%')\n    + WITH (max_drift = 0.5)\n"), "\(applied)")
        #expect(applied.contains("    nothing is computed again\n"))
        #expect(try CLIChangeTests.versions(pipeline, "by_page") == versions)
        #expect(try pipeline.value("SELECT (max_drift * 100)::bigint FROM parallax.view") == 50)
    }

    /// The schedule does not decide: it says so, and goes on with what a person decided.
    @Test func theScheduleWaitsForThatPerson() throws {
        let pipeline = try TestPipeline(
            sql: Self.source + Self.byPage(" WITH (max_drift = '5%')"),
            configuration: CLIChangeTests.configuration.replacing("interval: off", with: "interval: 1s"))
        try pipeline.ingest("visit", CLIChangeTests.lines(10_000..<10_600))
        try pipeline.run("speed", "--until-caught-up")
        try pipeline.ingest("visit", CLIChangeTests.lines(0..<98))
        try pipeline.run("speed", "--until-caught-up")
        try pipeline.run("batch", "run", expecting: 1)
        let up = try pipeline.start("up")
        try pipeline.ingest("visit", CLIChangeTests.lines(10_600..<10_700))
        try waitUntil("live rows") { try pipeline.value("SELECT sum(n)::bigint FROM serving.by_page") == 700 }
        try pipeline.run("batch", "publish", "1")
        try waitUntil("the schedule's run") {
            try pipeline.value("SELECT count(*) FROM parallax.run WHERE state = 'published' AND run_id > 1") > 0
        }
        up.kill(SIGTERM)
        let ended = up.wait()
        #expect(ended.status == 0, "\(ended.errors)")
        #expect(try pipeline.value("SELECT sum(n)::bigint FROM serving.by_page") == 798)
        #expect(try pipeline.value("SELECT count(*) FROM parallax.run WHERE state = 'failed'") == 0)
    }

    /// Windows leave a pipeline that runs as people run it.
    @Test func windowsLeaveWithRetention() throws {
        let pipeline = try TestPipeline(
            sql: Self.source + Self.byPage(" WITH (retention = '5 minutes')"), configuration: CLIChangeTests.configuration)
        try pipeline.ingest("visit", CLIChangeTests.lines(0..<1_200))
        try pipeline.run("speed", "--until-caught-up")
        #expect(try pipeline.value("SELECT count(DISTINCT minute) FROM serving.by_page") == 20)
        let report = try pipeline.run("batch", "run").output
        // The newest event is at 19:59: the watermark stands at 19:54, and windows that ended by 14:54 have left.
        #expect(try pipeline.value("SELECT count(DISTINCT minute) FROM serving.by_page") == 6, "\(report)")
        #expect(try pipeline.connection.query("SELECT min(minute)::text FROM serving.by_page").rows[0][0]?.contains(":14:00") == true)
        try pipeline.ingest("visit", CLIChangeTests.lines(1_200..<1_320))
        try pipeline.run("speed", "--until-caught-up")
        #expect(try pipeline.run("batch", "run").output.contains("10 left by retention"))
        #expect(try pipeline.value("SELECT count(DISTINCT minute) FROM serving.by_page") == 6)
        #expect(try pipeline.run("batch", "run", "--full").output.contains("+0 −0 rows"))
        // Longer: another version, computed from the archive, which kept everything.
        try pipeline.define(Self.source + Self.byPage(" WITH (retention = '10 minutes')"))
        try pipeline.run("apply", "--yes")
        try pipeline.run("batch", "run")
        #expect(try pipeline.value("SELECT count(DISTINCT minute) FROM serving.by_page") == 11)
    }
}
