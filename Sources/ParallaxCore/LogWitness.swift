/// A record that a log is known by: it goes with a position, which lies behind it.
///
///     the log holds another record at the witness's offset  ⟹  it is not the log that the position was taken in
///
/// An identity alone cannot see a log that was put back to an older state and then grew beyond the position, nor a topic that was made anew.
///
/// Not promised: anything where the log does not hold that offset any more (retention, trimming, compaction).
public struct LogWitness: Hashable, Sendable, Codable {
    public var offset: Offset
    public var appendedAt: Instant
    /// The digest of key and payload: see `RecordBatch.witness`.
    public var digest: Int64

    public init(offset: Offset, appendedAt: Instant, digest: Int64) {
        self.offset = offset
        self.appendedAt = appendedAt
        self.digest = digest
    }
}

extension RecordBatch {
    /// Nil where the batch holds no record.
    public var lastWitness: LogWitness? { isEmpty ? nil : witness(count - 1) }

    public func witness(_ row: Int) -> LogWitness {
        var digest = FNV1a()
        digest.add(keys, row)
        digest.add(payloads, row)
        return LogWitness(
            offset: Offset(offsets[row]), appendedAt: Instant(microseconds: appendedAt[row]), digest: Int64(bitPattern: digest.value))
    }

    /// The record at the witness's offset, where it is another one. No record there proves nothing: offsets may have holes.
    public func contradiction(of witness: LogWitness) -> LogWitness? {
        guard let row = offsets.firstIndex(of: witness.offset.rawValue) else { return nil }
        let found = self.witness(row)
        return found == witness ? nil : found
    }

    public func contradicts(_ witness: LogWitness) -> Bool { contradiction(of: witness) != nil }
}

extension FNV1a {
    /// With the length, or a mark for null: so that no byte can pass from the key to the payload unseen.
    fileprivate mutating func add(_ column: ByteColumn, _ row: Int) {
        let isNull = column.isNull(row)
        let bytes = column[row]
        var count = isNull ? UInt64.max : UInt64(bytes.count)
        for _ in 0..<8 {
            add(UInt8(truncatingIfNeeded: count))
            count >>= 8
        }
        guard !isNull else { return }
        for byte in bytes { add(byte) }
    }
}
