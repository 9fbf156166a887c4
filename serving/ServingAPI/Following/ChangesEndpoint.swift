import Catalog
import HTTPTypes
import Hummingbird
import NIOCore
import ParallaxCore
import Postgres
import ServingViews

/// `GET /v1/views/{view}/changes`: what has changed since a number, with the number to go on from. With `live` it waits until there is something.
///
/// All who ask from one number ask one address: a cache in front of us makes one request of any number of them.
///
///     an answer            what a cache may do with it     why
///     with rows            keep it for a moment            it stays true, and leads on
///     without, further on  keep it for a moment            whoever gets it asks another address next
///     without, with turn   keep it for a moment            the next turn is another address
///     without              nothing                         whoever waits would ask the cache in circles
///     of a token           nothing                         others may not see it
struct ChangesEndpoint: Sendable {
    let snapshots: Snapshots
    let live: LiveViews
    let reader: ChangesReader
    let streams: StreamSlots
    let turnstile: Turnstile
    var limits: APILimits { snapshots.limits }

    static let defaultLimit = 1_000
    static let longestWait = Duration.seconds(25)

    enum Format: String, CaseIterable { case json, ndjson }

    struct Found: Sendable {
        var rows: [FollowedRow]
        var next: Int64
        var frontier: JSONText
    }

    private struct Head: Sendable {
        var number: Int64
        var frontier: JSONText
    }

    func answer(_ request: APIRequest) async throws -> Response {
        let format = try format(request)
        let limit = Int(try request.integer("limit", in: 1...Int64(limits.rowsAtOnce)) ?? Int64(Self.defaultLimit))
        let wait = min(try request.duration("wait") ?? Self.longestWait, Self.longestWait)
        let isLive = try request.flag("live")
        let turn = try request.integer("turn", in: 0...Int64.max - 1)
        guard let since = try request.integer("since", in: 0...Int64.max) else {
            guard !isLive, request.value("limit") == nil, turn == nil else {
                throw Problem(
                    .badRequest, "invalid_request", "without since the answer is the whole view: there is nothing to wait for and no limit",
                    hint: "ask without live and limit, and go on with since=<next of the answer>")
            }
            return try await snapshot(request, format)
        }
        guard isLive, request.request.method != .head else {
            let found = try await request.untilItEnds { try await read(request, since: since, limit: limit) }
            return response(found, since: since, turn, format, request)
        }
        let slot = try streams.take(for: request.grant, request.address)
        defer { withExtendedLifetime(slot) {} }
        let found = try await request.untilItEnds { try await waiting(request, since: since, limit: limit, wait: wait) }
        return response(found, since: since, turn, format, request)
    }

    private func format(_ request: APIRequest) throws(Problem) -> Format {
        if let format: Format = try request.choice("format") { return format }
        switch RowFormat.accepted(request.header(.accept)) {
        case .json: return .json
        case .ndjson: return .ndjson
        case .csv, .parquet, nil:
            throw Problem(
                .notAcceptable, "not_acceptable", "none of the formats that the request accepts is one of ours",
                hint: "ask for application/json or application/x-ndjson")
        }
    }

    // MARK: changes

    /// Straight from the database.
    private func read(_ request: APIRequest, since: Int64, limit: Int) async throws -> Found {
        let answerBy = ContinuousClock.now + limits.requestTime
        let deadline = APIRequest.deadline(answerBy)
        return try await snapshots.read(answerBy: answerBy) { catalog in
            let place = try reader.place(of: request, catalog, until: deadline)
            guard place.keeps(since),
                let found = try reader.changes(
                    place, since: since, limit: limit, maxRows: limits.feed.rowsWaiting, catalog.connection, until: deadline)
            else { throw Problem.changesNotKept(since, place) }
            return Found(rows: found.rows, next: found.to, frontier: place.frontier.json)
        }
    }

    /// From the feed, where it has them: no query.
    private func waiting(_ request: APIRequest, since: Int64, limit: Int, wait: Duration) async throws -> Found {
        let (view, id) = live.join(request.pathValue("view"))
        defer { live.leave(view, id) }
        return try await withThrowingTaskGroup(of: Found?.self) { group in
            group.addTask { try await news(request, view, id, since: since, limit: limit) }
            group.addTask {
                try await Task.sleep(for: wait)
                return nil
            }
            defer { group.cancelAll() }
            if let first = try await group.next(), let found = first { return found }
            // Nothing came.
            if let (number, frontier) = view.nothingNew(since: since) { return Found(rows: [], next: number, frontier: frontier) }
            return try await turnstile.pass { try await read(request, since: since, limit: limit) }
        }
    }

    private func news(_ request: APIRequest, _ view: LiveView, _ id: Int, since: Int64, limit: Int) async throws -> Found {
        try await view.ready(id)
        while true {
            if let updates = view.updates(since: since) {
                if let found = Self.merged(updates, since: since, limit: limit) {
                    live.figures.count(.feed)
                    return found
                }
            } else {
                let found = try await turnstile.pass { try await read(request, since: since, limit: limit) }
                if !found.rows.isEmpty {
                    live.figures.count(.changes)
                    return found
                }
            }
            _ = try await view.next(id)
        }
    }

