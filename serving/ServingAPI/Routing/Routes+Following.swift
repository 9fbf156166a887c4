import ParallaxCore

/// What changes in a view, as it changes.
struct FollowingRoutes: Sendable {
    let changes: ChangesEndpoint
    let live: LiveEndpoint

    var routes: [Route] { [changesOfOne, liveOfOne] }

    static let changeSchema: Schema = .object([
        ("change", .integer), ("operation", .choice(["upsert", "delete", "snapshot"])), ("key", .string), ("row", .map(.any)),
    ])
    static let changesSchema: Schema = .object(
        [
            ("frontier", .reference("Frontier")), ("changes", .array(.reference("Change"))), ("next", .integer), ("turn", .integer),
            ("reset", .boolean),
        ], optional: ["turn"])
    static let schemas: [(name: String, schema: Schema)] = [("Change", changeSchema), ("Changes", changesSchema)]

    private var changesOfOne: Route {
        Route(
            method: .get, path: "/v1/views/{view}/changes", operation: "getChanges", summary: "What has changed since a number",
            words: """
                Each row comes as it is now, under its `key`: `upsert` puts it in, `delete` takes it away. `next` (in NDJSON the header `Parallax-Next`) is the number \
                to go on from. Without `since` the answer has all rows (`snapshot`, and `reset` is true): what was there before means nothing then. With `live` and \
                nothing new it waits. All who ask from one number ask one address, and where no token is needed the answer may be kept for a moment: a cache in front \
                makes one request of many. `Link` has the next address.
                """, scope: .read,
            parameters: [
                ViewRoutes.viewParameter,
                .init(name: "since", schema: .whole(0...Int64.max), words: "`next` of the answer before."),
                .init(name: "live", schema: .boolean, words: "Wait until something has changed."),
                .init(
                    name: "turn", schema: .whole(0...(Int64.max - 1)),
                    words:
                        "0, and then `turn` of the answer before: how often nothing has come from this number. A cache may keep answers without changes then, too."
                ),
                .init(name: "wait", words: "How long at most, as in 10s; 25s without it, and no longer. The answer has no changes then."),
                .init(
                    name: "limit", schema: .whole(1...Int64(APILimits().rowsAtOnce)),
                    words:
                        "Rows of one answer, about: it ends with the change that reaches it, and `next` goes on behind that. 1000 without it."
                ),
                .init(
                    name: "format", schema: .choice(ChangesEndpoint.Format.allCases.map(\.rawValue)), words: "Instead of an Accept header."),
            ],
            answers: [
                .init(
                    status: 200, words: "The changes.",
                    content: [("application/json", .reference("Changes")), ("application/x-ndjson", .string)]),
                .init(status: 304, words: "The same as the answer with this ETag.", content: []),
                .init(
                    status: 410,
                    words:
                        "`changes_not_kept`: what has changed since then cannot be told (another version of the view, or too long ago). Ask without `since`.",
                    content: [("application/problem+json", .reference("Problem"))]),
                .init(
                    status: 422,
                    words: "`range_too_long`: all rows are more than the server answers at a time. Begin with `/live` and `from`.",
                    content: [("application/problem+json", .reference("Problem"))]),
            ]
        ) { request in try await changes.answer(request) }
    }

    private var liveOfOne: Route {
        let taken: Set = ["columns", "from", "to", "filter.{column}", "null"]
        var route = Route(
            method: .get, path: "/v1/views/{view}/live", operation: "getLive",
            summary: "The rows, and then what changes, as server-sent events",
            words: """
                `reset` (forget all rows: a snapshot follows; `reason` is `begin` or `changes_not_kept`), `snapshot` (`rows`, in parts: the one with `last` ends it, and has \
                the frontier), then `change` after each flush or publication that changed rows (`changes`, as in /changes, in parts, too), `progress` where nothing changed \
                (`watermark`, `freshness_seconds`, `run`, `change`), `window_closed` (`windows`) and `published` (`published` is the run). The `id` is the number of the \
                change; a client that comes back with it in `Last-Event-ID` gets what it has missed. A client that is slower than the view gets each row's latest state, \
                and one that stops reading is let go. A comment comes where nothing changes (`serve.heartbeat`). A `problem` \
                ends the stream: the columns or filters do not fit the view any more.
                """, scope: .read,
            parameters: [ViewRoutes.viewParameter] + RowsQuery.parameters.filter { taken.contains($0.name) } + [
                .init(
                    name: "since", schema: .whole(0...Int64.max),
                    words: "Begin behind this change, without a snapshot where that is possible."),
                .init(name: "Last-Event-ID", place: .header, words: "The same, as browsers say it. It goes before `since`."),
            ],
            answers: [
                .init(status: 200, words: "Events.", content: [("text/event-stream", .string)]),
                .init(
                    status: 422, words: "`range_too_long`: the rows to begin with are more than the server answers at a time.",
                    content: [("application/problem+json", .reference("Problem"))]),
                .init(
                    status: 429, words: "`too_many_streams`: of the token.", content: [("application/problem+json", .reference("Problem"))]),
                .init(
                    status: 503, words: "`too_many_streams`: in all, or of one address.",
                    content: [("application/problem+json", .reference("Problem"))]),
            ]
        ) { request in try await live.answer(request) }
        route.isStream = true
        return route
    }
}
