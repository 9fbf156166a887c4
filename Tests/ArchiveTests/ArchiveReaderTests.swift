import Columns
import Foundation
import Operators
import ParallaxCore
import TestSupport
import Testing
import ViewLanguage

@testable import Archive

@Suite struct ArchiveReaderTests {
    private let folder: TemporaryFolder
    private let log: MemoryLog
    private let segments: [ArchiveSegment]

    init() throws {
        folder = try TemporaryFolder()
        log = try Fixture.log(250)
        segments = try ArchiveWriter(directory: folder.path, source: Fixture.source, log: log, limits: Fixture.limits).archive(upTo: nil)
            .segments
    }

    private func reader(_ source: SourceDefinition = Fixture.source) throws -> ArchiveReader {
        try ArchiveReader(directory: folder.path, source: source)
    }

    private func events(_ reader: ArchiveReader, _ segment: ArchiveSegment, columns: Set<Int>, below: Offset? = nil) throws -> [EventBatch]
    {
        let batches = try reader.read(segment, columns: columns, below: below)
        var all: [EventBatch] = []
        while let batch = try batches.next() { all.append(batch) }
        return all
    }

    @Test(arguments: [1, 29, 30, 31, 100, 101, 130, 249, 250]) func rowsAtOrAboveACutAreLeftOut(boundary: Int64) throws {
        let reader = try reader()
        let cut = Cut([Partition(0): Offset(boundary)])
        let segments = try reader.segments(below: cut)
        #expect(segments.count == Int(boundary + 99) / 100)
        var offsets: [Int64] = []
        for segment in segments {
            for batch in try events(reader, segment, columns: Set(Fixture.source.columns.indices), below: cut[Partition(0)]) {
                offsets += batch.offsets
                for column in batch.columns {
                    let column = try #require(column)
                    #expect(column.count == batch.count)
                    #expect(column.nulls.isEmpty || column.nulls.count == batch.count)
                }
                #expect(batch.identities.count == batch.count)
                #expect(batch.isRejected.count == batch.count)
                #expect(batch.appendedAt.count == batch.count)
                #expect(batch.rejections.allSatisfy { $0.row < batch.count })
            }
            let batches = try reader.records(segment, below: cut[Partition(0)])
            while let batch = try batches.next() { #expect(batch.offsets.allSatisfy { $0 < boundary }) }
        }
        #expect(offsets == Array(0..<boundary))
    }

    @Test func aCutBeyondTheArchiveIsNamed() throws {
        let error = #expect(throws: ParallaxError.self) { try reader().segments(below: Cut([Partition(0): Offset(251)])) }
        #expect(error?.code == .offsetGone)
        #expect(error?.message.contains("offsets 250 up to, not including, 251 of partition 0") == true)
        #expect(throws: ParallaxError.self) { try reader().segments(below: Cut([Partition(3): Offset(1)])) }
        #expect(try reader().segments(below: Cut([Partition(3): .zero])).isEmpty)
    }

    /// Every byte that was changed is found, also where other readers see nothing; and a file once found sound is read again
    /// when it changes.
    @Test func damageAndLossAreNamed() throws {
        let reader = try reader()
        let segment = segments[1]
        let path = reader.path(of: segment)
        let whole = try Data(contentsOf: URL(fileURLWithPath: path))
        try reader.verify(segment)
        for index in stride(from: 0, to: whole.count, by: whole.count / 40) {
            var damaged = whole
            damaged[index] ^= 1
            try damaged.write(to: URL(fileURLWithPath: path))
            let error = #expect(throws: ParallaxError.self) { try reader.verify(segment) }
            #expect(error?.code == .corrupt)
            #expect(error?.message.contains(path) == true)
            #expect(error?.detail?.contains("offsets 100 up to, not including, 200 of partition 0 of source \"page_view\"") == true)
        }
        try whole.dropLast().write(to: URL(fileURLWithPath: path))
        #expect(throws: ParallaxError.self) { try reader.verify(segment) }
        try FileManager.default.removeItem(atPath: path)
        let unverified = #expect(throws: ParallaxError.self) { try reader.verify(segment) }
        let unread = #expect(throws: ParallaxError.self) { try reader.read(segment, columns: []) }
        for error in [unverified, unread] {
            #expect(error?.code == .missing)
            #expect(error?.detail?.contains("offsets 100 up to, not including, 200") == true)
        }
        try whole.write(to: URL(fileURLWithPath: path))
        try reader.verify(segment)
    }

    /// A file that is whole, but not the one that the manifest means.
    @Test func anotherSegmentsFileIsNotTaken() throws {
        let reader = try reader()
        try Data(contentsOf: URL(fileURLWithPath: reader.path(of: segments[0]))).write(
            to: URL(fileURLWithPath: reader.path(of: segments[1])))
        #expect(throws: ParallaxError.self) { try reader.verify(segments[1]) }
        let error = #expect(throws: ParallaxError.self) { try events(reader, segments[1], columns: [2]) }
        #expect(error?.code == .corrupt)
    }

    @Test func pruningByEventTimeNeverLosesAnEvent() throws {
        let reader = try reader()
        let times = segments.flatMap { [$0.minEventTime, $0.maxEventTime] }.compactMap { $0?.rawValue }
        for segment in segments {
            let low = try #require(segment.minEventTime).rawValue
            let high = try #require(segment.maxEventTime).rawValue
            for time in times {
                #expect(reader.mayHold(segment, eventTimes: time..<time + 1) == (low...high).contains(time))
            }
        }
    }

    /// A column that came later, another type, a column that is gone: all come from the payloads, as if the records came today.
    @Test func olderSegmentsAreDecodedFromTheirPayloads() throws {
        var changed = Fixture.source
        changed.columns.append(.init(name: "unknown_number", type: .int8))
        changed.columns[3].type = .int8
        changed.columns[4] = .init(name: "large", type: .text)
        changed.columns.remove(at: 8)
        let reader = try reader(changed)
        let expected = EventDecoder(changed).decode(try Fixture.whole(log))
        var row = 0
        for segment in try reader.segments(below: Cut([Partition(0): Offset(250)])) {
            #expect(reader.mayHold(segment, eventTimes: 0..<1))
            for batch in try events(reader, segment, columns: [3, 4, 9]) {
                #expect(batch.identities == Array(expected.identities[row..<row + batch.count]))
                #expect(batch.isRejected == Array(expected.isRejected[row..<row + batch.count]))
                #expect(batch.columns.indices.filter { batch.columns[$0] != nil } == [3, 4, 9])
                for index in [3, 4, 9] {
                    let stored = try #require(batch.columns[index])
                    let decoded = try #require(expected.columns[index])
                    for inBatch in 0..<batch.count {
                        #expect(ArchiveTests.text(stored, inBatch) == ArchiveTests.text(decoded, row + inBatch))
                    }
                }
                row += batch.count
            }
        }
        #expect(row == 250)
        // New segments of the new schema, beside the old ones.
        try log.append(Fixture.records(250..<300), to: Partition(0))
        let written = try ArchiveWriter(directory: folder.path, source: changed, log: log).archive(upTo: nil).segments
        #expect(written.map(\.first) == [Offset(250)])
        #expect(written[0].schema != segments[0].schema)
    }

    /// Another path, default or format of a column changes what a payload says, and so does taking it away again.
    @Test func pathsDefaultsAndFormatsArePartOfTheSchema() throws {
        let plain = try ArchiveSchema(Fixture.source).fingerprint
        var seen: Set<String> = [plain]
        for change in [
            { $0.path = ["large"] }, { $0.path = ["a", "b"] }, { $0.path = ["a.b"] }, { $0.missingValue = .int(1) },
            { $0.missingValue = .int(2) }, { $0.format = .epochSeconds }, { $0.format = .epochMilliseconds },
        ] as [(inout SourceDefinition.Column) -> Void] {
            var changed = Fixture.source
            change(&changed.columns[3])
            #expect(try seen.insert(ArchiveSchema(changed).fingerprint).inserted)
        }
    }

    /// What says nothing about decoding does not make old columns unreadable.
    @Test func latenessIsNoPartOfTheSchema() throws {
        var changed = Fixture.source
        changed.lateness += 1
        changed.outOfOrderness += 1
        changed.topic = "elsewhere"
        #expect(try ArchiveSchema(changed).fingerprint == ArchiveSchema(Fixture.source).fingerprint)
    }
}
