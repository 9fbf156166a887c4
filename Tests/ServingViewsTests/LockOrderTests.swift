import Catalog
import MergeLaw
import ParallaxCore
import Postgres
import ServingViews
import Synchronization
import TestSupport
import Testing
import ViewLanguage

/// Whoever reads a view for long delays a change of definitions, and no flush (see `LockPatience`).
@Suite struct LockOrderTests {
    private static let worker = WorkerID("00000000-0000-0000-0000-000000000001")
    private static let traffic = ("traffic", Fixture.plan(measures: [0]))
    private static let changed = ("traffic", Fixture.plan(measures: [0, 2]))
    private static let total = ("total", Fixture.plan(window: false, groups: false, measures: [0]))

    /// A speed worker's flushes, without records: whatever a flush locks.
    private final class Flusher {
        let connection: Connection
        var leases: [PartitionLease] = []
        var catalog: Catalog { Catalog(connection) }

        init(_ fixture: Fixture) throws {
            connection = try Connection(fixture.dsn)
            leases = try catalog.acquirePartitions(
                source: try catalog.source(named: "page_view").id, worker: LockOrderTests.worker, lease: .seconds(600))
            try #require(leases.count == 2, "the partitions are held, or somebody's")
            // It would rather fail than wait for what a reader holds.
            try connection.execute("SET lock_timeout = '60s'")
        }
        deinit { connection.close() }

        func flush() throws(ParallaxError) {
            try connection.transaction { () throws(ParallaxError) in
                try catalog.lockForFlush(leases)
                let version = try catalog.versions(ofSource: leases[0].sourceID).first
                let requested = try catalog.control(source: leases[0].sourceID).requestedSlice
                if let version {
                    try connection.execute("DELETE FROM \(StateTables(version).speedTable) WHERE false")
                    try connection.query(
                        "INSERT INTO parallax.touched_window VALUES ($1, '2026-01-01Z', $2) ON CONFLICT DO NOTHING",
                        [.version(version.id), .int(leases[0].slice.rawValue)])
                }
                for index in leases.indices {
                    let to = Offset(leases[index].nextOffset.rawValue + 1)
                    try catalog.advance(
                        leases[index],
                        to: PartitionProgress(
                            nextOffset: to, slice: requested, maxEventTime: nil, isIdle: false, newestAppendedAt: nil, logEnd: to,
                            events: 1, late: 0, duplicates: 0))
                    try catalog.closeSlices(
                        source: leases[index].sourceID, partition: leases[index].partition, from: leases[index].slice, through: requested,
                        at: to)
                    leases[index].nextOffset = to
                    leases[index].slice = requested
                }
                try catalog.recordFlush(source: leases[0].sourceID, outOfOrderness: 0, versions: [])
            }
        }
    }

    /// One change, on a thread and a connection of its own.
    private func change(_ fixture: Fixture, _ body: @escaping @Sendable (Catalog) throws -> Void) -> OwnThread<Void> {
        let dsn = fixture.dsn
        return OwnThread {
            let connection = try Connection(dsn, applicationName: "change")
            defer { connection.close() }
            var patience = LockPatience()
            patience.timeout = .seconds(120)
            try body(Catalog(connection, patience: patience))
        }
    }

    private func waitUntilTheChangeWaits(_ fixture: Fixture) throws {
        let deadline = ContinuousClock.now + .seconds(60)
        let waiting = """
            SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid)
            WHERE a.application_name = 'change' AND a.datname = current_database() AND NOT l.granted AND l.locktype = 'relation'
            """
        while try fixture.rows(waiting) != ["1"] {
            guard ContinuousClock.now < deadline else { throw ParallaxError(.internalInconsistency, "the change does not wait") }
        }
    }

