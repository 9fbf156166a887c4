import Foundation

/// What librdkafka counts, from its last statistics (every 5 s); counters since the client was made.
public struct KafkaMetrics: Sendable, Hashable {
    public var recordsRead: Int64 = 0
    public var bytesRead: Int64 = 0
    public var recordsWritten: Int64 = 0
    public var bytesWritten: Int64 = 0
    /// Brokers with a connection.
    public var brokersUp = 0
    public var brokersKnown = 0
    /// The slowest broker's mean round trip, in microseconds.
    public var roundTripMicroseconds: Int64 = 0
    /// Records waiting in the producer.
    public var recordsInFlight: Int64 = 0
    /// Error events since the client was made.
    public var errors: Int64 = 0
    public init() {}

    mutating func take(_ json: String) {
        guard let top = try? JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any] else { return }
        func number(_ object: [String: Any], _ name: String) -> Int64 { (object[name] as? NSNumber)?.int64Value ?? 0 }
        recordsRead = number(top, "rxmsgs")
        bytesRead = number(top, "rxmsg_bytes")
        recordsWritten = number(top, "txmsgs")
        bytesWritten = number(top, "txmsg_bytes")
        recordsInFlight = number(top, "msg_cnt")
        // "logical" and unassigned ones are not brokers of the cluster.
        let brokers = (top["brokers"] as? [String: [String: Any]] ?? [:]).values.filter { number($0, "nodeid") >= 0 }
        brokersKnown = brokers.count
        brokersUp = brokers.count { ($0["state"] as? String) == "UP" }
        roundTripMicroseconds = brokers.map { number($0["rtt"] as? [String: Any] ?? [:], "avg") }.max() ?? 0
    }
}
