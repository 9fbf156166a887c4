import Catalog
import HTTPTypes
import Hummingbird
import NIOCore
import ParallaxCore
import Postgres
import ServingViews

/// `GET /v1/views/{view}/rows`: rows and what they contain, from one snapshot.
struct RowsEndpoint: Sendable {
    let snapshots: Snapshots
    let views: ServedViews
    let limits: APILimits
    let writes: WriteWatch
    /// Nil: no answer is kept.
    let audit: AnswerAudit?

    /// Rows of a page without a `limit`.
    static let defaultLimit = 1_000
    /// The frontier in a header, for formats that have no place for it. A longer one (many partitions) is left out.
    static let maxHeaderBytes = 6_000
    /// The size at which a streamed answer is handed on.
    static let chunkBytes = 64 << 10

    /// Everything that is known before the first row.
    struct Head: Sendable {
        var frontier: JSONText
        /// Nil for views on top: they may read a clock, or tables that change by themselves.
        var etag: String?
        var isUnchanged = false
    }

    struct Page: Sendable {
        var head: Head
        var body: ByteBuffer
        var next: String?
    }

    func answer(_ request: APIRequest) async throws -> Response {
        do { return try await anyAnswer(request) } catch let error as ParallaxError where RollUpQuery.isAsked(request) {
            throw RollUpQuery.problem(error)
        }
    }

    private func anyAnswer(_ request: APIRequest) async throws -> Response {
        let format: RowFormat? = try request.choice("format") ?? RowFormat.accepted(request.header(.accept))
        guard let format else {
            throw Problem(
                .notAcceptable, "not_acceptable", "none of the formats that the request accepts is one of ours",
                hint: "ask for " + RowFormat.allCases.map(\.mediaType).joined(separator: ", "))
        }
        guard let awaited = try AwaitedWrites(request, limits), request.value("cursor") == nil else {
            return try await answer(request, format)
        }
        let deadline = ContinuousClock.now + awaited.wait
        while true {
            // The rows' own snapshot has the word; and it asks first whether the token may be waited for at all.
            do { return try await answer(request.answering(by: .now + limits.requestTime), format) } catch let problem as Problem {
                guard problem.code == AwaitedWrites.notVisible, ContinuousClock.now < deadline else { throw problem }
            }
            try await request.whileConnected { try await writes.wait(for: awaited.tokens, until: deadline) }
        }
    }

    private func answer(_ request: APIRequest, _ format: RowFormat) async throws -> Response {
        // Without a limit, JSON comes in pages and the others whole.
        let streams = format != .json && request.value("limit") == nil && request.value("cursor") == nil
        if request.request.method == .head { return try await headOnly(request, format) }
        return streams ? try await stream(request, format) : try await page(request, format)
    }

    // MARK: one page

    private func page(_ request: APIRequest, _ format: RowFormat) async throws -> Response {
        let page = try await snapshots.read(request, keepingPlans: true) { catalog in
            let prepared = try prepare(request, format, catalog, defaultLimit: Self.defaultLimit, maxLimit: limits.rowsAtOnce)
            if prepared.head.isUnchanged { return Page(head: prepared.head, body: ByteBuffer(), next: nil) }
            return try fetch(prepared, catalog.connection, until: request.deadline)
        }
        if page.head.isUnchanged { return Response(status: .notModified, headers: headers(page.head, format, next: nil, request)) }
        return Response(
            status: .ok, headers: headers(page.head, format, next: page.next, request), body: ResponseBody(byteBuffer: page.body))
    }

    private func fetch(_ prepared: Prepared, _ connection: Connection, until deadline: ContinuousClock.Instant) throws(ParallaxError)
        -> Page
    {
        var encoder = try prepared.encoder()
        var sample = prepared.sample(audit)
        var buffer = ByteBuffer()
        try encoder.begin(to: &buffer)
        let keyPlaces = prepared.query.keyPlaces
        let limit = prepared.query.limit ?? .max
        var (rows, hasMore) = (0, false)
        var lastKey: [String?] = []
        try connection.visit(prepared.text, prepared.parameters, until: deadline) { _ throws(ParallaxError) in
        } row: { row throws(ParallaxError) in
            guard rows < limit else {
                hasMore = true
                return
            }
            try encoder.append(row, to: &buffer)
            sample?.add(row)
            rows += 1
            if rows == limit, prepared.query.isKeyed {
                lastKey = keyPlaces.map { row[$0].map { String(decoding: $0, as: UTF8.self) } }
            }
        }
        var next: String?
        if hasMore {
            next =
                PageCursor(
                    query: prepared.query.fingerprint, view: prepared.viewTag, runs: prepared.runs, key: lastKey,
                    offset: (prepared.cursor?.offset ?? 0) + Int64(rows)
                ).text
        }
        try encoder.end(next: next, to: &buffer)
        sample?.end(hasMore: hasMore)
        return Page(head: prepared.head, body: buffer, next: next)
    }

