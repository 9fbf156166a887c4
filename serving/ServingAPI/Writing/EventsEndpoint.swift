import Catalog
import Compression
import HTTPTypes
import Hummingbird
import Ingestion
import NIOCore
import ParallaxCore
import Synchronization

/// `POST /v1/sources/{source}/events`: events into a source's log, durable before the answer.
///
///     may the caller? ─► the body comes ─► a turn comes free ─► it is cut apart and decoded ─► one append ─► the answer
///           404               413, 429            429                 400, 413, 429               503, 507
///
/// Nothing is appended before all of the body is understood. An append that failed may have left a part in the log: whoever sends the body again adds copies, which
/// have the same identity.
struct EventsEndpoint: Sendable {
    let snapshots: Snapshots
    let appends: LogAppends
    let limits: APILimits
    let figures: WriteFigures
    let budget: BodyBudget
    let gates: WriteGates

    init(snapshots: Snapshots, appends: LogAppends, limits: APILimits, figures: WriteFigures) {
        self.snapshots = snapshots
        self.appends = appends
        self.limits = limits
        self.figures = figures
        budget = BodyBudget(limit: limits.eventMemory)
        gates = WriteGates(limits)
    }

    static let formOfType: [String: EventBody.Form] = [
        "application/json": .json, "application/x-ndjson": .lines, "application/ndjson": .lines, "application/jsonl": .lines,
        "application/x-jsonlines": .lines,
    ]

    func answer(_ request: APIRequest) async throws -> Response {
        let name = request.pathValue("source")
        let grant = request.grant
        let target = try await snapshots.read(request) { catalog in
            try RunRoutes.check(name, grant, catalog)
            return Target(
                source: try catalog.source(named: name),
                positions: try catalog.answeredPositions(ofSources: [name])[name] ?? AnsweredPositions(source: name))
        }
        let share = budget.share()
        do { return try await answer(request, target, share) } catch {
            let problem = Self.problem(error, foundNoRoom: share.wasRefused)
            figures.countRefused(problem.code, of: target.source.name)
            throw problem
        }
    }

    private struct Target: Sendable {
        var source: CatalogSource
        var positions: AnsweredPositions

        /// Whoever is told that something is durable should be able to count on its being read.
        func checkThatItIsRead() throws(Problem) {
            guard positions.belongsToAnotherLog else { return }
            throw Problem(
                .serviceUnavailable, "another_log", "nobody reads what is appended to the log of source \"\(source.name)\" now",
                detail: positions.problemMessage, hint: "parallax status says what to do about its log", retryAfterSeconds: 30)
        }

        /// What its writer may wonder about; nil: nothing.
        var problem: ParallaxError? {
            let (unread, all) = (positions.unreadPartitions, positions.parts.count)
            guard unread > 0 || all == 0 else {
                return positions.problemMessage.map {
                    ParallaxError(.unavailable, "a speed worker cannot read on: \($0)", hint: "see parallax status")
                }
            }
            return ParallaxError(
                .unavailable,
                unread == all
                    ? "no living speed worker reads source \"\(source.name)\""
                    : "no living speed worker reads \(unread) of \(counted(all, "partition")) of source \"\(source.name)\"",
                detail: "What was written is durable, and is in the rows once one has read it, or a batch run is published.",
                hint: "parallax up, or parallax speed, reads it")
        }
    }

    private func answer(_ request: APIRequest, _ target: Target, _ share: BodyBudget.Share) async throws -> Response {
        try target.checkThatItIsRead()
        let (form, compression) = try Self.form(request)
        let body = EventBody(try await bytes(request, share), form, compression: compression)
        let gate = gates.gate(of: target.source.name)
        try await gate.enter()
        defer { gate.leave() }
        let (appends, source, log) = (appends, target.source.definition, target.positions.binding?.identity)
        let appended = try await onOwnThread(name: "append") {
            try appends.append(body, to: source, expecting: log) { count throws(ParallaxError) in try share.take(count) }
        }
        figures.count(appended.totals, bytes: body.bytes.count, of: target.source.name)
        return .json(
            .object(
                [("source", .string(target.source.name))] + appended.totals.json + [
                    ("token", .optional(appended.token?.text)), ("problem", target.problem.map(\.json) ?? .null),
                ]))
    }

    private static func form(_ request: APIRequest) throws(Problem) -> (EventBody.Form, DecompressingReader.Format?) {
        let type = request.header(.contentType)?.prefix { $0 != ";" }.lowercased().filter { $0 != " " } ?? ""
        // A page of another site can send none of these without asking first.
        guard let form = formOfType[type] else {
            throw Problem(
                .unsupportedMediaType, "unsupported_media_type", "the body must be application/x-ndjson or application/json",
                hint: "an event a line, or an array of events, or one event")
        }
        switch request.header(.contentEncoding)?.lowercased() {
        case nil, "", "identity": return (form, nil)
        case "gzip", "x-gzip": return (form, .gzip)
        case "zstd": return (form, .zstd)
        case let other?:
            var problem = Problem(
                .unsupportedMediaType, "unsupported_encoding", "the body's Content-Encoding is \"\(other.prefix(100))\"",
                hint: "gzip, zstd, or none")
            problem.headers[.acceptEncoding] = "gzip, zstd"
            throw problem
        }
    }

    /// The body as it comes. Its bytes are counted as they arrive, so that nobody holds memory by promising much.
    private func bytes(_ request: APIRequest, _ share: BodyBudget.Share) async throws -> [UInt8] {
        if let length = request.header(.contentLength).flatMap({ Int($0) }), length > limits.eventBytes { throw tooLarge }
        var bytes: [UInt8] = []
        for try await chunk in request.request.body {
            guard bytes.count + chunk.readableBytes <= limits.eventBytes else { throw tooLarge }
            try share.take(chunk.readableBytes)
            bytes.append(contentsOf: chunk.readableBytesView)
        }
        return bytes
    }

    private var tooLarge: Problem {
        Problem(
            .contentTooLarge, "too_large", "the body has more than \(counted(limits.eventBytes, "byte"))",
            hint: "send it in several bodies; serve.max_body is the limit")
    }

    /// What our errors mean to whoever writes.
    private static func problem(_ error: any Error, foundNoRoom: Bool) -> Problem {
        if let problem = error as? Problem { return problem }
        guard let error = error as? ParallaxError else {
            return error is CancellationError
                ? Problem(.serviceUnavailable, "cancelled", "the request was cancelled", retryAfterSeconds: 1)
                : Problem(.badRequest, "invalid_request", "the body did not come whole")
        }
        var problem = Problem(error)
        switch error.code {
        case .limit: (problem.status, problem.code) = (.contentTooLarge, "too_large")
        // Else the log is busy: another process has held its lock for long.
        case .busy where foundNoRoom: (problem.status, problem.code) = (.tooManyRequests, "too_many_writes")
        case .anotherLog: problem.code = "another_log"
        case .missing, .offsetGone: (problem.status, problem.code, problem.retryAfterSeconds) = (.serviceUnavailable, "unavailable", 2)
        default: break
        }
        return problem
    }
}

/// A gate a source. Sources are those of the catalog: a client makes no new ones.
final class WriteGates: Sendable {
    private let limits: APILimits
    private let gates = Mutex<[String: WriteGate]>([:])

    init(_ limits: APILimits) { self.limits = limits }

    func gate(of source: String) -> WriteGate {
        gates.withLock { gates in
            if let gate = gates[source] { return gate }
            let gate = WriteGate(turns: limits.appends, places: limits.waitingAppends)
            gates[source] = gate
            return gate
        }
    }
}
