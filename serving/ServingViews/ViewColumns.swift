import Postgres

/// A view's columns, as far as whoever reads it by name depends on them.
struct ViewColumns: Equatable {
    struct Column: Equatable {
        var name: String
        /// The type with its modifier and its collation.
        var type: String
    }
    var columns: [Column]

    /// By name, without collations.
    var plainTypes: [String: String] {
        Dictionary(columns.map { ($0.name, String($0.type[..<($0.type.firstRange(of: " COLLATE ")?.lowerBound ?? $0.type.endIndex)])) }) {
            first, _ in
            first
        }
    }

    /// The names in an order that CREATE OR REPLACE takes over a view with the old columns: those first, as they are. Nil where one of them goes or gets
    /// another type.
    func order(after old: ViewColumns) -> [String]? {
        guard old.columns.allSatisfy(columns.contains) else { return nil }
        let names = old.columns.map(\.name)
        return names + columns.map(\.name).filter { !names.contains($0) }
    }

    /// Columns of the old view that are not there any more or have another type, each with the words for it.
    func lost(of old: ViewColumns) -> [(name: String, words: String)] {
        old.columns.filter { !columns.contains($0) }.map { column in
            guard let new = columns.first(where: { $0.name == column.name }) else { return (column.name, "column \"\(column.name)\" goes") }
            return (column.name, "column \"\(column.name)\" changes from \(column.type) to \(new.type)")
        }
    }

    /// The SELECT with its columns in another order. PostgreSQL sees through it when it plans.
    static func select(_ names: [String], from sql: String, where condition: String? = nil) -> String {
        "SELECT \(names.map { "q.\(Connection.quoteIdentifier($0))" }.joined(separator: ", "))\nFROM (\n\(sql)\n) q"
            + (condition.map { "\nWHERE \($0)" } ?? "")
    }
}
