import Catalog
import Explanation
import HTTPTypes
import Hummingbird
import NIOCore
import ParallaxCore
import ServingViews
import Synchronization

/// Reads the events behind a row, where the archive and the log are. Blocks until it has them, the time is over, or nobody waits any more.
public typealias EventsBehindRow =
    @Sendable (_ question: EventQuestion, _ deadline: ContinuousClock.Instant, _ goesOn: @escaping @Sendable () -> Bool) throws ->
    ExplainedEvents

/// `GET /v1/views/{view}/rows/explain`: what a row consists of, from one snapshot, and then the raw events behind it.
///
/// The row is asked for on the pool's connections: what the caller may not see is not there. The events are read on a thread of their own, a few questions at
/// a time: each may read files for seconds.
struct ExplainEndpoint: Sendable {
    let snapshots: Snapshots
    let views: ServedViews
    /// Nil: this server cannot read events.
    let events: EventsBehindRow?
    let gate: ExplanationGate

    static let defaultLimit = 50
    static let maxLimit: Int64 = 1_000
    /// Of the time that a request has, the part for its events; the rest is for what is under way when it is over, and for the answer.
    private static let shareForEvents = 0.7

    static let parameters: [Route.Parameter] = [
        .init(
            name: "{column}",
            words: "The row's value of a window or group column, as PostgreSQL reads it. As many as it takes to name one row."),
        .init(name: "filter.{column}", words: "The same, for columns whose names are those of other parameters."),
        .init(name: "null", isRepeated: true, words: "A column that is null in the row."),
        .init(name: "limit", schema: .whole(1...maxLimit), words: "Events of a page: \(defaultLimit) without it, \(maxLimit) at most."),
        .init(
            name: "cursor",
            words:
                "`next` of the page before, with the same parameters. Pages stay within one publication and within what the first looked at."
        ),
    ]

    func answer(_ request: APIRequest) async throws -> Response {
        let limit = try request.integer("limit", in: 1...Self.maxLimit) ?? Int64(Self.defaultLimit)
        var cursor: EventCursor?
        if let text = request.value("cursor") {
            guard let found = EventCursor(text) else {
                throw Problem(
                    .badRequest, "invalid_cursor", "the cursor is not one of ours",
                    hint: "ask for the first page without a cursor, and for the others with the cursor of the page before")
            }
            cursor = found
        }
        // Held until the events are there, or nobody reads them any more.
        let place = try gate.enter(request.grant)
        defer { place.leave() }
        let (row, question) = try await snapshots.read(request) { [cursor] catalog in
            let row = try find(request, catalog)
            return (row, try row.question(limit: Int(limit), after: cursor))
        }
        let head = row.members(value: Self.value)
        let found: ExplainedEvents
        do { found = try await read(question, request) } catch let error as ParallaxError { throw Self.problem(error, head) }
        let withPayloads = request.grant.allows(.payloads) && request.grant.mayKnow(row.frontier.name)
        let next = row.cursor(behind: found, of: question)?.text
        return .json(.object(head + found.members(withPayloads: withPayloads, next: next)))
    }

    private func find(_ request: APIRequest, _ catalog: Catalog) throws -> ExplainedRow {
        let view = try views.view(of: request, catalog, until: request.deadline)
        guard let version = view.version else { throw RowLookup.onTop(view.name, reads: view.reads) }
        var conditions: [RowCondition] = []
        func add(_ name: String, _ value: String?) throws(Problem) {
            guard let column = view.column(name) else { throw Problem.noColumn(name, view) }
            guard !conditions.contains(where: { $0.column == name }) else {
                throw Problem(.badRequest, "invalid_request", "the column \"\(name)\" is named twice")
            }
            conditions.append(RowCondition(name, column.role == .window ? value.map(RowsQuery.time) : value))
        }
        for (name, value) in request.query where !["limit", "cursor"].contains(name) {
            if name == "null" {
                try add(value, nil)
            } else if name.hasPrefix("filter.") {
                try add(String(name.dropFirst("filter.".count)), value)
            } else {
                try add(name, value)
            }
        }
        return try RowLookup.find(version, conditions, catalog, until: request.deadline)
    }

    private func read(_ question: EventQuestion, _ request: APIRequest) async throws -> ExplainedEvents {
        guard let events else { throw ParallaxError(.missing, "this server reads no events") }
        let left = request.answerBy - .now
        let deadline = ContinuousClock.now + left * Self.shareForEvents
        let wanted = Wanted()
        return try await request.whileConnected {
            try await withTaskCancellationHandler {
                try await onOwnThread(name: "explain") { try events(question, deadline) { wanted.isWanted } }
            } onCancel: {
                wanted.stop()
            }
        }
    }