    // MARK: a stream

    private func stream(_ request: APIRequest, _ format: RowFormat) async throws -> Response {
        let channel = ChunkChannel<Head>(capacity: max(2, limits.bytesInFlight / Self.chunkBytes), patience: limits.writeTime)
        // Not a child of the request's task: the answer's head goes out before its body is written, and the body's closure ends this one in any case.
        let producer = Task {
            do {
                try await snapshots.read(request, keepingPlans: true) { catalog in try produce(request, format, catalog, channel) }
                channel.finish(.success(()))
            } catch {
                channel.finish(.failure(error))
            }
        }
        // For its first row PostgreSQL has the time of a page; for the others as much as the client takes.
        let clock = Task {
            try await Task.sleep(until: request.answerBy, clock: .continuous)
            if channel.giveUp(Problem(.gatewayTimeout, "statement_timeout", "PostgreSQL took too long for the first row")) {
                producer.cancel()
            }
        }
        defer { clock.cancel() }
        let head = try await channel.head(of: producer)
        if head.isUnchanged { return Response(status: .notModified, headers: headers(head, format, next: nil, request)) }
        return Response(
            status: .ok, headers: headers(head, format, next: nil, request),
            body: channel.body(of: producer))
    }

    private func produce(_ request: APIRequest, _ format: RowFormat, _ catalog: Catalog, _ channel: ChunkChannel<Head>) throws {
        try channel.beginOnce()
        let prepared = try prepare(request, format, catalog, defaultLimit: nil, maxLimit: limits.rowsAtOnce)
        if prepared.head.isUnchanged { return channel.send(head: prepared.head) }
        var encoder = try prepared.encoder()
        var sample = prepared.sample(audit)
        var buffer = ByteBuffer()
        try encoder.begin(to: &buffer)
        var rows = 0
        try catalog.connection.queryPrepared(Snapshots.limit, [.text("0")])
        try catalog.connection.visit(prepared.text, prepared.parameters, rows: .oneByOne) { _ throws(ParallaxError) in
            // PostgreSQL has begun to answer: what is wrong with the question it has said before.
            channel.send(head: prepared.head)
        } row: { row throws(ParallaxError) in
            guard rows < limits.rowsPerAnswer else {
                throw ParallaxError(
                    .limit, "the answer has more than \(limits.rowsPerAnswer) rows, and was broken off",
                    hint: "ask for a range, or for pages with a limit")
            }
            try encoder.append(row, to: &buffer)
            sample?.add(row)
            rows += 1
            if buffer.readableBytes >= Self.chunkBytes {
                try channel.send(buffer)
                buffer = ByteBuffer()
                buffer.reserveCapacity(Self.chunkBytes + Self.chunkBytes / 4)
            }
        }
        try encoder.end(next: nil, to: &buffer)
        if buffer.readableBytes > 0 { try channel.send(buffer) }
        sample?.end(hasMore: false)
    }

    private func headOnly(_ request: APIRequest, _ format: RowFormat) async throws -> Response {
        let head = try await snapshots.read(request, keepingPlans: true) { catalog in
            try prepare(request, format, catalog, defaultLimit: Self.defaultLimit, maxLimit: limits.rowsAtOnce).head
        }
        return Response(status: head.isUnchanged ? .notModified : .ok, headers: headers(head, format, next: nil, request))
    }

    // MARK: what both begin with

    private struct Prepared {
        var head: Head
        var view: ServedView
        var sources: [SourceFrontier]
        var query: RowsQuery
        var text: String
        var parameters: [Parameter]
        var cursor: PageCursor?
        var viewTag: String
        var runs: [String: Int64]
        var format: RowFormat
        var exactNumbersAsText: Bool

