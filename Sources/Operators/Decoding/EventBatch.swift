import Columns
import ParallaxCore

public struct Rejection: Sendable, Hashable {
    /// Row within the batch.
    public var row: Int
    public var reason: RejectionReason
    /// One sentence in PostgreSQL's words where it has them, e.g. `invalid input syntax for type integer: "abc"`.
    public var message: String
    /// The source's column, where one is to blame.
    public var column: String?
    /// Byte in the payload where the trouble begins (0-based), where that is known.
    public var position: Int?
    public init(row: Int, reason: RejectionReason, message: String, column: String? = nil, position: Int? = nil) {
        self.row = row
        self.reason = reason
        self.message = message
        self.column = column
        self.position = position
    }
}

/// Records of one partition, decoded to the source's columns.
public struct EventBatch: Sendable {
    public var partition: Partition
    public var offsets: [Int64]
    /// Microseconds since 1970.
    public var appendedAt: [Int64]
    /// One entry a column of the source, in its order; nil where the reader was not asked for that column.
    /// The rows of rejected records hold null.
    public var columns: [Column?]
    /// A 128-bit hash of (event id, event time): the event's identity. 0 for rejected records.
    /// At 10^9 events the chance that any two different ones meet is below 10^-20.
    public var identities: [UInt128]
    /// 1 where the record was rejected.
    public var isRejected: [UInt8]
    /// In row order. From the archive: only row and reason are filled in fully.
    public var rejections: [Rejection]

    public init(
        partition: Partition, offsets: [Int64], appendedAt: [Int64], columns: [Column?], identities: [UInt128],
        isRejected: [UInt8], rejections: [Rejection]
    ) {
        self.partition = partition
        self.offsets = offsets
        self.appendedAt = appendedAt
        self.columns = columns
        self.identities = identities
        self.isRejected = isRejected
        self.rejections = rejections
    }

    public var count: Int { offsets.count }
}
