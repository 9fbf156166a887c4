import Foundation
import Glibc
import KafkaLog
import ParallaxCore
import Postgres
import TestSupport
import Testing

/// Storms and broken brokers: afterwards the oracle holds and nothing is counted twice (I1, I5).
@Suite(.serialized) struct KafkaStormTests {
    /// `make test-storm` gives a minute.
    private static let stormSeconds = ProcessInfo.processInfo.environment["PARALLAX_STORM_SECONDS"].flatMap(Int.init) ?? 8

    /// Workers join and leave all the time: asked to, killed, stopped past their session and woken again, while events come.
    @Test(arguments: [UInt64(20_261_121)])
    func I1_I5_aRebalanceStormLosesAndRepeatsNothing(seed: UInt64) throws {
        print("rebalance storm: \(Self.stormSeconds) s, seed \(seed)")
        var random = SeededGenerator(seed: seed)
        let broker = try TestBroker(brokers: 3)
        let (pipeline, _) = try KafkaTests.makePipeline(broker)
        var workers: [Program.Running] = []
        var sleeping: [Program.Running] = []
        var total: Int64 = 0
        var round = 0
        var imbalance: String?
        let end = ContinuousClock.now + .seconds(Self.stormSeconds)
        while ContinuousClock.now < end {
            round += 1
            workers.append(try pipeline.start("speed"))
            // About half a second of the storm.
            try KafkaTests.generate(pipeline, 100, seed: round)
            total += 100
            imbalance = try imbalance ?? CrashTests.imbalance(pipeline.connection)
            if let woken = sleeping.popLast() {
                woken.kill(SIGCONT)
                workers.append(woken)
            }
            guard workers.count > 2 else { continue }
            let leaver = workers.remove(at: Int.random(in: 0..<workers.count, using: &random))
            switch Int.random(in: 0..<3, using: &random) {
            case 0: leaver.kill(SIGTERM)
            case 1: leaver.kill(SIGKILL)
            default:
                leaver.kill(SIGSTOP)
                sleeping.append(leaver)
            }
        }
        #expect(imbalance == nil)
        // Whoever sleeps now sleeps past its session: the others must take over without it.
        if workers.isEmpty { workers.append(try pipeline.start("speed")) }
        try waitUntil("all \(total) events of \(round) rounds", seconds: 60) {
            try pipeline.value("SELECT views FROM serving.total") == total
        }
        for zombie in sleeping { zombie.kill(SIGCONT) }
        try KafkaTests.generate(pipeline, 100, seed: round + 1)
        total += 100
        try waitUntil("the zombies' share too", seconds: 60) { try pipeline.value("SELECT views FROM serving.total") == total }
        #expect(try CrashTests.imbalance(pipeline.connection) == nil)
        for worker in workers + sleeping { worker.kill(SIGTERM) }
        for worker in workers + sleeping { _ = worker.wait() }
        #expect(try pipeline.compare(CrashTests.views) == [])
        try pipeline.run("batch", "run")
        #expect(try pipeline.compare(CrashTests.views) == [])
    }

    /// Every broker away while producer, worker and archiver run; then slow ones; then good ones again.
    @Test func I1_brokersThatAreAwayOrSlowLoseAndRepeatNothing() throws {
        let broker = try TestBroker(brokers: 3)
        let (pipeline, _) = try KafkaTests.makePipeline(broker)
        let worker = try pipeline.start("speed")
        let archiver = try pipeline.start("archive")
        try KafkaTests.generate(pipeline, 300, seed: 1)
        try waitUntil("the first events") { try pipeline.value("SELECT views FROM serving.total") == 300 }
        let producer = try pipeline.start(
            "generate", "page_view", "--count", "300", "--rate", "40", "--seed", "2", "--malformed", "0", "--duplicates", "0")
        try waitUntil("the producer's first events") { try pipeline.value("SELECT views FROM serving.total") > 300 }
        for number in 1...3 { try broker.tell("down \(number)") }
        // Who asks is told; nobody gives up.
        let asked = try pipeline.run("archive", "--until-caught-up", expecting: nil)
        #expect(asked.status == 69, "\(asked.errors)")
        #expect(try pipeline.run("status").status == 0)
        #expect(worker.process.isRunning && archiver.process.isRunning && producer.process.isRunning)
        for number in 1...3 {
            try broker.tell("up \(number)")
            try broker.tell("rtt \(number) 300")
        }
        let ended = producer.wait()
        #expect(ended.status == 0, "\(ended.errors)")
        try waitUntil("the events through slow brokers", seconds: 60) { try pipeline.value("SELECT views FROM serving.total") == 600 }
        for number in 1...3 { try broker.tell("rtt \(number) 0") }
        try KafkaTests.generate(pipeline, 300, seed: 3)
        try waitUntil("the rest") { try pipeline.value("SELECT views FROM serving.total") == 900 }
        #expect(try CrashTests.imbalance(pipeline.connection) == nil)
        for program in [worker, archiver] {
            program.kill(SIGTERM)
            let stopped = program.wait()
            #expect(stopped.status == 0, "\(stopped.errors)")
        }
        try pipeline.run("batch", "run")
        #expect(try pipeline.compare(CrashTests.views) == [])
    }

