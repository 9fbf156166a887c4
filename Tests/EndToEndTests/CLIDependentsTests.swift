import Foundation
import Testing

/// What users built on served views, as `parallax apply` and runs treat it.
@Suite struct CLIDependentsTests {
    private static func sql(_ measures: String) -> String {
        """
        CREATE FOREIGN TABLE ev (id bigint NOT NULL, t timestamptz NOT NULL, k text, x int)
            SERVER parallax OPTIONS (event_id 'id', event_time 't');
        CREATE MATERIALIZED VIEW g AS SELECT k, \(measures) FROM ev GROUP BY k;

        """
    }

    @Test func whatOthersBuiltIsNamedBeforeAnythingIsDone() throws {
        let pipeline = try CLIPipeline(
            configuration: "log:\n  partitions: 1\nbatch:\n  interval: 0\n", sql: Self.sql("count(*) AS n, sum(x) AS total"))
        #expect(try pipeline.run("apply").status == 0)
        #expect(try pipeline.run("ingest", "ev", "-", input: #"{"id":1,"t":"2026-01-01T00:00:00Z","k":"a","x":7}"# + "\n").status == 0)
        #expect(try pipeline.run("batch", "run").status == 0)
        func psql(_ sql: String) throws -> String {
            let result = try CLIProgram(["psql", "--pipeline", pipeline.path, "--", "-AtqX", "-v", "ON_ERROR_STOP=1", "-c", sql]).wait()
            #expect(result.status == 0, "\(sql): \(result.errors)")
            return result.output
        }
        _ = try psql(
            """
            CREATE SCHEMA bi; CREATE ROLE analyst; GRANT USAGE ON SCHEMA bi TO analyst;
            CREATE VIEW bi.totals AS SELECT k, total FROM g; CREATE VIEW bi.n AS SELECT k, n FROM g;
            GRANT SELECT ON bi.n, g TO analyst
            """)

        // A column goes that one of them reads: said before anybody agrees, and refused.
        try pipeline.write("page_view.sql", Self.sql("count(*) AS n, max(x) AS largest"))
        let words = "! view g: column \"total\" goes, when its new version is served, and something of yours stands on it\n"
        for flags in [["apply", "--dry-run"], ["apply", "--yes"]] {
            let told = try CLIProgram(flags + ["--pipeline", pipeline.path]).wait()
            #expect(told.status == (flags.contains("--yes") ? 65 : 0))
            #expect(told.output.contains(words + "    view bi.totals (of parallax) reads \"total\"\n"), "\(told.output)")
            #expect(!told.output.contains("bi.n"))
        }
        let json = try pipeline.json("apply", "--dry-run", "--json") as? [String: Any]
        #expect((json?["obstacles"] as? [[String: Any]])?.first?["view"] as? String == "g")

        // Without it the other one is made again, with its rights.
        _ = try psql("DROP VIEW bi.totals")
        #expect(try pipeline.run("apply", "--yes").status == 0)
        // It comes back before the run: that is published, and the view goes on as it was.
        _ = try psql("CREATE VIEW bi.totals AS SELECT k, total FROM g")
        let run = try pipeline.run("batch", "run")
        #expect(run.status == 0, "\(run.errors)")
        #expect(run.errors.contains("bi.totals"), "\(run.errors)")
        let status = try pipeline.run("status").output
        #expect(
            status.contains("WAITING     view g has a new version, and something is in its way") && status.contains("bi.totals"),
            "\(status)")
        #expect(try psql("SELECT * FROM bi.totals") == "a|7\n")
        _ = try psql("DROP VIEW bi.totals")
        #expect(try pipeline.run("batch", "run").status == 0)
        #expect(try psql("SELECT k, n, largest, is_exact FROM g") == "a|1|7|t\n")
        #expect(try psql("SET ROLE analyst; SELECT * FROM bi.n") == "a|1\n")
        #expect(try !pipeline.run("status").output.contains("WAITING"))

        // A view that leaves the definitions, too.
        try pipeline.write("page_view.sql", Self.sql("count(*) AS n").split(separator: "\n").prefix(2).joined(separator: "\n") + "\n")
        let refused = try pipeline.run("apply", "--yes")
        #expect(refused.status == 65 && refused.errors.contains("view bi.n (of parallax)"), "\(refused.errors)")
        #expect(try psql("SELECT * FROM bi.n") == "a|1\n")
    }
}
