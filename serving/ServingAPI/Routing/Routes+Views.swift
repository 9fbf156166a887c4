import Catalog
import HTTPTypes
import Hummingbird
import NIOCore
import ParallaxCore
import ServingViews

/// The views: which there are, what each is, and its rows.
struct ViewRoutes: Sendable {
    let snapshots: Snapshots
    let views: ServedViews
    let rows: RowsEndpoint
    let explain: ExplainEndpoint

    static let viewParameter = Route.Parameter(name: "view", place: .path, words: "A view's name, as in serving.<view>.")

    var routes: [Route] { [list, one, rowsOfOne, comparisonOfOne, explanationOfRow] }

    static let columnSchema: Schema = .object([
        ("name", .string), ("type", .string), ("role", .choice(["window", "group", "measure", "flag", "expression"])),
        ("exactness", .choice(["exact", "approximate", "as_read"])), ("bound", .nullable(.any)),
    ])
    static let viewSchema: Schema = .object(
        [
            ("view", .string), ("kind", .choice(["materialized", "on_top"])), ("definition", .string), ("version", .nullable(.string)),
            ("reads", .array(.string)), ("columns", .array(.reference("Column"))), ("key", .nullable(.array(.string))),
            ("time_column", .nullable(.string)), ("frontier", .reference("Frontier")), ("last_run", .nullable(.any)),
        ])
    static let rowsSchema: Schema = .object([
        ("frontier", .reference("Frontier")), ("rows", .array(.map(.any))), ("next", .nullable(.string)),
    ])
    static let schemas: [(name: String, schema: Schema)] = [
        ("Frontier", AnswerFrontier.schema), ("Column", columnSchema), ("View", viewSchema), ("Rows", rowsSchema),
        ("Comparison", comparisonSchema),
        ("Explanation", ExplainEndpoint.schema),
    ]

    private var list: Route {
        Route(
            method: .get, path: "/v1/views", operation: "listViews", summary: "The views that are served",
            words: "Merged views, and the views on top of them, that the caller may read.", scope: .read,
            answers: [
                .init(
                    status: 200, words: "The views, by name.",
                    content: [("application/json", .object([("views", .array(.reference("View")))]))])
            ]
        ) { request in
            let found = try await snapshots.read(request) { catalog in
                let shown = try views.all(catalog, until: request.deadline).filter { request.grant.mayRead($0.name) }
                let sources = try Sources(of: shown, catalog, until: request.deadline)
                return shown.map { json($0, sources) }
            }
            return .json(.object([("views", .array(found))]))
        }
    }

    private var one: Route {
        Route(
            method: .get, path: "/v1/views/{view}", operation: "getView",
            summary: "One view: its definition, columns, freshness and last run",
            scope: .read, parameters: [Self.viewParameter],
            answers: [.init(status: 200, words: "The view.", content: [("application/json", .reference("View"))])]
        ) { request in
            let found = try await snapshots.read(request) { catalog in
                let view = try views.view(of: request, catalog, until: request.deadline)
                return json(view, try Sources(of: [view], catalog, until: request.deadline))
            }
            return .json(found)
        }
    }

