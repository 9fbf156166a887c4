import Catalog
import MergeLaw
import ParallaxCore
import Postgres
import ViewLanguage

/// The SQL of `comparison.<view>`: what both layers said of each row that a run compared, side by side, for the runs whose rows are kept.
///
/// Window and group columns stand once; each other output three times: `<name>_live`, `<name>_batch` and, of numbers, `<name>_difference` (live minus batch).
///
/// Row security stands on the state tables, and no policy of theirs fits these rows: who is under one sees none of them.
struct ComparisonViewSQL {
    let version: ViewVersion
    /// Types of the outputs, by their names in `serving.<view>`.
    let types: [String: String]

    static let schema = "comparison"
    static func place(_ view: String) -> String { "\(schema).\(Connection.quoteIdentifier(view))" }

    private static let numbers: Set<String> = ["smallint", "integer", "bigint", "real", "double precision"]

    private func isNumber(_ type: String) -> Bool { Self.numbers.contains(type) || type == "numeric" || type.hasPrefix("numeric(") }

    var selectText: String {
        var names = ColumnNames(taken: ["run", "place", "is_different", "causes", "late", "duplicates", "healed"])
        var columns: [String] = ["r.run_id AS run", "r.place"]
        var measures: [String] = []
        for (index, output) in version.plan.outputs.enumerated() {
            let type = types[output.name] ?? "text"
            let (live, batch) = ("r.live[\(index + 1)]", "r.batch[\(index + 1)]")
            switch output.value {
            case .window, .windowEnd, .group:
                columns.append("CAST(coalesce(\(batch), \(live)) AS \(type)) AS \(names.take(output.name))")
            case .measure, .finished:
                measures.append("CAST(\(live) AS \(type)) AS \(names.take(output.name, "_live"))")
                measures.append("CAST(\(batch) AS \(type)) AS \(names.take(output.name, "_batch"))")
                if isNumber(type) {
                    measures.append("CAST(\(live) AS numeric) - CAST(\(batch) AS numeric) AS \(names.take(output.name, "_difference"))")
                }
            }
        }
        let window =
            version.plan.window == nil || version.plan.outputs.contains { $0.value == .window }
            ? [] : ["r.window_start AS \(names.take("window_start"))"]
        let table = Connection.quoteLiteral(version.stateTable)
        return """
            SELECT \((columns + window + measures + ["r.is_different", "r.causes", "r.late", "r.duplicates", "r.healed"]).joined(separator: ",\n       "))
            FROM parallax.compared_row r
            WHERE r.version_id = \(version.id) AND NOT EXISTS (
                SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
                WHERE n.nspname IN ('batch', 'speed') AND c.relname = \(table) AND row_security_active(c.oid))
            """
    }

    /// Names that PostgreSQL does not cut, each once.
    private struct ColumnNames {
        var taken: Set<String>
        static let longest = 63

        mutating func take(_ name: String, _ suffix: String = "") -> String {
            var end = suffix
            var number = 1
            while true {
                var head = name
                while head.utf8.count + end.utf8.count > Self.longest { head.removeLast() }
                if taken.insert(head + end).inserted { return Connection.quoteIdentifier(head + end) }
                number += 1
                end = "\(suffix)_\(number)"
            }
        }
    }
}

extension ServingViews {
    /// Makes the schema `comparison` what the catalog says: a view for each version that is served. Returns what could not be written.
    static func refreshComparisons(_ catalog: Catalog, _ versions: [ViewVersion]) throws(ParallaxError) -> [Refusal] {
        let connection = catalog.connection
        var refusals: [Refusal] = []
        let there = try catalog.comparisonViews()
        for version in versions {
            let types = try catalog.servedColumnTypes(of: version.viewName)
            // The view itself could not be written.
            guard !types.isEmpty else { continue }
            let sql = ComparisonViewSQL(version: version, types: types).selectText
            let place = ComparisonViewSQL.place(version.viewName)
            let mark =
                "Both layers' rows, side by side, of recent runs. Made by Parallax: \(version.hash) \(types.sorted { $0.key < $1.key }.map(\.value).joined(separator: " "))"
            guard there[version.viewName] != mark else { continue }
            try connection.execute("SAVEPOINT comparison_view")
            do {
                if there.keys.contains(version.viewName) { try connection.execute("DROP VIEW \(place)") }
                try connection.execute("CREATE VIEW \(place) AS\n\(sql)")
                try connection.execute("COMMENT ON VIEW \(place) IS \(Connection.quoteLiteral(mark))")
                try connection.execute("RELEASE SAVEPOINT comparison_view")
            } catch {
                guard error.code == .database, !error.isLockTrouble else { throw error }
                try connection.execute("ROLLBACK TO SAVEPOINT comparison_view")
                refusals.append(
                    Refusal(
                        view: "comparison.\(version.viewName)",
                        error: ViewWriter.named(
                            error, "\(place) cannot take its new form: something of yours stands on it, or in its place",
                            hint: Obstacle.hint)))
            }
        }
        let served = Set(versions.map(\.viewName))
        for name in there.keys.sorted() where !served.contains(name) {
            try connection.execute("SAVEPOINT comparison_view")
            do {
                try connection.execute("DROP VIEW \(ComparisonViewSQL.place(name))")
                try connection.execute("RELEASE SAVEPOINT comparison_view")
            } catch {
                guard error.code == .database, !error.isLockTrouble else { throw error }
                try connection.execute("ROLLBACK TO SAVEPOINT comparison_view")
                refusals.append(
                    Refusal(
                        view: "comparison.\(name)",
                        error: ViewWriter.named(
                            error, "comparison.\(name) cannot be dropped: something of yours stands on it", hint: Obstacle.hint)))
            }
        }
        return refusals
    }
}
