import BatchLayer
import Catalog
import Logging
import ParallaxCore
import Testing

@testable import BatchWorker

@Suite struct BatchScheduleTests {
    private func schedule(_ pipeline: Pipeline, _ failing: ParallaxError? = nil) -> BatchSchedule {
        var logger = Logger(label: "schedule")
        logger.logLevel = .critical
        nonisolated(unsafe) let pipeline = pipeline
        return BatchSchedule(dsn: pipeline.dsn, every: .seconds(60), logger: logger) { _, observe throws(ParallaxError) in
            if let failing { throw failing }
            do { return try pipeline.worker(observe: observe) } catch {
                throw error as? ParallaxError ?? ParallaxError(.internalInconsistency, "\(error)")
            }
        }
    }

    /// What a speed worker says when it has looked at the log.
    private func sawMore(_ pipeline: Pipeline) throws {
        try pipeline.connection.execute("UPDATE parallax.partition_position SET log_end = next_offset + 1")
    }

    private func runs(_ pipeline: Pipeline) throws -> String {
        try pipeline.value("SELECT string_agg(state, ' ' ORDER BY run_id) FROM parallax.run")
    }

    @Test func aRunComesWhereSomethingIsNewAndNoOtherWhileOneIsHeld() throws {
        let pipeline = try Pipeline(partitions: 2, views: [("by_page", Pipeline.byPage)])
        let schedule = schedule(pipeline)
        var traffic = Traffic(seed: 71)
        traffic.isTidy = true
        try traffic.produce(100, into: pipeline.log)
        // Nobody has looked at the log: a schedule does not open it.
        try schedule.runDue(StopSignal())
        #expect(try runs(pipeline) == "null")
        // There is no speed worker: the run closes the slice itself, at the log's end.
        try sawMore(pipeline)
        try schedule.runDue(StopSignal())
        #expect(try runs(pipeline) == "published")
        try schedule.runDue(StopSignal())
        #expect(try runs(pipeline) == "published", "nothing is new")

        // A view that no run has computed, whatever the log says.
        try pipeline.apply([("by_page", Pipeline.byPage), ("totals", Pipeline.totals)])
        try schedule.runDue(StopSignal())
        #expect(try runs(pipeline) == "published published")

        try sawMore(pipeline)
        try pipeline.connection.execute("UPDATE parallax.run SET state = 'held', held_reason = 'by hand' WHERE run_id = 2")
        try schedule.runDue(StopSignal())
        #expect(try runs(pipeline) == "published held")
    }

    @Test func whatKeepsARunFromASourceIsSaidUntilOneGoesThrough() throws {
        let pipeline = try Pipeline(partitions: 1, views: [("by_page", Pipeline.byPage)])
        var traffic = Traffic(seed: 72)
        try traffic.produce(50, into: pipeline.log)
        try sawMore(pipeline)
        try schedule(pipeline, ParallaxError(.disk, "the archive's disk is full")).runDue(StopSignal())
        #expect(try pipeline.catalog.troubles().map(\.error.message) == ["the archive's disk is full"])
        try schedule(pipeline).runDue(StopSignal())
        #expect(try pipeline.catalog.troubles().isEmpty && runs(pipeline) == "published")
    }

    @Test func aStopEndsTheRunThatIsUnderWay() throws {
        let pipeline = try Pipeline(partitions: 1, views: [("by_page", Pipeline.byPage)])
        var traffic = Traffic(seed: 73)
        try traffic.produce(50, into: pipeline.log)
        try sawMore(pipeline)
        let stop = StopSignal()
        stop.give()
        let error = #expect(throws: ParallaxError.self) { try schedule(pipeline).runDue(stop) }
        #expect(error?.code == .cancelled)
        #expect(try runs(pipeline) == "failed")
        // And the loop ends without a word.
        try schedule(pipeline).run(stop)
    }
}
