import Foundation
import ParallaxCore
import Synchronization
import Testing
import TestSupport

@testable import EmbeddedLog

@Suite struct RecoveryTests {
    let fixture: LogFixture

    init() throws { fixture = try LogFixture() }

    /// The segment with three published records, then with three more that were only synced; and the end file in between.
    private func crashedLog() throws -> (before: [UInt8], after: [UInt8], end: [UInt8]) {
        try fixture.open().append(records(0..<3), to: LogFixture.lane)
        let before = try fixture.bytes(of: fixture.segment(0))
        let end = try fixture.bytes(of: fixture.path("end"))
        try fixture.appendAndDie(records(3..<6))
        return (before, try fixture.bytes(of: fixture.segment(0)), end)
    }

    @Test func whatWasSyncedAndNotPublishedIsUnseenUntilAWriterKeepsIt() throws {
        let (before, after, _) = try crashedLog()
        #expect(after.count > before.count)
        let reader = try fixture.openForReading()
        #expect(try payloads(reader) == texts(0..<3))
        let seen = Mutex<[LogRecovery]>([])
        let log = try fixture.open(onRecovery: { recovery in seen.withLock { $0.append(recovery) } })
        #expect(seen.withLock { $0 } == [LogRecovery(source: "s", partition: LogFixture.lane, recordsKept: 3, bytesCut: 0)])
        #expect(try payloads(reader) == texts(0..<6))
        try log.append(records(6..<8), to: nil)
        #expect(try payloads(reader) == texts(0..<8))
        #expect(try fixture.bytes(of: fixture.segment(0)).starts(with: after))
    }

    @Test func aTailTornAtAnyByteIsCutAndNothingElse() throws {
        let (before, after, end) = try crashedLog()
        for length in before.count..<after.count {
            try fixture.write(Array(after[..<length]), to: fixture.segment(0))
            try fixture.write(end, to: fixture.path("end"))
            let log = try fixture.open()
            #expect(try fixture.bytes(of: fixture.segment(0)) == before, "torn at \(length)")
            try log.append(records(3..<4), to: LogFixture.lane)
            #expect(try payloads(log) == texts(0..<4), "torn at \(length)")
        }
    }

    @Test func aTailWithAnyByteWrongIsCut() throws {
        let (before, after, end) = try crashedLog()
        for position in before.count..<after.count {
            var damaged = after
            damaged[position] ^= 0x10
            try fixture.write(damaged, to: fixture.segment(0))
            try fixture.write(end, to: fixture.path("end"))
            _ = try fixture.open()
            #expect(try fixture.bytes(of: fixture.segment(0)) == before, "damaged at \(position)")
        }
    }

    @Test func zerosBehindTheEndAreCut() throws {
        let (before, _, end) = try crashedLog()
        try fixture.write(before + [UInt8](repeating: 0, count: 10_000), to: fixture.segment(0))
        try fixture.write(end, to: fixture.path("end"))
        _ = try fixture.open()
        #expect(try fixture.bytes(of: fixture.segment(0)) == before)
    }

    @Test func damageBelowTheDurableEndIsReportedWithItsPlaceAndNeverCut() throws {
        let log = try fixture.open()
        for start in 0..<3 { try log.append(records(start..<start + 1), to: LogFixture.lane) }
        let whole = try fixture.bytes(of: fixture.segment(0))
        let end = try fixture.bytes(of: fixture.path("end"))
        let frame = whole.count / 3
        for position in frame..<2 * frame {
            var damaged = whole
            damaged[position] ^= 1
            try fixture.write(damaged, to: fixture.segment(0))
            try fixture.write(end, to: fixture.path("end"))
            let opened = try fixture.open()
            let first = try opened.read(LogFixture.lane, from: .zero, maxRecords: 1, maxBytes: 100)
            #expect(first.count == 1)
            let error = refusal { try opened.read(LogFixture.lane, from: Offset(1), maxRecords: 9, maxBytes: 100) }
            #expect(error?.code == .corrupt)
            let message = error?.message ?? ""
            let place = "partition 0: offsets 1 up to, not including, 2 (bytes \(frame) up to \(2 * frame) of \(fixture.segment(0)))"
            #expect(message.contains(place), "\(position): \(message)")
            try opened.append(records(3..<4), to: LogFixture.lane)
            #expect(try fixture.bytes(of: fixture.segment(0)).starts(with: damaged))
        }
    }

