import Foundation
import ParallaxCore
import TestSupport
import Testing

@testable import Parquet

/// Our files through other people's readers. Each prints a line a value, in the form of `Sample.text`.
@Suite(.enabled(if: Python.parquetTrouble == nil, "\(Python.parquetTrouble ?? "")"))
struct ReadByOthersTests {
    static let printing = """
        import datetime, decimal, struct
        epoch = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
        def text(value):
            if value is None: return 'null'
            if value is True: return 'true'
            if value is False: return 'false'
            if isinstance(value, float): return '%x' % struct.unpack('<Q', struct.pack('<d', value))[0]
            if isinstance(value, str): return 'x' + value.encode().hex()
            if isinstance(value, bytes): return 'x' + value.hex()
            if isinstance(value, bytearray): return 'x' + bytes(value).hex()
            if isinstance(value, datetime.datetime):
                if value.tzinfo is None: value = value.replace(tzinfo=datetime.timezone.utc)
                return str((value - epoch) // datetime.timedelta(microseconds=1))
            if isinstance(value, decimal.Decimal):
                sign, digits, exponent = value.as_tuple()
                return str((-1 if sign else 1) * int(''.join(map(str, digits))))
            return str(value)
        """

    @Test(arguments: Sample.Nulls.allCases, [0, 1, 9, 1_300]) func pyarrowReadsWhatWeWrite(nulls: Sample.Nulls, rows: Int) throws {
        try check(nulls: nulls, rows: rows) { path in
            try Python.run(
                Self.printing + """

                    import sys, pyarrow.parquet as pq
                    file = pq.ParquetFile(sys.argv[1], page_checksum_verification=True)
                    table = file.read()
                    table.validate(full=True)
                    for name in table.column_names:
                        for value in table[name].to_pylist(): print(text(value))
                    """, [path])
        }
    }

    @Test(arguments: Sample.Nulls.allCases, [1, 1_300]) func duckDBReadsWhatWeWrite(nulls: Sample.Nulls, rows: Int) throws {
        try check(nulls: nulls, rows: rows) { path in
            // Times as numbers: converting them to Python's would need a time zone package.
            try Python.run(
                Self.printing + """

                    import sys, duckdb
                    database = duckdb.connect()
                    path = sys.argv[1]
                    for name, kind in database.sql(f"SELECT column_name, column_type FROM (DESCRIBE FROM read_parquet('{path}'))").fetchall():
                        expression = f'epoch_us("{name}")' if 'TIMESTAMP' in kind else f'"{name}"'
                        for row in database.sql(f"SELECT {expression} FROM read_parquet('{path}')").fetchall(): print(text(row[0]))
                    """, [path])
        }
    }

    private func check(nulls: Sample.Nulls, rows: Int, _ reading: (String) throws -> String) throws {
        var random = SeededGenerator(seed: UInt64(rows) + 100)
        let groups = (0..<(rows == 0 ? 0 : 3)).map { Sample.columns(rows: rows, nulls: nulls, firstID: $0 * rows, &random) }
        let folder = try TemporaryFolder()
        let path = folder.path("sample.parquet")
        var options = ParquetOptions()
        options.rowsPerPage = 500
        try Data(Sample.file(groups, options: options)).write(to: URL(fileURLWithPath: path))
        let lines = try reading(path).split(separator: "\n", omittingEmptySubsequences: true).map(String.init)
        var expected: [String] = []
        for index in Sample.fields.indices {
            for group in groups { expected += Sample.texts(group[index], Sample.fields[index].type) }
        }
        #expect(lines.count == expected.count)
        if let row = zip(lines, expected).enumerated().first(where: { $0.element.0 != $0.element.1 }) {
            Issue.record("value \(row.offset): \(row.element.0) was read where \(row.element.1) was written")
        }
    }

    @Test func pyarrowSeesTypesStatisticsAndEncodings() throws {
        var random = SeededGenerator(seed: 8)
        let folder = try TemporaryFolder()
        let path = folder.path("sample.parquet")
        try Data(Sample.file([Sample.columns(rows: 5_000, nulls: .some, &random)])).write(to: URL(fileURLWithPath: path))
        let output = try Python.run(
            """
            import sys, pyarrow.parquet as pq
            file = pq.ParquetFile(sys.argv[1])
            print(file.schema_arrow.to_string(show_field_metadata=False, show_schema_metadata=False))
            group = file.metadata.row_group(0)
            for index in range(group.num_columns):
                column = group.column(index)
                s = column.statistics
                print(column.path_in_schema, column.compression, ','.join(sorted(set(column.encodings))), s.has_min_max, s.has_null_count)
            print(file.metadata.row_group(0).column(11).statistics.min, file.metadata.row_group(0).column(11).statistics.max)
            print(file.metadata.created_by, file.metadata.format_version)
            """, [path])
        let expected = """
            flag: bool
            small: int32
            large: int64
            ratio: double
            word: string
            name: string
            blob: binary
            fixed: fixed_size_binary[5]
            at: timestamp[us, tz=UTC]
            price: decimal128(12, 2)
            wide: decimal128(38, 6)
            id: int64 not null
            """
        #expect(output.hasPrefix(expected), "\(output)")
        #expect(
            output.contains("word UNCOMPRESSED PLAIN,RLE,RLE_DICTIONARY True True")
                || output.contains("word ZSTD PLAIN,RLE,RLE_DICTIONARY True True"), "\(output)")
        #expect(output.contains("name ZSTD PLAIN,RLE True True"), "\(output)")
        #expect(output.contains("PLAIN,RLE False True"), "\(output)")
        #expect(output.contains("\n0 4999\n"), "\(output)")
    }

    /// A reader that skips by statistics gets no other answer than one that does not.
    @Test func duckDBFiltersByOurStatistics() throws {
        var random = SeededGenerator(seed: 9)
        let folder = try TemporaryFolder()
        let path = folder.path("sample.parquet")
        let groups = (0..<5).map { Sample.columns(rows: 1_000, nulls: .some, firstID: $0 * 1_000, &random) }
        try Data(Sample.file(groups)).write(to: URL(fileURLWithPath: path))
        let output = try Python.run(
            """
            import sys, duckdb
            database = duckdb.connect()
            path = sys.argv[1]
            for condition in ["id >= 4500", "word = 'zebra'", "word > 'z'", "price < -900000000.00", "wide > 0", "ratio >= 0", "ratio <= 0", "small = 2147483647",
                              '''"at" >= '2000-01-01 00:00:00+00'::timestamptz''', "flag", "large < 0", "name < 'näme 2'"]:
                quick = database.sql(f"SELECT count(*) FROM read_parquet('{path}') WHERE {condition}").fetchall()[0][0]
                slow = database.sql(f"SELECT count(*) FILTER (WHERE {condition}) FROM read_parquet('{path}')").fetchall()[0][0]
                assert quick == slow and slow > 0, (condition, quick, slow)
            print('equal')
            """, [path])
        #expect(output == "equal\n")
    }
}
