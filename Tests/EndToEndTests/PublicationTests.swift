import Foundation
import Glibc
import ParallaxCore
import Postgres
import TestSupport
import Testing

/// Readers poll while everything runs: workers flush, runs publish, traffic flows.
@Suite(.serialized) struct PublicationTests {
    /// I1 and I2: no poll sees a total other than what its own snapshot's frontier says, in either view, across publications.
    @Test func I2_noPollEverSeesAMixOfPublications() throws {
        let pipeline = try TestPipeline(sql: CrashTests.sql, configuration: CrashTests.configuration)
        let speed = try pipeline.start("speed")
        let traffic = try pipeline.start(
            "generate", "page_view", "--rate", "3000", "--count", "30000", "--seed", "7", "--malformed", "0", "--duplicates", "0")
        let deadline = ContinuousClock.now + .seconds(600)
        var polls = 0
        let followers = try CrashTests.views.map { try Follower(pipeline.dsn, view: $0.name) }
        var publications: Int64 = 0
        var totals: [Int64] = []
        var runs = 0
        var run: Program.Running? = nil
        while traffic.process.isRunning || publications < 5 {
            #expect(ContinuousClock.now < deadline, "five publications and 30,000 events took more than ten minutes")
            guard ContinuousClock.now < deadline else { break }
            if run?.process.isRunning != true {
                if let run { #expect(run.wait().status == 0, "\(run.wait().errors)") }
                runs += 1
                run = try Program.start((runs % 3 == 0 ? ["batch", "run", "--full"] : ["batch", "run"]) + ["--pipeline", pipeline.path])
            }
            for _ in 0..<20 {
                if let text = try CrashTests.imbalance(pipeline.connection) { Issue.record("poll \(polls): \(text)") }
                totals.append(try pipeline.value("SELECT views FROM serving.total"))
                polls += 1
            }
            try expectFollowed(followers, "after \(polls) polls")
            publications = try pipeline.value("SELECT count(*) FROM parallax.run WHERE state = 'published'")
        }
        _ = run?.wait()
        speed.kill(SIGTERM)
        #expect(speed.wait().status == 0)
        #expect(totals == totals.sorted(), "a total went back")
        #expect(publications >= 5)
        print("\(polls) polls over \(publications) publications")
        try pipeline.run("speed", "--until-caught-up")
        #expect(try pipeline.compare(CrashTests.views) == [])
    }

    /// I5: two workers and a stopped one. The one that was stopped past its lease writes nothing when it wakes.
    @Test func I5_aWorkerThatSleptThroughItsLeaseWritesNothing() throws {
        let pipeline = try TestPipeline(sql: CrashTests.sql, configuration: CrashTests.configuration + "\n")
        let environment = ["PARALLAX_SPEED_LEASE": "1s"]
        let zombie = try pipeline.start("speed", environment: environment)
        try pipeline.run("generate", "page_view", "--count", "500", "--seed", "1", "--malformed", "0", "--duplicates", "0")
        try waitUntil("the first worker to take its partitions") {
            try pipeline.value("SELECT count(*) FROM parallax.partition_position WHERE owner IS NOT NULL") == 3
        }
        try waitUntil("the first records") { try pipeline.value("SELECT views FROM serving.total") == 500 }
        zombie.kill(SIGSTOP)
        // A lease that a slow machine keeps: only the first worker's is to run out.
        let heir = try pipeline.start("speed", environment: ["PARALLAX_SPEED_LEASE": "120s"])
        try pipeline.run("generate", "page_view", "--count", "500", "--seed", "2", "--malformed", "0", "--duplicates", "0")
        try waitUntil("the second worker to take over") { try pipeline.value("SELECT views FROM serving.total") == 1_000 }
        let epochs = try pipeline.connection.query(
            "SELECT string_agg(epoch::text, ',' ORDER BY partition) FROM parallax.partition_position"
        ).rows[0][0]
        zombie.kill(SIGCONT)
        try pipeline.run("generate", "page_view", "--count", "500", "--seed", "3", "--malformed", "0", "--duplicates", "0")
        try waitUntil("the rest") { try pipeline.value("SELECT views FROM serving.total") == 1_500 }
        #expect(try CrashTests.imbalance(pipeline.connection) == nil)
        // The heir kept them.
        #expect(
            try pipeline.connection.query("SELECT string_agg(epoch::text, ',' ORDER BY partition) FROM parallax.partition_position").rows[
                0][0] == epochs)
        for worker in [zombie, heir] {
            worker.kill(SIGTERM)
            #expect(worker.wait().status == 0)
        }
        #expect(try pipeline.compare(CrashTests.views) == [])
    }
}

/// Waits for a condition, with a deadline. Each look is a round trip to the server, which is what paces it.
func waitUntil(_ what: String, seconds: Int = 60, _ condition: () throws -> Bool) throws {
    let deadline = ContinuousClock.now + .seconds(seconds)
    while try !condition() {
        guard ContinuousClock.now < deadline else {
            throw ParallaxError(.internalInconsistency, "waited \(seconds) s for \(what)")
        }
    }
}
