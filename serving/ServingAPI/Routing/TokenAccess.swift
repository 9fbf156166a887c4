import Catalog
import HTTPTypes
import Logging
import ParallaxCore
import Postgres
import Synchronization

/// When a request needs a token.
public enum AuthPolicy: String, Sendable, CaseIterable {
    /// Once anybody has made one.
    case auto
    case tokens
    case off
}

/// Who a request comes from, by its bearer token.
///
///     policy   token in the request   tokens in the catalog   what happens
///     off      any                    any                     everything is allowed
///     tokens   none                   any                     401
///     auto     none                   some                    401
///     auto     none                   none                    everything is allowed
///     other    valid                  some                    what the token may
///     other    not valid              any                     401
///
/// What was found is believed for `believedFor`: a token that is revoked opens nothing any more by then. Only valid tokens are kept, so a client that tries
/// made-up ones makes nothing grow.
final class TokenAccess: Sendable {
    static let believedFor = Duration.seconds(2)
    /// How often a token's use is noted, at most.
    static let notedEvery = Duration.seconds(60)
    /// Beyond them all are forgotten, and looked up again.
    static let maxKept = 10_000
    static let scheme = "bearer "

    private struct Known {
        var grant: Grant
        var until: ContinuousClock.Instant
        var notedAt: ContinuousClock.Instant?
    }

    private struct State {
        var known: [String: Known] = [:]
        /// True for ever, once it is: tokens do not vanish.
        var isNeeded = false
        var askedUntil: ContinuousClock.Instant?
    }

    private let policy: AuthPolicy
    private let pool: ConnectionPool
    private let note: @Sendable (Int64) throws -> Void
    private let logger: Logger
    private let state = Mutex(State())

    /// - Parameter note: writes down that the token was used; may block.
    init(_ policy: AuthPolicy, pool: ConnectionPool, logger: Logger, note: @escaping @Sendable (Int64) throws -> Void) {
        self.policy = policy
        self.pool = pool
        self.logger = logger
        self.note = note
    }

    /// Throws a 401 where the request needs somebody and is nobody's.
    func grant(_ headers: HTTPFields) async throws -> Grant {
        guard policy != .off else { return .everything }
        guard let authorization = headers[.authorization] else {
            guard try await isTokenNeeded() else { return .everything }
            throw Self.refusal("the request needs a token", error: nil)
        }
        guard authorization.lowercased().hasPrefix(Self.scheme) else {
            throw Self.refusal("the request's authorization is no bearer token", error: "invalid_request")
        }
        let token = authorization.dropFirst(Self.scheme.count).trimmed
        guard token.utf8.count <= TokenText.maxBytes else { throw Self.invalid }
        let hash = TokenText.hash(of: String(token))
        let now = ContinuousClock.now
        if let known = state.withLock({ $0.known[hash] }), now < known.until { return try await noted(known, hash, now) }
        let found = try await pool.run { connection throws(ParallaxError) in try Catalog(connection).validToken(hash: hash) }
        guard let found else {
            state.withLock { $0.known[hash] = nil }
            throw Self.invalid
        }
        var known = Known(grant: Grant(found), until: now + Self.believedFor)
        state.withLock { state in
            if state.known.count >= Self.maxKept { state.known = [:] }
            known.notedAt = state.known[hash]?.notedAt
            state.known[hash] = known
        }
        return try await noted(known, hash, now)
    }

    private func noted(_ known: Known, _ hash: String, _ now: ContinuousClock.Instant) async throws -> Grant {
        let isDue = state.withLock { state in
            if let last = state.known[hash]?.notedAt, now - last < Self.notedEvery { return false }
            state.known[hash]?.notedAt = now
            return true
        }
        if isDue, let id = known.grant.token {
            let note = note
            // Nobody's request fails because the note of it did.
            do { try await onOwnThread(name: "token use") { try note(id) } } catch {
                logger.debug("the use of a token was not noted", metadata: ["token": "\(id)", "error": "\(error)"])
            }
        }
        return known.grant
    }

    private func isTokenNeeded() async throws -> Bool {
        if policy == .tokens { return true }
        let now = ContinuousClock.now
        let (isNeeded, isFresh) = state.withLock { ($0.isNeeded, $0.askedUntil.map { now < $0 } ?? false) }
        if isNeeded || isFresh { return isNeeded }
        let exists = try await pool.run { connection throws(ParallaxError) in try Catalog(connection).hasTokens() }
        state.withLock { state in
            state.isNeeded = exists
            state.askedUntil = now + Self.believedFor
        }
        return exists
    }

    private static var invalid: Problem {
        refusal("the token is not valid: it is none, or was revoked, or has expired", error: "invalid_token")
    }

    /// RFC 6750: the scheme, and what was wrong with a token where there was one.
    private static func refusal(_ title: String, error: String?) -> Problem {
        var problem = Problem(
            .unauthorized, "unauthorized", title,
            hint: "send Authorization: Bearer TOKEN; parallax token create makes one")
        problem.headers[.wwwAuthenticate] = "Bearer realm=\"parallax\"" + (error.map { ", error=\"\($0)\"" } ?? "")
        return problem
    }
}

extension Grant {
    init(_ token: AccessToken) {
        var scopes: Set<Route.Scope> = [.open]
        for scope in token.scopes {
            switch scope {
            case .read: scopes.insert(.read)
            case .ingest: scopes.insert(.ingest)
            case .runs: scopes.insert(.runs)
            case .payloads: scopes.insert(.payloads)
            case .admin: scopes.formUnion([.admin, .read, .ingest, .runs])
            }
        }
        self.init(
            subject: "token:\(token.name)", views: token.views.map(Set.init), sources: token.sources.map(Set.init), scopes: scopes,
            token: token.id)
    }
}
