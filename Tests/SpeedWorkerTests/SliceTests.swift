import Catalog
import ParallaxCore
import Postgres
import SpeedLayer
import TestSupport
import Testing

@testable import SpeedWorker

/// A slice's rows and its boundaries say the same, whenever somebody asks for a new one.
@Suite struct SliceTests {
    private static let counting = """
        CREATE MATERIALIZED VIEW counted AS SELECT page, count(*) AS n FROM page_view GROUP BY page;
        """

    /// Only events, each once: so that rows count records.
    private static func plainTraffic(seed: UInt64, partitions: Int) -> Traffic {
        var traffic = Traffic(seed: seed, partitions: partitions)
        traffic.copies = 0
        traffic.malformed = 0
        return traffic
    }

    /// By slice: the records between its boundaries, and those in its rows.
    private static let bySlice = """
        SELECT s.slice, (SELECT sum(coalesce(e.first_offset, p.next_offset) - b.first_offset)
                         FROM parallax.boundary b JOIN parallax.partition_position p USING (source_id, partition)
                         LEFT JOIN parallax.boundary e ON e.partition = b.partition AND e.slice = b.slice + 1
                         WHERE b.slice = s.slice) = (SELECT coalesce(sum(m0_n), 0) FROM speed.TABLE r WHERE r.slice = s.slice)
        FROM generate_series(FIRST, (SELECT requested_slice FROM parallax.source)) s (slice)
        """

    @Test(arguments: 61..<64 as Range<UInt64>)
    func I4_rowsOfASliceAreTheRecordsBetweenItsBoundaries(seed: UInt64) throws {
        let fixture = try Fixture(partitions: 3, definitions: [Fixture.source, Self.counting])
        var random = SeededGenerator(seed: seed)
        var traffic = Self.plainTraffic(seed: seed, partitions: 3)
        let running = RunningWorker(fixture.worker())
        var appended = 0
        for _ in 0..<12 {
            let count = Int.random(in: 0...150, using: &random)
            try traffic.append(count, to: fixture.log)
            appended += count
            let slice = try fixture.withCatalog { try $0.requestSlice(source: $1) }
            if Bool.random(using: &random) {
                try waitFor("the boundaries of slice \(slice)") {
                    try fixture.value("SELECT count(*) FROM parallax.boundary WHERE slice = \(slice)") == "3"
                }
            }
        }
        try running.stop()
        _ = try fixture.catchUp(2)
        let lines = try fixture.rows(Self.bySlice.replacing("TABLE", with: "counted_1").replacing("FIRST", with: "1"))
        #expect(lines.count == 13 && lines.allSatisfy { $0.hasSuffix("|t") }, "seed \(seed): \(lines)")
        #expect(try fixture.value("SELECT sum(m0_n) FROM speed.counted_1") == "\(appended)")
        #expect(try fixture.value("SELECT count(*) FROM parallax.boundary WHERE processed_until <> first_offset") == "0")
    }

    /// A slice is closed also where nothing comes in.
    @Test func anIdleWorkerFollowsARequestedSlice() throws {
        let fixture = try Fixture(partitions: 2)
        let running = RunningWorker(fixture.worker())
        try waitFor("both partitions") { running.statistics.partitionsOwned == 2 }
        let slice = try fixture.withCatalog { try $0.requestSlice(source: $1) }
        try waitFor("its boundaries") { try fixture.value("SELECT count(*) FROM parallax.boundary WHERE slice = \(slice)") == "2" }
        try running.stop()
        #expect(try fixture.value("SELECT min(slice), max(slice) FROM parallax.partition_position") == "2|2")
    }

