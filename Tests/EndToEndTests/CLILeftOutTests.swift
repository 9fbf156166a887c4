import Foundation
import Testing

/// What an answer lacks, where no row of it can say so.
@Suite struct CLILeftOutTests {
    private static let sql = """
        CREATE FOREIGN TABLE ev (id bigint NOT NULL, t timestamptz NOT NULL, k text)
            SERVER parallax OPTIONS (event_id 'id', event_time 't', lateness '1 hour');
        CREATE MATERIALIZED VIEW v AS SELECT tumble(t, '1 minute') AS minute, k, count(*) AS n FROM ev GROUP BY minute, k;
        CREATE MATERIALIZED VIEW g AS SELECT k, count(*) AS n FROM ev GROUP BY k;
        CREATE VIEW top AS SELECT k, sum(n) AS n FROM v GROUP BY k;
        """

    private static func events(_ times: [String], from id: Int) -> String {
        times.enumerated().map { #"{"id":\#(id + $0),"t":"2026-01-01T\#($1)Z","k":"a"}"# + "\n" }.joined()
    }

    @Test func I7_anAnswerSaysWhatItLacksWhereNoRowCan() throws {
        let pipeline = try CLIPipeline(configuration: "log:\n  partitions: 1\nbatch:\n  interval: 0\n", sql: Self.sql)
        #expect(try pipeline.run("apply").status == 0)
        // Several at noon: one alone might be a wrong clock.
        for batch in [["12:00:00", "12:00:01", "12:00:02"], ["08:01:00", "08:01:30", "08:02:00"]] {
            let id = batch[0] == "12:00:00" ? 1 : 10
            #expect(try pipeline.run("ingest", "ev", "-", input: Self.events(batch, from: id)).status == 0)
            #expect(try pipeline.run("speed", "--until-caught-up").status == 0)
        }
        let answer = try pipeline.run("query", "--format", "csv", "SELECT * FROM v")
        #expect(answer.output == "minute,k,n,is_exact,is_closed\n2026-01-01 12:00:00+00,a,3,t,f\n")
        #expect(answer.errors.contains("note: view v lacks 3 late events in 2 windows until the next batch run"), "\(answer.errors)")
        #expect(try pipeline.run("query", "SELECT * FROM top").errors.contains("note: view v lacks 3 late events"))
        #expect(try pipeline.run("query", "SELECT k, n FROM g").errors.contains("note: view g lacks 3 late events until"))
        #expect(!(try pipeline.run("query", "SELECT 1").errors.contains("note:")))
        #expect(
            try pipeline.run("query", "--format", "csv", "SELECT view, window_start, late FROM parallax.late_window ORDER BY 1, 2").output
                == "view,window_start,late\ng,,3\nv,2026-01-01 08:01:00+00,2\nv,2026-01-01 08:02:00+00,1\n")
        // Each event once, whatever the number of views.
        #expect(try pipeline.run("status").output.contains("late        3 left to the batch layer, 3 of them not in it yet"))
        let beside = try pipeline.json("query", "--frontier", "--format", "json", "SELECT 1 AS one") as? [String: Any]
        #expect((beside?["frontier"] as? [[String: Any]])?.first?["late_waiting"] as? Int == 3)

        // A run that moved the cut on and failed: what it took over is in no answer.
        #expect(try pipeline.run("ingest", "ev", "-", input: Self.events(["12:00:03", "12:00:04"], from: 20)).status == 0)
        #expect(try pipeline.run("batch", "run", environment: ["PARALLAX_FAULT": "batch.afterBoundary"]).status != 0)
        let stale = try pipeline.run("query", "--format", "csv", "SELECT * FROM v")
        #expect(stale.output == "minute,k,n,is_exact,is_closed\n2026-01-01 12:00:00+00,a,3,f,f\n")
        #expect(stale.errors.contains("note: 2 records of source ev are in no answer until a batch run is published"), "\(stale.errors)")

        #expect(try pipeline.run("batch", "run").status == 0)
        let whole = try pipeline.run("query", "--format", "csv", "SELECT sum(n) AS n, bool_and(is_exact) AS exact FROM v")
        #expect(whole.output == "n,exact\n8,t\n" && !whole.errors.contains("note:"), "\(whole.output)\(whole.errors)")
        #expect(try pipeline.run("status").output.contains("late        3 left to the batch layer, 0 of them not in it yet"))
    }
}
