import BatchLayer
import Catalog
import ParallaxCore
import ServingViews
import TestSupport
import Testing

@testable import BatchWorker

@Suite struct HeldRunTests {
    private static let shares = """
        SELECT tumble(event_time, '1 minute') AS minute, count(*) AS n, sum(amount) / count(*) AS mean, max(page) AS page,
               count(amount) * 1.0 / nullif(count(*), 0) AS filled
        FROM page_view GROUP BY minute
        """

    private func run(_ pipeline: Pipeline, _ speed: HandSpeed) throws -> RunReport {
        try pipeline.worker(observe: once(.waiting) { () throws(ParallaxError) in try speed.flush() }).run(source: "page_view", full: false)
    }

    private func limit(_ pipeline: Pipeline, _ view: String, to share: Double?) throws {
        try pipeline.connection.execute("UPDATE parallax.view SET max_drift = \(share.map { "\($0)" } ?? "NULL") WHERE name = '\(view)'")
    }

    /// A speed layer that leaves every seventh record out.
    private func drifting() throws -> (Pipeline, HandSpeed, published: RunReport) {
        let pipeline = try Pipeline(partitions: 2, views: [("by_page", Pipeline.byPage), ("shares", Self.shares)])
        let speed = try HandSpeed(pipeline)
        var traffic = Traffic(seed: 51)
        traffic.isTidy = true
        try traffic.produce(200, into: pipeline.log)
        let published = try run(pipeline, speed)
        #expect(published.held.isEmpty)
        speed.leavesOut = { batch, row in batch.offsets[row] % 7 == 0 }
        try traffic.produce(200, into: pipeline.log)
        try limit(pipeline, "by_page", to: 0.05)
        return (pipeline, speed, published)
    }

    /// PostgreSQL refuses the comparison (here: a column is not there): that keeps a run from being published only where a limit asks for it.
    @Test func aDriftThatCannotBeComputedHoldsARunOnlyWhereThereIsALimit() throws {
        let (pipeline, speed, _) = try drifting()
        let table = try pipeline.tables("by_page").speedTable
        func run() throws -> RunReport {
            var seen: Set<RunPhase> = []
            return try pipeline.worker(observe: { (progress) throws(ParallaxError) in
                guard seen.insert(progress.phase).inserted else { return }
                do {
                    if progress.phase == .waiting { try speed.flush() }
                    if progress.phase == .comparing { try pipeline.connection.execute("ALTER TABLE \(table) RENAME COLUMN m0_n TO gone") }
                } catch { throw ParallaxError(.internalInconsistency, "\(error)") }
            }).run(source: "page_view", full: false)
        }
        let held = try run()
        #expect(held.held == ["view by_page: its drift could not be computed, and max_drift is 5.0%"], "\(held.held)")
        try pipeline.connection.execute("ALTER TABLE \(table) RENAME COLUMN gone TO m0_n")
        _ = try pipeline.catalog.discardHeld(RunNumber(held.run))
        try limit(pipeline, "by_page", to: nil)
        let published = try run()
        #expect(published.held.isEmpty && published.warnings.contains { $0.hasPrefix("drift of by_page.") }, "\(published.warnings)")
        #expect(try pipeline.value("SELECT run FROM parallax.published") == "\(published.run)")
    }

    @Test func aRunWhoseDriftIsTooLargeWaitsForAPersonAndIsThenPublished() throws {
        let (pipeline, speed, published) = try drifting()
        let before = try pipeline.servedRows("by_page")
        let report = try run(pipeline, speed)
        let drift = try #require(report.views.first { $0.view == "by_page" }?.drift.first { $0.output == "views" })
        // Counts: the differences' sizes over the true ones. 1 in 7 of the new half is missing.
        let share = try #require(drift.share)
        #expect(share > 0.05 && share < 0.3, "\(drift)")
        #expect(report.held.contains { $0.hasPrefix("view by_page, views: drift ") && $0.contains("max_drift 5.0%") }, "\(report.held)")
        #expect(report.held.allSatisfy { $0.hasPrefix("view by_page") }, "shares has no limit: \(report.held)")
        #expect(report.text.contains("HELD, nothing is published") && report.text.contains("parallax batch publish \(report.run)"))
        #expect(try pipeline.value("SELECT run FROM parallax.published") == "\(published.run)")
        #expect(try pipeline.value("SELECT state FROM parallax.run WHERE run_id = \(report.run)") == "held")
        // Readers see what they saw: the earlier publication, and live rows.
        #expect(try pipeline.servedRows("by_page") != before)
        let lines = try pipeline.servedRows("by_page")
        try speed.flush()
        #expect(try pipeline.servedRows("by_page") == lines)

        // No other run, and no revert, takes the ground from under it.
        let refused = #expect(throws: ParallaxError.self) { try pipeline.run(full: true) }
        #expect(refused?.code == .busy && refused?.isRetriable == false)
        #expect(refused?.hint == "publish it: parallax batch publish \(report.run); or throw it away: parallax batch discard \(report.run)")
        let source = try pipeline.catalog.source(named: "page_view")
        #expect(throws: ParallaxError.self) { try pipeline.catalog.revert(source: source, to: RunNumber(published.run)) { _ in } }
        #expect(try pipeline.catalog.status().first?.heldRun?.number == RunNumber(report.run))

        _ = try pipeline.catalog.publishHeld(RunNumber(report.run)) { connection throws(ParallaxError) in
            _ = try ServingViews.refresh(connection)
        }
        #expect(try pipeline.value("SELECT run FROM parallax.published") == "\(report.run)")
        try pipeline.expectServedEqualsOracle("published by hand")
        #expect(try pipeline.catalog.status().first?.heldRun == nil)
        let twice = #expect(throws: ParallaxError.self) { try pipeline.catalog.publishHeld(RunNumber(report.run)) { _ in } }
        #expect(twice?.message.contains("is not held: it is published") == true)
        // The next one begins where it ended.
        speed.leavesOut = { _, _ in false }
        #expect(try run(pipeline, speed).held.isEmpty)
        try pipeline.expectServedEqualsOracle("the run after")
    }

