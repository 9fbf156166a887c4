import Catalog
import Columns
import MergeLaw
import ParallaxCore
import Postgres
import Testing
import ViewLanguage

@testable import ServingViews

/// How `serving.<view>_changes` finds its rows, and how their keys read. Which rows those are is the end-to-end suite FollowTests'.
@Suite struct ChangesTests {
    /// Followers ask after every flush: what a publication closed, and which sessions the watermark closed, is not looked for in all of the batch layer's rows.
    @Test func whatIsAskedAfterEveryFlushIsInAnIndex() throws {
        var plan = Fixture.plan(measures: [0])
        plan.window = .init(name: "minute", kind: .session(gap: 60_000_000))
        let fixture = try Fixture([("traffic", Fixture.plan(measures: [0])), ("visits", plan)])
        let run = try fixture.publish { run in
            for (view, last) in [("traffic", ""), ("visits", ", session_last")] {
                let start = "timestamptz '2026-01-01 00:00Z' + n * interval '1 hour'"
                try fixture.connection.execute(
                    """
                    INSERT INTO \(try fixture.tables(view).batchTable) (from_run, window_start, g0, m0_n\(last))
                    SELECT \(run.number), \(start), '/a', 1\(last.isEmpty ? "" : ", \(start)") FROM generate_series(1, 30000) n;
                    ANALYZE \(try fixture.tables(view).batchTable)
                    """)
            }
        }
        #expect(try fixture.rows("SELECT count(*) FROM serving.visits") == ["30000"], "run \(run)")
        for (view, index) in [("traffic", "until_run_idx"), ("visits", "until_run_idx"), ("visits", "session_last_idx")] {
            let plan = try fixture.rows("EXPLAIN SELECT * FROM serving.\(view)_changes WHERE change > 5").joined(separator: "\n")
            #expect(plan.contains(index), "\(view), \(index):\n\(plan)")
        }
    }

    /// Equal for equal values and for no others, whatever the session's settings.
    @Test func keysOfDoublesAreTheirBits() throws {
        let fixture = try Fixture([("traffic", Fixture.plan(measures: [0]))])
        var plan = Fixture.plan(window: false, measures: [0])
        for (type, name) in [(ScalarType.float8, "float8"), (.float4, "float4")] {
            plan.groups = [.init(name: "f", expression: .column(6, type))]
            let values = ["0.1", "0.3", "0", "-0", "NaN", "Infinity", "-Infinity"].map { "'\($0)'::\(name)" }
            let close = name == "float8" ? "'0.30000000000000004'::float8" : "'0.30000004'::float4"
            let sql =
                "SELECT \(KeyText.sql(plan, window: nil, row: "k")) FROM (VALUES \((values + [close, "'Infinity'::\(name) - 'Infinity'::\(name)"]).map { "(\($0))" }.joined(separator: ", "))) k (g0)"
            let keys = try fixture.rows(sql)
            try fixture.connection.execute("SET extra_float_digits = -10")
            #expect(try fixture.rows(sql) == keys, "\(name)")
            try fixture.connection.execute("RESET extra_float_digits")
            #expect(keys[2] == keys[3] && keys[4] == keys[8] && Set(keys).count == 7, "\(name): \(keys)")
        }
    }
}
