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
        var need = TokenNeed()
        /// Tokens whose use is still to be noted; while there are any, a thread works on it.
        var unnoted: Set<Int64> = []
        var isNoting = false
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
        if let known = state.withLock({ $0.known[hash] }), now < known.until { return noted(known, hash, now) }
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
        return noted(known, hash, now)
    }

    /// No request waits for the note of it, nor fails because of it.
    private func noted(_ known: Known, _ hash: String, _ now: ContinuousClock.Instant) -> Grant {
        guard let id = known.grant.token else { return known.grant }
        let begins = state.withLock { state in
            if let last = state.known[hash]?.notedAt, now - last < Self.notedEvery { return false }
            state.known[hash]?.notedAt = now
            state.unnoted.insert(id)
            defer { state.isNoting = true }
            return !state.isNoting
        }
        guard begins else { return known.grant }
        do { try startThread(name: "token use") { self.noteAll() } } catch {
            state.withLock { $0.isNoting = false }
            logger.debug("the use of tokens is not noted", metadata: ["error": "\(error)"])
        }
        return known.grant
    }

    /// One thread at a time, whatever the number of tokens.
    private func noteAll() {
        while let id = state.withLock({ state in
            let next = state.unnoted.popFirst()
            if next == nil { state.isNoting = false }
            return next
        }) {
            do { try note(id) } catch {
                logger.debug("the use of a token was not noted", metadata: ["token": "\(id)", "error": "\(error)"])
            }
        }
    }

    private func isTokenNeeded() async throws -> Bool {
        if policy == .tokens { return true }
        let now = ContinuousClock.now
        if let known = state.withLock({ $0.need.known(now) }) { return known }
        let exists = try await pool.run { connection throws(ParallaxError) in try Catalog(connection).hasTokens() }
        return state.withLock { $0.need.learned(exists, until: now + Self.believedFor) }
    }

    /// Streams of tokens that were revoked or have expired are to end; and those of nobody, once tokens are needed.
    func endStreams(_ streams: StreamSlots) async {
        let holders = streams.holders
        guard policy != .off, !holders.isEmpty else { return }
        let tokens = holders.compactMap(\.self)
        do {
            var valid: Set<StreamSlots.Holder> = []
            if !tokens.isEmpty {
                valid = Set(try await pool.run { connection throws(ParallaxError) in try Catalog(connection).validTokens(among: tokens) })
            }
            if holders.contains(nil), try await !isTokenNeeded() { valid.insert(nil) }
            streams.end(holders.subtracting(valid))
        } catch {
            // PostgreSQL is away: the next beat asks again.
            logger.debug("tokens of streams were not looked at", metadata: ["error": "\(error)"])
        }
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

/// Whether any token was ever made: true for ever, once it is, since tokens do not vanish.
struct TokenNeed: Sendable {
    private var isNeeded = false
    private var believedUntil: ContinuousClock.Instant?

    /// Nil: the catalog is to be asked.
    func known(_ now: ContinuousClock.Instant) -> Bool? {
        if isNeeded { return true }
        return believedUntil.map { now < $0 } == true ? false : nil
    }

    /// Of two that asked at once, the one that saw none may come last: it had asked before there was one.
    mutating func learned(_ exists: Bool, until: ContinuousClock.Instant) -> Bool {
        isNeeded = isNeeded || exists
        believedUntil = until
        return isNeeded
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
