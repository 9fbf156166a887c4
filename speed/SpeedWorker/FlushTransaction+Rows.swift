import Catalog
import Columns
import Foundation
import Operators
import ParallaxCore
import Postgres
import SpeedLayer

extension FlushTransaction {
    /// Marks the windows in which something live happened. The rows must be there before late events are added to them: so no two flushes ever
    /// wait for one another in a circle, and one without late events locks no window that is marked already.
    func touchWindows(_ delta: SpeedFlush.Delta, slice: SliceNumber) throws(ParallaxError) {
        let windows = delta.touchedWindows
        guard !windows.isEmpty else { return }
        let start = """
            CASE WHEN w = \(SpeedFlush.noWindow + 1) - 1 THEN '-infinity'::timestamptz ELSE \(Catalog.instant("w")) END
            """
        try connection.query(
            """
            INSERT INTO parallax.touched_window (version_id, window_start, slice)
            SELECT $1::integer, \(start), $2::bigint FROM unnest($3::bigint[]) w ORDER BY w ON CONFLICT DO NOTHING
            """, [.int(delta.view.id), .int(slice.rawValue), .ints(windows)])
        guard !delta.late.isEmpty else { return }
        try connection.query(
            """
            INSERT INTO parallax.touched_window AS t (version_id, window_start, slice, late)
            SELECT $1::integer, \(start), $2::bigint, n FROM unnest($3::bigint[], $4::bigint[]) l (w, n) ORDER BY w
            ON CONFLICT (version_id, window_start, slice) DO UPDATE SET late = t.late + excluded.late
            """, [.int(delta.view.id), .int(slice.rawValue), .ints(delta.late.map(\.window)), .ints(delta.late.map(\.count))])
    }

    func advance(_ move: SpeedFlush.Move, _ lease: PartitionLease, slice: SliceNumber, logEnd: Offset) throws(ParallaxError) {
        let catalog = Catalog(connection)
        try catalog.advance(
            lease,
            to: PartitionProgress(
                nextOffset: move.to, slice: slice, maxEventTime: move.eventTimes.newest,
                leadingEventTime: move.eventTimes.leader, readsHistory: move.eventTimes.readsHistory, isIdle: move.isIdle,
                newestAppendedAt: move.newestAppendedAt, logEnd: max(logEnd, move.to), events: move.counts.events, late: move.counts.late,
                duplicates: move.counts.duplicates, witness: move.witness))
        // The boundary is in the transaction that writes the last deltas before it.
        try catalog.closeSlices(source: lease.sourceID, partition: move.partition, from: move.slice, through: slice, at: move.to)
    }

    /// - Parameter views: those that there are; what a dropped one could not take goes with it.
    func writeRejections(_ flush: SpeedFlush, views: Set<String>) throws(ParallaxError) {
        let rejected = flush.rejected.filter { $0.key.view.isEmpty || views.contains($0.key.view) }
        let samples = flush.samples.filter { $0.view.isEmpty || views.contains($0.view) }
        guard !rejected.isEmpty else { return }
        try connection.query(
            """
            INSERT INTO parallax.rejected_live AS r (source_id, slice, view_name, reason, rejected)
            SELECT $1::integer, $2::bigint, l.* FROM unnest($3::text[], $4::text[], $5::bigint[]) l (view_name, reason, rejected)
            ORDER BY l.view_name COLLATE "C", l.reason COLLATE "C"
            ON CONFLICT (source_id, slice, view_name, reason) DO UPDATE SET rejected = r.rejected + excluded.rejected
            """,
            [
                .int(known.source.id), .int(flush.slice.rawValue), .texts(rejected.map(\.key.view)),
                .texts(rejected.map(\.key.reason.rawValue)), .ints(rejected.map(\.count)),
            ])
        guard !samples.isEmpty else { return }
        try connection.query(
            """
            INSERT INTO parallax.rejected_record
                (source_id, partition, record_offset, view_name, reason, message, column_name, position, payload_start)
            SELECT $1::integer, partition, record_offset, view_name, reason, message, column_name, position, decode(payload_start, 'hex')
            FROM jsonb_to_recordset($2::jsonb) AS s (partition integer, record_offset bigint, view_name text, reason text, message text,
                                                     column_name text, position integer, payload_start text)
            ON CONFLICT DO NOTHING
            """, [.int(known.source.id), .text(try Self.json(samples))])
        // Rows that another worker deletes at this moment are as good as gone.
        try connection.query(
            """
            DELETE FROM parallax.rejected_record r USING (
                SELECT partition, record_offset, view_name FROM parallax.rejected_record WHERE source_id = $1
                ORDER BY seen_at DESC, partition DESC, record_offset DESC, view_name DESC OFFSET $2 FOR UPDATE SKIP LOCKED) old
            WHERE r.source_id = $1 AND r.partition = old.partition AND r.record_offset = old.record_offset AND r.view_name = old.view_name
            """, [.int(known.source.id), .int(Int64(limits.rejectionSamplesPerSource))])
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
    private static func json(_ samples: [RejectionTally.Sample]) throws(ParallaxError) -> String {
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

extension SpeedFlush.Delta {
    /// Ascending, each once: windows of the rows and windows of late events.
    var touchedWindows: [Int64] {
        guard view.plan.window != nil else { return rows.count > 0 || !late.isEmpty ? [SpeedFlush.noWindow] : [] }
        var windows = Set(late.map(\.window))
        if rows.count > 0 {
            guard case .column(let column) = rows.values[0], case .int64(let starts) = column.storage else {
                preconditionFailure("the first column of \(view.name) is not its window")
            }
            windows.formUnion(starts)
        }
        return windows.sorted()
    }
}
