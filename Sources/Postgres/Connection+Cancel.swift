import CPostgres
import ParallaxCore

/// Asks the server to cancel whatever a connection is doing, from any thread. The statement then fails with SQLSTATE 57014.
///
/// `@unchecked Sendable`: libpq reads the `PGcancel` and never writes it ("PQcancel can safely be invoked from a signal handler … the
/// PGcancel object is read-only"), and it stays valid when its connection is gone.
public final class Canceller: @unchecked Sendable {
    private let pointer: OpaquePointer

    fileprivate init(_ pointer: OpaquePointer) { self.pointer = pointer }
    deinit { PQfreeCancel(pointer) }

    /// Returns when the server has taken the request; an idle connection takes no notice of it.
    public func cancel() throws(ParallaxError) {
        var words = [CChar](repeating: 0, count: 256)
        guard PQcancel(pointer, &words, Int32(words.count)) == 0 else { return }
        let text = String(decoding: words.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        throw ParallaxError(.unavailable, "cannot send a cancel request to PostgreSQL", detail: text.trimmingNewlines)
    }
}

extension Connection {
    public func canceller() throws(ParallaxError) -> Canceller {
        guard let pointer = owner.pointer, let cancel = PQgetCancel(pointer) else {
            throw ParallaxError(.unavailable, "the connection to PostgreSQL is closed")
        }
        return Canceller(cancel)
    }
}
