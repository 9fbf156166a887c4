import ParallaxCore
import Postgres

/// A program that follows a view: it takes the view's rows once, and from then on only what has changed.
public final class Follower {
    public let view: String
    private let connection: Connection
    private let changes: String
    /// The number's column: a view that has one of the name keeps it.
    private let number: String
    /// The newest change that it has; nil before the first snapshot.
    public private(set) var change: Int64?
    /// By key, the rest of the row, as text.
    private var rows: [String: String] = [:]
    public private(set) var snapshots = 0
    public private(set) var upserts = 0
    public private(set) var deletes = 0

    /// - Parameter changes: the name of `serving.<view>_changes`.
    public init(_ dsn: String, view: String) throws {
        self.view = view
        connection = try Connection(dsn)
        changes = "serving.\(Connection.quoteIdentifier("\(view)_changes"))"
        number = Connection.quoteIdentifier(try connection.query("SELECT * FROM \(changes) LIMIT 0").columns[0])
    }

    deinit { connection.close() }

    /// Asks once, and says what is wrong: where its rows are not the view's of the same snapshot.
    public func follow() throws -> String? {
        try connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        defer { _ = try? connection.execute("ROLLBACK") }
        let now = try connection.query("SELECT parallax.change($1)", [.text(view)]).rows[0].int(0)
        if let change {
            let new = try connection.query("SELECT * FROM \(changes) WHERE \(number) > $1 ORDER BY 1", [.int(change)]).rows
            if new.contains(where: { $0[1] == "reset" }) {
                try takeSnapshot()
            } else {
                for row in new { try take(row) }
            }
        } else {
            try takeSnapshot()
        }
        change = now
        return try difference()
    }

    private func takeSnapshot() throws {
        snapshots += 1
        rows = [:]
        for row in try connection.query("SELECT * FROM \(changes) WHERE \(number) IS NULL").rows {
            let key = try row.text(2)
            precondition(row[1] == "snapshot" && rows[key] == nil, "\(view): two rows have the key \(key)")
            rows[key] = Self.rest(row)
        }
    }

    private func take(_ row: QueryResult.Row) throws {
        let key = try row.text(2)
        if row[1] == "delete" {
            if rows.removeValue(forKey: key) != nil { deletes += 1 }
        } else {
            precondition(row[1] == "upsert", "\(view): an operation \(row[1] ?? "null")")
            if rows.updateValue(Self.rest(row), forKey: key) != Self.rest(row) { upserts += 1 }
        }
    }

    private static func rest(_ row: QueryResult.Row) -> String { row.values.dropFirst(3).map { $0 ?? "null" }.joined(separator: "|") }

    private func difference() throws -> String? {
        let isWaiting = try connection.query(
            "SELECT sum(f.waiting_records) > 0 FROM parallax.frontier f JOIN parallax.followed_view v USING (source) WHERE v.view = $1",
            [.text(view)]
        ).rows[0].bool(0)
        var found: [String: String] = [:]
        for row in try connection.query("SELECT * FROM \(changes) WHERE \(number) IS NULL").rows { found[try row.text(2)] = Self.rest(row) }
        for (key, row) in rows where found[key] != row {
            return "\(view), after change \(change ?? 0): has \(key) as \(row), and it is \(found[key] ?? "not there")"
        }
        for (key, row) in found where rows[key] == nil { return "\(view), after change \(change ?? 0): lacks \(key): \(row)" }
        // Of rows that wait for a publication the merged view alone says that they are not exact.
        let served = try connection.query("SELECT * FROM serving.\(Connection.quoteIdentifier(view))")
        let (exact, all) = (served.columns.firstIndex(of: "is_exact") ?? 0, served.columns.indices)
        func text(_ values: [String?]) -> String {
            all.filter { !isWaiting || $0 != exact }.map { values[$0] ?? "null" }.joined(separator: "|")
        }
        let mine = try connection.query(
            "SELECT \(served.columns.map(Connection.quoteIdentifier).joined(separator: ", ")) FROM \(changes) WHERE \(number) IS NULL")
        let (left, right) = (mine.rows.map { text($0.values) }.sorted(), served.rows.map { text($0.values) }.sorted())
        return left == right
            ? nil : "\(view): the snapshot is another one than the view: \(zip(left, right).first { $0 != $1 }.map { "\($0)" } ?? "")"
    }
}