    private var rowsOfOne: Route {
        Route(
            method: .get, path: "/v1/views/{view}/rows", operation: "getRows", summary: "Rows of a view, with what they contain",
            words: """
                JSON comes in pages; the other formats come whole where no `limit` is given, with the frontier in the header `Parallax-Frontier` (CSV, NDJSON) or \
                in the file's metadata (Parquet). Rows and frontier are of one instant; with `after`, of one that holds what was written. \
                `bucket`, `groups`, `top` and `compare` ask for a roll-up: rows of longer windows or of fewer groups, made of the view's states.
                """, scope: .read,
            parameters: [Self.viewParameter] + RowsQuery.parameters + RollUpQuery.parameters + [
                .init(name: "cursor", words: "`next` of the page before. Pages stay within one publication."),
                .init(
                    name: "max_staleness",
                    words: "How old the answer may be, as in 5s. Where it may be older, the answer is 503 with the frontier, not old rows."),
            ] + AwaitedWrites.parameters + [
                .init(name: "format", schema: .choice(RowFormat.allCases.map(\.rawValue)), words: "Instead of an Accept header."),
                .init(
                    name: "numbers", schema: .choice(["number", "text"]),
                    words:
                        "text: whole numbers beyond 2^53 and all numerics as strings, so that programs whose numbers are doubles keep them exact."
                ),
            ],
            answers: [
                .init(
                    status: 200, words: "Rows.",
                    content: [
                        ("application/json", .reference("Rows")), ("application/x-ndjson", .string), ("text/csv", .string),
                        ("application/vnd.apache.parquet", .binary),
                    ]),
                .init(status: 304, words: "Nothing has changed since the answer with this ETag.", content: []),
                .init(
                    status: 422,
                    words:
                        "A roll-up whose sketches are gone (`no_sketches`), an answer beyond a limit (`too_large`), or a range beyond one (`range_too_long`).",
                    content: [("application/problem+json", .reference("Problem"))]),
            ]
        ) { request in try await rows.answer(request) }
    }

    static let comparedRows: Int64 = 10_000

    private var comparisonOfOne: Route {
        Route(
            method: .get, path: "/v1/views/{view}/comparison", operation: "compareLayers",
            summary: "How far the live rows were from the exact ones at a run, why, and in which rows",
            words: """
                Over exactly the same records. The rows of all causes add up to the rows that differ; `groups` are the group values with the largest part of the \
                difference, `windows` the windows that differ, the newest first. The object of `parallax compare --format json`.
                """, scope: .read,
            parameters: [
                Self.viewParameter,
                .init(
                    name: "run", schema: .whole(1...Int64.max),
                    words: "A run's number; without it, the newest that compared live rows of the view."),
                .init(name: "from", words: "Only rows of windows that begin at or after it, as PostgreSQL reads a timestamptz."),
                .init(name: "to", words: "Only rows of windows that begin before it."),
                .init(name: "equal", schema: .boolean, words: "true: also rows in which the layers agree."),
                .init(
                    name: "limit", schema: .whole(0...Self.comparedRows),
                    words: "Rows at most, those that differ most first: 100 without it, \(Self.comparedRows) at most."),
            ],
            answers: [
                .init(
                    status: 200, words: "The comparison.",
                    content: [("application/json", .reference("Comparison"))])
            ]
        ) { request in
            let limit = try request.integer("limit", in: 0...Self.comparedRows) ?? 100
            let run = try request.integer("run", in: 1...Int64.max)
            let withEqual = try request.flag("equal")
            let (from, to) = (request.value("from"), request.value("to"))
            let found = try await snapshots.read(request) { catalog in
                let view = try views.view(of: request, catalog, until: request.deadline)
                guard view.version != nil else {
                    throw Problem(
                        .badRequest, "no_layers", "View \"\(view.name)\" stands on other views: it has no layers of its own",
                        hint: "it reads \(view.reads.joined(separator: ", "))")
                }
                let comparison = try LayerComparison(
                    reading: catalog.connection,
                    .init(
                        view: view.name, run: run.map { RunNumber($0) }, from: from, to: to, limit: Int(limit), withEqual: withEqual))
                return comparison.json(limit: comparison.maxDrift)
            }
            return .json(found)
        }
    }

    static let comparisonSchema: Schema = .object([
        ("view", .string), ("version", .string), ("source", .string), ("run", .integer),
        ("state", .choice(RunState.allCases.map(\.rawValue))),
        ("is_compared", .boolean), ("max_drift", .nullable(.any)), ("within_max_drift", .boolean), ("outputs", .array(.map(.any))),
        (
            "causes",
            .array(
                .object([
                    ("cause", .choice(DriftCause.Kind.allCases.map(\.rawValue))), ("rows", .integer), ("records", .nullable(.integer)),
                ]))
        ),
        (
            "groups",
            .array(
                .object([
                    ("output", .string), ("column", .string), ("value", .nullable(.string)), ("rows", .integer),
                    ("difference", .nullable(.any)),
                    ("share", .nullable(.any)),
                ]))
        ), ("windows", .array(.map(.any))), ("rows_compared", .integer), ("rows_kept", .integer), ("rows_different", .integer),
        ("rows", .array(.map(.any))),
    ])

