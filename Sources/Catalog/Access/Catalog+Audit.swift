import ParallaxCore
import Postgres

/// Who decides something, and from where: a person, or a program with a token of one.
public struct Caller: Sendable, Hashable {
    /// `token:grafana`, `cli:ada`, `anonymous`.
    public var name: String
    /// The machine that the command runs on, or the address that the request came from.
    public var place: String

    public init(name: String, place: String) {
        self.name = name
        self.place = place
    }
}

public enum AuditedAction: String, Sendable, CaseIterable {
    case publish, discard, revert
    case createToken = "create token"
    case revokeToken = "revoke token"
}

/// One row of `parallax.audit`.
public struct AuditEntry: Sendable, Hashable {
    public var number: Int64
    public var at: Instant
    public var caller: Caller
    /// An `AuditedAction`'s raw value.
    public var action: String
    public var subject: String

    public var json: JSONText {
        .object([
            ("number", .int(number)), ("at", .string(at.text)), ("caller", .string(caller.name)), ("place", .string(caller.place)),
            ("action", .string(action)), ("subject", .string(subject)),
        ])
    }
}

extension Catalog {
    /// Inside the transaction that does it: what is not done is not in the audit, and what is done is. Nothing where no person decides.
    func audit(_ action: AuditedAction, run: RunNumber, source id: SourceID) throws(ParallaxError) {
        guard let caller else { return }
        try connection.query(
            """
            INSERT INTO parallax.audit (caller, place, action, subject)
            SELECT $1, $2, $3, format('run %s of source %s', $4::bigint, name) FROM parallax.source WHERE source_id = $5
            """, [.text(caller.name), .text(caller.place), .text(action.rawValue), .int(run.rawValue), .source(id)])
    }

    func audit(_ action: AuditedAction, _ token: AccessToken) throws(ParallaxError) {
        guard let caller else { return }
        try connection.query(
            "INSERT INTO parallax.audit (caller, place, action, subject) VALUES ($1, $2, $3, $4)",
            [.text(caller.name), .text(caller.place), .text(action.rawValue), .text("token \(token.id) (\(token.name))")])
    }

    /// Newest first.
    ///
    /// - Parameter before: those with smaller numbers; nil: the newest.
    public func auditEntries(before number: Int64? = nil, limit: Int) throws(ParallaxError) -> [AuditEntry] {
        try connection.query(
            """
            SELECT audit_id, \(Self.micros("at")), caller, place, action, subject FROM parallax.audit
            WHERE $1::bigint IS NULL OR audit_id < $1 ORDER BY audit_id DESC LIMIT $2
            """, [number.map { .int($0) } ?? .null, .int(Int64(limit))]
        ).rows.map { row throws(ParallaxError) in
            AuditEntry(
                number: try row.int(0), at: try row.instant(1), caller: Caller(name: try row.text(2), place: try row.text(3)),
                action: try row.text(4), subject: try row.text(5))
        }
    }
}
