import ParallaxCore
import Postgres

/// What a speed worker looks at in every flush: cheap to read, and different as soon as there is something to follow.
public struct SourceControl: Hashable, Sendable {
    /// The newest slice that anyone asked for.
    public var requestedSlice: SliceNumber
    /// Equal as long as the source's definition and its view versions are.
    public var fingerprint: String
}

extension Catalog {
    /// Throws `.fenced` where the source is not there any more, `.configuration` where the control tables are
    /// another version's.
    public func control(source id: SourceID) throws(ParallaxError) -> SourceControl {
        let result = try connection.query(
            """
            SELECT s.requested_slice, \(Self.appliedMigrations), md5(s.definition::text || coalesce(
                (SELECT string_agg(concat_ws(' ', v.version_id, v.first_slice, w.active_version_id, v.state_table, md5(v.plan::text)), ','
                                   ORDER BY v.version_id)
                 FROM parallax.view_version v JOIN parallax.view w USING (view_id) WHERE w.source_id = s.source_id), ''))
            FROM parallax.source s WHERE s.source_id = $1
            """, [.source(id)])
        guard let row = result.rows.first else { throw Self.sourceIsGone(id) }
        try Self.checkVersion(row[1])
        return try SourceControl(requestedSlice: row.slice(0), fingerprint: row.text(2))
    }

    /// What was about to be written for it is not written.
    public static func sourceIsGone(_ id: SourceID) -> ParallaxError {
        ParallaxError(.fenced, "source \(id) is not in the catalog any more: the definitions that are applied do not name it")
    }

    /// The committed positions of the speed layer.
    public func positions(source id: SourceID) throws(ParallaxError) -> [Partition: Offset] {
        let rows = try connection.query(
            "SELECT partition, next_offset FROM parallax.partition_position WHERE source_id = $1", [.source(id)]
        ).rows
        var positions: [Partition: Offset] = [:]
        for row in rows { positions[try row.partition(0)] = try row.offset(1) }
        return positions
    }

    /// The ends of the source's log as the speed layer saw them last; nothing for a source that is not applied.
    public func logEnds(ofSource name: String) throws(ParallaxError) -> [Partition: Offset] {
        let rows = try connection.query(
            """
            SELECT partition, greatest(next_offset, log_end) FROM parallax.partition_position JOIN parallax.source USING (source_id)
            WHERE name = $1
            """, [.text(name)]
        ).rows
        return Dictionary(
            uniqueKeysWithValues: try rows.map { row throws(ParallaxError) in (try row.partition(0), try row.offset(1)) })
    }

    /// Inside a transaction, before the versions are read that the views of `serving` are written from: two writers of all sources' views would
    /// undo one another.
    public func lockServing() throws(ParallaxError) {
        try connection.execute("SELECT pg_advisory_xact_lock(\(LockClass.serving), 0)")
    }

    /// Gives one partition back. Nothing happens where it belongs to another worker by now.
    public func release(_ lease: PartitionLease) throws(ParallaxError) {
        try connection.query(
            """
            UPDATE parallax.partition_position SET \(Self.unowned)
            WHERE source_id = $1 AND partition = $2 AND epoch = $3
            """, [.source(lease.sourceID), .int(Int64(lease.partition.rawValue)), .epoch(lease.epoch)])
    }
}
