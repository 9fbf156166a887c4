/// What a log's client says of its connections, for people. Counters begin with the client.
public struct LogClientReport: Sendable, Hashable, Codable {
    /// The client library and its version.
    public var library: String
    /// Brokers with a connection, of those that the client has heard of.
    public var brokersUp = 0
    public var brokersKnown = 0
    /// The slowest broker's mean round trip, in microseconds.
    public var roundTripMicroseconds: Int64 = 0
    public var recordsRead: Int64 = 0
    public var bytesRead: Int64 = 0
    public var errors: Int64 = 0
    /// In the library's own words.
    public var lastError: String?
    /// Assignments that a consumer group has given, and how often one was lost without a word.
    public var rebalances = 0
    public var lostAssignments = 0

    public init(library: String) { self.library = library }
}

/// A log behind a network.
public protocol ReportingLog: EventLog {
    var clientReport: LogClientReport { get }
}
