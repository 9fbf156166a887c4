import Catalog
import ParallaxCore
import TestSupport
import Testing

@testable import BatchWorker

/// A run and a log that is not the one that positions and archive belong to.
@Suite(.serialized) struct RunLogTests {
    private func events(_ ids: Range<Int>) -> [NewRecord] {
        ids.map {
            NewRecord(
                key: nil,
                payload: Array(
                    "{\"event_id\":\"\($0)\",\"event_time\":\"2024-01-01T00:00:\(10 + $0 % 50)Z\",\"page\":\"/\",\"amount\":1}".utf8))
        }
    }

    private func refused(_ pipeline: Pipeline, _ words: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
        let slice = try pipeline.value("SELECT requested_slice FROM parallax.source")
        for full in [false, true] {
            let error = #expect(throws: ParallaxError.self, sourceLocation: sourceLocation) { try pipeline.run(full: full) }
            #expect(error?.code == .anotherLog, sourceLocation: sourceLocation)
            #expect(error?.message.contains(words) == true, "\(error?.message ?? "")", sourceLocation: sourceLocation)
        }
        // No slice was asked for: the speed layer is not troubled.
        #expect(try pipeline.value("SELECT requested_slice FROM parallax.source") == slice, sourceLocation: sourceLocation)
    }

    @Test func I1_aRunBelievesNoBoundaryOfAnotherLog() throws {
        let pipeline = try Pipeline(partitions: 1, views: [("totals", "SELECT count(*) AS n FROM page_view")])
        try pipeline.log.append(events(0..<100), to: Partition(0))
        try pipeline.run()
        #expect(try pipeline.servedRows("totals") == ["100"])
        #expect(try pipeline.value("SELECT witness_offset FROM parallax.partition_position") == "99")
        pipeline.log.cutBack(to: Cut([Partition(0): Offset(60)]))
        try refused(pipeline, "up to offset 100, and its log ends at 60")
        try pipeline.log.append(events(200..<300), to: Partition(0))
        try refused(pipeline, "another record at offset 99 of partition 0")
        pipeline.log.replace(number: "another")
        try pipeline.log.append(events(300..<900), to: Partition(0))
        try refused(pipeline, "another record at offset 99 of partition 0")
        #expect(try pipeline.servedRows("totals") == ["100"])
    }
}
