import BatchLayer
import Glibc
import ParallaxCore
import Postgres
import TestSupport
import Testing

@testable import BatchWorker

private struct Crash {
    static let error = ParallaxError(.cancelled, "the test ends the run here")
}

func waitFor(_ what: String, _ condition: () throws -> Bool) throws {
    let deadline = ContinuousClock.now + .seconds(60)
    while try !condition() {
        try #require(ContinuousClock.now < deadline, "waited in vain for \(what)")
        poll(nil, 0, 5)
    }
}

@Suite struct FaultTests {
    /// A run that ends before its publication leaves what was published, to the row; the next one makes everything good.
    @Test func I2_aRunThatFailsInAnyPhaseLeavesThePublicationServed() throws {
        let pipeline = try Pipeline(partitions: 2)
        var traffic = Traffic(seed: 41)
        try traffic.produce(300, into: pipeline.log)
        try pipeline.run()
        for phase in RunPhase.allCases where phase != .cleaning {
            let served = try pipeline.served()
            let published = try pipeline.rows("SELECT * FROM parallax.published")
            try traffic.produce(60, into: pipeline.log)
            let worker = try pipeline.worker(observe: once(phase) { () throws(ParallaxError) in throw Crash.error })
            let error = #expect(throws: ParallaxError.self, "\(phase)") { try worker.run(source: "page_view", full: phase == .publishing) }
            #expect(error == Crash.error, "\(phase)")
            #expect(try pipeline.served() == served, "\(phase)")
            #expect(try pipeline.rows("SELECT * FROM parallax.published") == published, "\(phase)")
            #expect(
                try pipeline.value("SELECT state || ': ' || error FROM parallax.run ORDER BY run_id DESC LIMIT 1").hasPrefix("failed: "))
            if phase != .archiving {
                try pipeline.run()
                try pipeline.expectServedEqualsOracle("after a run that failed while \(phase)")
            }
        }
    }

    /// The same with the database session gone from one statement to the next, as a process that dies leaves it.
    @Test func I5_aRunWhoseSessionIsLostLeavesNothingBehind() throws {
        let pipeline = try Pipeline(partitions: 2)
        var traffic = Traffic(seed: 42)
        try traffic.produce(200, into: pipeline.log)
        try pipeline.run()
        let runSessions = "FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'parallax batch'"
        for phase in [RunPhase.waiting, .archiving, .staging, .comparing, .publishing] {
            let served = try pipeline.served()
            try traffic.produce(60, into: pipeline.log)
            let killer = try Connection(pipeline.dsn)
            let worker = try pipeline.worker(
                observe: once(phase) { () throws(ParallaxError) in
                    try killer.execute("SELECT pg_terminate_backend(pid) \(runSessions)")
                })
            let error = #expect(throws: ParallaxError.self, "\(phase)") { try worker.run(source: "page_view", full: true) }
            #expect(error?.code == .unavailable, "\(phase): \(String(describing: error))")
            #expect(try pipeline.served() == served, "\(phase)")
            try waitFor("the session to end") { try pipeline.value("SELECT count(*) \(runSessions)") == "0" }
            try pipeline.run()
            try pipeline.expectServedEqualsOracle("after a session lost while \(phase)")
            #expect(try pipeline.value("SELECT count(*) FROM parallax.run WHERE state NOT IN ('published', 'failed')") == "0")
        }
    }

    @Test func aRunThatFailsAfterItsPublicationIsPublished() throws {
        let pipeline = try Pipeline(partitions: 1)
        var traffic = Traffic(seed: 43)
        try traffic.produce(100, into: pipeline.log)
        let worker = try pipeline.worker(observe: once(.cleaning) { () throws(ParallaxError) in throw Crash.error })
        let report = try worker.run(source: "page_view", full: false)
        #expect(report.warnings.count == 1)
        try pipeline.expectServedEqualsOracle("published")
        #expect(try pipeline.value("SELECT state FROM parallax.run") == "published")
        #expect(try pipeline.run().warnings.isEmpty)
    }

    @Test func twoRunsAtOnce() throws {
        let pipeline = try Pipeline(partitions: 1)
        var traffic = Traffic(seed: 44)
        try traffic.produce(100, into: pipeline.log)
        let second = try pipeline.worker()
        var refusal: ParallaxError?
        let first = try pipeline.worker(
            observe: once(.computing) { () throws(ParallaxError) in
                do throws(ParallaxError) { _ = try second.run(source: "page_view", full: false) } catch { refusal = error }
            })
        _ = try first.run(source: "page_view", full: false)
        #expect(refusal?.code == .busy && refusal?.isRetriable == true)
        #expect(refusal?.detail?.hasPrefix("run 1 since ") == true)
        try pipeline.run()
    }

    /// I5: a run that lost its source writes no row and moves no pointer.
    @Test(arguments: [RunPhase.staging, .comparing, .publishing]) func I5_aRunThatLostItsSourcePublishesNothing(phase: RunPhase) throws {
        let pipeline = try Pipeline(partitions: 1)
        var traffic = Traffic(seed: 45)
        try traffic.produce(100, into: pipeline.log)
        let speed = try HandSpeed(pipeline)
        let other = try Connection(pipeline.dsn)
        let worker = try pipeline.worker(observe: { (progress) throws(ParallaxError) in
            if progress.phase == .waiting { try speed.flush() }
            if progress.phase == phase { try other.execute("UPDATE parallax.source SET active_run = 1000") }
        })
        let error = #expect(throws: ParallaxError.self) { try worker.run(source: "page_view", full: false) }
        #expect(error?.code == .fenced)
        #expect(try pipeline.value("SELECT run FROM parallax.published") == "0")
        if phase == .staging { #expect(try pipeline.value("SELECT count(*) FROM \(try pipeline.batchTable("by_page"))") == "0") }
        if phase != .publishing { #expect(try pipeline.value("SELECT count(*) FROM parallax.drift") == "0") }
        #expect(try pipeline.value("SELECT active_run FROM parallax.source") == "1000")
    }

    @Test func aMemoryLimitEndsTheRunAndSaysWhatToDo() throws {
        let pipeline = try Pipeline(partitions: 1)
        pipeline.settings.limits.memoryBytes = 40_000
        var traffic = Traffic(seed: 46)
        try traffic.produce(2_000, into: pipeline.log)
        let error = #expect(throws: ParallaxError.self) { try pipeline.run() }
        #expect(error?.code == .limit && error?.hint?.contains("batch.memory_bytes") == true)
        pipeline.settings.limits = BatchLimits()
        try pipeline.run()
        try pipeline.expectServedEqualsOracle("with enough memory")
    }

    @Test func aDamagedOrMissingSegmentIsNamedWithItsOffsets() throws {
        let pipeline = try Pipeline(partitions: 1, recordsPerSegment: 50)
        var traffic = Traffic(seed: 47)
        try traffic.produce(200, into: pipeline.log)
        try pipeline.run()
        let served = try pipeline.served()
        let segments = try pipeline.segmentPaths()
        #expect(segments.count == 4)

        try pipeline.flipByte(of: segments[1])
        try pipeline.flipByte(of: segments[2])
        let damaged = #expect(throws: ParallaxError.self) { try pipeline.run(full: true) }
        #expect(damaged?.code == .corrupt && damaged?.message.contains("2 archived segments") == true)
        #expect(damaged?.detail?.contains("offsets [50, 100)") == true && damaged?.detail?.contains("offsets [100, 150)") == true)
        #expect(try pipeline.served() == served)

        try pipeline.flipByte(of: segments[1])
        try pipeline.flipByte(of: segments[2])
        unlink(segments[3])
        let missing = #expect(throws: ParallaxError.self) { try pipeline.run(full: true) }
        #expect(missing?.code == .missing && missing?.detail?.contains("offsets [150, 200)") == true, "\(String(describing: missing))")
        #expect(try pipeline.served() == served)
    }

    @Test func recordsThatAreGoneBeforeTheyWereArchivedAreNamed() throws {
        let pipeline = try Pipeline(partitions: 1)
        var traffic = Traffic(seed: 48)
        try traffic.produce(100, into: pipeline.log)
        try pipeline.log.trim(below: Cut([Partition(0): Offset(40)]))
        let error = #expect(throws: ParallaxError.self) { try pipeline.run() }
        #expect(error?.code == .offsetGone, "\(String(describing: error))")
        #expect(error?.description.contains("40") == true)
        #expect(try pipeline.value("SELECT run FROM parallax.published") == "0")
    }
}
