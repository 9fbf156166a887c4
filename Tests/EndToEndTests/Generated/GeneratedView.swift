import TestSupport

/// A view in parts: for the dialect, for PostgreSQL over the same events, and for a shrinker that takes parts away.
struct GeneratedView: Codable, Hashable {
    /// A column of the view under a name.
    struct Item: Codable, Hashable {
        var name: String
        var sql: String
        /// Where PostgreSQL spells it otherwise.
        var oracle: String?
        /// Values are compared as numbers: which of several equal ones is shown (1.5, 1.50) is PostgreSQL's own affair.
        var hasVaryingScale = false
        /// As a group PostgreSQL shows any of the equal intervals, and a view the one whose text comes first; min and max show any in both.
        var isInterval: Bool?
    }

    struct Measure: Codable, Hashable {
        var item: Item
        /// Evaluated for each row that the view admits, to see whether it raises an error there.
        var arguments: [String] = []
        var filter: String?
        /// What a live estimate must lie between, as aggregates in PostgreSQL; arrays for arrays. Nil where the measure is exact.
        var bounds: Bounds?
    }

    struct Bounds: Codable, Hashable {
        var low: String
        var high: String
    }

    var name: String
    var filter: String?
    /// Its item is the window's start.
    var window: Item?
    /// As an expression over the window's start, where the view shows it.
    var windowEnd: Item?
    /// Where the window is a session: its gap, as an interval. PostgreSQL has no sessions; the oracle makes them by gaps and islands.
    var sessionGap: String?
    /// SELECT DISTINCT ON (groups): the measures are expressions over the newest event of each key. There is no window, then.
    var isLatest: Bool?
    /// JOIN … ON …, behind the source.
    var join: String?
    var groups: [Item] = []
    var measures: [Measure] = []
    /// Over measures.
    var expressions: [Item] = []
    var having: String?
    var options: String?

    private var keys: [Item] { (window.map { [$0] } ?? []) + (windowEnd.map { [$0] } ?? []) + groups }
    var keyCount: Int { keys.count }
    var items: [Item] { keys + measures.map(\.item) + expressions }

    /// - Parameter time: the event time column.
    func select(from source: String, time: String) -> String {
        var sql = "SELECT \(distinct)\(items.map { "\($0.sql) AS \($0.name)" }.joined(separator: ", ")) FROM \(source)\(join ?? "")"
        if let filter { sql += " WHERE \(filter)" }
        return sql + (isLatest == true ? " ORDER BY \(groups.map(\.sql).joined(separator: ", ")), \(time) DESC" : grouping)
    }

    private var distinct: String { isLatest == true ? "DISTINCT ON (\(groups.map(\.sql).joined(separator: ", "))) " : "" }

    /// What PostgreSQL runs over events that raise no error in this view. Behind the view's columns come the bounds of estimates.
    ///
    /// - Parameters:
    ///   - events: a table or a query in parentheses.
    ///   - source: the name under which the view's expressions may know it.
    func oracle(from events: String, as source: String, time: String, withBounds: Bool) -> String {
        let keyNames = Set(groups.map(\.name))
        var outputs = items.map { item in
            // The groups of sessions are computed before the sessions are.
            let sql = sessionGap != nil && keyNames.contains(item.name) ? "__\(item.name)" : item.oracle ?? item.sql
            let isShown = item.isInterval == true && keyNames.contains(item.name) && isLatest != true
            return "\(isShown ? "min((\(sql))::text COLLATE \"C\")::interval" : sql) AS \(item.name)"
        }
        if withBounds { for bounds in measures.compactMap(\.bounds) { outputs += [bounds.low, bounds.high] } }
        // One test, so that PostgreSQL does not put the parts of an AND in an order of its own.
        let filter = filter.map { " WHERE (\($0)) IS TRUE" } ?? ""
        let list = outputs.joined(separator: ", ")
        if isLatest == true {
            return """
                SELECT \(distinct)\(list) FROM \(events) AS \(source)\(join ?? "")\(filter)
                ORDER BY \(groups.map(\.sql).joined(separator: ", ")), \(time) DESC, __partition DESC, __offset DESC
                """
        }
        guard let sessionGap else { return "SELECT \(list) FROM \(events) AS \(source)\(join ?? "")\(filter)\(oracleGrouping)" }
        let keys = groups.map { "(\($0.sql)) AS __\($0.name)" }.map { $0 + ", " }.joined()
        let partition = groups.isEmpty ? "" : "PARTITION BY \(groups.map { "__\($0.name)" }.joined(separator: ", ")) "
        return """
            SELECT \(list) FROM (
              SELECT *, count(*) FILTER (WHERE __begins) OVER (\(partition)ORDER BY \(time)) AS __session FROM (
                SELECT *, coalesce(\(time) - lag(\(time)) OVER (\(partition)ORDER BY \(time)) >= interval '\(sessionGap)', true) AS __begins
                FROM (SELECT \(keys)* FROM \(events) AS \(source)\(join ?? "")\(filter)) f) b) AS \(source)
            GROUP BY __session\(groups.map { ", __\($0.name)" }.joined())\(having.map { " HAVING \($0)" } ?? "")
            """
    }

    /// As the view says it: by the names of the items.
    private var grouping: String { grouping { $0.name } }

    /// As PostgreSQL is asked: by the intervals themselves, whose names stand for what is shown.
    private var oracleGrouping: String { grouping { $0.isInterval == true ? "(\($0.sql))" : $0.name } }

    private func grouping(_ key: (Item) -> String) -> String {
        let names = ((window.map { [$0] } ?? []) + groups).map(key)
        return (names.isEmpty ? "" : " GROUP BY \(names.joined(separator: ", "))") + (having.map { " HAVING \($0)" } ?? "")
    }

    /// An expression for each thing that a row's admission evaluates.
    var evaluated: [String] {
        groups.map(\.sql)
            + measures.flatMap { measure in
                measure.arguments.map { argument in measure.filter.map { "CASE WHEN \($0) THEN \(argument) END" } ?? argument }
            }
    }

    var definition: LayeredPipeline.View { .init(name, "", options: options) }
}
