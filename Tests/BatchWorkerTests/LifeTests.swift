import BatchLayer
import Foundation
import ParallaxCore
import Testing

@testable import BatchWorker

/// What happens between runs: reverts, definitions that change, what is dropped and what is kept.
@Suite struct LifeTests {
    private func run(_ pipeline: Pipeline, _ speed: HandSpeed) throws -> RunReport {
        try pipeline.worker(observe: once(.waiting) { () throws(ParallaxError) in try speed.flush() }).run(source: "page_view", full: false)
    }

    @Test func I1_afterARevertLiveRowsStandInAndTheNextRunErasesWhatWasReverted() throws {
        let pipeline = try Pipeline(partitions: 2)
        let speed = try HandSpeed(pipeline)
        var traffic = Traffic(seed: 61)
        traffic.isTidy = true
        var runs: [RunReport] = []
        for _ in 0..<3 {
            try traffic.produce(80, into: pipeline.log)
            runs.append(try run(pipeline, speed))
        }
        try pipeline.worker().revert(source: "page_view", to: RunNumber(runs[0].run))
        #expect(try pipeline.value("SELECT run FROM parallax.published") == "\(runs[0].run)")
        try pipeline.expectServedEqualsOracle("reverted")

        try traffic.produce(80, into: pipeline.log)
        let again = try run(pipeline, speed)
        #expect(again.baseRun == runs[0].run && again.newOffsets == 240)
        try pipeline.expectServedEqualsOracle("after the revert")
        for table in ["by_page", "abroad", "by_country", "totals"] {
            let erased = "from_run IN (\(runs[1].run), \(runs[2].run)) OR until_run IN (\(runs[1].run), \(runs[2].run))"
            #expect(try pipeline.value("SELECT count(*) FROM \(try pipeline.batchTable(table)) WHERE \(erased)") == "0")
        }
        let unkept = #expect(throws: ParallaxError.self) {
            try pipeline.worker().revert(source: "page_view", to: RunNumber(runs[1].run))
        }
        #expect(unkept?.code == .usage)
    }

    @Test func aChangedViewIsComputedWholeBesideTheOldOneAndServedByItsFirstRun() throws {
        let pipeline = try Pipeline(partitions: 2, views: [("by_page", Pipeline.byPage)])
        let speed = try HandSpeed(pipeline)
        var traffic = Traffic(seed: 62)
        traffic.isTidy = true
        try traffic.produce(200, into: pipeline.log)
        _ = try run(pipeline, speed)
        try speed.flush()

        let changed =
            "SELECT tumble(event_time, '1 minute') AS minute, page, count(*) AS views FROM page_view WHERE amount > 10 GROUP BY minute, page"
        try pipeline.apply([("by_page", changed), ("abroad", Pipeline.abroad)])
        #expect(try pipeline.value("SELECT count(*) FROM pg_views WHERE schemaname = 'serving' AND viewname = 'abroad'") == "0")
        try traffic.produce(50, into: pipeline.log)
        let report = try run(pipeline, speed)
        #expect(report.views.map(\.extent) == [.incremental, .newVersion, .newVersion])
        #expect(report.views.map(\.drift.isEmpty) == [false, true, true])
        try pipeline.expectServedEqualsOracle("the new definitions")

        try traffic.produce(50, into: pipeline.log)
        let next = try run(pipeline, speed)
        #expect(next.views.map(\.extent) == [.incremental, .incremental])
        #expect(next.views.allSatisfy { view in view.drift.allSatisfy { $0.differing == 0 && $0.onlyBatch == 0 && $0.onlyMerged == 0 } })
        try pipeline.expectServedEqualsOracle("the run after")
    }

    @Test func sketchesAreKeptWhileTheirWindowsCanChange() throws {
        let pipeline = try Pipeline(partitions: 1, views: [("by_page", Pipeline.byPage)])
        pipeline.settings.keptPublications = 1
        let table = try pipeline.batchTable("by_page")
        // Windows that end at or before the newest event time less 5 s and 10 minutes.
        let closed = """
            window_start + interval '1 minute' <= (SELECT max(max_event_time) FROM parallax.partition_position) - interval '605 seconds'
            """
        let speed = try HandSpeed(pipeline)
        var traffic = Traffic(seed: 63)
        traffic.isTidy = true
        try traffic.produce(3_000, into: pipeline.log)
        try speed.flush()
        _ = try run(pipeline, speed)
        #expect(try pipeline.value("SELECT count(*) FILTER (WHERE m1_h IS NOT NULL) = 0 FROM \(table) WHERE \(closed)") == "t")
        #expect(try pipeline.value("SELECT count(*) > 0 AND count(*) = count(m1_h) FROM \(table) WHERE NOT (\(closed))") == "t")

        // Time goes on: rows that did not change lose their sketches too, once no kept slice touches their windows.
        for _ in 0..<2 {
            try traffic.produce(1_300, into: pipeline.log)
            try speed.flush()
            _ = try run(pipeline, speed)
        }
        #expect(try pipeline.value("SELECT count(*) FILTER (WHERE m1_h IS NOT NULL) = 0 FROM \(table) WHERE \(closed)") == "t")
        #expect(try pipeline.value("SELECT count(m1_h) > 0 FROM \(table) WHERE NOT (\(closed))") == "t")
        try pipeline.expectServedEqualsOracle("without stale sketches")
    }

    @Test func theLogIsTrimmedBelowWhatIsArchivedAndProcessedAndRemembered() throws {
        let pipeline = try Pipeline(partitions: 1)
        pipeline.settings.trimsLog = true
        pipeline.settings.keptLogOffsets = 30
        let speed = try HandSpeed(pipeline)
        var traffic = Traffic(seed: 64)
        try traffic.produce(100, into: pipeline.log)
        let worker = try pipeline.worker(observe: once(.waiting) { () throws(ParallaxError) in try speed.flush(atMost: 80) })
        _ = try worker.run(source: "page_view", full: false)
        #expect(try pipeline.log.bounds(of: Partition(0)).lowerBound == Offset(50))
        #expect(try pipeline.value("SELECT archived_offset FROM parallax.partition_position") == "80")
        // The archive has what the log gave up.
        #expect(try run(pipeline, speed).recordsRead == 100)
    }

    @Test func oldPublicationsAndWhatOnlyTheySawAreDropped() throws {
        let pipeline = try Pipeline(partitions: 1)
        pipeline.settings.keptPublications = 2
        var traffic = Traffic(seed: 65)
        for _ in 0..<5 {
            try traffic.produce(60, into: pipeline.log)
            try pipeline.run()
        }
        #expect(try pipeline.rows("SELECT run_id FROM parallax.publication") == ["4", "5"])
        #expect(try pipeline.value("SELECT count(*) FROM \(try pipeline.batchTable("totals"))") == "2")
        try pipeline.expectServedEqualsOracle("five runs")
    }

    @Test func theReportIsStoredAndReadable() throws {
        let pipeline = try Pipeline(partitions: 1)
        var traffic = Traffic(seed: 66)
        try traffic.produce(200, into: pipeline.log)
        let report = try pipeline.run()
        #expect(try pipeline.value("SELECT statistics ->> 'records_read' FROM parallax.run") == "200")
        #expect(try pipeline.value("SELECT statistics -> 'seconds' ? 'cleaning' FROM parallax.run") == "t")
        #expect(try pipeline.value("SELECT cut ->> '0' FROM parallax.run") == "200")
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        let decoded = try decoder.decode(RunReport.self, from: Data(try report.json().utf8))
        #expect(decoded.views == report.views && decoded.cut == report.cut)
        #expect(report.text.contains("by_page: everything (new_version)"))
        #expect(Set(report.seconds.keys) == Set(RunPhase.allCases.map(\.rawValue)).subtracting(["looking"]))
    }

    @Test func aRunReadsTheLogOfItsOwnSourceOnly() throws {
        let pipeline = try Pipeline(partitions: 1)
        let unknown = #expect(throws: ParallaxError.self) { try pipeline.worker().run(source: "orders", full: false) }
        #expect(unknown?.code == .usage)
        try pipeline.connection.execute("UPDATE parallax.source SET definition = jsonb_set(definition, '{topic}', '\"another\"')")
        let other = #expect(throws: ParallaxError.self) { try pipeline.worker().run(source: "page_view", full: false) }
        #expect(other?.code == .internalInconsistency)
    }

    /// Steps of the clean-up are apart: a table that cannot be dropped is named, and the log is trimmed all the same.
    @Test func aStepOfTheCleanUpThatFailsKeepsNoOtherFromItsWork() throws {
        let pipeline = try Pipeline(partitions: 1, views: [("by_page", Pipeline.byPage)])
        // Or else the old version would be kept for a revert.
        pipeline.settings.keptPublications = 1
        pipeline.settings.trimsLog = true
        pipeline.settings.keptLogOffsets = 0
        var traffic = Traffic(seed: 65)
        try traffic.produce(100, into: pipeline.log)
        try pipeline.run()
        let old = try pipeline.batchTable("by_page")
        let trimmed = try pipeline.log.bounds(of: Partition(0)).lowerBound
        try pipeline.connection.execute("CREATE VIEW public.mine AS SELECT * FROM \(old)")
        try pipeline.apply([("by_page", Pipeline.byPage.replacing("count(*) AS views", with: "count(*) AS n"))])
        try traffic.produce(100, into: pipeline.log)
        let report = try pipeline.run()
        #expect(
            report.warnings.count == 1 && report.warnings[0].contains("view mine depends on table batch.by_page_"), "\(report.warnings)")
        #expect(try pipeline.log.bounds(of: Partition(0)).lowerBound > trimmed)
        #expect(try pipeline.value("SELECT to_regclass('\(old)') IS NOT NULL") == "t")
        // It goes with the next clean-up that can.
        try pipeline.connection.execute("DROP VIEW public.mine")
        #expect(try pipeline.run().warnings.isEmpty)
        #expect(try pipeline.value("SELECT to_regclass('\(old)') IS NULL") == "t")
    }
}
