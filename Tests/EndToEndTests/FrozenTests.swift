import Foundation
import Glibc
import ParallaxCore
import Postgres
import TestSupport
import Testing

/// Processes that stand still (SIGSTOP) in the midst of a transaction. Their lease ends what they hold; awake again, they find out.
@Suite(.serialized) struct FrozenTests {
    private static let environment = ["PARALLAX_SPEED_LEASE": "1s"]

    /// A worker whose flush holds its positions, stopped. Returns when its session waits for a client that does not move. The heartbeat's session may, too: it was
    /// perhaps stopped in the midst of a transaction of its own.
    private func frozenInAFlush(_ pipeline: TestPipeline) throws -> Program.Running {
        let worker = try pipeline.start("speed", environment: Self.environment)
        try waitUntil("the worker to take its partitions") {
            try pipeline.value("SELECT count(*) FROM parallax.partition_position WHERE owner IS NOT NULL") == 3
        }
        // The last statement of a flush waits for this row.
        let holder = try Connection(pipeline.dsn)
        defer { holder.close() }
        try holder.execute("BEGIN; SELECT 1 FROM parallax.watermark FOR UPDATE")
        try pipeline.run("generate", "page_view", "--count", "500", "--seed", "1", "--malformed", "0", "--duplicates", "0")
        try waitUntil("the flush to wait") {
            try pipeline.value(
                "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'parallax speed' AND wait_event_type = 'Lock'") == 1
        }
        worker.kill(SIGSTOP)
        try holder.execute("ROLLBACK")
        try waitUntil("its session to wait for it") {
            try pipeline.value(
                "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'parallax speed' AND state LIKE 'idle in transaction%'")
                >= 1
        }
        return worker
    }

    private func end(_ worker: Program.Running) {
        worker.kill(SIGTERM)
        #expect(worker.wait().status == 0)
    }

    /// I5: a run needs the boundary of partitions whose owner stands still in a flush.
    @Test func I5_aRunGoesOnWithoutAWorkerThatStandsStillInAFlush() throws {
        let pipeline = try TestPipeline(sql: CrashTests.sql, configuration: CrashTests.configuration + "\n")
        let zombie = try frozenInAFlush(pipeline)
        try pipeline.run("batch", "run", environment: Self.environment)
        #expect(try pipeline.value("SELECT views FROM serving.total") == 500)
        #expect(try CrashTests.imbalance(pipeline.connection) == nil)
        zombie.kill(SIGCONT)
        try pipeline.run("generate", "page_view", "--count", "500", "--seed", "2", "--malformed", "0", "--duplicates", "0")
        try waitUntil("the worker to go on") { try pipeline.value("SELECT views FROM serving.total") == 1_000 }
        #expect(try CrashTests.imbalance(pipeline.connection) == nil)
        end(zombie)
        #expect(try pipeline.compare(CrashTests.views) == [])
    }

    /// I5: another worker takes the partitions, and its flushes do not wait for the dead one's rows.
    @Test func I5_anotherWorkerTakesThePartitionsOfOneThatStandsStillInAFlush() throws {
        let pipeline = try TestPipeline(sql: CrashTests.sql, configuration: CrashTests.configuration + "\n")
        let zombie = try frozenInAFlush(pipeline)
        let heir = try pipeline.start("speed", environment: Self.environment)
        try waitUntil("the heir to write") { try pipeline.value("SELECT views FROM serving.total") == 500 }
        zombie.kill(SIGCONT)
        try pipeline.run("generate", "page_view", "--count", "500", "--seed", "2", "--malformed", "0", "--duplicates", "0")
        try waitUntil("the rest") { try pipeline.value("SELECT views FROM serving.total") == 1_000 }
        for worker in [zombie, heir] { end(worker) }
        #expect(try pipeline.compare(CrashTests.views) == [])
    }

