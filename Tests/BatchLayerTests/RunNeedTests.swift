import BatchLayer
import ParallaxCore
import Testing

@Suite struct RunNeedTests {
    struct Case: CustomTestStringConvertible, Sendable {
        var testDescription: String
        var definitionsAsk = false
        /// Log ends and the published cut, a partition.
        var ends: [Int64] = []
        var cut: [Int64] = []
        var isHeld = false
        var need: RunNeed
    }

    static let cases = [
        Case(testDescription: "a source without partitions", need: .nothing),
        Case(testDescription: "nothing came and nothing was published", ends: [0, 0], need: .nothing),
        Case(testDescription: "everything is below the cut", ends: [5, 7], cut: [5, 7], need: .nothing),
        Case(testDescription: "the log ends below the cut, as far as anybody has looked", ends: [4], cut: [5], need: .nothing),
        Case(testDescription: "one record at the cut", ends: [5, 8], cut: [5, 7], need: .run),
        Case(testDescription: "a partition that no publication knows", ends: [5, 1], cut: [5], need: .run),
        Case(testDescription: "the first records of all", ends: [1], need: .run),
        Case(testDescription: "a changed definition, and no new record", definitionsAsk: true, ends: [5], cut: [5], need: .run),
        Case(testDescription: "a changed definition of a source without records", definitionsAsk: true, need: .run),
        Case(testDescription: "a held run, and new records", ends: [6], cut: [5], isHeld: true, need: .decision),
        Case(testDescription: "a held run, a changed definition", definitionsAsk: true, ends: [5], cut: [5], isHeld: true, need: .decision),
        // Cannot be (its records lie at or above the published cut), and is nothing to remind anybody of.
        Case(testDescription: "a held run without a reason", ends: [5], cut: [5], isHeld: true, need: .nothing),
    ]

    @Test(arguments: cases)
    func aRunIsDueWhereSomethingIsNew(_ example: Case) {
        var cut = Cut()
        for (partition, offset) in example.cut.enumerated() { cut[Partition(partition)] = Offset(offset) }
        let ends = Dictionary(uniqueKeysWithValues: example.ends.enumerated().map { (Partition($0), Offset($1)) })
        #expect(
            RunNeed.decide(definitionsAsk: example.definitionsAsk, ends: ends, cut: cut, isHeld: example.isHeld) == example.need,
            "\(example.testDescription)")
    }
}
