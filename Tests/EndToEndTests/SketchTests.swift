import ParallaxCore
import TestSupport
import Testing

/// What sketches promise, measured.
@Suite(.serialized) struct SketchTests {
    typealias View = LayeredPipeline.View

    static let visitors = View(
        "visitors",
        "SELECT quantity AS bucket, count(DISTINCT duration_ms) AS n, count(DISTINCT visitor) AS v FROM page_view GROUP BY quantity")
    static let tails = View(
        "tails",
        """
        SELECT percentile_cont(ARRAY[0.01, 0.1, 0.5, 0.9, 0.95, 0.99, 0.999]) WITHIN GROUP (ORDER BY duration_ms) AS p,
               percentile_disc(0.5) WITHIN GROUP (ORDER BY quantity) AS q
        FROM page_view
        """)

    /// 1.04 / sqrt(2^14), the standard error of the sketches.
    static let standardError = 0.008125

    private func produce(_ values: Range<Int>, bucket: Int, into log: MemoryLog) throws {
        var records: [NewRecord] = []
        for value in values {
            let text =
                #"{"event_id": "b\#(bucket)-\#(value)", "event_time": "2024-01-01T00:00:00Z", "visitor": "visitor \#(value)", "#
                + #""duration_ms": \#(value), "quantity": \#(bucket)}"#
            records.append(NewRecord(key: nil, payload: Array(text.utf8)))
            if records.count == 1_000 {
                try log.append(records, to: Partition(0))
                records = []
            }
        }
        if !records.isEmpty { try log.append(records, to: Partition(0)) }
    }