    private var explanationOfRow: Route {
        Route(
            method: .get, path: "/v1/views/{view}/rows/explain", operation: "explainRow",
            summary: "What one row is made of: layers, run, cut, slices, drift, and the raw events behind it",
            words: """
                The row is named by values of its window and group columns. Events come in (partition, offset) order, each with its fate: `batch` and `live` make the \
                row; `copy`, `late`, `waiting` and `refused` were left out; of `live_or_late` the log does not say which. `totals` counts all of them, on each page. \
                `complete` is false where the search stopped at a limit. Payloads are told under the scope payloads alone.
                """, scope: .read, parameters: [Self.viewParameter] + ExplainEndpoint.parameters,
            answers: [
                .init(status: 200, words: "The row and a page of its events.", content: [("application/json", .reference("Explanation"))]),
                .init(
                    status: 501,
                    words: "The archive or the log is not on this machine (`events_not_here`); what is known of the row is in `explained`.",
                    content: [("application/problem+json", .reference("Problem"))]),
            ]
        ) { request in try await explain.answer(request) }
    }

    /// What views say of their sources, asked once a source whatever the number of views.
    private struct Sources {
        private var frontiers: [SourceID: SourceFrontier] = [:]
        private var runs: [SourceID: RunStatus] = [:]

        init(of views: [ServedView], _ catalog: Catalog, until deadline: ContinuousClock.Instant) throws {
            for source in try catalog.frontiers(ofSources: Set(views.flatMap(\.sources)).sorted(), until: deadline) {
                frontiers[source.id] = source
                if source.run != .none { runs[source.id] = try catalog.runs(number: source.run, limit: 1).first }
            }
        }

        func frontiers(of view: ServedView) -> [SourceFrontier] { view.sources.compactMap { frontiers[$0] }.sorted { $0.name < $1.name } }
        func lastRun(of view: ServedView) -> RunStatus? { view.version.flatMap { runs[$0.sourceID] } }
    }

    private func json(_ view: ServedView, _ sources: Sources) -> JSONText {
        let frontier = AnswerFrontier(sources: sources.frontiers(of: view), approximate: view.approximate, asOfRun: nil)
        let lastRun: JSONText =
            if let last = sources.lastRun(of: view) {
                .object([
                    ("run", .int(last.number.rawValue)), ("full", .bool(last.isFull)), ("started_at", .string(last.startedAt.text)),
                    ("finished_at", .optional(last.finishedAt?.text)),
                ])
            } else {
                .null
            }
        let key: JSONText = if let key = view.key { .array(key.map { .string($0) }) } else { .null }
        let members: [(String, JSONText)] = [
            ("view", .string(view.name)), ("kind", .string(view.version == nil ? "on_top" : "materialized")),
            ("definition", .string(view.definition)), ("version", .optional(view.version?.hash)),
            ("reads", .array(view.reads.map { .string($0) })), ("columns", .array(view.columns.map { Self.json($0, of: view) })),
            ("key", key),
            ("time_column", .optional(view.timeColumn)), ("frontier", frontier.json), ("last_run", lastRun),
        ]
        return .object(members)
    }

    private static func json(_ column: ServedView.Column, of view: ServedView) -> JSONText {
        let exactness = view.version == nil ? "as_read" : column.bound == nil ? "exact" : "approximate"
        return .object([
            ("name", .string(column.name)), ("type", .string(column.type)), ("role", .string(column.role.rawValue)),
            ("exactness", .string(exactness)), ("bound", column.bound?.json ?? .null),
        ])
    }
}

extension Response {
    static func json(_ value: JSONText, status: HTTPResponse.Status = .ok) -> Response {
        Response(
            status: status, headers: [.contentType: "application/json", .cacheControl: "no-store"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: value.text(indentation: nil) + "\n")))
    }
}
