import Catalog
import HTTPTypes
import Hummingbird
import NIOCore
import ParallaxCore
import Postgres
import ServiceLifecycle
import ServingViews

/// `GET /v1/views/{view}/live`: the rows, and then what changes, as server-sent events.
///
///     connects ──► joins the feed ──► what it has missed, or all rows ──► batches, for as long as it reads
///                                       ▲                                    │ reset
///                                       └────────────────────────────────────┘
///
/// It joins before it reads: what comes between is in its queue. An answer that has begun can end only: whatever goes wrong closes the stream, and the client
/// comes back with the number that it has.
///
/// A snapshot begins with `reset`, under an id that says so: whoever was cut off in the midst of one begins anew, and keeps no row of it.
struct LiveEndpoint: Sendable {
    let snapshots: Snapshots
    let live: LiveViews
    let reader: ChangesReader
    let turnstile: Turnstile
    private var limits: APILimits { snapshots.limits }

    /// After which a client comes back.
    static let retryMilliseconds = 2_000
    /// Between two tries of what may come off the next time.
    private static let pause = Duration.milliseconds(200)

    /// What a stream begins with, known before its first row.
    private struct Beginning: Sendable {
        var number: Int64
        var filter: LiveFilter
    }

    func answer(_ request: APIRequest) async throws -> Response {
        let since = try Self.since(request)
        // What can be said with a status is said before the answer begins.
        let checked = try await request.untilItEnds {
            try await patiently(until: request.answerBy) { try await filter(request, since: since) }
        }
        let headers: HTTPFields = [
            .contentType: "text/event-stream; charset=utf-8", .cacheControl: "no-store", .accelBuffering: "no",
        ]
        if request.request.method == .head { return Response(status: .ok, headers: headers) }
        return Response(
            status: .ok, headers: headers,
            body: ResponseBody { writer in
                let output = Writer(writer)
                do {
                    try await request.untilItEnds { try await follow(request, since: since, checked, output) }
                } catch is CancellationError {
                    // A client that takes nothing would not take the end either, and hold up the shutdown.
                    guard request.channel.isWritable else {
                        request.channel.close(promise: nil)
                        throw CancellationError()
                    }
                }
                try await output.finish()
            })
    }

    /// Nil: from the beginning.
    private static func since(_ request: APIRequest) throws(Problem) -> Int64? {
        let since = try request.integer("since", in: 0...Int64.max)
        guard let text = request.header(.lastEventID), !text.isEmpty else { return since }
        // The newer of the two: a browser sends it when it comes back to the same address.
        if text == EventText.snapshotID { return nil }
        guard let number = Int64(text), number >= 0 else {
            throw Problem(
                .badRequest, "invalid_value", "\"\(text.prefix(100))\" is no value for \"Last-Event-ID\"",
                hint: "the id of an event")
        }
        return number
    }

    /// A browser takes any answer but 200 for the end, and does not come back: what may come off in a moment is tried again.
    private func patiently<R: Sendable>(until answerBy: ContinuousClock.Instant, _ body: @Sendable () async throws -> R) async throws -> R {
        while true {
            do {
                return try await turnstile.pass(body)
            } catch let error as ParallaxError where error.isRetriable && ContinuousClock.now + Self.pause < answerBy {
                try await Task.sleep(for: Self.pause)
            }
        }
    }

    /// Hummingbird's writer. `@unchecked`: one task uses it at a time, `follow`'s, and `answer`'s after that has ended.
    private final class Writer: @unchecked Sendable {
        private var writer: any ResponseBodyWriter
        init(_ writer: any ResponseBodyWriter) { self.writer = writer }
        func finish() async throws { try await writer.finish(nil) }
        func write(_ buffer: ByteBuffer) async throws { if buffer.readableBytes > 0 { try await writer.write(buffer) } }
    }

    private func follow(_ request: APIRequest, since: Int64?, _ checked: LiveFilter, _ writer: Writer) async throws {
        try await writer.write(ByteBuffer(string: "retry: \(Self.retryMilliseconds)\n\n"))
        let (view, id) = live.join(request.pathValue("view"))
        defer { live.leave(view, id) }
        do {
            try await view.ready(id)
            var filter: LiveFilter
            if let since, view.resume(id, since: since) {
                filter = checked
                live.figures.count(.feed)
            } else {
                filter = try await begin(request, since: since, view, id, writer)
            }
            while true {
                let batch = try await view.next(id)
                if let end = Self.end(batch, filter, request) { return live.figures.count(end) }
                if batch.isReset {
                    filter = try await begin(request, since: nil, isReset: true, view, id, writer)
                } else {
                    var events = BatchEvents(batch, filter)
                    try await events.write(writer.write)
                    live.figures.count(events.counts, rows: events.rows)
                }
            }
        } catch let problem as Problem {
            // Another version of the view may lack a column that was asked for.
            live.figures.count([.problem: 1])
            live.figures.count(.viewChanged)
            try await writer.write(
                EventText.event(.problem, id: nil, [("code", .string(problem.code)), ("title", .string(problem.title))]))
        } catch let error as ParallaxError {
            // The task may have been cancelled in the midst of a statement.
            try Task.checkCancellation()
            live.figures.count(.failed)
            request.logger.info("a stream ended", metadata: ["request": "\(request.id)", "error": "\(error.message)"])
        }
    }

