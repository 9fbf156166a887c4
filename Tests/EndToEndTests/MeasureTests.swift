import ParallaxCore
import TestSupport
import Testing

/// Every measure and window, by PostgreSQL's own judgement: from the speed layer alone, from the batch layer alone, and both merged at a cut.
@Suite(.serialized) struct MeasureTests {
    typealias View = LayeredPipeline.View

    static let exact: [View] = [
        View(
            "truths",
            """
            SELECT tumble(event_time, '1 minute') AS minute, page, bool_and(ok) AS all_ok, bool_or(ok) AS any_ok,
                   every(ok) FILTER (WHERE quantity > 2) AS big_ok, bool_or(quantity > 7) AS any_big
            FROM page_view GROUP BY minute, page
            """),
        View(
            "bits",
            """
            SELECT tumble(event_time, '1 minute') AS minute, page, bit_and(quantity) AS every, bit_or(quantity) AS any, bit_xor(duration_ms) AS odd,
                   bit_and(-quantity) FILTER (WHERE ok) AS negative, bit_or(DISTINCT duration_ms * 4294967296) AS wide
            FROM page_view GROUP BY minute, page
            """),
        View(
            "bits_of_all",
            "SELECT bit_and(quantity) AS every, bit_or(duration_ms::bigint) AS any, bit_xor(quantity::smallint) AS odd FROM page_view"),
        View(
            "spreads",
            """
            SELECT tumble(event_time, '1 minute') AS minute, page, stddev(amount) AS a, var_pop(amount) AS b, stddev_pop(quantity) AS c,
                   variance(duration_ms) AS d, stddev_samp(duration_ms) AS e, var_samp(quantity) FILTER (WHERE ok) AS f,
                   stddev_pop(amount * amount * 1.000) AS g
            FROM page_view GROUP BY minute, page
            """),
        View("spread", "SELECT stddev(amount) AS a, variance(duration_ms) AS b, stddev_pop(quantity) AS c FROM page_view"),
        View(
            "doubles",
            "SELECT page, stddev(score) AS a, var_pop(score) AS b FROM page_view GROUP BY page",
            // PostgreSQL's own for doubles rounds at every row; ours once.
            oracle: """
                SELECT page, sqrt(var_samp(score::numeric)::double precision), var_pop(score::numeric)::double precision
                FROM page_view GROUP BY page
                """),
        View(
            "finished",
            """
            SELECT page, sum(amount) / nullif(count(*), 0) AS mean, count(*) * 1.0 / 7 AS weekly, round(avg(amount), 2) AS rounded,
                   CASE WHEN count(*) > 100 THEN 'many' ELSE 'it''s few' END AS size, coalesce(max(score), -1) AS best, -count(*) AS negative,
                   count(*) BETWEEN 2 AND 5 OR sum(quantity) IN (1, 2, 3) AS odd, (sum(quantity) % 5)::numeric(9,2) AS rest,
                   page || '\\!' || count(*) AS shout, greatest(min(quantity), 0) AS least, max(amount) IS DISTINCT FROM min(amount) AS varied
            FROM page_view GROUP BY page
            """),
        View(
            "busy",
            """
            SELECT tumble(event_time, '1 minute') AS minute, page, count(*) AS n FROM page_view
            GROUP BY minute, page HAVING count(*) > 12 AND sum(amount) BETWEEN -2000 AND 900.5 AND page IS NOT NULL
            """),
        View("none", "SELECT count(*) AS n FROM page_view HAVING count(*) > 1000000"),
        View(
            "bounded",
            """
            SELECT tumble(event_time, '90 seconds', '2024-01-01 00:00:10+00') AS start, start_end, window_end AS e,
                   page, count(*) AS n
            FROM page_view GROUP BY start, page
            """,
            oracle: """
                SELECT s, s + interval '90 seconds', s + interval '90 seconds', page, count(*)
                FROM (SELECT date_bin('90 seconds', event_time, '2024-01-01 00:00:10+00') AS s, page FROM page_view) x GROUP BY s, page
                """),
        View(
            "hops",
            """
            SELECT hop(event_time, '1 minute', '5 minutes') AS start, page, count(*) AS n, sum(amount) AS revenue,
                   avg(quantity) FILTER (WHERE ok) AS q
            FROM page_view WHERE quantity IS NOT NULL GROUP BY start, page
            """),
        View("gaps", "SELECT hop(event_time, '2 minutes', '30 seconds') AS start, count(*) AS n FROM page_view GROUP BY start"),
        View(
            "different",
            """
            SELECT tumble(event_time, '1 minute') AS minute, page, sum(DISTINCT amount) AS a, avg(DISTINCT quantity) AS b,
                   sum(DISTINCT quantity) FILTER (WHERE ok) AS c, sum(DISTINCT score) AS d, avg(DISTINCT duration_ms % 7) AS e
            FROM page_view GROUP BY minute, page
            """),
        View("differences", "SELECT page, sum(DISTINCT quantity) AS a, avg(DISTINCT quantity * amount) AS b FROM page_view GROUP BY page"),
        View(
            "ends",
            """
            SELECT tumble(event_time, '1 minute') AS minute, page, first(amount, event_time) AS a, last(visitor, event_time) AS b,
                   last(ok, event_time) FILTER (WHERE quantity > 0) AS c, first(event_time, event_time) AS d
            FROM page_view GROUP BY minute, page
            """,
            oracle: """
                SELECT tumble(event_time, '1 minute') AS minute, page, (array_agg(amount ORDER BY event_time))[1],
                       (array_agg(visitor ORDER BY event_time DESC))[1],
                       (array_agg(ok ORDER BY event_time DESC) FILTER (WHERE quantity > 0))[1],
                       (array_agg(event_time ORDER BY event_time))[1]
                FROM page_view GROUP BY 1, 2
                """),
    ]