    @Test func aLostEndIsFoundAgain() throws {
        try fixture.open().append(records(0..<5), to: LogFixture.lane)
        try FileManager.default.removeItem(atPath: fixture.path("end"))
        #expect(try payloads(fixture.open()) == texts(0..<5))
    }

    @Test func aDamagedEndIsSaidToReadersAndFoundAgainByAWriter() throws {
        try fixture.open().append(records(0..<5), to: LogFixture.lane)
        try fixture.write([UInt8](repeating: 0x55, count: 128), to: fixture.path("end"))
        #expect(refusal { try fixture.openForReading().bounds(of: LogFixture.lane) }?.code == .corrupt)
        #expect(try payloads(fixture.open()) == texts(0..<5))
    }

    @Test func oneTornSlotOfTheEndLeavesTheOther() throws {
        try fixture.open().append(records(0..<5), to: LogFixture.lane)
        let whole = try fixture.bytes(of: fixture.path("end"))
        for slot in [0, 64] {
            var torn = whole
            torn[slot + 20] ^= 0xFF
            try fixture.write(torn, to: fixture.path("end"))
            #expect(try payloads(fixture.open()) == texts(0..<5))
        }
    }

    /// The frame behind the damage was written when the damaged one was durable, and says so.
    @Test func damageIsNotTakenForATornTailWhenTheEndIsLost() throws {
        let log = try fixture.open()
        for start in 0..<3 { try log.append(records(start..<start + 1), to: LogFixture.lane) }
        var bytes = try fixture.bytes(of: fixture.segment(0))
        bytes[bytes.count / 3 + 50] ^= 1
        try fixture.write(bytes, to: fixture.segment(0))
        try FileManager.default.removeItem(atPath: fixture.path("end"))
        let opened = try fixture.open()
        #expect(try opened.bounds(of: LogFixture.lane) == Offset(0)..<Offset(3))
        #expect(try opened.damages(of: LogFixture.lane, from: .zero).map(\.offsets) == [Offset(1)..<Offset(2)])
        #expect(refusal { try payloads(opened) }?.message.contains("offsets 1 up to, not including, 2") == true)
        #expect(try payloads(opened, from: Offset(2)) == texts(2..<3))
        #expect(try fixture.bytes(of: fixture.segment(0)) == bytes)
    }

    @Test func aSegmentShorterThanItsDurableEndIsReported() throws {
        try fixture.open().append(records(0..<5), to: LogFixture.lane)
        var bytes = try fixture.bytes(of: fixture.segment(0))
        bytes.removeLast()
        try fixture.write(bytes, to: fixture.segment(0))
        #expect(refusal { try fixture.open() }?.code == .corrupt)
        #expect(refusal { try fixture.openForReading().read(LogFixture.lane, from: .zero, maxRecords: 9, maxBytes: 99) }?.code == .corrupt)
        #expect(try fixture.bytes(of: fixture.segment(0)) == bytes)
    }

    @Test(arguments: [false, true])
    func aSegmentCreatedJustBeforeACrashIsTakenOver(_ isWriterRunning: Bool) throws {
        let log = try fixture.open()
        try log.append(records(0..<5), to: LogFixture.lane)
        try fixture.write([], to: fixture.segment(5))
        let writer = isWriterRunning ? log : try fixture.open()
        try writer.append(records(5..<6), to: LogFixture.lane)
        #expect(try payloads(log) == texts(0..<6))
        #expect(try fixture.bytes(of: fixture.segment(5)).isEmpty == false)
    }

    @Test func aMissingSegmentIsNamed() throws {
        let fixture = try LogFixture { $0.bytesPerSegment = 1 }
        let log = try fixture.open()
        for start in 0..<3 { try log.append(records(start..<start + 1), to: LogFixture.lane) }
        #expect(try fixture.segments().count == 3)
        try FileManager.default.removeItem(atPath: fixture.segment(1))
        for opened in [log, try fixture.openForReading()] {
            let error = refusal { try payloads(opened) }
            #expect(error?.code == .corrupt)
            #expect(error?.message.contains(fixture.segment(1)) == true)
        }
    }
}
