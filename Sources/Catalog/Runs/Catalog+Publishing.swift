import ParallaxCore
import Postgres

/// Moving the pointer that every reader follows, forward and back.
extension Catalog {
    /// Moves the pointer: from this transaction's commit on, every reader sees the run's rows and its cut. Versions that the run was the first
    /// to compute become the ones that are served; `refreshServing` then writes their merged views, inside the transaction.
    ///
    /// Everything that it makes visible has been written before, under run numbers that no reader looked at. Throws `.busy` where a version is served
    /// for the first time and a reader does not let go of its view for longer than `patience` allows.
    public func publish(
        _ run: CatalogRun, cut: Cut, refreshServing: (Connection) throws(ParallaxError) -> Void
    ) throws(ParallaxError) {
        try changing("run \(run.number) was not published") { () throws(ParallaxError) in
            try checkFence(run)
            let activated = try connection.query(
                """
                WITH newest AS (
                    SELECT DISTINCT ON (view_id) view_id, version_id FROM parallax.view_version
                    WHERE first_slice <= $2 AND (first_run <= $3 OR first_slice = 1) AND NOT is_held
                    ORDER BY view_id, version_id DESC),
                replaced AS (
                    UPDATE parallax.view_version o SET served_until = $3
                    FROM parallax.view w JOIN newest v USING (view_id)
                    WHERE w.source_id = $1 AND o.version_id = w.active_version_id AND o.version_id <> v.version_id)
                UPDATE parallax.view w SET active_version_id = v.version_id FROM newest v
                WHERE w.source_id = $1 AND v.view_id = w.view_id AND w.active_version_id IS DISTINCT FROM v.version_id
                """, [.source(run.sourceID), .int(run.slice.rawValue), .int(run.number.rawValue)]
            ).affectedRows
            try connection.query(
                """
                INSERT INTO parallax.publication (source_id, run_id, slice, cut, source_form, newest_event_time, leading_event_time,
                                                  cut_watermark, event_time_form, given_up, input_events)
                SELECT $1, run_id, $3, $4::jsonb, source_form, newest_event_time, leading_event_time, cut_watermark, event_time_form, given_up,
                       input_events
                FROM parallax.run WHERE run_id = $2
                """,
                [.source(run.sourceID), .int(run.number.rawValue), .int(run.slice.rawValue), .text(Self.cutJSON(cut))])
            try connection.query(
                """
                UPDATE parallax.published SET \(Self.pointerBefore),
                    run = $2, slice = $3, cut_watermark = (SELECT cut_watermark FROM parallax.run WHERE run_id = $2)
                WHERE source_id = $1
                """,
                [.source(run.sourceID), .int(run.number.rawValue), .int(run.slice.rawValue)])
            try connection.query(
                "UPDATE parallax.run SET state = 'published', finished_at = clock_timestamp() WHERE run_id = $1",
                [.int(run.number.rawValue)])
            if activated > 0 { try refreshServing(connection) }
            let gapsChanged = try takeBackGaps(run, below: cut)
            // After the merged views: one that something of others stands on may go on with its earlier version.
            try checkComputed(run)
            try audit(.publish, run: run.number, source: run.sourceID)
            try recordChange(source: run.sourceID, .publication)
            if gapsChanged { try recordChange(source: run.sourceID, .reset) }
        }
    }

    /// In an UPDATE of parallax.published: what followers of the views compare with.
    private static let pointerBefore = "run_before = run, slice_before = slice, cut_watermark_before = cut_watermark"

