import ParallaxCore
import Postgres

/// Which records the speed layer put into no view: a run that compares the layers counts them, each where it belongs.
extension Catalog {
    /// Inside the flush's transaction.
    ///
    /// - Parameter first: where the flush's records of the partition begin.
    public func recordLeftOut(
        _ records: LeftOutRecords, source id: SourceID, partition: Partition, slice: SliceNumber, from first: Offset
    ) throws(ParallaxError) {
        try connection.query(
            """
            INSERT INTO parallax.left_out (source_id, partition, first_offset, slice, late, duplicates, rejected, is_complete)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
            """,
            [
                .source(id), .int(Int64(partition.rawValue)), .int(first.rawValue), .int(slice.rawValue), .ints(records.late.bounds),
                .ints(records.duplicates.bounds), .ints(records.rejected.bounds), .bool(records.isComplete),
            ])
    }

    /// Of the records between the run's base and its cut, by partition. Nil where the speed layer did not write them down yet when it read them.
    public func leftOut(of run: CatalogRun) throws(ParallaxError) -> [Partition: LeftOutRecords]? {
        guard try wasLeftOutWrittenDown(since: run.base, source: run.sourceID) else { return nil }
        let rows = try connection.query(
            """
            SELECT partition, array_to_string(late, ','), array_to_string(duplicates, ','), array_to_string(rejected, ','), is_complete FROM parallax.left_out
            WHERE source_id = $1 AND slice >= $2 AND slice < $3 ORDER BY partition, first_offset
            """, [.source(run.sourceID), .int(run.base.slice.rawValue), .int(run.slice.rawValue)]
        ).rows
        var found: [Partition: LeftOutRecords] = [:]
        for row in rows {
            var records = LeftOutRecords()
            records.late = try Self.ranges(row, 1)
            records.duplicates = try Self.ranges(row, 2)
            records.rejected = try Self.ranges(row, 3)
            records.isComplete = try row.bool(4)
            found[try row.partition(0), default: LeftOutRecords()].add(records)
        }
        return found
    }

    /// Not where the base was published by an older binary: of what was read before the control tables were brought up to date nobody wrote it down.
    private func wasLeftOutWrittenDown(since base: Published, source id: SourceID) throws(ParallaxError) -> Bool {
        guard base.run != .none else { return true }
        return try !connection.query(
            """
            SELECT FROM parallax.publication p JOIN parallax.migration m ON m.number = $3 AND p.published_at > m.applied_at
            WHERE p.source_id = $1 AND p.run_id = $2
            """, [.source(id), .int(base.run.rawValue), .int(Int64(migration18.number))]
        ).rows.isEmpty
    }

    private static func ranges(_ row: QueryResult.Row, _ column: Int) throws(ParallaxError) -> OffsetRanges {
        let numbers = try row.text(column).split(separator: ",").map { Int64($0) }
        guard !numbers.contains(nil), let ranges = OffsetRanges(bounds: numbers.compactMap(\.self)) else {
            throw ParallaxError(.corrupt, "offsets that the speed layer left out do not ascend", detail: "table parallax.left_out")
        }
        return ranges
    }
}
