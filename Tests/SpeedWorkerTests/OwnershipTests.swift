import Catalog
import Logging
import ParallaxCore
import Postgres
import SpeedLayer
import TestSupport
import Testing

@testable import SpeedWorker

/// I5: who lost a partition writes nothing more.
@Suite struct OwnershipTests {
    /// A feed that has read and not yet written, and the session's connection.
    private func readingFeed(_ fixture: Fixture, worker: Int) throws -> (feed: SourceFeed, connection: Connection) {
        let connection = try Connection(fixture.dsn, applicationName: "parallax speed")
        var settings = Fixture.settings
        settings.rules.flushInterval = .seconds(3_600)
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let log = fixture.log
        let context = WorkerContext(
            id: Fixture.id(worker), dsn: fixture.dsn, openLog: { _ throws(ParallaxError) in log }, settings: settings, clock: SystemClock(),
            logger: logger, stop: StopSignal(), statistics: SharedStatistics())
        let feed = try SourceFeed(Catalog(connection).source(named: "page_view"), log: log, connection: connection, context: context)
        try feed.acquire()
        return (feed, connection)
    }

    @Test func I5_aZombiesFlushChangesNothing() throws {
        let fixture = try Fixture(partitions: 2)
        var traffic = Traffic(seed: 41, partitions: 2)
        let (zombie, connection) = try readingFeed(fixture, worker: 1)
        defer { connection.close() }
        try traffic.append(600, to: fixture.log)
        // Its first flush is due at once; what it reads after that stays in memory.
        _ = try zombie.step(isUrgent: false)
        try traffic.append(600, to: fixture.log)
        while try zombie.step(isUrgent: false) {}
        #expect(zombie.state.isDirty && zombie.flushes == 1)

        try fixture.withCatalog { catalog, source in
            let stolen = try catalog.acquirePartitions(source: source, worker: Fixture.id(2), lease: .seconds(60), stealing: true)
            #expect(stolen.count == 2)
        }
        let tables = """
            SELECT (SELECT md5(string_agg(t::text, ',' ORDER BY t::text)) FROM speed.traffic_1 t),
                   (SELECT md5(string_agg(p::text, ',' ORDER BY p::text)) FROM parallax.partition_position p),
                   (SELECT md5(string_agg(r::text, ',' ORDER BY r::text)) FROM parallax.rejected_live r),
                   (SELECT md5(string_agg(b::text, ',' ORDER BY b::text)) FROM parallax.boundary b)
            """
        let before = try fixture.value(tables)
        let error = #expect(throws: ParallaxError.self) { try zombie.flush() }
        #expect(error?.code == .fenced)
        #expect(try fixture.value(tables) == before)

        _ = try fixture.catchUp(2)
        try fixture.expectEqualToOracle("after the zombie")
    }

    /// One of several partitions is taken away: nothing of the flush is written, and the others go on.
    @Test func I5_aFlushWithOneForeignPartitionIsRefusedAsAWhole() throws {
        let fixture = try Fixture(partitions: 3)
        var traffic = Traffic(seed: 42, partitions: 3)
        let (feed, connection) = try readingFeed(fixture, worker: 1)
        defer { connection.close() }
        _ = try feed.step(isUrgent: false)
        try traffic.append(300, to: fixture.log)
        while try feed.step(isUrgent: false) {}
        let flushes = feed.flushes
        try traffic.append(300, to: fixture.log)
        while try feed.step(isUrgent: false) {}
        try fixture.execute("UPDATE parallax.partition_position SET epoch = epoch + 1, owner = NULL WHERE partition = 1")
        let positions = try fixture.rows("SELECT partition, next_offset FROM parallax.partition_position")
        #expect(throws: ParallaxError.self) { try feed.flush() }
        #expect(feed.flushes == flushes)
        #expect(try fixture.rows("SELECT partition, next_offset FROM parallax.partition_position") == positions)
        feed.reset()
        try feed.acquire()
        #expect(feed.owned == 3)
        while try feed.step(isUrgent: false) {}
        try feed.flush()
        try fixture.expectEqualToOracle("after the refusal")
    }

