import Foundation
import ParallaxCore
import Postgres
import ViewLanguage

/// What a flush leaves beside its deltas and positions. Each inside the flush's transaction.
extension Catalog {
    /// Marks the windows in which something live happened, and keeps them for those who follow the view. The rows must be there before late events are added to them: so no two flushes ever
    /// wait for one another in a circle, and one without late events locks no window that is marked already.
    ///
    /// - Parameters:
    ///   - windows: starts in microseconds, ascending, each once; `Plan.noWindow` for a view without windows.
    ///   - late: late events by window; each of these is among `windows`.
    public func touchWindows(
        version id: VersionID, slice: SliceNumber, windows: [Int64], late: [(window: Int64, count: Int64)]
    ) throws(ParallaxError) {
        // Quoted: without quotes PostgreSQL reads -9223372036854775808 as the negative of a number that bigint does not hold.
        let start = """
            CASE WHEN w = '\(Plan.noWindow)'::bigint THEN '-infinity'::timestamptz ELSE \(Self.instant("w")) END
            """
        try connection.query(
            """
            WITH told AS (
                INSERT INTO parallax.flushed_window (version_id, flushed_by, windows, late_windows)
                SELECT $1::integer, pg_current_xact_id(), ARRAY(SELECT \(start) FROM unnest($3::bigint[]) w),
                       ARRAY(SELECT \(start) FROM unnest($4::bigint[]) w))
            INSERT INTO parallax.touched_window (version_id, window_start, slice)
            SELECT $1::integer, \(start), $2::bigint FROM unnest($3::bigint[]) w ORDER BY w ON CONFLICT DO NOTHING
            """, [.version(id), .int(slice.rawValue), .ints(windows), .ints(late.map(\.window))])
        guard !late.isEmpty else { return }
        try connection.query(
            """
            INSERT INTO parallax.touched_window AS t (version_id, window_start, slice, late)
            SELECT $1::integer, \(start), $2::bigint, n FROM unnest($3::bigint[], $4::bigint[]) l (w, n) ORDER BY w
            ON CONFLICT (version_id, window_start, slice) DO UPDATE SET late = t.late + excluded.late
            """, [.version(id), .int(slice.rawValue), .ints(late.map(\.window)), .ints(late.map(\.count))])
    }

    /// Adds to the live counts of a slice.
    public func countRejections(
        source id: SourceID, slice: SliceNumber, _ counts: [(view: String, reason: String, count: Int64)]
    ) throws(ParallaxError) {
        try connection.query(
            """
            INSERT INTO parallax.rejected_live AS r (source_id, slice, view_name, reason, rejected)
            SELECT $1::integer, $2::bigint, l.* FROM unnest($3::text[], $4::text[], $5::bigint[]) l (view_name, reason, rejected)
            ORDER BY l.view_name COLLATE "C", l.reason COLLATE "C"
            ON CONFLICT (source_id, slice, view_name, reason) DO UPDATE SET rejected = r.rejected + excluded.rejected
            """,
            [
                .source(id), .int(slice.rawValue), .texts(counts.map(\.view)), .texts(counts.map(\.reason)), .ints(counts.map(\.count)),
            ])
    }

    /// Keeps the newest `limit` samples of the source.
    public func keepRejected(_ samples: [RejectedSample], source id: SourceID, limit: Int) throws(ParallaxError) {
        try connection.query(
            """
            INSERT INTO parallax.rejected_record
                (source_id, partition, record_offset, view_name, reason, message, column_name, position, payload_start)
            SELECT $1::integer, partition, record_offset, view_name, reason, message, column_name, position, decode(payload_start, 'hex')
            FROM jsonb_to_recordset($2::jsonb) AS s (partition integer, record_offset bigint, view_name text, reason text, message text,
                                                     column_name text, position integer, payload_start text)
            ON CONFLICT DO NOTHING
            """, [.source(id), .text(try Self.json(samples))])
        // Rows that another worker deletes at this moment are as good as gone.
        try connection.query(
            """
            DELETE FROM parallax.rejected_record r USING (
                SELECT partition, record_offset, view_name FROM parallax.rejected_record WHERE source_id = $1
                ORDER BY seen_at DESC, partition DESC, record_offset DESC, view_name DESC OFFSET $2 FOR UPDATE SKIP LOCKED) old
            WHERE r.source_id = $1 AND r.partition = old.partition AND r.record_offset = old.record_offset AND r.view_name = old.view_name
            """, [.source(id), .int(Int64(limit))])
    }

    private struct SampleRow: Encodable {
        var partition: Int32
        var record_offset: Int64
        var view_name: String
        var reason: String
        var message: String
        var column_name: String?
        var position: Int?
        var payload_start: String?
    }

    /// PostgreSQL's text holds no U+0000, and messages quote payloads.
    private static func json(_ samples: [RejectedSample]) throws(ParallaxError) -> String {
        let rows = samples.map { sample in
            SampleRow(
                partition: sample.partition.rawValue, record_offset: sample.offset.rawValue, view_name: sample.view,
                reason: sample.reason.rawValue, message: sample.message.replacing("\u{0}", with: "\u{FFFD}"), column_name: sample.column,
                position: sample.position, payload_start: sample.payloadStart.map(hex))
        }
        do { return String(decoding: try JSONEncoder().encode(rows), as: UTF8.self) } catch {
            throw ParallaxError(.internalInconsistency, "samples of rejected records could not be encoded", detail: "\(error)")
        }
    }

    private static func hex(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}