        func encoder() throws(ParallaxError) -> any RowEncoder {
            try RowEncoders.make(format, query.columns.map(\.encoded), frontier: head.frontier, exactNumbersAsText: exactNumbersAsText)
        }

        func sample(_ audit: AnswerAudit?) -> AnswerSampler? {
            AnswerSampler(audit, view, query, sources, isFirstPage: cursor == nil)
        }
    }

    private enum Numbers: String, CaseIterable { case number, text }

    private func prepare(
        _ request: APIRequest, _ format: RowFormat, _ catalog: Catalog, defaultLimit: Int?, maxLimit: Int
    ) throws -> Prepared {
        let view = try views.view(of: request, catalog, until: request.deadline)
        var query =
            if RollUpQuery.isAsked(request) {
                try RollUpQuery(request, view, maxFilterValues: limits.filterValues).rows(
                    request, catalog.connection, defaultLimit: defaultLimit, maxLimit: maxLimit, longest: limits.range)
            } else {
                try RowsQuery(request, view, defaultLimit: defaultLimit, maxLimit: maxLimit, maxFilterValues: limits.filterValues)
            }
        if let longest = limits.range, query.rollUp == nil, view.isBoundByRange {
            try RangeLimit(longest: longest).check(
                try AskedRange(request, catalog.connection, until: request.deadline), ofView: view.name,
                isLaterPage: request.value("cursor") != nil)
        }
        let sources = try catalog.frontiers(ofSources: view.sources, until: request.deadline)
        // Pages behind the first hold at least what that one did.
        if request.value("cursor") == nil, let awaited = try AwaitedWrites(request, limits) {
            try awaited.check(in: catalog, of: view.name, reading: sources.map(\.name), until: request.deadline)
        }
        let viewTag = "\(view.stamp.relation).\(view.stamp.rule).\(view.stamp.version?.rawValue ?? 0)"
        var cursor: PageCursor?
        if let text = request.value("cursor") {
            guard let found = PageCursor(text), found.query == query.fingerprint, found.key.count == (query.isKeyed ? query.order.count : 0)
            else {
                throw Problem(
                    .badRequest, "invalid_cursor", "the cursor is not one of this query",
                    hint:
                        "ask for the first page without a cursor, and for the others with the same parameters and the cursor of the page before"
                )
            }
            try continuing(found, &query, view, viewTag, sources)
            cursor = found
        }
        let publication = try publication(query, view, catalog)
        let frontier = AnswerFrontier(
            sources: sources, approximate: query.rollUp?.approximate ?? view.approximate, asOfRun: query.asOfRun)
        if let allowed = try request.duration("max_staleness") {
            guard let staleness = frontier.staleness, staleness <= allowed else {
                var problem = Problem(
                    .serviceUnavailable, "stale", "the rows may be \(frontier.staleness.map(\.rough) ?? "of any age") old",
                    detail: "The request allows \(allowed.rough).", hint: "parallax status says which layer is behind", retryAfterSeconds: 1
                )
                problem.members = [("frontier", frontier.json)]
                throw problem
            }
        }
        let relation =
            if let rollUp = query.rollUp {
                rollUp.relation
            } else if let version = view.version, query.layer != .merged || publication != nil {
                "(\(LayerRows.text(version, query.layer, asOf: publication)))"
            } else {
                "serving.\(Connection.quoteIdentifier(view.name))"
            }
        // A bucket is a parameter, and nobody knows what a view on top reads.
        if query.rollUp != nil || view.version == nil {
            try catalog.connection.queryPrepared(Snapshots.planningAnew, until: request.deadline)
        }
        let (text, parameters) = query.sql(from: relation, after: cursor)
        let numbers: Numbers = try request.choice("numbers") ?? .number
        let etag =
            view.version == nil
            ? nil : "W/\"\(StableHash.text(of: [viewTag, frontier.tag, format.rawValue, request.request.uri.string]))\""
        let isUnchanged = ETags.matches(request.header(.ifNoneMatch), etag)
        return Prepared(
            head: Head(frontier: frontier.json, etag: etag, isUnchanged: isUnchanged), view: view, sources: sources, query: query,
            text: text, parameters: parameters,
            cursor: cursor, viewTag: viewTag,
            runs: Dictionary(uniqueKeysWithValues: sources.map { ("\($0.id)", (query.asOfRun ?? $0.run).rawValue) }),
            format: format, exactNumbersAsText: numbers == .text)
    }

