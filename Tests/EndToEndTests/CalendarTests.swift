import ParallaxCore
import TestSupport
import Testing

/// Days, weeks, months on the clocks of a time zone, over the days when clocks change.
@Suite(.serialized) struct CalendarTests {
    typealias View = LayeredPipeline.View

    /// Havana's clocks change at midnight, Lord Howe's by half an hour, Kathmandu's stand at a quarter.
    static let zones = ["America/New_York", "america/havana", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC"]
    static let units = ["day", "week", "month", "quarter", "year"]

    static let views: [View] = zones.enumerated().flatMap { index, zone in
        units.map { unit in
            let call = "date_trunc('\(unit)', event_time, '\(zone)')"
            let end = unit == "quarter" ? "3 months" : "1 \(unit)"
            return View(
                "\(unit)_\(index)", "SELECT \(call) AS start, start_end, count(*) AS n, sum(amount) AS a FROM page_view GROUP BY start",
                oracle: """
                    SELECT s, (date_trunc('\(unit)', s AT TIME ZONE '\(zone)') + interval '\(end)') AT TIME ZONE '\(zone)', n, a
                    FROM (SELECT \(call) AS s, count(*) AS n, sum(amount) AS a FROM page_view GROUP BY 1) x
                    """)
        }
    }

    /// 2024: New York changes on 10 March and 3 November, Havana the same days at midnight, Lord Howe on 6 October.
    @Test(arguments: [1_709_900_000.0, 1_728_000_000, 1_730_400_000])
    func calendarWindowsArePostgreSQLs(start: Double) throws {
        let pipeline = try LayeredPipeline(partitions: 1, views: Self.views)
        var traffic = MeasuredTraffic(seed: 5, from: start)
        traffic.pace = 1_500
        try traffic.produce(300, into: pipeline.log)
        try pipeline.speed()
        try pipeline.batch()
        try pipeline.expectEqualToOracle("batch from \(start)")
        try traffic.produce(200, into: pipeline.log)
        try pipeline.speed()
        try pipeline.expectEqualToOracle("merged from \(start)")
        try pipeline.batch()
        try pipeline.expectEqualToOracle("incremental from \(start)")
        // A window is closed when the watermark has reached its end, on its own clocks.
        let wrong = try pipeline.rows(
            """
            SELECT start FROM serving.day_0 v, parallax.watermark w
            WHERE v.is_closed <> ((date_trunc('day', start AT TIME ZONE 'America/New_York') + interval '1 day') AT TIME ZONE 'America/New_York'
                                  <= w.watermark)
            """)
        #expect(wrong.isEmpty)
        #expect(try pipeline.rows("SELECT count(*) FROM serving.day_0 WHERE is_closed") != ["0"])
    }
}
