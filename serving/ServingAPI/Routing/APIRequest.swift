import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import ParallaxCore

/// A request that a route answers: parsed, its parameters known to the route.
struct APIRequest: Sendable {
    let id: String
    let route: Route
    let request: Request
    let path: [String: String]
    let query: [(name: String, value: String)]
    let grant: Grant
    let logger: Logger
    let channel: any Channel
    let hangUps: HangUps
    /// From here on the answer is late: statements end then.
    private(set) var answerBy: ContinuousClock.Instant
    /// PostgreSQL ends its statements by itself, and the connection stays. One that has not by then does not answer any more.
    var deadline: ContinuousClock.Instant { Self.deadline(answerBy) }
    static func deadline(_ answerBy: ContinuousClock.Instant) -> ContinuousClock.Instant { answerBy + grace }
    private static let grace = Duration.seconds(2)
    /// Of a stream: what counts it.
    var slot: StreamSlots.Slot?

    init(
        id: String, route: Route, request: Request, path: [String: String], grant: Grant, logger: Logger, channel: any Channel,
        hangUps: HangUps,
        answerBy: ContinuousClock.Instant
    ) throws(Problem) {
        self.id = id
        self.route = route
        self.request = request
        self.path = path
        self.grant = grant
        self.logger = logger
        self.channel = channel
        self.hangUps = hangUps
        self.answerBy = answerBy
        query = try QueryText.parameters(request.uri.query ?? "")
        var seen: Set<String> = []
        let known = route.parameters.filter { $0.place == .query }
        for (name, _) in query {
            guard
                let parameter = known.first(where: { $0.name == name })
                    ?? known.first(where: { $0.isPrefix && name.hasPrefix(Self.prefix($0)) })
            else {
                throw Problem(
                    .badRequest, "unknown_parameter", "there is no parameter \"\(name.prefix(100))\" here",
                    hint: nameHint(for: name, among: known.map(\.name), listedAs: "parameters"))
            }
            guard parameter.isRepeated || seen.insert(name).inserted else {
                throw Problem(.badRequest, "invalid_request", "the parameter \"\(name)\" stands more than once")
            }
        }
    }

    private static func prefix(_ parameter: Route.Parameter) -> String { String(parameter.name.prefix { $0 != "{" }) }

    func value(_ name: String) -> String? { query.first { $0.name == name }?.value }
    func values(_ name: String) -> [String] { query.filter { $0.name == name }.map(\.value) }

    /// Of a part of the path: the route has it, so it is there.
    func pathValue(_ name: String) -> String { path[name] ?? "" }

    func integer(_ name: String, in range: ClosedRange<Int64>) throws(Problem) -> Int64? {
        guard let text = value(name) else { return nil }
        guard let number = Int64(text), range.contains(number) else {
            throw Problem(
                .badRequest, "invalid_value", "\"\(text.prefix(100))\" is no value for \"\(name)\"",
                hint: "a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    func duration(_ name: String) throws(Problem) -> Duration? {
        guard let text = value(name) else { return nil }
        guard let duration = Duration(words: text) else {
            throw Problem(
                .badRequest, "invalid_value", "\"\(text.prefix(100))\" is no value for \"\(name)\"",
                hint: "a number and a unit, as in 5s or 500ms")
        }
        return duration
    }

    func choice<C: RawRepresentable & CaseIterable>(_ name: String, _ type: C.Type = C.self) throws(Problem) -> C?
    where C.RawValue == String {
        guard let text = value(name) else { return nil }
        guard let choice = C(rawValue: text) else {
            throw Problem(
                .badRequest, "invalid_value", "\"\(text.prefix(100))\" is no value for \"\(name)\"",
                hint: "one of: " + C.allCases.map(\.rawValue).joined(separator: ", "))
        }
        return choice
    }

    /// True for `true` and for the bare name.
    func flag(_ name: String) throws(Problem) -> Bool {
        switch value(name) {
        case nil, "false": false
        case "", "true": true
        case let text?:
            throw Problem(.badRequest, "invalid_value", "\"\(text.prefix(100))\" is no value for \"\(name)\"", hint: "true or false")
        }
    }

    /// The same request, after it has waited for something on purpose.
    func answering(by time: ContinuousClock.Instant) -> APIRequest {
        var request = self
        request.answerBy = time
        return request
    }

    /// Whom the limits for one client are about.
    var address: String { channel.remoteAddress?.ipAddress ?? "" }

    func header(_ name: HTTPField.Name) -> String? { request.headers[name] }
}