    /// The broker process is killed under running workers. Its successor, at the same addresses, holds the same records, and a topic that has
    /// grown by two partitions meanwhile (a mock's topic cannot grow while it runs).
    @Test func I1_aKilledBrokerThatComesBackWithMorePartitionsLosesAndRepeatsNothing() throws {
        let first = try TestBroker(brokers: 3)
        let (pipeline, log) = try KafkaTests.makePipeline(first)
        let workers = [try pipeline.start("speed"), try pipeline.start("speed")]
        try KafkaTests.generate(pipeline, 400, seed: 1)
        try waitUntil("the first events") { try pipeline.value("SELECT views FROM serving.total") == 400 }
        // Half of it archived, half of it not yet.
        try pipeline.run("archive", "--until-caught-up")
        try KafkaTests.generate(pipeline, 400, seed: 2)
        let kept = try log.partitions().map { partition in
            try log.read(partition, from: .zero, maxRecords: 1_000, maxBytes: 1 << 20)
        }
        #expect(kept.reduce(0) { $0 + $1.count } == 800)
        first.kill()
        let refused = try pipeline.run("archive", "--until-caught-up", expecting: nil)
        #expect(refused.status == 69, "\(refused.errors)")
        #expect(workers.allSatisfy { $0.process.isRunning })

        // A real broker answers when it has loaded its logs; here nobody may ask before they are written again.
        for worker in workers { worker.kill(SIGSTOP) }
        let second = try TestBroker(inPlaceOf: first)
        try second.tell("topic page_view 6")
        for (number, records) in kept.enumerated() where !records.isEmpty {
            try second.tell("leader page_view \(number) 1")
            try RawProducer(second).write(
                .copies(
                    (0..<records.count).map { row in
                        (
                            records.keys.isNull(row) ? nil : Array(records.keys[row]), Array(records.payloads[row]),
                            Instant(microseconds: records.appendedAt[row])
                        )
                    }), topic: "page_view", partition: number)
        }
        let again = try KafkaTests.openLog(second)
        pipeline.openLog = { _ in again }
        for (number, records) in kept.enumerated() {
            #expect(try again.bounds(of: Partition(number)) == .zero..<Offset(Int64(records.count)))
        }
        for worker in workers { worker.kill(SIGCONT) }
        try waitUntil("the rest of the old records", seconds: 60) { try pipeline.value("SELECT views FROM serving.total") == 800 }
        try waitUntil("somebody to have the new partitions", seconds: 60) {
            try pipeline.value("SELECT count(owner) FROM parallax.partition_position") == 6
        }
        try KafkaTests.generate(pipeline, 600, seed: 3)
        try waitUntil("the new events") { try pipeline.value("SELECT views FROM serving.total") == 1_400 }
        #expect(try pipeline.value("SELECT count(*) FROM parallax.partition_position WHERE partition >= 4 AND next_offset > 0") == 2)
        #expect(try CrashTests.imbalance(pipeline.connection) == nil)
        for worker in workers { worker.kill(SIGTERM) }
        for worker in workers { #expect(worker.wait().status == 0) }
        try pipeline.run("batch", "run")
        #expect(try pipeline.compare(CrashTests.views) == [])
    }

    /// The coordinator forgets the members, again and again, in the middle of flushes: what was read and not written is read again.
    @Test func I1_lostAssignmentsLoseAndRepeatNothing() throws {
        let broker = try TestBroker(brokers: 3)
        let (pipeline, _) = try KafkaTests.makePipeline(broker)
        let workers = [try pipeline.start("speed"), try pipeline.start("speed")]
        var total: Int64 = 0
        for round in 1...5 {
            try broker.tell("errors 12 \(round % 2 == 0 ? 22 : 25) 2")
            try KafkaTests.generate(pipeline, 300, seed: round)
            total += 300
        }
        try waitUntil("all events", seconds: 60) { try pipeline.value("SELECT views FROM serving.total") == total }
        #expect(try CrashTests.imbalance(pipeline.connection) == nil)
        for worker in workers { worker.kill(SIGTERM) }
        for worker in workers { #expect(worker.wait().status == 0) }
        #expect(try pipeline.compare(CrashTests.views) == [])
    }
}
