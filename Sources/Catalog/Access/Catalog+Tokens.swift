import Foundation
import ParallaxCore
import Postgres

/// What the holder of a token may do.
public enum AccessScope: String, Sendable, CaseIterable {
    /// Read views.
    case read
    /// Append to sources.
    case ingest
    /// See, start, publish, discard and revert runs.
    case runs
    /// See payloads of rejected records: they may hold anything, also about people.
    case payloads
    /// All of these but payloads; status and the audit, too.
    case admin
}

/// One row of `parallax.token`. The token itself is nowhere: whoever made it has it.
public struct AccessToken: Sendable, Hashable {
    public var id: Int64
    public var name: String
    public var scopes: Set<AccessScope>
    /// Nil: all of them.
    public var views: [String]?
    public var sources: [String]?
    public var createdAt: Instant
    public var createdBy: String
    public var expiresAt: Instant?
    public var revokedAt: Instant?
    /// To the minute.
    public var lastUsedAt: Instant?
    /// Neither revoked nor expired, when it was read.
    public var isValid: Bool

    public var json: JSONText {
        func names(_ names: [String]?) -> JSONText { names.map { .array($0.map { .string($0) }) } ?? .null }
        return .object([
            ("id", .int(id)), ("name", .string(name)), ("scopes", .array(scopes.map(\.rawValue).sorted().map { .string($0) })),
            ("views", names(views)), ("sources", names(sources)), ("created_at", .string(createdAt.text)),
            ("created_by", .string(createdBy)), ("expires_at", .optional(expiresAt?.text)), ("revoked_at", .optional(revokedAt?.text)),
            ("last_used_at", .optional(lastUsedAt?.text)), ("valid", .bool(isValid)),
        ])
    }
}

extension Catalog {
    private static let tokenColumns = """
        token_id, name, to_json(scopes), to_json(views), to_json(sources), \(micros("created_at")), created_by, \(micros("expires_at")), \
        \(micros("revoked_at")), \(micros("last_used_at")), revoked_at IS NULL AND coalesce(expires_at > clock_timestamp(), true)
        """

    private static func token(_ row: QueryResult.Row) throws(ParallaxError) -> AccessToken {
        func names(_ column: Int) throws(ParallaxError) -> [String]? {
            guard let text = row[column] else { return nil }
            guard let names = try? JSONDecoder().decode([String].self, from: Data(text.utf8)) else {
                throw ParallaxError(.corrupt, "a row of parallax.token cannot be read", detail: text)
            }
            return names
        }
        // A scope that a newer version knows gives nothing here.
        let scopes = Set((try names(2) ?? []).compactMap { AccessScope(rawValue: $0) })
        return try AccessToken(
            id: row.int(0), name: row.text(1), scopes: scopes, views: names(3), sources: names(4), createdAt: row.instant(5),
            createdBy: row.text(6), expiresAt: row.optionalInstant(7), revokedAt: row.optionalInstant(8),
            lastUsedAt: row.optionalInstant(9), isValid: row.bool(10))
    }

    /// - Parameters:
    ///   - hash: SHA-256 of the token, in hex.
    ///   - name: nil: one is made of the hash.
    ///   - lifetime: nil: it never expires.
    public func createToken(
        hash: String, name: String?, scopes: Set<AccessScope>, views: [String]?, sources: [String]?, lifetime: Duration?
    ) throws(ParallaxError) -> AccessToken {
        let name = name ?? "token-\(hash.prefix(8))"
        return try connection.transaction { () throws(ParallaxError) in
            let row = try connection.query(
                """
                INSERT INTO parallax.token (name, hash, scopes, views, sources, created_by, expires_at)
                VALUES ($1, $2, $3::text[], $4::text[], $5::text[], $6, clock_timestamp() + $7::double precision * interval '1 second')
                ON CONFLICT DO NOTHING RETURNING \(Self.tokenColumns)
                """,
                [
                    .text(name), .text(hash), .texts(scopes.map(\.rawValue).sorted()), views.map { .texts($0) } ?? .null,
                    sources.map { .texts($0) } ?? .null, .text(caller?.name ?? "unknown"),
                    lifetime.map { .double($0.inSeconds) } ?? .null,
                ]
            ).rows.first
            guard let row else {
                throw ParallaxError(
                    .usage, "there is a token \"\(name)\" already", hint: "take another name, or revoke that one: parallax token list")
            }
            let token = try Self.token(row)
            try audit(.createToken, token)
            return token
        }
    }

    /// What a token may be limited to: views that are not served yet, too.
    public func namesOfViews() throws(ParallaxError) -> [String] {
        try connection.query("SELECT name FROM parallax.view UNION SELECT name FROM parallax.overlay ORDER BY 1").texts(0)
    }

    /// Those that were revoked or have expired, too.
    public func tokens() throws(ParallaxError) -> [AccessToken] {
        try connection.query("SELECT \(Self.tokenColumns) FROM parallax.token ORDER BY token_id").rows.map(Self.token)
    }

    /// It opens nothing any more, once its servers have looked again (seconds). Throws `.usage` where there is none, or where it was revoked before.
    public func revokeToken(_ id: Int64) throws(ParallaxError) -> AccessToken {
        try connection.transaction { () throws(ParallaxError) in
            let row = try connection.query(
                """
                UPDATE parallax.token SET revoked_at = clock_timestamp() WHERE token_id = $1 AND revoked_at IS NULL
                RETURNING \(Self.tokenColumns)
                """, [.int(id)]
            ).rows.first
            guard let row else {
                let known = try connection.query("SELECT name FROM parallax.token WHERE token_id = $1", [.int(id)]).rows.first?[0]
                throw ParallaxError(
                    .usage, known.map { "token \(id) (\($0)) is revoked already" } ?? "there is no token \(id)",
                    hint: "parallax token list shows them")
            }
            let token = try Self.token(row)
            try audit(.revokeToken, token)
            return token
        }
    }

    /// The token with this hash, where it is valid now. The look-up by hash is the comparison: how long it takes says nothing of the token.
    public func validToken(hash: String) throws(ParallaxError) -> AccessToken? {
        let found = try connection.queryPrepared("SELECT \(Self.tokenColumns) FROM parallax.token WHERE hash = $1", [.text(hash)]).rows
            .first
        guard let found else { return nil }
        let token = try Self.token(found)
        return token.isValid ? token : nil
    }

    /// Those of these tokens that are valid now.
    public func validTokens(among ids: [Int64]) throws(ParallaxError) -> [Int64] {
        try connection.queryPrepared(
            "SELECT \(Self.tokenColumns) FROM parallax.token WHERE token_id = ANY ($1::bigint[])", [.ints(ids)]
        ).rows.map(Self.token).filter(\.isValid).map(\.id)
    }

    /// Whether anybody ever made one, revoked ones included: the last one's end must not open what it closed.
    public func hasTokens() throws(ParallaxError) -> Bool {
        try connection.queryPrepared("SELECT EXISTS (SELECT FROM parallax.token)").rows[0].bool(0)
    }

    /// At most once a minute a token, whatever the number of servers.
    public func noteUse(ofToken id: Int64) throws(ParallaxError) {
        try connection.query(
            """
            UPDATE parallax.token SET last_used_at = clock_timestamp()
            WHERE token_id = $1 AND coalesce(last_used_at < clock_timestamp() - interval '1 minute', true)
            """, [.int(id)])
    }
}
