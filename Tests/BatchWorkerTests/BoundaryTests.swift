import ParallaxCore
import Testing

@testable import BatchWorker

@Suite struct BoundaryTests {
    /// I1: batch below the cut and speed above it are every record once, wherever the cut is.
    @Test(arguments: [0, 1, 30, 80, 1_000]) func I1_theCutIsWhereTheLiveWorkerClosedItsSlice(atMost: Int) throws {
        let pipeline = try Pipeline(partitions: 2)
        let speed = try HandSpeed(pipeline)
        var traffic = Traffic(seed: 51)
        traffic.isTidy = true
        try traffic.produce(150, into: pipeline.log)
        let worker = try pipeline.worker(observe: once(.waiting) { () throws(ParallaxError) in try speed.flush(atMost: atMost) })
        let report = try worker.run(source: "page_view", full: false)
        #expect(report.cut == ["0": speed.positions[0], "1": speed.positions[1]])
        #expect(report.newOffsets == speed.positions.reduce(0, +))
        try speed.flush()
        try pipeline.expectServedEqualsOracle("cut \(report.cut)")
    }

    @Test func aWorkerThatDoesNotAnswerIsNamed() throws {
        let pipeline = try Pipeline(partitions: 2)
        pipeline.settings.boundaryDeadline = .milliseconds(150)
        let speed = try HandSpeed(pipeline)
        try pipeline.connection.execute(
            "INSERT INTO parallax.worker (worker_id, layer, host, pid) SELECT DISTINCT owner, 'speed', 'some-host', 4711 FROM parallax.partition_position ON CONFLICT (worker_id) DO UPDATE SET host = excluded.host, pid = excluded.pid"
        )
        let error = #expect(throws: ParallaxError.self) { try pipeline.run() }
        #expect(error?.code == .unavailable && error?.message.contains("partitions 0, 1") == true)
        #expect(error?.detail?.contains("00000000-0000-0000-0000-00000000000a (some-host, process 4711)") == true, "\(error?.detail ?? "")")
        // It answers later, and to a later run.
        pipeline.settings.boundaryDeadline = .seconds(60)
        let worker = try pipeline.worker(observe: once(.waiting) { () throws(ParallaxError) in try speed.flush() })
        _ = try worker.run(source: "page_view", full: false)
    }

    @Test func aPartitionThatTheLogGainedIsInTheNextRun() throws {
        let pipeline = try Pipeline(partitions: 3)
        // As if the definitions had been applied when the log had one partition.
        try pipeline.connection.execute(
            "DELETE FROM parallax.boundary WHERE partition > 0; DELETE FROM parallax.partition_position WHERE partition > 0")
        var traffic = Traffic(seed: 52)
        try traffic.produce(90, into: pipeline.log)
        let report = try pipeline.run()
        #expect(report.cut.count == 3 && report.newOffsets == 90)
        try pipeline.expectServedEqualsOracle("three partitions")
    }

    @Test func aPartitionThatComesWhileARunIsUnderWayIsAboveItsCut() throws {
        let pipeline = try Pipeline(partitions: 2)
        try pipeline.connection.execute(
            "DELETE FROM parallax.boundary WHERE partition > 0; DELETE FROM parallax.partition_position WHERE partition > 0")
        var traffic = Traffic(seed: 53)
        try traffic.produce(40, into: pipeline.log)
        // The run's own first look finds both partitions of the log; the second one is taken back and comes again in a later slice.
        let source = try pipeline.catalog.source(named: "page_view").id
        let worker = try pipeline.worker(
            observe: once(.waiting) { () throws(ParallaxError) in
                try pipeline.connection.execute(
                    "DELETE FROM parallax.boundary WHERE partition > 0; DELETE FROM parallax.partition_position WHERE partition > 0")
                _ = try pipeline.catalog.requestSlice(source: source)
                try pipeline.catalog.ensurePartitions(source: source, [Partition(1)])
            })
        let report = try worker.run(source: "page_view", full: false)
        #expect(report.cut["1"] == 0 && (report.cut["0"] ?? 0) > 0)
        try pipeline.run()
        try pipeline.expectServedEqualsOracle("the run after it")
    }
}
