import Columns
import Compression
import Operators
import ParallaxCore
import ViewLanguage

/// Why a row of a file cannot be loaded.
public struct LoadProblem: Error, Equatable {
    public var line: Int
    public var column: String?
    /// In PostgreSQL's words where it has them.
    public var message: String

    public func text(file: String) -> String { "\(file):\(line): error: " + (column.map { "column \"\($0)\": " } ?? "") + message }
}

/// Some rows of a file, by columns.
public struct LoadRows {
    /// Where each row begins in the file.
    var lines: [Int] = []
    var values: [StateRows.Values] = []
    /// Rows that cannot be loaded are among the others.
    var problems: [LoadProblem] = []
}

/// A file of rows for a table.
public protocol LoadFile: AnyObject {
    /// The table's columns that the file has, in the order of `LoadRows.values`.
    var columns: [DimensionDefinition.Column] { get }
    /// Bytes of the file that are read.
    var inputPosition: Int { get }
    /// Nil at the end. Throws `LoadProblem` where there is no way on.
    func next() throws -> LoadRows?
}

/// Rows of one file at a time: enough that columns pay, few enough to be no memory.
let rowsPerLoadBatch = 8_192

public final class CSVFile: LoadFile {
    public let columns: [DimensionDefinition.Column]
    private let reader: CSVReader
    private var first: CSVReader.Record?
    private var texts: [TextRows]

    /// Values as texts, while they are gathered.
    private struct TextRows {
        var bytes: [UInt8] = []
        var ends: [Int] = []
        var nulls: [UInt8] = []
        var column: ByteColumn { ByteColumn(bytes: bytes, ends: ends, nulls: nulls.contains(1) ? nulls : []) }
    }

    /// - Parameter hasHeader: whether the first line names the columns; else they are the table's, in their order.
    public init(_ reader: DecompressingReader, table: DimensionDefinition, hasHeader: Bool) throws {
        let reader = CSVReader(reader)
        self.reader = reader
        guard hasHeader else {
            columns = table.columns
            texts = table.columns.map { _ in TextRows() }
            return
        }
        guard let header = try Self.wrapped({ try reader.record() }) else {
            throw LoadProblem(line: 1, message: "the file is empty: its first line names the columns")
        }
        var columns: [DimensionDefinition.Column] = []
        for field in header.fields {
            let name = String(decoding: field ?? [], as: UTF8.self)
            guard let column = table.columns.first(where: { $0.name == name }) else {
                let names = table.columns.map(\.name)
                let nearest = nearestName(to: name, among: names).map { "; \(didYouMean($0))" } ?? ""
                throw LoadProblem(
                    line: header.line,
                    message:
                        "the table \"\(table.name)\" has no column \"\(name)\"; its columns are \(names.joined(separator: ", "))\(nearest)")
            }
            guard !columns.contains(column) else { throw LoadProblem(line: header.line, message: "column \"\(name)\" is named twice") }
            columns.append(column)
        }
        if let missing = table.columns.first(where: { $0.isNotNull && !columns.contains($0) }) {
            throw LoadProblem(line: header.line, message: "the file has no column \"\(missing.name)\", which must not be null")
        }
        self.columns = columns
        texts = columns.map { _ in TextRows() }
    }

    public var inputPosition: Int { reader.inputPosition }

    public func next() throws -> LoadRows? {
        var rows = LoadRows()
        texts = columns.map { _ in TextRows() }
        while rows.lines.count < rowsPerLoadBatch, let record = try Self.wrapped({ try reader.record() }) {
            rows.lines.append(record.line)
            if record.fields.count != columns.count {
                rows.problems.append(
                    LoadProblem(line: record.line, message: "\(record.fields.count) fields, where there are \(columns.count) columns"))
            }
            for index in columns.indices {
                let field = index < record.fields.count ? record.fields[index] : nil
                texts[index].bytes += field ?? []
                texts[index].ends.append(texts[index].bytes.count)
                texts[index].nulls.append(field == nil ? 1 : 0)
                if field == nil, columns[index].isNotNull, record.fields.count == columns.count {
                    rows.problems.append(
                        LoadProblem(line: record.line, column: columns[index].name, message: "null value violates not-null constraint"))
                }
            }
        }
        guard !rows.lines.isEmpty else { return nil }
        for (column, text) in zip(columns, texts) {
            let values = text.column
            for problem in TextValuesCheck.problems(values, as: column.type) {
                rows.problems.append(LoadProblem(line: rows.lines[problem.row], column: column.name, message: problem.message))
            }
            rows.values.append(.text(values))
        }
        rows.problems.sort { $0.line < $1.line }
        return rows
    }

    private static func wrapped<T>(_ body: () throws -> T) throws -> T {
        do { return try body() } catch let error as CSVReader.Malformed { throw LoadProblem(line: error.line, message: error.message) }
    }
}

/// Newline-delimited JSON: each line an object with the columns' names, decoded as a source's events are.
public final class JSONFile: LoadFile {
    public let columns: [DimensionDefinition.Column]
    private let lines: LineReader
    private let decoder: EventDecoder

    public init(_ reader: DecompressingReader, table: DimensionDefinition, maximumLineBytes: Int) {
        columns = table.columns
        lines = LineReader(reader, maximumLineBytes: maximumLineBytes)
        var fields = table.columns.map { SourceDefinition.Column(name: $0.name, type: $0.type, isNotNull: $0.isNotNull) }
        // What tells events apart, and nobody asks a table for: fields that no JSON has, with a value of their own.
        for (name, type) in [("id", ScalarType.int8), ("time", .timestamptz)] {
            fields.append(SourceDefinition.Column(name: "\u{1}\(name)", type: type, path: ["\u{1}", name], missingValue: .int(1)))
        }
        decoder = EventDecoder(
            SourceDefinition(
                name: table.name, topic: "", columns: fields, eventIDColumn: columns.count, eventTimeColumn: columns.count + 1,
                outOfOrderness: 0, lateness: 0))
    }

    public var inputPosition: Int { lines.reader.inputPosition }

    public func next() throws -> LoadRows? {
        guard let batch = try lines.next(maxLines: rowsPerLoadBatch, maxBytes: 8 << 20) else { return nil }
        var records = RecordBatch(partition: Partition(0), nextOffset: Offset(Int64(batch.lines.count)))
        records.offsets = (0..<Int64(batch.lines.count)).map { $0 }
        records.appendedAt = [Int64](repeating: 0, count: batch.lines.count)
        records.keys = ByteColumn(
            bytes: [], ends: [Int](repeating: 0, count: batch.lines.count), nulls: [UInt8](repeating: 1, count: batch.lines.count))
        records.payloads = batch.lines
        let events = decoder.decode(records)
        var rows = LoadRows(lines: batch.lineNumbers)
        for rejection in events.rejections {
            rows.problems.append(LoadProblem(line: batch.lineNumbers[rejection.row], column: rejection.column, message: rejection.message))
        }
        for long in batch.tooLong {
            rows.problems.append(LoadProblem(line: long.lineNumber, message: "a line of \(long.byteCount) bytes is too long"))
        }
        rows.problems.sort { $0.line < $1.line }
        rows.values = events.columns.prefix(columns.count).compactMap { $0.map { .column($0) } }
        return rows
    }
}
