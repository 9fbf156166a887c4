import Operators
import ParallaxCore

/// Rejected records since the last flush: counted by view and reason, some of them kept as samples.
public struct RejectionTally: Sendable {
    /// `view` is empty where the record is no event.
    public struct Key: Hashable, Comparable, Sendable {
        public var view: String
        public var reason: RejectionReason
        /// By bytes, as PostgreSQL orders the table's key (collation of column text does not matter here, only that all workers agree).
        public static func < (a: Key, b: Key) -> Bool {
            a.view == b.view ? a.reason.rawValue < b.reason.rawValue : a.view.utf8.lexicographicallyPrecedes(b.view.utf8)
        }
    }

    public private(set) var counts: [Key: Int64] = [:]
    public private(set) var samples: [RejectedSample] = []

    public init() {}

    /// Longest message of a sample, in characters: messages quote the payload.
    static let charactersPerMessage = 500

    mutating func add(_ rejections: [Rejection], view: String, from firstRow: Int, of records: RecordBatch, limits: SpeedLimits) {
        for rejection in rejections where rejection.row >= firstRow {
            counts[Key(view: view, reason: rejection.reason), default: 0] += 1
            guard samples.count < limits.rejectionSamplesPerFlush else { continue }
            let payload = records.payloads
            samples.append(
                RejectedSample(
                    partition: records.partition, offset: Offset(records.offsets[rejection.row]), view: view, reason: rejection.reason,
                    message: String(rejection.message.prefix(Self.charactersPerMessage)), column: rejection.column,
                    position: rejection.position,
                    payloadStart: payload.isNull(rejection.row) ? nil : Array(payload[rejection.row].prefix(limits.bytesPerSample))))
        }
    }
}
