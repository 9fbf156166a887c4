import ParallaxCore
import Postgres
import ViewLanguage

extension Catalog {
    /// Makes the catalog and the state tables what the definitions say, in one transaction; `refreshServing` then writes the merged
    /// views (the serving layer's work) inside it.
    ///
    /// A view that begins with its source's log is complete at once and served live. One that comes later joins at a slice of its
    /// own and becomes visible with the first run that is published after that; until then the old version, if any, is served.
    ///
    /// - Parameter holding: versions that would take the place of a served one wait for `promote`.
    public func apply(
        _ definitions: Definitions, partitions: [String: Int], holding: Bool = false,
        refreshServing: (Connection) throws(ParallaxError) -> Void
    ) throws(ParallaxError) {
        var extensions: Set<String> = []
        for view in definitions.views { extensions.formUnion(StateTables.extensions(for: view.plan)) }
        try Catalog.createExtensions(connection, needed: extensions)
        try connection.transaction { () throws(ParallaxError) in
            try connection.execute("SELECT pg_advisory_xact_lock(\(LockClass.apply), 0)")
            for dimension in definitions.dimensions { try applyDimension(dimension) }
            for source in definitions.sources {
                try applySource(source, partitions: partitions[source.name] ?? 1)
            }
            for view in definitions.views { try applyView(view, holding: holding) }
            try dropViews(except: definitions.views.map(\.name))
            try checkHeld()
            try connection.execute("DELETE FROM parallax.overlay")
            for (position, overlay) in definitions.overlays.enumerated() {
                try connection.query(
                    "INSERT INTO parallax.overlay (name, select_text, position) VALUES ($1, $2, $3)",
                    [.text(overlay.name), .text(overlay.selectText), .int(Int64(position))])
            }
            try refreshServing(connection)
            try dropDimensions(except: definitions.dimensions.map(\.name))
        }
    }

    private func applySource(_ source: SourceDefinition, partitions: Int) throws(ParallaxError) {
        let id =
            try connection.query(
                """
                INSERT INTO parallax.source (name, definition) VALUES ($1, $2::jsonb)
                ON CONFLICT (name) DO UPDATE SET definition = excluded.definition RETURNING source_id
                """, [.text(source.name), .text(try encodeStored(source))]
            ).rows[0].int(0) ?? 0
        // Flushes and new owners wait until the definitions are in place. Else one that begins now could process records that a view which
        // "begins with the log" never sees, or write to a table that is being dropped.
        try holdFlushes(ofSource: id)
        try connection.query(
            "INSERT INTO parallax.published (source_id, run, slice) VALUES ($1, 0, 1) ON CONFLICT DO NOTHING", [.int(id)])
        try connection.query("INSERT INTO parallax.watermark (source_id) VALUES ($1) ON CONFLICT DO NOTHING", [.int(id)])
        try ensurePartitions(source: id, (0..<partitions).map { Partition($0) })
        try renumberPlans(ofSource: id, over: source)
    }

    /// Inside a transaction: no flush of the source begins or ends before it does.
    func holdFlushes(ofSource id: Int64) throws(ParallaxError) {
        try connection.query(
            "SELECT 1 FROM parallax.partition_position WHERE source_id = $1 ORDER BY partition FOR UPDATE", [.int(id)])
    }

    /// Stored plans number the source's columns. Those that read only what the source still has go on over its new form, under the same version;
    /// the others keep the form that they were compiled for, until the versions that take their place are published.
    private func renumberPlans(ofSource id: Int64, over source: SourceDefinition) throws(ParallaxError) {
        for version in try versions(ofSource: id) {
            guard let plan = version.plan.rebound(to: source), plan != version.plan else { continue }
            try connection.query(
                "UPDATE parallax.view_version SET plan = $2::jsonb WHERE version_id = $1",
                [.int(version.id), .text(try encodeStored(plan))])
        }
    }

    /// Partitions that the catalog does not know yet begin at offset 0, in the slice that is open now.
    public func ensurePartitions(source id: Int64, _ partitions: [Partition]) throws(ParallaxError) {
        try connection.query(
            """
            WITH added AS (
                INSERT INTO parallax.partition_position (source_id, partition, slice)
                SELECT s.source_id, p, s.requested_slice
                FROM parallax.source s, unnest($2::bigint[]) p WHERE s.source_id = $1
                ON CONFLICT DO NOTHING RETURNING source_id, partition, slice)
            INSERT INTO parallax.boundary (source_id, slice, partition, first_offset, processed_until)
            SELECT source_id, slice, partition, 0, 0 FROM added
            """, [.int(id), .ints(partitions.map { Int64($0.rawValue) })])
    }

