import ParallaxCore
import Postgres

extension Catalog {
    /// Makes gaps that a person accepted part of the answers (I7). What is recorded already stays as it is: the archive's manifest says the same
    /// again and again. Whoever moves a position over a gap does it in the same transaction or a later one, so that no snapshot shows the one
    /// without the other.
    ///
    /// Rows of any window may not be exact any more: who follows a view begins anew.
    public func recordGaps(_ gaps: [AcceptedGap], source id: SourceID) throws(ParallaxError) {
        guard !gaps.isEmpty else { return }
        if connection.isInTransaction {
            if try addGaps(gaps, source: id) { try recordChange(source: id, .reset) }
        } else {
            try connection.transaction { () throws(ParallaxError) in
                if try addGaps(gaps, source: id) { try recordChange(source: id, .reset) }
            }
        }
    }

    /// - Returns: whether one of them was not known.
    private func addGaps(_ gaps: [AcceptedGap], source id: SourceID) throws(ParallaxError) -> Bool {
        var added = 0
        for gap in gaps {
            added += try connection.query(
                """
                INSERT INTO parallax.accepted_gap (source_id, partition, first_offset, next_offset, accepted_at, events_from, events_until)
                VALUES ($1, $2, $3, $4, \(Self.instant("$5")), CASE WHEN $6::bigint IS NULL THEN '-infinity' ELSE \(Self.instant("$6")) END,
                        CASE WHEN $7::bigint IS NULL THEN 'infinity' ELSE \(Self.instant("$7")) END)
                ON CONFLICT DO NOTHING
                """,
                [
                    .source(id), .int(Int64(gap.partition.rawValue)), .int(gap.offsets.lowerBound.rawValue),
                    .int(gap.offsets.upperBound.rawValue),
                    .int(gap.acceptedAt.rawValue), gap.eventsFrom.map { .int($0.rawValue) } ?? .null,
                    gap.eventsUntil.map { .int($0.rawValue) } ?? .null,
                ]
            ).affectedRows
        }
        return added > 0
    }

    /// In the order of partitions and offsets.
    public func acceptedGaps(source id: SourceID, until deadline: ContinuousClock.Instant? = nil) throws(ParallaxError) -> [AcceptedGap] {
        try connection.queryPrepared(
            """
            SELECT partition, first_offset, next_offset, \(Self.micros("accepted_at")),
                   CASE WHEN isfinite(events_from) THEN \(Self.micros("events_from")) END,
                   CASE WHEN isfinite(events_until) THEN \(Self.micros("events_until")) END
            FROM parallax.accepted_gap WHERE source_id = $1 ORDER BY partition, first_offset
            """, [.source(id)], until: deadline
        ).rows.map { row throws(ParallaxError) in
            let (first, next) = (try row.offset(1), try row.offset(2))
            return try AcceptedGap(
                partition: row.partition(0), offsets: first..<next, acceptedAt: row.instant(3), eventsFrom: row.optionalInstant(4),
                eventsUntil: row.optionalInstant(5))
        }
    }

    /// What rows up to a cut were computed without, as a run and a publication keep it: the same text for the same offsets, however they were given up.
    public static func givenUp(_ gaps: [AcceptedGap], below cut: Cut) -> String {
        var stretches: [(partition: Partition, offsets: Range<Offset>)] = []
        let sorted = gaps.sorted { ($0.partition, $0.offsets.lowerBound) < ($1.partition, $1.offsets.lowerBound) }
        for gap in sorted where gap.offsets.lowerBound < cut[gap.partition] {
            let end = min(gap.offsets.upperBound, cut[gap.partition])
            if let last = stretches.last, last.partition == gap.partition, last.offsets.upperBound >= gap.offsets.lowerBound {
                stretches[stretches.count - 1].offsets = last.offsets.lowerBound..<max(last.offsets.upperBound, end)
            } else {
                stretches.append((gap.partition, gap.offsets.lowerBound..<end))
            }
        }
        return stretches.map { "\($0.partition):\($0.offsets.lowerBound)-\($0.offsets.upperBound)" }.joined(separator: " ")
    }

    /// What `givenUp(_:below:)` says, read again; nil: nothing is known.
    private static func stretches(_ givenUp: String?) -> [(partition: Partition, offsets: Range<Offset>)] {
        (givenUp ?? "").split(separator: " ").compactMap { text in
            let numbers = text.split { $0 == ":" || $0 == "-" }.compactMap { Int64($0) }
            guard numbers.count == 3, numbers[1] <= numbers[2] else { return nil }
            return (Partition(Int(numbers[0])), Offset(numbers[1])..<Offset(numbers[2]))
        }
    }