    /// Until the client hangs up.
    private final class Wanted: Sendable {
        private let state = Mutex(true)
        var isWanted: Bool { state.withLock { $0 } }
        func stop() { state.withLock { $0 = false } }
    }

    /// What is known of the row is told also where its events cannot be.
    private static func problem(_ error: ParallaxError, _ head: [(String, JSONText)]) -> Problem {
        var problem =
            error.code == .missing
            ? Problem(
                .notImplemented, "events_not_here", error.message, detail: error.detail,
                hint: error.hint ?? "ask a server that runs where the archive and the log are")
            : Problem(error)
        problem.members = [("explained", .object(head))]
        return problem
    }

    private static func value(_ type: UInt32, _ text: String?) -> JSONText {
        guard var text else { return .null }
        var buffer = ByteBuffer()
        text.withUTF8 { bytes in
            _ = JSONValueWriter(exactNumbersAsText: false).write(UnsafeRawBufferPointer(bytes), ValueKind(typeID: type), to: &buffer)
        }
        return .number(String(buffer: buffer))
    }

    static let schema: Schema = .object([
        ("view", .string), ("version", .string), ("definition", .string), ("row", .map(.any)), ("batch_rows", .array(.map(.any))),
        ("live_rows", .array(.map(.any))), ("source", .string), ("run", .integer), ("slice", .integer),
        ("published_at", .nullable(.dateTime)), ("cut", .map(.nullable(.integer))),
        (
            "slices",
            .array(
                .object([
                    ("slice", .integer), ("partition", .integer), ("from", .integer), ("until", .integer), ("unread_until", .integer),
                    ("in_row", .boolean),
                ]))
        ), ("late_waiting", .integer), ("waiting_records", .integer),
        (
            "gaps",
            .array(
                .object([
                    ("partition", .integer), ("from", .integer), ("until", .integer), ("events_from", .nullable(.dateTime)),
                    ("events_until", .nullable(.dateTime)),
                ]))
        ),
        (
            "drift",
            .array(
                .object([
                    ("column", .string), ("groups", .integer), ("differing", .integer), ("only_merged", .integer), ("only_batch", .integer),
                    ("max_difference", .nullable(.number)), ("share", .nullable(.number)),
                ]))
        ),
        ("compared_row", .nullable(.map(.any))),
        (
            "totals",
            .object(
                ["batch", "live", "copies", "late", "live_or_late", "waiting", "refused"].map { ($0, Schema.integer) })
        ), ("live_share", .nullable(.number)), ("complete", .boolean),
        ("stopped", .nullable(.choice(["records", "time", "cancelled"]))),
        ("stopped_at", .nullable(.object([("partition", .integer), ("offset", .integer)]))), ("changed_tables", .array(.string)),
        (
            "read",
            .object(
                ["records", "log_records", "segments", "segments_passed_over", "row_groups", "row_groups_passed_over"].map {
                    ($0, Schema.integer)
                })
        ),
        (
            "events",
            .array(
                .object(
                    [
                        ("partition", .integer), ("offset", .integer), ("appended_at", .dateTime), ("event_time", .dateTime),
                        ("fate", .choice(ExplainedEvent.Fate.allCases.map(\.rawValue))), ("counted", .nullable(.boolean)),
                        ("message", .nullable(.string)), ("payload", .nullable(.string)),
                    ], optional: ["message", "payload"]))
        ), ("next", .nullable(.string)),
    ])
}

/// How many read events at a time: one a token, and a few in all. They hold memory for the identities of what they read.
final class ExplanationGate: Sendable {
    private struct State {
        var inside = 0
        var tokens: Set<Int64> = []
    }

    private let places: Int
    private let state = Mutex(State())

    init(places: Int) { self.places = places }

    struct Place: Sendable {
        fileprivate let gate: ExplanationGate
        fileprivate let token: Int64?

        func leave() {
            gate.state.withLock { state in
                state.inside -= 1
                if let token { state.tokens.remove(token) }
            }
        }
    }

    /// Throws 503 where others are inside.
    func enter(_ grant: Grant) throws(Problem) -> Place {
        let isIn = state.withLock { state in
            if let token = grant.token, state.tokens.contains(token) { return false }
            guard state.inside < places else { return false }
            state.inside += 1
            if let token = grant.token { state.tokens.insert(token) }
            return true
        }
        guard isIn else {
            throw Problem(
                .serviceUnavailable, "busy", "others ask for the events behind rows",
                detail: "One question a token at a time, \(places) in all.",
                hint: "try again in a moment", retryAfterSeconds: 1)
        }
        return Place(gate: self, token: grant.token)
    }
}
