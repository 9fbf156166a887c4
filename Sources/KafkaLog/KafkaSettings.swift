import ParallaxCore

/// Where a source's topic is, and how to reach it.
public struct KafkaSettings: Sendable {
    /// `host:port`, several with commas: librdkafka's `bootstrap.servers`.
    public var brokers: String
    public var topic: String
    /// Any property of librdkafka, by its own name: security, tuning. What would break a promise of ours is refused
    /// (`ClientProperties`); values of secret ones never show in a message.
    public var properties: [String: String]
    /// How long a request to a broker (metadata, offsets) may take before it is `.unavailable`.
    public var requestDeadline = Duration.seconds(10)
    /// How long a read waits for records that the broker has, before it is `.unavailable`. It waits once: as long as
    /// the partition stays silent, further reads throw at once, so that a reader of many partitions is not held up by one.
    public var readPatience = Duration.seconds(5)
    /// Whoever has no use for headers need not pay for them: to ask librdkafka for a record's costs about as much as the rest of reading it.
    public var readsHeaders = true
    public var limits = KafkaLimits()

    public init(brokers: String, topic: String, properties: [String: String] = [:]) {
        self.brokers = brokers
        self.topic = topic
        self.properties = properties
    }
}

/// What the client holds at once.
public struct KafkaLimits: Sendable {
    /// Records handed to the producer that no broker has acknowledged. Far below librdkafka's own limit (100,000), so that its
    /// queue is never full: a record that it refuses in the middle of a batch would be overtaken by the next one.
    public var recordsInFlight = 20_000
    /// Keys and payloads of those. librdkafka's own limit is 1 GiB.
    public var bytesInFlight = 64 << 20
    /// Bytes that wait for their readers, of all partitions together. Where more of one partition waits than its part of this, nothing is fetched of
    /// it until its reader has caught up.
    public var bytesAhead = 64 << 20
    /// No partition's part is less: about what one fetch brings of it.
    public var bytesAheadOfOnePartition = 1 << 20
    /// A batch up to this size is kept until the next read of its partition, so that whoever reads a few records again (an
    /// archiver looks at the oldest one's age first) does not make the client ask the broker again.
    public var recordsKeptForRereading = 1_024
    public init() {}
}

/// What the client tells whoever listens: librdkafka's own words and ours.
public struct KafkaNotice: Sendable {
    public enum Level: Sendable { case error, warning, info, debug }
    public var level: Level
    /// librdkafka's name for the kind of line (`FAIL`, `MAXPOLL` …).
    public var facility: String
    public var message: String
}

/// Called on the client's own thread: it must not block.
public typealias KafkaListener = @Sendable (KafkaNotice) -> Void
