import BatchWorker
import Catalog
import Foundation
import ParallaxCore
import Postgres
import ServingViews
import TestSupport
import Testing

/// WITH (retention = …): windows that ended so long before the watermark at the published cut are in no layer's rows.
@Suite(.serialized) struct RetentionTests {
    private typealias View = LayeredPipeline.View

    private struct Retained {
        var name: String
        var select: String
        var retention: String
        /// PostgreSQL's expression of a row's window end.
        var end: String
        var view: View { View(name, select, options: "retention = '\(retention)'") }
    }
    private static let retained = [
        Retained(
            name: "by_minute",
            select: """
                SELECT tumble(event_time, '1 minute') AS w, page, count(*) AS n, sum(amount) AS a, avg(score) AS s FROM page_view GROUP BY w, page
                """, retention: "10 minutes", end: "w + interval '1 minute'"),
        Retained(
            name: "hopping",
            select:
                "SELECT hop(event_time, '2 minutes', '10 minutes') AS w, count(*) AS n, max(duration_ms) AS m FROM page_view GROUP BY w",
            retention: "7 minutes 30 seconds", end: "w + interval '10 minutes'"),
        Retained(
            name: "daily",
            select: "SELECT date_trunc('day', event_time, 'America/New_York') AS w, count(*) AS n FROM page_view GROUP BY w",
            retention: "1 hour", end: "(w AT TIME ZONE 'America/New_York' + interval '1 day') AT TIME ZONE 'America/New_York'"),
    ]
    private static let whole = View("whole", "SELECT tumble(event_time, '1 minute') AS w, count(*) AS n FROM page_view GROUP BY w")