    /// Those of the gaps that rows were computed without.
    ///
    /// - Parameter givenUp: what `givenUp(_:below:)` said for them; nil: nothing is known.
    static func leftOut(_ gaps: [AcceptedGap], by givenUp: String?) -> Set<AcceptedGap> {
        let stretches = stretches(givenUp)
        return Set(
            gaps.filter { gap in
                stretches.contains {
                    $0.partition == gap.partition && $0.offsets.lowerBound <= gap.offsets.lowerBound
                        && gap.offsets.upperBound <= $0.offsets.upperBound
                }
            })
    }

    /// Takes gaps back while a run is being published: those below its cut that it could read, because the archive had their records.
    ///
    /// - Returns: whether there were any.
    func takeBackGaps(_ run: CatalogRun, below cut: Cut) throws(ParallaxError) -> Bool {
        let row = try connection.query("SELECT given_up FROM parallax.run WHERE run_id = $1", [.int(run.number.rawValue)]).rows.first
        // A run from before that was kept says nothing.
        guard let givenUp = row?[0] else { return false }
        var taken = false
        let gaps = try acceptedGaps(source: run.sourceID)
        let stretches = Self.stretches(givenUp)
        for gap in gaps where gap.offsets.upperBound <= cut[gap.partition] {
            guard !stretches.contains(where: { $0.partition == gap.partition && $0.offsets.overlaps(gap.offsets) }) else { continue }
            try connection.query(
                "DELETE FROM parallax.accepted_gap WHERE source_id = $1 AND partition = $2 AND first_offset = $3",
                [.source(run.sourceID), .int(Int64(gap.partition.rawValue)), .int(gap.offsets.lowerBound.rawValue)])
            taken = true
        }
        return taken
    }

    /// Brings gaps back when an older publication is shown again: what it was computed without is in no answer, whatever was taken back since.
    /// Which event times the gaps may have had is not known any more.
    ///
    /// - Returns: whether there were any.
    func giveUpAgain(whatLacks run: RunNumber, _ source: SourceID) throws(ParallaxError) -> Bool {
        let known = try acceptedGaps(source: source)
        var added = false
        for stretch in Self.stretches(try givenUp(by: run, source: source)) {
            var first = stretch.offsets.lowerBound
            var lacking: [Range<Offset>] = []
            for gap in known where gap.partition == stretch.partition && gap.offsets.overlaps(stretch.offsets) {
                if first < gap.offsets.lowerBound { lacking.append(first..<gap.offsets.lowerBound) }
                first = max(first, gap.offsets.upperBound)
            }
            if first < stretch.offsets.upperBound { lacking.append(first..<stretch.offsets.upperBound) }
            let gaps = lacking.map { AcceptedGap(partition: stretch.partition, offsets: $0, acceptedAt: systemClock()) }
            if try addGaps(gaps, source: source) { added = true }
        }
        return added
    }

    /// A speed layer that stands within records that a person gave up goes on behind them. Whoever holds the partition is fenced, reads the
    /// position anew and begins there. One that stands before them does not move: what is between is in the archive, and a batch run carries
    /// the position over it.
    public func passOver(_ gap: AcceptedGap, source id: SourceID) throws(ParallaxError) {
        try connection.query(
            """
            UPDATE parallax.partition_position SET next_offset = $4, epoch = epoch + 1, log_end = greatest(log_end, $4)
            WHERE source_id = $1 AND partition = $2 AND next_offset >= $3 AND next_offset < $4
            """,
            [
                .source(id), .int(Int64(gap.partition.rawValue)), .int(gap.offsets.lowerBound.rawValue),
                .int(gap.offsets.upperBound.rawValue),
            ])
    }

    /// The sources with accepted gaps that a statement may read through views, and how many offsets each lacks.
    public func givenUp(readBy sql: String) throws(ParallaxError) -> [(source: String, offsets: Int64)] {
        guard try connection.query("SELECT to_regclass('parallax.accepted_gap') IS NOT NULL").rows[0].bool(0) else { return [] }
        return try connection.query(
            """
            \(Self.relationsRead)
            SELECT s.name, sum(g.next_offset - g.first_offset)::bigint
            FROM parallax.accepted_gap g JOIN parallax.source s USING (source_id)
            WHERE EXISTS (SELECT 1 FROM parallax.view w JOIN parallax.view_version v USING (view_id)
                          WHERE w.source_id = g.source_id AND \(Self.isRead))
            GROUP BY s.name ORDER BY s.name
            """, [.text(sql)]
        ).rows.map { row throws(ParallaxError) in (try row.text(0), try row.int(1)) }
    }
}
