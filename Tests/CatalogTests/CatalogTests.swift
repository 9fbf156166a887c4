import Catalog
import Columns
import MergeLaw
import ParallaxCore
import Postgres
import TestSupport
import Testing
import ViewLanguage

/// A database with control tables and one source of three partitions.
private final class Fixture {
    let dsn: String
    let connection: Connection
    var catalog: Catalog { Catalog(connection) }
    var sourceID = SourceID(0)

    static let source = SourceDefinition(
        name: "orders", topic: "orders",
        columns: [.init(name: "id", type: .text), .init(name: "at", type: .timestamptz)], eventIDColumn: 0, eventTimeColumn: 1,
        outOfOrderness: 5_000_000, lateness: 0)
    static func view(_ name: String, version: String = "1") -> ViewDefinition {
        ViewDefinition(
            name: name,
            plan: Plan(
                source: source, filter: nil, window: .init(name: "minute", kind: .tumbling(size: 60_000_000, origin: 0)), groups: [],
                isGlobal: false,
                measures: [.init(function: .countRows, argument: nil, filter: nil)],
                outputs: [.init(name: "minute", value: .window), .init(name: "n", value: .measure(0))]), selectText: "SELECT 1",
            version: version)
    }

    init(views: [ViewDefinition] = [Fixture.view("per_minute")]) throws {
        dsn = try TestCluster.shared.freshDatabase()
        connection = try Connection(dsn)
        try Catalog.migrate(connection)
        try apply(views)
        sourceID = try catalog.source(named: "orders").id
    }
    func apply(_ views: [ViewDefinition]) throws {
        try catalog.apply(Definitions(sources: [Self.source], views: views, overlays: []), partitions: ["orders": 3]) { _ in }
    }
    deinit {
        connection.close()
        try? TestCluster.shared.drop(dsn)
    }
    func value(_ sql: String) throws -> String { try connection.query(sql).rows.first?[0] ?? "null" }
}

private let first = WorkerID("00000000-0000-0000-0000-000000000001")
private let second = WorkerID("00000000-0000-0000-0000-000000000002")

private func progress(_ lease: PartitionLease, to offset: Int64, slice: SliceNumber? = nil, seen: Int64? = nil, idle: Bool = false)
    -> PartitionProgress
{
    PartitionProgress(
        nextOffset: Offset(offset), slice: slice ?? lease.slice, maxEventTime: seen.map { Instant(microseconds: $0) }, isIdle: idle,
        newestAppendedAt: nil, logEnd: Offset(offset), events: 1, late: 0, duplicates: 0)
}

@Suite struct CatalogTests {
    @Test func migratingTwiceChangesNothingAndANewerDatabaseIsRefused() throws {
        let fixture = try Fixture()
        #expect(try Catalog.migrate(fixture.connection) == [])
        try fixture.connection.execute("INSERT INTO parallax.migration VALUES (999, 'from the future')")
        let error = #expect(throws: ParallaxError.self) { try Catalog.migrate(fixture.connection) }
        #expect(error?.message.contains("version 999") == true)
    }

    /// Whoever takes partitions before it is entered is named all the same, once it is.
    @Test func aWorkerIsNamedAsItEntersItself() throws {
        let fixture = try Fixture()
        _ = try fixture.catalog.acquirePartitions(source: fixture.sourceID, worker: first, lease: .seconds(60))
        try fixture.catalog.registerWorker(first, layer: "speed", host: "here", pid: 4_711, lease: .seconds(60))
        let found = try fixture.connection.query("SELECT layer, host, pid FROM parallax.worker").rows
        #expect(found.count == 1 && found[0][0] == "speed" && found[0][1] == "here" && found[0][2] == "4711")
    }

    @Test func anExtensionThatIsMissingIsNamedWithItsPackage() throws {
        let fixture = try Fixture()
        let error = #expect(throws: ParallaxError.self) { try Catalog.createExtensions(fixture.connection, needed: ["no_such_thing"]) }
        #expect(error?.code == .notInstalled)
        #expect(error?.hint?.contains("postgresql-15-no_such_thing") == true)
    }