    /// 10, 1,000 and 100,000 different values, of the speed layer alone; then a third of them known to the batch layer only, a third to both.
    @Test func distinctCountsAreWithinThreeStandardErrors() throws {
        let pipeline = try LayeredPipeline(partitions: 1, views: [Self.visitors])
        let sizes = [10, 1_000, 100_000]
        try pipeline.batch()
        for size in sizes { try produce(0..<size, bucket: size, into: pipeline.log) }
        try pipeline.speed()
        try check(pipeline, sizes, scale: 1, "speed")
        try pipeline.batch()
        #expect(
            try pipeline.rows("SELECT bucket, n, v, is_exact FROM serving.visitors") == sizes.map { "\($0)|\($0)|\($0)|t" }.sorted())
        for size in sizes { try produce((size / 2)..<(size * 3 / 2), bucket: size, into: pipeline.log) }
        try pipeline.speed()
        #expect(try pipeline.rows("SELECT DISTINCT is_exact FROM serving.visitors") == ["f"])
        try check(pipeline, sizes, scale: 1.5, "merged")
    }

    private func check(_ pipeline: LayeredPipeline, _ sizes: [Int], scale: Double, _ note: String) throws {
        for size in sizes {
            let row = try #require(try pipeline.rows("SELECT n, v FROM serving.visitors WHERE bucket = \(size)").first)
            for text in row.split(separator: "|") {
                let count = try #require(Double(text))
                let truth = Double(size) * scale
                #expect(abs(count - truth) <= 3 * Self.standardError * truth, "\(note): \(count) for \(truth)")
            }
        }
    }

    /// The extension's scale function allows a centroid the share 2π·ln(n)·q(1−q)/δ of the values around q: an estimate is within half of it.
    @Test func percentilesAreWithinTheRankErrorOfTheDigest() throws {
        let pipeline = try LayeredPipeline(partitions: 1, views: [Self.tails])
        let count = 60_000
        try produce(0..<(count / 3), bucket: 1, into: pipeline.log)
        try pipeline.speed()
        try pipeline.batch()
        #expect(try pipeline.rows("SELECT is_exact FROM serving.tails") == ["t"])
        try produce((count / 3)..<count, bucket: 2, into: pipeline.log)
        try pipeline.speed()
        #expect(try pipeline.rows("SELECT is_exact, q FROM serving.tails") == ["f|2"])
        // The values are their own ranks.
        let text = try #require(try pipeline.rows("SELECT array_to_string(p, '|') FROM serving.tails").first)
        for (fraction, estimate) in zip([0.01, 0.1, 0.5, 0.9, 0.95, 0.99, 0.999], text.split(separator: "|").compactMap { Double($0) }) {
            let error = abs(estimate / Double(count - 1) - fraction)
            let bound = Double.pi * 11.0 * fraction * (1 - fraction) / 200 + 1 / Double(count)
            #expect(error <= bound, "p\(fraction): \(estimate), off by \(error) of the rank, bound \(bound)")
        }
    }

    /// A coarser and a finer sketch, and a finer digest: the options reach the sketches of both layers, which merge.
    @Test func optionsSetThePrecision() throws {
        let pipeline = try LayeredPipeline(
            partitions: 1,
            views: [
                View("visitors", Self.visitors.select, options: "distinct_error = 0.05"),
                View("tails", Self.tails.select, options: "distinct_error = 0.0025, percentile_compression = 1000"),
            ])
        try produce(0..<20_000, bucket: 1, into: pipeline.log)
        try pipeline.batch()
        try produce(10_000..<30_000, bucket: 2, into: pipeline.log)
        try pipeline.speed()
        try produce(10_000..<40_000, bucket: 1, into: pipeline.log)
        try pipeline.speed()
        let found = try #require(try pipeline.rows("SELECT n FROM serving.visitors WHERE bucket = 1").first.flatMap { Double($0) })
        #expect(abs(found - 40_000) <= 3 * 0.046 * 40_000 && found != 40_000)
        let version = try pipeline.rows("SELECT table_name FROM information_schema.tables WHERE table_schema = 'speed' ORDER BY 1")
        let tails = try #require(version.first { $0.hasPrefix("tails") })
        let visitors = try #require(version.first { $0.hasPrefix("visitors") })
        #expect(try pipeline.rows("SELECT DISTINCT hll_log2m(m0_h) FROM speed.\"\(visitors)\"") == ["9"])
        #expect(try pipeline.rows("SELECT DISTINCT m0_t::text LIKE '% compression 1000 %' FROM speed.\"\(tails)\"") == ["t"])
    }

    /// A thousand times the same decimal fraction: the sum of doubles leaves it, and a centroid's mean with it.
    @Test func equalDecimalsGoThroughBothLayers() throws {
        let view = View("prices", "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY amount) AS p FROM page_view")
        let pipeline = try LayeredPipeline(partitions: 1, views: [view])
        var number = 0
        func produce() throws {
            let records = (0..<1_000).map { _ in
                number += 1
                let text = #"{"event_id": "p\#(number)", "event_time": "2024-01-01T00:00:00Z", "amount": 6.16}"#
                return NewRecord(key: nil, payload: Array(text.utf8))
            }
            try pipeline.log.append(records, to: Partition(0))
        }
        for _ in 0..<3 {
            try produce()
            try pipeline.speed()
            #expect(try pipeline.rows("SELECT p FROM serving.prices") == ["6.16"])
            try pipeline.batch()
            #expect(try pipeline.rows("SELECT p, is_exact FROM serving.prices") == ["6.16|t"])
        }
    }

    /// Values that would overflow in the extension, which then never ends.
    @Test func extremeDoublesDoNotReachTheDigest() throws {
        let view = View("wild", "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY score) AS p, stddev(score) AS s FROM page_view")
        let pipeline = try LayeredPipeline(partitions: 1, views: [view])
        try pipeline.batch()
        var number = 0
        for _ in 0..<4 {
            for value in ["1.7e308", "-1.7e308", "5e-324", "0", "-0.0", "1e300", "3"] {
                number += 1
                let text = #"{"event_id": "w\#(number)", "event_time": "2024-01-01T00:00:00Z", "score": \#(value)}"#
                try pipeline.log.append([NewRecord(key: nil, payload: Array(text.utf8))], to: Partition(0))
            }
            try pipeline.speed()
            #expect(try pipeline.rows("SELECT p IS NOT NULL, s > 1e307 FROM serving.wild") == ["t|t"])
        }
        try pipeline.batch()
        #expect(try pipeline.rows("SELECT is_exact, s > 1e307 FROM serving.wild") == ["t|t"])
    }
}