    private static func end(_ batch: ClientQueue.Batch, _ filter: LiveFilter, _ request: APIRequest) -> LiveFigures.End? {
        if request.slot?.isEnded == true { return .tokenEnded }
        if batch.isGone { return .viewGone }
        if batch.isLetGo { return .queueFull }
        // Another version came between: the feed says so to whoever comes back.
        if !batch.isReset, let columns = batch.columns, columns != filter.columns { return .viewChanged }
        return nil
    }

    private func filter(_ request: APIRequest, since: Int64?) async throws -> LiveFilter {
        let answerBy = ContinuousClock.now + limits.requestTime
        return try await snapshots.read(answerBy: answerBy) { catalog in
            let deadline = APIRequest.deadline(answerBy)
            let (place, _, filter) = try prepare(request, catalog, until: deadline)
            if since == nil { try limits.checkRange(ofFollowed: place.view, request, catalog.connection, until: deadline) }
            return filter
        }
    }

    private func prepare(_ request: APIRequest, _ catalog: Catalog, until deadline: ContinuousClock.Instant) throws -> (
        place: ChangesReader.Place, query: RowsQuery, filter: LiveFilter
    ) {
        let place = try reader.place(of: request, catalog, until: deadline)
        let query = try RowsQuery(request, place.view, defaultLimit: nil, maxLimit: 1, maxFilterValues: limits.filterValues)
        let filter = try LiveFilter(
            query, place.view, isAllColumns: request.value("columns") == nil, catalog.connection, until: deadline)
        return (place, query, filter)
    }

    // MARK: the rows to begin with

    /// Writes what has changed since, or all rows; from then on the queue has what comes after.
    private func begin(_ request: APIRequest, since: Int64?, isReset: Bool = false, _ view: LiveView, _ id: Int, _ writer: Writer)
        async throws
        -> LiveFilter
    {
        let channel = ChunkChannel<Beginning>(capacity: max(2, limits.bytesInFlight / EventText.partBytes), patience: limits.writeTime)
        // It leaves the turnstile when PostgreSQL has answered, however slowly the client takes it.
        let producer = Task {
            do {
                try await turnstile.pass {
                    let answerBy = ContinuousClock.now + limits.requestTime
                    try await snapshots.read(answerBy: answerBy) { catalog in
                        try produce(request, since: since, isReset: isReset, catalog, until: APIRequest.deadline(answerBy), channel)
                    }
                }
                channel.finish(.success(()))
            } catch {
                channel.finish(.failure(error))
            }
        }
        return try await withTaskCancellationHandler {
            do {
                let beginning = try await channel.head()
                while let chunk = try await channel.next() { try await writer.write(chunk) }
                view.begin(id, above: beginning.number)
                return beginning.filter
            } catch {
                channel.cancel()
                producer.cancel()
                throw error
            }
        } onCancel: {
            channel.cancel()
            producer.cancel()
        }
    }

    private func produce(
        _ request: APIRequest, since: Int64?, isReset: Bool, _ catalog: Catalog, until deadline: ContinuousClock.Instant,
        _ channel: ChunkChannel<Beginning>
    ) throws {
        try channel.beginOnce()
        let (place, query, filter) = try prepare(request, catalog, until: deadline)
        let number = place.followed.change
        channel.send(head: Beginning(number: number, filter: filter))
        if let since, let missed = try missed(place, since: since, catalog, until: deadline) {
            var parts = RowParts(.change, list: "changes", change: number)
            var rows = 0
            for row in missed {
                guard let operation = filter.operation(of: row) else { continue }
                rows += 1
                if let part = parts.append(row.json(place.columns, only: filter.chosen, as: operation)) { try channel.send(part) }
            }
            if rows > 0 {
                try channel.send(parts.end(id: number))
            } else {
                try channel.send(EventText.event(.progress, id: "\(number)", place.standing.members(change: number)))
            }
            live.figures.count(.changes)
            return live.figures.count(rows > 0 ? [.change: parts.count] : [.progress: 1], rows: rows)
        }
        try limits.checkRange(ofFollowed: place.view, request, catalog.connection, until: deadline)
        // Whoever was told rows before is told that they mean nothing any more.
        let reason = since != nil || isReset ? "changes_not_kept" : "begin"
        try channel.send(
            EventText.event(
                .reset, id: EventText.snapshotID,
                [("change", .int(number)), ("reason", .string(reason)), ("since", .optional(since))]))
        var parts = RowParts(.snapshot, list: "rows", change: number)
        var rows = 0
        try reader.snapshot(place, query, catalog.connection) { row throws(ParallaxError) in
            rows += 1
            if let part = parts.append(row.json) { try channel.send(part) }
        }
        try channel.send(parts.end([("frontier", place.frontier.json)], id: number))
        live.figures.count(.snapshot)
        live.figures.count([.reset: 1, .snapshot: parts.count], rows: rows)
    }

    private func missed(_ place: ChangesReader.Place, since: Int64, _ catalog: Catalog, until deadline: ContinuousClock.Instant) throws
        -> [FollowedRow]?
    {
        guard place.keeps(since) else { return nil }
        return try reader.changes(
            place, since: since, limit: .max, maxRows: limits.feed.rowsWaiting, catalog.connection, until: deadline)?.rows
    }
}

extension APIRequest {
    /// Until the client hangs up, or the server shuts down: then the task is cancelled at once.
    func untilItEnds<R: Sendable>(_ body: @escaping @Sendable () async throws -> R) async throws -> R {
        try await cancelWhenGracefulShutdown { try await self.whileConnected(body) }
    }
}

extension HTTPField.Name {
    static let lastEventID = HTTPField.Name("Last-Event-ID")!
    static let accelBuffering = HTTPField.Name("X-Accel-Buffering")!
}
