import Archive
import Catalog
import Logging
import ParallaxCore
import Testing

@testable import BatchWorker

@Suite struct ArchiverTests {
    private func archiver(_ pipeline: Pipeline, tail: TailPolicy = .everything, failing: ParallaxError? = nil) -> Archiver {
        var logger = Logger(label: "archiver")
        logger.logLevel = .critical
        return Archiver(dsn: pipeline.dsn, tail: tail, logger: logger) { source, _ throws(ParallaxError) in
            if let failing { throw failing }
            return try ArchiveWriter(
                directory: pipeline.folder.path, source: source.definition, log: pipeline.log, limits: pipeline.archiveLimits)
        }
    }

    private func archived(_ pipeline: Pipeline) throws -> [String] {
        try pipeline.rows("SELECT archived_offset FROM parallax.partition_position ORDER BY partition")
    }

    @Test func whatIsArchivedIsToldToTheCatalogAndATailWaits() throws {
        let pipeline = try Pipeline(partitions: 1)
        var traffic = Traffic(seed: 81)
        try traffic.produce(100, into: pipeline.log)
        let waiting = archiver(pipeline, tail: .when(records: 1_000, age: .seconds(1_000_000_000)))
        #expect(try waiting.archiveOnce(pipeline.catalog) { false } == nil)
        #expect(try archived(pipeline) == ["0"])
        let archiver = archiver(pipeline)
        #expect(try archiver.archiveOnce(pipeline.catalog) { false } == nil)
        #expect(try archived(pipeline) == ["100"])
        #expect(archiver.recorded.map(\.source) == ["page_view"] && archiver.recorded[0].archived == Cut([Partition(0): Offset(100)]))
    }

    @Test func aSourcesTroubleIsSaidAndTakenBack() throws {
        let pipeline = try Pipeline(partitions: 1)
        var traffic = Traffic(seed: 82)
        try traffic.produce(10, into: pipeline.log)
        let full = ParallaxError(.disk, "the archive's disk is full")
        let failing = archiver(pipeline, failing: full)
        #expect(try failing.archiveOnce(pipeline.catalog) { false } == full)
        #expect(try pipeline.catalog.troubles().map(\.error.message) == [full.message])
        // Not at once: it waits a while of its own, and says nothing meanwhile.
        #expect(try failing.archiveOnce(pipeline.catalog) { false } == nil)
        #expect(try archiver(pipeline).archiveOnce(pipeline.catalog) { false } == nil)
        #expect(try pipeline.catalog.troubles().isEmpty && archived(pipeline) == ["10"])
    }

    @Test func aStopEndsItWithoutATrouble() throws {
        let pipeline = try Pipeline(partitions: 1)
        var traffic = Traffic(seed: 83)
        try traffic.produce(10, into: pipeline.log)
        let error = #expect(throws: ParallaxError.self) { try archiver(pipeline).archiveOnce(pipeline.catalog) { true } }
        #expect(error?.code == .cancelled)
        #expect(try pipeline.catalog.troubles().isEmpty)
        let stop = StopSignal()
        stop.give()
        try archiver(pipeline).run(stop)
    }
}
