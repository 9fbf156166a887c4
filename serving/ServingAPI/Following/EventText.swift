import NIOCore
import ParallaxCore

/// Server-sent events, as text/event-stream has them. Data is one line: JSON without line breaks.
///
/// Whatever is written at once is whole events: nobody gets half a character, or half a row that looks whole.
enum EventText {
    /// The size at which a long list of rows becomes the next event. A client that is slow shows that it lives by each of them.
    static let partBytes = 64 << 10
    /// The id of events before the last of a snapshot: a client that comes back with it has nothing to go on from.
    static let snapshotID = "snapshot"

    static let beat = ByteBuffer(string: ":\n\n")

    static func write(_ name: LiveFigures.Event, id: String?, _ data: String..., to buffer: inout ByteBuffer) {
        buffer.writeString("event: \(name.rawValue)\n")
        if let id { buffer.writeString("id: \(id)\n") }
        buffer.writeString("data: ")
        for part in data { buffer.writeString(part) }
        buffer.writeString("\n\n")
    }

    static func event(_ name: LiveFigures.Event, id: String?, _ members: [(String, JSONText)]) -> ByteBuffer {
        var buffer = ByteBuffer()
        write(name, id: id, JSONText.object(members).text(indentation: nil), to: &buffer)
        return buffer
    }
}

/// What a client's queue held, as events. The last one has the id: a client that gets only a part asks for all of it again.
struct BatchEvents {
    private let batch: ClientQueue.Batch
    private let filter: LiveFilter
    private(set) var counts: [LiveFigures.Event: Int] = [:]
    private(set) var rows = 0

    init(_ batch: ClientQueue.Batch, _ filter: LiveFilter) {
        self.batch = batch
        self.filter = filter
    }

    /// Hands the events on, part by part.
    mutating func write(_ emit: (ByteBuffer) async throws -> Void) async throws {
        guard let to = batch.to, let standing = batch.standing else {
            if batch.isBeat {
                counts[.beat] = 1
                try await emit(EventText.beat)
            }
            return
        }
        let hasMarks = !batch.closed.isEmpty || batch.published != nil
        var parts = RowParts(.change, list: "changes", change: to)
        if let columns = batch.columns {
            for row in batch.rows {
                guard let operation = filter.operation(of: row) else { continue }
                rows += 1
                if let part = parts.append(row.json(columns, only: filter.chosen, as: operation)) { try await emit(part) }
            }
        }
        if rows > 0 {
            try await emit(parts.end(id: hasMarks ? nil : to))
            counts[.change] = parts.count
        }
        if !batch.closed.isEmpty {
            counts[.windowClosed] = 1
            try await emit(
                EventText.event(
                    .windowClosed, id: batch.published == nil ? "\(to)" : nil,
                    [("windows", .array(batch.closed.map { .string($0.start) }))] + standing.members(change: to)))
        }
        if let run = batch.published {
            counts[.published] = 1
            try await emit(EventText.event(.published, id: "\(to)", [("published", .int(run))] + standing.members(change: to)))
        }
        if rows == 0, !hasMarks {
            counts[.progress] = 1
            try await emit(EventText.event(.progress, id: "\(to)", standing.members(change: to)))
        }
    }
}

/// A long list of rows, event by event; the last of them says so.
struct RowParts {
    private let name: LiveFigures.Event
    private let lead: String
    private var text = ""
    /// Events that it became.
    private(set) var count = 0

    init(_ name: LiveFigures.Event, list: String, change: Int64) {
        self.name = name
        lead = "{\"change\":\(change),\"\(list)\":["
    }

    /// The event of the rows before, where they are enough for one.
    mutating func append(_ row: String) -> ByteBuffer? {
        var part: ByteBuffer?
        if text.utf8.count >= EventText.partBytes {
            part = event(id: nil, "],\"last\":false}")
            text = ""
        }
        if !text.isEmpty { text += "," }
        text += row
        return part
    }

    mutating func end(_ members: [(String, JSONText)] = [], id: Int64?) -> ByteBuffer {
        let more = members.map { ",\(jsonQuoted($0.0)):\($0.1.text(indentation: nil))" }.joined()
        defer { text = "" }
        return event(id: id.map { "\($0)" }, "],\"last\":true\(more)}")
    }

    private mutating func event(id: String?, _ end: String) -> ByteBuffer {
        count += 1
        var buffer = ByteBuffer()
        buffer.reserveCapacity(lead.utf8.count + text.utf8.count + end.utf8.count + 64)
        EventText.write(name, id: id, lead, text, end, to: &buffer)
        return buffer
    }
}
