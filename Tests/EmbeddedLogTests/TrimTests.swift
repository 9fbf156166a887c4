import Foundation
import ParallaxCore
import Testing
import TestSupport

@testable import EmbeddedLog

@Suite struct TrimTests {
    /// Ten segments of five records.
    private func log() throws -> (LogFixture, EmbeddedLog) {
        let fixture = try LogFixture { $0.bytesPerSegment = 1 }
        let log = try fixture.open()
        for start in stride(from: 0, to: 50, by: 5) { try log.append(records(start..<start + 5), to: LogFixture.lane) }
        return (fixture, log)
    }

    @Test func everyCutLeavesTheSegmentItFallsInto() throws {
        let (fixture, log) = try log()
        for cut in 0...60 {
            try log.trim(below: Cut([LogFixture.lane: Offset(Int64(cut))]))
            let kept = min(cut / 5 * 5, 45)
            #expect(try log.bounds(of: LogFixture.lane) == Offset(Int64(kept))..<Offset(50))
            #expect(try fixture.segments().count == 10 - kept / 5)
            #expect(try payloads(log) == texts(kept..<50))
        }
        try log.append(records(50..<51), to: LogFixture.lane)
        #expect(try payloads(fixture.open()) == texts(45..<51))
    }

    @Test func readersElsewhereSeeThatRecordsAreGone() throws {
        let (fixture, log) = try log()
        let reader = try fixture.openForReading()
        let first = try reader.read(LogFixture.lane, from: .zero, maxRecords: 2, maxBytes: 100)
        #expect(first.nextOffset == Offset(2))
        try log.trim(below: Cut([LogFixture.lane: Offset(20)]))
        let error = refusal { try reader.read(LogFixture.lane, from: Offset(2), maxRecords: 2, maxBytes: 100) }
        #expect(error?.code == .offsetGone)
        #expect(error?.message.contains("offset 2 of partition 0") == true)
        #expect(error?.detail == "The log holds offsets from 20 up to, not including, 50.")
        #expect(try payloads(reader) == texts(20..<50))
    }

    /// A crash after everybody was told and before the files went: they are unseen, and go with the next trim.
    @Test func filesThatOutliveATrimAreUnseenAndRemovedByTheNext() throws {
        let (fixture, log) = try log()
        let old = try fixture.bytes(of: fixture.segment(0))
        try log.trim(below: Cut([LogFixture.lane: Offset(10)]))
        try fixture.write(old, to: fixture.segment(0))
        let opened = try fixture.open()
        #expect(try payloads(opened) == texts(10..<50))
        try opened.trim(below: Cut([LogFixture.lane: Offset(15)]))
        #expect(try fixture.segments().first == "00000000000000000015.log")
    }

    @Test func aTrimWhileAReaderReadsNeverLooksLikeDamage() throws {
        let (fixture, log) = try log()
        let reader = try fixture.openForReading()
        try inThreads(2) { role in
            if role == 0 {
                for cut in 0..<50 { try log.trim(below: Cut([LogFixture.lane: Offset(Int64(cut))])) }
            } else {
                for _ in 0..<200 {
                    let from = try reader.bounds(of: LogFixture.lane).lowerBound
                    let error = refusal { try payloads(reader, from: from) }
                    #expect(error == nil || error?.code == .offsetGone, "\(error as Any)")
                }
            }
        }
    }
}
