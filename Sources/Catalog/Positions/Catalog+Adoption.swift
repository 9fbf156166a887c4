import ParallaxCore
import Postgres

/// How far a source is known to have gone in one partition: another log goes on behind all of it.
public struct KnownExtent: Sendable, Hashable {
    public var partition: Partition
    /// The speed layer has processed the offsets below it.
    public var processed: Offset
    /// The largest offset that anything in the catalog speaks of: positions, boundaries, the log's end as it was last seen.
    public var end: Offset
    public var witness: LogWitness?

    public init(partition: Partition, processed: Offset, end: Offset, witness: LogWitness? = nil) {
        self.partition = partition
        self.processed = processed
        self.end = end
        self.witness = witness
    }
}

extension Catalog {
    /// Sources whose definition names another topic than the one that they read.
    public func movedSources() throws(ParallaxError) -> [CatalogSource] {
        var moved: [CatalogSource] = []
        for source in try sources() {
            guard let former = try binding(source: source.id)?.binding.identity else { continue }
            if former.topic != source.definition.topic { moved.append(source) }
        }
        return moved
    }

    public func knownExtents(source id: SourceID) throws(ParallaxError) -> [KnownExtent] {
        try connection.query(
            """
            SELECT p.partition, p.next_offset,
                   greatest(p.next_offset, p.log_end, p.archived_offset,
                            (SELECT max(b.first_offset) FROM parallax.boundary b WHERE b.source_id = p.source_id AND b.partition = p.partition)),
                   p.witness_offset, p.witness_appended_at, p.witness_digest
            FROM parallax.partition_position p WHERE p.source_id = $1 ORDER BY p.partition
            """, [.source(id)]
        ).rows.map { row throws(ParallaxError) in
            try KnownExtent(partition: row.partition(0), processed: row.offset(1), end: row.offset(2), witness: Self.witness(row, at: 3))
        }
    }

    /// From now on the source's offsets are those of another log. Whoever holds a partition is fenced; every position goes to where the new log begins,
    /// in a slice of its own; what lies before it and was not processed is in no live row, and comes with the next publication, but for the gaps.
    /// One transaction. The archive has adopted the log before.
    public func adopt(
        source: CatalogSource, _ binding: LogBinding, gaps: [AcceptedGap], place: String
    ) throws(ParallaxError) {
        try changing("the log was not adopted") { () throws(ParallaxError) in
            try ensurePartitions(source: source.id, binding.starts.map(\.partition))
            let slice = try requestSlice(source: source.id)
            try holdFlushes(ofSource: source.id)
            try connection.query(
                """
                INSERT INTO parallax.source_log (source_id, binding, place) VALUES ($1, $2::jsonb, $3)
                ON CONFLICT (source_id) DO UPDATE SET binding = excluded.binding, place = excluded.place, bound_at = now()
                """, [.source(source.id), .text(try encodeStored(binding)), .text(place)])
            try recordGaps(gaps, source: source.id)
            for start in binding.starts {
                let partition = Int64(start.partition.rawValue)
                let row = try connection.query(
                    "SELECT next_offset, slice FROM parallax.partition_position WHERE source_id = $1 AND partition = $2",
                    [.source(source.id), .int(partition)]
                ).rows.first
                guard let row else { throw Self.sourceIsGone(source.id) }
                let position = try row.offset(0)
                guard position <= start.offset else {
                    throw ParallaxError(
                        .busy,
                        "partition \(partition) of source \"\(source.name)\" moved on to offset \(position) while its log was being adopted",
                        hint: "try again")
                }
                try closeSlices(
                    source: source.id, partition: start.partition, from: try row.slice(1), through: slice, at: start.offset,
                    processedUntil: position)
                try connection.query(
                    """
                    UPDATE parallax.partition_position
                    SET epoch = epoch + 1, \(Self.unowned),
                        next_offset = $3, slice = $4, log_end = $3, archived_offset = greatest(archived_offset, $3), witness_offset = NULL,
                        witness_appended_at = NULL, witness_digest = NULL, problem = NULL
                    WHERE source_id = $1 AND partition = $2
                    """, [.source(source.id), .int(partition), .int(start.offset.rawValue), .int(slice.rawValue)])
            }
        }
    }
}
