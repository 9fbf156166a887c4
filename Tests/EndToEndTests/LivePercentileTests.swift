import Catalog
import Glibc
import ParallaxCore
import Postgres
import TestSupport
import Testing

/// Percentiles of live rows: PostgreSQL's own while the values are kept, within the stated bound beyond.
@Suite(.serialized) struct LivePercentileTests {
    typealias View = LayeredPipeline.View

    private static let sourceSQL = """
        CREATE FOREIGN TABLE reading (
          event_id text, event_time timestamptz, k text, price numeric(12,2), big bigint, small smallint, mid integer, score double precision,
          ratio real, wait interval
        ) SERVER parallax OPTIONS (event_id 'event_id', event_time 'event_time', out_of_orderness '5 seconds', lateness '1 hour');

        """
    private static let all = View(
        "everything",
        """
        SELECT k, count(*) AS n,
               percentile_cont(0.95) WITHIN GROUP (ORDER BY price) AS a, percentile_disc(0.95) WITHIN GROUP (ORDER BY price) AS b,
               percentile_cont(0.3) WITHIN GROUP (ORDER BY big) AS c, percentile_disc(0.7) WITHIN GROUP (ORDER BY big) AS d,
               percentile_disc(ARRAY[0, 0.5, 1]) WITHIN GROUP (ORDER BY small) AS e, percentile_disc(0.01) WITHIN GROUP (ORDER BY mid) AS f,
               percentile_cont(ARRAY[0.1, 0.5, 0.999]) WITHIN GROUP (ORDER BY score) AS g, percentile_disc(0.5) WITHIN GROUP (ORDER BY score) AS h,
               percentile_disc(0.5) WITHIN GROUP (ORDER BY ratio) AS i, percentile_cont(0.5) WITHIN GROUP (ORDER BY wait) AS j,
               percentile_disc(0.9) WITHIN GROUP (ORDER BY wait) AS l, percentile_disc(0.5) WITHIN GROUP (ORDER BY price * 1.5) AS o,
               percentile_cont(0.5) WITHIN GROUP (ORDER BY price) FILTER (WHERE mid > 0) AS q
        FROM reading GROUP BY k
        """)
    private static let windows = View(
        "windows",
        """
        SELECT tumble(event_time, '1 minute') AS minute, k, percentile_cont(0.95) WITHIN GROUP (ORDER BY score) AS p,
               percentile_disc(0.5) WITHIN GROUP (ORDER BY price) AS q
        FROM reading GROUP BY minute, k
        """)
    private static let sessions = View(
        "visits",
        "SELECT session(event_time, '10 seconds') AS visit, k, percentile_disc(0.5) WITHIN GROUP (ORDER BY big) AS p FROM reading GROUP BY visit, k",
        oracle: "unused")

    /// An event of a group; nulls, extremes, repeated values, digits beyond 2^53.
    private static func event(_ number: Int, group: String, _ random: inout SeededGenerator) -> NewRecord {
        func oneIn(_ count: Int) -> Bool { Int.random(in: 0..<count, using: &random) == 0 }
        func maybe(_ text: String) -> String { oneIn(9) ? "null" : text }
        let price = oneIn(4) ? "6.16" : "\(Int.random(in: -9_999...9_999, using: &random)).\(Int.random(in: 10...99, using: &random))"
        let big =
            oneIn(5) ? Int64.max - Int64.random(in: 0..<9, using: &random) : Int64.random(in: -9_007_199_254_740_999...9, using: &random)
        let score =
            oneIn(9)
            ? ["1e290", "-1e290", "5e-324", "0.1"].randomElement(using: &random) ?? "0"
            : "\(Double.random(in: 0..<1, using: &random))"
        let second = Int.random(in: 0..<180, using: &random)
        let text = """
            {"event_id":"e\(number)","event_time":"2024-01-01T00:0\(second / 60):\(second % 60 < 10 ? "0" : "")\(second % 60)Z","k":"\(group)",\
            "price":\(maybe(price)),"big":\(maybe("\(big)")),"small":\(maybe("\(Int.random(in: -9...9, using: &random))")),\
            "mid":\(maybe("\(Int.random(in: -3...3, using: &random))")),"score":\(maybe(score)),"ratio":\(maybe("\(Float.random(in: 0..<1, using: &random))")),\
            "wait":\(maybe("\"\(Int.random(in: 0..<99, using: &random)) seconds\""))}
            """
        return NewRecord(key: nil, payload: Array(text.utf8))
    }

    private func lines(_ pipeline: LayeredPipeline, _ view: View, where condition: String = "true") throws -> [String] {
        let definition = try #require(pipeline.definitions.views.first { $0.name == view.name })
        let columns = definition.plan.outputs.map { Connection.quoteIdentifier($0.name) }.joined(separator: ", ")
        return try pipeline.rows("SELECT \(columns) FROM serving.\(view.name) WHERE \(condition)")
    }

