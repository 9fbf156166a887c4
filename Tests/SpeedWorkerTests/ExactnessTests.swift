import Catalog
import ParallaxCore
import Postgres
import SpeedLayer
import TestSupport
import Testing

@testable import SpeedWorker

/// I1: whatever happens to workers and connections, the live views equal PostgreSQL's own answer over the raw records.
@Suite struct ExactnessTests {
    @Test(arguments: [1, 3, 8], [11, 12] as [UInt64])
    func I1_theLiveViewsEqualTheOracle(partitions: Int, seed: UInt64) throws {
        let fixture = try Fixture(partitions: partitions)
        var traffic = Traffic(seed: seed, partitions: partitions)
        try traffic.append(3_000, to: fixture.log)
        let statistics = try fixture.catchUp()
        #expect(statistics.counts.records == 3_000, "seed \(seed)")
        #expect(statistics.counts.duplicates > 0 && statistics.counts.rejected > 0 && statistics.counts.late == 0)
        try fixture.expectEqualToOracle("seed \(seed)")
        #expect(
            try fixture.value("SELECT sum(events), sum(late), sum(duplicates), sum(next_offset) FROM parallax.partition_position")
                == "\(statistics.counts.events)|0|\(statistics.counts.duplicates)|3000")
        #expect(try fixture.value("SELECT count(owner) FROM parallax.partition_position") == "0", "given back")
    }

    /// Sketches are upserted too. Up to some hundred values they are exact, beyond that within their error (0.8 % at 2^14 registers).
    @Test func sketchesOfManyFlushesAreTheSketchOfTheWhole() throws {
        let people = """
            CREATE MATERIALIZED VIEW people AS
            SELECT page, count(DISTINCT visitor) AS visitors, count(DISTINCT event_id) AS ids, count(*) AS n FROM page_view GROUP BY page;
            """
        let fixture = try Fixture(partitions: 2, definitions: [Fixture.source, people])
        var traffic = Traffic(seed: 15, partitions: 2)
        try traffic.append(4_000, to: fixture.log)
        var settings = Fixture.settings
        settings.rules.limits.recordsPerFlush = 500
        #expect(try fixture.catchUp(settings: settings).flushes >= 8)
        #expect(try fixture.value("SELECT count(*) FROM serving.people") == "8")
        #expect(
            try fixture.value("SELECT bool_and(visitors = 50 AND NOT is_exact AND abs(ids - n) <= 0.03 * n) FROM serving.people") == "t")
    }

    /// Copies across the restart are dropped too: the horizon is warmed up.
    @Test(arguments: 21..<24 as Range<UInt64>)
    func I1_workersThatComeAndGoLoseAndRepeatNothing(seed: UInt64) throws {
        let fixture = try Fixture(partitions: 3)
        var random = SeededGenerator(seed: seed)
        var traffic = Traffic(seed: seed, partitions: 3)
        traffic.copies = 25
        var settings = Fixture.settings
        for life in 0..<8 {
            try traffic.append(Int.random(in: 1...400, using: &random), to: fixture.log)
            settings.rules.limits.recordsPerFlush = Int.random(in: 1...200, using: &random)
            settings.rules.limits.groupsPerFlush = Int.random(in: 1...50, using: &random)
            #expect(try fixture.catchUp(life, settings: settings).stopped.isEmpty)
        }
        try fixture.expectEqualToOracle("seed \(seed)")
    }

    /// Connections are cut at random moments, flushes and commits among them.
    @Test(arguments: 31..<34 as Range<UInt64>)
    func I1_connectionsCutInTheMiddleOfFlushesLoseAndRepeatNothing(seed: UInt64) throws {
        let fixture = try Fixture(partitions: 2)
        var random = SeededGenerator(seed: seed)
        var traffic = Traffic(seed: seed, partitions: 2)
        let running = RunningWorker(fixture.worker())
        let killer = try Connection(fixture.dsn)
        var cuts = 0
        for _ in 0..<30 {
            try traffic.append(Int.random(in: 20...120, using: &random), to: fixture.log)
            for _ in 0..<Int.random(in: 0...3, using: &random) {
                let cut = try killer.query(
                    """
                    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                    WHERE datname = current_database() AND application_name = 'parallax speed' AND ($1 OR state <> 'idle')
                    """, [.bool(Bool.random(using: &random))])
                cuts += cut.rows.count
            }
            let flushes = running.statistics.flushes
            try waitFor("another flush") { running.statistics.flushes > flushes }
        }
        try running.stop()
        _ = try fixture.catchUp(2)
        #expect(cuts > 0 && running.statistics.reconnections > 0)
        try fixture.expectEqualToOracle("seed \(seed), \(cuts) connections cut")
    }

    /// A stop writes what has been read, and gives the partitions back.
    @Test func aStoppedWorkerLeavesNothingBehind() throws {
        let fixture = try Fixture()
        var traffic = Traffic(seed: 5, partitions: 1)
        try traffic.append(500, to: fixture.log)
        var settings = Fixture.settings
        settings.rules.flushInterval = .seconds(3_600)
        let running = RunningWorker(fixture.worker(settings: settings))
        try waitFor("the first flush") { running.statistics.flushes == 1 }
        try traffic.append(200, to: fixture.log)
        // Nothing is flushed for an hour; but what was read before the stop is.
        try running.stop()
        #expect(try fixture.value("SELECT count(*) FROM parallax.worker") == "0")
        #expect(try fixture.value("SELECT count(owner) FROM parallax.partition_position") == "0")
        _ = try fixture.catchUp(2)
        try fixture.expectEqualToOracle("after a stop")
    }

    /// The clock starts when the worker does: a task waits for a thread of Swift's pool first, which other suites' blocking tests may hold for as long as
    /// they like.
    @Test func theTaskThatRunsAWorkerStopsItWhenItIsCancelled() async throws {
        let fixture = try Fixture()
        var traffic = Traffic(seed: 6, partitions: 1)
        try traffic.append(300, to: fixture.log)
        let (started, start) = AsyncStream.makeStream(of: Void.self)
        let worker = fixture.worker(onOpenLog: { start.finish() })
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await worker.run() }
            for await _ in started {}
            try await onOwnThread(name: "wait") { try waitFor("all records") { worker.statistics.counts.records == 300 } }
            group.cancelAll()
            try await group.waitForAll()
        }
        try await onOwnThread(name: "judge") { try fixture.expectEqualToOracle("after a cancellation") }
    }
}
