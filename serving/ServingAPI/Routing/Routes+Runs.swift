import Catalog
import Foundation
import HTTPTypes
import Hummingbird
import NIOCore
import ParallaxCore

/// Runs: which there were, how far one is, and what a person decides of them.
struct RunRoutes: Sendable {
    let snapshots: Snapshots
    let services: RunServices
    let progress: RunProgressStream

    var routes: [Route] { [list, start, one, progressOfOne] + decisions }

    static let runParameter = Route.Parameter(name: "run", place: .path, schema: .whole(1...Int64.max), words: "A run's number.")
    static let maxListed: Int64 = 1_000
    static let bodyBytes = 64 << 10

    /// When a publication was taken back, by whom, from which run to which.
    private static let reversalSchema: Schema = .object([
        ("at", .dateTime), ("by", .nullable(.string)), ("from_run", .integer), ("to_run", .integer),
    ])
    static let runSchema: Schema = .object(
        [
            ("run", .integer), ("source", .string), ("state", .choice(RunState.allCases.map(\.rawValue))), ("interrupted", .boolean),
            ("current", .boolean), ("kept", .boolean), ("full", .boolean), ("slice", .integer), ("base_run", .integer),
            ("base_slice", .integer), ("cut", .nullable(.map(.integer))), ("started_at", .dateTime), ("finished_at", .nullable(.dateTime)),
            ("statistics", .map(.any)), ("error", .nullable(.string)), ("held_reason", .nullable(.string)),
            ("reverted", .nullable(reversalSchema)),
            ("drift", .array(.map(.any))),
        ], optional: ["drift"])
    static let schemas: [(name: String, schema: Schema)] = [("Run", runSchema)]

    private var list: Route {
        Route(
            method: .get, path: "/v1/runs", operation: "listRuns", summary: "Batch runs, the newest first", scope: .observe,
            parameters: [
                .init(name: "source", words: "Of one source."),
                .init(name: "limit", schema: .whole(1...Self.maxListed), words: "How many; 20 without it, \(Self.maxListed) at most."),
            ],
            answers: [
                .init(
                    status: 200, words: "The runs.",
                    content: [("application/json", .object([("runs", .array(.reference("Run")))]))])
            ]
        ) { request in
            let source = request.value("source")
            let limit = try request.integer("limit", in: 1...Self.maxListed) ?? 20
            let grant = request.grant
            let runs = try await snapshots.read(request) { catalog in
                if let source { try Self.check(source, grant, catalog) }
                let sources = grant.sources.map { $0.sorted() }
                guard source == nil, let sources else { return try catalog.runs(source: source, limit: Int(limit)) }
                // Of each source as many as of all: the newest of them are among these.
                let all = try sources.flatMap { try catalog.runs(source: $0, limit: Int(limit)) }
                return Array(all.sorted { $0.number > $1.number }.prefix(Int(limit)))
            }
            return .json(.object([("runs", .array(runs.map(\.json)))]))
        }
    }

    private var one: Route {
        Route(
            method: .get, path: "/v1/runs/{run}", operation: "getRun", summary: "One run, and how far off the live views were",
            words: "The object of `parallax batch show --json`.", scope: .observe, parameters: [Self.runParameter],
            answers: [.init(status: 200, words: "The run, with its drift.", content: [("application/json", .reference("Run"))])]
        ) { request in
            let found = try await snapshots.read(request) { catalog in
                let run = try Self.run(request, catalog)
                return run.json.adding("drift", .array(try catalog.drift(run: run.number).map(\.json)))
            }
            return .json(found)
        }
    }

    private struct StartBody: Decodable {
        var source: String
        var full: Bool?
    }

    private var start: Route {
        Route(
            method: .post, path: "/v1/runs", operation: "startRun", summary: "Recompute a source's views exactly, up to now, and publish",
            words: "Answers as soon as the run has begun. `/v1/runs/{run}/progress` tells how far it is.", scope: .runs,
            body: .init(
                words: "The source; `full` recomputes all of history.",
                content: [("application/json", .object([("source", .string), ("full", .boolean)], optional: ["full"]))]),
            answers: [
                .init(
                    status: 202, words: "It is under way; Location is the run.",
                    content: [("application/json", .object([("run", .integer), ("source", .string)]))])
            ], bodyBytes: Self.bodyBytes
        ) { request in
            let body = try await request.json(StartBody.self, atMost: Self.bodyBytes)
            let grant = request.grant
            try await snapshots.read(request) { catalog in try Self.check(body.source, grant, catalog) }
            let services = services
            let run = try await Self.deciding { try services.start(body.source, body.full ?? false) }
            var response = Response.json(.object([("run", .int(run)), ("source", .string(body.source))]), status: .accepted)
            response.headers[.location] = "/v1/runs/\(run)"
            return response
        }
    }

