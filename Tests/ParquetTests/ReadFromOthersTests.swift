import Foundation
import ParallaxCore
import TestSupport
import Testing

@testable import Parquet

/// Files that pyarrow writes, within our subset and just outside it.
@Suite(.enabled(if: Python.parquetTrouble == nil, "\(Python.parquetTrouble ?? "")"))
struct ReadFromOthersTests {
    private static let making =
        ReadByOthersTests.printing + """

            import sys, json, random, pyarrow as pa, pyarrow.parquet as pq
            random.seed(7)
            rows = 5000
            def some(make): return [None if random.random() < 0.2 else make() for _ in range(rows)]
            D = decimal.Decimal
            decimal.getcontext().prec = 50
            schema = pa.schema([
                ('flag', pa.bool_()), ('tiny', pa.int16()), ('small', pa.int32()), ('large', pa.int64()), ('ratio', pa.float64()), ('word', pa.string()), ('name', pa.large_string()),
                ('blob', pa.binary()), ('at', pa.timestamp('us', tz='UTC')), ('price', pa.decimal128(12, 2)), ('wide', pa.decimal128(38, 6)), ('middle', pa.decimal128(25, 0)),
                ('fixed', pa.binary(5)), pa.field('id', pa.int64(), nullable=False)])
            arrays = [
                some(lambda: random.random() < 0.5), some(lambda: random.randint(-32768, 32767)), some(lambda: random.randint(-2**31, 2**31 - 1)), some(lambda: random.choice([-2**63, 2**63 - 1, 0])),
                some(random.random), some(lambda: random.choice(['', 'a', 'zebra', '\\U0001d11e'])), some(lambda: 'name %d' % random.randint(0, 10**12)),
                some(lambda: random.randbytes(random.randint(0, 20))), some(lambda: epoch + datetime.timedelta(microseconds=random.randint(-10**15, 10**15))),
                some(lambda: D(random.randint(-10**12 + 1, 10**12 - 1)).scaleb(-2)), some(lambda: D(random.randint(-10**38 + 1, 10**38 - 1)).scaleb(-6)),
                some(lambda: D(random.randint(-10**25 + 1, 10**25 - 1))), some(lambda: random.randbytes(5)), list(range(rows))]
            table = pa.Table.from_arrays([pa.array(a, type=f.type) for a, f in zip(arrays, schema)], schema=schema)
            pq.write_table(table, sys.argv[1], **json.loads(sys.argv[2]))
            for name in table.column_names:
                for value in table[name].to_pylist(): print(text(value))
            """

    @Test(arguments: [
        #"{"compression": "none"}"#,
        #"{"compression": "zstd"}"#,
        #"{"compression": "zstd", "row_group_size": 777, "write_page_checksum": true}"#,
        #"{"compression": "none", "use_dictionary": false, "data_page_size": 700, "write_batch_size": 50}"#,
        #"{"compression": "zstd", "data_page_size": 700, "write_batch_size": 50, "dictionary_pagesize_limit": 2000}"#,
        #"{"compression": "none", "version": "1.0", "store_decimal_as_integer": true}"#,
        #"{"compression": "zstd", "write_statistics": false, "store_schema": false}"#,
    ]) func weReadWhatPyarrowWrites(options: String) throws {
        let folder = try TemporaryFolder()
        let path = folder.path("sample.parquet")
        let expected = try Python.run(Self.making, [path, options]).split(separator: "\n").map(String.init)
        let file = try ParquetFile(path: path)
        #expect(file.rowCount == 5_000)
        #expect(file.createdBy.contains("parquet-cpp-arrow"))
        for column in file.schema.indices {
            var read: [String] = []
            for group in 0..<file.rowGroupCount {
                read += Sample.texts(try file.read(group: group, column: column), file.schema[column].type)
            }
            #expect(read.elementsEqual(expected[column * 5_000..<(column + 1) * 5_000]), "\(file.schema[column])")
        }
    }

    @Test func whatWeDoNotReadIsNamedAndTheRestIsRead() throws {
        let folder = try TemporaryFolder()
        let path = folder.path("other.parquet")
        _ = try Python.run(
            """
            import sys, pyarrow as pa, pyarrow.parquet as pq
            table = pa.table({'a': pa.array([1, 2, 3]), 'list': pa.array([[1], [2, 3], None]), 'nanos': pa.array([1, 2, 3], pa.timestamp('ns', tz='UTC')),
                              'local': pa.array([1, 2, 3], pa.timestamp('us')), 'float': pa.array([1, 2, 3], pa.float32()), 'unsigned': pa.array([1, 2, 3], pa.uint32()),
                              'date': pa.array([1, 2, 3], pa.date32()), 'pair': pa.array([{'x': 1}, {'x': 2}, None]), 'z': pa.array(['x', None, 'y'])})
            pq.write_table(table, sys.argv[1], compression='none', version='2.6')
            pq.write_table(table, sys.argv[1] + '.snappy', compression='snappy')
            pq.write_table(table, sys.argv[1] + '.v2', compression='none', data_page_version='2.0')
            pq.write_table(table, sys.argv[1] + '.delta', compression='none', use_dictionary=False, column_encoding={'a': 'DELTA_BINARY_PACKED'})
            """, [path])
        let file = try ParquetFile(path: path)
        #expect(file.schema.map(\.name) == ["a", "element", "nanos", "local", "float", "unsigned", "date", "x", "z"])
        #expect(Sample.texts(try file.read(group: 0, column: 0), .int64) == ["1", "2", "3"])
        #expect(Sample.texts(try file.read(group: 0, column: 8), .string) == ["x78", "null", "x79"])
        #expect(file.schema[3].type == .localTimestamp && file.schema[6].type == .date)
        for column in [3, 6] { #expect(Sample.texts(try file.read(group: 0, column: column), .int64) == ["1", "2", "3"]) }
        for column in [1, 2, 4, 5, 7] {
            let error = #expect(throws: ParallaxError.self) { try file.read(group: 0, column: column) }
            #expect(error?.code == .input, "\(file.schema[column])")
        }
        for ending in ["snappy", "v2", "delta"] {
            let other = try ParquetFile(path: path + "." + ending)
            let error = #expect(throws: ParallaxError.self) { try other.read(group: 0, column: 0) }
            #expect(error?.code == .input, "\(ending)")
            #expect(error?.detail?.contains("At byte") == true)
        }
    }
}