    /// The watermark at the cut, by PostgreSQL: the newest event time below it that another event has reached, too, five seconds back.
    private func watermark(_ pipeline: LayeredPipeline) throws -> String {
        let oracle = try pipeline.oracle()
        return try #require(
            try oracle.rows(
                """
                SELECT DISTINCT event_time - interval '5 seconds' FROM page_view WHERE event_time < '2026-06-01' ORDER BY 1 DESC OFFSET 1 LIMIT 1
                """
            ).first)
    }

    private func expectRetained(
        _ pipeline: LayeredPipeline, _ watermark: String?, _ note: String, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let oracle = try pipeline.oracle()
        for view in Self.retained {
            let condition = watermark.map { "\(view.end) > '\($0)'::timestamptz - interval '\(view.retention)'" } ?? "true"
            let theirs = try oracle.rows("SELECT * FROM (\(view.select)) q WHERE \(condition)")
            let found = difference(try pipeline.served(view.view), theirs)
            #expect(found == nil, "\(note), view \(view.name): \(found ?? "")", sourceLocation: sourceLocation)
        }
        try pipeline.expectEqualToOracle(note, only: ["whole"], sourceLocation: sourceLocation)
    }

    /// I3: the same rows leave whichever runs there were, and none comes back.
    @Test(arguments: [3, 4] as [UInt64])
    func I3_windowsLeaveByTheWatermarkAtTheCut(seed: UInt64) throws {
        let pipeline = try LayeredPipeline(partitions: 2, views: Self.retained.map(\.view) + [Self.whole])
        // From four in the morning, New York's midnight lies in it.
        var traffic = MeasuredTraffic(seed: seed, from: 1_704_067_200 + 4 * 3_600)
        traffic.pace = 20
        var published: String? = nil
        var expired = 0
        for round in 0..<5 {
            try traffic.produce(120, into: pipeline.log)
            try pipeline.speed()
            // Live: nothing leaves but with a publication.
            try expectRetained(pipeline, published, "seed \(seed), round \(round), merged")
            let report = try pipeline.batch(full: round == 3)
            published = try watermark(pipeline)
            expired += report.views.reduce(0) { $0 + $1.rowsExpired }
            #expect(try pipeline.rows("SELECT cut_watermark FROM parallax.published") == [published ?? ""])
            try expectRetained(pipeline, published, "seed \(seed), round \(round), batch")
        }
        #expect(expired > 0)
        let full = try pipeline.batch(full: true)
        #expect(full.views.allSatisfy { $0.rowsAdded == 0 && $0.rowsClosed == 0 && $0.rowsExpired == 0 }, "\(full.text)")
        // Drift of what stays: the layers agree about it, and what left is not compared.
        #expect(full.views.flatMap(\.drift).allSatisfy { $0.onlyMerged == 0 && $0.onlyBatch == 0 }, "\(full.text)")

        // Only what came last, in one run: the same.
        let batch = try pipeline.served(Self.retained[0].view)
        for table in try pipeline.rows("SELECT quote_ident(state_table) FROM parallax.view_version") {
            try pipeline.connection.execute("DELETE FROM batch.\(table)")
        }
        try pipeline.connection.execute(
            """
            UPDATE parallax.view_version SET first_run = NULL;
            UPDATE parallax.publication SET newest_event_time = NULL, leading_event_time = NULL
            """)
        _ = try pipeline.batch(full: true)
        #expect(try pipeline.served(Self.retained[0].view) == batch)
        try expectRetained(pipeline, published, "seed \(seed), from nothing")
    }

    /// One partition, and a run over the first events.
    private func published(_ events: Int, of traffic: inout MeasuredTraffic) throws -> LayeredPipeline {
        let pipeline = try LayeredPipeline(partitions: 1, views: Self.retained.map(\.view) + [Self.whole])
        traffic.pace = 20
        try traffic.produce(events, into: pipeline.log)
        try pipeline.speed()
        try pipeline.batch()
        return pipeline
    }

    @Test func lateEventsOfWindowsThatLeftStayInTheArchiveAndOneWrongClockMovesNothing() throws {
        var traffic = MeasuredTraffic(seed: 9)
        let pipeline = try published(200, of: &traffic)
        let before = try watermark(pipeline)
        // One event belongs to a window that left, one is ten years ahead; MemoryLog appends at the begin of 2026.
        for (id, time) in [("late", "2024-01-01T00:00:30Z"), ("ahead", "2036-01-01T00:00:00Z")] {
            let payload = #"{"event_id":"\#(id)","event_time":"\#(time)","page":"/x"}"#
            try pipeline.log.append([NewRecord(key: nil, payload: Array(payload.utf8))], to: Partition(0))
        }
        try pipeline.speed()
        try pipeline.batch()
        #expect(try watermark(pipeline) == before)
        try expectRetained(pipeline, before, "after a late and an impossible event")
        #expect(try pipeline.rows("SELECT count(*) FROM serving.by_minute WHERE page = '/x'") == ["1"])
        #expect(try pipeline.rows("SELECT sum(n) FROM serving.whole WHERE w = '2024-01-01T00:00:00Z' OR w > '2030-01-01'") != ["1"])
    }

    @Test func whatLeftWithAPublicationComesBackWithItsRevert() throws {
        var traffic = MeasuredTraffic(seed: 11)
        let pipeline = try published(150, of: &traffic)
        let first = try watermark(pipeline)
        try traffic.produce(150, into: pipeline.log)
        try pipeline.speed()
        let report = try pipeline.batch()
        #expect(report.views.contains { $0.rowsExpired > 0 })
        try pipeline.revert(to: 1)
        try expectRetained(pipeline, first, "after the revert")
        try pipeline.batch()
        try expectRetained(pipeline, try watermark(pipeline), "after the next run")
    }

    /// Longer out_of_orderness puts the watermark back; the horizon stays where it was, and so do the rows that left.
    @Test func theHorizonNeverMovesBack() throws {
        let view = Self.retained[0]
        let pipeline = try LayeredPipeline(partitions: 1, views: [view.view, Self.whole])
        var traffic = MeasuredTraffic(seed: 13)
        traffic.pace = 20
        try traffic.produce(200, into: pipeline.log)
        try pipeline.speed()
        #expect(try pipeline.batch().views.contains { $0.rowsExpired > 0 || $0.rowsAdded > 0 })
        let horizon = try watermark(pipeline)
        let rows = try pipeline.served(view.view)

        let slower = LayeredPipeline.sourceSQL.replacing("out_of_orderness '5 seconds'", with: "out_of_orderness '20 minutes'")
        let definitions = try LayeredPipeline.compiled([view.view, Self.whole], sourceSQL: slower)
        #expect(definitions.sources[0].outOfOrderness == 20 * 60 * 1_000_000)
        try Catalog(pipeline.connection).apply(definitions, partitions: ["page_view": 1]) { (connection) throws(ParallaxError) in
            _ = try ServingViews.refresh(connection)
        }
        for full in [false, true] {
            let report = try pipeline.batch(full: full)
            #expect(report.cutWatermark != nil)
            #expect(try pipeline.rows("SELECT cut_watermark FROM parallax.published") == [horizon])
            #expect(try pipeline.served(view.view) == rows, "full: \(full)")
        }
        // It moves on when the log does.
        traffic.pace = 300
        try traffic.produce(200, into: pipeline.log)
        try pipeline.speed()
        try pipeline.batch()
        let moved = try pipeline.rows("SELECT cut_watermark > '\(horizon)' FROM parallax.published")
        #expect(moved == ["t"])
    }

    /// I3: event times and record timestamps of a clock that is seventeen years ahead, more than one of them. The archive says when they came.
    @Test func I3_onlyWhatAnArchivedClockVouchesForMovesRetention() throws {
        let ahead = Instant(microseconds: 2_334_000_000_000_000)
        let pipeline = try LayeredPipeline(partitions: 1, views: Self.retained.map(\.view) + [Self.whole]) { call in
            call % 2 == 1 ? ahead : LayeredPipeline.appendClock(call)
        }
        var traffic = MeasuredTraffic(seed: 17)
        traffic.pace = 20
        func wrong(_ id: Int) -> NewRecord {
            NewRecord(key: nil, payload: Array(#"{"event_id":"w\#(id)","event_time":"2043-12-17T0\#(id):00:00Z","page":"/x"}"#.utf8))
        }
        // Every second call appends by the wrong clock.
        for round in 0..<3 {
            let records = MemoryLog(source: "page_view", partitions: 1)
            try traffic.produce(100, into: records)
            let good = try records.read(Partition(0), from: .zero, maxRecords: 1_000, maxBytes: 1 << 20)
            try pipeline.log.append(
                (0..<good.count).map { NewRecord(key: nil, payload: good.payloads.isNull($0) ? nil : Array(good.payloads[$0])) },
                to: Partition(0))
            try pipeline.log.append([wrong(round)], to: Partition(0))
            try pipeline.speed()
            try pipeline.batch(full: round == 2)
            try expectRetained(pipeline, try watermark(pipeline), "round \(round)")
        }
        #expect(try pipeline.rows("SELECT sum(late) FROM parallax.partition_position") == ["0"])
        let full = try pipeline.batch(full: true)
        #expect(full.views.allSatisfy { $0.rowsAdded == 0 && $0.rowsClosed == 0 && $0.rowsExpired == 0 }, "\(full.text)")
    }

    /// Another column of event times, six years before the old one: what is counted from it begins anew, live and in the batch layer.
    @Test func anotherEventTimeCountsRetentionAnew() throws {
        func source(_ column: String) -> String {
            """
            CREATE FOREIGN TABLE page_view (event_id text, t timestamptz, t2 timestamptz, page text)
            SERVER parallax OPTIONS (topic 'page_view', event_id 'event_id', event_time '\(column)', out_of_orderness '5 seconds', lateness '1 hour');

            """
        }
        func view(_ column: String) -> View {
            View(
                "by_minute", "SELECT tumble(\(column), '1 minute') AS w, count(*) AS n FROM page_view GROUP BY w",
                options: "retention = '90 days'")
        }
        let pipeline = try LayeredPipeline(partitions: 1, sourceSQL: source("t"), views: [view("t")])
        func produce(_ numbers: Range<Int>) throws {
            try pipeline.log.append(
                numbers.map { number in
                    let clock =
                        "0\(number / 3_600):\(number / 60 % 60 < 10 ? "0" : "")\(number / 60 % 60):\(number % 60 < 10 ? "0" : "")\(number % 60)Z"
                    let payload = #"{"event_id":"\#(number)","t":"2025-12-31T\#(clock)","t2":"2020-01-01T\#(clock)","page":"/"}"#
                    return NewRecord(key: nil, payload: Array(payload.utf8))
                }, to: Partition(0))
        }
        try produce(0..<100)
        try pipeline.speed()
        try pipeline.batch()
        #expect(try pipeline.rows("SELECT sum(n) FROM serving.by_minute") == ["100"])

        try pipeline.apply(try LayeredPipeline.compiled([view("t2")], sourceSQL: source("t2")), partitions: 1)
        try produce(100..<200)
        try pipeline.speed()
        for full in [false, true] {
            try pipeline.batch(full: full)
            #expect(try pipeline.rows("SELECT sum(n) FROM serving.by_minute WHERE w < '2021-01-01'") == ["200"], "full: \(full)")
            #expect(try pipeline.rows("SELECT date_part('year', cut_watermark) FROM parallax.published") == ["2020"])
        }
        try produce(200..<300)
        try pipeline.speed()
        #expect(try pipeline.rows("SELECT sum(n) FROM serving.by_minute") == ["300"])
        #expect(try pipeline.rows("SELECT late FROM parallax.partition_position") == ["0"])
    }

    /// A watermark and a horizon that wrong clocks have moved begin anew, and what left comes back.
    @Test func aPoisonedHorizonBeginsAnewOnDemand() throws {
        var traffic = MeasuredTraffic(seed: 19)
        let pipeline = try published(100, of: &traffic)
        try expectRetained(pipeline, try watermark(pipeline), "before")
        // As an older version left it.
        try pipeline.connection.execute("UPDATE parallax.publication SET newest_event_time = '2036-01-01', cut_watermark = '2036-01-01'")
        try traffic.produce(100, into: pipeline.log)
        try pipeline.speed()
        try pipeline.batch()
        #expect(try pipeline.served(Self.retained[0].view) == [])
        let catalog = Catalog(pipeline.connection)
        try catalog.resetWatermark(source: try catalog.source(named: "page_view"))
        try pipeline.batch()
        try expectRetained(pipeline, try watermark(pipeline), "after the reset")
    }

    /// The same while a run is under way: it has begun with what is forgotten, and what it publishes does not bring that back.
    @Test func aResetIsNotUndoneByARunThatIsUnderWay() throws {
        var traffic = MeasuredTraffic(seed: 20)
        let pipeline = try published(100, of: &traffic)
        func poison() throws {
            try pipeline.connection.execute(
                "UPDATE parallax.publication SET newest_event_time = '2036-01-01', cut_watermark = '2036-01-01'")
        }
        try poison()
        try traffic.produce(100, into: pipeline.log)
        try pipeline.speed()
        for phase in [RunPhase.archiving, .staging] {
            var isReset = false
            try pipeline.batch(observe: { (progress) throws(ParallaxError) in
                guard progress.phase == phase, !isReset else { return }
                isReset = true
                let other = try Connection(pipeline.dsn)
                defer { other.close() }
                let catalog = Catalog(other)
                try catalog.resetWatermark(source: try catalog.source(named: "page_view"))
            })
            let form = try pipeline.rows("SELECT event_time_form FROM parallax.publication ORDER BY run_id DESC LIMIT 1")
            #expect(form == ["reset"], "\(phase)")
            try pipeline.batch()
            try expectRetained(pipeline, try watermark(pipeline), "a reset while \(phase)")
            #expect(try pipeline.rows("SELECT cut_watermark < '2036-01-01' FROM parallax.published") == ["t"])
            try poison()
        }
    }
}
