import Foundation
import TestSupport
import Testing

/// PostgreSQL refuses a view's rows: the program says which and why, and the way on works.
@Suite(.serialized) struct RefusedRowsTests {
    private static let kept = "CREATE MATERIALIZED VIEW kept AS SELECT country, count(*) AS n FROM page_view GROUP BY country;\n"
    private static let refused = "CREATE MATERIALIZED VIEW refused AS SELECT page, count(*) AS n FROM page_view GROUP BY page;\n"

    @Test func upSaysWhichViewHoldsItUpAndApplyWithoutItGoesOn() throws {
        let pipeline = try TestPipeline(
            sql: TestPipeline.pageViews(views: Self.kept + Self.refused),
            configuration: "speed:\n  flush_interval: 50ms\nbatch:\n  interval: off\n")
        let table = try #require(
            try pipeline.connection.query(
                """
                SELECT quote_ident(v.state_table) FROM parallax.view_version v JOIN parallax.view w USING (view_id) WHERE w.name = 'refused'
                """
            ).rows.first?[0])
        try pipeline.connection.execute("ALTER TABLE speed.\(table) ADD CONSTRAINT of_mine CHECK (m0_n < 3)")
        let events = (0..<10).map { number in
            #"{"event_id":"00000000-0000-0000-0000-\#(String(100_000_000_000 + number))","event_time":"2024-01-01T00:00:00Z","page":"/","country":"DE"}"#
        }
        try Data(events.joined(separator: "\n").utf8).write(to: URL(fileURLWithPath: pipeline.path + "/events.ndjson"))
        try pipeline.run("ingest", "page_view", pipeline.path + "/events.ndjson")

        let up = try pipeline.run("up", "--detach", "--yes", expecting: 69)
        #expect(up.errors.contains("the pipeline is up, but no live rows come from source \"page_view\""), "\(up.errors)")
        #expect(up.errors.contains("view \"refused\"") && up.errors.contains("of_mine") && up.errors.contains("HINT"), "\(up.errors)")
        let status = try pipeline.run("status").output
        #expect(status.contains("PROBLEM     view refused: PostgreSQL refuses its live rows"), "\(status)")
        #expect(try pipeline.run("status", "--json").output.contains("refused_views"))
        // A run stands where the speed layer stands: there is nothing below its cut that would be refused.
        try pipeline.run("batch", "run")

        let definitions = TestPipeline.pageViews(views: Self.kept)
        try Data(definitions.utf8).write(to: URL(fileURLWithPath: pipeline.path + "/views.sql"))
        try pipeline.run("apply", "--yes")
        #expect(try becomesTrue { try pipeline.value("SELECT coalesce(sum(n), 0)::bigint FROM serving.kept") == 10 })
        try pipeline.run("batch", "run")
        // The worker takes back what it said when it goes on, not with the rows.
        #expect(try becomesTrue { try !pipeline.run("status").output.contains("PROBLEM") })
    }
}
