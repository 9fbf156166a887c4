import Columns
import MergeLaw
import ParallaxCore
import TestSupport
import Testing
import ViewLanguage

@testable import Operators

/// merge(groups → new groups) ∘ add(rows under groups) = add(rows under new groups), for the states of every measure, byte for byte.
@Suite struct MergeGroupsTests {
    private static let select = """
        SELECT count(*) AS a0, count(price) AS a1, sum(small) AS a2, sum(exact) AS a3, sum(ratio) AS a4, avg(big) AS a5, avg(exact) AS a6,
               avg(ratio) AS a7, min(label) AS b0, max(label) AS b1, min(big) AS b2, max(exact) AS b3, min(ratio) AS b4, max(at) AS b5,
               bool_and(flag) AS b6, bool_or(flag) AS b7, bit_and(small) AS b8, bit_or(big) AS b9, bit_xor(big) AS b10, count(DISTINCT label) AS c0, count(DISTINCT id) AS c1, count(DISTINCT exact) AS c2,
               count(DISTINCT ratio) AS c3, count(DISTINCT small) AS c4, sum(DISTINCT small) AS d0, avg(DISTINCT exact) AS d1,
               sum(DISTINCT ratio) AS d2, sum(DISTINCT price / 7) AS d3, percentile_disc(ARRAY[0.2, 0.7]) WITHIN GROUP (ORDER BY price / 7) AS f3, stddev(big) AS e0, var_pop(exact) AS e1, variance(ratio) AS e2, stddev_pop(price) AS e3,
               percentile_cont(0.5) WITHIN GROUP (ORDER BY ratio) AS f0, percentile_disc(0.9) WITHIN GROUP (ORDER BY exact) AS f1,
               percentile_disc(ARRAY[0.1, 0.5]) WITHIN GROUP (ORDER BY big) AS f2, first(label, at) AS g0, last(exact, at) AS g1
        FROM every_type
        """

    private func text(_ values: [StateRows.Values], _ count: Int) -> [String] {
        let layout = StateLayout(plan("SELECT count(*) AS n FROM every_type"), layer: .speed)
        return StateRows(layout: layout, count: count, values: values).copyLines
    }

    @Test(arguments: [UInt64(61), 62, 63], [StateLayout.Layer.speed, .batch])
    func mergingGroupsIsAddingTheirRowsTogether(_ seed: UInt64, _ layer: StateLayout.Layer) {
        var random = SeededGenerator(seed: seed)
        let events = EventDecoder(everyType).decode(records((0..<3_000).map { _ in randomPayload(&random) }))
        var measures = plan(Self.select).measures
        // A hash list of eighty: some groups have a list, some have registers, some get them by being merged.
        for index in measures.indices where measures[index].function == .countDistinct { measures[index].precision = 10 }
        let inputs = MeasureInputs(measures)
        let rows = (0..<Int32(events.count)).filter { events.isRejected[Int($0)] == 0 }
        var evaluator = Evaluator(events)
        let values = inputs.evaluate(rows, &evaluator)
        #expect(evaluator.errors.isEmpty)

        // Group 0 has half of the rows, and some groups have none.
        let groupCount = 60
        let groups = rows.map { _ in Bool.random(using: &random) ? 0 : Int32.random(in: 0..<50, using: &random) }
        let newCount = 9
        let newGroups = (0..<groupCount).map { _ in Int32.random(in: 0..<8, using: &random) }
        let order = (0..<Int32(newCount)).shuffled(using: &random)

        func add(_ state: any MeasureState, _ index: Int, _ groups: [Int32], _ count: Int) {
            let plan = inputs.measures[index]
            if let tagged = state as? any TaggedMeasureState, let argument = plan.argument, let order = plan.order {
                return tagged.add(
                    groups: groups, values: values.vectors[argument], order: values.vectors[order],
                    offsets: rows.map { events.offsets[Int($0)] }, partition: events.partition, groupCount: count)
            }
            state.add(groups: groups, values: plan.argument.map { values.vectors[$0] }, groupCount: count)
        }
        for index in measures.indices {
            let merged = measures[index].makeState(layer)
            add(merged, index, groups, groupCount)
            merged.merge(newGroups, groupCount: newCount)
            let direct = measures[index].makeState(layer)
            add(direct, index, groups.map { newGroups[Int($0)] }, newCount)
            let hasSketch = order.map { $0 % 4 != 3 }
            #expect(
                text(merged.columns(order: order, hasSketch: hasSketch), newCount)
                    == text(direct.columns(order: order, hasSketch: hasSketch), newCount),
                "\(measures[index].function) of \(measures[index].argument?.type.sqlName ?? "rows"), seed \(seed)")

            // And it goes on from there.
            add(merged, index, groups.map { newGroups[Int($0)] }, newCount)
            add(direct, index, groups.map { newGroups[Int($0)] }, newCount)
            #expect(
                text(merged.columns(order: order, hasSketch: hasSketch), newCount)
                    == text(direct.columns(order: order, hasSketch: hasSketch), newCount),
                "\(measures[index].function), added to after the merge, seed \(seed)")
        }
    }
}
