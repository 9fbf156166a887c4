import Columns
import MergeLaw
import ParallaxCore
import TestSupport
import Testing
import ViewLanguage

/// What every law promises, for every aggregate over every type that the language takes it of.
@Suite struct LawTests {
    private static let source = """
        CREATE FOREIGN TABLE event (
            id bigint, at timestamptz, small smallint, whole integer, big bigint, exact numeric(12,3), free numeric, near real, ratio double precision,
            label text, day date, clock time, span interval, flag boolean
        ) SERVER parallax OPTIONS (event_id 'id', event_time 'at');
        """
    private static let calls = [
        "count(*)", "count(label)", "sum(small)", "sum(big)", "sum(exact)", "sum(free)", "sum(near)", "sum(ratio)", "sum(span)",
        "avg(whole)",
        "avg(ratio)", "avg(span)", "min(label)", "max(exact)", "min(free)", "max(span)", "min(day)", "max(clock)", "bool_and(flag)",
        "bool_or(flag)",
        "bit_and(small)", "bit_or(whole)", "bit_xor(big)", "stddev(exact)", "var_pop(ratio)", "variance(free)", "stddev_pop(whole)",
        "count(DISTINCT label)", "sum(DISTINCT exact)", "avg(DISTINCT free)", "sum(DISTINCT ratio)",
        "percentile_cont(0.5) WITHIN GROUP (ORDER BY ratio)", "percentile_disc(ARRAY[0.1, 0.9]) WITHIN GROUP (ORDER BY exact)",
        "percentile_cont(0.5) WITHIN GROUP (ORDER BY span)", "first(label, at)", "last(free, at)",
    ]

    private func plan(_ call: String) throws -> Plan {
        let views = "CREATE MATERIALIZED VIEW v AS SELECT tumble(at, '1 hour') AS hour, label, \(call) AS m FROM event GROUP BY 1, 2;"
        let compilation = compile([SQLFile(path: "v.sql", text: Self.source + views)])
        return try #require(compilation.definitions?.views.first?.plan, "\(call): \(compilation.diagnostics)")
    }

    @Test func theListHasEveryFunction() throws {
        let listed = Set(try Self.calls.map { try plan($0).measures[0].function })
        #expect(Set(Plan.Measure.Function.allCases).subtracting(listed).isEmpty)
    }

    @Test(arguments: calls) func bothLayersHaveOneLaw(_ call: String) throws {
        let plan = try plan(call)
        let law = plan.law(0)
        let (speed, batch) = (StateLayout(plan, layer: .speed), StateLayout(plan, layer: .batch))
        #expect(Set(batch.columns.map(\.name)).count == batch.columns.count)
        // What the speed layer lacks are the batch layer's results.
        #expect(batch.columns.filter { !$0.isOfBatchOnly } == speed.columns)
        for column in speed.states {
            let added = StateSQL.added(column, plan: plan, to: "a", "b")
            #expect(added.contains("a.\(column.name)") && added.contains("b.\(column.name)"))
        }
        // A run that adds to the rows before it adds every column.
        if law.canBeAddedTo { #expect(!batch.columns.contains { $0.isOfBatchOnly || $0.isSketch }) }
        // A change of the result shows in some column, and sketches alone are none.
        for column in batch.states { #expect((StateSQL.differs(column, plan: plan) == nil) == column.isSketch, "\(column.name)") }
        // Every column that the result reads is one that the merge makes.
        let aggregates: [String] = batch.states.flatMap { law.merged($0, joinsSessions: true) }
        let merged = Set(aggregates.map { String($0.split(separator: " ").last ?? "") }).union(["speed_rows", "batch_rows"])
        for name in law.finished(over: .merged(alias: "row"), joinsSessions: true).matches(of: /row\.(\w+)/) {
            #expect(merged.contains(String(name.1)), "\(name.1) is read, \(merged) are there")
        }
    }

    /// What a roll-up reads of several groups' states, the law makes of them; what may be an estimate there has sketches, and a bound.
    @Test(arguments: calls) func severalGroupsBecomeOne(_ call: String) throws {
        let plan = try plan(call)
        let law = plan.law(0)
        let batch = StateLayout(plan, layer: .batch)
        let aggregates: [String] = batch.states.flatMap { law.rolledUp($0) }
        let made = Set(aggregates.map { String($0.split(separator: " ").last ?? "") }).union(["speed_rows"])
        let estimate = law.estimate(over: "row")
        let result = law.finished(over: .rolledUp(alias: "row", lacking: "lacks()"), joinsSessions: false)
        for text in [result, estimate?.isExact ?? "", estimate?.error ?? ""] {
            for name in text.matches(of: /row\.(\w+)/) { #expect(made.contains(String(name.1)), "\(name.1) is read, \(made) are made") }
        }
        // Where sketches may be gone, the result asks for the error; nowhere else.
        #expect(result.contains("lacks()") == plan.measures[0].hasSketch)
        #expect(batch.states.contains(where: \.isSketch) == plan.measures[0].hasSketch)
        if estimate != nil { #expect(plan.measures[0].hasSketch) }
    }

    @Test func anUnfinishedEstimateIsNeverCalledExact() throws {
        #expect(StateSQL.isExact(try plan("count(DISTINCT label)"), alias: "m") == "m.speed_rows = 0")
        #expect(StateSQL.isExact(try plan("bit_xor(big)"), alias: "m") == nil)
        #expect(try #require(StateSQL.isExact(try plan(Self.calls[31]), alias: "m")).contains("m.m0_t IS NULL"))
    }
}
