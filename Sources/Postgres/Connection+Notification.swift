import CPostgres
import Glibc
import ParallaxCore

/// What `NOTIFY channel, 'payload'` sent.
public struct Notification: Sendable, Hashable {
    public var channel: String
    /// Empty where NOTIFY gave none.
    public var payload: String

    public init(channel: String, payload: String) {
        self.channel = channel
        self.payload = payload
    }
}

extension Connection {
    public func listen(_ channel: String) throws(ParallaxError) { try execute("LISTEN \(Self.quoteIdentifier(channel))") }

    /// The next notification on a channel that this connection listens to, also one that came during an earlier statement; nil when the
    /// time is up. Throws `.unavailable` where the connection is lost.
    public func waitForNotification(timeout: Duration) throws(ParallaxError) -> Notification? {
        let connection = try usable("")
        let deadline = ContinuousClock.now + timeout
        while true {
            guard PQconsumeInput(connection) == 1 else {
                throw ParallaxError(.unavailable, "lost the connection to PostgreSQL", detail: connectionMessage.trimmingNewlines)
            }
            if let notification = PQnotifies(connection) {
                defer { PQfreemem(notification) }
                return Notification(
                    channel: String(cString: notification.pointee.relname),
                    payload: notification.pointee.extra.map { String(cString: $0) } ?? "")
            }
            guard waitForSocket(PQsocket(connection), events: Int16(POLLIN), until: deadline) else { return nil }
        }
    }
}
