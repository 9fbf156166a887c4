import Catalog
import Columns
import MergeLaw
import Operators
import ParallaxCore
import Postgres
import SpeedLayer
import ViewLanguage

/// The way of a delta into its state table: COPY into a temporary table, then one upsert in key order.
///
/// Two workers add to the same groups, and each holds its row locks until it commits. All of them lock in the same order (view version, then
/// key), so that they wait for one another but never in a circle.
struct StagingTables {
    /// Versions whose temporary table is known to be there. The connection may have more: of a feed before this one.
    private var made: Set<VersionID> = []

    /// Rows of one COPY message or so.
    private static let rowsPerMessage = 512

    private static func name(_ version: VersionID) -> String { "pg_temp.delta_\(version)" }

    /// Outside a transaction, so that a rollback does not take the tables away.
    mutating func prepare(_ deltas: [SpeedFlush.Delta], _ connection: Connection, _ place: FlushPlace) throws(ParallaxError) {
        for delta in deltas where delta.rows.count > 0 && !made.contains(delta.view.id) {
            place.view = delta.view
            // A feed before this one on the connection may have made it. It fits: a version's state tables never change their columns.
            try connection.execute(
                "CREATE TEMPORARY TABLE IF NOT EXISTS \(Self.name(delta.view.id)) (\(delta.rows.layout.columnDefinitions)) ON COMMIT DELETE ROWS"
            )
            made.insert(delta.view.id)
        }
    }

    /// Inside the flush's transaction.
    func add(_ delta: SpeedFlush.Delta, to tables: StateTables, slice: SliceNumber, _ connection: Connection) throws(ParallaxError) {
        guard delta.rows.count > 0 else { return }
        let stage = Self.name(delta.view.id)
        let layout = delta.rows.layout
        let columns = layout.columns.map(\.name).joined(separator: ", ")
        var next = 0
        try connection.copyIn("COPY \(stage) (\(columns)) FROM STDIN") { buffer throws(ParallaxError) in
            let end = min(next + Self.rowsPerMessage, delta.rows.count)
            delta.rows.appendCopyText(rows: next..<end, prefix: [], to: &buffer)
            next = end
            return next < delta.rows.count
        }
        try connection.query(Self.upsert(layout, tables: tables, stage: stage), [.int(slice.rawValue)])
    }

    static func upsert(_ layout: StateLayout, tables: StateTables, stage: String) -> String {
        let columns = layout.columns.map(\.name).joined(separator: ", ")
        let keys = layout.keys.map(\.name)
        var assignments = layout.states.map { StateSQL.upsertAssignment($0, plan: tables.plan, target: "t") }
        // A row that stays as it is has not changed.
        if !assignments.isEmpty { assignments.append("flushed_by = excluded.flushed_by") }
        return """
            INSERT INTO \(tables.speedTable) AS t (slice, flushed_by, \(columns))
            SELECT $1::bigint, (SELECT pg_current_xact_id()), \(columns) FROM \(stage)\(keys.isEmpty ? "" : " ORDER BY \(keys.joined(separator: ", "))")
            ON CONFLICT (\((keys + ["slice"]).joined(separator: ", "))) \
            DO \(assignments.isEmpty ? "NOTHING" : "UPDATE SET \(assignments.joined(separator: ", "))")
            """
    }
}
