import TestSupport

/// A view in parts: for the dialect, for PostgreSQL over the same events, and for a shrinker that takes parts away.
struct GeneratedView: Codable, Hashable {
    /// A column of the view under a name.
    struct Item: Codable, Hashable {
        var name: String
        var sql: String
        /// Where PostgreSQL spells it otherwise.
        var oracle: String?
        /// Values are compared as numbers: see `GeneratedExpressions.hasVaryingScale`.
        var hasVaryingScale = false
    }

    struct Measure: Codable, Hashable {
        var item: Item
        /// Evaluated for each row that the view admits, to see whether it raises an error there.
        var arguments: [String] = []
        var filter: String?
        /// What a live estimate must lie between, as aggregates in PostgreSQL; arrays for arrays. Nil where the measure is exact.
        var bounds: Bounds?
    }

    struct Session: Codable, Hashable {
        var gap: String
        var time: String
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
    /// Where the window is a session: its gap, and the event time.
    var session: Session?
    var groups: [Item] = []
    var measures: [Measure] = []
    /// Over measures.
    var expressions: [Item] = []
    var having: String?
    var options: String?

    private var keys: [Item] { (window.map { [$0] } ?? []) + (windowEnd.map { [$0] } ?? []) + groups }
    var keyCount: Int { keys.count }
    var items: [Item] { keys + measures.map(\.item) + expressions }

    func select(from source: String) -> String {
        var sql = "SELECT \(items.map { "\($0.sql) AS \($0.name)" }.joined(separator: ", ")) FROM \(source)"
        if let filter { sql += " WHERE \(filter)" }
        return sql + grouping
    }

    /// What PostgreSQL runs over events that raise no error in this view. Behind the view's columns come the bounds of estimates.
    func oracle(from source: String, withBounds: Bool) -> String {
        var outputs = items.map { "\($0.oracle ?? $0.sql) AS \($0.name)" }
        if withBounds { for bounds in measures.compactMap(\.bounds) { outputs += [bounds.low, bounds.high] } }
        // One test, so that PostgreSQL does not put the parts of an AND in an order of its own.
        if let session {
            let sessions = Oracle.sessions(
                of: source, gap: session.gap, by: groups.map(\.sql), where: filter.map { "(\($0)) IS TRUE" } ?? "true", time: session.time)
            let keys = (["session_start", "session_end"] + groups.map(\.name)).joined(separator: ", ")
            return "SELECT \(outputs.joined(separator: ", ")) FROM \(sessions) GROUP BY \(keys)\(having.map { " HAVING \($0)" } ?? "")"
        }
        let filter = filter.map { " WHERE (\($0)) IS TRUE" } ?? ""
        return "SELECT \(outputs.joined(separator: ", ")) FROM \(source)\(filter)\(grouping)"
    }

    private var grouping: String {
        let names = ((window.map { [$0] } ?? []) + groups).map(\.name)
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