    @Test func aPartitionHasOneOwnerUntilItsSessionOrLeaseEnds() throws {
        let fixture = try Fixture()
        let mine = try fixture.catalog.acquirePartitions(source: fixture.sourceID, worker: first, lease: .seconds(60))
        #expect(mine.map(\.partition.rawValue) == [0, 1, 2])

        let other = try Connection(fixture.dsn)
        #expect(try Catalog(other).acquirePartitions(source: fixture.sourceID, worker: second, lease: .seconds(60)).isEmpty)

        // Its session gone, nobody waits for the lease.
        let dying = try Connection(fixture.dsn)
        let stolen = try Catalog(dying).acquirePartitions(
            source: fixture.sourceID, worker: WorkerID("00000000-0000-0000-0000-000000000003"), lease: .seconds(60), stealing: true)
        #expect(stolen.count == 3)
        dying.close()
        try waitFor("the session to end") {
            try fixture.value(
                "SELECT count(*) FROM parallax.partition_position p JOIN pg_locks l ON l.objid::bigint = p.owner_session"
            ) == "0"
        }
        let taken = try Catalog(other).acquirePartitions(source: fixture.sourceID, worker: second, lease: .seconds(60))
        #expect(taken.map(\.epoch) == mine.map { LeaseEpoch($0.epoch.rawValue + 2) })

        // A lease that ran out.
        try fixture.connection.execute(
            "UPDATE parallax.worker SET alive_until = now() - interval '1 second' WHERE worker_id = '\(second.text)'")
        #expect(
            try fixture.catalog.acquirePartitions(source: fixture.sourceID, worker: first, lease: .seconds(60)).map(\.partition.rawValue)
                == [0, 1, 2])
    }

    /// I5: a worker that lost its partition writes nothing more.
    @Test func I5_aFlushUnderAnOldEpochIsFencedAndChangesNothing() throws {
        let fixture = try Fixture()
        let zombie = try fixture.catalog.acquirePartitions(source: fixture.sourceID, worker: first, lease: .seconds(60))
        let other = try Connection(fixture.dsn)
        let owner = try Catalog(other).acquirePartitions(source: fixture.sourceID, worker: second, lease: .seconds(60), stealing: true)
        let error = #expect(throws: ParallaxError.self) {
            try fixture.connection.transaction { () throws(ParallaxError) in
                try fixture.catalog.lockForFlush(zombie)
                try fixture.catalog.advance(zombie[0], to: progress(zombie[0], to: 10))
            }
        }
        #expect(error?.code == .fenced)
        try other.transaction { () throws(ParallaxError) in
            try Catalog(other).lockForFlush(owner)
            try Catalog(other).advance(owner[0], to: progress(owner[0], to: 7))
        }
        #expect(try fixture.value("SELECT next_offset FROM parallax.partition_position WHERE partition = 0") == "7")
        // The position that it believes in is part of the fence, too: a flush whose commit was lost is never repeated.
        #expect(throws: ParallaxError.self) { try other.transaction { () throws(ParallaxError) in try Catalog(other).lockForFlush(owner) } }
    }

    @Test func slicesCloseAtAFlushAndAtAnAcquisition() throws {
        let fixture = try Fixture()
        var leases = try fixture.catalog.acquirePartitions(source: fixture.sourceID, worker: first, lease: .seconds(60))
        let requested = try fixture.catalog.requestSlice(source: fixture.sourceID)
        #expect(requested == SliceNumber(2))
        try fixture.connection.transaction { () throws(ParallaxError) in
            try fixture.catalog.lockForFlush([leases[0]])
            try fixture.catalog.advance(leases[0], to: progress(leases[0], to: 12, slice: requested))
            try fixture.catalog.closeSlices(
                source: fixture.sourceID, partition: Partition(0), from: SliceNumber(1), through: requested, at: Offset(12))
        }
        try fixture.catalog.releasePartitions(worker: first)
        _ = try fixture.catalog.requestSlice(source: fixture.sourceID)
        leases = try fixture.catalog.acquirePartitions(source: fixture.sourceID, worker: second, lease: .seconds(60))
        #expect(leases.allSatisfy { $0.slice == SliceNumber(3) })
        #expect(
            try fixture.connection.query("SELECT slice, partition, first_offset FROM parallax.boundary ORDER BY 1, 2").rows.map {
                "\($0[0]!)/\($0[1]!)/\($0[2]!)"
            }
                == ["1/0/0", "1/1/0", "1/2/0", "2/0/12", "2/1/0", "2/2/0", "3/0/12", "3/1/0", "3/2/0"])
    }

    /// I7: an owner alone says nothing of the log: one that has just taken a partition has not looked yet.
    @Test func answersAreFreshWhereALivingWorkerHasSaidThatNothingComes() throws {
        let fixture = try Fixture()
        func staleness() throws -> Duration? {
            try #require(fixture.catalog.frontiers(ofSources: [fixture.sourceID]).first).staleness
        }
        func flush(_ leases: [PartitionLease], idle: Bool) throws {
            for lease in leases { try fixture.catalog.advance(lease, to: progress(lease, to: 0, idle: idle)) }
        }
        let mine = try fixture.catalog.acquirePartitions(source: fixture.sourceID, worker: first, lease: .seconds(600))
        #expect(try staleness() == nil, "nobody has looked yet")
        try flush(mine, idle: false)
        #expect(try #require(try staleness()) > .zero, "there may be more")
        try flush(mine, idle: true)
        #expect(try staleness() == .zero)
        let other = try Connection(fixture.dsn)
        defer { other.close() }
        let taken = try Catalog(other).acquirePartitions(source: fixture.sourceID, worker: second, lease: .seconds(600), stealing: true)
        #expect(taken.count == 3)
        #expect(try #require(try staleness()) > .zero, "as old as what the former owner saw")
    }

    @Test func theWatermarkIsHeldBackByBusyPartitionsOnlyAndNeverGoesBack() throws {
        let fixture = try Fixture()
        let leases = try fixture.catalog.acquirePartitions(source: fixture.sourceID, worker: first, lease: .seconds(60))
        func flush(_ index: Int, seen: Int64?, idle: Bool = false) throws {
            try fixture.catalog.advance(leases[index], to: progress(leases[index], to: 0, seen: seen, idle: idle))
            try fixture.catalog.recordFlush(source: fixture.sourceID, outOfOrderness: 5_000_000, versions: [])
        }
        func watermark() throws -> String { try fixture.value("SELECT extract(epoch FROM watermark)::bigint FROM parallax.watermark") }
        try flush(0, seen: 100_000_000)
        #expect(try watermark() == "null")  // two partitions have not spoken yet
        try flush(1, seen: 50_000_000)
        try flush(2, seen: nil, idle: true)
        #expect(try watermark() == "45")
        try flush(1, seen: nil, idle: true)
        #expect(try watermark() == "95")
        try flush(1, seen: 60_000_000)
        #expect(try watermark() == "95")
        try flush(0, seen: nil, idle: true)
        try flush(1, seen: 200_000_000, idle: true)
        #expect(try watermark() == "195")
    }

    @Test func oneRunAtATimeAndAStoppedOneIsFenced() throws {
        let fixture = try Fixture()
        let source = try fixture.catalog.source(named: "orders")
        let run = try fixture.catalog.beginRun(source: source, isFull: false)
        let other = try Connection(fixture.dsn)
        let busy = #expect(throws: ParallaxError.self) { try Catalog(other).beginRun(source: source, isFull: false) }
        #expect(busy?.code == .busy)
        #expect(busy?.detail?.contains("run \(run.number)") == true)

        // The session lock goes with the session (here: given up), and the next run takes over: I5 for runs.
        try fixture.connection.execute("SELECT pg_advisory_unlock_all()")
        let next = try Catalog(other).beginRun(source: source, isFull: false)
        let fenced = #expect(throws: ParallaxError.self) { try fixture.catalog.publish(run, cut: Cut()) { _ in } }
        #expect(fenced?.code == .fenced)
        #expect(try fixture.value("SELECT run || ',' || slice FROM parallax.published") == "0,1")
        #expect(try fixture.value("SELECT state || ':' || error FROM parallax.run WHERE run_id = \(run.number)") == "failed:interrupted")
        try Catalog(other).endRun(next)
    }

    @Test func aRunCompletesTheBoundariesThatNobodyElseWillWrite() throws {
        let fixture = try Fixture()
        let source = try fixture.catalog.source(named: "orders")
        let worker = try Connection(fixture.dsn)
        _ = try Catalog(worker).acquirePartitions(source: source.id, worker: first, lease: .seconds(60))
        try fixture.connection.execute("UPDATE parallax.partition_position SET next_offset = 5")
        try fixture.connection.execute("UPDATE parallax.partition_position SET owner = NULL WHERE partition > 0")

        let run = try fixture.catalog.beginRun(source: source, isFull: false)
        let written = try fixture.catalog.completeBoundaries(
            run, logEnds: [Partition(0): Offset(9), Partition(1): Offset(9), Partition(2): Offset(3)])
        #expect(written == [Partition(1), Partition(2)])
        #expect(try fixture.catalog.boundaries(of: run) == [Partition(1): Offset(9), Partition(2): Offset(5)])
        #expect(try fixture.value("SELECT processed_until FROM parallax.boundary WHERE slice = 2 AND partition = 1") == "5")
        #expect(try fixture.value("SELECT next_offset FROM parallax.partition_position WHERE partition = 1") == "9")
        #expect(try fixture.catalog.completeBoundaries(run, logEnds: [:]).isEmpty)
        try fixture.catalog.endRun(run)
    }

    /// I1 across a revert: records that the speed layer skipped are in later batch rows only.
    @Test func I1_aRevertThatWouldLoseRecordsIsRefused() throws {
        let fixture = try Fixture()
        func publish(logEnds: [Partition: Offset]) throws -> CatalogRun {
            let run = try fixture.catalog.beginRun(source: try fixture.catalog.source(named: "orders"), isFull: false)
            _ = try fixture.catalog.completeBoundaries(run, logEnds: logEnds)
            for version in try fixture.catalog.versions(for: run) { try fixture.catalog.markFirstRun(version, run) }
            try fixture.catalog.publish(run, cut: Cut(try fixture.catalog.boundaries(of: run))) { _ in }
            try fixture.catalog.endRun(run)
            return run
        }
        let one = try publish(logEnds: [:])
        _ = try fixture.catalog.requestSlice(source: fixture.sourceID)  // two slices at once: the hole is counted once
        let run = try fixture.catalog.beginRun(source: try fixture.catalog.source(named: "orders"), isFull: false)
        _ = try fixture.catalog.completeBoundaries(run, logEnds: [Partition(1): Offset(4)])
        #expect(try fixture.value("SELECT string_agg(waiting_records::text, ',' ORDER BY partition) FROM parallax.frontier") == "0,4,0")
        try fixture.catalog.endRun(run)
        _ = try publish(logEnds: [:])
        #expect(try fixture.value("SELECT string_agg(waiting_records::text, ',' ORDER BY partition) FROM parallax.frontier") == "0,0,0")
        let error = #expect(throws: ParallaxError.self) {
            try fixture.catalog.revert(source: try fixture.catalog.source(named: "orders"), to: one.number) { _ in }
        }
        #expect(error?.detail?.contains("partition 1: 0 to 4") == true)
    }

    /// Staged rows are invisible; what an unpublished or reverted run left is erased by the next one.
    @Test func I2_rowsOfAnUnpublishedRunAreInvisibleAndErasedByTheNext() throws {
        let fixture = try Fixture()
        let source = try fixture.catalog.source(named: "orders")
        let table = StateTables(try fixture.catalog.versions(ofSource: source.id)[0]).batchTable
        func run(publishing: Bool, _ body: (CatalogRun) throws -> Void) throws -> CatalogRun {
            let run = try fixture.catalog.beginRun(source: try fixture.catalog.source(named: "orders"), isFull: false)
            _ = try fixture.catalog.completeBoundaries(run, logEnds: [:])
            try body(run)
            for version in try fixture.catalog.versions(for: run) { try fixture.catalog.markFirstRun(version, run) }
            if publishing { try fixture.catalog.publish(run, cut: Cut(try fixture.catalog.boundaries(of: run))) { _ in } }
            try fixture.catalog.endRun(run)
            return run
        }
        func visible() throws -> String {
            try fixture.value(
                "SELECT string_agg(m0_n::text, ',' ORDER BY window_start) FROM \(table) b, parallax.published p WHERE b.from_run <= p.run AND p.run < b.until_run"
            )
        }
        let one = try run(publishing: true) { run in
            try fixture.connection.execute(
                "INSERT INTO \(table) (from_run, window_start, m0_n) VALUES (\(run.number), '2026-01-01Z', 1), (\(run.number), '2026-01-02Z', 1)"
            )
        }
        #expect(try visible() == "1,1")
        func change(_ run: CatalogRun) throws {
            try fixture.connection.execute(
                "UPDATE \(table) SET until_run = \(run.number) WHERE window_start = '2026-01-01Z' AND until_run = \(StateTables.openRun); INSERT INTO \(table) (from_run, window_start, m0_n) VALUES (\(run.number), '2026-01-01Z', 2)"
            )
        }
        _ = try run(publishing: false, change)
        #expect(try visible() == "1,1")
        let two = try run(publishing: true, change)
        #expect(try visible() == "2,1")
        try fixture.catalog.revert(source: source, to: one.number) { _ in }
        #expect(try visible() == "1,1")
        #expect(throws: ParallaxError.self) { try fixture.catalog.revert(source: source, to: two.number) { _ in } }
        _ = try run(publishing: true) { _ in }
        #expect(try visible() == "1,1")
        #expect(try fixture.value("SELECT count(*) FROM \(table)") == "2")
    }

    @Test func aViewThatComesLaterGetsASliceOfItsOwn() throws {
        let fixture = try Fixture()
        _ = try fixture.catalog.acquirePartitions(source: fixture.sourceID, worker: first, lease: .seconds(60))
        let plan = try fixture.catalog.planApply(
            Definitions(sources: [Fixture.source], views: [Fixture.view("per_minute"), Fixture.view("another")], overlays: []))
        #expect(
            plan.changes.map { "\($0.action) \($0.kind) \($0.name)" } == [
                "unchanged source orders", "unchanged view per_minute", "new view another",
            ])
        try fixture.apply([Fixture.view("per_minute"), Fixture.view("another")])
        let versions = try fixture.catalog.versions(ofSource: fixture.sourceID)
        #expect(versions.map(\.isActive) == [true, false])
        #expect(versions.map(\.firstSlice.rawValue) == [1, 2])
        #expect(try fixture.catalog.requestedSlice(source: fixture.sourceID) == SliceNumber(2))
        // Back to the old definitions: nothing of the new one stays.
        try fixture.apply([Fixture.view("per_minute")])
        #expect(try fixture.value("SELECT count(*) FROM pg_tables WHERE schemaname IN ('batch', 'speed')") == "2")
    }

    @Test func longAndStrangeViewNamesHaveTablesOfTheirOwn() throws {
        let long = String(repeating: "ü", count: 31)
        let fixture = try Fixture(views: [Fixture.view(long + "a"), Fixture.view(long + "b"), Fixture.view("we\"ird; DROP TABLE x")])
        #expect(try fixture.value("SELECT count(DISTINCT state_table) FROM parallax.view_version") == "3")
        #expect(try fixture.value("SELECT count(*) FROM pg_tables WHERE schemaname = 'batch'") == "3")
    }
}

/// Waits for a condition, with a deadline; no sleeping: each look is a round trip to the server.
private func waitFor(_ what: String, _ condition: () throws -> Bool) throws {
    let deadline = ContinuousClock.now + .seconds(60)
    while try !condition() {
        guard ContinuousClock.now < deadline else {
            Issue.record("waited 60 s for \(what)")
            return
        }
    }
}
