import MergeLaw
import ParallaxCore
import Postgres
import ViewLanguage

extension Catalog {
    /// Makes the catalog and the state tables what the definitions say, in one transaction; `refreshServing` then writes the merged
    /// views (the serving layer's work) inside it. What it locks, and in which order, says `LockPatience`: flushes go on until the last moment.
    ///
    /// A view that begins with its source's log is complete at once and served live. One that comes later joins at a slice of its
    /// own and becomes visible with the first run that is published after that; until then the old version, if any, is served.
    ///
    /// Throws `.busy` where others hold what it changes for longer than `patience` allows.
    ///
    /// - Parameters:
    ///   - partitions: how many each source's log has. Of a source that is not named, those after the first come with whoever reads its log first.
    ///   - holding: versions that would take the place of a served one wait for `promote`.
    /// - Returns: state tables that nothing names any more and that somebody still reads, and who; a clean-up drops them later.
    @discardableResult
    public func apply(
        _ definitions: Definitions, partitions: [String: Int], holding: Bool = false,
        refreshServing: (Connection) throws(ParallaxError) -> Void
    ) throws(ParallaxError) -> [String] {
        var extensions: Set<String> = []
        for view in definitions.views { extensions.formUnion(StateTables.extensions(for: view.plan)) }
        try Catalog.createExtensions(connection, needed: extensions)
        try changing("the definitions were not applied") { () throws(ParallaxError) in
            try connection.execute("SELECT pg_advisory_xact_lock(\(LockClass.apply), 0)")
            try lockSources()
            var leaving = try Leaving(self)
            var setAside: [DimensionSetAside] = []
            for dimension in definitions.dimensions {
                if let old = try applyDimension(dimension) { setAside.append(old) }
            }
            for source in definitions.sources { try applySource(source, &leaving) }
            for view in definitions.views { try applyView(view, holding: holding, &leaving) }
            try leaveViews(except: definitions.views.map(\.name), &leaving)
            try leaveSources(except: definitions.sources.map(\.name), &leaving)
            try checkHeld()
            try connection.execute("DELETE FROM parallax.overlay")
            for (position, overlay) in definitions.overlays.enumerated() {
                try connection.query(
                    "INSERT INTO parallax.overlay (name, select_text, position) VALUES ($1, $2, $3)",
                    [.text(overlay.name), .text(overlay.selectText), .int(Int64(position))])
            }
            try refreshServing(connection)
            // What stands on them reads other tables now.
            for old in setAside { try drop(old) }
            try dropDimensions(except: definitions.dimensions.map(\.name))
            try connection.execute("DELETE FROM parallax.trouble WHERE source_id NOT IN (SELECT source_id FROM parallax.source)")
            for source in definitions.sources {
                // A log that could not be asked has one at least, once it is there.
                let count = partitions[source.name] ?? 1
                try ensurePartitions(source: try id(ofSource: source.name), (0..<count).map { Partition($0) })
            }
            try settle(leaving)
        }
        return dropUnnamedTablesAfterCommit()
    }

    private func id(ofSource name: String) throws(ParallaxError) -> SourceID {
        let row = try connection.query("SELECT source_id FROM parallax.source WHERE name = $1", [.text(name)]).rows.first
        guard let row else { throw ParallaxError(.internalInconsistency, "source \"\(name)\" is not among those that are applied") }
        return try row.source(0)
    }

    private func applySource(_ source: SourceDefinition, _ leaving: inout Leaving) throws(ParallaxError) {
        let stored = try connection.query("SELECT definition FROM parallax.source WHERE name = $1", [.text(source.name)]).rows.first
        // One that cannot be read may have had any.
        let hasOthers = try stored.map { row throws(ParallaxError) in
            let text = try row.text(0)
            return (try? decodeStored(SourceDefinition.self, text).eventTimeForm) != source.eventTimeForm
        }
        let id =
            try connection.query(
                """
                INSERT INTO parallax.source (name, definition) VALUES ($1, $2::jsonb)
                ON CONFLICT (name) DO UPDATE SET definition = excluded.definition RETURNING source_id
                """, [.text(source.name), .text(try encodeStored(source))]
            ).rows[0].source(0)
        try connection.query(
            "INSERT INTO parallax.published (source_id, run, slice) VALUES ($1, 0, 1) ON CONFLICT DO NOTHING", [.source(id)])
        try connection.query("INSERT INTO parallax.watermark (source_id) VALUES ($1) ON CONFLICT DO NOTHING", [.source(id)])
        try renumberPlans(ofSource: id, over: source)
        if hasOthers == true { leaving.eventTimesChanged.insert(id) }
    }

    /// Stored plans number the source's columns. Those that read only what the source still has go on over its new form, under the same version;
    /// the others keep the form that they were compiled for, until the versions that take their place are published.
    private func renumberPlans(ofSource id: SourceID, over source: SourceDefinition) throws(ParallaxError) {
        let stored = try connection.query(
            "SELECT v.version_id, v.plan FROM parallax.view_version v JOIN parallax.view w USING (view_id) WHERE w.source_id = $1",
            [.source(id)])
        for row in stored.rows {
            // What cannot be read gives way when its view is applied.
            let text = try row.text(1)
            guard let old = try? decodeStored(Plan.self, text), let plan = old.rebound(to: source), plan != old else { continue }
            try connection.query(
                "UPDATE parallax.view_version SET plan = $2::jsonb WHERE version_id = $1",
                [.version(try row.version(0)), .text(try encodeStored(plan))])
        }
    }

