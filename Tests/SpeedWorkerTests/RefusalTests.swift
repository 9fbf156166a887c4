import Catalog
import ParallaxCore
import Postgres
import TestSupport
import Testing

@testable import SpeedWorker

/// PostgreSQL refuses a view's rows: a constraint on its state table stands for whatever it may refuse them for.
@Suite struct RefusalTests {
    private static let other = Fixture.source.replacing("page_view", with: "other")
    private static let others = Fixture.totals.replacing("page_view", with: "other").replacing("totals", with: "others")

    private func table(_ fixture: Fixture, _ view: String) throws -> String {
        let name = try fixture.value(
            """
            SELECT quote_ident(v.state_table) FROM parallax.view_version v JOIN parallax.view w USING (view_id)
            WHERE w.name = '\(view)' ORDER BY version_id DESC LIMIT 1
            """)
        return "speed.\(name)"
    }

    private func refusePoison(_ fixture: Fixture) throws {
        try fixture.execute("ALTER TABLE \(try table(fixture, "totals")) ADD CONSTRAINT no_poison CHECK (g0 <> '/poison')")
    }

    /// Its source waits, with the reason in the catalog and the worker's statistics; the other source goes on. Without the view everything goes on,
    /// and nothing was lost.
    @Test func I7_aViewWhoseRowsAreRefusedHoldsUpItsSourceAndIsNamed() throws {
        let fixture = try Fixture(definitions: [Fixture.source, Fixture.traffic, Fixture.totals, Self.other, Self.others])
        try refusePoison(fixture)
        let running = RunningWorker(fixture.worker())
        try fixture.log.append((0..<50).map { event("a\($0)", at: "2024-01-01T00:00:00Z", page: "/") }, to: Partition(0))
        try waitFor("both sources") { running.statistics.counts.records == 100 }
        #expect(running.statistics.refused.isEmpty)

        try fixture.log.append([event("p", at: "2024-01-01T00:00:01Z", page: "/poison")], to: Partition(0))
        try waitFor("the refusal") { !running.statistics.refused.isEmpty }
        let said = try #require(running.statistics.refused["page_view"])
        #expect(
            said.message.contains("PostgreSQL refuses the live rows of view \"totals\"") && said.message.contains("no_poison"), "\(said)")
        #expect(said.hint == ViewTrouble.hint)
        let troubles = try fixture.withCatalog { catalog, _ in try catalog.viewTroubles() }
        #expect(troubles.map { [$0.source, $0.view, $0.layer.rawValue] } == [["page_view", "totals", "speed"]])
        #expect(troubles[0].problem.contains("no_poison"))

        // The other source is not held up, and this one gives nothing that is not whole.
        try fixture.log.append((0..<50).map { event("b\($0)", at: "2024-01-01T00:00:02Z", page: "/") }, to: Partition(0))
        try waitFor("the other source") { try fixture.value("SELECT sum(views) FROM serving.others") == "101" }
        #expect(try fixture.value("SELECT sum(views) FROM serving.traffic") == "50")

        try fixture.apply([Fixture.source, Fixture.traffic, Self.other, Self.others])
        try waitFor("the source") { try fixture.value("SELECT sum(views) FROM serving.traffic") == "101" }
        try waitFor("a clean catalog") { try fixture.withCatalog { catalog, _ in try catalog.viewTroubles() }.isEmpty }
        #expect(running.statistics.refused.isEmpty)
        try running.stop()
    }

    /// Somebody mends what PostgreSQL refuses: no command is needed.
    @Test func whatIsMendedGoesOnByItself() throws {
        let fixture = try Fixture()
        try refusePoison(fixture)
        try fixture.log.append([event("p", at: "2024-01-01T00:00:01Z", page: "/poison")], to: Partition(0))
        let running = RunningWorker(fixture.worker())
        try waitFor("the refusal") { !running.statistics.refused.isEmpty }
        try fixture.execute("ALTER TABLE \(try table(fixture, "totals")) DROP CONSTRAINT no_poison")
        try waitFor("the record") { running.statistics.counts.records == 1 }
        #expect(running.statistics.refused.isEmpty && running.statistics.hasSettled)
        #expect(try fixture.withCatalog { catalog, _ in try catalog.viewTroubles() }.isEmpty)
        try running.stop()
        try fixture.expectEqualToOracle("mended")
    }

    /// A run asks for the end of the slice while the source waits: it gets it.
    @Test func aSourceThatWaitsClosesSlices() throws {
        let fixture = try Fixture()
        try refusePoison(fixture)
        try fixture.log.append([event("p", at: "2024-01-01T00:00:01Z", page: "/poison")], to: Partition(0))
        let running = RunningWorker(fixture.worker())
        try waitFor("the refusal") { !running.statistics.refused.isEmpty }
        try fixture.withCatalog { catalog, source in
            let slice = try catalog.requestSlice(source: source)
            try waitFor("the boundary") {
                try fixture.value("SELECT first_offset FROM parallax.boundary WHERE slice = \(slice) AND partition = 0") == "0"
            }
        }
        try running.stop()
    }

    /// Its state table is gone: no waiting for others heals that, and the worker lives on.
    @Test func aDroppedStateTableEndsNoWorker() throws {
        let fixture = try Fixture(definitions: [Fixture.source, Fixture.traffic, Fixture.totals, Self.other, Self.others])
        var settings = Fixture.settings
        settings.maximumConflicts = 3
        try fixture.execute("ALTER TABLE \(try table(fixture, "totals")) RENAME TO elsewhere")
        try fixture.log.append([event("a", at: "2024-01-01T00:00:01Z", page: "/")], to: Partition(0))
        let running = RunningWorker(fixture.worker(settings: settings))
        try waitFor("the refusal") { running.statistics.refused["page_view"] != nil }
        try waitFor("the other source") { try fixture.value("SELECT sum(views) FROM serving.others") == "1" }
        try fixture.execute("ALTER TABLE speed.elsewhere RENAME TO \(String(try table(fixture, "totals").dropFirst("speed.".count)))")
        try waitFor("both") { running.statistics.counts.records == 2 }
        try running.stop()
    }

    @Test func whoWaitsForTheEndIsTold() throws {
        let fixture = try Fixture()
        try refusePoison(fixture)
        try fixture.log.append([event("p", at: "2024-01-01T00:00:01Z", page: "/poison")], to: Partition(0))
        let error = #expect(throws: ParallaxError.self) { try fixture.catchUp() }
        #expect(
            error?.message.contains("live rows of view \"totals\"") == true && error?.isRetriable == false, "\(String(describing: error))")
    }
}
