import Foundation
import ParallaxCore
import Testing
import TestSupport

@testable import EmbeddedLog

@Suite struct LimitTests {
    @Test func aRecordAboveTheLimitIsRefusedWithItsSizeAndTheLimit() throws {
        let fixture = try LogFixture { $0.bytesPerRecord = 100 }
        let log = try fixture.open()
        let fits = NewRecord(key: [UInt8](repeating: 1, count: 40), payload: [UInt8](repeating: 2, count: 60))
        let tooLarge = NewRecord(key: fits.key, payload: [UInt8](repeating: 2, count: 61))
        let error = refusal { try log.append([fits, tooLarge], to: nil) }
        #expect(error?.code == .limit)
        #expect(error?.message.contains("record 2 of 2 for source \"s\" has 101 bytes: the log takes 100 (limit `bytesPerRecord`)") == true)
        #expect(try log.bounds(of: LogFixture.lane).isEmpty)
        try log.append([fits], to: nil)
    }

    @Test func aRecordOfTheDefaultLimitGoesThrough() throws {
        let fixture = try LogFixture()
        let log = try fixture.open()
        let large = [UInt8](repeating: 0x61, count: fixture.limits.bytesPerRecord)
        try log.append(records(0..<2) + [NewRecord(key: nil, payload: large)] + records(2..<4), to: nil)
        let batch = try fixture.openForReading().read(LogFixture.lane, from: Offset(1), maxRecords: 10, maxBytes: 100)
        #expect(batch.offsets == [1])
        let one = try log.read(LogFixture.lane, from: Offset(2), maxRecords: 10, maxBytes: 100)
        #expect(one.offsets == [2] && Array(one.payloads[0]) == large)
        #expect(try payloads(log, from: Offset(3)) == texts(2..<4))
    }

    @Test(arguments: [(1 << 20, 10, 10), (60, 65_536, 13)])
    func framesEndAtEitherLimit(_ bytes: Int, _ count: Int, _ expected: Int) throws {
        let fixture = try LogFixture {
            $0.bytesPerBatchFrame = bytes; $0.recordsPerBatchFrame = count
        }
        let log = try fixture.open()
        let frames = try log.encode(records(0..<100), to: LogFixture.lane, of: 1)[0].frames
        #expect(frames.allSatisfy { $0.count <= count })
        #expect(frames.count >= expected)
        try log.append(records(0..<100), to: nil)
        #expect(try payloads(log) == texts(0..<100))
    }

    @Test func segmentsEndBelowTheirLimit() throws {
        let fixture = try LogFixture {
            $0.bytesPerSegment = 1_000; $0.bytesPerBatchFrame = 100
        }
        try fixture.open().append(records(0..<200), to: LogFixture.lane)
        let segments = try fixture.segments()
        #expect(segments.count > 4)
        for name in segments { #expect(try fixture.bytes(of: fixture.path(name)).count <= 1_000) }
    }

    @Test func partitionsCanBeAddedAndNotTakenAway() throws {
        let fixture = try LogFixture()
        let log = try fixture.open(partitions: 2)
        let reader = try fixture.openForReading()
        let error = refusal { try fixture.open(partitions: 1) }
        #expect(error?.code == .configuration)
        #expect(error?.message.contains("has 2 partitions and cannot be opened with 1") == true)
        let wider = try fixture.open(partitions: 3)
        for opened in [log, reader, wider] { #expect(try opened.partitions().count == 3) }
        try log.append(records(0..<2), to: Partition(2))
        #expect(try payloads(reader, Partition(2)) == texts(0..<2))
    }

    @Test(arguments: [0, -1, 1_025])
    func impossiblePartitionCountsAreRefused(_ count: Int) throws {
        #expect(refusal { try LogFixture().open(partitions: count) }?.code == .configuration)
    }

    @Test(arguments: ["", ".", "..", "a/b", "a\0b", String(repeating: "x", count: 201)])
    func namesThatWouldLeaveTheFolderAreRefused(_ name: String) throws {
        let folder = try TemporaryFolder()
        #expect(refusal { try EmbeddedLog(directory: folder.path, source: name, partitions: 1) }?.code == .configuration)
    }

    @Test func readingNeedsALogAndChangesNothing() throws {
        let fixture = try LogFixture()
        #expect(refusal { try fixture.openForReading() }?.code == .missing)
        #expect(try FileManager.default.contentsOfDirectory(atPath: fixture.folder.path).isEmpty)
        try fixture.open().append(records(0..<1), to: nil)
        let reader = try fixture.openForReading()
        #expect(refusal { try reader.append(records(0..<1), to: nil) }?.code == .internalInconsistency)
        #expect(refusal { try reader.trim(below: Cut([LogFixture.lane: Offset(1)])) }?.code == .internalInconsistency)
        #expect(try payloads(reader) == texts(0..<1))
    }

    @Test func aPartitionCountThatIsNoneIsReported() throws {
        let fixture = try LogFixture()
        _ = try fixture.open()
        try fixture.write(Array("parallax log 1, partitions: x\n".utf8), to: fixture.folder.path("s/partitions"))
        #expect(refusal { try fixture.openForReading() }?.code == .corrupt)
        #expect(refusal { try fixture.open() }?.code == .corrupt)
    }
}
