import Catalog
import ParallaxCore
import Postgres
import ViewLanguage

/// Writes the schema `serving`: a merged view for each view that has a served version, with the function of its roll-ups, and the pipeline's own views on top.
///
/// What Parallax made there is written down in `parallax.serving_view` and `parallax.serving_function`: no other relation is touched. What others built on a view stays, or the view
/// stays as it is (`ViewWriter`).
public enum ServingViews {
    /// A view that is not as the definitions say, and why: PostgreSQL does not take it, or something of others is in the way.
    ///
    /// A merged view goes on with the version that it served until now; one of the pipeline's own views is as it was, or is gone where what it read has
    /// another form now.
    public struct Refusal: Sendable, Hashable {
        public var view: String
        public var error: ParallaxError
    }

    /// Makes `serving` what the catalog says. Inside the caller's transaction (an apply or a publication): readers see the old views or the new.
    ///
    /// A view that is as it should be is not touched, so that nobody who reads it is waited for.
    ///
    /// Returns what could not be written: an apply fails with it, a publication goes on without it and says so. A view of the pipeline over one that
    /// waits for its first run, or over a column that its new version has, waits with it, silently: that is no refusal.
    public static func refresh(_ connection: Connection) throws(ParallaxError) -> [Refusal] {
        let catalog = Catalog(connection)
        // Before the versions are read: two that write the views of all sources at once would undo one another.
        try catalog.lockServing()
        let hasOwner = try catalog.prepareServingOwner()
        var merged: [ViewVersion] = []
        var waiting: Set<String> = []
        for source in try catalog.sources() {
            for version in try catalog.versions(ofSource: source.id) {
                if version.isActive {
                    merged.append(version)
                } else if !version.isRetired {
                    waiting.insert(version.viewName)
                    try check(connection, version)
                }
            }
        }
        let changing = waiting
        waiting.subtract(merged.map(\.viewName))
        let overlays = try catalog.overlays()
        var wanted: [String: ViewWriter.Wanted] = [:]
        for version in merged {
            wanted[version.viewName] = .init(sql: MergedViewSQL(version).selectText, isOverlay: false, version: version)
            wanted[ViewDefinition.changesName(of: version.viewName)] = .init(sql: ChangesSQL(version).selectText, isOverlay: false)
        }
        for overlay in overlays { wanted[overlay.name] = .init(sql: overlay.selectText, isOverlay: true) }
        let writer = ViewWriter(connection: connection, wanted: wanted, hasOwner: hasOwner)

        var refusals: [Refusal] = []
        for version in merged {
            // Both or neither.
            let error = try refusal { () throws(ParallaxError) in
                try writer.write([version.viewName, ViewDefinition.changesName(of: version.viewName)])
            }
            try catalog.setObstacle(version, error)
            if let error { refusals.append(Refusal(view: version.viewName, error: error)) }
        }
        for overlay in overlays {
            guard let error = try refusal({ () throws(ParallaxError) in try writer.write(overlay.name) }) else { continue }
            // It may read a view that is not served yet, or a column that a view's new version has. What it said until now it says until then.
            let isMissing = error.sqlState == SQLState.undefinedTable || error.sqlState == SQLState.undefinedFunction
            if isMissing && !waiting.isEmpty {
                waiting.insert(overlay.name)
            } else if error.sqlState == SQLState.undefinedColumn && !changing.isEmpty {
                continue
            } else {
                refusals.append(Refusal(view: overlay.name, error: error))
            }
        }
        // Last: what stood on them may stand on others now.
        for name in try catalog.servingViews(besides: Array(wanted.keys)) {
            guard let error = try refusal({ () throws(ParallaxError) in try writer.drop(name) }) else { continue }
            refusals.append(Refusal(view: name, error: error))
        }
        refusals += try refreshComparisons(catalog, merged)
        // Views on top that were made just now stay ours: the role may read them, too.
        if hasOwner { try catalog.grantToServingOwner() }
        try catalog.grantNamed()
        return refusals
    }

    /// What the body throws about a view. Who reads it is in the way, or a lost connection: that says nothing about the view, and is thrown on.
    private static func refusal(_ body: () throws(ParallaxError) -> Void) throws(ParallaxError) -> ParallaxError? {
        do { try body() } catch {
            guard [.database, .definition].contains(error.code), !error.isLockTrouble else { throw error }
            return error
        }
        return nil
    }

    /// Lets PostgreSQL judge the SQL of a version that no run has published yet: what it says about a type must be said when the definition
    /// is applied, and not by the run that would serve it.
    private static func check(_ connection: Connection, _ version: ViewVersion) throws(ParallaxError) {
        guard version.plan.needsPostgresToJudge else { return }
        do { _ = try connection.query("SELECT FROM (\(MergedViewSQL(version).selectText)) judged LIMIT 0") } catch {
            guard error.code == .database else { throw error }
            throw ParallaxError(
                .definition, "view \"\(version.viewName)\": \(error.message)", detail: error.detail,
                hint: error.hint ?? "PostgreSQL says so about an expression over the view's aggregates", sqlState: error.sqlState)
        }
    }
}

extension Plan {
    /// Expressions over results have types that only PostgreSQL knows.
    fileprivate var needsPostgresToJudge: Bool {
        having != nil || outputs.contains { if case .finished = $0.value { true } else { false } }
    }
}