    /// Two workers want the same partitions, and a third party takes them away from whoever has them, again and again.
    @Test(arguments: 51..<53 as Range<UInt64>)
    func I1_I5_twoWorkersFightingForPartitionsLoseAndRepeatNothing(seed: UInt64) throws {
        let fixture = try Fixture(partitions: 3)
        var random = SeededGenerator(seed: seed)
        var traffic = Traffic(seed: seed, partitions: 3)
        let workers = [RunningWorker(fixture.worker(1)), RunningWorker(fixture.worker(2))]
        var (thefts, rounds) = (0, 0)
        // On a busy machine a worker often hears of a theft before it flushes: then it goes on until one did not.
        while rounds < 25 || (workers.allSatisfy { $0.statistics.fencedFlushes == 0 } && rounds < 500) {
            rounds += 1
            try traffic.append(Int.random(in: 50...150, using: &random), to: fixture.log)
            try fixture.withCatalog { catalog, source in
                let thief = Fixture.id(3)
                let held = (0..<3).map { Partition($0) }.filter { _ in Bool.random(using: &random) }
                thefts += try catalog.acquirePartitions(source: source, worker: thief, lease: .seconds(60), stealing: true, except: held)
                    .count
                try catalog.releasePartitions(worker: thief)
            }
            let flushes = workers.map(\.statistics.flushes).reduce(0, +)
            try waitFor("another flush") { workers.map(\.statistics.flushes).reduce(0, +) > flushes }
        }
        for worker in workers { try worker.stop() }
        _ = try fixture.catchUp(4)
        let fenced = workers.map(\.statistics.fencedFlushes).reduce(0, +)
        #expect(thefts > 0 && fenced > 0, "seed \(seed)")
        try fixture.expectEqualToOracle("seed \(seed), \(thefts) thefts, \(fenced) refused")
    }

    /// Looking for free partitions leaves those that a worker holds as they are.
    @Test func lookingForFreePartitionsTouchesNoHeldOne() throws {
        let fixture = try Fixture(partitions: 2)
        let running = RunningWorker(fixture.worker())
        try waitFor("both partitions") { running.statistics.partitionsOwned == 2 }
        let epochs = try fixture.value("SELECT string_agg(epoch::text, ',') FROM parallax.partition_position")
        // More than a discovery later (each writes nothing, so the flush of a record is the sign).
        for number in 0..<5 {
            try fixture.log.append([event("\(number)", at: "2024-01-01T00:00:00Z")], to: nil)
            try waitFor("the record") { running.statistics.counts.records == Int64(number + 1) }
        }
        #expect(try fixture.value("SELECT string_agg(epoch::text, ',') FROM parallax.partition_position") == epochs)
        try running.stop()
    }

