import Catalog
import HTTPTypes
import Hummingbird
import ParallaxCore
import Postgres

/// How wrong answers were: what was kept of them, against what runs have found since.
struct AnswerRoutes: Sendable {
    let snapshots: Snapshots
    let views: ServedViews
    /// As a role that sees all rows: the API's own may not read what is kept.
    let connect: ConnectionPool.Connect
    /// Each comparison is a connection and some work for PostgreSQL.
    private let turnstile = Turnstile(places: 1)

    init(snapshots: Snapshots, views: ServedViews, connect: @escaping ConnectionPool.Connect) {
        self.snapshots = snapshots
        self.views = views
        self.connect = connect
    }

    var routes: [Route] { [errors] }

    private static let outputSchema: Schema = .object([
        ("output", .string), ("values", .integer), ("exact_share", .number), ("mean_error", .nullable(.number)), ("p50_error", .any),
        ("p99_error", .any), ("unbounded", .integer),
    ])
    private static let ageSchema: Schema = .object([
        ("age", .choice(AnswersComparison.Age.allCases.map(\.name))), ("answers", .integer), ("rows", .integer),
        ("missing", .nullable(.integer)),
        ("surplus", .integer), ("outputs", .array(outputSchema)),
    ])
    private static let schema: Schema = .object([
        ("view", .string), ("version", .string), ("run", .integer), ("answers", .integer), ("first_served_at", .nullable(.dateTime)),
        ("last_served_at", .nullable(.dateTime)), ("other_versions", .integer), ("waiting_rows", .integer), ("ages", .array(ageSchema)),
    ])
    static let schemas: [(name: String, schema: Schema)] = [("AnswerErrors", schema)]

    private var errors: Route {
        Route(
            method: .get, path: "/v1/views/{view}/answer-errors", operation: "getAnswerErrors",
            summary: "How wrong answers of `/rows` were, by how old their windows were then",
            words: """
                The object of `parallax compare --answers --format json`: answers that were kept (`serve.audit_sample`), against the rows of the published run, once their windows are final. \
                `open`: the window had not ended when the answer was given. An error is |answered − true| / |true|; without bounds (`unbounded`, "inf" in percentiles) where the true number \
                is 0.
                """, scope: .read, parameters: [ViewRoutes.viewParameter],
            answers: [.init(status: 200, words: "The error curve.", content: [("application/json", .reference("AnswerErrors"))])]
        ) { request in
            // Whether there is such a view that is served, in the words of its other routes.
            let view = try await snapshots.read(request) { catalog in try views.view(of: request, catalog, until: request.deadline) }
            guard view.version != nil else {
                throw Problem(
                    .badRequest, "invalid_request", "\"\(view.name)\" is a view on top: its answers are not kept",
                    hint: "ask the views that it reads: " + view.reads.joined(separator: ", "))
            }
            let (connect, milliseconds) = (connect, snapshots.limits.requestTime.microseconds / 1_000)
            let found = try await request.whileConnected {
                try await turnstile.pass {
                    try await onOwnThread(name: "answer errors") {
                        let connection = try connect()
                        defer { connection.close() }
                        try connection.execute("SET statement_timeout = \(milliseconds); SET jit = off")
                        return try AnswersComparison(connection, view: view.name)
                    }
                }
            }
            return .json(found.json)
        }
    }
}
