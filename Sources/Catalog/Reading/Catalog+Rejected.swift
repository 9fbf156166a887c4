import ParallaxCore
import Postgres

/// One row of `parallax.rejected_record`: a sample, since counts are in `parallax.rejected`.
public struct RejectedRecord: Sendable, Hashable {
    public var partition: Partition
    public var offset: Offset
    /// Empty: the record is no event. Else the view that could not take it.
    public var view: String
    /// A `RejectionReason`'s raw value.
    public var reason: String
    /// It quotes the payload.
    public var message: String
    public var column: String?
    /// Byte of the payload, from 0.
    public var position: Int64?
    /// The payload's first bytes; the whole record is in the archive.
    public var payloadStart: [UInt8]?
    public var seenAt: Instant
}

extension Catalog {
    /// By view, the most frequent reason first.
    public func rejections(ofSource name: String) throws(ParallaxError) -> [SourceStatus.Rejected] {
        try connection.query(
            "SELECT view_name, reason, rejected FROM parallax.rejected WHERE source = $1 ORDER BY view_name, rejected DESC, reason",
            [.text(name)]
        ).rows.map { row throws(ParallaxError) in
            try SourceStatus.Rejected(view: row.text(0), reason: row.text(1), count: row.int(2))
        }
    }

    /// Samples, the newest first.
    public func rejectedRecords(ofSource name: String, limit: Int) throws(ParallaxError) -> [RejectedRecord] {
        try connection.query(
            """
            SELECT r.partition, r.record_offset, r.view_name, r.reason, r.message, r.column_name, r.position, encode(r.payload_start, 'hex'),
                   \(Self.micros("r.seen_at"))
            FROM parallax.rejected_record r JOIN parallax.source s USING (source_id) WHERE s.name = $1
            ORDER BY r.seen_at DESC, r.partition DESC, r.record_offset DESC, r.view_name DESC LIMIT $2
            """, [.text(name), .int(Int64(limit))]
        ).rows.map { row throws(ParallaxError) in
            try RejectedRecord(
                partition: row.partition(0), offset: row.offset(1), view: row.text(2), reason: row.text(3), message: row.text(4),
                column: row[5], position: row.optionalInt(6), payloadStart: row[7].map(Self.bytes), seenAt: row.instant(8))
        }
    }

    /// Of PostgreSQL's hex digits.
    private static func bytes(hex: String) -> [UInt8] {
        func value(_ digit: UInt8) -> UInt8 { digit < UInt8(ascii: "a") ? digit - UInt8(ascii: "0") : digit - UInt8(ascii: "a") + 10 }
        let digits = Array(hex.utf8)
        return stride(from: 0, to: digits.count - 1, by: 2).map { value(digits[$0]) << 4 | value(digits[$0 + 1]) }
    }
}
