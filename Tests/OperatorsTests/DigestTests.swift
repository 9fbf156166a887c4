import Columns
import ParallaxCore
import Postgres
import TestSupport
import Testing

@testable import Operators

/// Digests that the extension tdigest takes, whatever the values are.
@Suite struct DigestTests {
    /// A family of values, each by its name in a failure.
    static let families: [(String, @Sendable (inout SeededGenerator) -> Double)] = [
        ("one decimal", { _ in 6.16 }),
        ("few decimals", { Double(Int.random(in: 0..<7, using: &$0)) * 0.1 }),
        ("decimals", { Double(Int.random(in: 0..<1_000_000, using: &$0)) / 100 }),
        ("neighbours", { Double(bitPattern: (6.16).bitPattern + UInt64.random(in: 0..<3, using: &$0)) }),
        ("heavy tail", { 1 / Double.random(in: 1e-12..<1, using: &$0) }),
        ("all magnitudes", { Double(bitPattern: UInt64.random(in: .min ... .max, using: &$0)) }),
        (
            "extremes",
            { [-Double.infinity, .infinity, .nan, 1e308, -1e308, .leastNonzeroMagnitude, -0.0, 0].randomElement(using: &$0) ?? 0 }
        ),
    ]

    /// The text's means ascend and are finite, its counts add up, its first and last mean are the smallest and the largest value.
    @Test(arguments: [4_711, UInt64.random(in: 0..<1_000_000)]) func theMeansOfADigestAscend(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        for (name, value) in Self.families {
            for count in [1, 2, 19, 200, 201, 1_000, 5_000] {
                let compression = [20, 200, 1_000].randomElement(using: &random) ?? 200
                let values = (0..<count).map { _ in value(&random) }.sorted { $1.isAbove($0) }
                let note = "seed \(seed), \(name), \(count) values, compression \(compression)"
                let means = Self.means(values, compression)
                #expect(zip(means, means.dropFirst()).allSatisfy { $0.0.mean <= $0.1.mean }, "\(note)")
                #expect(means.allSatisfy { $0.mean.isFinite }, "\(note)")
                #expect(means.reduce(0) { $0 + $1.count } == count, "\(note)")
                if means.first?.count == 1, let first = values.first, abs(first) < TDigest.largest { #expect(means.first?.mean == first) }
            }
        }
    }

    /// Each is taken, as is every union of them with one another and with digests of the extension's own, and their percentiles lie between
    /// the smallest and the largest value.
    @Test(arguments: [4_711, UInt64.random(in: 0..<1_000_000)]) func theExtensionTakesEveryDigest(seed: UInt64) throws {
        let dsn = try TestCluster.shared.freshDatabase()
        let connection = try Connection(dsn)
        try connection.execute("CREATE EXTENSION tdigest; CREATE TABLE d (family int, made tdigest, least float8, most float8)")
        var random = SeededGenerator(seed: seed)
        for (family, (name, value)) in Self.families.enumerated() {
            for count in [1, 3, 60, 250, 1_000] {
                let values = (0..<count).map { _ in value(&random) }.sorted { $1.isAbove($0) }
                var text: [UInt8] = []
                TDigest.appendText(sorted: values, compression: 200, to: &text)
                do {
                    try connection.query(
                        "INSERT INTO d SELECT $1::int, $2::text::tdigest, min(v), max(v) FROM unnest($3::float8[]) v",
                        [
                            .int(Int64(family)), .text(String(decoding: text, as: UTF8.self)),
                            .text("{\(values.map { "\(Self.clamped($0))" }.joined(separator: ","))}"),
                        ])
                } catch { Issue.record("seed \(seed), \(name), \(count) values: \(error)") }
            }
        }
        try connection.execute(
            """
            INSERT INTO d SELECT a.family, tdigest_union(a.made, b.made), least(a.least, b.least), greatest(a.most, b.most)
            FROM d a JOIN d b USING (family);
            INSERT INTO d SELECT family, tdigest_union(made, (SELECT tdigest(0.1 * n, 200) FROM generate_series(0, 300) n)),
                                 least(least, 0), greatest(most, 30) FROM d;
            INSERT INTO d SELECT family, tdigest(made), min(least), max(most) FROM d GROUP BY family
            """)
        let outside = try connection.query(
            """
            SELECT family, p, x, least, most
            FROM (SELECT d.*, p, (SELECT tdigest_percentile(q.made, p) FROM (SELECT d.made) q) AS x
                  FROM d, unnest(ARRAY[0, 0.01, 0.5, 0.95, 1]) p) e
            WHERE NOT x BETWEEN least - 1e-12 * greatest(1e-200, abs(least)) AND most + 1e-12 * greatest(1e-200, abs(most)) LIMIT 5
            """)
        #expect(outside.rows.isEmpty, "seed \(seed): \(Oracle.lines(outside))")
        connection.close()
        try TestCluster.shared.drop(dsn)
    }

    private static func clamped(_ value: Double) -> Double {
        value.isNaN ? TDigest.largest : min(max(value, -TDigest.largest), TDigest.largest)
    }

    private static func means(_ values: [Double], _ compression: Int) -> [(mean: Double, count: Int)] {
        TDigest.centroids(of: values.map(clamped), compression: compression)
    }
}
