import Catalog
import ParallaxCore
import TestSupport
import Testing

@testable import BatchWorker

/// PostgreSQL refuses what a run computed for a view: a constraint on its table stands for whatever it may refuse rows for.
@Suite struct RefusedRowsTests {
    private static let changed = Pipeline.byPage.replacing("count(score) AS scores", with: "count(score) + 1 AS scores")

    private func refusing() throws -> (Pipeline, Traffic) {
        let pipeline = try Pipeline(partitions: 2, views: [("by_page", Pipeline.byPage), ("totals", Pipeline.totals)])
        var traffic = Traffic(seed: 61)
        try traffic.produce(200, into: pipeline.log)
        try pipeline.run()
        try pipeline.connection.execute(
            "ALTER TABLE \(try pipeline.batchTable("by_page")) ADD CONSTRAINT refused CHECK (from_run <= 1)")
        try traffic.produce(200, into: pipeline.log)
        return (pipeline, traffic)
    }

    /// The run names the view, in its error and in the catalog; what was published is served on.
    private func expectRefused(_ pipeline: Pipeline) throws {
        let error = #expect(throws: ParallaxError.self) { try pipeline.run() }
        #expect(error?.message.contains("PostgreSQL refuses the rows of view \"by_page\"") == true, "\(String(describing: error))")
        #expect(error?.message.contains("refused") == true && error?.hint == ViewTrouble.hint)
        #expect(try pipeline.catalog.viewTroubles().map { [$0.view, $0.layer.rawValue] } == [["by_page", "batch"]])
        #expect(try pipeline.value("SELECT run FROM parallax.published") == "1")
    }

    @Test func withoutTheViewRunsGoOn() throws {
        let (pipeline, _) = try refusing()
        try expectRefused(pipeline)
        try expectRefused(pipeline)
        try pipeline.apply([("totals", Pipeline.totals)])
        try pipeline.run()
        #expect(try pipeline.catalog.viewTroubles().isEmpty)
        try pipeline.expectServedEqualsOracle("without the view")
    }

    /// The version that is served cannot be written any more: the run of the one that takes its place leaves it out.
    @Test func aVersionThatTakesItsPlaceIsPublished() throws {
        let (pipeline, _) = try refusing()
        try expectRefused(pipeline)
        try pipeline.apply([("by_page", Self.changed), ("totals", Pipeline.totals)])
        try pipeline.run()
        #expect(try pipeline.catalog.viewTroubles().isEmpty)
        try pipeline.expectServedEqualsOracle("another version")
    }

    @Test func whatIsMendedGoesOnByItself() throws {
        let (pipeline, _) = try refusing()
        try expectRefused(pipeline)
        try pipeline.connection.execute("ALTER TABLE \(try pipeline.batchTable("by_page")) DROP CONSTRAINT refused")
        try pipeline.run()
        #expect(try pipeline.catalog.viewTroubles().isEmpty)
        try pipeline.expectServedEqualsOracle("mended")
    }
}
