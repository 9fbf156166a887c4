import Columns
import ParallaxCore
import Postgres
import TestSupport
import Testing
import ViewLanguage

@testable import Operators

/// Sums of doubles are exact: PostgreSQL's numeric, which adds decimals exactly, is the judge.
@Suite struct FloatSumTests {
    @Test(arguments: [UInt64(1), 2, 3, 4])
    func sumsAreExactInEveryOrder(_ seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let values = (0..<400).map { index -> Double in
            switch seed {
            case 1: return Double(Int.random(in: -100_000...100_000, using: &random)) / 100
            case 2: return Double.random(in: -1e18...1e18, using: &random)
            case 3:  // Every finite double, also subnormal ones.
                let value = Double(bitPattern: random.next())
                return value.isFinite ? value : 0
            default: return [1e308, -1e308, .leastNonzeroMagnitude, 1, 0, -0.0, 1e-300][index % 7]
            }
        }
        let expected = try sumInPostgreSQL(values)
        for _ in 0..<5 { #expect(sum(values.shuffled(using: &random)) == expected) }
        #expect(sum(values.map { -$0 }) == (expected == "0" ? "0" : expected.first == "-" ? String(expected.dropFirst()) : "-" + expected))
    }

    @Test func aDoubleIsItsDecimalExpansion() throws {
        #expect(sum([0.1]) == "0.1000000000000000055511151231257827021181583404541015625")
        #expect(sum([.leastNonzeroMagnitude]).count == 1_076)
        #expect(sum([.greatestFiniteMagnitude]).count == 309)
        #expect(sum([0, -0.0]) == "0")
        #expect(sum([1e300, 1, -1e300, -1]) == "0")
        #expect(sum([Double(1 << 53), 1, 1]) == "9007199254740994")
    }

    @Test func sumsBeyond128Bits() {
        let limit = "99999999999999999999999999999999999999"
        func sum(_ literal: String, _ times: Int) -> String {
            let state = WideSumState(scale: 10, withCount: false)
            let values = [Int128](repeating: Int128(literal) ?? 0, count: times)
            state.add(
                groups: [Int32](repeating: 0, count: times),
                values: Vector(type: .numeric(precision: 38, scale: 10), values: .int128(values), nulls: []), groupCount: 1)
            guard case .text(let texts) = state.columns(order: [0], hasSketch: [true])[0] else { return "" }
            return texts.string(0)
        }
        #expect(sum(limit, 1000) == "99999999999999999999999999999999999999000".dropLast(10) + "." + "9999999000")
        #expect(sum("-" + limit, 3) == "-29999999999999999999999999999.9999999997")
        #expect(sum("-1", 1) == "-0.0000000001")
    }

    private func sum(_ values: [Double]) -> String {
        let state = FloatSumState(withCount: false)
        state.add(
            groups: [Int32](repeating: 0, count: values.count), values: Vector(type: .float8, values: .float64(values), nulls: []),
            groupCount: 1)
        guard case .text(let texts) = state.columns(order: [0], hasSketch: [true])[0] else { return "" }
        return texts.string(0)
    }

    /// Each double's own expansion is checked against float8 there, then they are added as numerics.
    private func sumInPostgreSQL(_ values: [Double]) throws -> String {
        let dsn = try TestCluster.shared.freshDatabase()
        let connection = try Connection(dsn)
        let row = try connection.query(
            """
            SELECT trim_scale(sum(d::numeric))::text, bool_and(d::numeric::float8 = f::float8) FROM unnest($1::text[], $2::text[]) t(d, f)
            """, [.texts(values.map { sum([$0]) }), .texts(values.map { "\($0)" })]
        ).rows[0]
        #expect(try row.bool(1))
        try TestCluster.shared.drop(dsn)
        return row[0] ?? ""
    }
}
