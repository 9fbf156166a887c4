import Operators
import ParallaxCore
import ViewLanguage

/// What came of lines, or of the events of a body: in the words of `parallax ingest` and of the HTTP API.
public struct IngestionTotals: Sendable, Equatable {
    public struct Rejected: Sendable, Equatable {
        public var count = 0
        /// The first of them.
        public var firstLines: [Int] = []
        /// The first one's message.
        public var message = ""

        mutating func note(line: Int, message: String, keeping samples: Int) {
            count += 1
            if firstLines.isEmpty { self.message = message }
            if firstLines.count < samples { firstLines.append(line) }
        }
    }

    /// In the log, durable.
    public var records = 0
    public var events = 0
    /// In the log, and counted by the layers under these reasons.
    public var malformed: [RejectionReason: Rejected] = [:]
    /// Not in the log.
    public var tooLong = Rejected()
    /// Where what was appended ends, in the log's own offsets.
    public var ends: [Partition: Offset] = [:]

    public init() {}

    public var malformedCount: Int { malformed.values.reduce(0) { $0 + $1.count } }

    /// Records that are in the log.
    mutating func add(_ intake: RecordIntake, _ ranges: [Partition: Range<Offset>], keeping samples: Int) {
        records += intake.records.count
        events += intake.records.count - intake.rejections.count
        for rejection in intake.rejections {
            malformed[rejection.reason, default: Rejected()].note(
                line: rejection.line, message: rejection.message, keeping: samples)
        }
        for (partition, range) in ranges { ends[partition] = max(range.upperBound, ends[partition] ?? .zero) }
    }

    /// Members of an answer.
    public var json: [(String, JSONText)] {
        let reasons = malformed.sorted { $0.key.rawValue < $1.key.rawValue }.map { reason, rejected in
            (
                reason.rawValue,
                JSONText.object([
                    ("count", .int(Int64(rejected.count))), ("lines", .array(rejected.firstLines.map { .int(Int64($0)) })),
                    ("message", .string(rejected.message)),
                ])
            )
        }
        return [
            ("records", .int(Int64(records))), ("accepted", .int(Int64(events))), ("malformed", .int(Int64(malformedCount))),
            ("reasons", .object(reasons)),
        ]
    }
}

/// Payloads as records of a source's log, and which of them the layers will reject.
struct RecordIntake {
    struct Rejection {
        var line: Int
        var reason: RejectionReason
        var message: String
    }

    var records: [NewRecord] = []
    var rejections: [Rejection] = []

    /// Decodes each payload as the layers will, for two reasons: the event id is the record's key (copies of an event then stay in one partition), and people hear
    /// at once what will be rejected.
    ///
    /// - Parameter lines: the number of each payload.
    init(_ payloads: ByteColumn, lines: [Int], headers: [RecordHeader], _ source: SourceDefinition, _ decoder: EventDecoder) {
        let events = decoder.decode(Self.batch(payloads))
        let keys = EventKeys(events, source)
        records.reserveCapacity(payloads.count)
        for row in 0..<payloads.count {
            records.append(NewRecord(key: keys[row], payload: Array(payloads[row]), headers: headers))
        }
        rejections = events.rejections.map { Rejection(line: lines[$0.row], reason: $0.reason, message: $0.message) }
    }

    private static func batch(_ payloads: ByteColumn) -> RecordBatch {
        var records = RecordBatch(partition: Partition(0), nextOffset: Offset(Int64(payloads.count)))
        records.offsets = (0..<Int64(payloads.count)).map { $0 }
        records.appendedAt = [Int64](repeating: 0, count: payloads.count)
        records.keys = ByteColumn(
            bytes: [], ends: [Int](repeating: 0, count: payloads.count), nulls: [UInt8](repeating: 1, count: payloads.count))
        records.payloads = payloads
        return records
    }
}
