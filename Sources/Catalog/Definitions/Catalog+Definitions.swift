import Foundation
import ParallaxCore
import Postgres
import ViewLanguage

extension Catalog {
    /// By name: the views over a source, whether they are served or wait.
    public func viewNames(ofSource name: String) throws(ParallaxError) -> [String] {
        try connection.query(
            "SELECT w.name FROM parallax.view w JOIN parallax.source s USING (source_id) WHERE s.name = $1 ORDER BY w.name", [.text(name)]
        ).texts(0)
    }

    /// All sources, by name. Throws `.configuration` where the control tables are another version's.
    public func sources() throws(ParallaxError) -> [CatalogSource] {
        let result = try connection.query(
            """
            SELECT s.source_id, s.definition, s.requested_slice, p.run, p.slice, \(Self.appliedMigrations)
            FROM parallax.source s JOIN parallax.published p USING (source_id) ORDER BY s.name
            """)
        var sources: [CatalogSource] = []
        for row in result.rows {
            try Self.checkVersion(row[5])
            sources.append(
                try CatalogSource(
                    id: row.source(0), definition: decodeStored(SourceDefinition.self, row.text(1)), requestedSlice: row.slice(2),
                    published: Published(run: row.run(3), slice: row.slice(4))))
        }
        return sources
    }

    public func source(named name: String) throws(ParallaxError) -> CatalogSource {
        let all = try sources()
        guard let source = all.first(where: { $0.name == name }) else {
            throw ParallaxError(
                .usage, "there is no source \"\(name)\"",
                detail: all.isEmpty ? "no definitions have been applied yet" : "sources: \(all.map(\.name).joined(separator: ", "))",
                hint: all.isEmpty ? "run parallax apply" : nil)
        }
        return source
    }

    /// All versions of all views of a source, oldest first. Without those that the transaction under way has given up (see `Leaving`).
    public func versions(ofSource sourceID: SourceID) throws(ParallaxError) -> [ViewVersion] {
        let sql = Self.versionsSQL + " WHERE w.source_id = $1 AND v.state_table <> '' ORDER BY v.version_id"
        return try connection.query(sql, [.source(sourceID)]).rows.map { row throws(ParallaxError) in try viewVersion(row) }
    }

    static let versionsSQL = """
        SELECT v.version_id, w.view_id, w.name, w.source_id, v.hash, v.plan, v.select_text, v.state_table, v.first_slice,
               coalesce(w.active_version_id = v.version_id, false), v.is_held, v.first_run,
               coalesce(v.version_id < w.active_version_id, false)
        FROM parallax.view_version v JOIN parallax.view w USING (view_id)
        """

    func viewVersion(_ row: QueryResult.Row) throws(ParallaxError) -> ViewVersion {
        try ViewVersion(
            id: row.version(0), viewID: row.view(1), viewName: row.text(2), sourceID: row.source(3), hash: row.text(4),
            plan: decodeStored(Plan.self, row.text(5)), selectText: row.text(6), stateTable: row.text(7),
            firstSlice: row.slice(8), isActive: row.bool(9), isRetired: row.bool(12), isHeld: row.bool(10),
            firstRun: row.optionalRun(11))
    }

    /// What the binary stored it can read; anything else means that another version wrote it.
    func decodeStored<T: Decodable>(_ type: T.Type, _ text: String) throws(ParallaxError) -> T {
        do { return try JSONDecoder().decode(type, from: Data(text.utf8)) } catch {
            throw ParallaxError(
                .corrupt, "the catalog holds a \(type) that this binary cannot read", detail: "\(error)",
                hint: "run the version of parallax that wrote it, or parallax apply: it builds anew what it cannot read")
        }
    }

    func encodeStored<T: Encodable>(_ value: T) throws(ParallaxError) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        do { return String(decoding: try encoder.encode(value), as: UTF8.self) } catch {
            throw ParallaxError(.internalInconsistency, "a \(T.self) could not be encoded", detail: "\(error)")
        }
    }
}
