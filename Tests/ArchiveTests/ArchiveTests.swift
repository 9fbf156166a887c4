import Columns
import Foundation
import Operators
import ParallaxCore
import TestSupport
import Testing
import ViewLanguage

@testable import Archive

@Suite struct ArchiveTests {
    @Test(arguments: [1, 3]) func I6_everyRecordComesBackByteForByte(partitions: Int) throws {
        let folder = try TemporaryFolder()
        let log = try Fixture.log(1_000, partitions: partitions)
        let summary = try ArchiveWriter(directory: folder.path, source: Fixture.source, log: log, limits: Fixture.limits).archive(upTo: nil)
        #expect(summary.records == 1_000)
        let reader = try ArchiveReader(directory: folder.path, source: Fixture.source)
        for partition in try log.partitions() {
            let written = try Fixture.whole(log, partition)
            var cut = Cut()
            cut[partition] = written.nextOffset
            let segments = try reader.segments(below: cut)
            #expect(segments.count > 1)
            var parts: [RecordBatch] = []
            for segment in segments {
                try reader.verify(segment)
                parts.append(try reader.readRecords(segment))
            }
            let read = RecordBatch(joining: parts, partition: partition, nextOffset: written.nextOffset)
            #expect(read.offsets == written.offsets)
            #expect(read.appendedAt == written.appendedAt)
            for row in 0..<written.count {
                #expect(read.keys.isNull(row) == written.keys.isNull(row))
                #expect(read.payloads.isNull(row) == written.payloads.isNull(row))
                #expect(Array(read.keys[row]) == Array(written.keys[row]))
                #expect(Array(read.payloads[row]) == Array(written.payloads[row]))
            }
        }
    }

    /// What the archive gives is what the decoder gives: every column, rejection and identity.
    @Test func eventsFromTheArchiveAreThoseOfTheDecoder() throws {
        let folder = try TemporaryFolder()
        let log = try Fixture.log(330)
        try ArchiveWriter(directory: folder.path, source: Fixture.source, log: log, limits: Fixture.limits).archive(upTo: nil)
        let reader = try ArchiveReader(directory: folder.path, source: Fixture.source)
        let expected = EventDecoder(Fixture.source).decode(try Fixture.whole(log))
        let all = Set(Fixture.source.columns.indices)
        for columns in [all, [2, 5], []] {
            var row = 0
            for segment in try reader.segments(below: Cut([Partition(0): Offset(330)])) {
                let batches = try reader.read(segment, columns: columns)
                while let batch = try batches.next() {
                    #expect(batch.offsets == Array(expected.offsets[row..<row + batch.count]))
                    #expect(batch.identities == Array(expected.identities[row..<row + batch.count]))
                    #expect(batch.isRejected == Array(expected.isRejected[row..<row + batch.count]))
                    let rejections = expected.rejections.filter { (row..<row + batch.count).contains($0.row) }
                    #expect(batch.rejections.map { $0.row + row } == rejections.map(\.row))
                    #expect(batch.rejections.map(\.reason) == rejections.map(\.reason))
                    for index in all {
                        guard columns.contains(index) else {
                            #expect(batch.columns[index] == nil)
                            continue
                        }
                        let stored = try #require(batch.columns[index])
                        let decoded = try #require(expected.columns[index])
                        #expect(stored.type == decoded.type)
                        for inBatch in 0..<batch.count { #expect(Self.text(stored, inBatch) == Self.text(decoded, row + inBatch)) }
                    }
                    row += batch.count
                }
            }
            #expect(row == 330)
        }
    }

    static func text(_ column: Column, _ row: Int) -> String? {
        if column.isNull(row) { return nil }
        return switch column.storage {
        case .int64(let values): "\(values[row])"
        case .int128(let values): "\(values[row])"
        case .float64(let values): "\(values[row])"
        case .bool(let values): "\(values[row])"
        case .text(let values): values.string(row)
        case .bits128(let values): "\(values[row])"
        }
    }
}