    private func applyView(_ view: ViewDefinition, holding: Bool) throws(ParallaxError) {
        let sourceID =
            try connection.query("SELECT source_id FROM parallax.source WHERE name = $1", [.text(view.plan.source.name)]).rows[0].int(0)
            ?? 0
        // A view that moves to another source is another view of the same name.
        for row in try connection.query(
            "SELECT view_id FROM parallax.view WHERE name = $1 AND source_id <> $2", [.text(view.name), .int(sourceID)]
        ).rows { try dropView(row.int(0) ?? 0, name: view.name) }
        let viewID =
            try connection.query(
                """
                INSERT INTO parallax.view (source_id, name, max_drift) VALUES ($1, $2, $3)
                ON CONFLICT (name) DO UPDATE SET source_id = excluded.source_id, max_drift = excluded.max_drift RETURNING view_id
                """, [.int(sourceID), .text(view.name), view.maxDrift.map { .double($0) } ?? .null]
            ).rows[0].int(0) ?? 0
        let active = try connection.query("SELECT active_version_id FROM parallax.view WHERE view_id = $1", [.int(viewID)]).rows[0].int(0)
        // Retired versions that the last clean-up has not met.
        if let active { try dropVersions(ofView: viewID, condition: "version_id < \(active)") }
        let existing = try connection.query(
            "SELECT version_id FROM parallax.view_version WHERE view_id = $1 AND hash = $2", [.int(viewID), .text(view.version)])
        if let row = existing.rows.first {
            // The same meaning, perhaps other words or a source that gained a column: the text and the plan's numbering may change.
            try connection.query(
                """
                UPDATE parallax.view_version SET plan = $2::jsonb, select_text = $3, definition = $4, is_held = is_held OR $5
                WHERE version_id = $1
                """,
                [
                    .int(row.int(0) ?? 0), .text(try encodeStored(view.plan)), .text(view.selectText), .text(view.definitionText),
                    .bool(holding && active != nil && active != row.int(0)),
                ])
            // Versions that were waiting for their first run and are not wanted any more.
            try dropVersions(ofView: viewID, condition: "version_id > \(row.int(0) ?? 0)")
            return
        }
        // Versions that were never served give way; the active one serves until the new one is published.
        try dropVersions(ofView: viewID, condition: "version_id <> \(active ?? 0)")

        // Nothing processed, nothing published: the view begins with the log. Otherwise a slice of its own begins for it.
        let begins =
            try connection.query(
                """
                SELECT NOT EXISTS (SELECT 1 FROM parallax.partition_position WHERE source_id = $1 AND (next_offset > 0 OR owner IS NOT NULL))
                       AND requested_slice = 1 FROM parallax.source WHERE source_id = $1
                """, [.int(sourceID)]
            ).rows[0].bool(0) ?? false
        let slice =
            begins
            ? SliceNumber.first
            : try requestSlice(source: sourceID)
        let version =
            try connection.query(
                """
                INSERT INTO parallax.view_version (view_id, hash, plan, select_text, definition, state_table, first_slice, is_held)
                VALUES ($1, $2, $3::jsonb, $4, $5, '', $6, $7) RETURNING version_id
                """,
                [
                    .int(viewID), .text(view.version), .text(try encodeStored(view.plan)), .text(view.selectText),
                    .text(view.definitionText), .int(slice.rawValue), .bool(holding && active != nil),
                ]
            ).rows[0].int(0) ?? 0
        let table = Self.stateTableName(view: view.name, version: version)
        try connection.query("UPDATE parallax.view_version SET state_table = $2 WHERE version_id = $1", [.int(version), .text(table)])
        for statement in StateTables(plan: view.plan, stateTable: table).createStatements() { try connection.execute(statement) }
        if begins, !(holding && active != nil) {
            try connection.query("UPDATE parallax.view SET active_version_id = $2 WHERE view_id = $1", [.int(viewID), .int(version)])
        }
    }

    /// Asks for a new slice: every partition's owner closes the current one at its next flush.
    public func requestSlice(source id: Int64) throws(ParallaxError) -> SliceNumber {
        let row = try connection.query(
            "UPDATE parallax.source SET requested_slice = requested_slice + 1 WHERE source_id = $1 RETURNING requested_slice", [.int(id)]
        ).rows[0]
        return SliceNumber(row.int(0) ?? 0)
    }

    /// PostgreSQL cuts identifiers at 63 bytes: the view's name is cut here, the version's number keeps the table's name unique.
    static func stateTableName(view: String, version: Int64) -> String {
        var name = ""
        for character in view {
            guard name.utf8.count + String(character).utf8.count <= 40 else { break }
            name.append(character)
        }
        return "\(name)_\(version)"
    }

    private func dropViews(except names: [String]) throws(ParallaxError) {
        let gone = try connection.query(
            "SELECT view_id, name, source_id FROM parallax.view WHERE name <> ALL ($1::text[]) ORDER BY source_id, view_id", [.texts(names)]
        )
        for row in gone.rows {
            // Also of sources that no definition names any more: their workers go on.
            try holdFlushes(ofSource: row.int(2) ?? 0)
            try dropView(row.int(0) ?? 0, name: row[1] ?? "")
        }
    }

    /// With everything that is kept for it: merged view, tables, versions (and with them drift and touched windows), rejected counts.
    private func dropView(_ viewID: Int64, name: String) throws(ParallaxError) {
        try connection.query("UPDATE parallax.view SET active_version_id = NULL WHERE view_id = $1", [.int(viewID)])
        // serving.<view> and what stands on it reads the tables that go now; the serving layer writes what is left again.
        try lockServing()
        try connection.execute("DROP VIEW IF EXISTS serving.\(Connection.quoteIdentifier(name)) CASCADE")
        try dropVersions(ofView: viewID, condition: "true")
        for table in ["rejected_live", "rejected_batch", "rejected_record"] {
            try connection.query(
                """
                DELETE FROM parallax.\(table) r USING parallax.view w
                WHERE w.view_id = $1 AND r.source_id = w.source_id AND r.view_name = w.name
                """, [.int(viewID)])
        }
        try connection.query("DELETE FROM parallax.view WHERE view_id = $1", [.int(viewID)])
    }

    /// Drops versions and their tables. The caller knows that no merged view reads them.
    func dropVersions(ofView viewID: Int64, condition: String) throws(ParallaxError) {
        let versions = try connection.query(
            "SELECT version_id, state_table FROM parallax.view_version WHERE view_id = $1 AND \(condition)", [.int(viewID)])
        for row in versions.rows {
            let table = Connection.quoteIdentifier(row[1] ?? "")
            try connection.execute("DROP TABLE IF EXISTS speed.\(table), batch.\(table)")
            try connection.execute("DELETE FROM parallax.view_version WHERE version_id = \(row.int(0) ?? 0)")
        }
    }
}