    private func becomesServed(_ version: String, _ fixture: Fixture) throws {
        let deadline = ContinuousClock.now + .seconds(60)
        while try fixture.catalog.versions(ofSource: SourceID(1)).first(where: \.isActive)?.hash != version {
            guard ContinuousClock.now < deadline else { throw ParallaxError(.internalInconsistency, "\(version) is not served") }
        }
    }

    /// Between two tries the reader goes.
    private static func ending(_ reader: Connection, _ fixture: Fixture) -> @Sendable (LockTrouble) throws(ParallaxError) -> Void {
        let (dsn, process) = (fixture.dsn, Int64(reader.serverProcess))
        return { _ throws(ParallaxError) in
            let connection = try Connection(dsn)
            defer { connection.close() }
            try connection.query("SELECT pg_terminate_backend($1::integer, 60000)", [.int(process)])
        }
    }

    private static func refresh(_ connection: Connection) throws(ParallaxError) { _ = try ServingViews.refresh(connection) }

    private static func tables(_ fixture: Fixture) throws -> [String] {
        try fixture.rows("SELECT schemaname || '.' || tablename FROM pg_tables WHERE schemaname IN ('batch', 'speed') ORDER BY 1")
    }

    @Test func aViewIsDroppedWhileSomebodyReadsItAndFlushesGoOn() throws {
        let fixture = try Fixture([Self.traffic, Self.total])
        let flusher = try Flusher(fixture)
        try flusher.flush()
        let reader = try Connection(fixture.dsn)
        defer { reader.close() }
        try reader.execute("BEGIN; SELECT * FROM serving.traffic")
        let change = change(fixture) { catalog in
            let definitions = Fixture.definitions([("total", Fixture.plan(window: false, groups: false, measures: [0]))], [], "1")
            try catalog.apply(definitions, partitions: ["page_view": 2], refreshServing: Self.refresh)
        }
        try waitUntilTheChangeWaits(fixture)
        for _ in 0..<5 { try flusher.flush() }
        try reader.execute("COMMIT")
        try change.join()
        try flusher.flush()
        #expect(try Self.tables(fixture).count == 2)
        #expect(try fixture.rows("SELECT count(*) FROM parallax.touched_window t JOIN parallax.view_version USING (version_id)") == ["1"])
    }

    @Test func aVersionIsPromotedWhileSomebodyReadsTheOldOneAndFlushesGoOn() throws {
        let fixture = try Fixture([Self.traffic])
        let flusher = try Flusher(fixture)
        try flusher.flush()
        try fixture.apply([Self.changed], hash: "2", holding: true)
        try flusher.flush()
        _ = try fixture.publish(closing: { try flusher.flush() })
        let reader = try Connection(fixture.dsn)
        defer { reader.close() }
        let old = try fixture.catalog.versions(ofSource: SourceID(1))[0]
        try reader.execute("BEGIN; SELECT * FROM serving.traffic")
        let change = change(fixture) { catalog in
            let promotion = try catalog.promote(view: "traffic", refreshServing: Self.refresh)
            #expect(promotion == .served(version: "traffic2"))
        }
        try waitUntilTheChangeWaits(fixture)
        for _ in 0..<5 { try flusher.flush() }
        // A table that goes, by its own name: it is waited for when the view is switched.
        let other = try Connection(fixture.dsn)
        defer { other.close() }
        try other.execute("BEGIN; SELECT * FROM \(StateTables(old).batchTable)")
        try reader.execute("COMMIT")
        try becomesServed("traffic2", fixture)
        try waitUntilTheChangeWaits(fixture)
        for _ in 0..<5 { try flusher.flush() }
        try other.execute("COMMIT")
        try change.join()
        #expect(try Self.tables(fixture).count == 2)
        #expect(try fixture.catalog.versions(ofSource: SourceID(1)).map(\.hash) == ["traffic2"])
    }

