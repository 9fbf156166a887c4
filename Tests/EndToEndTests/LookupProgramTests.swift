import Foundation
import ParallaxCore
import TestSupport
import Testing

/// Tables that views join, under `parallax up`: the layers follow by themselves, and say why they wait.
@Suite(.serialized) struct LookupProgramTests {
    private static let sql = """
        CREATE FOREIGN TABLE click (event_id int, event_time timestamptz, ad int) SERVER parallax
            OPTIONS (event_id 'event_id', event_time 'event_time');
        CREATE TABLE ad (id int PRIMARY KEY, name text);
        CREATE MATERIALIZED VIEW clicks AS SELECT name, count(*) AS n FROM click LEFT JOIN ad ON ad.id = click.ad GROUP BY name;
        """

    private func clicks(_ ids: Range<Int>, _ pipeline: TestPipeline) throws {
        let lines = ids.map { "{\"event_id\": \($0), \"event_time\": \"2024-01-01T00:00:00Z\", \"ad\": \($0 % 3)}\n" }.joined()
        try Data(lines.utf8).write(to: URL(fileURLWithPath: pipeline.path + "/clicks.ndjson"))
        try pipeline.run("ingest", "click", pipeline.path + "/clicks.ndjson")
    }

    private func load(_ text: String, _ pipeline: TestPipeline) throws {
        try Data(text.utf8).write(to: URL(fileURLWithPath: pipeline.path + "/ads.csv"))
        try pipeline.run("load", "ad", pipeline.path + "/ads.csv", "--upsert")
    }

    private func rows(_ pipeline: TestPipeline) throws -> [String] {
        Oracle.lines(try pipeline.connection.query("SELECT name, n FROM serving.clicks"))
    }

    @Test func theLayersFollowAndATooLargeTableStopsThemUntilItFits() throws {
        let pipeline = try TestPipeline(sql: Self.sql, configuration: "batch:\n  interval: off\nlookup:\n  max_rows: 3\n")
        try load("id,name\n0,zero\n1,one\n", pipeline)
        try pipeline.run("up", "--detach", "--yes")
        try clicks(0..<9, pipeline)
        #expect(try becomesTrue { try rows(pipeline) == ["one|3", "zero|3", "∅|3"] })
        try load("id,name\n2,two\n0,null\n", pipeline)
        let generation = try pipeline.value("SELECT generation FROM parallax.dimension_generation")
        #expect(try becomesTrue { try pipeline.value("SELECT loaded_generation FROM parallax.dimension") == generation })
        try clicks(9..<18, pipeline)
        #expect(try becomesTrue { try rows(pipeline) == ["null|3", "one|6", "two|3", "zero|3", "∅|3"] })
        try pipeline.run("batch", "run")
        #expect(try rows(pipeline) == ["null|6", "one|6", "two|6"])

        try load("id,name\n7,x\n", pipeline)
        #expect(try becomesTrue { try pipeline.run("status").output.contains("PROBLEM     table ad") })
        #expect(try pipeline.run("status").output.contains("which lookup.max_rows allows"))
        try clicks(18..<27, pipeline)
        let refused = try pipeline.run("batch", "run", expecting: 71)
        #expect(refused.errors.contains("table \"ad\" has more than 3 rows, which lookup.max_rows allows"))
        #expect(try rows(pipeline) == ["null|6", "one|6", "two|6"])
        try pipeline.connection.execute("DELETE FROM dimension.ad WHERE id = 7")
        #expect(try becomesTrue { try !pipeline.run("status").output.contains("PROBLEM") })
        try pipeline.run("batch", "run")
        #expect(try becomesTrue { try rows(pipeline) == ["null|9", "one|9", "two|9"] })
    }

    /// apply and status say which view, table and column, and what to do.
    @Test func whatAColumnIsMissingForIsSaidWithTheWaysOut() throws {
        let sql = Self.sql.replacing("CREATE TABLE ad (", with: "CREATE TABLE IF NOT EXISTS shop.ad (")
        let pipeline = try TestPipeline(sql: sql, configuration: "batch:\n  interval: off\n")
        try pipeline.connection.execute("INSERT INTO shop.ad VALUES (0, 'zero'), (1, 'one')")
        try clicks(0..<9, pipeline)
        try pipeline.run("batch", "run")
        try pipeline.connection.execute("ALTER TABLE shop.ad RENAME name TO title")
        let problem = #"table "ad" has no column "name", which view "clicks" reads"#
        let status = try pipeline.run("status").output
        #expect(
            status.contains("PROBLEM     \(problem): nothing is read meanwhile\n            HINT:  put back what is missing"), "\(status)")
        let refused = try pipeline.run("apply", expecting: 65).errors
        #expect(refused.contains(#""shop"."ad" has no column "name""#) && refused.contains("is joined by clicks"), "\(refused)")

        try pipeline.define(sql.replacing("name", with: "title"))
        let preview = try pipeline.run("apply", "--dry-run").output
        #expect(
            preview.contains("! \(problem): live rows wait\n    the next batch run publishes these definitions without it"), "\(preview)")
        try pipeline.run("apply", "--yes")
        let unchanged = try pipeline.run("apply").output
        #expect(unchanged.contains("! \(problem): live rows wait\n    HINT:  put back what is missing"), "\(unchanged)")
        try clicks(9..<12, pipeline)
        try pipeline.run("batch", "run")
        #expect(try !pipeline.run("status").output.contains("PROBLEM"))
        #expect(Oracle.lines(try pipeline.connection.query("SELECT title, n FROM serving.clicks")) == ["one|4", "zero|4", "∅|4"])
    }
}
