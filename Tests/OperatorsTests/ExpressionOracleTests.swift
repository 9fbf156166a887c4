import TestSupport
import Testing

/// Random expressions over random events: for each row our value is PostgreSQL's value as text, or our message is its message.
@Suite struct ExpressionOracleTests {
    static let expressionsPerSeed = 250

    @Test(arguments: [UInt64(31), 32, 33, 34])
    func everyRowAsInPostgreSQL(_ seed: UInt64) throws {
        var generator = ExpressionGenerator(random: SeededGenerator(seed: seed))
        let kinds = ExpressionGenerator.Kind.allCases
        let expressions = (0..<Self.expressionsPerSeed).map { generator.expression(kinds[$0 % kinds.count], depth: 4) }
        let result = try ExpressionJudge(seed: seed, rows: 60).judge(expressions)
        #expect(result.differences == [], "seed \(seed)")
        #expect(result.compiled > Self.expressionsPerSeed / 2 && result.errors > 100, "\(result)")
    }
}
