import ParallaxCore
import Testing
import TestSupport

@testable import EmbeddedLog

/// The embedded log and arrays, driven by the same random calls, hold the same records.
@Suite struct ModelTests {
    @Test(arguments: UInt64(1)...12)
    func randomCallsGiveWhatArraysGive(_ seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let count = Int.random(in: 1...4, using: &random)
        let fixture = try LogFixture {
            $0.bytesPerSegment = Int.random(in: 1...3_000, using: &random)
            $0.bytesPerBatchFrame = Int.random(in: 1...500, using: &random)
            $0.recordsPerBatchFrame = Int.random(in: 1...20, using: &random)
        }
        let model = MemoryLog(source: "s", partitions: count, clock: { _ in Instant(microseconds: 1_000_000) })
        var log = try fixture.open(partitions: count)
        for step in 0..<150 {
            let partition = Partition(Int.random(in: 0..<count, using: &random))
            switch Int.random(in: 0..<10, using: &random) {
            case 0..<4:
                let records = (0..<Int.random(in: 1...30, using: &random)).map { _ in
                    // With a key always: the turns of the two round robins need not agree.
                    NewRecord(key: bytes(&random), payload: Bool.random(using: &random) ? bytes(&random) : nil)
                }
                let chosen = Bool.random(using: &random) ? partition : nil
                let (found, expected) = (try log.append(records, to: chosen), try model.append(records, to: chosen))
                try #require(found == expected, "seed \(seed), step \(step)")
            case 4: log = try fixture.open(partitions: count)
            case 5:
                let end = try model.bounds(of: partition).upperBound
                let cut = Cut([partition: Offset(Int64.random(in: 0...end.rawValue, using: &random))])
                try log.trim(below: cut)
                try model.trim(below: Cut([partition: log.bounds(of: partition).lowerBound]))
            default:
                let bounds = try model.bounds(of: partition)
                try #require(try log.bounds(of: partition) == bounds, "seed \(seed), step \(step)")
                let from = Offset(Int64.random(in: bounds.lowerBound.rawValue...bounds.upperBound.rawValue, using: &random))
                let maxRecords = Int.random(in: 1...60, using: &random)
                let maxBytes = Int.random(in: 1...2_000, using: &random)
                let found = try log.read(partition, from: from, maxRecords: maxRecords, maxBytes: maxBytes)
                let expected = try model.read(partition, from: from, maxRecords: maxRecords, maxBytes: maxBytes)
                try #require(
                    found.nextOffset == expected.nextOffset && found.offsets == expected.offsets
                        && found.appendedAt == expected.appendedAt && values(found.keys) == values(expected.keys)
                        && values(found.payloads) == values(expected.payloads), "seed \(seed), step \(step)")
            }
        }
    }

    private func bytes(_ random: inout SeededGenerator) -> [UInt8] {
        let count = Int.random(in: 0..<20, using: &random) == 0 ? 300 : Int.random(in: 0...12, using: &random)
        return (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
    }

    private func values(_ column: ByteColumn) -> [[UInt8]?] {
        (0..<column.count).map { column.isNull($0) ? nil : Array(column[$0]) }
    }
}
