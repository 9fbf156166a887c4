import BatchLayer
import Catalog
import ParallaxCore
import Testing

@testable import BatchWorker

/// What a run is computed from, and when that is suspiciously little.
@Suite struct InputTests {
    /// before, now, percent, whether the run is held.
    @Test(
        arguments: [
            (1_000, 1_000, 90, false), (1_000, 1_500, 90, false), (1_000, 900, 90, false), (1_000, 899, 90, true), (1_000, 0, 90, true),
            // A hundred are missing, or all.
            (500, 401, 90, false), (500, 400, 90, true), (50, 1, 90, false), (50, 0, 90, true), (0, 0, 90, false),
            // 0: nothing is too little. 100: nothing may go, but for fewer than a hundred.
            (1_000, 0, 0, false), (1_000, 901, 100, false), (1_000, 900, 100, true),
        ] as [(Int64, Int64, Int, Bool)])
    func aRunIsHeldBelowTheShare(before: Int64, now: Int64, percent: Int, isHeld: Bool) {
        #expect(InputCheck(before: before, now: now, minPercent: percent).isTooLittle == isHeld)
    }

    /// An incremental run derives it from its base, whatever copies come and wherever: with windows alone, and with views that new events are added to.
    @Test(arguments: [1, 3], [11, 12] as [UInt64])
    func everyPublicationSaysHowManyEventsItHas(partitions: Int, seed: UInt64) throws {
        for views in [[("by_page", Pipeline.byPage)], Pipeline.standard, [("by_country", Pipeline.byCountry)]] {
            let pipeline = try Pipeline(partitions: partitions, views: views)
            var traffic = Traffic(seed: seed)
            for round in 0..<4 {
                try traffic.produce(400, into: pipeline.log)
                let report = try pipeline.run()
                let distinct = Int64(try pipeline.oracle().counts().distinct)
                #expect(report.inputEvents == distinct, "seed \(seed), \(views.map(\.0)), run \(round)")
                #expect(try pipeline.value("SELECT input_events FROM parallax.publication WHERE run_id = \(report.run)") == "\(distinct)")
            }
            #expect(try pipeline.run(full: true).inputEvents == Int64(try pipeline.oracle().counts().distinct), "seed \(seed)")
        }
    }

    /// A database of before has no number: nothing is judged until a run over everything has counted.
    @Test func whatNobodyHasCountedIsNotJudged() throws {
        let pipeline = try Pipeline(partitions: 1, views: [("by_page", Pipeline.byPage)])
        var traffic = Traffic(seed: 13)
        traffic.isTidy = true
        try traffic.produce(300, into: pipeline.log)
        try pipeline.run()
        try pipeline.connection.execute("UPDATE parallax.publication SET input_events = NULL")
        try traffic.produce(10, into: pipeline.log)
        #expect(try pipeline.run().inputEvents == nil)
        #expect(try pipeline.run(full: true).inputEvents == 310)
    }

    /// Another archive in the place of the former, whose segments cover the same offsets: nothing else would say so.
    @Test func aRunOverLessHistoryIsHeldAndSaysWhatItMayBe() throws {
        let pipeline = try Pipeline(partitions: 1, views: [("by_page", Pipeline.byPage)])
        var traffic = Traffic(seed: 14)
        traffic.isTidy = true
        try traffic.produce(1_000, into: pipeline.log)
        let first = try pipeline.run()
        // As if the publication had been computed from more.
        try pipeline.connection.execute("UPDATE parallax.publication SET input_events = 1500")
        let held = try pipeline.run(full: true)
        let line = try #require(held.held.first)
        #expect(held.held.count == 1 && held.inputEvents == 1_000)
        #expect(
            line.hasPrefix(
                "source page_view: 1,000 events below this run's cut, where publication \(first.run) had 1,500 (batch.min_input_percent is 90); "
            ),
            "\(line)")
        #expect(line.contains("0 records are no event (then 0), 0 are copies, 0 offsets are given up"), "\(line)")
        #expect(try pipeline.value("SELECT run FROM parallax.published") == "\(first.run)")
        _ = try pipeline.catalog.discardHeld(RunNumber(held.run))
        pipeline.settings.minInputPercent = 0
        #expect(try pipeline.run(full: true).held.isEmpty)
        pipeline.settings.minInputPercent = 90
        // The number of now is the one that counts.
        #expect(try pipeline.run(full: true).held.isEmpty)
    }
}
