import Foundation
import ParallaxCore
import TestSupport
import Testing

@testable import Parquet

@Suite struct RoundTripTests {
    /// 0 rows: no row group.
    @Test(arguments: [0, 1, 7, 8, 9, 300], Sample.Nulls.allCases)
    func everyTypeComesBack(rows: Int, nulls: Sample.Nulls) throws {
        var random = SeededGenerator(seed: UInt64(rows))
        let columns = Sample.columns(rows: rows, nulls: nulls, &random)
        try check([columns])
    }

    @Test(arguments: [true, false], [true, false]) func everyLayoutComesBack(isCompressed: Bool, usesDictionaries: Bool) throws {
        var random = SeededGenerator(seed: 4)
        var options = ParquetOptions()
        options.isCompressed = isCompressed
        options.usesDictionaries = usesDictionaries
        options.rowsPerPage = 77
        options.bytesPerPage = 500
        let groups = (0..<4).map { Sample.columns(rows: 1_000 + $0, nulls: .some, firstID: $0 * 10_000, &random) }
        try check(groups, options: options)
    }

    @Test func moreRowsThanAPageHoldsComeBack() throws {
        var random = SeededGenerator(seed: 3)
        try check([Sample.columns(rows: ParquetOptions().rowsPerPage + 1, nulls: .some, &random)])
    }

    private func check(_ groups: [[ParquetColumn]], options: ParquetOptions = ParquetOptions()) throws {
        let folder = try TemporaryFolder()
        let path = folder.path("sample.parquet")
        try Data(Sample.file(groups, options: options)).write(to: URL(fileURLWithPath: path))
        let file = try ParquetFile(path: path)
        #expect(file.schema.map(\.name) == Sample.fields.map(\.name))
        #expect(file.schema.map(\.type) == Sample.fields.map(\.type))
        #expect(file.schema.map(\.isOptional) == Sample.fields.map(\.isOptional))
        #expect(file.keyValues.map(\.value) == ["tests"])
        let filled = groups.filter { $0[0].count > 0 }
        #expect(file.rowGroupCount == filled.count)
        #expect(file.rowCount == filled.reduce(0) { $0 + $1[0].count })
        for (group, columns) in filled.enumerated() {
            #expect(file.rowCount(ofGroup: group) == columns[0].count)
            for (index, column) in columns.enumerated() {
                let read = try file.read(group: group, column: index)
                #expect(
                    Sample.texts(read, file.schema[index].type) == Sample.texts(column, file.schema[index].type), "\(file.schema[index])")
                #expect(read.nulls.isEmpty == !column.nulls.contains(1))
                #expect(file.statistics(group: group, column: index)?.nullCount == column.nulls.reduce(0) { $0 + Int($1) })
            }
        }
    }

    @Test func dictionariesAreUsedWhereValuesRepeat() throws {
        var random = SeededGenerator(seed: 5)
        let columns = Sample.columns(rows: 10_000, nulls: .some, &random)
        let folder = try TemporaryFolder()
        let path = folder.path("sample.parquet")
        try Data(Sample.file([columns])).write(to: URL(fileURLWithPath: path))
        let chunks = try ParquetFile(path: path).metadata.rowGroups[0].chunks
        #expect(chunks[4].dictionaryPageOffset != nil)
        #expect(chunks[5].dictionaryPageOffset == nil)
        #expect(chunks[4].compressedBytes * 10 < chunks[5].compressedBytes)
    }

    @Test func extremesAreThoseOfTheValues() throws {
        let folder = try TemporaryFolder()
        let path = folder.path("sample.parquet")
        func string(_ values: [String]) -> ParquetColumn.Values {
            var column = ByteColumn()
            for value in values { column.append(Array(value.utf8)) }
            return .bytes(column)
        }
        let fields = [
            ParquetField("i", .int32, isOptional: true), ParquetField("d", .double, isOptional: false),
            ParquetField("nan", .double, isOptional: false),
            ParquetField("s", .string, isOptional: false), ParquetField("long", .string, isOptional: false),
            ParquetField("w", .decimal(precision: 38, scale: 0), isOptional: false), ParquetField("none", .int64, isOptional: true),
        ]
        let bytes = Sample.Collected()
        let writer = ParquetWriter(schema: fields) { bytes.all.append(contentsOf: $0) }
        try writer.append([
            ParquetColumn(.int64([5, -3, 0]), nulls: [0, 0, 1]), ParquetColumn(.double([0, 0, 0])), ParquetColumn(.double([1, .nan, 2])),
            ParquetColumn(string(["b", "", "ä"])), ParquetColumn(string([String(repeating: "x", count: 65), "a", "b"])),
            ParquetColumn(.int128([-Sample.wideLimit, 4, Sample.wideLimit])), ParquetColumn(.int64([0, 0, 0]), nulls: [1, 1, 1]),
        ])
        try writer.finish()
        try Data(bytes.all).write(to: URL(fileURLWithPath: path))
        let file = try ParquetFile(path: path)
        func extremes(_ column: Int) -> [ParquetStatistics.Extreme?] {
            let statistics = file.statistics(group: 0, column: column)
            return [statistics?.minimum, statistics?.maximum]
        }
        #expect(extremes(0) == [.int64(-3), .int64(5)])
        // Both zeros lie within.
        #expect(extremes(1) == [.double(-0.0), .double(0)])
        #expect(extremes(2) == [nil, nil])
        #expect(extremes(3) == [.bytes([]), .bytes(Array("ä".utf8))])
        #expect(extremes(4) == [nil, nil])
        #expect(extremes(5) == [.int128(-Sample.wideLimit), .int128(Sample.wideLimit)])
        #expect(extremes(6) == [nil, nil])
    }

    @Test func aValueThatNoPageHoldsIsRefused() throws {
        let writer = ParquetWriter(schema: [ParquetField("b", .bytes, isOptional: false)]) { _ in }
        let large = ByteColumn(
            bytes: [UInt8](repeating: 0, count: ParquetWriter.maximumValueBytes + 1), ends: [ParquetWriter.maximumValueBytes + 1])
        let error = #expect(throws: ParallaxError.self) { try writer.append([ParquetColumn(.bytes(large))]) }
        #expect(error?.code == .limit)
    }
}
