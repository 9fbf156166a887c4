import HTTPTypes
import ParallaxCore

/// What a caller may do.
struct Grant: Sendable {
    /// As the audit names the caller.
    var subject: String
    /// Nil: any view.
    var views: Set<String>?
    /// Nil: any source.
    var sources: Set<String>?
    var scopes: Set<Route.Scope>

    /// On the loopback, where nobody asks for tokens.
    static let everything = Grant(
        subject: "anonymous", views: nil, sources: nil, scopes: [.open, .read, .ingest, .runs, .payloads, .admin])

    func mayRead(_ view: String) -> Bool { scopes.contains(.read) && (views?.contains(view) ?? true) }
    func mayAppend(to source: String) -> Bool { scopes.contains(.ingest) && (sources?.contains(source) ?? true) }
}

/// Who a request comes from.
protocol AccessControl: Sendable {
    /// Throws a 401 where the request needs somebody and is nobody's.
    func grant(_ headers: HTTPFields) async throws -> Grant
}

struct OpenAccess: AccessControl {
    func grant(_ headers: HTTPFields) async throws -> Grant { .everything }
}
