import ParallaxCore
import Postgres
import ViewLanguage

/// What a change of definitions gives up. Rows that flushes look at are only marked, by changes that no flush waits for, until the merged views
/// are written without them: then flushes are held, and they go.
///
/// The marks are seen by nobody else: a version's state table has no name, a source has nothing published. Both are out of `versions` and
/// `sources` with that.
struct Leaving {
    struct View {
        var id: ViewID
        var source: SourceID
        var name: String
    }
    var versions: [VersionID] = []
    var views: [View] = []
    var sources: [SourceID] = []
    /// Sources in which a view begins with the log: nothing of it may be processed before this transaction ends.
    var beginning: Set<SourceID> = []
    /// Sources whose records have other event times from now on.
    var eventTimesChanged: Set<SourceID> = []
    /// By source, what the speed layer compares its definitions by, as it was before.
    fileprivate let fingerprints: [SourceID: String]

    /// Step 2 of the order is taken.
    init(_ catalog: Catalog) throws(ParallaxError) {
        var fingerprints: [SourceID: String] = [:]
        for id in try catalog.sourceIDs() { fingerprints[id] = try catalog.control(source: id).fingerprint }
        self.fingerprints = fingerprints
    }
}

extension Catalog {
    func sourceIDs() throws(ParallaxError) -> [SourceID] {
        try connection.query("SELECT source_id FROM parallax.source ORDER BY source_id").sources(0)
    }

    /// The caller knows that none of them is the one that is served.
    func leave(ofView viewID: ViewID, where condition: String, _ leaving: inout Leaving) throws(ParallaxError) {
        leaving.versions += try connection.query(
            """
            UPDATE parallax.view_version SET state_table = '' WHERE view_id = $1 AND state_table <> '' AND \(condition) RETURNING version_id
            """, [.view(viewID)]
        ).versions(0)
    }

    /// Versions that another release of Parallax stored and this one cannot read. Also the one that is served: it could not be kept up to date.
    func leaveUnreadable(ofView viewID: ViewID, _ leaving: inout Leaving) throws(ParallaxError) {
        let rows = try connection.query("SELECT version_id, plan FROM parallax.view_version WHERE view_id = $1", [.view(viewID)]).rows
        for row in rows {
            let (id, plan) = (try row.version(0), try row.text(1))
            guard (try? decodeStored(Plan.self, plan)) == nil else { continue }
            try connection.execute(
                "UPDATE parallax.view SET active_version_id = NULL WHERE view_id = \(viewID) AND active_version_id = \(id)")
            try leave(ofView: viewID, where: "version_id = \(id)", &leaving)
        }
    }

    func leaveViews(except names: [String], _ leaving: inout Leaving) throws(ParallaxError) {
        let known = Set(leaving.views.map(\.id))
        let gone = try connection.query(
            "SELECT view_id FROM parallax.view WHERE name <> ALL ($1::text[]) ORDER BY source_id, view_id", [.texts(names)])
        for view in try gone.views(0) where !known.contains(view) { try leaveView(view, &leaving) }
    }

    /// With everything that is kept for it: versions (and with them drift and touched windows), tables, rejected counts. Another view may have its
    /// name from now on.
    func leaveView(_ viewID: ViewID, _ leaving: inout Leaving) throws(ParallaxError) {
        let row = try connection.query("SELECT source_id, name FROM parallax.view WHERE view_id = $1", [.view(viewID)]).rows[0]
        leaving.views.append(.init(id: viewID, source: try row.source(0), name: try row.text(1)))
        try connection.query(
            "UPDATE parallax.view SET active_version_id = NULL, name = 'leaving ' || view_id || ' ' || name WHERE view_id = $1",
            [.view(viewID)])
        try leave(ofView: viewID, where: "true", &leaving)
    }

    /// After their views: nothing is computed for them any more.
    func leaveSources(except names: [String], _ leaving: inout Leaving) throws(ParallaxError) {
        let gone = try connection.query(
            "SELECT source_id FROM parallax.source WHERE name <> ALL ($1::text[]) ORDER BY source_id", [.texts(names)])
        leaving.sources = try gone.sources(0)
        try connection.query("DELETE FROM parallax.published WHERE source_id = ANY ($1::bigint[])", [.sources(leaving.sources)])
    }

