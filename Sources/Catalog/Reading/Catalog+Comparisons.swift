import ParallaxCore
import Postgres

/// What the runs' comparisons left, for whoever asks.
extension Catalog {
    /// The views in the schema `comparison` that Parallax made, with their marks.
    public func comparisonViews() throws(ParallaxError) -> [String: String] {
        let rows = try connection.query(
            """
            SELECT c.relname, obj_description(c.oid, 'pg_class') FROM pg_catalog.pg_class c
            WHERE c.relnamespace = to_regnamespace('comparison') AND c.relkind = 'v' AND obj_description(c.oid, 'pg_class') LIKE '%Made by Parallax%'
            """
        ).rows
        return Dictionary(try rows.map { row throws(ParallaxError) in (try row.text(0), try row.text(1)) }) { first, _ in first }
    }

    /// Types of the columns of `serving.<view>`, by name; empty where there is no such view.
    public func servedColumnTypes(of view: String) throws(ParallaxError) -> [String: String] {
        let rows = try connection.query(
            """
            SELECT a.attname, format_type(a.atttypid, a.atttypmod) FROM pg_catalog.pg_attribute a
            WHERE a.attrelid = to_regclass('serving.' || quote_ident($1)) AND a.attnum > 0 AND NOT a.attisdropped
            """, [.text(view)]
        ).rows
        return Dictionary(try rows.map { row throws(ParallaxError) in (try row.text(0), try row.text(1)) }) { first, _ in first }
    }

    /// The newest run that compared live rows of a version; where there is none, the newest that had nothing live to compare. Nil: none has compared it.
    public func newestComparison(of version: VersionID) throws(ParallaxError) -> RunNumber? {
        try connection.query(
            """
            SELECT coalesce(max(run_id) FILTER (WHERE coalesce(has_live_rows, groups > 0)), max(run_id))
            FROM parallax.drift WHERE version_id = $1
            """, [.version(version)]
        ).rows[0].optionalRun(0)
    }

    public func driftCauses(run: RunNumber, version: VersionID) throws(ParallaxError) -> [DriftCause] {
        let rows = try connection.query(
            "SELECT cause, groups, records FROM parallax.drift_cause WHERE run_id = $1 AND version_id = $2",
            [.int(run.rawValue), .version(version)]
        ).rows
        let found = try rows.map { row throws(ParallaxError) in
            // A newer Parallax may know more.
            DriftCause(
                cause: DriftCause.Kind(rawValue: try row.text(0)) ?? .unknown, groups: try row.int(1), records: try row.optionalInt(2))
        }
        return DriftCause.Kind.allCases.flatMap { kind in found.filter { $0.cause == kind } }
    }

    /// A value of a group column, and its part of an output's drift.
    public struct DriftGroup: Sendable, Hashable {
        public var output: String
        public var column: String
        public var value: String?
        public var groups: Int64
        public var difference: Double?
        public var share: Double?
    }

    public func driftGroups(run: RunNumber, version: VersionID) throws(ParallaxError) -> [DriftGroup] {
        try connection.query(
            """
            SELECT output, group_column, value, groups, difference, share FROM parallax.drift_group
            WHERE run_id = $1 AND version_id = $2 ORDER BY output, group_column, place
            """, [.int(run.rawValue), .version(version)]
        ).rows.map { row throws(ParallaxError) in
            try DriftGroup(
                output: row.text(0), column: row.text(1), value: row[2], groups: row.int(3), difference: row.optionalDouble(4),
                share: row.optionalDouble(5))
        }
    }

    /// A window that differs in one output. The output's name and figures are in `drift`.
    public struct DriftWindow: Sendable, Hashable {
        public var start: Instant
        public var drift: OutputDrift
    }

    /// The newest windows of a run that differ.
    public func driftWindows(run: RunNumber, version: VersionID, limit: Int) throws(ParallaxError) -> [DriftWindow] {
        try connection.query(
            """
            SELECT \(Self.micros("window_start")), output, groups, differing, only_merged, only_batch, merged_total, batch_total, max_difference,
                   mean_difference, p99_difference, max_relative, mean_relative, p99_relative
            FROM parallax.drift_window WHERE run_id = $1 AND version_id = $2 ORDER BY window_start DESC, output LIMIT $3
            """, [.int(run.rawValue), .version(version), .int(Int64(limit))]
        ).rows.map { row throws(ParallaxError) in
            var drift = try OutputDrift(
                output: row.text(1), groups: row.int(2), differing: row.int(3), onlyMerged: row.int(4), onlyBatch: row.int(5),
                mergedTotal: row.optionalDouble(6), batchTotal: row.optionalDouble(7), maxDifference: row.optionalDouble(8))
            drift.meanDifference = try row.optionalDouble(9)
            drift.p99Difference = try row.optionalDouble(10)
            drift.maxRelative = try row.optionalDouble(11)
            drift.meanRelative = try row.optionalDouble(12)
            drift.p99Relative = try row.optionalDouble(13)
            return DriftWindow(start: try row.instant(0), drift: drift)
        }
    }

    /// Rows of a comparison that are kept, and how many of them differ.
    public func comparedRows(run: RunNumber, version: VersionID) throws(ParallaxError) -> (kept: Int64, different: Int64) {
        let row = try connection.query(
            "SELECT count(*), count(*) FILTER (WHERE is_different) FROM parallax.compared_row WHERE run_id = $1 AND version_id = $2",
            [.int(run.rawValue), .version(version)]
        ).rows[0]
        return (try row.int(0), try row.int(1))
    }
}
