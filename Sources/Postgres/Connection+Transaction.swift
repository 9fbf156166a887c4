import CPostgres
import ParallaxCore

extension Connection {
    /// BEGIN; body; COMMIT. ROLLBACK and rethrow where the body throws. `begin` may be e.g. "BEGIN ISOLATION LEVEL REPEATABLE READ".
    ///
    /// Where the connection is lost during COMMIT nobody here knows whether it took effect: the error is `.unavailable`, retriable, and
    /// says so; the caller reads its position again before it repeats anything.
    public func transaction<T>(_ begin: String = "BEGIN", _ body: () throws(ParallaxError) -> T) throws(ParallaxError) -> T {
        // The inner COMMIT would commit the outer half.
        precondition(!isInTransaction, "transactions do not nest")
        try execute(begin)
        let value: T
        do {
            value = try body()
        } catch {
            // The body's error is the news. Where ROLLBACK fails too, the connection is gone and the server rolls back by itself.
            _ = try? execute("ROLLBACK")
            throw error
        }
        try commit()
        return value
    }

    /// True between BEGIN and its end, also where the transaction already failed.
    public var isInTransaction: Bool {
        guard let pointer = owner.pointer else { return false }
        let status = PQtransactionStatus(pointer)
        return status == PQTRANS_INTRANS || status == PQTRANS_INERROR
    }

    private func commit() throws(ParallaxError) {
        let tag: String
        do {
            tag = try run("COMMIT").commandTag
        } catch {
            guard !isOpen else { throw error }
            var unknown = error
            unknown.code = .unavailable
            unknown.isRetriable = true
            unknown.message = "lost the connection to PostgreSQL during COMMIT: whether the transaction took effect is unknown"
            unknown.detail = [error.message, error.detail].compactMap(\.self).joined(separator: "\n")
            throw unknown
        }
        // PostgreSQL answers COMMIT in a failed transaction with ROLLBACK, and calls that a success.
        guard tag == "COMMIT" else {
            throw ParallaxError(.database, "the transaction was rolled back at COMMIT, because a statement in it had failed")
        }
    }
}
