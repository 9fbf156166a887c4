import NIOCore
import ParallaxCore
import Postgres

/// Rows as bytes, one after the other, on the thread that reads them.
protocol RowEncoder {
    mutating func begin(to buffer: inout ByteBuffer) throws(ParallaxError)
    mutating func append(_ row: VisitedRow, to buffer: inout ByteBuffer) throws(ParallaxError)
    /// - Parameter next: where the next page begins; nil: there is none.
    mutating func end(next: String?, to buffer: inout ByteBuffer) throws(ParallaxError)
}

struct EncodedColumn: Sendable, Hashable {
    var name: String
    /// With its modifier, as PostgreSQL writes it.
    var type: String
    var kind: ValueKind
}

enum RowEncoders {
    static func make(
        _ format: RowFormat, _ columns: [EncodedColumn], frontier: JSONText, exactNumbersAsText: Bool
    ) throws(ParallaxError) -> any RowEncoder {
        switch format {
        case .json: JSONRows(columns, frontier: frontier, values: JSONValueWriter(exactNumbersAsText: exactNumbersAsText), isLines: false)
        case .ndjson: JSONRows(columns, frontier: frontier, values: JSONValueWriter(exactNumbersAsText: exactNumbersAsText), isLines: true)
        case .csv: CSVRows(columns)
        case .parquet: ParquetRows(columns, frontier: frontier)
        }
    }
}

/// `{"frontier": …, "rows": [{…}, …], "next": …}`, or a line a row.
///
/// A value that JSON lacks is null, and the row says what it was: `"@not_finite": {"mean": "NaN"}`.
struct JSONRows: RowEncoder {
    private let kinds: [ValueKind]
    /// `{"name":`, then `,"name":`.
    private let leads: [[UInt8]]
    /// Of all of them together.
    private let leadBytes: Int
    private let names: [String]
    private let frontier: JSONText
    private let values: JSONValueWriter
    private let isLines: Bool
    private var hasRows = false

    init(_ columns: [EncodedColumn], frontier: JSONText, values: JSONValueWriter, isLines: Bool) {
        kinds = columns.map(\.kind)
        names = columns.map(\.name)
        leads = columns.enumerated().map { Array((($0 == 0 ? "{" : ",") + jsonQuoted($1.name) + ":").utf8) }
        leadBytes = leads.reduce(0) { $0 + $1.count }
        self.frontier = frontier
        self.values = values
        self.isLines = isLines
    }

    mutating func begin(to buffer: inout ByteBuffer) {
        if !isLines { buffer.writeString("{\"frontier\":\(frontier.text(indentation: nil)),\"rows\":[") }
    }

    mutating func append(_ row: VisitedRow, to buffer: inout ByteBuffer) {
        if !isLines {
            buffer.writeString(hasRows ? ",\n" : "\n")
            hasRows = true
        }
        writeObject(row, to: &buffer)
        if isLines { buffer.writeInteger(UInt8(ascii: "\n")) }
    }

    /// One row as an object.
    func writeObject(_ row: VisitedRow, to buffer: inout ByteBuffer) {
        var lost: [Int] = []
        // A byte of a text is six at most (\u001f), and no value is longer by more than what stands around it.
        let most = kinds.indices.reduce(leadBytes) { $0 + 8 + 6 * (row[$1]?.count ?? 0) }
        buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: most) { room in
            guard var bytes = RawBytes(room) else { return 0 }
            for column in kinds.indices {
                leads[column].withUnsafeBytes { bytes.append($0) }
                guard let text = row[column] else {
                    bytes.append("null")
                    continue
                }
                if !values.write(text, kinds[column], to: &bytes) { lost.append(column) }
            }
            return bytes.count
        }
        if !lost.isEmpty {
            buffer.writeString(
                ",\"@not_finite\":\(JSONText.object(lost.map { (names[$0], .string(String(decoding: row[$0] ?? .init(start: nil, count: 0), as: UTF8.self))) }).text(indentation: nil))"
            )
        }
        buffer.writeString("}")
    }

    mutating func end(next: String?, to buffer: inout ByteBuffer) {
        if !isLines { buffer.writeString("\n],\"next\":\(next.map(jsonQuoted) ?? "null")}\n") }
    }
}

/// RFC 4180, with a header line. Null is an empty field, an empty text is `""`.
struct CSVRows: RowEncoder {
    private let columns: [EncodedColumn]

    init(_ columns: [EncodedColumn]) { self.columns = columns }

    mutating func begin(to buffer: inout ByteBuffer) {
        for (index, column) in columns.enumerated() {
            if index > 0 { buffer.writeString(",") }
            Array(column.name.utf8).withUnsafeBytes { write($0, to: &buffer) }
        }
        buffer.writeString("\r\n")
    }

    mutating func append(_ row: VisitedRow, to buffer: inout ByteBuffer) {
        for (index, column) in columns.enumerated() {
            if index > 0 { buffer.writeString(",") }
            guard let text = row[index] else { continue }
            switch column.kind {
            case .bool: buffer.writeString(text.first == UInt8(ascii: "t") ? "true" : "false")
            case .timestamptz, .timestamp: JSONValueWriter.writeTime(text, column.kind, to: &buffer)
            default: write(text, to: &buffer)
            }
        }
        buffer.writeString("\r\n")
    }

    mutating func end(next: String?, to buffer: inout ByteBuffer) {}

    private func write(_ text: UnsafeRawBufferPointer, to buffer: inout ByteBuffer) {
        let needsQuotes = text.isEmpty || text.contains { $0 == UInt8(ascii: ",") || $0 == UInt8(ascii: "\"") || $0 == 0x0A || $0 == 0x0D }
        guard needsQuotes else {
            buffer.writeBytes(text)
            return
        }
        buffer.writeString("\"")
        for byte in text {
            if byte == UInt8(ascii: "\"") { buffer.writeString("\"") }
            buffer.writeInteger(byte)
        }
        buffer.writeString("\"")
    }
}
