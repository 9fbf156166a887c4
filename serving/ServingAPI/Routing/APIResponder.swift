import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import ParallaxCore
import Synchronization

/// What Hummingbird hands over with a request.
struct APIContext: InitializableFromSource, Sendable {
    let channel: any Channel
    let logger: Logger

    init(source: ApplicationRequestContextSource) {
        channel = source.channel
        logger = source.logger
    }
}

/// From a request to its route, and from whatever happens there to an answer.
struct APIResponder: HTTPResponder {
    let table: RouteTable
    let access: TokenAccess
    let limits: APILimits
    let logger: Logger
    let metrics: APIMetrics
    let hangUps: HangUps
    let streams: StreamSlots
    let crossOrigin: CrossOrigin
    /// Only this machine's programs reach it.
    let isLoopback: Bool

    func respond(to request: Request, context: APIContext) async throws -> Response {
        let began = ContinuousClock.now
        let id = RequestIDs.next()
        var name = "none"
        var response: Response
        do {
            response = try await answer(request, context, id, began, &name)
        } catch let problem as Problem {
            response = problem.response(requestID: id)
        } catch let error as ParallaxError {
            response = Problem(error).response(requestID: id)
            // Whoever has hung up is no trouble of the server's; of many that do at once the log would be full.
            if response.status.code >= 500, error.code != .busy, error.code != .cancelled {
                logger.warning("a request failed", metadata: ["request": "\(id)", "error": "\(error.message)"])
            }
        } catch is CancellationError {
            response = Problem(.serviceUnavailable, "cancelled", "the request was cancelled").response(requestID: id)
        } catch let error as any HTTPResponseError {
            // Hummingbird's own: a body beyond its limit.
            response = Problem(error.status, error.status == .contentTooLarge ? "too_large" : "invalid_request", error.status.reasonPhrase)
                .response(requestID: id)
        }
        response.headers[.requestID] = id
        response.headers[.contentTypeOptions] = "nosniff"
        crossOrigin.mark(&response.headers, for: request)
        if request.method == .head {
            let length = response.headers[.contentLength]
            response = response.createHeadResponse()
            response.headers[.contentLength] = length
        }
        metrics.count(route: name, status: Int(response.status.code), seconds: (ContinuousClock.now - began).inSeconds)
        logger.debug(
            "answered",
            metadata: [
                "request": "\(id)", "route": "\(name)", "status": "\(response.status.code)",
                "took": "\((ContinuousClock.now - began).rough)",
            ])
        return response
    }

    private func answer(_ request: Request, _ context: APIContext, _ id: String, _ began: ContinuousClock.Instant, _ name: inout String)
        async throws -> Response
    {
        let path = request.uri.path
        switch table.match(request.method, path) {
        case .none:
            throw Problem(
                .notFound, "not_found", "there is nothing at \(path.prefix(200))", hint: "/openapi.json lists what is there")
        case .otherMethods(let methods):
            if let answer = try crossOrigin.preflight(request, methods) {
                name = "preflight"
                return answer
            }
            var problem = Problem(.methodNotAllowed, "method_not_allowed", "\(request.method) is not possible at \(path.prefix(200))")
            problem.headers[.allow] = methods.map(\.rawValue).joined(separator: ", ")
            throw problem
        case .found(let route, let values):
            name = route.operation
            let grant = route.scope == .open ? Grant.everything : try await access.grant(request.headers)
            try Self.check(route, grant, values)
            if route.scope != .open { try checkOrigin(request, grant) }
            var parsed = try APIRequest(
                id: id, route: route, request: request, path: values, grant: grant, logger: logger, channel: context.channel,
                hangUps: hangUps, answerBy: began + limits.requestTime)
            guard route.isStream else { return try await route.handle(parsed) }
            let slot = try streams.take(for: grant, parsed.address)
            parsed.slot = slot
            return try await route.handle(parsed).holding(slot)
        }
    }

    /// Where nobody asks for tokens, the browser of somebody on this machine would ask, and decide, for a page of another site. A name of that site's that
    /// means this machine makes the page and us one origin to a browser: so the name must be this machine's own.
    private func checkOrigin(_ request: Request, _ grant: Grant) throws(Problem) {
        guard grant.token == nil else { return }
        let authority = request.head.authority ?? ""
        if isLoopback, !ListenAddress(authority: authority).isLoopback {
            throw Problem(
                .forbidden, "cross_origin", "without a token this machine's own names are asked alone",
                detail: "Host \(authority.prefix(200))",
                hint: "ask 127.0.0.1 or localhost, let a proxy pass such a Host, or make a token: parallax token create")
        }
        guard request.method != .get, request.method != .head, let origin = request.headers[.origin] else { return }
        guard origin == "http://\(authority)" || origin == "https://\(authority)" || crossOrigin.allows(request) else {
            throw Problem(
                .forbidden, "cross_origin", "the request comes from a page of another site", detail: "origin \(origin.prefix(200))",
                hint: "send it from a program, or with a token; or name the origin in serve.cors_origins")
        }
    }

    private static func check(_ route: Route, _ grant: Grant, _ path: [String: String]) throws(Problem) {
        guard grant.allows(route.scope) else {
            let needed = route.scope == .observe ? "runs, or read without a limit to views" : "\(route.scope)"
            throw Problem(.forbidden, "forbidden", "the token is not for this", hint: "it needs the scope \(needed)")
        }
        // A view that a caller may not read is not there for it: its name tells something.
        if route.scope == .read, let view = path["view"], !grant.mayRead(view) { throw Problem.noView(view) }
    }
}

extension Problem {
    static func noColumn(_ name: String, _ view: ServedView) -> Problem {
        Problem(
            .badRequest, "unknown_column", "view \"\(view.name)\" has no column \"\(name.prefix(100))\"",
            hint: nameHint(for: name, among: view.columns.map(\.name), listedAs: "columns"))
    }

    static func noView(_ name: String, among names: [String] = []) -> Problem {
        Problem(
            .notFound, "not_found", "there is no view \"\(name.prefix(100))\"",
            hint: nameHint(for: name, among: names, listedAs: "views")
                ?? "/v1/views lists them; a new one is served after its first batch run")
    }
}

extension HTTPField.Name {
    static let requestID = HTTPField.Name("X-Request-Id")!
    static let contentTypeOptions = HTTPField.Name("X-Content-Type-Options")!
}

/// Short, and unique within the machine's uptime of this process.
enum RequestIDs {
    private static let state = Mutex(UInt64.random(in: 0...UInt64.max))

    static func next() -> String {
        // A walk through all numbers in an order that does not show how many there were.
        let number = state.withLock { number in
            number = number &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return number
        }
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
