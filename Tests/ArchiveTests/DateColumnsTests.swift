import Columns
import Foundation
import Operators
import ParallaxCore
import TestSupport
import Testing
import ViewLanguage

@testable import Archive

/// Columns of type date and timestamp: from JSON to the archive and back, and as others read them.
@Suite struct DateColumnsTests {
    static let source = SourceDefinition(
        name: "shift", topic: "shift",
        columns: [
            .init(name: "event_id", type: .int8), .init(name: "event_time", type: .timestamptz), .init(name: "day", type: .date),
            .init(name: "wall", type: .timestamp),
        ], eventIDColumn: 0, eventTimeColumn: 1, outOfOrderness: 0, lateness: 0)

    static let days = ["\"2024-02-29\"", "\"1969-12-31\"", "null", "\"0001-01-01\"", "\"2024-05-01T23:59:59+05\"", "\"1999-01-08 BC\""]
    static let walls = [
        "\"2024-02-29 12:00:00.5\"", "\"1969-12-31T23:59:59.999999\"", "null", "\"0001-01-01\"", "\"2024-05-01T10:11:12-08:00\"",
        "\"1999-01-08 04:05 BC\"",
    ]

    private func log() throws -> MemoryLog {
        let log = MemoryLog(partitions: 1)
        for index in Self.days.indices {
            let payload =
                "{\"event_id\":\(index),\"event_time\":\"2024-01-01T00:00:00Z\",\"day\":\(Self.days[index]),\"wall\":\(Self.walls[index])}"
            try log.append([NewRecord(key: nil, payload: Array(payload.utf8))], to: Partition(0))
        }
        return log
    }

    @Test func theyComeBackFromTheArchive() throws {
        let folder = try TemporaryFolder()
        let log = try log()
        try ArchiveWriter(directory: folder.path, source: Self.source, log: log, limits: Fixture.limits).archive(upTo: nil)
        let decoded = EventDecoder(Self.source).decode(try Fixture.whole(log))
        #expect(decoded.rejections.isEmpty)
        let reader = try ArchiveReader(directory: folder.path, source: Self.source)
        for segment in try reader.segments(below: Cut([Partition(0): Offset(Int64(Self.days.count))])) {
            let batch = try #require(try reader.read(segment, columns: [2, 3]).next())
            for column in [2, 3] {
                let (stored, expected) = (try #require(batch.columns[column]), try #require(decoded.columns[column]))
                #expect(stored.type == expected.type)
                let rows = 0..<batch.count
                #expect(rows.map { ArchiveTests.text(stored, $0) } == rows.map { ArchiveTests.text(expected, $0) })
            }
        }
        guard Python.parquetTrouble == nil else { return }
        let seen = try Python.run(
            """
            import sys, glob, pyarrow.parquet as pq
            table = pq.read_table(glob.glob(sys.argv[1] + '/shift/*/*.parquet')[0], columns=['day', 'wall'])
            print(table.schema.field('day').type, table.schema.field('wall').type, table['day'][0], table['wall'][0], table['day'][1], table['wall'][4])
            """, [folder.path])
        #expect(
            seen.trimmingCharacters(in: .whitespacesAndNewlines)
                == "date32[day] timestamp[us] 2024-02-29 2024-02-29 12:00:00.500000 1969-12-31 2024-05-01 10:11:12")
    }
}
