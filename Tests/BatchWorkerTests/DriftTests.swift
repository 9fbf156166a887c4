import BatchLayer
import ParallaxCore
import Testing

@testable import BatchWorker

@Suite struct DriftTests {
    private func run(_ pipeline: Pipeline, _ speed: HandSpeed, full: Bool = false) throws -> RunReport {
        try pipeline.worker(observe: once(.waiting) { () throws(ParallaxError) in try speed.flush() }).run(source: "page_view", full: full)
    }

    /// I4: over the same records, an exact speed layer has no drift at all.
    @Test(arguments: [1, 3]) func I4_anExactSpeedLayerHasNone(partitions: Int) throws {
        let pipeline = try Pipeline(partitions: partitions)
        let speed = try HandSpeed(pipeline)
        var traffic = Traffic(seed: 21)
        traffic.isTidy = true
        for (round, count) in [300, 200, 0, 250].enumerated() {
            try traffic.produce(count / 2, into: pipeline.log)
            try speed.flush()
            try traffic.produce(count - count / 2, into: pipeline.log)
            // Live rows above the cut, before the comparison: they are on neither side.
            let report = try pipeline.worker(observe: { (progress) throws(ParallaxError) in
                if progress.phase == .waiting { try speed.flush() }
                if progress.phase == .archiving, progress.records == 0 {
                    try? traffic.produce(20, into: pipeline.log)
                    try speed.flush()
                }
            }).run(source: "page_view", full: round == 3)
            for view in report.views {
                for drift in view.drift {
                    #expect(
                        drift.differing == 0 && drift.onlyMerged == 0 && drift.onlyBatch == 0 && drift.maxDifference == nil,
                        "round \(round), \(view.view): \(drift)")
                    #expect(drift.mergedTotal == drift.batchTotal)
                }
                #expect(view.drift.map(\.output).isEmpty == false)
            }
            #expect(report.skippedRecords == 0)
            try pipeline.expectServedEqualsOracle("round \(round)")
        }
        // History that neither layer touched is not compared again.
        let groups = try pipeline.connection.query("SELECT groups FROM parallax.drift WHERE output = 'views' ORDER BY run_id").ints(0)
        #expect(groups.count == 4 && groups[2] < groups[0] / 2, "\(groups)")
    }

    /// I4: what a speed layer leaves out or counts twice comes back as drift, to the row: against the rows served before and after.
    @Test(arguments: [31, 32] as [UInt64]) func I4_driftIsWhatReadersSawChange(seed: UInt64) throws {
        let pipeline = try Pipeline(partitions: 2, views: [("by_page", Pipeline.byPage), ("totals", Pipeline.totals)])
        let speed = try HandSpeed(pipeline)
        var traffic = Traffic(seed: seed)
        try traffic.produce(300, into: pipeline.log)
        _ = try run(pipeline, speed)
        // Every seventh record is left out, copies count again.
        speed.leavesOut = { batch, row in batch.offsets[row] % 7 == 0 }
        speed.dropsDuplicates = false
        try traffic.produce(300, into: pipeline.log)

        var before: [String] = []
        let report = try pipeline.worker(observe: { (progress) throws(ParallaxError) in
            if progress.phase == .waiting { try speed.flush() }
            if progress.phase == .staging, before.isEmpty { before = Self.pageRows(pipeline) }
        }).run(source: "page_view", full: false)
        let after = Self.pageRows(pipeline)

        func counts(_ lines: [String]) -> [String: Double] {
            Dictionary(
                uniqueKeysWithValues: lines.map { line in
                    let parts = line.split(separator: "|", omittingEmptySubsequences: false)
                    return ("\(parts[0])|\(parts[1])", Double(parts[2]) ?? 0)
                })
        }
        let merged = counts(before)
        let batch = counts(after)
        let drift = try #require(report.views.first { $0.view == "by_page" }?.drift.first { $0.output == "views" })
        #expect(drift.differing == Int64(merged.filter { key, n in batch[key].map { $0 != n } ?? false }.count), "seed \(seed)")
        #expect(drift.onlyBatch == Int64(batch.keys.filter { merged[$0] == nil }.count))
        #expect(drift.onlyMerged == Int64(merged.keys.filter { batch[$0] == nil }.count))
        let largest = merged.compactMap { key, n in batch[key].map { abs($0 - n) } }.max()
        #expect(drift.maxDifference == largest)
        let difference = (drift.mergedTotal ?? 0) - (drift.batchTotal ?? 0)
        #expect(difference == merged.values.reduce(0, +) - batch.values.reduce(0, +))
        #expect(drift.differing > 0 && difference != 0)

        let total = try #require(report.views.first { $0.view == "totals" }?.drift.first { $0.output == "n" })
        #expect(total.groups == 1 && total.differing == 1 && (total.mergedTotal ?? 0) - (total.batchTotal ?? 0) == difference)
        #expect(
            try pipeline.value("SELECT differing FROM parallax.drift WHERE run_id = \(report.run) AND output = 'views'")
                == "\(drift.differing)")
        try pipeline.expectServedEqualsOracle("seed \(seed)")
    }

    private static func pageRows(_ pipeline: Pipeline) -> [String] { (try? pipeline.servedRows("by_page")) ?? [] }

    @Test func aGroupThatOnlyTheLiveViewHadIsCounted() throws {
        let pipeline = try Pipeline(partitions: 1, views: [("by_country", Pipeline.byCountry)])
        let speed = try HandSpeed(pipeline)
        var traffic = Traffic(seed: 33)
        traffic.isTidy = true
        try traffic.produce(50, into: pipeline.log)
        let table = try pipeline.tables("by_country").speedTable
        let report = try pipeline.worker(observe: { (progress) throws(ParallaxError) in
            guard progress.phase == .waiting else { return }
            try speed.flush()
            try speed.connection.execute(
                "INSERT INTO \(table) SELECT 1, pg_current_xact_id(), 'Atlantis', 1e300, 1, 5, 3 WHERE NOT EXISTS (SELECT FROM \(table) WHERE g0 = 'Atlantis')"
            )
        }).run(source: "page_view", full: false)
        let drift = try #require(report.views[0].drift.first { $0.output == "n" })
        #expect(drift.onlyMerged == 1 && drift.differing == 0 && drift.onlyBatch == 0)
        let score = try #require(report.views[0].drift.first { $0.output == "score" })
        #expect(score.mergedTotal == 1e300 && score.onlyMerged == 1)
        try pipeline.expectServedEqualsOracle("the group is gone")
    }

    @Test func recordsThatTheSpeedLayerNeverReadAreNotComparedButCounted() throws {
        let pipeline = try Pipeline(partitions: 2)
        var traffic = Traffic(seed: 34)
        try traffic.produce(100, into: pipeline.log)
        let down = try pipeline.run()
        #expect(down.skippedRecords == 100 && down.views.allSatisfy { $0.drift.isEmpty })
        #expect(down.text.contains("never read 100"))
        #expect(try pipeline.value("SELECT count(*) FROM parallax.drift") == "0")

        let speed = try HandSpeed(pipeline)
        #expect(speed.positions.reduce(0, +) == 100)
        traffic.isTidy = true
        try traffic.produce(60, into: pipeline.log)
        let up = try run(pipeline, speed)
        #expect(up.skippedRecords == 0)
        #expect(up.views.allSatisfy { view in !view.drift.isEmpty && view.drift.allSatisfy { $0.differing == 0 && $0.onlyBatch == 0 } })
    }
}