    /// Throws where a served version has no rows of this run (which left it out because a newer one was to take its place, and that one is gone):
    /// its events since the last publication would be in no answer (I1).
    private func checkComputed(_ run: CatalogRun) throws(ParallaxError) {
        let missing = try connection.query(
            """
            SELECT string_agg(w.name, ', ' ORDER BY w.name) FROM parallax.view w
            JOIN parallax.view_version v ON v.version_id = w.active_version_id JOIN parallax.run r ON r.run_id = $2
            WHERE w.source_id = $1 AND jsonb_typeof(r.statistics -> 'views') = 'array' AND NOT EXISTS (
                SELECT FROM jsonb_array_elements(r.statistics -> 'views') c WHERE c ->> 'view' = w.name AND c ->> 'version' = v.hash)
            """, [.source(run.sourceID), .int(run.number.rawValue)]
        ).rows[0][0]
        guard let missing else { return }
        throw ParallaxError(
            .busy, "run \(run.number) has no rows for definitions that were applied since it began", detail: "views: \(missing)",
            hint: "run the batch layer again (where this run is held: parallax batch discard \(run.number) first)", isRetriable: false)
    }

    /// Moves the pointer back to an earlier publication that is still kept, and serves the versions that it served. Later runs are marked as reverted; the next
    /// run erases their rows, and publishes what the definitions say. A run that died before is ended in the records; throws `.busy` where one is under way,
    /// or held, and where a view is switched and a reader does not let go of it.
    ///
    /// - Parameter refreshServing: writes the merged views, where a version is switched, inside the transaction.
    /// - Returns: the views whose served version is an earlier one than the newest now.
    @discardableResult
    public func revert(
        source: CatalogSource, to run: RunNumber, refreshServing: (Connection) throws(ParallaxError) -> Void
    ) throws(ParallaxError) -> [String] {
        try claiming(source, "nothing was reverted") { () throws(ParallaxError) in
            func goBack() throws(ParallaxError) -> [String] {
                let gapsChanged = try movePointerBack(source, to: run)
                let switched = try serveVersions(of: run, source: source)
                if !switched.isEmpty { try refreshServing(connection) }
                try checkServed(switched)
                try audit(.revert, run: run, source: source.id)
                try recordChange(source: source.id, .revert)
                if gapsChanged { try recordChange(source: source.id, .reset) }
                return switched.map(\.name)
            }
            // No run and no other revert comes between: the claim keeps them out.
            let switches = try connection.query(
                "SELECT FROM parallax.view w JOIN parallax.view_version v USING (view_id) WHERE \(Self.isServedAgain)",
                [.source(source.id), .int(run.rawValue)])
            guard !switches.rows.isEmpty else { return try connection.transaction { () throws(ParallaxError) in try goBack() } }
            return try changing("nothing was reverted", goBack)
        }
    }

    /// Over a view `w` and its version `v`: publication $2 of source $1 served it, and another one is served now.
    private static let isServedAgain = """
        w.source_id = $1 AND v.version_id <> w.active_version_id AND v.state_table <> '' AND v.first_run <= $2 AND v.served_until > $2
        """

    /// Serves what the publication served. Those versions have been fed all the while, so that their live rows from its cut on are complete (I1).
    private func serveVersions(of run: RunNumber, source: CatalogSource) throws(ParallaxError) -> [(name: String, version: VersionID)] {
        let switched = try connection.query(
            """
            UPDATE parallax.view w SET active_version_id = v.version_id FROM parallax.view_version v
            WHERE v.view_id = w.view_id AND \(Self.isServedAgain)
            RETURNING w.name, v.version_id
            """, [.source(source.id), .int(run.rawValue)]
        ).rows.map { row throws(ParallaxError) in (name: try row.text(0), version: try row.version(1)) }
        // Also of versions between the two: no publication is kept any more that served them.
        try connection.query(
            """
            UPDATE parallax.view_version v SET served_until = NULL FROM parallax.view w
            WHERE w.view_id = v.view_id AND w.source_id = $1 AND v.served_until > $2
            """, [.source(source.id), .int(run.rawValue)])
        let tooNew = try connection.query(
            """
            SELECT string_agg(w.name, ', ' ORDER BY w.name) FROM parallax.view w
            JOIN parallax.view_version v ON v.version_id = w.active_version_id
            WHERE w.source_id = $1 AND (v.first_run IS NULL OR v.first_run > $2)
            """, [.source(source.id), .int(run.rawValue)]
        ).rows[0][0]
        if let tooNew {
            throw ParallaxError(
                .usage, "publication \(run) has no rows for the definitions that are served now", detail: "views: \(tooNew)",
                hint: "apply the earlier definitions again and run the batch layer")
        }
        return switched
    }