    /// A view that is defined while records flow is complete from its first slice on, and holds nothing of earlier ones.
    @Test(arguments: 71..<73 as Range<UInt64>)
    func aViewDefinedWhileRecordsFlowJoinsAtASliceBoundary(seed: UInt64) throws {
        let fixture = try Fixture(partitions: 3)
        var traffic = Self.plainTraffic(seed: seed, partitions: 3)
        let running = RunningWorker(fixture.worker())
        try traffic.append(400, to: fixture.log)
        try waitFor("the first records") { running.statistics.counts.records > 0 }
        try fixture.apply([Fixture.source, Fixture.traffic, Fixture.totals, Self.counting])
        #expect(
            try fixture.value(
                "SELECT first_slice FROM parallax.view_version v JOIN parallax.view w USING (view_id) WHERE w.name = 'counted'") == "2")
        try traffic.append(400, to: fixture.log)
        try waitFor("all records") { running.statistics.counts.records == 800 }
        _ = try fixture.withCatalog { try $0.requestSlice(source: $1) }
        try traffic.append(100, to: fixture.log)
        try waitFor("the rest") { running.statistics.counts.records == 900 }
        try running.stop()
        _ = try fixture.catchUp(2)
        let lines = try fixture.rows(Self.bySlice.replacing("TABLE", with: "counted_3").replacing("FIRST", with: "2"))
        #expect(lines.count == 2 && lines.allSatisfy { $0.hasSuffix("|t") }, "seed \(seed): \(lines)")
        #expect(try fixture.value("SELECT count(*) FROM speed.counted_3 WHERE slice < 2") == "0")
        try fixture.expectEqualToOracle("the views that were there before")
    }

    /// The tables of a dropped view go away between two flushes, or in the middle of one.
    @Test(arguments: 81..<84 as Range<UInt64>)
    func viewsThatComeAndGoDoNotDisturbTheOthers(seed: UInt64) throws {
        let fixture = try Fixture(partitions: 2)
        var random = SeededGenerator(seed: seed)
        var traffic = Traffic(seed: seed, partitions: 2)
        let running = RunningWorker(fixture.worker())
        for round in 0..<12 {
            try traffic.append(Int.random(in: 10...120, using: &random), to: fixture.log)
            try fixture.apply([Fixture.source, Fixture.traffic, Fixture.totals] + (round.isMultiple(of: 2) ? [Self.counting] : []))
            let records = running.statistics.flushes
            try traffic.append(20, to: fixture.log)
            try waitFor("another flush") { running.statistics.flushes > records }
        }
        // The clean-up after a run drops tables without holding the workers back.
        try fixture.apply([Fixture.source, Fixture.traffic, Fixture.totals, Self.counting])
        try traffic.append(500, to: fixture.log)
        try fixture.withCatalog { catalog, source in
            let version = try #require(try catalog.versions(ofSource: source).last { $0.viewName == "counted" })
            try catalog.connection.transaction { () throws(ParallaxError) in
                try catalog.connection.execute("DROP TABLE speed.\(version.stateTable), batch.\(version.stateTable)")
                try catalog.connection.execute("DELETE FROM parallax.view_version WHERE version_id = \(version.id)")
            }
        }
        try running.stop()
        _ = try fixture.catchUp(2)
        try fixture.expectEqualToOracle("seed \(seed)")
    }

    /// Another schema for the source: its records are decoded with the new one for the new versions of its views, and with the old one for those
    /// that are served until a run has published the new ones. The new column comes first, so that every other gets another number.
    @Test func aSourceThatGainsAColumnGoesOn() throws {
        let fixture = try Fixture(partitions: 2)
        var traffic = Traffic(seed: 91, partitions: 2)
        let running = RunningWorker(fixture.worker())
        try traffic.append(300, to: fixture.log)
        try waitFor("the first records") { running.statistics.counts.records == 300 }
        let wider = Fixture.source.replacing("event_id text,", with: "campaign bigint, event_id text,")
        let byCampaign = "CREATE MATERIALIZED VIEW campaigns AS SELECT campaign, count(*) AS n FROM page_view GROUP BY campaign;"
        try fixture.apply([wider, Fixture.traffic, Fixture.totals, byCampaign])
        try waitFor("the new slice") {
            try fixture.value(
                "SELECT min(slice) = max(requested_slice) FROM parallax.partition_position JOIN parallax.source USING (source_id)") == "t"
        }
        try fixture.log.append(
            [NewRecord(key: nil, payload: Array(#"{"event_id":"c","event_time":"2024-01-01T00:00:00Z","page":"/","campaign":77}"#.utf8))],
            to: Partition(0))
        try traffic.append(300, to: fixture.log)
        try waitFor("all records") { running.statistics.counts.records == 601 }
        try running.stop()
        _ = try fixture.catchUp(2)
        let table = try fixture.withCatalog { catalog, source in
            try #require(try catalog.versions(ofSource: source).first { $0.viewName == "campaigns" }).stateTable
        }
        #expect(try fixture.value("SELECT m0_n FROM speed.\(table) WHERE g0 = 77") == "1")
        try fixture.expectEqualToOracle("after the change")
    }
}
