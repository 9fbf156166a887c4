import Disk
import Foundation
import ParallaxCore
import Synchronization
import Testing
import TestSupport

@testable import EmbeddedLog

@Suite struct DiskFaultTests {
    @Test func aFailedSyncFailsTheAppendAndTheNextStartsFromTheFile() throws {
        let fixture = try LogFixture()
        let fails = Atomic<Bool>(false)
        let log = try fixture.open(
            partitions: 2,
            faults: LogFaults(beforeSync: { (path) throws(ParallaxError) in
                if fails.load(ordering: .relaxed), path.contains("/1/") { throw Disk.error("make durable", path, EIO) }
            }))
        for partition in [0, 1] { try log.append(records(0..<3), to: Partition(partition)) }
        let before = try fixture.bytes(of: fixture.folder.path("s/1/00000000000000000000.log"))
        fails.store(true, ordering: .relaxed)
        let error = refusal { try log.append(records(3..<6), to: Partition(1)) }
        #expect(error?.code == .disk)
        #expect(error?.message.contains("Input/output error") == true)
        #expect(try fixture.bytes(of: fixture.folder.path("s/1/00000000000000000000.log")) == before)
        fails.store(false, ordering: .relaxed)
        try log.append(records(6..<7), to: Partition(1))
        #expect(try payloads(log, Partition(1)) == texts(0..<3) + texts(6..<7))
        #expect(try payloads(log, Partition(0)) == texts(0..<3))
    }

    @Test func aFailedSyncAtTheEndOfASegmentLosesNothing() throws {
        let fixture = try LogFixture {
            $0.bytesPerSegment = 150; $0.bytesPerBatchFrame = 1
        }
        let countdown = Atomic<Int>(.max)
        let log = try fixture.open(
            faults: LogFaults(beforeSync: { (path) throws(ParallaxError) in
                if countdown.wrappingSubtract(1, ordering: .relaxed).newValue == 0 { throw Disk.error("make durable", path, EIO) }
            }))
        try log.append(records(0..<3), to: LogFixture.lane)
        for nth in 1..<6 {
            countdown.store(nth, ordering: .relaxed)
            _ = refusal { try log.append(records(3..<12), to: LogFixture.lane) }
            countdown.store(.max, ordering: .relaxed)
            let end = try log.bounds(of: LogFixture.lane).upperBound
            #expect(try payloads(log).prefix(3) == texts(0..<3).prefix(3))
            let range = try log.append(records(90..<91), to: LogFixture.lane)[LogFixture.lane]
            #expect(range == end..<end + 1)
            #expect(try payloads(fixture.open()).last == "{\"n\":90}")
        }
    }

    /// Mounting takes a privileged user.
    private static let canMount: Bool = {
        guard let folder = try? TemporaryFolder(), mount("tmpfs", folder.path, "tmpfs", 0, "size=1m") == 0 else { return false }
        return umount2(folder.path, Int32(MNT_DETACH)) == 0
    }()

    @Test(.enabled(if: canMount, "a small tmpfs cannot be mounted here: run the tests as root"))
    func aFullDiskRefusesTheAppendAndKeepsWhatWasAcknowledged() throws {
        let fixture = try LogFixture()
        let mountPoint = fixture.folder.path("full")
        try FileManager.default.createDirectory(atPath: mountPoint, withIntermediateDirectories: false)
        try #require(mount("tmpfs", mountPoint, "tmpfs", 0, "size=1m") == 0)
        defer { umount2(mountPoint, Int32(MNT_DETACH)) }
        let log = try EmbeddedLog(directory: mountPoint, source: "s", partitions: 2)
        var acknowledged = 0
        var error: ParallaxError?
        while error == nil, acknowledged < 10_000 {
            error = refusal { try log.append(records(acknowledged..<acknowledged + 50, bytes: 1_000), to: LogFixture.lane) }
            if error == nil { acknowledged += 50 }
        }
        #expect(error?.code == .disk)
        #expect(error?.message.contains("No space left on device") == true, "\(error as Any)")
        #expect(error?.hint?.contains("nothing that was acknowledged is lost") == true)
        let reader = try EmbeddedLog(readingFrom: mountPoint, source: "s")
        #expect(try reader.bounds(of: LogFixture.lane) == Offset.zero..<Offset(Int64(acknowledged)))
        #expect(try payloads(reader).count == acknowledged)
        // What was partly written is gone again, so that a smaller append fits.
        try log.append(records(0..<1), to: LogFixture.lane)
        #expect(try reader.bounds(of: LogFixture.lane).upperBound == Offset(Int64(acknowledged + 1)))
        // A log that is opened on the full disk neither loses nor invents anything.
        #expect(
            try EmbeddedLog(directory: mountPoint, source: "s", partitions: 2).bounds(of: LogFixture.lane).upperBound
                == Offset(Int64(acknowledged + 1)))
    }

    /// Whatever lies in the files: errors, never a crash, and never a record that was not written.
    @Test(arguments: [UInt64(1), 2, 3])
    func randomDamageNeverCrashesAndNeverInventsRecords(_ seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let fixture = try LogFixture { $0.bytesPerSegment = 400 }
        do {
            let log = try fixture.open()
            for start in stride(from: 0, to: 40, by: 4) { try log.append(records(start..<start + 4), to: LogFixture.lane) }
        }
        let names = try fixture.segments() + ["end"]
        let intact = try names.map { try fixture.bytes(of: fixture.path($0)) }
        let written = Set(texts(0..<40))
        for _ in 0..<150 {
            for (name, bytes) in zip(names, intact) { try fixture.write(bytes, to: fixture.path(name)) }
            let victim = Int.random(in: 0..<names.count, using: &random)
            var bytes = intact[victim]
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                switch Int.random(in: 0..<4, using: &random) {
                case 0: bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes.removeLast(Int.random(in: 0..<bytes.count, using: &random))
                case 2: bytes += (0..<Int.random(in: 0...60, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
                default:
                    let start = Int.random(in: 0..<bytes.count, using: &random)
                    bytes[start..<min(bytes.count, start + 8)] = [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF].prefix(
                        bytes.count - start)
                }
                if bytes.isEmpty { bytes = [0] }
            }
            try fixture.write(bytes, to: fixture.path(names[victim]))
            for writes in [false, true] {
                _ = refusal {
                    let log = writes ? try fixture.open() : try fixture.openForReading()
                    for from in [0, 7, 21, 39] {
                        _ = refusal {
                            let batch = try log.read(LogFixture.lane, from: Offset(Int64(from)), maxRecords: 100, maxBytes: 9_999)
                            for row in 0..<batch.count {
                                #expect(written.contains(batch.payloads.string(row)), "seed \(seed)")
                                #expect(batch.offsets[row] == Int64(from + row))
                            }
                        }
                    }
                }
            }
            for name in try fixture.segments() where !names.contains(name) {
                try FileManager.default.removeItem(atPath: fixture.path(name))
            }
        }
    }
}
