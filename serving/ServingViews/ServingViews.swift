import Catalog
import ParallaxCore
import Postgres
import ViewLanguage

/// Writes the schema `serving`: a merged view for each view that has a served version, and the pipeline's own views on top.
public enum ServingViews {
    /// Makes `serving` what the catalog says. Inside the caller's transaction (an apply or a publication): readers see the old views or the new.
    ///
    /// A merged view whose text is unchanged is left alone, so that what people built on it elsewhere stands.
    public static func refresh(_ connection: Connection) throws(ParallaxError) {
        let catalog = Catalog(connection)
        var wanted: [(name: String, sql: String)] = []
        for source in try catalog.sources() {
            for version in try catalog.versions(ofSource: source.id) where version.isActive {
                wanted.append((version.viewName, MergedViewSQL(version).selectText))
            }
        }
        let marks = try marks(connection)
        let isUnchanged = { (name: String, sql: String) in marks[name] == mark(of: sql) }

        // Overlays first: they stand on merged views, and CASCADE could take what we do not know of.
        var readable = Set(wanted.map(\.name))
        let overlays = try connection.query("SELECT name, select_text FROM parallax.overlay ORDER BY position").rows.map { ($0[0] ?? "", $0[1] ?? "") }
        let mergedChanges = wanted.contains { !isUnchanged($0.name, $0.sql) } || marks.keys.contains { name in !wanted.contains { $0.name == name } && !overlays.contains { $0.0 == name } }
        let overlaysChange = overlays.contains { !isUnchanged($0.0, $0.1) }
        guard mergedChanges || overlaysChange || marks.count != wanted.count + overlays.count else { return }

        for name in try overlayNames(connection).reversed() {
            try connection.execute("DROP VIEW IF EXISTS serving.\(Connection.quoteIdentifier(name))")
        }
        let wantedNames = Set(wanted.map(\.name))
        for name in marks.keys.sorted() where !wantedNames.contains(name) {
            try connection.execute("DROP VIEW IF EXISTS serving.\(Connection.quoteIdentifier(name)) CASCADE")
        }
        for view in wanted where !isUnchanged(view.name, view.sql) {
            let quoted = "serving.\(Connection.quoteIdentifier(view.name))"
            try connection.execute("DROP VIEW IF EXISTS \(quoted) CASCADE")
            try connection.execute("CREATE VIEW \(quoted) AS\n\(view.sql)")
            try setMark(connection, view: quoted, kind: "merged", sql: view.sql)
        }
        // What the pipeline's views read is found in serving first; nothing of the pipeline's text is changed.
        try connection.execute("SET LOCAL search_path = serving, public")
        for (name, sql) in overlays {
            let quoted = "serving.\(Connection.quoteIdentifier(name))"
            guard try reads(connection, of: name, sql: sql, among: readable) else { continue }
            try connection.execute("CREATE VIEW \(quoted) AS\n\(sql)")
            try setMark(connection, view: quoted, kind: "overlay", sql: sql)
            readable.insert(name)
        }
        try connection.execute("SET LOCAL search_path = DEFAULT")
    }
}