    /// Each key once; nil where no row has changed.
    static func merged(_ updates: [ViewUpdate], since: Int64, limit: Int) -> Found? {
        guard let newest = updates.last else { return nil }
        var latest: [String: FollowedRow] = [:]
        for update in updates { for row in update.rows { latest[row.key] = row } }
        // The first of them may begin before: who asks has that.
        let rows = latest.values.filter { $0.change > since }.sorted { ($0.change, $0.key) < ($1.change, $1.key) }
        guard !rows.isEmpty else { return nil }
        guard rows.count > limit else { return Found(rows: rows, next: newest.to, frontier: newest.frontier) }
        // A change is answered whole.
        let last = rows[limit - 1].change
        let part = rows.prefix { $0.change <= last }
        return Found(rows: Array(part), next: part.count == rows.count ? newest.to : last, frontier: newest.frontier)
    }

    private func response(_ found: Found, since: Int64, _ turn: Int64?, _ format: Format, _ request: APIRequest) -> Response {
        let leadsOn = !found.rows.isEmpty || found.next != since
        let nextTurn = turn.map { leadsOn ? 0 : $0 + 1 }
        var headers = headers(next: found.next, turn: nextTurn, found.frontier, format, request)
        let tag = [request.pathValue("view"), "\(since)", "\(found.next)", "\(nextTurn ?? -1)", format.rawValue] + found.rows.map(\.json)
        let etag = "W/\"\(StableHash.text(of: tag))\""
        headers[.eTag] = etag
        if request.isAnybodys, leadsOn || turn != nil {
            headers[.cacheControl] = "public, max-age=\(limits.changesCacheTime.components.seconds)"
        }
        if ETags.matches(request.header(.ifNoneMatch), etag) {
            return Response(status: .notModified, headers: headers)
        }
        var buffer = ByteBuffer()
        switch format {
        case .ndjson:
            for row in found.rows {
                buffer.writeString(row.json)
                buffer.writeString("\n")
            }
        case .json:
            buffer.writeString("{\"frontier\":\(found.frontier.text(indentation: nil)),\"changes\":[")
            for (index, row) in found.rows.enumerated() {
                buffer.writeString(index == 0 ? "\n" : ",\n")
                buffer.writeString(row.json)
            }
            let turn = nextTurn.map { ",\"turn\":\($0)" } ?? ""
            buffer.writeString("\n],\"next\":\(found.next)\(turn),\"reset\":false}\n")
        }
        return Response(status: .ok, headers: headers, body: ResponseBody(byteBuffer: buffer))
    }

    private func headers(next: Int64, turn: Int64?, _ frontier: JSONText, _ format: Format, _ request: APIRequest) -> HTTPFields {
        var headers: HTTPFields = [
            .contentType: format == .json ? "application/json" : "application/x-ndjson", .cacheControl: "no-store",
            .vary: "Accept, Authorization", .next: "\(next)",
        ]
        if format != .json { headers.set(frontier: frontier) }
        var parameters = request.query.filter { $0.name != "since" && $0.name != "turn" } + [(name: "since", value: "\(next)")]
        if let turn { parameters.append((name: "turn", value: "\(turn)")) }
        let query = parameters.map { "\(percentEncoded($0.name))=\(percentEncoded($0.value))" }.joined(separator: "&")
        headers[.link] = "<\(request.request.uri.path)?\(query)>; rel=\"next\""
        return headers
    }

    // MARK: all rows

    private func snapshot(_ request: APIRequest, _ format: Format) async throws -> Response {
        let channel = ChunkChannel<Head>(capacity: max(2, limits.bytesInFlight / RowsEndpoint.chunkBytes), patience: limits.writeTime)
        let isHead = request.request.method == .head
        let deadline = request.deadline
        let producer = Task {
            do {
                try await snapshots.read(request) { catalog in
                    try channel.beginOnce()
                    let place = try reader.place(of: request, catalog, until: deadline)
                    try limits.checkRange(ofFollowed: place.view, request, catalog.connection, until: deadline)
                    channel.send(head: Head(number: place.followed.change, frontier: place.frontier.json))
                    if !isHead { try produce(request, place, format, catalog, channel) }
                }
                channel.finish(.success(()))
            } catch {
                channel.finish(.failure(error))
            }
        }
        let head = try await channel.head(of: producer)
        let headers = headers(next: head.number, turn: nil, head.frontier, format, request)
        if isHead { return Response(status: .ok, headers: headers) }
        return Response(
            status: .ok, headers: headers,
            body: channel.body(of: producer))
    }

    private func produce(
        _ request: APIRequest, _ place: ChangesReader.Place, _ format: Format, _ catalog: Catalog, _ channel: ChunkChannel<Head>
    ) throws {
        let query = try RowsQuery(request, place.view, defaultLimit: nil, maxLimit: 1, maxFilterValues: limits.filterValues)
        var buffer = ByteBuffer()
        if format == .json { buffer.writeString("{\"frontier\":\(place.frontier.json.text(indentation: nil)),\"changes\":[") }
        var isFirst = true
        try reader.snapshot(place, query, catalog.connection) { row throws(ParallaxError) in
            switch format {
            case .ndjson:
                buffer.writeString(row.json)
                buffer.writeString("\n")
            case .json:
                buffer.writeString(isFirst ? "\n" : ",\n")
                buffer.writeString(row.json)
            }
            isFirst = false
            if buffer.readableBytes >= RowsEndpoint.chunkBytes {
                try channel.send(buffer)
                buffer = ByteBuffer()
            }
        }
        if format == .json { buffer.writeString("\n],\"next\":\(place.followed.change),\"reset\":true}\n") }
        if buffer.readableBytes > 0 { try channel.send(buffer) }
    }
}

extension APIRequest {
    /// Nobody had to say who they are: the answer is the same for all.
    var isAnybodys: Bool { header(.authorization) == nil && grant.token == nil }
}

extension HTTPField.Name {
    static let next = HTTPField.Name("Parallax-Next")!
}
