import ParallaxCore
import Postgres

extension Catalog {
    /// Makes gaps that a person accepted part of the answers (I7). What is recorded already stays as it is: the archive's manifest says the same
    /// again and again. Whoever moves a position over a gap does it in the same transaction or a later one, so that no snapshot shows the one
    /// without the other.
    public func recordGaps(_ gaps: [AcceptedGap], source id: Int64) throws(ParallaxError) {
        for gap in gaps {
            try connection.query(
                """
                INSERT INTO parallax.accepted_gap (source_id, partition, first_offset, next_offset, accepted_at, events_from, events_until)
                VALUES ($1, $2, $3, $4, \(Self.instant("$5")), CASE WHEN $6::bigint IS NULL THEN '-infinity' ELSE \(Self.instant("$6")) END,
                        CASE WHEN $7::bigint IS NULL THEN 'infinity' ELSE \(Self.instant("$7")) END)
                ON CONFLICT DO NOTHING
                """,
                [
                    .int(id), .int(Int64(gap.partition.rawValue)), .int(gap.offsets.lowerBound.rawValue),
                    .int(gap.offsets.upperBound.rawValue),
                    .int(gap.acceptedAt.rawValue), gap.eventsFrom.map { .int($0.rawValue) } ?? .null,
                    gap.eventsUntil.map { .int($0.rawValue) } ?? .null,
                ])
        }
    }

    /// In the order of partitions and offsets.
    public func acceptedGaps(source id: Int64) throws(ParallaxError) -> [AcceptedGap] {
        try connection.query(
            """
            SELECT partition, first_offset, next_offset, \(Self.micros("accepted_at")),
                   CASE WHEN isfinite(events_from) THEN \(Self.micros("events_from")) END,
                   CASE WHEN isfinite(events_until) THEN \(Self.micros("events_until")) END
            FROM parallax.accepted_gap WHERE source_id = $1 ORDER BY partition, first_offset
            """, [.int(id)]
        ).rows.map { row in
            AcceptedGap(
                partition: Partition(Int(row.int(0) ?? 0)), offsets: Offset(row.int(1) ?? 0)..<Offset(row.int(2) ?? 0),
                acceptedAt: Instant(microseconds: row.int(3) ?? 0), eventsFrom: row.int(4).map { Instant(microseconds: $0) },
                eventsUntil: row.int(5).map { Instant(microseconds: $0) })
        }
    }

    /// A speed layer that stands within records that a person gave up goes on behind them. Whoever holds the partition is fenced, reads the
    /// position anew and begins there. One that stands before them does not move: what is between is in the archive, and a batch run carries
    /// the position over it.
    public func passOver(_ gap: AcceptedGap, source id: Int64) throws(ParallaxError) {
        try connection.query(
            """
            UPDATE parallax.partition_position SET next_offset = $4, epoch = epoch + 1, log_end = greatest(log_end, $4)
            WHERE source_id = $1 AND partition = $2 AND next_offset >= $3 AND next_offset < $4
            """,
            [
                .int(id), .int(Int64(gap.partition.rawValue)), .int(gap.offsets.lowerBound.rawValue), .int(gap.offsets.upperBound.rawValue),
            ])
    }

    /// The sources with accepted gaps that a statement may read through views, and how many offsets each lacks.
    public func givenUp(readBy sql: String) throws(ParallaxError) -> [(source: String, offsets: Int64)] {
        guard try connection.query("SELECT to_regclass('parallax.accepted_gap') IS NOT NULL").rows[0].bool(0) == true else { return [] }
        return try connection.query(
            """
            \(Self.relationsRead)
            SELECT s.name, sum(g.next_offset - g.first_offset)::bigint
            FROM parallax.accepted_gap g JOIN parallax.source s USING (source_id)
            WHERE EXISTS (SELECT 1 FROM parallax.view w JOIN parallax.view_version v USING (view_id)
                          WHERE w.source_id = g.source_id AND \(Self.isRead))
            GROUP BY s.name ORDER BY s.name
            """, [.text(sql)]
        ).rows.map { ($0[0] ?? "", $0.int(1) ?? 0) }
    }
}
