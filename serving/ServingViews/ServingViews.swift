import Catalog
import ParallaxCore
import Postgres
import ViewLanguage

/// Writes the schema `serving`: a merged view for each view that has a served version, and the pipeline's own views on top.
/// The schema is Parallax's own: a view in it that no definition asks for is dropped.
public enum ServingViews {
    /// A view of the pipeline that PostgreSQL would not take over the merged views as they are now.
    public struct Refusal: Sendable, Hashable {
        public var overlay: String
        public var error: ParallaxError
    }

    /// Makes `serving` what the catalog says. Inside the caller's transaction (an apply or a publication): readers see the old views or the new.
    ///
    /// A view that is as it should be is not touched, so that nobody who reads it is waited for.
    ///
    /// Returns the overlays that could not be created: an apply fails with them, a publication goes on without them and says so. An overlay
    /// over a view that waits for its first run waits with it, silently: that is no refusal.
    public static func refresh(_ connection: Connection) throws(ParallaxError) -> [Refusal] {
        let catalog = Catalog(connection)
        // Before the versions are read: two that write the views of all sources at once would undo one another.
        try catalog.lockServing()
        var merged: [(name: String, sql: String)] = []
        var waiting: Set<String> = []
        for source in try catalog.sources() {
            for version in try catalog.versions(ofSource: source.id) {
                if version.isActive {
                    merged.append((version.viewName, MergedViewSQL(version).selectText))
                } else {
                    waiting.insert(version.viewName)
                    try check(connection, version)
                }
            }
        }
        waiting.subtract(merged.map(\.name))
        let overlays = try connection.query("SELECT name, select_text FROM parallax.overlay ORDER BY position").rows
            .map { (name: $0[0] ?? "", sql: $0[1] ?? "") }

        let wanted = merged.map(\.name) + overlays.map(\.name)
        let unwanted = try connection.query(
            "SELECT viewname FROM pg_views WHERE schemaname = 'serving' AND viewname <> ALL ($1::text[])", [.texts(wanted)])
        for row in unwanted.rows {
            try connection.execute("DROP VIEW IF EXISTS serving.\(Connection.quoteIdentifier(row[0] ?? "")) CASCADE")
        }

        for view in merged { try replace(connection, view.name, view.sql) }

        // What the pipeline's views read is found in serving first; nothing of their text is changed.
        try connection.execute("SET LOCAL search_path = serving, \(DimensionDefinition.ownSchema), public")
        var refusals: [Refusal] = []
        for overlay in overlays {
            try connection.execute("SAVEPOINT overlay")
            do {
                try replace(connection, overlay.name, overlay.sql)
                try connection.execute("RELEASE SAVEPOINT overlay")
            } catch {
                // Who reads it is in the way: that says nothing about the view.
                guard error.code == .database, !error.isLockTrouble else { throw error }
                try connection.execute("ROLLBACK TO SAVEPOINT overlay")
                try connection.execute("DROP VIEW IF EXISTS serving.\(Connection.quoteIdentifier(overlay.name)) CASCADE")
                let waits = error.sqlState == SQLState.undefinedTable && !waiting.isEmpty
                if waits { waiting.insert(overlay.name) } else { refusals.append(Refusal(overlay: overlay.name, error: error)) }
            }
        }
        try connection.execute("SET LOCAL search_path TO DEFAULT")
        return refusals
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

    /// Whether the view says the same already, in PostgreSQL's own words: those of a twin that is made of the text and goes at once. False where
    /// the role may not make one (TEMP on the database): the view is written, and its readers are waited for.
    private static func isInPlace(_ connection: Connection, _ name: String, _ sql: String) throws(ParallaxError) -> Bool {
        let view = "serving.\(Connection.quoteIdentifier(name))"
        guard try connection.query("SELECT to_regclass($1) IS NOT NULL", [.text(view)]).rows[0].bool(0) == true else { return false }
        let twin = "pg_temp.\"twin of a served view\""
        try connection.execute("SAVEPOINT twin")
        do { try connection.execute("CREATE TEMPORARY VIEW \"twin of a served view\" AS\n\(sql)") } catch {
            guard error.sqlState == SQLState.insufficientPrivilege else { throw error }
            try connection.execute("ROLLBACK TO SAVEPOINT twin; RELEASE SAVEPOINT twin")
            return false
        }
        let isSame = try connection.query(
            """
            SELECT pg_get_viewdef($1::regclass) = pg_get_viewdef($2::regclass) AND NOT EXISTS (
                SELECT FROM (SELECT * FROM pg_catalog.pg_attribute WHERE attrelid = $1::regclass) a
                FULL JOIN (SELECT * FROM pg_catalog.pg_attribute WHERE attrelid = $2::regclass) b USING (attnum)
                WHERE (a.attname, a.atttypid, a.atttypmod, a.attcollation) IS DISTINCT FROM (b.attname, b.atttypid, b.atttypmod, b.attcollation))
            """, [.text(view), .text(twin)]
        ).rows[0].bool(0)
        try connection.execute("DROP VIEW \(twin); RELEASE SAVEPOINT twin")
        return isSame ?? false
    }

    /// In place where the columns stay, so that what people built on the view elsewhere stands; otherwise dropped, with what stands on it, and
    /// made anew.
    private static func replace(_ connection: Connection, _ name: String, _ sql: String) throws(ParallaxError) {
        guard try !isInPlace(connection, name, sql) else { return }
        let view = "serving.\(Connection.quoteIdentifier(name))"
        try connection.execute("SAVEPOINT replace")
        do {
            try connection.execute("CREATE OR REPLACE VIEW \(view) AS\n\(sql)")
        } catch {
            guard error.sqlState == SQLState.invalidTableDefinition || error.sqlState == SQLState.wrongObjectType else { throw error }
            try connection.execute("ROLLBACK TO SAVEPOINT replace")
            try connection.execute("DROP VIEW IF EXISTS \(view) CASCADE")
            try connection.execute("CREATE VIEW \(view) AS\n\(sql)")
        }
        try connection.execute("RELEASE SAVEPOINT replace")
    }
}

extension Plan {
    /// Expressions over results have types that only PostgreSQL knows.
    fileprivate var needsPostgresToJudge: Bool {
        having != nil || outputs.contains { if case .finished = $0.value { true } else { false } }
    }
}

/// PostgreSQL's appendix A.
private enum SQLState {
    static let insufficientPrivilege = "42501"
    static let undefinedTable = "42P01"
    static let wrongObjectType = "42809"
    static let invalidTableDefinition = "42P16"
}
