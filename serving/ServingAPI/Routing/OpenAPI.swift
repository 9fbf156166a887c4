import ParallaxCore

/// The OpenAPI 3.1 text of the routes that are served: what is not in the table is not answered, and what is answered is in it.
struct OpenAPI {
    let routes: [Route]
    let version: String

    /// Answers that any route may give.
    static let problem: Schema = .object(
        [
            ("type", .string), ("title", .string), ("status", .integer), ("code", .string), ("detail", .nullable(.string)),
            ("hint", .nullable(.string)), ("request_id", .string), ("sqlstate", .string),
        ], optional: ["sqlstate"])

    func json(schemas: [(name: String, schema: Schema)]) -> JSONText {
        var paths: [(String, [(String, JSONText)])] = []
        for route in routes {
            let method = route.method.rawValue.lowercased()
            if let index = paths.firstIndex(where: { $0.0 == route.path }) {
                paths[index].1.append((method, operation(route)))
            } else {
                paths.append((route.path, [(method, operation(route))]))
            }
        }
        return .object([
            ("openapi", .string("3.1.0")),
            (
                "info",
                .object([
                    ("title", .string("Parallax")), ("version", .string(version)),
                    ("description", .string("Views that are live and exact, over HTTP. Each answer says what it contains: its frontier.")),
                ])
            ),
            ("servers", .array([.object([("url", .string("/"))])])),
            ("paths", .object(paths.map { ($0.0, .object($0.1)) })),
            (
                "components",
                .object([
                    ("schemas", .object((schemas + [("Problem", Self.problem)]).map { ($0.0, $0.1.json) })),
                    (
                        "securitySchemes",
                        .object([("token", .object([("type", .string("http")), ("scheme", .string("bearer"))]))])
                    ),
                ])
            ),
        ])
    }

    private func operation(_ route: Route) -> JSONText {
        var members: [(String, JSONText)] = [
            ("operationId", .string(route.operation)), ("summary", .string(route.summary)),
        ]
        if !route.words.isEmpty { members.append(("description", .string(route.words))) }
        // A bearer token where the server asks for them; on the loopback none is needed.
        members.append(("security", route.scope == .open ? .array([]) : .array([.object([]), .object([("token", .array([]))])])))
        let listed = route.parameters.filter { !$0.isPrefix }
        if !listed.isEmpty { members.append(("parameters", .array(listed.map(parameter)))) }
        let prefixed = route.parameters.filter(\.isPrefix)
        if !prefixed.isEmpty {
            members.append(("x-parallax-parameters", .array(prefixed.map(parameter))))
        }
        if let body = route.body {
            members.append(
                (
                    "requestBody",
                    .object([
                        ("description", .string(body.words)), ("required", .bool(body.isRequired)), ("content", content(body.content)),
                    ])
                ))
        }
        var answers: [(String, JSONText)] = route.answers.map { answer in
            let described: [(String, JSONText)] = [("description", .string(answer.words))]
            return ("\(answer.status)", .object(answer.content.isEmpty ? described : described + [("content", content(answer.content))]))
        }
        answers.append(
            (
                "default",
                .object([
                    ("description", .string("An error, with a code that stays the same and what to do.")),
                    ("content", content([("application/problem+json", .reference("Problem"))])),
                ])
            ))
        members.append(("responses", .object(answers)))
        return .object(members)
    }

    private func content(_ types: [(type: String, schema: Schema)]) -> JSONText {
        // OpenAPI 3.1 has no words for the events of a stream: a schema would be taken for one of each event.
        .object(types.map { ($0.type, .object($0.type == "text/event-stream" ? [] : [("schema", $0.schema.json)])) })
    }

    private func parameter(_ parameter: Route.Parameter) -> JSONText {
        .object([
            ("name", .string(parameter.name)), ("in", .string(parameter.place.rawValue)),
            ("required", .bool(parameter.place == .path)), ("description", .string(parameter.words)),
            ("schema", (parameter.isRepeated ? Schema.array(parameter.schema) : parameter.schema).json),
        ])
    }
}
