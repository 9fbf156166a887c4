import Foundation
import ParallaxCore
import Postgres
import TestSupport
import Testing

/// Changed, held and dropped views, through the binary.
@Suite(.serialized) struct CLIVersionTests {
    private static let source = CLIChangeTests.source("id uuid, at timestamptz, page text, referrer text")
    private static let byPage =
        "CREATE MATERIALIZED VIEW by_page AS SELECT tumble(at, '1 minute') AS minute, page, count(*) AS n FROM visit GROUP BY minute, page;\n"
    /// Without the views of /p0, and with a column more.
    private static let byPageChanged = """
        CREATE MATERIALIZED VIEW by_page AS
        SELECT tumble(at, '1 minute') AS minute, page,  -- as before
          count(*) FILTER (WHERE page <> '/p1') AS n, max(referrer) AS last
        FROM visit WHERE page <> '/p0' GROUP BY minute, page;

        """
    private static let total = "CREATE MATERIALIZED VIEW total AS SELECT count(*) AS n FROM visit;\n"

    private func pipeline(_ views: String) throws -> TestPipeline {
        let pipeline = try TestPipeline(sql: Self.source + views, configuration: CLIChangeTests.configuration)
        try pipeline.ingest("visit", CLIChangeTests.lines(0..<600))
        try pipeline.run("speed", "--until-caught-up")
        return pipeline
    }

    @Test func anApplyShowsWhatItChangesAndAsks() throws {
        let pipeline = try pipeline(Self.byPage + Self.total)
        try pipeline.run("batch", "run")
        let archived = try FileManager.default.subpathsOfDirectory(atPath: pipeline.path + "/.parallax/archive").filter {
            $0.hasSuffix(".parquet")
        }
        #expect(!archived.isEmpty)

        try pipeline.define(Self.source + Self.byPageChanged + "CREATE VIEW top AS SELECT * FROM by_page WHERE n > 1;")
        let refused = try pipeline.run("apply", expecting: 65)
        let lines = refused.output.split(separator: "\n").map(String.init)
        #expect(lines.first?.hasPrefix("~ view by_page  version ") == true, "\(refused.output)")
        #expect(
            Array(lines.dropFirst().prefix(8)) == [
                "      SELECT tumble(at, '1 minute') AS minute,", "        page,", "    -   count(*) AS n",
                "    +   count(*) FILTER (WHERE page <> '/p1') AS n,", "    +   max(referrer) AS last", "      FROM visit",
                "    + WHERE page <> '/p0'", "      GROUP BY minute, page",
            ], "\(refused.output)")
        #expect(refused.output.contains("computed from history by the next batch run: 594 archived records (") == false)
        #expect(refused.output.contains("computed from history by the next batch run: 600 archived records ("), "\(refused.output)")
        #expect(refused.output.contains("; the old version is served until then\n"))
        #expect(refused.output.contains("- view total, with its rows and the views on top of it\n"))
        #expect(refused.output.contains("+ overlay top\n"))
        #expect(refused.errors.contains("add --yes to agree"))
        #expect(refused.errors.contains("- view total"))
        #expect(try pipeline.value("SELECT count(*) FROM parallax.view_version") == 2)

        let dry = try pipeline.run("apply", "--dry-run", "--json")
        let object = try #require(try JSONSerialization.jsonObject(with: Data(dry.output.utf8)) as? [String: Any])
        #expect(object["applied"] as? Bool == false)
        let changes = try #require(object["changes"] as? [[String: Any]])
        let view = try #require(changes.first { $0["name"] as? String == "by_page" })
        #expect(view["action"] as? String == "changed" && view["needs_consent"] as? Bool == true)
        #expect((view["recomputes"] as? [String: Any])?["archived_records"] as? Int == 600)
        #expect((view["diff"] as? [String])?.contains("+ WHERE page <> '/p0'") == true)
        #expect(try pipeline.value("SELECT count(*) FROM parallax.view_version") == 2)