    @Test func aVersionIsAbandonedWhileSomebodyReadsItAndFlushesGoOn() throws {
        let fixture = try Fixture([Self.traffic])
        let flusher = try Flusher(fixture)
        try flusher.flush()
        try fixture.apply([Self.changed], hash: "2", holding: true)
        let reader = try Connection(fixture.dsn)
        defer { reader.close() }
        try reader.execute("BEGIN; SELECT * FROM \(try fixture.tables("traffic").speedTable)")
        let change = change(fixture) { catalog in
            let version = try catalog.abandon(view: "traffic")
            #expect(version == "traffic2")
        }
        try waitUntilTheChangeWaits(fixture)
        for _ in 0..<5 { try flusher.flush() }
        try reader.execute("COMMIT")
        try change.join()
        #expect(try Self.tables(fixture).count == 2)
    }

    @Test func whoCannotHaveTheLockIsToldWhoHasItAndNothingChanges() throws {
        let fixture = try Fixture([Self.traffic])
        let reader = try Connection(fixture.dsn, applicationName: "dashboard")
        defer { reader.close() }
        try reader.execute("BEGIN; SELECT * FROM serving.traffic")
        let troubles = Mutex<[LockTrouble]>([])
        fixture.patience = LockPatience(tries: 3) { trouble throws(ParallaxError) in troubles.withLock { $0.append(trouble) } }
        fixture.patience.timeout = .milliseconds(30)
        let before = try Self.tables(fixture)
        let error = #expect(throws: ParallaxError.self) { try fixture.apply([Self.total]) }
        #expect(
            error?.code == .busy
                && error?.message.hasPrefix("the definitions were not applied: others hold what it changes, in 3 tries") == true)
        let holder = "process \(reader.serverProcess) (dashboard, user "
        #expect(
            error?.detail?.hasPrefix(holder) == true && error?.detail?.contains("serving.traffic") == true, "\(String(describing: error))")
        #expect(troubles.withLock { $0.map(\.failedTries) } == [1, 2])
        #expect(try Self.tables(fixture) == before)
        #expect(try fixture.catalog.versions(ofSource: SourceID(1)).map(\.viewName) == ["traffic"])

        // Between the tries the reader goes.
        fixture.patience = LockPatience(tries: 3, wait: Self.ending(reader, fixture))
        fixture.patience.timeout = .milliseconds(30)
        try fixture.apply([Self.total])
        #expect(try fixture.catalog.versions(ofSource: SourceID(1)).map(\.viewName) == ["total"])
    }

    /// A run whose version is served for the first time waits as an apply does; readers that come meanwhile do not wait behind it for long.
    @Test func aPublicationWaitsForReadersInTries() throws {
        let fixture = try Fixture([Self.traffic])
        _ = try fixture.publish()
        try fixture.apply([Self.changed], hash: "2")
        let reader = try Connection(fixture.dsn)
        defer { reader.close() }
        try reader.execute("BEGIN; SELECT * FROM serving.traffic")
        fixture.patience = LockPatience(tries: 2) { _ throws(ParallaxError) in }
        fixture.patience.timeout = .milliseconds(30)
        let error = #expect(throws: ParallaxError.self) { try fixture.publish() }
        #expect(error?.code == .busy && error?.message.hasPrefix("run 2 was not published") == true, "\(String(describing: error))")
        #expect(try fixture.rows("SELECT run FROM parallax.published") == ["1"])
        fixture.patience = LockPatience(tries: 2, wait: Self.ending(reader, fixture))
        fixture.patience.timeout = .milliseconds(30)
        try fixture.connection.execute("SELECT pg_advisory_unlock_all()")
        _ = try fixture.publish()
        #expect(try fixture.rows("SELECT run FROM parallax.published") == ["3"])
        #expect(try fixture.catalog.versions(ofSource: SourceID(1)).first { $0.isActive }?.hash == "traffic2")
    }

    /// Also with views on top: what stays as it is is not locked.
    @Test func whoReadsAViewThatStaysIsNotWaitedFor() throws {
        let top = OverlayDefinition(name: "top", selectText: "SELECT *, views + 1 AS more FROM total", reads: ["total"])
        let fixture = try Fixture([Self.traffic, Self.total], overlays: [top])
        let reader = try Connection(fixture.dsn)
        defer { reader.close() }
        try reader.execute("BEGIN; SELECT * FROM serving.top; SELECT * FROM serving.total")
        fixture.patience = LockPatience(tries: 1)
        // Nobody is in the way; PostgreSQL's own cleaning may be, for a moment.
        fixture.patience.timeout = .seconds(60)
        try fixture.apply([Self.total], overlays: [top])
        #expect(
            try fixture.rows("SELECT viewname FROM pg_views WHERE schemaname = 'serving' AND viewname <> 'comparison_summary' ORDER BY 1")
                == ["top", "total", "total_changes"])
        // What somebody has changed by hand is not as it should be.
        try reader.execute("COMMIT")
        let definition = try fixture.rows("SELECT pg_get_viewdef('serving.total'::regclass)")
        try fixture.connection.execute("DROP VIEW serving.top; DROP VIEW serving.total; CREATE VIEW serving.total AS SELECT 7 AS views")
        try fixture.apply([Self.total], overlays: [top])
        #expect(try fixture.rows("SELECT pg_get_viewdef('serving.total'::regclass)") == definition)
        #expect(try fixture.rows("SELECT views, more FROM serving.top") == ["0|1"])
    }

    /// A view on top that somebody reads is waited for: that is no refusal of its text.
    @Test func whoReadsAViewOnTopIsWaitedForToo() throws {
        func top(_ more: Int) -> OverlayDefinition {
            OverlayDefinition(name: "top", selectText: "SELECT views + \(more) AS more FROM total", reads: ["total"])
        }
        let fixture = try Fixture([Self.total], overlays: [top(1)])
        let reader = try Connection(fixture.dsn)
        defer { reader.close() }
        try reader.execute("BEGIN; SELECT * FROM serving.top")
        fixture.patience = LockPatience(tries: 2) { _ throws(ParallaxError) in }
        fixture.patience.timeout = .milliseconds(30)
        let error = #expect(throws: ParallaxError.self) { try fixture.apply([Self.total], overlays: [top(2)]) }
        #expect(error?.code == .busy, "\(String(describing: error))")
        #expect(try fixture.rows("SELECT more FROM serving.top") == ["1"])
        fixture.patience = LockPatience(tries: 2, wait: Self.ending(reader, fixture))
        fixture.patience.timeout = .milliseconds(30)
        try fixture.apply([Self.total], overlays: [top(2)])
        #expect(try fixture.rows("SELECT more FROM serving.top") == ["2"])
    }

    /// A column that a view gains in place comes into `SELECT *` over it.
    @Test func aViewOverAllColumnsOfAnotherGainsItsNewOnes() throws {
        let all = OverlayDefinition(name: "everything", selectText: "SELECT * FROM traffic", reads: ["traffic"])
        let fixture = try Fixture([Self.traffic], overlays: [all])
        try fixture.apply([Self.changed], overlays: [all], hash: "2")
        #expect(try fixture.rows("SELECT revenue FROM serving.everything") == [])
    }

    /// I1: a worker that begins while a view joins "with the log": the view joins at a slice of its own instead.
    @Test func I1_aViewThatJoinsWhileAWorkerBeginsDoesNotBeginWithTheLog() throws {
        let fixture = try Fixture([Self.traffic])
        let tries = Mutex(0)
        fixture.patience = LockPatience { _ throws(ParallaxError) in tries.withLock { $0 += 1 } }
        var flusher: Flusher?
        try fixture.apply([Self.traffic, Self.total]) { () throws(ParallaxError) in
            guard flusher == nil else { return }
            do {
                flusher = try Flusher(fixture)
                try flusher?.flush()
            } catch { throw (error as? ParallaxError) ?? ParallaxError(.internalInconsistency, "\(error)") }
        }
        #expect(tries.withLock { $0 } == 1)
        let versions = try fixture.catalog.versions(ofSource: SourceID(1))
        #expect(versions.map(\.viewName) == ["traffic", "total"] && versions.map(\.isActive) == [true, false])
        #expect(versions.map(\.firstSlice.rawValue) == [1, 2])
        try flusher?.flush()
    }

    /// The definitions are applied: that is not taken back, and not denied.
    @Test func whoStopsAfterTheCommitHearsWhatStays() throws {
        let fixture = try Fixture([Self.traffic, Self.total])
        let reader = try Connection(fixture.dsn)
        defer { reader.close() }
        try reader.execute("BEGIN; SELECT * FROM \(try fixture.tables("traffic").batchTable)")
        fixture.patience = LockPatience { (_) throws(ParallaxError) in throw ParallaxError(.cancelled, "stopped; nothing was changed") }
        fixture.patience.timeout = .milliseconds(30)
        let definitions = Fixture.definitions([Self.total], [], "1")
        let left = try fixture.catalog.apply(definitions, partitions: ["page_view": 2], refreshServing: Self.refresh)
        #expect(left == ["state tables that no view needs any more stay for now: stopped"])
        #expect(try fixture.catalog.versions(ofSource: SourceID(1)).map(\.viewName) == ["total"])
        #expect(try Self.tables(fixture).count == 4)
    }

    /// Without a twin to compare with, views are written as if they had changed.
    @Test func aRoleThatMayMakeNothingTemporaryWritesTheViewsToo() throws {
        let fixture = try Fixture([Self.total])
        let database = try fixture.rows("SELECT quote_ident(current_database())")[0]
        try fixture.connection.execute(
            """
            CREATE ROLE without_temp;
            REVOKE TEMPORARY ON DATABASE \(database) FROM PUBLIC;
            GRANT ALL ON SCHEMA parallax, batch, speed, serving TO without_temp;
            GRANT ALL ON ALL TABLES IN SCHEMA parallax, batch, speed, serving TO without_temp;
            ALTER VIEW serving.total OWNER TO without_temp;
            ALTER VIEW serving.total_changes OWNER TO without_temp;
            ALTER FUNCTION serving.total_rollup OWNER TO without_temp;
            """)
        try fixture.connection.execute("SET ROLE without_temp")
        #expect(try fixture.rows("SELECT has_database_privilege(current_database(), 'TEMP')") == ["f"])
        let refusals = try fixture.connection.transaction { () throws(ParallaxError) in try ServingViews.refresh(fixture.connection) }
        #expect(refusals.isEmpty)
        try fixture.connection.execute("RESET ROLE")
        #expect(try fixture.rows("SELECT views FROM serving.total") == ["0"])
    }

    /// What stands on a state table keeps it, and nothing else.
    @Test func aTableThatCannotBeDroppedStaysAndIsNamed() throws {
        let fixture = try Fixture([Self.traffic, Self.total])
        let tables = try fixture.tables("traffic")
        try fixture.connection.execute("CREATE VIEW public.mine AS SELECT * FROM \(tables.batchTable)")
        let definitions = Fixture.definitions([Self.total], [], "1")
        let left = try fixture.catalog.apply(definitions, partitions: ["page_view": 2], refreshServing: Self.refresh)
        #expect(left.count == 1 && left[0].contains("traffic_1 cannot be dropped") && left[0].contains("view mine depends on"), "\(left)")
        #expect(try fixture.catalog.versions(ofSource: SourceID(1)).map(\.viewName) == ["total"])
        try fixture.connection.execute("DROP VIEW public.mine")
        _ = try fixture.publish()
        try fixture.catalog.cleanUp(source: SourceID(1), keep: 3)
        #expect(try Self.tables(fixture).count == 2)
    }
}
