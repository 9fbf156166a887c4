import HTTPTypes
import Hummingbird
import ParallaxCore

/// One operation of the API: what a request may say, what comes back, and who answers. The dispatcher, `/openapi.json` and docs/reference/api.md are all
/// made from the one list of these.
struct Route: Sendable {
    /// What a caller must be allowed to do.
    enum Scope: Sendable, Hashable {
        /// Anybody: it says nothing about data.
        case open
        /// Read the view that the path names, or some view.
        case read
        /// See how the pipeline works: its sources and runs. Under runs, or under read where it is not limited to some views.
        case observe
        /// Append to the source that the path names.
        case ingest
        /// Start, publish, discard and revert runs.
        case runs
        /// See payloads of rejected records.
        case payloads
        case admin
    }

    struct Parameter: Sendable {
        enum Place: String, Sendable { case path, query, header }
        var name: String
        var place: Place = .query
        /// May stand several times.
        var isRepeated = false
        /// A name such as `filter.{column}`: any parameter that begins so.
        var isPrefix: Bool { name.contains("{") && place == .query }
        var schema: Schema = .string
        var words: String
    }

    struct Answer: Sendable {
        var status: Int
        var words: String
        /// Media type and schema.
        var content: [(type: String, schema: Schema)]
    }

    struct Body: Sendable {
        var words: String
        var content: [(type: String, schema: Schema)]
        var isRequired = true
    }

    var method: HTTPRequest.Method
    /// With `{name}` for a part that varies.
    var path: String
    /// As programs that are generated from the OpenAPI text call it.
    var operation: String
    var summary: String
    var words: String = ""
    var scope: Scope
    var parameters: [Parameter] = []
    var body: Body?
    var answers: [Answer]
    /// Bytes of a request's body; nil: the limit of all.
    var bodyBytes: Int?
    /// The answer goes on for as long as the client wants: no request time applies.
    var isStream = false
    var handle: @Sendable (APIRequest) async throws -> Response

    /// How a path is taken apart, of a route and of a request.
    static func segments(_ path: String) -> [Substring] { path.split(separator: "/", omittingEmptySubsequences: true) }
}

/// Which route a request means.
struct RouteTable: Sendable {
    private let routes: [(route: Route, segments: [Substring])]

    init(routes: [Route]) { self.routes = routes.map { ($0, Route.segments($0.path)) } }

    enum Match {
        case found(Route, path: [String: String])
        /// The place is there, and takes other methods.
        case otherMethods([HTTPRequest.Method])
        case none
    }

    func match(_ method: HTTPRequest.Method, _ path: String) -> Match {
        let segments = Route.segments(path)
        // `/v1/views/` is not `/v1/views`, and no part is empty.
        guard path.hasPrefix("/"), !path.contains("//"), path == "/" || !path.hasSuffix("/") else { return .none }
        var methods: [HTTPRequest.Method] = []
        for (route, pattern) in routes {
            guard let values = Self.values(pattern, segments) else { continue }
            if route.method == method || (route.method == .get && method == .head) { return .found(route, path: values) }
            methods.append(route.method)
            if route.method == .get { methods.append(.head) }
        }
        return methods.isEmpty ? .none : .otherMethods(methods)
    }

    private static func values(_ pattern: [Substring], _ segments: [Substring]) -> [String: String]? {
        guard pattern.count == segments.count else { return nil }
        var values: [String: String] = [:]
        for (part, segment) in zip(pattern, segments) {
            if part.hasPrefix("{") {
                guard let value = QueryText.decoded(segment, plusIsSpace: false) else { return nil }
                values[String(part.dropFirst().dropLast())] = value
            } else if part != segment {
                return nil
            }
        }
        return values
    }
}