        // Other words for the same are no change.
        try pipeline.define(
            Self.source + Self.byPage.replacing("page, count(*)", with: "page,\n  count( * ) /* all */") + Self.total)
        #expect(try pipeline.run("apply").output == "nothing to change\n")
    }

    /// I1: a column's type changes so that no record fits, and the run is published all the same. A revert serves the version of before, and what came since.
    @Test func I1_aRevertBringsBackTheVersionThatWasServed() throws {
        let pipeline = try pipeline(Self.byPage)
        func served() throws -> Int64 { try pipeline.value("SELECT coalesce(sum(n), 0)::bigint FROM serving.by_page") }
        func ingest(_ lines: Range<Int>) throws {
            try pipeline.ingest("visit", CLIChangeTests.lines(lines))
            try pipeline.run("speed", "--until-caught-up")
        }
        func publish() throws {
            try pipeline.run("batch", "run", "--set", "batch.max_loss_percent=100", "--set", "batch.min_input_percent=0")
        }
        try publish()
        try ingest(600..<700)
        let before = try served()
        #expect(before > 600)
        try pipeline.define(CLIChangeTests.source("id uuid, at timestamptz, page uuid, referrer text") + Self.byPage)
        try pipeline.run("apply", "--yes")
        try publish()
        #expect(try served() == 0)
        // What comes behind the publication is counted by the version that is served no more, too. An apply that changes nothing of the view takes it from nobody.
        try ingest(700..<800)
        try pipeline.run("apply", "--yes")
        try publish()
        #expect(try served() == 0)
        let reverted = try pipeline.run("batch", "revert", "1").output
        #expect(reverted.contains("by its earlier definition: by_page"), "\(reverted)")
        let after = try served()
        #expect(after > before + 90)
        try ingest(800..<900)
        #expect(try served() > after + 90)
        // The next run serves what is applied; it loses everything, and waits for a person.
        let held = try pipeline.run("batch", "run", expecting: nil)
        #expect((held.output + held.errors).contains("HELD"), "\(held)")
        #expect(try served() > after + 90)
        let number = try pipeline.value("SELECT max(run_id) FROM parallax.run")
        try pipeline.run("batch", "discard", "\(number)")
        let live = try served()
        try pipeline.define(Self.source + Self.byPage)
        try pipeline.run("apply", "--yes")
        try publish()
        #expect(try served() == live)
        try pipeline.run("batch", "run", "--full")
        #expect(try served() == live)
        // Nothing is kept for a revert to publications that are gone.
        for _ in 0..<4 { try publish() }
        #expect(try pipeline.value("SELECT count(*) FROM parallax.view_version") == 1)
        #expect(try pipeline.value("SELECT count(*) FROM pg_tables WHERE schemaname = 'speed'") == 1)
    }

    /// I2 over a change of definition: whoever reads sees the old columns and rows or the new ones, from one publication each.
    @Test func I2_readersSeeTheOldVersionOrTheNewWhileItIsSwitched() throws {
        let pipeline = try pipeline(Self.byPage)
        try pipeline.run("batch", "run")
        try pipeline.define(Self.source + Self.byPage.replacing("count(*) AS n", with: "count(*) * 10 AS n"))
        try pipeline.run("apply", "--yes")
        var seen: [Int64] = []
        let run = try pipeline.start("batch", "run")
        repeat { seen.append(try pipeline.value("SELECT sum(n)::bigint FROM serving.by_page")) } while run.process.isRunning
        #expect(run.wait().status == 0)
        seen.append(try pipeline.value("SELECT sum(n)::bigint FROM serving.by_page"))
        #expect(Set(seen) == [594, 5_940], "\(Set(seen))")
        #expect(seen == seen.sorted() && seen.count > 10)
        // The old one stays for a revert as long as its publication is kept.
        #expect(try pipeline.value("SELECT count(*) FROM parallax.view_version") == 2)
    }

    @Test func aHeldVersionIsComputedComparedAndThenPromotedOrAbandoned() throws {
        let pipeline = try pipeline(Self.byPage)
        try pipeline.run("batch", "run")
        #expect(try pipeline.run("diff", "by_page", expecting: 64).errors.contains("has no second version"))
        #expect(try pipeline.run("promote", "by_page", expecting: 64).errors.contains("no version that is held"))
        #expect(try pipeline.run("diff", "by_pge", expecting: 64).errors.contains("views: by_page"))

        try pipeline.define(Self.source + Self.byPageChanged)
        #expect(try pipeline.run("apply", "--yes", "--hold").output.contains("parallax promote --pipeline \(pipeline.path) by_page"))
        let both = try CLIChangeTests.versions(pipeline, "by_page")
        #expect(both.count == 2 && both[0].hasSuffix("active"))
        #expect(try pipeline.run("diff", "by_page", expecting: 75).errors.contains("no run has computed it"))
        try pipeline.ingest("visit", CLIChangeTests.lines(600..<660))
        try pipeline.run("speed", "--until-caught-up")
        try pipeline.run("batch", "run")
        // A run has published; readers keep the old one, which goes on.
        #expect(try CLIChangeTests.versions(pipeline, "by_page") == both)
        #expect(try pipeline.value("SELECT sum(n)::bigint FROM serving.by_page") == 654)
        let status = try pipeline.run("status").output
        #expect(status.contains("HELD        view by_page has a new version that is held: "), "\(status)")
        #expect(status.contains("parallax diff --pipeline \(pipeline.path) by_page, then "), "\(status)")
        try pipeline.run("apply")
        #expect(try CLIChangeTests.versions(pipeline, "by_page") == both)

        let diff = try pipeline.run("diff", "by_page", "--json", "--limit", "3", expecting: 1)
        let object = try #require(try JSONSerialization.jsonObject(with: Data(diff.output.utf8)) as? [String: Any])
        // PostgreSQL's own comparison of the two SELECTs over the raw log.
        let oracle = try Oracle(
            dsn: pipeline.dsn, source: "visit",
            columns: [
                Oracle.Column("id", "uuid"), Oracle.Column("at", "timestamptz"), Oracle.Column("page", "text"),
                Oracle.Column("referrer", "text"),
            ], identity: ("id", "at"))
        try oracle.load(try pipeline.log("visit"))
        try oracle.parse()
        let old = "SELECT tumble(at, '1 minute') AS minute, page, count(*) AS n FROM visit GROUP BY minute, page"
        let new = """
            SELECT tumble(at, '1 minute') AS minute, page, count(*) FILTER (WHERE page <> '/p1') AS n FROM visit
            WHERE page <> '/p0' GROUP BY minute, page
            """
        let truth = try oracle.rows(
            """
            SELECT count(*) FILTER (WHERE n.n IS NULL), count(*) FILTER (WHERE o.n IS NULL),
                   count(*) FILTER (WHERE o.n <> n.n), sum(o.n), sum(n.n)
            FROM (\(old)) o FULL JOIN (\(new)) n USING (minute, page)
            """)
        let columns = try #require(object["columns"] as? [[String: Any]])
        let n = try #require(columns.first { $0["column"] as? String == "n" })
        let totals = "\(n["served_total"] as? String ?? "")|\(n["held_total"] as? String ?? "")"
        #expect(
            truth
                == ["\(object["only_served"] as? Int ?? -1)|\(object["only_held"] as? Int ?? -1)|\(n["differing"] as? Int ?? -1)|\(totals)"]
        )
        #expect(object["only_held"] as? Int == 0 && (object["only_served"] as? Int ?? 0) > 0)
        #expect(columns.first { $0["column"] as? String == "last" }?["in_served"] as? Bool == false)
        #expect((object["only_served_rows"] as? [[String: Any]])?.count == 3)
        #expect((object["only_served_rows"] as? [[String: Any]])?.allSatisfy { $0["page"] as? String == "/p0" } == true)
        let text = try pipeline.run("diff", "by_page", "--limit", "2", expecting: 1).output
        #expect(text.contains("rows are paired by minute, page") && text.contains("12 → 0"), "\(text)")
        #expect(text.contains("last    only held"), "\(text)")

        #expect(try pipeline.run("promote", "by_page").output.hasPrefix("view by_page shows version "))
        #expect(
            try pipeline.value("SELECT count(*) FROM information_schema.columns WHERE table_name = 'by_page' AND column_name = 'last'") == 1
        )
        #expect(try CLIChangeTests.versions(pipeline, "by_page").count == 1)
        #expect(try pipeline.value("SELECT count(*) FROM pg_tables WHERE schemaname IN ('batch', 'speed')") == 2)
        #expect(try pipeline.run("batch", "run", "--full").output.contains("+0 −0 rows"))

        // Held again, and given up: nothing of it stays.
        try pipeline.define(Self.source + Self.byPage)
        try pipeline.run("apply", "--yes", "--hold")
        try pipeline.run("batch", "run")
        #expect(try pipeline.run("abandon", "by_page").output.hasSuffix("of view by_page is gone\n"))
        #expect(try pipeline.run("abandon", "by_page", expecting: 64).errors.contains("has no second version"))
        #expect(try pipeline.value("SELECT count(*) FROM pg_tables WHERE schemaname IN ('batch', 'speed')") == 2)
        // Held before any run: promoted, it waits for one; so it does without --hold.
        try pipeline.run("apply", "--yes", "--hold")
        #expect(try pipeline.run("promote", "by_page").output.contains("as soon as a batch run has computed it"))
        try pipeline.run("batch", "run")
        #expect(try CLIChangeTests.versions(pipeline, "by_page").last?.hasSuffix("active") == true)
        #expect(try pipeline.value("SELECT sum(n)::bigint FROM serving.by_page") == 654)
    }

    /// The same definition in other words that make another plan: two versions with the same rows.
    @Test func twoVersionsWithTheSameRowsDoNotDiffer() throws {
        let pipeline = try pipeline(Self.byPage)
        try pipeline.run("batch", "run")
        try pipeline.define(Self.source + Self.byPage.replacing("FROM visit", with: "FROM visit WHERE page IS NOT NULL OR page IS NULL"))
        try pipeline.run("apply", "--yes", "--hold")
        try pipeline.run("batch", "run")
        #expect(try pipeline.run("diff", "by_page").output.hasSuffix("\nno difference\n"))
        // Grouped by another column: rows have no partner, whole rows are compared.
        try pipeline.define(
            Self.source
                + Self.byPage.replacing("page, count(*)", with: "lower(page) AS page, referrer, count(*)").replacing(
                    "minute, page;", with: "minute, lower(page), referrer;"))
        try pipeline.run("apply", "--yes", "--hold")
        try pipeline.run("batch", "run")
        #expect(try pipeline.run("diff", "by_page", expecting: 1).output.contains("rows cannot be paired"))
    }

    @Test func aHeldVersionNeedsWhatTheServedOneReads() throws {
        let pipeline = try pipeline(Self.byPageChanged)
        let narrow = CLIChangeTests.source("id uuid, at timestamptz, page text")
        try pipeline.define(narrow + Self.byPage)
        let refused = try pipeline.run("apply", "--yes", "--hold", expecting: 65)
        #expect(refused.errors.contains("reads what source \"visit\" no longer has"), "\(refused.errors)")
        try pipeline.run("apply", "--yes")
    }

    @Test func aDroppedViewLeavesNothingBehind() throws {
        let bad =
            "CREATE MATERIALIZED VIEW bad AS SELECT tumble(at, '1 minute') AS minute, sum(1 / substr(referrer, 2, 1)::integer) AS n FROM visit GROUP BY minute;\n"
        let pipeline = try TestPipeline(sql: Self.source + Self.total, configuration: CLIChangeTests.configuration)
        try pipeline.ingest("visit", CLIChangeTests.lines(0..<300))
        try pipeline.run("speed", "--until-caught-up")
        try pipeline.run("batch", "run")
        func relations() throws -> [String] {
            try pipeline.connection.query(
                """
                SELECT n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                WHERE n.nspname IN ('parallax', 'batch', 'speed', 'serving', 'comparison') ORDER BY 1
                """
            ).rows.map { $0[0] ?? "" }
        }
        /// Rows of every table that speak of the view, by name or by version.
        func rows() throws -> [String: Int64] {
            var found: [String: Int64] = [:]
            for (table, condition) in [
                ("view", "name = 'bad'"), ("view_version", "version_id > 1"), ("drift", "version_id > 1"),
                ("touched_window", "version_id > 1"),
                ("rejected_live", "view_name = 'bad'"), ("rejected_batch", "view_name = 'bad'"), ("rejected_record", "view_name = 'bad'"),
                ("overlay", "true"),
            ] {
                found[table] = try pipeline.value("SELECT count(*) FROM parallax.\(table) WHERE \(condition)")
            }
            return found
        }
        let before = try relations()
        try pipeline.define(Self.source + Self.total + bad + "CREATE VIEW over AS SELECT * FROM bad;")
        try pipeline.run("apply")
        let speed = try pipeline.start("speed")
        try pipeline.run("batch", "run")
        try pipeline.ingest("visit", CLIChangeTests.lines(300..<600))
        try waitUntil("live rejections") {
            try pipeline.value("SELECT count(*) FROM parallax.rejected_live WHERE view_name = 'bad'") > 0
        }
        try waitUntil("all of them") { try pipeline.value("SELECT n FROM serving.total") == 594 }
        try pipeline.run("batch", "run")
        try pipeline.ingest("visit", CLIChangeTests.lines(600..<900))
        try waitUntil("the rest") { try pipeline.value("SELECT n FROM serving.total") == 891 }
        #expect(try relations().count > before.count)
        var left = try rows()
        #expect(left.allSatisfy { $0.value > 0 }, "\(left)")

        try pipeline.define(Self.source + Self.total)
        try pipeline.run("apply", "--yes")
        left = try rows()
        #expect(left.allSatisfy { $0.value == 0 }, "\(left)")
        #expect(try relations() == before)
        // The worker had gathered more for it, and goes on without.
        try pipeline.ingest("visit", CLIChangeTests.lines(900..<1_000))
        try waitUntil("more") { try pipeline.value("SELECT n FROM serving.total") == 990 }
        left = try rows()
        #expect(left.allSatisfy { $0.value == 0 }, "\(left)")
        speed.kill(SIGTERM)
        #expect(speed.wait().status == 0)
    }
}
