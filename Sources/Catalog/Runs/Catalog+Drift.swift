import ParallaxCore
import Postgres

/// How far a run found the layers to be apart. What is written here is written in one transaction that holds the run's fence.
extension Catalog {
    /// What the merged view said of one output, against what the run found.
    public func recordDrift(_ drift: OutputDrift, run: RunNumber, version id: VersionID, hasLiveRows: Bool?) throws(ParallaxError) {
        func parameter(_ value: Double?) -> Parameter { value.map { .double($0) } ?? .null }
        func parameter(_ value: Int64?) -> Parameter { value.map { .int($0) } ?? .null }
        try connection.query(
            """
            INSERT INTO parallax.drift (run_id, version_id, output, groups, differing, only_merged, only_batch, merged_total, batch_total,
                                        max_difference, share, has_live_rows, mean_difference, p99_difference, max_relative, mean_relative,
                                        p99_relative, windows, differing_windows)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)
            """,
            [
                .int(run.rawValue), .version(id), .text(drift.output), .int(drift.groups), .int(drift.differing), .int(drift.onlyMerged),
                .int(drift.onlyBatch), parameter(drift.mergedTotal), parameter(drift.batchTotal), parameter(drift.maxDifference),
                parameter(drift.share), hasLiveRows.map { .bool($0) } ?? .null, parameter(drift.meanDifference),
                parameter(drift.p99Difference), parameter(drift.maxRelative), parameter(drift.meanRelative), parameter(drift.p99Relative),
                parameter(drift.windows), parameter(drift.differingWindows),
            ])
    }

    /// - Parameter windows: a SELECT of window starts and figures, in the table's order.
    public func recordDriftWindows(_ windows: String, of output: String, run: RunNumber, version id: VersionID) throws(ParallaxError) {
        try connection.query(
            """
            INSERT INTO parallax.drift_window (run_id, version_id, output, window_start, groups, differing, only_merged, only_batch, merged_total,
                                               batch_total, max_difference, mean_difference, p99_difference, max_relative, mean_relative,
                                               p99_relative)
            SELECT $1::bigint, $2::integer, $3::text, q.* FROM (\(windows)) q
            """, [.int(run.rawValue), .version(id), .text(output)])
    }

    /// - Parameter groups: a SELECT of place, value, groups, difference and share.
    public func recordDriftGroups(
        _ groups: String, of output: String, column: String, run: RunNumber, version id: VersionID
    ) throws(ParallaxError) {
        try connection.query(
            """
            INSERT INTO parallax.drift_group (run_id, version_id, output, group_column, place, value, groups, difference, share)
            SELECT $1::bigint, $2::integer, $3::text, $4::text, q.* FROM (\(groups)) q
            """, [.int(run.rawValue), .version(id), .text(output), .text(column)])
    }

    public func recordDriftCauses(_ causes: [DriftCause], run: RunNumber, version id: VersionID) throws(ParallaxError) {
        for cause in causes {
            try connection.query(
                "INSERT INTO parallax.drift_cause (run_id, version_id, cause, groups, records) VALUES ($1, $2, $3, $4, $5)",
                [
                    .int(run.rawValue), .version(id), .text(cause.cause.rawValue), .int(cause.groups),
                    cause.records.map { .int($0) } ?? .null,
                ])
        }
    }

    /// - Parameter rows: a SELECT of what the table holds behind run and version.
    public func recordComparedRows(_ rows: String, run: RunNumber, version id: VersionID) throws(ParallaxError) {
        try connection.query(
            """
            INSERT INTO parallax.compared_row (run_id, version_id, place, window_start, is_different, causes, late, duplicates, healed, live, batch)
            SELECT $1::bigint, $2::integer, q.* FROM (\(rows)) q
            """, [.int(run.rawValue), .version(id)])
    }

    /// Whether the layers rejected other records of a view, or of its source, between the run's base and its cut.
    public func rejectedDifferently(_ run: CatalogRun, view: String) throws(ParallaxError) -> Bool {
        try connection.query(
            """
            SELECT coalesce((SELECT sum(rejected) FROM parallax.rejected_live
                             WHERE source_id = $1 AND slice >= $2 AND slice < $3 AND view_name IN ('', $6)), 0)
                <> coalesce((SELECT sum(CASE run_id WHEN $5 THEN rejected ELSE -rejected END) FROM parallax.rejected_batch
                             WHERE source_id = $1 AND run_id IN ($4, $5) AND view_name IN ('', $6)), 0)
            """,
            [
                .source(run.sourceID), .int(run.base.slice.rawValue), .int(run.slice.rawValue), .int(run.base.run.rawValue),
                .int(run.number.rawValue), .text(view),
            ]
        ).rows[0].bool(0)
    }

    /// Rows, windows and groups of comparisons are kept for the newest `keep` runs of a source that compared anything; what is said of whole views stays.
    public func forgetComparisons(ofSource id: SourceID, keep: Int) throws(ParallaxError) {
        let old = """
            WITH compared AS (SELECT DISTINCT d.run_id FROM parallax.drift d JOIN parallax.run r USING (run_id) WHERE r.source_id = $1),
            kept AS (SELECT run_id FROM compared ORDER BY run_id DESC LIMIT $2)
            """
        for table in ["compared_row", "drift_window", "drift_group"] {
            try connection.query(
                """
                \(old) DELETE FROM parallax.\(table) c USING compared o
                WHERE c.run_id = o.run_id AND o.run_id NOT IN (SELECT run_id FROM kept)
                """, [.source(id), .int(Int64(max(0, keep)))])
        }
    }
}
