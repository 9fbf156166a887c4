import Foundation
import Operators
import ParallaxCore
import Synchronization
import TestSupport
import Testing
import ViewLanguage

@testable import Archive

@Suite struct ArchiveWriterTests {
    private let folder: TemporaryFolder
    init() throws { folder = try TemporaryFolder() }

    private func writer(_ log: MemoryLog, _ limits: ArchiveLimits = Fixture.limits) throws -> ArchiveWriter {
        try ArchiveWriter(directory: folder.path, source: Fixture.source, log: log, limits: limits)
    }

    @Test func segmentsAreNamedAndDescribedByTheirOffsets() throws {
        let log = try Fixture.log(250)
        let summary = try writer(log).archive(upTo: Cut([Partition(0): Offset(240)]))
        #expect(summary.segments.map(\.first.rawValue) == [0, 100, 200])
        #expect(summary.segments.map(\.next.rawValue) == [100, 200, 240])
        #expect(summary.archived == Cut([Partition(0): Offset(240)]))
        let expected = EventDecoder(Fixture.source).decode(try Fixture.whole(log))
        #expect(summary.rejected.values.reduce(0, +) == expected.rejections.filter { $0.row < 240 }.count)
        for segment in summary.segments {
            let path = folder.path("page_view/p=0/" + segment.file)
            #expect(
                segment.file
                    == "\(String(repeating: "0", count: 20 - "\(segment.first)".count))\(segment.first)-\(String(repeating: "0", count: 20 - "\(segment.next)".count))\(segment.next).parquet"
            )
            #expect(try Data(contentsOf: URL(fileURLWithPath: path)).count == segment.bytes)
            guard case .int64(let times)? = expected.columns[1]?.storage else { return }
            let rows = (Int(segment.first.rawValue)..<Int(segment.next.rawValue)).filter { expected.isRejected[$0] == 0 }
            #expect(segment.minEventTime?.rawValue == rows.map { times[$0] }.min())
            #expect(segment.maxEventTime?.rawValue == rows.map { times[$0] }.max())
            #expect(segment.minAppendedAt?.rawValue == expected.appendedAt[Int(segment.first.rawValue)])
            #expect(segment.maxAppendedAt?.rawValue == expected.appendedAt[Int(segment.next.rawValue) - 1])
        }
        // Nothing new: nothing written. More: only that.
        #expect(try writer(log).archive(upTo: Cut([Partition(0): Offset(240)])).segments.isEmpty)
        #expect(try writer(log).archive(upTo: nil).segments.map(\.first.rawValue) == [240])
        #expect(try writer(log).archived() == Cut([Partition(0): Offset(250)]))
    }

    /// A segment is not written again from a log that the archive has left for another.
    @Test func aDamagedSegmentIsNotReplacedFromAFormerLog() throws {
        let log = try Fixture.log(100)
        let segment = try #require(try writer(log).archive(upTo: nil).segments.first)
        let path = folder.path("page_view/p=0/" + segment.file)
        var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        bytes[bytes.count / 2] ^= 1
        try bytes.write(to: URL(fileURLWithPath: path))
        let former = try writer(log)
        let damage = try #require(try former.damages().first)
        let binding = LogBinding(
            number: 1, identity: LogIdentity(kind: .embedded, topic: "page_view", number: "2"),
            starts: [.init(partition: Partition(0), offset: Offset(100), own: .zero)])
        _ = try writer(log).adopt(binding, eventsUntil: nil)
        let error = #expect(throws: ParallaxError.self) { _ = try former.replace(damage, eventsFrom: nil, eventsUntil: nil) }
        #expect(error?.code == .anotherLog)
        #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == bytes)
    }

    /// Behind a network each question waits for its turn: however many partitions, the log is asked once for all of their bounds, and told before the first
    /// read what will be read.
    @Test func allPartitionsAreAskedForAtOnceAndReadAhead() throws {
        let log = CountingLog(try Fixture.log(640, partitions: 32))
        let writer = try ArchiveWriter(directory: folder.path, source: Fixture.source, log: log, limits: Fixture.limits)
        let all = (0..<32).map { Partition($0) }
        for round in 0..<2 {
            let before = log.questions.count
            #expect(try writer.archive(upTo: nil).records == (round == 0 ? 640 : 32))
            let questions = log.questions.dropFirst(before)
            let places = all.map { LogPlace($0, Offset(round == 0 ? 0 : 20)) }
            #expect(questions.prefix(3) == [.partitions, .bounds(all), .readAhead(places)])
            #expect(questions.dropFirst(3).allSatisfy { if case .read = $0 { true } else { false } })
            for partition in all { try log.append(Fixture.records(700..<701), to: partition) }
        }
    }

    /// A log gives up what is archived, and retention does not wait: one partition's loss is no reason to lose the others, too.
    @Test func aPartitionThatCannotBeArchivedKeepsNoOtherFromIt() throws {
        let log = try Fixture.log(300, partitions: 3)
        try log.trim(below: Cut([Partition(0): Offset(40)]))
        for _ in 0..<2 {
            let gone = #expect(throws: ParallaxError.self) { try writer(log).archive(upTo: nil) }
            #expect(gone?.code == .offsetGone)
            #expect(gone?.message.contains("offsets 0 up to, not including, 40 of partition 0") == true)
        }
        #expect(try writer(log).archived() == Cut([Partition(1): Offset(100), Partition(2): Offset(100)]))
        // A manifest that is damaged, and one in whose turn the log says something else than before.
        try Data("nonsense\n".utf8).write(to: URL(fileURLWithPath: folder.path("page_view/p=1/manifest.ndjson")))
        try log.append(Fixture.records(300..<303), to: Partition(2))
        #expect(throws: ParallaxError.self) { try writer(log).archive(upTo: nil) }
        let reader = try ArchiveReader(directory: folder.path, source: Fixture.source)
        #expect(try reader.segments(below: Cut([Partition(2): Offset(103)])).map(\.next.rawValue) == [100, 103])
    }

    /// Whatever the cuts on the way, the records are the same.
    @Test(arguments: [1, 2, 3, 4] as [UInt64]) func anySequenceOfCutsArchivesEachRecordOnce(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let log = try Fixture.log(400, partitions: 2)
        let writer = try writer(log)
        var cut = Cut()
        while cut[Partition(0)] < Offset(200) || cut[Partition(1)] < Offset(200) {
            for partition in [Partition(0), Partition(1)] {
                cut[partition] = min(Offset(200), cut[partition] + Int.random(in: 0...60, using: &random))
            }
            try writer.archive(upTo: cut)
            #expect(try writer.archived().isAtOrAbove(cut))
        }
        let reader = try ArchiveReader(directory: folder.path, source: Fixture.source)
        for partition in [Partition(0), Partition(1)] {
            let offsets = try reader.segments(below: cut).filter { $0.partition == partition }.flatMap {
                try reader.readRecords($0).offsets
            }
            #expect(offsets == Array(0..<200), "seed \(seed)")
        }
    }

    @Test func holesAreKeptAsHoles() throws {
        let log = try Fixture.log(50)
        log.leaveHole(of: 30, in: Partition(0))
        try log.append(Fixture.records(80..<100), to: Partition(0))
        log.leaveHole(of: 200, in: Partition(0))
        let summary = try writer(log).archive(upTo: nil)
        #expect(summary.records == 70)
        #expect(summary.archived[Partition(0)] == Offset(300))
        let reader = try ArchiveReader(directory: folder.path, source: Fixture.source)
        let segments = try reader.segments(below: summary.archived)
        for segment in segments { try reader.verify(segment) }
        #expect(try segments.flatMap { try reader.readRecords($0).offsets } == Array(0..<50) + Array(80..<100))
        for segment in segments {
            let batches = try reader.read(segment, columns: [])
            while let batch = try batches.next() { #expect(batch.count > 0) }
        }
    }

    @Test func aCutInsideAHoleIsReached() throws {
        let log = try Fixture.log(10)
        log.leaveHole(of: 20, in: Partition(0))
        try log.append(Fixture.records(30..<40), to: Partition(0))
        try writer(log).archive(upTo: Cut([Partition(0): Offset(20)]))
        #expect(try writer(log).archived()[Partition(0)] == Offset(20))
        #expect(try writer(log).archive(upTo: nil).records == 10)
    }

    @Test func whatTheLogNoLongerOrNotYetHasIsNamed() throws {
        let log = try Fixture.log(100)
        try log.trim(below: Cut([Partition(0): Offset(40)]))
        let gone = #expect(throws: ParallaxError.self) { try writer(log).archive(upTo: nil) }
        #expect(gone?.code == .offsetGone)
        #expect(gone?.message.contains("offsets 0 up to, not including, 40 of partition 0") == true)
        let fresh = try Fixture.log(100)
        let early = #expect(throws: ParallaxError.self) { try writer(fresh).archive(upTo: Cut([Partition(0): Offset(120)])) }
        #expect(early?.code == .offsetGone)
        #expect(early?.message.contains("offsets 100 up to, not including, 120 of partition 0") == true)
        try writer(fresh).archive(upTo: nil)
        let shorter = try Fixture.log(60)
        let ahead = #expect(throws: ParallaxError.self) { try writer(shorter).archive(upTo: nil) }
        #expect(ahead?.code == .anotherLog)
        #expect(ahead?.message.contains("up to offset 100, and its log ends at 60") == true)
        // Trimmed below what is archived: no trouble.
        try fresh.trim(below: Cut([Partition(0): Offset(100)]))
        #expect(try writer(fresh).archive(upTo: nil).segments.isEmpty)
    }

    /// I1: a log that was put back to an older state, or made anew, and has grown beyond what is archived.
    @Test func I1_aLogWithAnotherRecordWhereTheNewestArchivedOneWasIsNotArchived() throws {
        try writer(try Fixture.log(100)).archive(upTo: nil)
        let other = try Fixture.log(99)
        try other.append([NewRecord(key: nil, payload: Array("another".utf8))], to: Partition(0))
        try other.append([NewRecord(key: nil, payload: Array("more".utf8))], to: Partition(0))
        let error = #expect(throws: ParallaxError.self) { try writer(other).archive(upTo: nil) }
        #expect(error?.code == .anotherLog)
        #expect(error?.message.contains("holds another record at offset 99 of partition 0") == true)
        // Where the log gave that record up, its end must do.
        try other.trim(below: Cut([Partition(0): Offset(100)]))
        #expect(try writer(other).archive(upTo: nil).records == 1)
    }

    @Test func aCutOfNothingNeedsNoPartition() throws {
        let summary = try writer(try Fixture.log(10)).archive(upTo: Cut([Partition(0): Offset(10), Partition(7): .zero]))
        #expect(summary.records == 10)
        let error = #expect(throws: ParallaxError.self) { try writer(try Fixture.log(10)).archive(upTo: Cut([Partition(7): Offset(1)])) }
        #expect(error?.code == .missing)
    }

    @Test func oneArchiverAtATime() throws {
        let log = try Fixture.log(250)
        let inner = try writer(log)
        let outer = try writer(log)
        var seen: ParallaxError?
        try outer.archive(upTo: nil) { (_) throws(ParallaxError) in
            guard seen == nil else { return }
            do throws(ParallaxError) { try inner.archive(upTo: nil) } catch { seen = error }
        }
        #expect(seen?.code == .busy)
        #expect(seen?.isRetriable == true)
        #expect(try inner.archive(upTo: nil).segments.isEmpty)
    }

    /// Two archivers, one log that grows: each record is archived once, whoever does it.
    @Test func twoArchiversShareTheWork() async throws {
        let log = try Fixture.log(300)
        var limits = Fixture.limits
        limits.lockWait = .seconds(30)
        let writers = try (0..<2).map { _ in try writer(log, limits) }
        let counted = try await withThrowingTaskGroup(of: Int.self) { group in
            for writer in writers {
                group.addTask {
                    try await onOwnThread(name: "archiver") {
                        var records = 0
                        for _ in 0..<5 {
                            records += try writer.archive(upTo: nil).records
                            try log.append(Fixture.records(0..<20), to: nil)
                        }
                        return records
                    }
                }
            }
            var records = 0
            while let more = try await group.next() { records += more }
            return records
        }
        #expect(try counted + writer(log).archive(upTo: nil).records == 500)
        let reader = try ArchiveReader(directory: folder.path, source: Fixture.source)
        #expect(try reader.segments(below: reader.archived()).flatMap { try reader.readRecords($0).offsets } == Array(0..<500))
    }

    @Test func aServiceLeavesAShortTailForLater() throws {
        let log = try Fixture.log(130)
        let now = Mutex(Int64(MemoryLog.firstInstant.rawValue))
        let writer = try ArchiveWriter(
            directory: folder.path, source: Fixture.source, log: log, limits: Fixture.limits,
            now: { Instant(microseconds: now.withLock { $0 }) })
        let policy = TailPolicy.when(records: 50, age: .seconds(60))
        // A full segment, then a tail of 30 that is young.
        #expect(try writer.archive(upTo: nil, tail: policy).archived[Partition(0)] == Offset(100))
        #expect(try writer.archive(upTo: nil, tail: policy).segments.isEmpty)
        try log.append(Fixture.records(130..<150), to: Partition(0))
        #expect(try writer.archive(upTo: nil, tail: policy).archived[Partition(0)] == Offset(150))
        try log.append(Fixture.records(150..<155), to: Partition(0))
        #expect(try writer.archive(upTo: nil, tail: policy).segments.isEmpty)
        now.withLock { $0 += 61_000_000 }
        #expect(try writer.archive(upTo: nil, tail: policy).archived[Partition(0)] == Offset(155))
        // A run takes everything.
        try log.append(Fixture.records(155..<156), to: Partition(0))
        #expect(try writer.archive(upTo: nil).archived[Partition(0)] == Offset(156))
    }

    /// A tail that claims to come from the future, or from 1999 in a source that goes by the arrival, waits as long as any other: since it was first seen.
    @Test(arguments: [("2036", SourceDefinition.AppendTime.record), ("1999", .arrival)])
    func aTailWithAWrongClockIsNotLeftForEver(year: String, appendTime: SourceDefinition.AppendTime) throws {
        let wrong = Instant(microseconds: year == "2036" ? 2_082_758_400_000_000 : 915_148_800_000_000)
        let log = MemoryLog(partitions: 1, clock: { _ in wrong })
        try log.append(Fixture.records(0..<5), to: Partition(0))
        let known = Fixture.source
        let source = SourceDefinition(
            name: known.name, topic: known.topic, columns: known.columns, eventIDColumn: known.eventIDColumn,
            eventTimeColumn: known.eventTimeColumn, outOfOrderness: known.outOfOrderness, lateness: known.lateness, appendTime: appendTime)
        let now = Mutex(Int64(MemoryLog.firstInstant.rawValue))
        let writer = try ArchiveWriter(
            directory: folder.path, source: source, log: log, limits: Fixture.limits,
            now: { Instant(microseconds: now.withLock { $0 }) })
        let policy = TailPolicy.when(records: 50, age: .seconds(60))
        #expect(try writer.archive(upTo: nil, tail: policy).segments.isEmpty)
        now.withLock { $0 += 61_000_000 }
        #expect(try writer.archive(upTo: nil, tail: policy).archived[Partition(0)] == Offset(5))
    }

    @Test func largeRecordsCloseRowGroupsAndSegments() throws {
        let log = MemoryLog()
        var random = SeededGenerator(seed: 1)
        for _ in 0..<12 {
            try log.append([NewRecord(key: nil, payload: (0..<10_000).map { _ in UInt8.random(in: 0...255, using: &random) })], to: nil)
        }
        var limits = Fixture.limits
        limits.bytesPerRowGroup = 20_000
        limits.bytesPerSegment = 50_000
        let summary = try writer(log, limits).archive(upTo: nil)
        #expect(summary.segments.count == 3 || summary.segments.count == 2)
        #expect(summary.segments.allSatisfy { $0.bytes < 50_000 + 3 * 10_000 })
        let reader = try ArchiveReader(directory: folder.path, source: Fixture.source)
        let batches = try reader.records(summary.segments[0])
        #expect(try batches.next()?.count == 2)
    }

    @Test func anyNameMakesAFolder() throws {
        var source = Fixture.source
        source.name = "../Ünï/.."
        let log = try Fixture.log(10)
        try ArchiveWriter(directory: folder.path("archive"), source: source, log: log).archive(upTo: nil)
        #expect(try Fixture.files(folder.path("archive")) == ["%2E%2E%2F%C3%9Cn%C3%AF%2F%2E%2E"])
        #expect(try ArchiveReader(directory: folder.path("archive"), source: source).archived()[Partition(0)] == Offset(10))
    }

    @Test func aColumnMayNotHaveAnArchiveColumnsName() throws {
        var source = Fixture.source
        source.columns[2].name = "_raw"
        let error = #expect(throws: ParallaxError.self) { try ArchiveWriter(directory: folder.path, source: source, log: MemoryLog()) }
        #expect(error?.code == .definition)
    }

    /// A volume of one megabyte: what does not fit is an error, what was archived stays, and with space it goes on.
    @Test(.enabled(if: SmallVolume.trouble == nil, "\(SmallVolume.trouble ?? "")")) func aFullDiskLosesNothing() throws {
        let volume = try SmallVolume(folder.path("volume"), kilobytes: 1_024)
        defer { volume.unmount() }
        let filler = folder.path("volume/filler")
        let log = MemoryLog()
        var random = SeededGenerator(seed: 2)
        for _ in 0..<6 {
            try log.append([NewRecord(key: nil, payload: (0..<100_000).map { _ in UInt8.random(in: 0...255, using: &random) })], to: nil)
        }
        try Data(count: 700_000).write(to: URL(fileURLWithPath: filler))
        var limits = Fixture.limits
        limits.recordsPerSegment = 2
        let writer = try ArchiveWriter(directory: folder.path("volume/archive"), source: Fixture.source, log: log, limits: limits)
        let error = #expect(throws: ParallaxError.self) { try writer.archive(upTo: nil) }
        #expect(error?.code == .disk)
        #expect(error?.hint?.contains("Make room") == true)
        let files = try Fixture.files(folder.path("volume/archive/page_view/p=0"))
        #expect(!files.contains { $0.hasSuffix(".tmp") })
        let archived = try writer.archived()[Partition(0)]
        #expect(archived == Offset(2))
        try FileManager.default.removeItem(atPath: filler)
        try writer.archive(upTo: nil)
        let reader = try ArchiveReader(directory: folder.path("volume/archive"), source: Fixture.source)
        let segments = try reader.segments(below: Cut([Partition(0): Offset(6)]))
        for segment in segments { try reader.verify(segment) }
        #expect(try segments.flatMap { try reader.readRecords($0).offsets } == Array(0..<6))
    }

    /// However much space is left, a page more or less: the disk may be full at any step, also in the middle of a manifest line.
    @Test(.enabled(if: SmallVolume.trouble == nil, "\(SmallVolume.trouble ?? "")")) func aDiskThatIsFullAtAnyStepLosesNothing() throws {
        let volume = try SmallVolume(folder.path("volume"), kilobytes: 256)
        defer { volume.unmount() }
        let filler = folder.path("volume/filler")
        var random = SeededGenerator(seed: 3)
        let log = MemoryLog()
        for _ in 0..<4 {
            try log.append([NewRecord(key: nil, payload: (0..<9_000).map { _ in UInt8.random(in: 0...255, using: &random) })], to: nil)
        }
        var limits = Fixture.limits
        limits.recordsPerSegment = 1
        var outcomes: Set<Int64> = []
        for free in stride(from: 0, through: 80, by: 4) {
            let directory = folder.path("volume/archive")
            try Data(count: (256 - free) * 1_024 - 4_096).write(to: URL(fileURLWithPath: filler))
            let writer = try ArchiveWriter(directory: directory, source: Fixture.source, log: log, limits: limits)
            do throws(ParallaxError) { try writer.archive(upTo: nil) } catch { #expect(error.code == .disk, "\(error)") }
            outcomes.insert(try writer.archived()[Partition(0)].rawValue)
            try FileManager.default.removeItem(atPath: filler)
            try writer.archive(upTo: nil)
            let reader = try ArchiveReader(directory: directory, source: Fixture.source)
            let segments = try reader.segments(below: Cut([Partition(0): Offset(4)]))
            for segment in segments { try reader.verify(segment) }
            #expect(try segments.flatMap { try reader.readRecords($0).offsets } == Array(0..<4))
            #expect(try Fixture.files(directory + "/page_view/p=0").count == 5)
            try FileManager.default.removeItem(atPath: directory)
        }
        // The test reached its purpose: it was full before the first segment, after the last, and in between.
        #expect(outcomes == [0, 1, 2, 3, 4])
    }
}
