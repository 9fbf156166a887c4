/// Rows of one result, as PostgreSQL's text.
public struct QueryResult: Sendable {
    public var columns: [String]
    /// PostgreSQL's object id of each column's type; empty where nobody asked the server.
    public var types: [UInt32]
    public var rows: [Row]
    /// Rows changed (or returned, for a SELECT), from the command tag; 0 where it has none.
    public var affectedRows: Int
    public init(columns: [String], types: [UInt32] = [], rows: [Row], affectedRows: Int) {
        self.columns = columns
        self.types = types
        self.rows = rows
        self.affectedRows = affectedRows
    }

    public struct Row: Sendable {
        public var values: [String?]
        public init(values: [String?]) { self.values = values }
        public subscript(_ column: Int) -> String? { values[column] }
        /// Traps on our own mistake (a column that is not a bigint); use where the SQL fixes the type.
        public func int(_ column: Int) -> Int64? {
            guard let text = values[column] else { return nil }
            guard let value = Int64(text) else { preconditionFailure("column \(column) holds \(text), not a bigint") }
            return value
        }
        public func bool(_ column: Int) -> Bool? { values[column].map { $0 == "t" } }
    }
}
