import Foundation
import ParallaxCore
import Synchronization
import Testing
import TestSupport

@testable import EmbeddedLog

/// Which log it is, and what is noticed of one that was put in its place.
@Suite struct IdentityTests {
    private func copy(_ fixture: LogFixture, to other: LogFixture) throws {
        try? FileManager.default.removeItem(atPath: other.folder.path("s"))
        try FileManager.default.copyItem(atPath: fixture.folder.path("s"), toPath: other.folder.path("s"))
    }

    @Test func aLogKeepsItsNumberAndNoOtherHasIt() throws {
        let fixture = try LogFixture()
        let number = try fixture.open().identity()
        #expect(number.number?.count == 32)
        #expect(try fixture.open(partitions: 3).identity() == number)
        #expect(try fixture.openForReading().identity() == number)
        #expect(try LogFixture().open().identity() != number)
        // Wherever it is moved.
        let other = try LogFixture()
        try copy(fixture, to: other)
        #expect(try other.open(partitions: 3).identity() == number)
        #expect(try other.open(partitions: 3).identity() == number)
    }

    @Test func aLogFromBeforeThereWereNumbersGetsOneFromItsNextWriter() throws {
        let fixture = try LogFixture()
        try fixture.open().append(records(0..<3), to: nil)
        try FileManager.default.removeItem(atPath: fixture.folder.path("s/identity"))
        let before = try fixture.openForReading().identity()
        #expect(before.number == nil)
        let number = try fixture.open().identity()
        #expect(number.number != nil && !number.contradicts(before))
        #expect(try payloads(fixture.open()) == texts(0..<3))
    }

    @Test func aReplacedLogIsNoticedByWhoeverHasItOpen() throws {
        let fixture = try LogFixture()
        let log = try fixture.open()
        try log.append(records(0..<3), to: nil)
        #expect(try payloads(log) == texts(0..<3))
        let number = try log.identity().number
        try FileManager.default.removeItem(atPath: fixture.folder.path("s"))
        #expect(refusal { try log.identity() }?.code == .anotherLog)
        try fixture.open().append(records(0..<9), to: nil)
        #expect(refusal { try log.identity() }?.code == .anotherLog)
        #expect(try fixture.open().identity().number != number)
    }

    /// Put back to an older state it has the same number, and is another all the same for whoever has the former open.
    @Test func aLogThatWasPutBackIsNoticedByWhoeverHasItOpen() throws {
        let (fixture, backup) = (try LogFixture(), try LogFixture())
        let log = try fixture.open()
        try log.append(records(0..<3), to: nil)
        try copy(fixture, to: backup)
        try log.append(records(3..<6), to: nil)
        #expect(try payloads(log) == texts(0..<6))
        try copy(backup, to: fixture)
        #expect(refusal { try log.identity() }?.code == .anotherLog)
        #expect(try payloads(fixture.open()) == texts(0..<3))
    }

    /// What is acknowledged is in the log that is there: never in files that nobody sees any more.
    @Test func aWriterGoesOnInTheLogThatTookThePlace() throws {
        let fixture = try LogFixture()
        let log = try fixture.open(partitions: 2)
        try log.append(records(0..<3), to: LogFixture.lane)
        try FileManager.default.removeItem(atPath: fixture.folder.path("s"))
        try log.append(records(3..<5), to: LogFixture.lane)
        #expect(try payloads(fixture.openForReading()) == texts(3..<5))
        try FileManager.default.removeItem(atPath: fixture.folder.path("s"))
        let other = try fixture.open(partitions: 4)
        try other.append(records(0..<1), to: LogFixture.lane)
        try log.append(records(5..<6), to: LogFixture.lane)
        try other.append(records(6..<7), to: LogFixture.lane)
        #expect(try payloads(fixture.openForReading()) == texts(0..<1) + texts(5..<7))
    }

    /// As operations.md says of a backup: the segments are copied, somebody appends, then the published end is.
    @Test(arguments: [0, 1, 40]) func aCopyWhoseEndIsAheadIsCutToItsLastWholeRecord(bytesTorn: Int) throws {
        let (fixture, other) = (try LogFixture { $0.bytesPerSegment = 700 }, try LogFixture { $0.bytesPerSegment = 700 })
        let log = try fixture.open()
        for number in 0..<20 { try log.append(records(number..<number + 1), to: nil) }
        try copy(fixture, to: other)
        // Also into segments that the copy does not have.
        for number in 20..<40 { try log.append(records(number..<number + 1), to: nil) }
        try other.write(try fixture.bytes(of: fixture.path("end")), to: other.path("end"))
        let last = other.path(try #require(try other.segments().last))
        try other.write(Array(try other.bytes(of: last).dropLast(bytesTorn)), to: last)
        let seen = Mutex<[LogRecovery]>([])
        let opened = try other.open(onRecovery: { recovery in seen.withLock { $0.append(recovery) } })
        let kept = try payloads(opened)
        #expect(kept == texts(0..<(bytesTorn == 0 ? 20 : 19)))
        #expect(seen.withLock { $0.map(\.recordsMissing) } == [Int64(40 - kept.count)])
        try opened.append(records(50..<51), to: nil)
        #expect(try payloads(other.open()) == kept + texts(50..<51))
        #expect(try opened.identity() == log.identity())
    }

    /// Where it was written, the same sight means that acknowledged records are gone. A copy is as good as the original once it was opened.
    @Test func anEndThatIsAheadIsNotCutWhereTheLogWasWritten() throws {
        let (fixture, other) = (try LogFixture(), try LogFixture())
        try fixture.open().append(records(0..<3), to: nil)
        try copy(fixture, to: other)
        _ = try other.open()
        for log in [fixture, other] {
            let segment = log.segment(0)
            try log.write(Array(try log.bytes(of: segment).dropLast(1)), to: segment)
            let error = refusal { try log.open() }
            #expect(error?.code == .corrupt)
            #expect(error?.hint?.contains("remove \(log.path("end"))") == true)
            // And the way that the message names leads on.
            try FileManager.default.removeItem(atPath: log.path("end"))
            #expect(try payloads(log.open()) == [])
        }
    }
}