    /// Exact once a run has published, estimates before.
    static let percentiles: [View] = [
        View(
            "tails",
            """
            SELECT tumble(event_time, '1 minute') AS minute, page, percentile_cont(0.95) WITHIN GROUP (ORDER BY duration_ms) AS p95,
                   percentile_disc(0.5) WITHIN GROUP (ORDER BY amount) AS median,
                   percentile_cont(ARRAY[0, 0.1, 0.25, 0.9, 1]) WITHIN GROUP (ORDER BY score) AS scores,
                   percentile_disc(ARRAY[0.25, 0.75]) WITHIN GROUP (ORDER BY quantity) FILTER (WHERE ok) AS quarters
            FROM page_view GROUP BY minute, page
            """),
        View("tail", "SELECT percentile_cont(0.99) WITHIN GROUP (ORDER BY amount) AS p99 FROM page_view"),
    ]

    @Test(arguments: [(seed: UInt64(1), partitions: 1), (seed: 2, partitions: 3)])
    func everyLayerAndTheirMergeEqualPostgreSQL(seed: UInt64, partitions: Int) throws {
        let pipeline = try LayeredPipeline(partitions: partitions, views: Self.exact + Self.percentiles)
        let exact = Set(Self.exact.map(\.name))
        var traffic = MeasuredTraffic(seed: seed)
        try traffic.produce(900, into: pipeline.log)
        try pipeline.speed()
        try pipeline.batch()
        try pipeline.expectEqualToOracle("batch, seed \(seed)")
        // The window in which the cut lies has rows of both layers.
        for step in 1...2 {
            try traffic.produce(300, into: pipeline.log)
            try pipeline.speed()
            try pipeline.expectEqualToOracle("merged \(step), seed \(seed)", only: exact)
        }
        let report = try pipeline.batch()
        try pipeline.expectEqualToOracle("second batch, seed \(seed)")
        for view in report.views where exact.contains(view.view) {
            for drift in view.drift {
                #expect(drift.differing == 0 && drift.onlyBatch == 0 && drift.onlyMerged == 0, "\(view.view) \(drift), seed \(seed)")
            }
        }
        #expect(try pipeline.batch(full: true).views.allSatisfy { $0.rowsAdded == 0 && $0.rowsClosed == 0 }, "seed \(seed)")
    }

    @Test func theSpeedLayerAloneEqualsPostgreSQL() throws {
        let pipeline = try LayeredPipeline(partitions: 2, views: Self.exact)
        // An empty publication: all that is served comes from live rows.
        try pipeline.batch()
        var traffic = MeasuredTraffic(seed: 3)
        try traffic.produce(800, into: pipeline.log)
        try pipeline.speed()
        try pipeline.expectEqualToOracle("speed")
    }
}