    /// Roles see nothing of one another's sessions in pg_stat_activity; they see who lives all the same. Whom they may not end, they name.
    @Test func I5_aWorkerOfAnotherRoleIsNotTakenForDead() throws {
        let fixture = try Fixture(partitions: 2)
        let running = RunningWorker(fixture.worker())
        try waitFor("both partitions") { running.statistics.partitionsOwned == 2 }
        let other = try Connection(fixture.dsn)
        defer { other.close() }
        let role = "other_\(UInt32.random(in: 0 ... .max))"
        try other.execute(
            """
            CREATE ROLE \(role); GRANT USAGE ON SCHEMA parallax TO \(role); GRANT ALL ON ALL TABLES IN SCHEMA parallax TO \(role);
            GRANT ALL ON ALL SEQUENCES IN SCHEMA parallax TO \(role); SET ROLE \(role)
            """)
        defer { _ = try? other.execute("RESET ROLE; DROP OWNED BY \(role); DROP ROLE \(role)") }
        let hidden = try other.query(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'parallax speed' AND backend_start IS NULL")
        #expect(try hidden.rows[0].int(0) == 1, "the server hides nothing: this test shows nothing")
        let catalog = Catalog(other)
        let source = try catalog.source(named: "page_view").id
        #expect(try catalog.acquirePartitions(source: source, worker: Fixture.id(2), lease: .seconds(60)).isEmpty)
        #expect(try catalog.endDeadSessions(holding: .anything).isEmpty)
        try running.stop()

        // One that stands still in the midst of a flush, as far as others can tell.
        let frozen = try Connection(fixture.dsn)
        defer { frozen.close() }
        let leases = try Catalog(frozen).acquirePartitions(source: source, worker: Fixture.id(3), lease: .milliseconds(1))
        #expect(leases.count == 2)
        try frozen.execute("BEGIN")
        try Catalog(frozen).lockForFlush(leases)
        #expect(try catalog.acquirePartitions(source: source, worker: Fixture.id(2), lease: .seconds(60)).isEmpty, "its rows are locked")
        let dead = try catalog.endDeadSessions(holding: .writing)
        #expect(dead.count == 1 && dead[0].refusal != nil && dead[0].text.contains("pg_signal_backend"), "\(dead)")
        let ended = try fixture.withCatalog { catalog, _ in try catalog.endDeadSessions(holding: .writing) }
        #expect(ended.map(\.refusal) == [nil])
        try waitFor("its session to end") {
            try catalog.acquirePartitions(source: source, worker: Fixture.id(2), lease: .seconds(60)).count == 2
        }
    }

    /// Tables that load for longer than the lease: whoever loads keeps its partitions, and nobody takes them from it.
    @Test func I5_aWorkerThatLoadsForLongerThanItsLeaseKeepsItsPartitions() throws {
        let table = "CREATE TABLE team (page text PRIMARY KEY, name text);"
        let joined = "CREATE MATERIALIZED VIEW teams AS SELECT name, count(*) AS n FROM page_view JOIN team USING (page) GROUP BY name;"
        let fixture = try Fixture(partitions: 2, definitions: [Fixture.source, table, joined])
        try fixture.execute("INSERT INTO dimension.team VALUES ('/', 'home')")
        var settings = Fixture.settings
        settings.lease = .seconds(2)
        // Who reads the table waits.
        let holder = try Connection(fixture.dsn)
        defer { holder.close() }
        try holder.execute("BEGIN; LOCK TABLE dimension.team IN ACCESS EXCLUSIVE MODE")
        let workers = [RunningWorker(fixture.worker(1, settings: settings)), RunningWorker(fixture.worker(2, settings: settings))]
        try waitFor("an owner") { try fixture.value("SELECT count(*) FROM parallax.partition_position WHERE owner IS NOT NULL") == "2" }
        let began = try fixture.value("SELECT clock_timestamp()")
        try waitFor("two leases to pass") {
            try fixture.value("SELECT clock_timestamp() > '\(began)'::timestamptz + interval '5 s'") == "t"
        }
        #expect(try fixture.rows("SELECT DISTINCT epoch FROM parallax.partition_position") == ["1"], "taken from one another")
        try holder.execute("ROLLBACK")
        try fixture.log.append([event("a", at: "2024-01-01T00:00:00Z", page: "/")], to: nil)
        try waitFor("the record") { workers.contains { $0.statistics.counts.events == 1 } }
        #expect(try fixture.rows("SELECT DISTINCT epoch FROM parallax.partition_position") == ["1"])
        for worker in workers { try worker.stop() }
    }

    /// A position that moves behind trimmed records waits for the source's row, longer than the lease: nobody takes the partitions meanwhile.
    @Test func I5_aWorkerThatWaitsToMoveAPositionKeepsItsPartitions() throws {
        let fixture = try Fixture(partitions: 2)
        for number in 0..<2 {
            try fixture.log.append((0..<10).map { event("\(number) \($0)", at: "2024-01-01T00:00:00Z", page: "/") }, to: Partition(number))
        }
        // As a source that comes back finds its log: what it had not read was archived and trimmed.
        try fixture.withCatalog { catalog, id in try catalog.ensurePartitions(source: id, [Partition(0), Partition(1)]) }
        try fixture.execute("UPDATE parallax.partition_position SET archived_offset = 5 WHERE partition = 0")
        try fixture.log.trim(below: Cut([Partition(0): Offset(5)]))
        let holder = try Connection(fixture.dsn)
        defer { holder.close() }
        try holder.execute("BEGIN; SELECT FROM parallax.source FOR NO KEY UPDATE")
        var settings = Fixture.settings
        settings.lease = .seconds(2)
        let first = RunningWorker(fixture.worker(1, settings: settings))
        let isWaiting = """
            SELECT count(*) FROM pg_stat_activity
            WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%requested_slice + 1%'
            """
        try waitFor("the worker to wait") { try fixture.value(isWaiting) == "1" }
        let second = RunningWorker(fixture.worker(2, settings: settings))
        let began = try fixture.value("SELECT clock_timestamp()")
        try waitFor("two leases to pass") {
            try fixture.value("SELECT clock_timestamp() > '\(began)'::timestamptz + interval '5 s'") == "t"
        }
        let owners = try fixture.rows("SELECT DISTINCT owner FROM parallax.partition_position")
        #expect(owners == [Fixture.id(1).text], "taken from the one that waits")
        #expect(try fixture.rows("SELECT DISTINCT epoch FROM parallax.partition_position") == ["1"], "given up, and taken again")
        try holder.execute("ROLLBACK")
        try waitFor("the records") { first.statistics.counts.events + second.statistics.counts.events == 15 }
        for worker in [first, second] { try worker.stop() }
    }

    /// With nothing to write, leases are renewed.
    @Test func anIdleWorkerKeepsItsPartitions() throws {
        let fixture = try Fixture()
        var settings = Fixture.settings
        settings.lease = .milliseconds(300)
        let running = RunningWorker(fixture.worker(settings: settings))
        try waitFor("the partition") { running.statistics.partitionsOwned == 1 }
        let first = try fixture.value("SELECT alive_until FROM parallax.worker")
        try waitFor("a sign of life") { try fixture.value("SELECT alive_until FROM parallax.worker") > first }
        #expect(try fixture.value("SELECT epoch FROM parallax.partition_position") == "1")
        try running.stop()
    }
}