    /// A view that something of others stands on may have kept its version (see `setObstacle`): then its rows are not the publication's.
    private func checkServed(_ switched: [(name: String, version: VersionID)]) throws(ParallaxError) {
        let kept = try connection.query(
            """
            SELECT string_agg(w.name, ', ' ORDER BY w.name), string_agg(n.obstacle, E'\\n' ORDER BY w.name) FROM parallax.view w
            JOIN unnest($1::text[], $2::bigint[]) s (name, version_id) USING (name)
            JOIN parallax.view_version n ON n.version_id = s.version_id WHERE n.obstacle IS NOT NULL OR w.active_version_id <> s.version_id
            """, [.texts(switched.map(\.name)), .versions(switched.map(\.version))]
        ).rows[0]
        guard let names = kept[0] else { return }
        throw ParallaxError(
            .definition, "nothing was reverted: a view cannot take its earlier form (\(names))", detail: kept[1],
            hint: "drop what stands on it, or apply the earlier definitions again and run the batch layer")
    }

    /// - Returns: whether gaps came back with it.
    private func movePointerBack(_ source: CatalogSource, to run: RunNumber) throws(ParallaxError) -> Bool {
        let now = try lockedSource(source.id).published
        try endInterruptedRuns(ofSource: source.id)
        try checkNoneIsHeld(ofSource: source.id, name: source.name, "nothing is reverted before that is decided")
        guard
            let kept = try connection.query(
                "SELECT slice FROM parallax.publication WHERE source_id = $1 AND run_id = $2", [.source(source.id), .int(run.rawValue)]
            ).rows.first?.int(0)
        else {
            let all = try connection.query(
                "SELECT run_id FROM parallax.publication WHERE source_id = $1 ORDER BY run_id", [.source(source.id)]
            ).texts(0)
            throw ParallaxError(
                .usage, "publication \(run) of source \"\(source.name)\" is not kept",
                detail: "kept: \(all.isEmpty ? "none" : all.joined(separator: ", "))")
        }
        // Where the speed layer was down, a run took the boundary past records that are in no speed row: they are in later batch
        // rows only, and going back would lose them without a sign (I1).
        let onlyInBatch = try connection.query(
            """
            SELECT string_agg(format('partition %s: %s to %s', b.partition, b.processed_until, b.first_offset), ', ' ORDER BY b.partition)
            FROM parallax.boundary b WHERE b.source_id = $1 AND b.slice > $2 AND b.slice <= $3 AND b.processed_until < b.first_offset
            """, [.source(source.id), .int(kept), .int(now.slice.rawValue)]
        ).rows[0][0]
        if let onlyInBatch {
            throw ParallaxError(
                .usage, "going back to publication \(run) would lose records that only later runs have counted",
                detail: "offsets that the speed layer has not processed: \(onlyInBatch)",
                hint: "run the batch layer again instead: parallax batch run --full")
        }
        let gapsChanged = try giveUpAgain(whatLacks: run, source.id)
        try connection.query(
            """
            UPDATE parallax.published SET \(Self.pointerBefore), run = $2, slice = $3,
                cut_watermark = (SELECT cut_watermark FROM parallax.publication WHERE source_id = $1 AND run_id = $2)
            WHERE source_id = $1
            """,
            [.source(source.id), .int(run.rawValue), .int(kept)])
        try connection.query(
            """
            UPDATE parallax.run SET state = 'reverted', reverted_at = statement_timestamp(), reverted_by = $3, reverted_from = $4, reverted_to = $2
            WHERE source_id = $1 AND run_id > $2 AND state = 'published'
            """, [.source(source.id), .int(run.rawValue), caller.map { .text($0.name) } ?? .null, .int(now.run.rawValue)])
        try connection.query(
            "DELETE FROM parallax.publication WHERE source_id = $1 AND run_id > $2", [.source(source.id), .int(run.rawValue)])
        return gapsChanged
    }
}
