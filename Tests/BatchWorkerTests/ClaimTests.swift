import BatchLayer
import Catalog
import Glibc
import ParallaxCore
import Postgres
import ServingViews
import TestSupport
import Testing

@testable import BatchWorker

/// Who may change what a source publishes, and what the next one finds of who died.
@Suite struct ClaimTests {
    /// What became of a thread's run.
    private enum Outcome: Sendable {
        case began(run: Int64, base: Int64)
        case refused(ParallaxError)
    }

    private func expectTrueCounts(_ pipeline: Pipeline, _ message: String) throws {
        let rejected = try pipeline.log.partitions().reduce(0) { count, partition in
            let records = try pipeline.log.read(partition, from: .zero, maxRecords: .max, maxBytes: .max / 2)
            return count + pipeline.decoded(records).isRejected.filter { $0 != 0 }.count
        }
        #expect(
            try pipeline.value("SELECT coalesce(sum(rejected), 0) FROM parallax.rejected WHERE view_name = ''") == "\(rejected)",
            "\(message)")
        try pipeline.expectServedEqualsOracle(message)
    }

    /// A statement that waits for the source's row sees the pointer as it was before the wait: a run that read both in one began from what the revert
    /// had just taken back, and its counts were those of the reverted run once more.
    @Test func I1_aRunThatBeginsWhileAPublicationIsRevertedBeginsFromWhatIsPublished() throws {
        let pipeline = try Pipeline(partitions: 2)
        var traffic = Traffic(seed: 71)
        var runs: [RunReport] = []
        for _ in 0..<2 {
            try traffic.produce(150, into: pipeline.log)
            runs.append(try pipeline.run())
        }
        // Live rows of all records since then, so that going back loses nothing.
        try pipeline.connection.execute("UPDATE parallax.boundary SET processed_until = first_offset")

        let stall = try Connection(pipeline.dsn)
        try stall.execute("BEGIN")
        try stall.execute("SELECT 1 FROM parallax.published FOR UPDATE")
        let dsn = pipeline.dsn
        let first = RunNumber(runs[0].run)
        let revert = OwnThread {
            let connection = try Connection(dsn, applicationName: "reverts")
            defer { connection.close() }
            let catalog = Catalog(connection)
            try catalog.revert(source: try catalog.source(named: "page_view"), to: first) { _ in }
        }
        let waits = "FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND application_name ="
        try waitFor("the revert to stall") { try pipeline.value("SELECT count(*) \(waits) 'reverts'") == "1" }
        let begins = OwnThread { () -> Outcome in
            let connection = try Connection(dsn, applicationName: "begins")
            defer { connection.close() }
            let catalog = Catalog(connection)
            do {
                let run = try catalog.beginRun(source: try catalog.source(named: "page_view"), isFull: false)
                try catalog.endRun(run, error: ParallaxError(.cancelled, "it only begins"))
                return .began(run: run.number.rawValue, base: run.base.run.rawValue)
            } catch let error as ParallaxError { return .refused(error) }
        }
        try waitFor("the run to wait or to be refused") {
            try pipeline.value("SELECT count(*) \(waits) 'begins'") == "1"
                || begins.hasEnded
        }
        try stall.execute("COMMIT")
        try revert.join()
        switch try begins.join() {
        case .began(_, let base): #expect(base == runs[0].run, "it began from what is not published any more")
        case .refused(let error):
            #expect(error.code == .busy && error.isRetriable)
            #expect(error.detail?.contains("of PostgreSQL (reverts, user") == true, "\(error)")
        }
        try traffic.produce(50, into: pipeline.log)
        #expect(try pipeline.run().baseRun == runs[0].run)
        try expectTrueCounts(pipeline, "after the race")
    }

    /// A process that was killed leaves `active_run` behind, and no lock: whoever comes next ends its run in the records.
    @Test func I1_whoeverComesAfterARunThatDiedTakesItsPlace() throws {
        let pipeline = try Pipeline(partitions: 2)
        var traffic = Traffic(seed: 72)
        var runs: [RunReport] = []
        for _ in 0..<2 {
            try traffic.produce(150, into: pipeline.log)
            runs.append(try pipeline.run())
        }
        try pipeline.connection.execute("UPDATE parallax.boundary SET processed_until = first_offset")
        func begin() throws -> (CatalogRun, Connection) {
            let connection = try Connection(pipeline.dsn, applicationName: "dies")
            let catalog = Catalog(connection)
            return (try catalog.beginRun(source: try catalog.source(named: "page_view"), isFull: false), connection)
        }
        let source = try pipeline.catalog.source(named: "page_view")
        let (dead, itsSession) = try begin()
        // While it lives, its session is named.
        let busy = #expect(throws: ParallaxError.self) { try pipeline.catalog.revert(source: source, to: RunNumber(runs[0].run)) { _ in } }
        #expect(busy?.code == .busy && busy?.detail?.contains("run \(dead.number) since") == true, "\(String(describing: busy))")
        #expect(busy?.detail?.contains("of PostgreSQL (dies, user") == true && busy?.hint?.contains("pg_terminate_backend") == true)
        #expect(try pipeline.catalog.runs(limit: 1).first?.isInterrupted == false)
        itsSession.close()
        let locks =
            "FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        func letGo() throws { try waitFor("the session's end") { try pipeline.value("SELECT count(*) \(locks)") == "0" } }
        try letGo()
        #expect(try pipeline.catalog.runs(limit: 1).first?.isInterrupted == true)

        // No command is refused for it.
        let notHeld = #expect(throws: ParallaxError.self) { try pipeline.catalog.publishHeld(dead.number) { _ in } }
        #expect(notHeld?.message == "run \(dead.number) is not held: it is failed")
        try pipeline.catalog.revert(source: source, to: RunNumber(runs[0].run)) { _ in }
        #expect(try pipeline.value("SELECT run FROM parallax.published") == "\(runs[0].run)")
        #expect(
            try pipeline.value("SELECT state || ': ' || error FROM parallax.run WHERE run_id = \(dead.number)") == "failed: interrupted")
        #expect(try pipeline.value("SELECT active_run IS NULL FROM parallax.source") == "t")
        let (_, another) = try begin()
        another.close()
        try letGo()
        try pipeline.run()
        try expectTrueCounts(pipeline, "after two runs that died")
    }

    /// No state of the control tables is without a way on: a held run whose base is not published any more (older versions of Parallax could make one)
    /// is refused to be published, and discarded.
    @Test func I1_aHeldRunWhoseBaseHasMovedIsDiscarded() throws {
        let pipeline = try Pipeline(partitions: 1)
        var traffic = Traffic(seed: 73)
        var runs: [RunReport] = []
        for _ in 0..<2 {
            try traffic.produce(100, into: pipeline.log)
            runs.append(try pipeline.run())
        }
        try traffic.produce(100, into: pipeline.log)
        try pipeline.connection.execute("UPDATE parallax.view SET max_drift = 0")
        try pipeline.connection.execute("UPDATE parallax.boundary SET processed_until = first_offset")
        let speed = try HandSpeed(pipeline)
        speed.leavesOut = { batch, row in batch.offsets[row] % 2 == 0 }
        func runWithSpeed() throws -> RunReport {
            try pipeline.worker(observe: once(.waiting) { () throws(ParallaxError) in try speed.flush() }).run(
                source: "page_view", full: false)
        }
        let held = try runWithSpeed()
        #expect(!held.held.isEmpty)
        try pipeline.connection.execute(
            """
            UPDATE parallax.published SET run = p.run_id, slice = p.slice FROM parallax.publication p WHERE p.run_id = \(runs[0].run);
            DELETE FROM parallax.publication WHERE run_id > \(runs[0].run);
            """)
        let refused = #expect(throws: ParallaxError.self) { try pipeline.catalog.publishHeld(RunNumber(held.run)) { _ in } }
        #expect(
            refused?.message.contains("cannot be published") == true
                && refused?.hint?.contains("parallax batch discard \(held.run)") == true)
        _ = try pipeline.catalog.discardHeld(RunNumber(held.run))
        try pipeline.connection.execute("UPDATE parallax.view SET max_drift = NULL")
        #expect(try runWithSpeed().baseRun == runs[0].run)
        try expectTrueCounts(pipeline, "after the discarded run")
    }
}