    /// Two pipelines with the same traffic: one whose run is held and published by hand, one whose run is not. What they leave is the same.
    @Test func whatFollowsAPublicationByHandIsWhatFollowsAnyOther() throws {
        func leftovers(heldAt limitOfDrift: Double?) throws -> [String] {
            let pipeline = try Pipeline(partitions: 1, views: [("by_page", Pipeline.byPage)])
            pipeline.settings.keptPublications = 1
            pipeline.settings.trimsLog = true
            pipeline.settings.keptLogOffsets = 100
            let speed = try HandSpeed(pipeline)
            var traffic = Traffic(seed: 54)
            traffic.isTidy = true
            for _ in 0..<2 {
                try traffic.produce(1_300, into: pipeline.log)
                try speed.flush()
                #expect(try run(pipeline, speed).held.isEmpty)
            }
            let trimmed = try pipeline.log.bounds(of: Partition(0)).lowerBound
            speed.leavesOut = { batch, row in batch.offsets[row] % 7 == 0 }
            try limit(pipeline, "by_page", to: limitOfDrift)
            try traffic.produce(1_300, into: pipeline.log)
            // A run looks at the newest event times when it begins, a publication by hand when it is made: here both see the same.
            try speed.flush()
            let report = try run(pipeline, speed)
            #expect(report.held.isEmpty == (limitOfDrift == nil), "\(report.held)")
            if limitOfDrift != nil {
                let (source, failures) = try HeldRun(RunNumber(report.run), pipeline.catalog).publish(
                    settings: pipeline.settings, openLog: { _ throws(ParallaxError) in pipeline.log },
                    refreshServing: { connection throws(ParallaxError) in _ = try ServingViews.refresh(connection) })
                #expect(source.name == "page_view" && failures.isEmpty, "\(failures)")
            }
            let table = try pipeline.batchTable("by_page")
            let bounds = try pipeline.log.bounds(of: Partition(0))
            #expect(bounds.lowerBound > trimmed, "the log was not trimmed")
            let sketches = try pipeline.rows("SELECT window_start, count(*), count(m1_h) FROM \(table) GROUP BY window_start ORDER BY 1")
            return sketches + [
                "\(bounds)", try pipeline.value("SELECT string_agg(run_id::text, ' ') FROM parallax.publication"),
                try pipeline.value("SELECT string_agg(DISTINCT slice::text, ' ') FROM parallax.boundary"),
                try pipeline.value("SELECT count(*) FROM parallax.touched_window"),
                try pipeline.value("SELECT count(*) FROM \(try pipeline.tables("by_page").speedTable)"),
            ]
        }
        let byHand = try leftovers(heldAt: 0.01)
        let found = difference(byHand, try leftovers(heldAt: nil))
        #expect(found == nil, "\(found ?? "")")
        #expect(byHand.contains { $0.hasSuffix("0") }, "no window has lost its sketches: \(byHand)")
    }

    /// It is published all the same: a log that is away, or another one, is not trimmed, and that is said.
    @Test func aLogThatCannotBeTrimmedKeepsNoRunFromBeingPublished() throws {
        let (pipeline, speed, _) = try drifting()
        pipeline.settings.trimsLog = true
        pipeline.settings.keptLogOffsets = 0
        let held = try run(pipeline, speed)
        let before = try pipeline.log.bounds(of: Partition(0))
        let (_, failures) = try HeldRun(RunNumber(held.run), pipeline.catalog).publish(
            settings: pipeline.settings,
            openLog: { _ throws(ParallaxError) -> any EventLog in
                let other = MemoryLog(partitions: 2)
                try other.append((0..<500).map { _ in NewRecord(key: nil, payload: Array("{}".utf8)) }, to: Partition(0))
                return other
            },
            refreshServing: { connection throws(ParallaxError) in _ = try ServingViews.refresh(connection) })
        #expect(failures.map(\.code) == [.anotherLog], "\(failures)")
        #expect(try pipeline.value("SELECT run FROM parallax.published") == "\(held.run)")
        #expect(try pipeline.log.bounds(of: Partition(0)) == before)
        try pipeline.expectServedEqualsOracle("published by hand")
    }

