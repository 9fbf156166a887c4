import Foundation
import Postgres
import TestSupport

/// One event of a stream.
struct LiveEvent {
    var name: String
    var id: String?
    var object: [String: Any]
}

/// A client of server-sent events that keeps the rows by their keys, and comes back where it was cut off.
final class LiveClient {
    /// A server that was started anew has another one.
    var address: String
    let path: String
    private var client: HTTPClient?
    private var bytes = Data()
    private let receiveBuffer: Int32?
    /// As a browser has it: the last `id` that came.
    private(set) var lastID: String?
    /// The change that it is at; nil in the midst of a snapshot.
    var id: Int64? { lastID.flatMap { Int64($0) } }
    /// By key: the row's columns as one text.
    private(set) var rows: [String: String] = [:]
    private(set) var counts: [String: Int] = [:]
    private(set) var closed: [String] = []
    private(set) var published: [Int64] = []
    /// Why snapshots came.
    private(set) var resets: [String] = []
    private(set) var rowsOfChanges = 0
    /// The stream came to its end, and was not broken off.
    private(set) var endedInOrder = false
    private let columns: [String]
    private let headers: [String: String]
    /// nginx takes out what is for it.
    private let isProxied: Bool

    init(
        _ address: String, _ path: String, columns: [String], receiveBuffer: Int32? = nil, headers: [String: String] = [:],
        isProxied: Bool = false
    )
        throws
    {
        self.headers = headers
        self.isProxied = isProxied
        self.address = address
        self.path = path
        self.columns = columns
        self.receiveBuffer = receiveBuffer
        try connect()
    }

    func connect() throws {
        bytes = Data()
        let client = try HTTPClient(address, receiveBuffer: receiveBuffer)
        self.client = client
        try client.send("GET", path, headers.merging(lastID.map { ["Last-Event-ID": $0] } ?? [:]) { $1 })
        let head = try client.head()
        guard head.status == 200, head.headers["content-type"]?.hasPrefix("text/event-stream") == true,
            isProxied || head.headers["x-accel-buffering"] == "no", head.headers["cache-control"] == "no-store"
        else { throw HTTPClientError("no stream: \(head)") }
    }

    /// Without a word, at whatever point it is.
    func hangUp() { client = nil }

    /// Nil at the end of the stream.
    func next() throws -> LiveEvent? {
        while true {
            if let end = bytes.firstRange(of: Data("\n\n".utf8)) {
                let text = String(decoding: bytes[bytes.startIndex..<end.lowerBound], as: UTF8.self)
                bytes = Data(bytes[end.upperBound...])
                guard let event = try Self.event(text) else { continue }
                try take(event)
                return event
            }
            let chunk = try client?.chunk()
            guard let chunk, !chunk.isEmpty else {
                endedInOrder = chunk != nil
                return nil
            }
            bytes.append(chunk)
        }
    }

    private static func event(_ text: String) throws -> LiveEvent? {
        var (name, id, data): (String?, String?, String?)
        for line in text.split(separator: "\n") {
            guard let colon = line.firstIndex(of: ":") else { throw HTTPClientError("no field: \(line)") }
            let value = line[line.index(after: colon)...].drop { $0 == " " }
            switch line[..<colon] {
            case "event": name = String(value)
            case "id": id = String(value)
            case "data": data = String(value)
            default: break
            }
        }
        guard let data else { return nil }
        guard let name, let object = try JSONSerialization.jsonObject(with: Data(data.utf8)) as? [String: Any] else {
            throw HTTPClientError("an event without a name: \(text)")
        }
        return LiveEvent(name: name, id: id, object: object)
    }

    private func take(_ event: LiveEvent) throws {
        counts[event.name, default: 0] += 1
        if let id = event.id { lastID = id }
        switch event.name {
        case "snapshot": Self.apply(event.object["rows"], to: &rows, columns)
        case "change":
            Self.apply(event.object["changes"], to: &rows, columns)
            rowsOfChanges += (event.object["changes"] as? [Any])?.count ?? 0
        case "reset":
            rows = [:]
            resets.append(event.object["reason"] as? String ?? "")
        case "window_closed": closed += event.object["windows"] as? [String] ?? []
        case "published": published.append(event.object["published"] as? Int64 ?? 0)
        case "progress": break
        default: throw HTTPClientError("an event \(event.name): \(event.object)")
        }
    }

    static func apply(_ list: Any?, to rows: inout [String: String], _ columns: [String]) {
        for change in list as? [[String: Any]] ?? [] {
            guard let key = change["key"] as? String, let row = change["row"] as? [String: Any] else { continue }
            rows[key] = change["operation"] as? String == "delete" ? nil : shown(row, columns)
        }
    }

    static func shown(_ row: [String: Any], _ columns: [String]) -> String {
        columns.map { row[$0] is NSNull ? "null" : "\(row[$0] ?? "missing")" }.joined(separator: "|")
    }

    /// Reads until it has a change. Comes back where the stream ends.
    func read(to number: Int64) throws {
        while (id ?? .min) < number { if try next() == nil { try connect() } }
    }
}

/// The same by long-polls.
final class PollClient {
    var address: String
    let path: String
    private(set) var since: Int64?
    private(set) var rows: [String: String] = [:]
    private(set) var resets = 0
    private let columns: [String]
    private let limit: Int

    init(_ address: String, _ path: String, columns: [String], limit: Int) {
        (self.address, self.path, self.columns, self.limit) = (address, path, columns, limit)
    }

    func read(to number: Int64) throws {
        while (since ?? .min) < number {
            let query = since.map { "?since=\($0)&live=true&wait=2s&limit=\(limit)" } ?? ""
            let answer = try HTTPClient.get(address, path + query)
            if answer.status == 410, answer.code == "changes_not_kept" {
                since = nil
                resets += 1
                continue
            }
            guard answer.status == 200, let next = answer.object["next"] as? Int64 else {
                throw HTTPClientError("\(answer.status): \(answer.text)")
            }
            if answer.object["reset"] as? Bool == true { rows = [:] }
            LiveClient.apply(answer.object["changes"], to: &rows, columns)
            since = next
        }
    }
}