    /// Small groups, through flushes, slices, a batch run in the middle and late events: every row is exact, says so, and is PostgreSQL's own.
    @Test(arguments: [4_711, UInt64.random(in: 0..<1_000_000)]) func I7_percentilesOfFewValuesAreExactAndSaySo(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let pipeline = try LayeredPipeline(partitions: 2, sourceSQL: Self.sourceSQL, views: [Self.all, Self.windows, Self.sessions])
        var number = 0
        for step in 0..<6 {
            for _ in 0..<Int.random(in: 1...80, using: &random) {
                number += 1
                // No group comes near 128 of 480 events.
                let group = ["a", "b", "c", "d", "e", "f", "g", "h"][Int.random(in: 0..<8, using: &random)]
                try pipeline.log.append([Self.event(number, group: group, &random)], to: Partition(number % 2))
            }
            try pipeline.speed()
            let note = "seed \(seed), step \(step)"
            try pipeline.expectEqualToOracle(note, only: ["everything", "windows"])
            for view in ["everything", "windows", "visits"] {
                #expect(try pipeline.rows("SELECT DISTINCT is_exact FROM serving.\(view)") == ["t"], "\(note), \(view)")
            }
            let live = try lines(pipeline, Self.sessions)
            switch Int.random(in: 0..<3, using: &random) {
            case 0:
                try pipeline.batch(full: step % 2 == 0)
                #expect(try lines(pipeline, Self.sessions) == live, "\(note), sessions")
                try pipeline.expectEqualToOracle("\(note), published", only: ["everything", "windows"])
            case 1: _ = try Catalog(pipeline.connection).requestSlice(source: Catalog(pipeline.connection).source(named: "reading").id)
            default: break
            }
        }
    }

    /// The recipe of the fault: 19 values 10…28 and one of 5000.
    @Test func oneOutlierAmongTwentyIsPostgreSQLs() throws {
        let view = View(
            "tail",
            """
            SELECT percentile_cont(0.95) WITHIN GROUP (ORDER BY mid) AS p, percentile_disc(0.95) WITHIN GROUP (ORDER BY mid) AS q FROM reading
            """)
        let pipeline = try LayeredPipeline(partitions: 1, sourceSQL: Self.sourceSQL, views: [view])
        for value in Array(10...28) + [5_000] {
            let text = #"{"event_id":"e\#(value)","event_time":"2024-01-01T00:00:00Z","mid":\#(value)}"#
            try pipeline.log.append([NewRecord(key: nil, payload: Array(text.utf8))], to: Partition(0))
            if value % 7 == 0 { try pipeline.speed() }
        }
        try pipeline.speed()
        #expect(try pipeline.rows("SELECT round(p::numeric, 6), q, is_exact FROM serving.tail") == ["276.600000|28|t"])
        try pipeline.expectEqualToOracle("live")
    }

    // Families of values, each by its name in a failure.
    private static let families: [(name: String, value: @Sendable (inout SeededGenerator) -> Double)] = [
        ("uniform", { Double.random(in: 0..<1, using: &$0) }),
        ("heavy tail", { 1 / (1e-9 + Double.random(in: 0..<1, using: &$0)) / (1e-9 + Double.random(in: 0..<1, using: &$0)) }),
        ("few values", { Double(Int.random(in: 0..<5, using: &$0)) }),
        ("two heaps", { Double.random(in: 0..<1, using: &$0) * (Int.random(in: 0..<14, using: &$0) == 0 ? 1e6 : 1) }),
        ("one far off", { Int.random(in: 0..<20, using: &$0) == 0 ? 5_000 : Double(Int.random(in: 10...28, using: &$0)) }),
    ]
    private static let fractions = [0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999]