    @Test func aDiscardedRunLeavesNoRowsAndTheNextIsJudgedAnew() throws {
        let (pipeline, speed, published) = try drifting()
        let held = try run(pipeline, speed)
        #expect(!held.held.isEmpty)
        let table = try pipeline.batchTable("by_page")
        #expect(try pipeline.value("SELECT count(*) > 0 FROM \(table) WHERE from_run = \(held.run)") == "t")
        _ = try pipeline.catalog.discardHeld(RunNumber(held.run))
        #expect(try pipeline.value("SELECT count(*) FROM \(table) WHERE from_run = \(held.run) OR until_run = \(held.run)") == "0")
        #expect(try pipeline.value("SELECT state FROM parallax.run WHERE run_id = \(held.run)") == "discarded")
        #expect(try pipeline.value("SELECT run FROM parallax.published") == "\(published.run)")

        let again = try run(pipeline, speed)
        #expect(!again.held.isEmpty)
        _ = try HeldRun(RunNumber(again.run), pipeline.catalog).discard()
        try limit(pipeline, "by_page", to: 0.9)
        #expect(try run(pipeline, speed).held.isEmpty)
        try pipeline.expectServedEqualsOracle("the limit was raised")
    }

    /// Expressions over measures are compared, too; an exact layer has none, so that '0%' holds nothing.
    @Test func expressionsOverMeasuresAreCompared() throws {
        let (pipeline, speed, _) = try drifting()
        try limit(pipeline, "by_page", to: nil)
        try limit(pipeline, "shares", to: 0)
        let report = try run(pipeline, speed)
        let drift = try #require(report.views.first { $0.view == "shares" }?.drift)
        #expect(drift.map(\.output) == ["n", "mean", "page", "filled"])
        #expect(drift.allSatisfy { $0.groups > 0 })
        // Means do not add up.
        #expect(drift[1].differing > 0 && drift[1].mergedTotal == nil && drift[0].mergedTotal != nil && drift[1].share ?? 0 > 0)
        // A text has no total: the share of groups.
        #expect(drift[2].mergedTotal == nil && drift[2].share == Double(drift[2].differing + drift[2].onlyBatch) / Double(drift[2].groups))
        #expect(report.held.contains { $0.hasPrefix("view shares, mean: drift") })
        _ = try pipeline.catalog.discardHeld(RunNumber(report.run))

        let exact = try Pipeline(partitions: 1, views: [("shares", Self.shares)])
        let exactSpeed = try HandSpeed(exact)
        try limit(exact, "shares", to: 0)
        var traffic = Traffic(seed: 52)
        traffic.isTidy = true
        for _ in 0..<3 {
            try traffic.produce(100, into: exact.log)
            let report = try run(exact, exactSpeed)
            #expect(report.held.isEmpty && report.views[0].drift.count == 4 && report.views[0].drift.allSatisfy { $0.share == 0 })
        }
    }

    /// What raises an error in PostgreSQL for some group does so for readers; the run goes on and says so.
    @Test func anExpressionThatFailsIsAWarningAndHavingKeepsItFromGroupsThatItHides() throws {
        let failing = "SELECT page, count(*) AS n, sum(amount) / (count(*) - count(*)) AS never FROM page_view GROUP BY page"
        let guarded = """
            SELECT page, count(*) AS n, 1.0 / count(amount) AS filled FROM page_view GROUP BY page HAVING count(amount) > 0
            """
        let pipeline = try Pipeline(partitions: 1, views: [("failing", failing), ("guarded", guarded)])
        let speed = try HandSpeed(pipeline)
        try pipeline.log.append(
            ["a", "b"].map { page in
                NewRecord(
                    key: nil,
                    payload: Array(
                        #"{"event_id":"\#(page)","event_time":"2024-01-01T00:00:00Z","page":"\#(page)"\#(page == "a" ? ",\"amount\":1" : "")}"#
                            .utf8))
            }, to: Partition(0))
        let report = try run(pipeline, speed)
        #expect(report.warnings == ["drift of failing.never not computed: division by zero"])
        #expect(report.views.first { $0.view == "failing" }?.drift.map(\.output) == ["n"])
        #expect(report.views.first { $0.view == "guarded" }?.drift.map(\.output) == ["n", "filled"])
        #expect(try pipeline.value("SELECT run FROM parallax.published") == "\(report.run)")
    }
}
