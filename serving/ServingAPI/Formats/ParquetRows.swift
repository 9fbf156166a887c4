import NIOCore
import ParallaxCore
import Parquet
import Postgres

/// A Parquet file, a row group for each 100,000 rows; the frontier stands in its metadata under `parallax.frontier`.
///
/// What Parquet has no type for (numerics without a declared size, intervals, arrays, JSON) is PostgreSQL's text.
final class ParquetRows: RowEncoder {
    static let rowsPerGroup = 100_000
    /// A group's bytes are in memory until it is written.
    static let bytesPerGroup = 32 << 20

    private let columns: [EncodedColumn]
    private let fields: [ParquetField]
    private let output = Output()
    private let writer: ParquetWriter
    private var builders: [Builder]
    private var rows = 0
    private var bytes = 0

    /// What the writer has written since it was last taken.
    private final class Output {
        var buffer = ByteBuffer()
    }

    init(_ columns: [EncodedColumn], frontier: JSONText) {
        self.columns = columns
        fields = columns.map { ParquetField($0.name, Builder.type(of: $0), isOptional: true) }
        builders = fields.map { Builder($0.type) }
        let output = output
        writer = ParquetWriter(
            schema: fields, keyValues: [("parallax.frontier", frontier.text(indentation: nil))]
        ) { (bytes) throws(ParallaxError) in output.buffer.writeBytes(bytes) }
    }

    func begin(to buffer: inout ByteBuffer) {}

    func append(_ row: VisitedRow, to buffer: inout ByteBuffer) throws(ParallaxError) {
        for index in builders.indices {
            let text = row[index]
            bytes += text?.count ?? 1
            try builders[index].append(text, column: columns[index])
        }
        rows += 1
        if rows >= Self.rowsPerGroup || bytes >= Self.bytesPerGroup { try writeGroup(to: &buffer) }
    }

    func end(next: String?, to buffer: inout ByteBuffer) throws(ParallaxError) {
        try writeGroup(to: &buffer)
        try writer.finish()
        take(to: &buffer)
    }

    private func writeGroup(to buffer: inout ByteBuffer) throws(ParallaxError) {
        try writer.append(builders.map(\.column))
        builders = fields.map { Builder($0.type) }
        (rows, bytes) = (0, 0)
        take(to: &buffer)
    }

    private func take(to buffer: inout ByteBuffer) {
        buffer.writeBuffer(&output.buffer)
        output.buffer.clear()
    }

    /// One column's values, from PostgreSQL's text.
    private struct Builder {
        private let type: ParquetType
        private var nulls: [UInt8] = []
        private var hasNulls = false
        // The one that the type takes grows.
        private var bools: [UInt8] = []
        private var doubles: [Double] = []
        private var integers: [Int64] = []
        private var wide: [Int128] = []
        private var bytes = ByteColumn()

        static func type(of column: EncodedColumn) -> ParquetType {
            switch column.kind {
            case .bool: .boolean
            case .int16, .int32: .int32
            case .int64: .int64
            case .float: .double
            case .timestamptz: .timestamp
            case .timestamp: .localTimestamp
            case .date: .date
            case .numeric: decimal(column.type) ?? .string
            case .json, .text, .array: .string
            }
        }

        /// `numeric(12,2)`.
        private static func decimal(_ type: String) -> ParquetType? {
            guard let open = type.firstIndex(of: "("), type.hasPrefix("numeric"), type.hasSuffix(")") else { return nil }
            let numbers = type[type.index(after: open)...].dropLast().split(separator: ",").compactMap { Int($0) }
            guard numbers.count == 2, (1...ParquetType.maximumPrecision).contains(numbers[0]), (0...numbers[0]).contains(numbers[1]) else {
                return nil
            }
            return .decimal(precision: numbers[0], scale: numbers[1])
        }

        init(_ type: ParquetType) { self.type = type }

        private var isWide: Bool {
            if case .decimal(let precision, _) = type { precision > ParquetType.maximumInt64Precision } else { false }
        }

        var column: ParquetColumn {
            let values: ParquetColumn.Values =
                switch type {
                case .boolean: .bool(bools)
                case .double: .double(doubles)
                case .decimal where isWide: .int128(wide)
                case .int32, .int64, .timestamp, .localTimestamp, .date, .time, .decimal: .int64(integers)
                case .bytes, .fixedBytes, .string, .unsupported: .bytes(bytes)
                }
            return ParquetColumn(values, nulls: hasNulls ? nulls : [])
        }

