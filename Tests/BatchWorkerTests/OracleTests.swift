import BatchLayer
import ParallaxCore
import Testing

@testable import BatchWorker

@Suite struct OracleTests {
    /// The slow twin is PostgreSQL: the view's own SELECT over the deduplicated raw events.
    @Test(arguments: [1, 3, 8], [1, 2] as [UInt64])
    func I3_everyRunEqualsTheOracleAndAFullRunChangesNothing(partitions: Int, seed: UInt64) throws {
        let pipeline = try Pipeline(partitions: partitions, recordsPerSegment: seed == 1 ? 97 : 10_000)
        var traffic = Traffic(seed: seed)
        try traffic.produce(1_500, into: pipeline.log)
        let first = try pipeline.run()
        try pipeline.expectServedEqualsOracle("first run, seed \(seed)")
        #expect(first.newOffsets == 1_500 && first.recordsRead == 1_500 && first.duplicates > 0)

        // New events, late ones into old windows, copies of old ones with other values.
        try traffic.produce(500, into: pipeline.log)
        let second = try pipeline.run()
        try pipeline.expectServedEqualsOracle("second run, seed \(seed)")
        #expect(second.newOffsets == 500)
        // With several partitions a new copy may come before the one that was counted.
        #expect([.added, .copyMoved].contains(second.views[2].extent) && (partitions > 1 || second.views[2].extent == .added))
        #expect([0, 1, 3].map { second.views[$0].extent } == [.incremental, .incremental, .noWindow])
        #expect(second.views[0].rowsClosed > 0 && second.views[0].rowsUnchanged > 0)

        let served = try pipeline.served()
        let rejected = try pipeline.rows("SELECT view_name, reason, rejected FROM parallax.rejected")
        let full = try pipeline.run(full: true)
        #expect(full.views.allSatisfy { $0.rowsAdded == 0 && $0.rowsClosed == 0 && $0.extent == .asked }, "seed \(seed): \(full.text)")
        #expect(try pipeline.served() == served)
        #expect(try pipeline.rows("SELECT view_name, reason, rejected FROM parallax.rejected") == rejected)

        let counts = try pipeline.oracle().counts()
        #expect(full.recordsRead == Int(counts.records) && full.eventsRead == Int(counts.events))
        #expect(full.duplicates == Int(counts.events - counts.distinct))
        #expect(full.rejected.values.reduce(0, +) == Int(counts.records - counts.events))
        #expect(try pipeline.value("SELECT count(*) FROM serving.by_page WHERE NOT is_exact") == "0")
    }

    @Test func aRunWithNothingNewChangesNoRow() throws {
        let pipeline = try Pipeline(partitions: 2)
        var traffic = Traffic(seed: 11)
        try traffic.produce(400, into: pipeline.log)
        try pipeline.run()
        let ages = "SELECT from_run, until_run, count(*) FROM \(try pipeline.batchTable("by_page")) GROUP BY 1, 2"
        let before = try pipeline.rows(ages)
        let report = try pipeline.run()
        #expect(report.views.allSatisfy { $0.rowsAdded == 0 && $0.rowsClosed == 0 })
        #expect(report.views[0].touchedWindows == 0 && report.newOffsets == 0)
        #expect(try pipeline.rows(ages) == before)
        try pipeline.expectServedEqualsOracle("after a run with nothing new")
    }

    @Test func aRunOverAnEmptyLogPublishesItsCut() throws {
        let pipeline = try Pipeline(partitions: 2)
        let report = try pipeline.run()
        #expect(report.recordsRead == 0 && report.cut == ["0": 0, "1": 0])
        try pipeline.expectServedEqualsOracle("empty log")
    }

    @Test func aSourceWithoutViewsCountsItsRejectedRecords() throws {
        let pipeline = try Pipeline(partitions: 2, views: [])
        var traffic = Traffic(seed: 12)
        for _ in 0..<2 {
            try traffic.produce(200, into: pipeline.log)
            let report = try pipeline.run()
            let counts = try pipeline.oracle().counts()
            #expect(report.rejected.values.reduce(0, +) == Int(counts.records - counts.events))
        }
    }

    @Test func onlyTouchedSegmentsAreRead() throws {
        let pipeline = try Pipeline(partitions: 1, views: [("by_page", Pipeline.byPage)], recordsPerSegment: 100)
        var traffic = Traffic(seed: 5)
        traffic.isTidy = true
        try traffic.produce(3_000, into: pipeline.log)
        let first = try pipeline.run()
        #expect(first.segmentsRead == 30)
        try traffic.produce(50, into: pipeline.log)
        let second = try pipeline.run()
        #expect(second.segmentsRead < 6 && second.recordsRead < 600, "\(second.text)")
        #expect(second.views[0].rowsUnchanged + second.views[0].rowsAdded < 60)
        try pipeline.expectServedEqualsOracle("incremental")
    }

    @Test func rejectionsOfAViewAreCountedOnceAcrossRuns() throws {
        let failing = """
            SELECT tumble(event_time, '1 minute') AS minute, sum(duration_ms / (duration_ms % 3)) AS s FROM page_view GROUP BY minute
            """
        let pipeline = try Pipeline(partitions: 3, views: [("failing", failing)])
        var traffic = Traffic(seed: 6)
        traffic.isTidy = true
        for count in [300, 100, 0, 200] {
            try traffic.produce(count, into: pipeline.log)
            try pipeline.run()
        }
        let incremental = try pipeline.rows("SELECT view_name, reason, rejected FROM parallax.rejected")
        let full = try pipeline.run(full: true)
        #expect(try pipeline.rows("SELECT view_name, reason, rejected FROM parallax.rejected") == incremental)
        #expect((full.views[0].rejected["expression_error"] ?? 0) > 100)
    }
}
