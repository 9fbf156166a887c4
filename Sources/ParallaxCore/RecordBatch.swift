/// Consecutive records of one partition, in offset order, as columns.
///
/// Offsets grow but need not be consecutive (Kafka leaves holes): `nextOffset` says where to read on.
public struct RecordBatch: Sendable {
    public let partition: Partition
    public var offsets: [Int64]
    /// When the log took the record: microseconds since 1970 (see `Instant`).
    public var appendedAt: [Int64]
    /// Null where the producer gave no key.
    public var keys: ByteColumn
    /// Null for a tombstone.
    public var payloads: ByteColumn
    /// Null where the record has none; nil where no record of the batch has any. See `RecordHeaders` for the encoding.
    public var headers: ByteColumn?
    /// The first offset that this batch has not looked at.
    public var nextOffset: Offset

    public init(partition: Partition, nextOffset: Offset) {
        self.partition = partition
        self.nextOffset = nextOffset
        offsets = []
        appendedAt = []
        keys = ByteColumn()
        payloads = ByteColumn()
    }

    public var count: Int { offsets.count }
    public var isEmpty: Bool { offsets.isEmpty }

    /// - Parameter headers: as `RecordHeaders` encodes them; nil where there are none.
    public mutating func append(
        offset: Offset, appendedAt: Instant, key: ArraySlice<UInt8>?, payload: ArraySlice<UInt8>?, headers: ArraySlice<UInt8>? = nil
    ) {
        if let headers {
            if self.headers == nil {
                self.headers = ByteColumn(bytes: [], ends: [Int](repeating: 0, count: count), nulls: [UInt8](repeating: 1, count: count))
            }
            self.headers?.append(headers)
        } else {
            self.headers?.appendNull()
        }
        offsets.append(offset.rawValue)
        self.appendedAt.append(appendedAt.rawValue)
        if let key { keys.append(key) } else { keys.appendNull() }
        if let payload { payloads.append(payload) } else { payloads.appendNull() }
        nextOffset = offset + 1
    }
}