    /// A later page is of the same publication as the first: of a merged view also when another has come meanwhile.
    private func continuing(
        _ cursor: PageCursor, _ query: inout RowsQuery, _ view: ServedView, _ viewTag: String, _ sources: [SourceFrontier]
    ) throws(Problem) {
        let again = "ask for the first page again"
        guard cursor.view == viewTag else {
            throw Problem(
                .conflict, "publication_changed", "view \"\(view.name)\" has another definition since the first page", hint: again)
        }
        for source in sources where cursor.runs["\(source.id)"] != source.run.rawValue && query.asOfRun == nil {
            guard view.version != nil, query.rollUp == nil, let run = cursor.runs["\(source.id)"], run > 0 else {
                throw Problem(.conflict, "publication_changed", "another run was published since the first page", hint: again)
            }
            query.asOfRun = RunNumber(run)
        }
    }

    private func publication(_ query: RowsQuery, _ view: ServedView, _ catalog: Catalog) throws -> Published? {
        guard let run = query.asOfRun, let version = view.version else { return nil }
        guard let publication = try catalog.keptPublication(source: version.sourceID, run: run) else {
            throw Problem(
                .notFound, "run_not_kept", "the publication of run \(run) is not kept",
                hint: "/v1/runs says which are; batch.keep_publications how many")
        }
        if let first = version.firstRun, first > run {
            throw Problem(
                .notFound, "run_not_kept", "run \(run) was published before view \"\(view.name)\" had this definition",
                hint: "its first run is \(first)")
        }
        return publication
    }

    private func headers(_ head: Head, _ format: RowFormat, next: String?, _ request: APIRequest) -> HTTPFields {
        var headers = HTTPFields()
        headers[.contentType] = head.isUnchanged ? nil : format.mediaType
        headers[.eTag] = head.etag
        // Every answer is asked for again: it may have changed a flush later.
        headers[.cacheControl] = "private, no-cache"
        headers[.vary] = "Accept, Authorization"
        if format != .json { headers.set(frontier: head.frontier) }
        if let next {
            let parameters = request.query.filter { $0.name != "cursor" } + [("cursor", next)]
            let query = parameters.map { "\(percentEncoded($0.0, keeping: ":"))=\(percentEncoded($0.1, keeping: ":"))" }.joined(
                separator: "&")
            headers[.link] = "<\(request.request.uri.path)?\(query)>; rel=\"next\""
        }
        if format == .csv || format == .parquet {
            let ending = format == .csv ? "csv" : "parquet"
            headers[.contentDisposition] =
                "inline; filename=\"\(request.pathValue("view").filter { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }).\(ending)\""
        }
        return headers
    }
}

extension HTTPFields {
    /// For formats that have no place for it. A longer one (many partitions) is left out.
    mutating func set(frontier: JSONText) {
        let text = frontier.text(indentation: nil).asciiJSON
        if text.utf8.count <= RowsEndpoint.maxHeaderBytes { self[.frontier] = text }
    }
}

extension HTTPField.Name {
    static let frontier = HTTPField.Name("Parallax-Frontier")!
    static let link = HTTPField.Name("Link")!
}

extension String {
    /// JSON whose other characters are escaped: a header's value is ASCII.
    var asciiJSON: String {
        var output = ""
        for unit in utf16 {
            if unit < 0x80, let scalar = Unicode.Scalar(unit) {
                output.unicodeScalars.append(scalar)
            } else {
                let digits = String(unit, radix: 16)
                output += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            }
        }
        return output
    }
}

enum ETags {
    /// Weak comparison, as If-None-Match asks for.
    static func matches(_ header: String?, _ etag: String?) -> Bool {
        guard let header, let etag else { return false }
        func bare(_ text: Substring) -> Substring { text.hasPrefix("W/") ? text.dropFirst(2) : text }
        return header.split(separator: ",").contains { part in
            let tag = part.trimmed
            return tag == "*" || bare(tag) == bare(etag[...])
        }
    }
}
