import Catalog

/// What a caller may do.
struct Grant: Sendable {
    /// As the audit names the caller.
    var subject: String
    /// Nil: any view.
    var views: Set<String>?
    /// Nil: any source.
    var sources: Set<String>?
    var scopes: Set<Route.Scope>
    /// The number of the token that it comes from.
    var token: Int64?

    /// On the loopback, where nobody asks for tokens.
    static let everything = Grant(
        subject: "anonymous", views: nil, sources: nil, scopes: [.open, .read, .ingest, .runs, .payloads, .admin])

    func mayRead(_ view: String) -> Bool { scopes.contains(.read) && (views?.contains(view) ?? true) }
    func mayKnow(_ source: String) -> Bool { sources?.contains(source) ?? true }

    /// What runs and sources say is about all views of a source: who may read some views only does not see it.
    func allows(_ scope: Route.Scope) -> Bool {
        switch scope {
        case .observe: scopes.contains(.runs) || (scopes.contains(.read) && views == nil)
        default: scopes.contains(scope)
        }
    }
}

extension APIRequest {
    /// For the audit.
    var caller: Caller { Caller(name: grant.subject, place: channel.remoteAddress?.ipAddress ?? "unknown") }
}
