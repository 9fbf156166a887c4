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
            status.contains("HELD        run 1, and with it every run after: ")
                && status.contains("parallax batch publish --pipeline \(pipeline.path) 1, or "), "\(status)")
        #expect(status.contains("view by_page, n: drift"))
        let refused = try pipeline.run("batch", "run", expecting: 75)
        #expect(refused.errors.contains("run 1 of source \"visit\" is held"))
        #expect(refused.errors.contains("parallax batch publish --pipeline \(pipeline.path) 1; or throw it away: "))
        #expect(try pipeline.run("batch", "show", "1").output.contains("  held: view by_page, n: drift"))
        #expect(try pipeline.run("batch", "publish", "7", expecting: 64).errors.contains("there is no run 7"))

        #expect(try pipeline.run("batch", "discard", "1").output == "run 1 of source visit is discarded\n")
        #expect(try pipeline.run("batch", "discard", "1", expecting: 64).errors.contains("is not held: it is discarded"))
        try pipeline.run("batch", "run", expecting: 1)
        #expect(try pipeline.run("batch", "publish", "2").output == "run 2 of source visit is published\n")
        #expect(try pipeline.value("SELECT sum(n)::bigint FROM serving.by_page") == 698)
        #expect(try pipeline.run("batch", "show", "2").output.contains("  was held: view by_page"))
        #expect(try !pipeline.run("status").output.contains("HELD"))

        // Changing the limit makes no new version of the view, and asks nobody.
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

    /// A column's type that no record fits: said before anybody agrees, held before anything is lost, and undone.
    @Test func aTypeThatNoRecordFitsIsForetoldHeldAndUndone() throws {
        let pipeline = try TestPipeline(sql: Self.source + Self.byPage(""), configuration: CLIChangeTests.configuration)
        try pipeline.ingest("visit", CLIChangeTests.lines(0..<600))
        try pipeline.run("speed", "--until-caught-up")
        try pipeline.run("batch", "run")
        let rows = "SELECT minute, page, n FROM serving.by_page ORDER BY 1, 2"
        let before = Oracle.lines(try pipeline.connection.query(rows))

        try pipeline.define(Self.source.replacing("page text", with: "page int") + Self.byPage(""))
        let preview = try pipeline.run("apply", "--dry-run").output
        #expect(preview.contains("of all 600 archived records 600 would be rejected: 600 wrong_type"), "\(preview)")
        let json = try pipeline.run("apply", "--dry-run", "--json").output
        #expect(json.contains("\"forecast\"") && json.contains("\"wrong_type\": 600"), "\(json)")
        try pipeline.run("apply", "--yes")
        let held = try pipeline.run("batch", "run", expecting: 1).output
        #expect(held.contains("held: source visit: at least 600 of 600 records that were events are none any more"), "\(held)")
        #expect(Oracle.lines(try pipeline.connection.query(rows)) == before)
        #expect(try pipeline.run("status").output.contains("source visit: at least 600 of 600 records"))
        try pipeline.run("batch", "discard", "2")
        try pipeline.define(Self.source + Self.byPage(""))
        try pipeline.run("apply", "--yes")
        #expect(try pipeline.run("batch", "run").output.contains("published"))
        #expect(Oracle.lines(try pipeline.connection.query(rows)) == before)

        // A person may want it so.
        try pipeline.define(Self.source.replacing("page text", with: "page int") + Self.byPage(""))
        try pipeline.run("apply", "--yes")
        try pipeline.run("batch", "run", expecting: 1)
        try pipeline.run("batch", "publish", "4")
        #expect(try pipeline.value("SELECT count(*) FROM serving.by_page") == 0)
        // And not any more.
        #expect(try pipeline.run("batch", "revert", "3").output.contains("by its earlier definition: by_page"))
        #expect(Oracle.lines(try pipeline.connection.query(rows)) == before)
        try pipeline.define(Self.source + Self.byPage(""))
        try pipeline.run("apply", "--yes")
        try pipeline.run("batch", "run")
        #expect(Oracle.lines(try pipeline.connection.query(rows)) == before)
    }

    @Test func aRunIsShownInWordsAndSaysWhatThereWasToCompare() throws {
        let views = "CREATE MATERIALIZED VIEW total AS SELECT count(*) AS n, avg(length(page)) AS mean FROM visit;"
        let pipeline = try TestPipeline(sql: Self.source + views, configuration: CLIChangeTests.configuration)
        try pipeline.ingest("visit", CLIChangeTests.lines(0..<600))
        try pipeline.run("speed", "--until-caught-up")
        try pipeline.run("batch", "run")
        let shown = try pipeline.run("batch", "show", "1").output
        #expect(shown.contains("read 600 records in 2 segments") && shown.contains("total: everything (new_version), +1"), "\(shown)")
        #expect(!shown.contains("{") || !shown.contains("figures"), "\(shown)")
        #expect(shown.contains("none, the live rows were exact"), "\(shown)")
        // Nothing came since: there are no live rows.
        let second = try pipeline.run("batch", "run").output
        #expect(second.contains("drift: nothing live to compare") && second.contains("total: new events added"), "\(second)")
        #expect(try pipeline.run("batch", "show", "2").output.contains("nothing live to compare"))
        #expect(try pipeline.run("status").output.contains("drift of run 2: nothing live to compare"))
        let drift = try pipeline.connection.query(
            "SELECT output, merged_total IS NULL FROM parallax.drift WHERE run_id = 1 ORDER BY output"
        ).rows.map { "\($0[0] ?? "") \($0[1] ?? "")" }
        #expect(drift == ["mean t", "n f"])
    }

    @Test func theSpeedLayerSaysWhatAViewCouldNotTake() throws {
        let views = "CREATE MATERIALIZED VIEW odd AS SELECT page, sum(1 / (length(page) - 3)) AS s FROM visit GROUP BY page;"
        let pipeline = try TestPipeline(sql: Self.source + views, configuration: CLIChangeTests.configuration)
        try pipeline.ingest("visit", CLIChangeTests.lines(0..<600))
        let said = try pipeline.run("speed", "--until-caught-up").errors
        #expect(said.contains("; view odd could not take "), "\(said)")
    }
}
