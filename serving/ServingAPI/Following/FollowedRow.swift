import NIOCore
import ParallaxCore

/// A row of `serving.<view>_changes`. Clients share it, and nobody changes it.
final class FollowedRow: Sendable {
    enum Operation: String, Sendable { case upsert, delete, snapshot }

    let key: String
    /// Of a row of a snapshot: the snapshot's own.
    let change: Int64
    let operation: Operation
    /// PostgreSQL's text of the view's columns.
    let values: [String?]
    /// `{"change":…,"operation":…,"key":…,"row":{…}}`, with all columns.
    let json: String

    init(key: String, change: Int64, operation: Operation, values: [String?], _ columns: RowColumns) {
        self.key = key
        self.change = change
        self.operation = operation
        self.values = values
        json = Self.json(key, change, operation, values, columns, only: nil)
    }

    /// - Parameter chosen: the numbers of the columns to show; nil: all.
    func json(_ columns: RowColumns, only chosen: [Int]?, as operation: Operation) -> String {
        if chosen == nil, operation == self.operation { return json }
        return Self.json(key, change, operation, values, columns, only: chosen)
    }

    private static func json(
        _ key: String, _ change: Int64, _ operation: Operation, _ values: [String?], _ columns: RowColumns, only chosen: [Int]?
    ) -> String {
        "{\"change\":\(change),\"operation\":\"\(operation.rawValue)\",\"key\":\(jsonQuoted(key)),\"row\":\(columns.object(values, only: chosen))}"
    }
}

/// A view's columns, as members of an object.
struct RowColumns: Sendable, Hashable {
    private let columns: [EncodedColumn]
    /// `"name":`.
    private let leads: [String]

    init(_ columns: [EncodedColumn]) {
        self.columns = columns
        leads = columns.map { jsonQuoted($0.name) + ":" }
    }

    var count: Int { columns.count }
    var kinds: [ValueKind] { columns.map(\.kind) }

    /// A time as JSON has it, without its quotes.
    func text(_ value: String, _ column: Int) -> String {
        var buffer = ByteBuffer()
        var value = value
        value.withUTF8 { JSONValueWriter.writeTime(UnsafeRawBufferPointer($0), columns[column].kind, to: &buffer) }
        return String(buffer: buffer)
    }

    /// What JSON has no number for is null, and said beside: `"@not_finite": {"mean": "NaN"}`.
    ///
    /// One line: a raw line break may only stand between the parts of a `json` value, and a blank means the same there.
    func object(_ values: [String?], only chosen: [Int]? = nil) -> String {
        let writer = JSONValueWriter(exactNumbersAsText: false)
        var buffer = ByteBuffer()
        var lost: [(String, JSONText)] = []
        for (place, column) in (chosen ?? Array(columns.indices)).enumerated() {
            buffer.writeString(place == 0 ? "{" : ",")
            buffer.writeString(leads[column])
            guard var value = values[column] else {
                buffer.writeString("null")
                continue
            }
            let isWritten = value.withUTF8 { writer.write(UnsafeRawBufferPointer($0), columns[column].kind, to: &buffer) }
            if !isWritten { lost.append((columns[column].name, .string(value))) }
        }
        if !lost.isEmpty { buffer.writeString(",\"@not_finite\":\(JSONText.object(lost).text(indentation: nil))") }
        buffer.writeString("}")
        let bytes = buffer.readableBytesView.map { $0 == 0x0A || $0 == 0x0D ? 0x20 : $0 }
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// How far a view is, in the words of the events.
struct Standing: Sendable, Hashable {
    var run: Int64
    /// Microseconds since 1970.
    var watermark: Int64?
    var freshnessSeconds: Double?

    func members(change: Int64) -> [(String, JSONText)] {
        [
            ("change", .int(change)), ("run", .int(run)), ("watermark", .optional(watermark.map { Instant(rawValue: $0).text })),
            ("freshness_seconds", .optional(freshnessSeconds)),
        ]
    }
}

/// What one look at a view found: whatever changed above `from`, up to `to`.
///
///     view(to) = view(from), where each key of `rows` is put in or taken away as its row says
struct ViewUpdate: Sendable {
    var from: Int64
    var to: Int64
    /// In the order of their changes; each key once, as it is now.
    var rows: [FollowedRow] = []
    var columns: RowColumns
    var standing: Standing
    /// Any row may be another: what changed cannot be told.
    var isReset = false
    /// There are changes above `to` already.
    var hasMore = false
    /// Windows of rows that are closed, with the latest moment at which they may have ended. The feed says which of them are news.
    var closed: [ClosedWindow] = []
    /// Another run is published than before.
    var published: Int64?
    /// What the API answers beside rows.
    var frontier: JSONText = .null
}

struct ClosedWindow: Sendable, Hashable {
    /// Of the view's window column, as JSON has it.
    var start: String
    /// Microseconds since 1970.
    var latestEnd: Int64
}