    /// Beyond the values that are kept: an estimate around q lies between the values at the ranks q ± (3π·ln(n)·q(1−q)/200 + 1/n), or the next other
    /// value on either side, for groups of 129 values on, skewed or not, in one delta or in many, over slices and with the batch layer's digest.
    @Test(arguments: [4_711, UInt64.random(in: 0..<1_000_000)]) func I7_percentilesOfManyValuesAreWithinTheStatedBound(seed: UInt64) throws
    {
        var random = SeededGenerator(seed: seed)
        let view = View(
            "tails",
            """
            SELECT k, percentile_cont(ARRAY[\(Self.fractions.map { "\($0)" }.joined(separator: ", "))]) WITHIN GROUP (ORDER BY score) AS p
            FROM reading GROUP BY k
            """)
        let pipeline = try LayeredPipeline(partitions: 1, sourceSQL: Self.sourceSQL, views: [view])
        var all: [String: [Double]] = [:]
        var number = 0
        let sizes = [45, 70, 130, 300, 800]
        for step in 0..<4 {
            for (name, value) in Self.families {
                for size in sizes {
                    let group = "\(name) \(size)"
                    var records: [NewRecord] = []
                    for _ in 0..<(size + Int.random(in: 0..<20, using: &random)) {
                        number += 1
                        let score = value(&random)
                        all[group, default: []].append(score)
                        let text = #"{"event_id":"e\#(number)","event_time":"2024-01-01T00:00:00Z","k":"\#(group)","score":\#(score)}"#
                        records.append(NewRecord(key: nil, payload: Array(text.utf8)))
                    }
                    try pipeline.log.append(records, to: Partition(0))
                }
            }
            try pipeline.speed()
            if step == 1 {
                try pipeline.batch()
            } else {
                _ = try Catalog(pipeline.connection).requestSlice(source: Catalog(pipeline.connection).source(named: "reading").id)
            }
            for row in try pipeline.rows("SELECT k, is_exact, array_to_string(p, '|') FROM serving.tails") {
                let fields = row.split(separator: "|").map(String.init)
                let values = try #require(all[fields[0]]).sorted()
                for (fraction, estimate) in zip(Self.fractions, fields.dropFirst(2).compactMap { Double($0) }) {
                    let error = Self.rankError(values, estimate, fraction)
                    let n = Double(values.count)
                    let bound = fields[1] == "t" ? 1 / n : 3 * Double.pi * Glibc.log(n) * fraction * (1 - fraction) / 200 + 1 / n
                    #expect(
                        error <= bound,
                        "seed \(seed), step \(step), \(fields[0]): p\(fraction) is \(estimate), off by \(error) of the rank, bound \(bound)"
                    )
                }
            }
        }
    }

    /// How far the fraction is from the ranks of the values next to the estimate.
    private static func rankError(_ sorted: [Double], _ estimate: Double, _ fraction: Double) -> Double {
        let last = Double(sorted.count - 1)
        let below = sorted.last { $0 < estimate }
        let above = sorted.first { $0 > estimate }
        let low = below.flatMap { value in sorted.firstIndex(of: value) }.map { Double($0) / last } ?? 0
        let high = above.flatMap { value in sorted.lastIndex(of: value) }.map { Double($0) / last } ?? 1
        return fraction < low ? low - fraction : max(0, fraction - high)
    }

    /// State tables from before the values were kept: digests go on, and a run brings the values.
    @Test func tablesFromBeforeGoOnAsEstimatesUntilARun() throws {
        var random = SeededGenerator(seed: 5)
        let pipeline = try LayeredPipeline(partitions: 1, sourceSQL: Self.sourceSQL, views: [Self.all, Self.windows])
        func produce(_ numbers: Range<Int>) throws {
            try pipeline.log.append(numbers.map { Self.event($0, group: "a", &random) }, to: Partition(0))
        }
        try produce(0..<20)
        try pipeline.batch()
        try produce(20..<40)
        try pipeline.speed()
        // As migration 11 found them.
        try pipeline.connection.execute("DROP SCHEMA serving CASCADE; CREATE SCHEMA serving")
        for table in try pipeline.rows("SELECT schemaname, quote_ident(tablename) FROM pg_tables WHERE schemaname IN ('speed', 'batch')") {
            let name = table.replacing("|", with: ".")
            let measures = try pipeline.rows(
                """
                SELECT attname FROM pg_attribute WHERE attrelid = '\(name)'::regclass AND attname ~ '^m[0-9]+_t$' AND NOT attisdropped
                """)
            for digest in measures {
                let values = digest.dropLast() + "v"
                let number = try pipeline.rows(
                    "SELECT format_type(atttypid, NULL) FROM pg_attribute WHERE attrelid = '\(name)'::regclass AND attname = '\(values)'")
                let of = number == ["interval[]"] ? "extract(epoch FROM e)" : "greatest(-1e290, least(1e290, e::double precision))"
                try pipeline.connection.execute(
                    "UPDATE \(name) SET \(digest) = (SELECT tdigest((\(of))::double precision, 200) FROM unnest(\(values)) e); ALTER TABLE \(name) DROP COLUMN \(values)"
                )
            }
        }
        try pipeline.connection.execute(
            """
            DROP AGGREGATE parallax.concatenated (anycompatiblearray);
            ALTER TABLE parallax.view_version DROP COLUMN speed_problem, DROP COLUMN batch_problem;
            DELETE FROM parallax.migration WHERE number = 11
            """)
        #expect(try Catalog.migrate(pipeline.connection).count == 1)
        try pipeline.apply()
        #expect(try pipeline.rows("SELECT n, is_exact FROM serving.everything") == ["40|f"])
        try produce(40..<60)
        try pipeline.speed()
        #expect(try pipeline.rows("SELECT n, is_exact FROM serving.everything") == ["60|f"])
        try pipeline.batch(full: true)
        try pipeline.expectEqualToOracle("after the run")
        #expect(try pipeline.rows("SELECT DISTINCT is_exact FROM serving.windows") == ["t"])
    }
}
