import CPostgres
import ParallaxCore

extension Connection {
    /// `ALTER ROLE … PASSWORD` with a SCRAM-SHA-256 verifier that is computed here: the password itself appears in no statement, and so in
    /// no log.
    public func setPassword(_ password: String, of role: String) throws(ParallaxError) {
        precondition(!password.utf8.contains(0), "a NUL character in a password")
        let connection = try usable(role)
        guard let verifier = PQencryptPasswordConn(connection, password, role, "scram-sha-256") else {
            throw ParallaxError(
                .database, "cannot compute a password verifier for role \"\(role)\"", detail: connectionMessage.trimmingNewlines)
        }
        defer { PQfreemem(verifier) }
        try execute("ALTER ROLE \(Self.quoteIdentifier(role)) PASSWORD \(Self.quoteLiteral(String(cString: verifier)))")
    }
}