    /// A run whose staging waits for the holder's lock, and holds the source's row meanwhile. The holder's ROLLBACK lets it go on.
    /// - Parameter lease: the run's.
    private func waitingRun(lease: String = "1s") throws -> (pipeline: TestPipeline, run: Program.Running, holder: Connection) {
        let pipeline = try TestPipeline(sql: CrashTests.sql, configuration: CrashTests.configuration + "\n")
        try pipeline.run("generate", "page_view", "--count", "500", "--seed", "1", "--malformed", "0", "--duplicates", "0")
        let table = try #require(
            try pipeline.connection.query("SELECT quote_ident(state_table) FROM parallax.view_version ORDER BY 1 LIMIT 1").rows[0][0])
        let holder = try Connection(pipeline.dsn)
        try holder.execute("BEGIN; LOCK TABLE batch.\(table) IN SHARE MODE")
        let run = try pipeline.start("batch", "run", environment: ["PARALLAX_SPEED_LEASE": lease])
        try waitUntil("the run to wait") {
            try pipeline.value(
                "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'parallax batch' AND wait_event_type = 'Lock'") == 1
        }
        return (pipeline, run, holder)
    }

    private func addView(to pipeline: TestPipeline) throws {
        let more = CrashTests.sql + "\nCREATE MATERIALIZED VIEW more AS SELECT page, count(*) AS n FROM page_view GROUP BY page;"
        try Data(more.utf8).write(to: URL(fileURLWithPath: pipeline.path + "/views.sql"))
        try pipeline.run("apply", environment: Self.environment)
    }

    /// A change of definitions does not wait for the dead either.
    @Test func definitionsChangeAlthoughAWorkerStandsStillInAFlush() throws {
        let pipeline = try TestPipeline(sql: CrashTests.sql, configuration: CrashTests.configuration + "\n")
        let zombie = try frozenInAFlush(pipeline)
        try addView(to: pipeline)
        zombie.kill(SIGCONT)
        try waitUntil("the worker to go on") { try pipeline.value("SELECT views FROM serving.total") == 500 }
        end(zombie)
    }

    /// I2, I5: a run that stands still holds its source no longer than its lease, and publishes nothing when it wakes.
    @Test func I5_aRunThatStandsStillHoldsUpNeitherDefinitionsNorTheNextRun() throws {
        let (pipeline, zombie, holder) = try waitingRun()
        defer { holder.close() }
        zombie.kill(SIGSTOP)
        try holder.execute("ROLLBACK")
        try addView(to: pipeline)
        try pipeline.run("batch", "run", environment: Self.environment)
        let published = try pipeline.value("SELECT run FROM parallax.published")
        #expect(try pipeline.value("SELECT views FROM serving.total") == 500)
        zombie.kill(SIGCONT)
        #expect(zombie.wait().status != 0)
        #expect(try pipeline.value("SELECT run FROM parallax.published") == published)
        try pipeline.run("batch", "run")
        #expect(try pipeline.compare(CrashTests.views) == [])
    }

    /// A run that is slow lives: nobody ends it, whatever its lease.
    @Test func aRunThatIsSlowIsWaitedFor() throws {
        // Its heartbeat may come late on a machine that is slow itself.
        let (pipeline, slow, holder) = try waitingRun(lease: "4s")
        defer { holder.close() }
        let began = ContinuousClock.now
        try waitUntil("two leases to pass, and refused runs meanwhile") {
            let refused = try pipeline.run("batch", "run", environment: Self.environment, expecting: nil)
            #expect(refused.status == 75)
            return ContinuousClock.now - began > .seconds(9)
        }
        try holder.execute("ROLLBACK")
        #expect(slow.wait().status == 0)
        #expect(try pipeline.value("SELECT views FROM serving.total") == 500)
    }

    /// I1, I5: processes stopped at random moments, others at work meanwhile, and awake again: nothing is lost or counted twice.
    @Test(arguments: [UInt64(20_261_126)])
    func I1_I5_processesThatStandStillAtRandomMomentsLoseAndRepeatNothing(seed: UInt64) throws {
        print("frozen processes, seed \(seed)")
        var random = SeededGenerator(seed: seed)
        let pipeline = try TestPipeline(sql: CrashTests.sql, configuration: CrashTests.configuration + "\n")
        for round in 0..<12 {
            try pipeline.run(
                "generate", "page_view", "--count", "\(random.next() % 2_000 + 50)", "--seed", "\(random.next() % 1_000_000)",
                "--malformed", "0",
                "--duplicates", "0")
            let commands = [["speed"], ["batch", "run"], ["batch", "run", "--full"]]
            let zombie = try Program.start(
                commands[Int(random.next() % 3)] + ["--pipeline", pipeline.path], environment: Self.environment)
            // Behind the start of the program, which takes the private server's own locks.
            var looks = 0
            while looks < 5_000,
                try pipeline.value("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'parallax heartbeat'") == 0
            {
                looks += 1
            }
            for _ in 0..<(random.next() % 300) { _ = try pipeline.connection.query("SELECT 1 FROM parallax.frontier") }
            zombie.kill(SIGSTOP)
            let other = try pipeline.run("batch", "run", environment: Self.environment, expecting: nil)
            // One that stands still while it archives has the archive's folder: only its own end frees that, and the run says so.
            #expect(other.status == 0 || other.status == 75, "round \(round), seed \(seed): \(other.errors)")
            if let text = try CrashTests.imbalance(pipeline.connection) { Issue.record("round \(round), seed \(seed), frozen: \(text)") }
            zombie.kill(SIGCONT)
            zombie.kill(SIGTERM)
            _ = zombie.wait()
            if let text = try CrashTests.imbalance(pipeline.connection) { Issue.record("round \(round), seed \(seed), awake: \(text)") }
        }
        try pipeline.run("speed", "--until-caught-up")
        #expect(try CrashTests.imbalance(pipeline.connection) == nil)
        try pipeline.run("batch", "run")
        #expect(try pipeline.compare(CrashTests.views) == [])
    }
}
