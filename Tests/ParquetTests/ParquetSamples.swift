import ParallaxCore
import TestSupport

@testable import Parquet

/// Columns of every type with chosen and random values, and files of them.
enum Sample {
    static let fields: [ParquetField] = [
        ParquetField("flag", .boolean, isOptional: true), ParquetField("small", .int32, isOptional: true),
        ParquetField("large", .int64, isOptional: true), ParquetField("ratio", .double, isOptional: true),
        ParquetField("word", .string, isOptional: true), ParquetField("name", .string, isOptional: true),
        ParquetField("blob", .bytes, isOptional: true, keepsExtremes: false), ParquetField("fixed", .fixedBytes(5), isOptional: true),
        ParquetField("at", .timestamp, isOptional: true), ParquetField("price", .decimal(precision: 12, scale: 2), isOptional: true),
        ParquetField("wide", .decimal(precision: 38, scale: 6), isOptional: true), ParquetField("id", .int64, isOptional: false),
    ]

    enum Nulls: CaseIterable {
        case none, some, all
    }

    static func columns(rows: Int, nulls: Nulls, firstID: Int = 0, _ random: inout SeededGenerator) -> [ParquetColumn] {
        fields.map { field in
            if !field.isOptional { return ParquetColumn(.int64((0..<rows).map { Int64(firstID + $0) })) }
            let marks: [UInt8] =
                switch nulls {
                case .none: []
                case .some: (0..<rows).map { _ in UInt8.random(in: 0..<4, using: &random) == 0 ? 1 : 0 }
                case .all: [UInt8](repeating: 1, count: rows)
                }
            func values<T>(_ null: T, _ make: (inout SeededGenerator) -> T) -> [T] {
                (0..<rows).map { marks.isEmpty || marks[$0] == 0 ? make(&random) : null }
            }
            func bytes(_ make: (inout SeededGenerator) -> [UInt8]) -> ParquetColumn.Values {
                var column = ByteColumn()
                for value in values([], make) { column.append(value) }
                return .bytes(column)
            }
            let made: ParquetColumn.Values =
                switch field.type {
                case .boolean: .bool(values(0) { UInt8.random(in: 0...1, using: &$0) })
                case .int32:
                    .int64(
                        values(0) { random in
                            [Int64(Int32.min), Int64(Int32.max), 0, Int64.random(in: -9...9, using: &random)].randomElement(using: &random)
                                ?? 0
                        })
                case .int64:
                    .int64(
                        values(0) { random in
                            [Int64.min, Int64.max, Int64.random(in: -9...9, using: &random)].randomElement(using: &random) ?? 0
                        })
                case .timestamp: .int64(values(0) { Int64.random(in: -62_135_596_800_000_000...253_402_300_799_999_999, using: &$0) })
                case .decimal(let precision, _) where precision <= 18:
                    .int64(values(0) { Int64.random(in: -999_999_999_999...999_999_999_999, using: &$0) })
                case .decimal: .int128(values(0) { Int128.random(in: -wideLimit...wideLimit, using: &$0) })
                case .double:
                    .double(
                        values(0) { random in
                            [0.0, -0.0, 1e300, -1e-300, 0.1, Double.random(in: -1...1, using: &random)].randomElement(using: &random) ?? 0
                        })
                case .string where field.name == "word": bytes { Array(words.randomElement(using: &$0)?.utf8 ?? "".utf8) }
                case .string: bytes { random in Array("näme \(UInt64.random(in: 0...UInt64.max, using: &random))".utf8) }
                case .fixedBytes(let length):
                    // Null or not, the place is counted in the arena as empty.
                    bytes { random in (0..<length).map { _ in UInt8.random(in: 0...255, using: &random) } }
                default:
                    bytes { random in (0..<Int.random(in: 0...30, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) } }
                }
            return ParquetColumn(made, nulls: marks)
        }
    }

    static let words = ["", "a", "ab", "𝄞 clef", "zebra", String(repeating: "long ", count: 10)]
    static let wideLimit: Int128 = 99_999_999_999_999_999_999_999_999_999_999_999_999

    static func file(_ groups: [[ParquetColumn]], options: ParquetOptions = ParquetOptions()) throws(ParallaxError) -> [UInt8] {
        let bytes = Collected()
        let writer = ParquetWriter(schema: fields, keyValues: [("made by", "tests")], options: options) { raw in
            bytes.all.append(contentsOf: raw)
        }
        for group in groups { try writer.append(group) }
        try writer.finish()
        return bytes.all
    }

    final class Collected { var all: [UInt8] = [] }

    /// One value as other readers print it here: see `ReadByOthersTests`.
    static func text(_ column: ParquetColumn, _ row: Int, _ type: ParquetType) -> String {
        if !column.nulls.isEmpty && column.nulls[row] != 0 { return "null" }
        switch (column.values, type) {
        case (.bool(let values), _): return values[row] == 1 ? "true" : "false"
        case (.int64(let values), _): return "\(values[row])"
        case (.int128(let values), _): return "\(values[row])"
        case (.double(let values), _): return String(values[row].bitPattern, radix: 16)
        case (.bytes(let values), _): return "x" + values[row].map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        }
    }

    static func texts(_ column: ParquetColumn, _ type: ParquetType) -> [String] { (0..<column.count).map { text(column, $0, type) } }
}
