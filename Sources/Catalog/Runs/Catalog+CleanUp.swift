import ParallaxCore
import Postgres

extension Catalog {
    /// Drops what no reader and no revert needs: all but the newest `keep` publications, the slices below the oldest kept one, batch rows that it
    /// no longer sees, versions that are neither served nor waiting. After a publication, outside its transaction.
    public func cleanUp(source id: Int64, keep: Int) throws(ParallaxError) {
        try foldDimensionChanges()
        try connection.query(
            """
            DELETE FROM parallax.publication WHERE source_id = $1 AND run_id NOT IN (
                SELECT run_id FROM parallax.publication WHERE source_id = $1 ORDER BY run_id DESC LIMIT $2)
            """, [.int(id), .int(Int64(max(1, keep)))])
        guard
            let oldest = try connection.query(
                "SELECT run_id, slice FROM parallax.publication WHERE source_id = $1 ORDER BY run_id LIMIT 1", [.int(id)]
            ).rows.first, let run = oldest.int(0), let slice = oldest.int(1)
        else { return }
        for version in try versions(ofSource: id) {
            let tables = StateTables(version)
            try connection.query("DELETE FROM \(tables.speedTable) WHERE slice < $1", [.int(slice)])
            try connection.query("DELETE FROM \(tables.batchTable) WHERE until_run <= $1", [.int(run)])
            try connection.query(
                "DELETE FROM parallax.touched_window WHERE version_id = $1 AND slice < $2", [.int(version.id), .int(slice)])
        }
        try connection.query("DELETE FROM parallax.boundary WHERE source_id = $1 AND slice < $2", [.int(id), .int(slice)])
        try connection.query("DELETE FROM parallax.rejected_live WHERE source_id = $1 AND slice < $2", [.int(id), .int(slice)])
        try connection.query("DELETE FROM parallax.rejected_batch WHERE source_id = $1 AND run_id < $2", [.int(id), .int(run)])
        try connection.query(
            "DELETE FROM parallax.run_dimension d USING parallax.run r WHERE r.run_id = d.run_id AND r.source_id = $1 AND r.run_id < $2",
            [.int(id), .int(run)])
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

    /// Versions that the served one has replaced. Their tables go when nobody reads them any more.
    private func dropRetired(ofSource id: Int64) throws(ParallaxError) {
        let retired = """
            SELECT v.version_id FROM parallax.view_version v JOIN parallax.view w USING (view_id)
            WHERE w.source_id = \(id) AND v.version_id < w.active_version_id
            """
        guard try !connection.query(retired).rows.isEmpty else { return }
        try quick.changing("versions that are served no more stay for now") { () throws(ParallaxError) in
            try connection.query("SELECT 1 FROM parallax.source WHERE source_id = $1 FOR NO KEY UPDATE", [.int(id)])
            try holdFlushes(ofSource: id)
            try connection.execute("DELETE FROM parallax.view_version WHERE version_id IN (\(retired))")
        }
    }
}
