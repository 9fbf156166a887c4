import Hummingbird
import Ingestion

/// Events into sources.
struct WritingRoutes: Sendable {
    let events: EventsEndpoint
    let limits: APILimits

    var routes: [Route] { [append] }

    private static let reasonSchema: Schema = .object([("count", .integer), ("lines", .array(.integer)), ("message", .string)])
    private static let problemSchema: Schema = .object([
        ("code", .string), ("message", .string), ("detail", .nullable(.string)), ("hint", .nullable(.string)),
    ])
    static let schemas: [(name: String, schema: Schema)] = [
        (
            "Appended",
            .object([
                ("source", .string), ("records", .integer), ("accepted", .integer), ("malformed", .integer),
                ("reasons", .map(reasonSchema)),
                ("token", .nullable(.string)), ("problem", .nullable(problemSchema)),
            ])
        )
    ]

    private var append: Route {
        Route(
            method: .post, path: "/v1/sources/{source}/events", operation: "appendEvents", summary: "Append events to a source's log",
            words: """
                The answer comes when all of them are durable. As with `parallax ingest`, each line or element is a record, whatever is in it: what is no event is in the log, too, is counted \
                as malformed here with its reason and the first \(LogAppends.linesPerReason) numbers of lines (of an array: of elements, from 1 on), and will be rejected by the layers. `token` is for `after` of rows and for \
                `parallax wait`; `problem` says why nobody reads the source now, and is null where somebody does. An error means that nothing was appended, but for 503 and 507, \
                after which a part may be there: send the same body again, copies of an event count once.
                """, scope: .ingest,
            parameters: [
                .init(name: "source", place: .path, words: "A source's name."),
                .init(name: "Content-Encoding", place: .header, schema: .choice(["gzip", "zstd"]), words: "Where the body is compressed."),
            ],
            body: .init(
                words: "Events: one a line, or an array of them, or one.",
                content: [("application/x-ndjson", .string), ("application/json", .any)]),
            answers: [
                .init(status: 200, words: "All of it is durable.", content: [("application/json", .reference("Appended"))])
            ], bodyBytes: limits.eventBytes
        ) { request in try await events.answer(request) }
    }
}
