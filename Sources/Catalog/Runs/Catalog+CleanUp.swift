import MergeLaw
import ParallaxCore
import Postgres

extension Catalog {
    /// Drops what no reader and no revert needs: all but the newest `keep` publications, the slices below the oldest kept one, batch rows that it
    /// no longer sees, versions that are neither served nor waiting, and that no kept publication served. After a publication, outside its transaction.
    public func cleanUp(source id: SourceID, keep: Int) throws(ParallaxError) {
        try foldDimensionChanges()
        try connection.query(
            """
            DELETE FROM parallax.publication WHERE source_id = $1 AND run_id NOT IN (
                SELECT run_id FROM parallax.publication WHERE source_id = $1 ORDER BY run_id DESC LIMIT $2)
            """, [.source(id), .int(Int64(max(1, keep)))])
        let oldest = try connection.query(
            "SELECT run_id, slice FROM parallax.publication WHERE source_id = $1 ORDER BY run_id LIMIT 1", [.source(id)]
        ).rows.first
        guard let oldest else { return }
        let (run, slice) = (try oldest.int(0), try oldest.int(1))
        // Before the rows go that tell what changed.
        try followNoMore(before: RunNumber(run), source: id)
        for version in try versions(ofSource: id) {
            let tables = StateTables(version)
            try connection.query("DELETE FROM \(tables.speedTable) WHERE slice < $1", [.int(slice)])
            try connection.query("DELETE FROM \(tables.batchTable) WHERE until_run <= $1", [.int(run)])
            try connection.query(
                "DELETE FROM parallax.touched_window WHERE version_id = $1 AND slice < $2", [.version(version.id), .int(slice)])
        }
        try connection.query("DELETE FROM parallax.boundary WHERE source_id = $1 AND slice < $2", [.source(id), .int(slice)])
        try connection.query("DELETE FROM parallax.left_out WHERE source_id = $1 AND slice < $2", [.source(id), .int(slice)])
        try connection.query("DELETE FROM parallax.rejected_live WHERE source_id = $1 AND slice < $2", [.source(id), .int(slice)])
        try connection.query("DELETE FROM parallax.rejected_batch WHERE source_id = $1 AND run_id < $2", [.source(id), .int(run)])
        try connection.query(
            "DELETE FROM parallax.run_dimension d USING parallax.run r WHERE r.run_id = d.run_id AND r.source_id = $1 AND r.run_id < $2",
            [.source(id), .int(run)])
        // Each by itself: the first error is thrown when all of it has been tried.
        var left: [String] = []
        var first: ParallaxError?
        do { try dropRetired(ofSource: id) } catch { first = error }
        do { left = try dropUnnamedTables() } catch { first = first ?? error }
        do { try dropLeavingDimensions() } catch { first = first ?? error }
        if let first { throw first }
        if !left.isEmpty {
            throw ParallaxError(
                .busy, "state tables that no view needs any more stay for now", detail: left.joined(separator: "\n"),
                hint: "the next clean-up tries again")
        }
    }

    /// Over `v` and its view `w`: no revert can bring the version back. One that joins tables is not kept: those may go with the definitions that
    /// named them; nor is one whose live rows PostgreSQL refuses: it would hold up its source.
    static let isGivenUp = """
        (v.served_until IS NULL OR v.speed_problem IS NOT NULL OR coalesce(jsonb_array_length(v.plan -> 'lookups'), 0) > 0
         OR NOT EXISTS (SELECT FROM parallax.publication k WHERE k.source_id = w.source_id AND k.run_id < v.served_until))
        """

    /// Versions that the served one has replaced. Their tables go when nobody reads them any more.
    private func dropRetired(ofSource id: SourceID) throws(ParallaxError) { _ = try dropRetired(ofSource: id, where: Self.isGivenUp) }

    /// A version that a revert could bring back, and whose live rows PostgreSQL refuses: it holds up nobody. False where it is another one.
    public func dropRetired(_ version: VersionID, ofSource id: SourceID) throws(ParallaxError) -> Bool {
        try dropRetired(ofSource: id, where: "v.version_id = \(version)")
    }

    private func dropRetired(ofSource id: SourceID, where condition: String) throws(ParallaxError) -> Bool {
        let retired = """
            SELECT v.version_id FROM parallax.view_version v JOIN parallax.view w USING (view_id)
            WHERE w.source_id = \(id) AND v.version_id < w.active_version_id AND \(condition)
            """
        guard try !connection.query(retired).rows.isEmpty else { return false }
        return try quick.changing("versions that are served no more stay for now") { () throws(ParallaxError) in
            try lockSource(id)
            try holdFlushes(ofSource: id)
            return try !connection.query("DELETE FROM parallax.view_version WHERE version_id IN (\(retired)) RETURNING 1").rows.isEmpty
        }
    }

    /// Takes the sketches from rows that will not be merged with live rows any more: their windows are closed for the speed layer, and no
    /// kept slice touches them. A sketch weighs up to 10 kB, a row without it a hundred bytes.
    ///
    /// In place, also in rows that readers see: the merged view reads a sketch only where its window has live rows.
    ///
    /// - Parameter horizon: see `sketchHorizon`.
    public func dropStaleSketches(ofSource id: SourceID, horizon: Instant) throws(ParallaxError) {
        for version in try versions(ofSource: id) {
            guard let kind = version.plan.window?.kind, version.plan.keepsSketches != true else { continue }
            let tables = StateTables(version)
            let sketches = tables.batch.states.filter(\.isSketch).map(\.name)
            guard let hasSketch = tables.hasSketch else { continue }
            let (isClosed, bound) = WindowSQL.closed(kind, horizon: horizon, parameter: 2)
            guard let bound else { continue }
            let isTouched =
                kind.sessionGap.map { SessionSQL.mayReach(atom: "t.window_start", row: "b", gap: $0) } ?? "t.window_start = b.window_start"
            try connection.query(
                """
                UPDATE \(tables.batchTable) b SET \(sketches.map { "\($0) = NULL" }.joined(separator: ", "))
                WHERE \(hasSketch) AND \(isClosed)
                  AND NOT EXISTS (SELECT 1 FROM parallax.touched_window t
                                  WHERE t.version_id = $1 AND \(isTouched))
                """, [.version(version.id), .int(bound.rawValue)])
        }
    }
}