    private var progressOfOne: Route {
        Route(
            method: .get, path: "/v1/runs/{run}/progress", operation: "watchRun", summary: "How far a run is, as server-sent events",
            words: """
                `progress` events while it is under way: the phase, the records that it has passed, and the phases before. Of a run of another process the phase alone is \
                known, and it is the run's state. One `end` event with the run as it ended, and the stream ends. A client that comes back after that gets 204.
                """, scope: .observe,
            parameters: [
                Self.runParameter,
                .init(name: "Last-Event-ID", place: .header, words: "As an EventSource sends it when it comes back."),
            ],
            answers: [
                .init(status: 200, words: "Events.", content: [("text/event-stream", .string)]),
                .init(status: 204, words: "The end was told already.", content: []),
            ], isStream: true
        ) { request in
            if request.header(.lastEventID) == RunProgressStream.endID { return Response(status: .noContent) }
            let run = try await snapshots.read(request) { catalog in try Self.run(request, catalog) }
            return progress.response(run, request)
        }
    }

    private typealias Decide = @Sendable (Int64, Caller) throws -> RunServices.Decided

    private var decisions: [Route] {
        func route(_ verb: String, _ operation: String, _ summary: String, _ words: String, _ decide: @escaping Decide) -> Route {
            Route(
                method: .post, path: "/v1/runs/{run}/\(verb)", operation: operation, summary: summary, words: words, scope: .runs,
                parameters: [Self.runParameter],
                answers: [
                    .init(
                        status: 200, words: "It is done.",
                        content: [("application/json", .object([("run", .reference("Run")), ("notes", .array(.string))]))])
                ], bodyBytes: 0
            ) { request in
                let run = try await snapshots.read(request) { catalog in try Self.run(request, catalog).number.rawValue }
                let caller = request.caller
                let decided = try await Self.deciding { try decide(run, caller) }
                let now = try await snapshots.read(request) { catalog in try Self.run(request, catalog) }
                return .json(.object([("run", now.json), ("notes", .array(decided.notes.map { .string($0) }))]))
            }
        }
        return [
            route(
                "publish", "publishRun", "Publish a run that is held",
                "As `parallax batch publish`: one transaction switches readers to its rows and its cut.", services.publish),
            route(
                "discard", "discardRun", "Throw a held run away", "As `parallax batch discard`: what was published before is served on.",
                services.discard),
            route(
                "revert", "revertToRun", "Go back to the publication of an earlier run",
                "As `parallax batch revert`: later publications of the same source are undone; no event is lost or counted twice.",
                services.revert),
        ]
    }

    /// What cannot be done as things are is a conflict: the request itself was right.
    private static func deciding<R: Sendable>(_ body: @escaping @Sendable () throws -> R) async throws -> R {
        do { return try await onOwnThread(name: "run", body) } catch let error as ParallaxError {
            var problem = Problem(error)
            switch error.code {
            case .busy:
                problem.status = .conflict
                problem.code = "busy"
                problem.retryAfterSeconds = error.isRetriable ? 5 : nil
            case .usage: (problem.status, problem.code) = (.conflict, "conflict")
            default: break
            }
            throw problem
        }
    }

    /// The run that the path names, of a source that the caller may know of.
    static func run(_ request: APIRequest, _ catalog: Catalog) throws -> RunStatus {
        let text = request.pathValue("run")
        guard let number = Int64(text), number > 0, let run = try catalog.runs(number: RunNumber(number), limit: 1).first,
            request.grant.mayKnow(run.source)
        else {
            throw Problem(.notFound, "not_found", "there is no run \"\(text.prefix(100))\"", hint: "/v1/runs lists those that there are")
        }
        return run
    }

    static func check(_ source: String, _ grant: Grant, _ catalog: Catalog) throws {
        let names = try catalog.sources().map(\.name).filter(grant.mayKnow)
        guard names.contains(source) else { throw Problem.noSource(source, among: names) }
    }
}

extension Problem {
    static func noSource(_ name: String, among names: [String]) -> Problem {
        Problem(
            .notFound, "not_found", "there is no source \"\(name.prefix(100))\"",
            hint: nameHint(for: name, among: names, listedAs: "sources") ?? "/v1/sources lists them")
    }
}

extension APIRequest {
    /// The body, which says that it is JSON: a page of another site can send none that does without asking first.
    func json<B: Decodable>(_ type: B.Type, atMost bytes: Int) async throws -> B {
        let mediaType = header(.contentType)?.prefix { $0 != ";" }.lowercased().filter { $0 != " " }
        guard mediaType == "application/json" else {
            throw Problem(.unsupportedMediaType, "unsupported_media_type", "the body must be application/json")
        }
        let buffer: ByteBuffer
        do { buffer = try await request.body.collect(upTo: bytes) } catch is NIOTooManyBytesError {
            throw Problem(.contentTooLarge, "too_large", "the body has more than \(bytes) bytes")
        }
        do { return try JSONDecoder().decode(type, from: Data(buffer.readableBytesView)) } catch {
            throw Problem(
                .badRequest, "invalid_request", "the body cannot be read", detail: Self.words(of: error),
                hint: "/openapi.json says what it holds")
        }
    }

    private static func words(of error: any Error) -> String? {
        switch error {
        case DecodingError.keyNotFound(let key, _): "\"\(key.stringValue)\" is missing"
        case DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context):
            context.codingPath.last.map { "\"\($0.stringValue)\" has the wrong type" } ?? "it is no object"
        case DecodingError.dataCorrupted: "it is no JSON"
        default: nil
        }
    }
}
