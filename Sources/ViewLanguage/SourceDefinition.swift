import Columns
import ParallaxCore

/// A stream of JSON events of one declared schema: what `CREATE FOREIGN TABLE` says.
public struct SourceDefinition: Hashable, Sendable, Codable {
    public struct Column: Hashable, Sendable, Codable {
        public var name: String
        public var type: ScalarType
        public var isNotNull: Bool
        public init(name: String, type: ScalarType, isNotNull: Bool = false) {
            self.name = name
            self.type = type
            self.isNotNull = isNotNull
        }
    }

    public var name: String
    /// The log's name: a Kafka topic, or a folder of the embedded log.
    public var topic: String
    public var columns: [Column]
    /// Index of the event id column (text, uuid, int4 or int8) and of the event time column (timestamptz).
    public var eventIDColumn: Int
    public var eventTimeColumn: Int
    /// Microseconds. The watermark trails the newest event time by this much.
    public var outOfOrderness: Int64
    /// Microseconds. An event further behind the watermark than this is left to the batch layer.
    public var lateness: Int64

    public init(
        name: String, topic: String, columns: [Column], eventIDColumn: Int, eventTimeColumn: Int,
        outOfOrderness: Int64, lateness: Int64
    ) {
        self.name = name
        self.topic = topic
        self.columns = columns
        self.eventIDColumn = eventIDColumn
        self.eventTimeColumn = eventTimeColumn
        self.outOfOrderness = outOfOrderness
        self.lateness = lateness
    }
}
