import Foundation
import ParallaxCore
import Synchronization
import Testing
import TestSupport

@testable import EmbeddedLog

/// Locks of flock(2) belong to an open file, so two `EmbeddedLog`s in one process exclude each other as two processes do.
@Suite struct ConcurrencyTests {
    @Test func appendsOfSeveralInstancesNeverInterleaveOrGetLost() throws {
        let fixture = try LogFixture { $0.bytesPerSegment = 20_000 }
        let logs = try (0..<3).map { _ in try fixture.open(partitions: 2) }
        let acknowledged = Mutex<[Partition: [(Range<Offset>, thread: Int)]]>([:])
        let (threads, calls, size) = (6, 40, 5)
        try inThreads(threads) { thread in
            for call in 0..<calls {
                let first = (thread * calls + call) * size
                let ranges = try logs[thread % 3].append(records(first..<first + size), to: Partition(call % 2))
                acknowledged.withLock { acknowledged in
                    for (partition, range) in ranges { acknowledged[partition, default: []].append((range, first)) }
                }
            }
        }
        let reader = try fixture.openForReading()
        for partition in try reader.partitions() {
            let found = try payloads(reader, partition)
            #expect(found.count == threads * calls * size / 2)
            let ranges = acknowledged.withLock { $0[partition] ?? [] }.sorted { $0.0.lowerBound < $1.0.lowerBound }
            var next = Offset.zero
            for (range, first) in ranges {
                #expect(range.lowerBound == next && range.upperBound - range.lowerBound == Int64(size))
                #expect(Array(found[Int(range.lowerBound.rawValue)..<Int(range.upperBound.rawValue)]) == texts(first..<first + size))
                next = range.upperBound
            }
        }
    }

    @Test func aReaderInAnotherInstanceTailsAcrossSegments() throws {
        let fixture = try LogFixture { $0.bytesPerSegment = 500 }
        let writer = try fixture.open()
        let reader = try fixture.openForReading()
        let total = 300
        let seen = Mutex<[String]>([])
        try inThreads(2) { role in
            if role == 0 {
                for start in stride(from: 0, to: total, by: 3) { try writer.append(records(start..<start + 3), to: LogFixture.lane) }
            } else {
                var next = Offset.zero
                while next < Offset(Int64(total)) {
                    guard try reader.waitForNews(after: [LogFixture.lane: next], timeout: .seconds(60)) else { return }
                    let batch = try reader.read(LogFixture.lane, from: next, maxRecords: 5, maxBytes: 1_000)
                    seen.withLock { $0 += (0..<batch.count).map { batch.payloads.string($0) } }
                    next = batch.nextOffset
                }
            }
        }
        #expect(seen.withLock { $0 } == texts(0..<total))
        #expect(try fixture.segments().count > 10)
    }

    @Test func whoeverWaitsTooLongIsToldWhoHoldsTheLock() throws {
        let fixture = try LogFixture { $0.lockDeadline = .milliseconds(20) }
        let log = try fixture.open()
        let other = try SourceLock(LogPaths(directory: fixture.folder.path, source: "s"))
        let error = try other.withLock(within: .seconds(60)) { () throws(ParallaxError) in
            refusal { try log.append(records(0..<1), to: nil) }
        }
        #expect(error?.code == .busy)
        #expect(error?.isRetriable == true)
        #expect(error?.message.contains("process \(ProcessInfo.processInfo.processIdentifier),") == true, "\(error as Any)")
        try log.append(records(0..<1), to: nil)
        #expect(try payloads(log) == texts(0..<1))
    }

    /// While one append is in its sync, eight more arrive: they share the next one.
    @Test func concurrentAppendsShareASync() throws {
        let fixture = try LogFixture()
        let syncs = Atomic<Int>(0)
        let mayGoOn = DispatchSemaphore(value: 0)
        let log = try fixture.open(
            faults: LogFaults(beforeSync: { _ in
                if syncs.wrappingAdd(1, ordering: .relaxed).oldValue == 0 { mayGoOn.wait() }
            }))
        try inThreads(10) { thread in
            if thread == 9 {
                while syncs.load(ordering: .relaxed) == 0 || (log.writer?.waitingCount ?? 0) < 8 { sched_yield() }
                mayGoOn.signal()
            } else {
                try log.append(records(thread..<thread + 1), to: LogFixture.lane)
            }
        }
        #expect(syncs.load(ordering: .relaxed) == 2)
        #expect(try Set(payloads(log)) == Set(texts(0..<9)))
    }

    @Test func readersOfOneInstanceDoNotDisturbEachOther() throws {
        let fixture = try LogFixture {
            $0.bytesPerSegment = 2_000; $0.bytesPerBatchFrame = 100
        }
        let log = try fixture.open()
        for start in stride(from: 0, to: 500, by: 10) { try log.append(records(start..<start + 10), to: LogFixture.lane) }
        try inThreads(6) { thread in
            let found = try payloads(log, from: Offset(Int64(thread * 37)))
            #expect(found == texts(thread * 37..<500))
        }
    }
}