        mutating func append(_ text: UnsafeRawBufferPointer?, column: EncodedColumn) throws(ParallaxError) {
            nulls.append(text == nil ? 1 : 0)
            if text == nil { hasNulls = true }
            switch type {
            case .boolean: bools.append(text?.first == UInt8(ascii: "t") ? 1 : 0)
            case .double:
                doubles.append(try text.map { text throws(ParallaxError) in try Self.double(text, column) } ?? 0)
            case .decimal where isWide:
                wide.append(try text.map { text throws(ParallaxError) in try Self.decimal(text, column) } ?? 0)
            case .int32, .int64, .timestamp, .localTimestamp, .date, .time, .decimal:
                integers.append(try text.map { text throws(ParallaxError) in try Self.integer(text, type, column) } ?? 0)
            case .bytes, .fixedBytes, .string, .unsupported:
                // Null marks are the column's own.
                bytes.append(text ?? UnsafeRawBufferPointer(start: nil, count: 0))
            }
        }

        private static func unfit(_ text: UnsafeRawBufferPointer, _ column: EncodedColumn) -> ParallaxError {
            ParallaxError(
                .limit,
                "column \"\(column.name)\" holds \(String(decoding: text.prefix(80), as: UTF8.self)), which Parquet has no value for",
                hint: "leave the column or the row out, or ask for CSV")
        }

        private static func double(_ text: UnsafeRawBufferPointer, _ column: EncodedColumn) throws(ParallaxError) -> Double {
            guard let value = Double(String(decoding: text, as: UTF8.self)) else { throw unfit(text, column) }
            return value
        }

        private static func integer(_ text: UnsafeRawBufferPointer, _ type: ParquetType, _ column: EncodedColumn) throws(ParallaxError)
            -> Int64
        {
            switch type {
            case .timestamp, .localTimestamp:
                guard let time = PostgresTime.microseconds(text) else { throw unfit(text, column) }
                return time
            case .date:
                guard let day = PostgresTime.day(text) else { throw unfit(text, column) }
                return day
            case .decimal: return Int64(truncatingIfNeeded: try decimal(text, column))
            default:
                guard let value = Int64(String(decoding: text, as: UTF8.self)) else { throw unfit(text, column) }
                return value
            }
        }

        /// The digits without the point: the text has just the declared scale.
        private static func decimal(_ text: UnsafeRawBufferPointer, _ column: EncodedColumn) throws(ParallaxError)
            -> Int128
        {
            let digits = text.filter { $0 != UInt8(ascii: ".") }
            guard let value = Int128(String(decoding: digits, as: UTF8.self)) else { throw unfit(text, column) }
            return value
        }
    }
}

/// PostgreSQL's ISO texts of times in UTC.
enum PostgresTime {
    /// Since 1970; nil for infinities, years before Christ or beyond 9999, and whatever else is no such text.
    static func microseconds(_ text: UnsafeRawBufferPointer) -> Int64? {
        guard text.count >= 19, let day = day(UnsafeRawBufferPointer(rebasing: text[..<10])), text.last != UInt8(ascii: "C") else {
            return nil
        }
        guard let hour = number(text, 11, 2), let minute = number(text, 14, 2), let second = number(text, 17, 2) else { return nil }
        var microseconds = ((day * 24 + hour) * 60 + minute) * 60 + second
        microseconds *= 1_000_000
        guard text.count > 20, text[19] == UInt8(ascii: ".") else { return microseconds }
        var unit: Int64 = 100_000
        for byte in text[20...] {
            guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else { break }
            microseconds += Int64(byte - UInt8(ascii: "0")) * unit
            unit /= 10
        }
        return microseconds
    }

    static func day(_ text: UnsafeRawBufferPointer) -> Int64? {
        guard text.count == 10, text[4] == UInt8(ascii: "-"), let year = number(text, 0, 4), let month = number(text, 5, 2),
            let day = number(text, 8, 2), (1...12).contains(month)
        else { return nil }
        return CivilDate(year: year, month: month, day: day).daysSince1970
    }

    private static func number(_ text: UnsafeRawBufferPointer, _ start: Int, _ count: Int) -> Int64? {
        var value: Int64 = 0
        for byte in text[start..<(start + count)] {
            guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else { return nil }
            value = value * 10 + Int64(byte - UInt8(ascii: "0"))
        }
        return value
    }
}
