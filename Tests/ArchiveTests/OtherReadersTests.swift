import Foundation
import Operators
import ParallaxCore
import TestSupport
import Testing

@testable import Archive

/// The archive is for everybody's tools: pyarrow and DuckDB read it, and see what our decoder saw.
@Suite(.enabled(if: Python.parquetTrouble == nil, "\(Python.parquetTrouble ?? "")"))
struct OtherReadersTests {
    @Test func pyarrowAndDuckDBReadTheArchive() throws {
        let folder = try TemporaryFolder()
        let log = try Fixture.log(1_000, partitions: 3)
        let summary = try ArchiveWriter(directory: folder.path, source: Fixture.source, log: log, limits: Fixture.limits).archive(upTo: nil)
        // A file that is not there yet, to everybody.
        try Data("half".utf8).write(to: URL(fileURLWithPath: folder.path("page_view/p=0/00000000000000000900.1.tmp")))
        let output = try Python.run(
            """
            import sys, glob, duckdb, pyarrow.parquet as pq
            root = sys.argv[1] + '/page_view'
            rows = 0
            for path in sorted(glob.glob(root + '/*/*.parquet')):
                table = pq.ParquetFile(path, page_checksum_verification=True).read()
                table.validate(full=True)
                rows += table.num_rows
            print(rows)
            print(', '.join(f'{f.name} {f.type}{"" if f.nullable else " not null"}' for f in table.schema))
            database = duckdb.connect()
            files = f"read_parquet('{root}/*/*.parquet', hive_partitioning = true)"
            def one(text): return database.sql(text).fetchall()[0]
            print(one(f'SELECT count(*), count(DISTINCT (_partition, _offset)), count(_raw), count(_rejected), sum(small), sum(large)::text, sum(amount)::text, sum(huge)::text FROM {files}'))
            print(one(f'SELECT count(*) FROM {files} WHERE p <> _partition'))
            print(one(f"SELECT octet_length(_raw), encode(_raw) IS NULL, page, session FROM {files} WHERE event_id = '{sys.argv[2]}' AND _rejected IS NULL"))
            print(one(f"SELECT count(*) FROM {files} WHERE _rejected IS NULL AND (json_extract(decode(_raw), '$.small')::int IS DISTINCT FROM small OR json_extract_string(decode(_raw), '$.page') IS DISTINCT FROM page)"))
            """.replacingOccurrences(of: "encode(_raw) IS NULL, ", with: ""), [folder.path, Fixture.uuid(34)])
        var small: Int64 = 0
        var large: Int64 = 0
        var amount: Int64 = 0
        var huge: Int128 = 0
        for partition in try log.partitions() {
            let events = EventDecoder(Fixture.source).decode(try Fixture.whole(log, partition))
            for (index, column) in events.columns.enumerated() {
                switch (index, column?.storage) {
                case (3, .int64(let values)): small += values.reduce(0, +)
                case (4, .int64(let values)): large += values.reduce(0, +)
                case (5, .int64(let values)): amount += values.reduce(0, +)
                case (6, .int128(let values)): huge += values.reduce(0, +)
                default: break
                }
            }
        }
        let rejected = summary.rejected.values.reduce(0, +)
        let tombstones = summary.rejected["null_payload"] ?? 0
        let lines = output.split(separator: "\n").map(String.init)
        try #require(lines.count == 6, "\(output)")
        #expect(lines[0] == "1000")
        #expect(
            lines[1]
                == "_partition int32 not null, _offset int64 not null, _appended_at timestamp[us, tz=UTC] not null, _key binary, _raw binary, "
                + "_rejected string, event_id string, event_time timestamp[us, tz=UTC], page string, small int32, large int64, "
                + "amount decimal128(12, 2), huge decimal128(30, 4), ratio double, is_new bool, session string, _headers binary")
        let text =
            "(1000, 1000, \(1_000 - tombstones), \(rejected), \(small), '\(large)', '\(decimal(Int128(amount), 2))', '\(decimal(huge, 4))')"
        #expect(lines[2] == text)
        #expect(lines[3] == "(0,)")
        #expect(lines[4] == "(\(Fixture.payload(34)?.count ?? 0), '/söme/0', '\(Fixture.uuid(11))')")
        #expect(lines[5] == "(0,)")
    }

    private func decimal(_ unscaled: Int128, _ scale: Int) -> String {
        let digits = String(unscaled.magnitude)
        let padded = String(repeating: "0", count: max(0, scale + 1 - digits.count)) + digits
        return (unscaled < 0 ? "-" : "") + padded.dropLast(scale) + "." + padded.suffix(scale)
    }
}