    /// Partitions that the catalog does not know yet begin at offset 0, in the slice that is open now.
    public func ensurePartitions(source id: SourceID, _ partitions: [Partition]) throws(ParallaxError) {
        try connection.query(
            """
            WITH added AS (
                INSERT INTO parallax.partition_position (source_id, partition, slice)
                SELECT s.source_id, p, s.requested_slice
                FROM parallax.source s, unnest($2::bigint[]) p WHERE s.source_id = $1
                ON CONFLICT DO NOTHING RETURNING source_id, partition, slice)
            INSERT INTO parallax.boundary (source_id, slice, partition, first_offset, processed_until)
            SELECT source_id, slice, partition, 0, 0 FROM added
            """, [.source(id), .ints(partitions.map { Int64($0.rawValue) })])
    }

    private func applyView(_ view: ViewDefinition, holding: Bool, _ leaving: inout Leaving) throws(ParallaxError) {
        let sourceID = try id(ofSource: view.plan.source.name)
        // A view that moves to another source is another view of the same name.
        let moved = try connection.query(
            "SELECT view_id FROM parallax.view WHERE name = $1 AND source_id <> $2", [.text(view.name), .source(sourceID)])
        for row in moved.rows { try leaveView(row.view(0), &leaving) }
        let viewID =
            try connection.query(
                """
                INSERT INTO parallax.view (source_id, name, max_drift) VALUES ($1, $2, $3)
                ON CONFLICT (name) DO UPDATE SET max_drift = excluded.max_drift RETURNING view_id
                """, [.source(sourceID), .text(view.name), view.maxDrift.map { .double($0) } ?? .null]
            ).rows[0].view(0)
        try leaveUnreadable(ofView: viewID, &leaving)
        let active = try connection.query("SELECT active_version_id FROM parallax.view WHERE view_id = $1", [.view(viewID)]).rows[0]
            .optionalVersion(0)
        // Retired versions that the last clean-up has not met, and one that these definitions ask for again: it lacks the runs since.
        if let active {
            let gone = try connection.query(
                """
                SELECT v.version_id FROM parallax.view_version v JOIN parallax.view w USING (view_id)
                WHERE w.view_id = $1 AND v.version_id < $2 AND (v.hash = $3 OR \(Self.isGivenUp))
                """, [.view(viewID), .version(active), .text(view.version)]
            ).versions(0)
            for version in gone { try leave(ofView: viewID, where: "version_id = \(version)", &leaving) }
        }
        let existing = try connection.query(
            "SELECT version_id FROM parallax.view_version WHERE view_id = $1 AND hash = $2 AND state_table <> ''",
            [.view(viewID), .text(view.version)])
        if let row = existing.rows.first {
            let id = try row.version(0)
            // The same meaning, perhaps other words or a source that gained a column: the text and the plan's numbering may change.
            try connection.query(
                """
                UPDATE parallax.view_version SET plan = $2::jsonb, select_text = $3, definition = $4, is_held = is_held OR $5
                WHERE version_id = $1
                """,
                [
                    .version(id), .text(try encodeStored(view.plan)), .text(view.selectText), .text(view.definitionText),
                    .bool(holding && active != nil && active != id),
                ])
            // Versions that were waiting for their first run and are not wanted any more.
            try leave(ofView: viewID, where: "version_id > \(id)", &leaving)
            return
        }
        // Versions that were never served give way; the active one serves until the new one is published.
        try leave(ofView: viewID, where: "version_id > \(active ?? .none)", &leaving)

        // Nothing processed, nothing published: the view begins with the log. Otherwise a slice of its own begins for it.
        let begins = try isUntouched(source: sourceID)
        if begins { leaving.beginning.insert(sourceID) }
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
                    .view(viewID), .text(view.version), .text(try encodeStored(view.plan)), .text(view.selectText),
                    .text(view.definitionText), .int(slice.rawValue), .bool(holding && active != nil),
                ]
            ).rows[0].version(0)
        let table = Self.stateTableName(view: view.name, version: version)
        try connection.query("UPDATE parallax.view_version SET state_table = $2 WHERE version_id = $1", [.version(version), .text(table)])
        do {
            for statement in StateTables(plan: view.plan, stateTable: table).createStatements() { try connection.execute(statement) }
            try takeOverRowSecurity(ofView: viewID, to: view.plan, stateTable: table)
        } catch {
            guard error.isRefusal else { throw error }
            throw ParallaxError(
                error.code, "PostgreSQL refuses the state tables of view \"\(view.name)\": \(error.message)", detail: error.detail,
                hint: error.hint, sqlState: error.sqlState)
        }
        if begins, !(holding && active != nil) {
            try serve(version: version, ofView: viewID)
        }
    }

    /// The version that the merged view shows from this transaction on. A publication does the same for all views of its source.
    func serve(version: VersionID, ofView id: ViewID) throws(ParallaxError) {
        try connection.query("UPDATE parallax.view SET active_version_id = $2 WHERE view_id = $1", [.view(id), .version(version)])
    }

    /// Asks for a new slice: every partition's owner closes the current one at its next flush.
    public func requestSlice(source id: SourceID) throws(ParallaxError) -> SliceNumber {
        let row = try connection.query(
            "UPDATE parallax.source SET requested_slice = requested_slice + 1 WHERE source_id = $1 RETURNING requested_slice", [.source(id)]
        ).rows.first
        guard let row else { throw Self.sourceIsGone(id) }
        return try row.slice(0)
    }

    /// PostgreSQL cuts identifiers at 63 bytes: the view's name is cut here, the version's number keeps the table's name unique.
    static func stateTableName(view: String, version: VersionID) -> String {
        var name = ""
        for character in view {
            guard name.utf8.count + String(character).utf8.count <= 40 else { break }
            name.append(character)
        }
        return "\(name)_\(version)"
    }
}