    /// True where the source's log is as new as the source: nothing of it processed, nothing asked for, nobody there to process it.
    func isUntouched(source id: SourceID) throws(ParallaxError) -> Bool {
        let row = try connection.query(
            """
            SELECT NOT EXISTS (SELECT 1 FROM parallax.partition_position WHERE source_id = $1 AND (next_offset > 0 OR owner IS NOT NULL))
                   AND requested_slice = 1 FROM parallax.source WHERE source_id = $1
            """, [.source(id)]
        ).rows.first
        guard let row else { throw Self.sourceIsGone(id) }
        return try row.bool(0)
    }

    /// Step 6 of the order, and the transaction's last act: holds the flushes of all sources whose definitions have changed, and removes what
    /// leaves. A flush that comes after it finds the new definitions.
    func settle(_ leaving: Leaving) throws(ParallaxError) {
        for id in try sourceIDs() {
            let hasChanged = try control(source: id).fingerprint != leaving.fingerprints[id]
            guard hasChanged || leaving.sources.contains(id) else { continue }
            try holdFlushes(ofSource: id)
            if leaving.eventTimesChanged.contains(id) { try forgetEventTimes(ofSource: id) }
            guard leaving.beginning.contains(id), leaving.fingerprints[id] != nil else { continue }
            // No partition joins from here on, and one that joined since is held, too.
            try connection.query("SELECT 1 FROM parallax.source WHERE source_id = $1 FOR UPDATE", [.source(id)])
            try holdFlushes(ofSource: id)
            guard try isUntouched(source: id) else {
                throw ParallaxError(.conflict, "a speed worker began with a source while views joined it")
            }
        }
        for view in leaving.views {
            for table in ["rejected_live", "rejected_batch", "rejected_record"] {
                try connection.query(
                    "DELETE FROM parallax.\(table) WHERE source_id = $1 AND view_name = $2", [.source(view.source), .text(view.name)])
            }
        }
        try connection.query("DELETE FROM parallax.view_version WHERE version_id = ANY ($1::bigint[])", [.versions(leaving.versions)])
        try connection.query("DELETE FROM parallax.view WHERE view_id = ANY ($1::bigint[])", [.views(leaving.views.map(\.id))])
        try connection.query("DELETE FROM parallax.change WHERE source_id = ANY ($1::bigint[])", [.sources(leaving.sources)])
        // With its positions, slices, runs and publications.
        try connection.query("DELETE FROM parallax.source WHERE source_id = ANY ($1::bigint[])", [.sources(leaving.sources)])
        for source in try connection.query(
            "SELECT DISTINCT source_id FROM parallax.view WHERE active_version_id IS DISTINCT FROM followed_version_id ORDER BY source_id"
        ).sources(0) { try recordChange(source: source, .definition) }
    }

    /// Drops the state tables that no version names: each pair in a transaction of its own that holds nothing else. One that somebody still reads stays
    /// for the next time; no reader that comes later waits behind the attempt for more than `patience.timeout`.
    ///
    /// Outside a transaction. Returns what stayed, and why.
    func dropUnnamedTables() throws(ParallaxError) -> [String] {
        let unnamed = try connection.query(
            """
            SELECT DISTINCT t.tablename FROM pg_catalog.pg_tables t
            WHERE t.schemaname IN ('speed', 'batch') AND t.tablename ~ '_[0-9]+$'
              AND NOT EXISTS (SELECT FROM parallax.view_version v WHERE v.state_table = t.tablename)
            ORDER BY 1
            """
        ).texts(0)
        var left: [String] = []
        for name in unnamed {
            let table = Connection.quoteIdentifier(name)
            do {
                _ = try quick.changing("the state tables \(name) stay for now") { () throws(ParallaxError) in
                    try connection.execute("DROP TABLE IF EXISTS speed.\(table), batch.\(table)")
                }
            } catch {
                guard error.code == .busy || error.code == .database else { throw error }
                // Without the hint, which says that nothing was changed.
                let busy = error.refusalWords
                left.append(error.code == .busy ? busy : "the state tables \(name) cannot be dropped: \(error)")
            }
        }
        return left
    }

    /// `dropUnnamedTables` behind a commit: the change is made, whatever happens here (also Ctrl-C, or a connection that is lost). Returns what stayed.
    func dropUnnamedTablesAfterCommit() -> [String] {
        do { return try dropUnnamedTables() } catch {
            let why = error.code == .cancelled ? "stopped" : "\(error)"
            return ["state tables that no view needs any more stay for now: \(why)"]
        }
    }

    /// With the patience for what the next clean-up tries again.
    var quick: Catalog {
        var quick = self
        quick.patience.tries = min(patience.tries, Self.dropTries)
        return quick
    }

    private static let dropTries = 3
}
