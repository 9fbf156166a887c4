import Columns
import ParallaxCore

/// A stream of JSON events of one declared schema: what `CREATE FOREIGN TABLE` says.
public struct SourceDefinition: Hashable, Sendable, Codable {
    public struct Column: Hashable, Sendable, Codable {
        public var name: String
        public var type: ScalarType
        public var isNotNull: Bool
        /// The names from the outermost object down to the field. Nil: the field of the column's name.
        public var path: [String]?
        /// What the column holds where the field is missing (not where it is null): a literal of the column's type. Nil: null.
        public var missingValue: Literal?
        /// Nil: the type's own text.
        public var format: Format?
        public init(
            name: String, type: ScalarType, isNotNull: Bool = false, path: [String]? = nil, missingValue: Literal? = nil,
            format: Format? = nil
        ) {
            self.name = name
            self.type = type
            self.isNotNull = isNotNull
            self.path = path
            self.missingValue = missingValue
            self.format = format
        }

        /// Where the value lies in the record.
        public var fieldPath: [String] { path ?? [name] }
    }

    /// How a time is written where it is no text: as a number of these units since 1970-01-01 00:00 UTC.
    public enum Format: String, Hashable, Sendable, Codable, CaseIterable {
        case epochSeconds = "epoch_seconds"
        case epochMilliseconds = "epoch_milliseconds"
        case epochMicroseconds = "epoch_microseconds"
        case epochNanoseconds = "epoch_nanoseconds"

        /// A unit is 10^digits microseconds.
        public var digits: Int {
            switch self {
            case .epochSeconds: 6
            case .epochMilliseconds: 3
            case .epochMicroseconds: 0
            case .epochNanoseconds: -3
            }
        }
    }

    /// Which clock says when a record was appended, and so vouches for its event time.
    public enum AppendTime: String, Hashable, Sendable, Codable, CaseIterable {
        /// The record's own timestamp.
        case record
        /// When it came here: the record's timestamp counts for nothing.
        case arrival
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
    /// Nil: the record's own, as in all definitions that older versions stored.
    private var appendTimeOption: AppendTime?
    public var appendTime: AppendTime { appendTimeOption ?? .record }

    public init(
        name: String, topic: String, columns: [Column], eventIDColumn: Int, eventTimeColumn: Int,
        outOfOrderness: Int64, lateness: Int64, appendTime: AppendTime = .record
    ) {
        self.name = name
        self.topic = topic
        self.columns = columns
        self.eventIDColumn = eventIDColumn
        self.eventTimeColumn = eventTimeColumn
        self.outOfOrderness = outOfOrderness
        self.lateness = lateness
        appendTimeOption = appendTime == .record ? nil : appendTime
    }

    /// The same without what decides how late an event may be, and by which clock: no row depends on it but by what the speed layer leaves out.
    var withoutClocks: SourceDefinition {
        var bare = self
        bare.outOfOrderness = 0
        bare.lateness = 0
        bare.appendTimeOption = nil
        return bare
    }
}
