import Columns
import Foundation
import Operators
import ParallaxCore
import TestSupport
import Testing
import ViewLanguage

@testable import Archive

/// Columns of type interval: from JSON to the archive and back, and as others read them.
@Suite struct IntervalColumnsTests {
    static let source = SourceDefinition(
        name: "shift", topic: "shift",
        columns: [
            .init(name: "event_id", type: .int8), .init(name: "event_time", type: .timestamptz), .init(name: "length", type: .interval),
        ],
        eventIDColumn: 0, eventTimeColumn: 1, outOfOrderness: 0, lateness: 0)

    /// As they are written, and as they stand in the archive.
    static let lengths = [
        ("P1Y2M3DT4H5M6.789S", "1 year 2 mons 3 days 04:05:06.789"), ("0", "00:00:00"), ("-1-2", "-1 years -2 mons"),
        ("1 mon -1 days -00:00:00.5", "1 mon -1 days -00:00:00.5"), ("36:00", "36:00:00"), ("-00:00:00.000001", "-00:00:00.000001"),
        ("-1 mons +3 days +04:00", "-1 mons 3 days 04:00:00"), ("2562047788:00:54.775807", "2562047788:00:54.775807"),
        ("-9223372036854775808 us", "-9223372036854775808 us"),
        ("178956970 years 7 mons 2147483647 days", "178956970 years 7 mons 2147483647 days"),
        ("-178956970 years -8 mons -2147483648 days", "-178956970 years -8 mons -2147483648 days"), ("00:01", "00:01:00"),
        ("-1:00:59.1", "-01:00:59.1"),
    ]

    @Test func theyComeBackFromTheArchive() throws {
        let folder = try TemporaryFolder()
        let log = MemoryLog(partitions: 1)
        for (index, value) in (Self.lengths.map { "\"\($0.0)\"" } + ["null"]).enumerated() {
            let payload = "{\"event_id\":\(index),\"event_time\":\"2024-01-01T00:00:00Z\",\"length\":\(value)}"
            try log.append([NewRecord(key: nil, payload: Array(payload.utf8))], to: Partition(0))
        }
        try ArchiveWriter(directory: folder.path, source: Self.source, log: log, limits: Fixture.limits).archive(upTo: nil)
        let decoded = EventDecoder(Self.source).decode(try Fixture.whole(log))
        #expect(decoded.rejections.isEmpty)
        let expected = try #require(decoded.columns[2])
        let reader = try ArchiveReader(directory: folder.path, source: Self.source)
        var bits: [UInt128] = []
        var nulls: [Bool] = []
        for segment in try reader.segments(below: Cut([Partition(0): Offset(Int64(Self.lengths.count + 1))])) {
            let batches = try reader.read(segment, columns: [2])
            while let batch = try batches.next() {
                let column = try #require(batch.columns[2])
                guard case .bits128(let values) = column.storage else { continue }
                bits += values
                nulls += (0..<batch.count).map { column.isNull($0) }
            }
        }
        guard case .bits128(let values) = expected.storage else { preconditionFailure("an interval in other storage") }
        #expect(bits == values && nulls == (0...Self.lengths.count).map { $0 == Self.lengths.count })
        let texts = IntervalColumnText.column(values, nulls: expected.nulls)
        #expect((0..<Self.lengths.count).map { texts.string($0) } == Self.lengths.map(\.1))
        guard Python.parquetTrouble == nil else { return }
        let seen = try Python.run(
            """
            import sys, glob, duckdb
            path = glob.glob(sys.argv[1] + '/shift/*/*.parquet')[0]
            print(duckdb.connect().execute(f"SELECT count(*), count(TRY_CAST(length AS INTERVAL)), max(TRY_CAST(length AS INTERVAL)::VARCHAR) FILTER (WHERE event_id = 0) FROM '{path}'").fetchall())
            """, [folder.path])
        #expect(seen.contains("(14, 12, '1 year 2 months 3 days 04:05:06.789')"), "\(seen)")
    }

    /// So that a damaged file is found to be one.
    @Test func whatIsNoIntervalIsNone() {
        for text in ["", "P", "1 dai", "1:2:3:4"] {
            #expect(IntervalColumnText.values(ByteColumn(bytes: Array(text.utf8), ends: [text.utf8.count]), nulls: []) == nil, "\(text)")
        }
    }
}
