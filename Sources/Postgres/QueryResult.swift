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

    /// `row[0]` is the text as it came, nil for null. Whoever knows what a column holds says so: see Row+Values.
    public struct Row: Sendable {
        /// The names of the columns, for errors and for whoever asks by name. All rows of a result share one array.
        public var columns: [String]
        public var values: [String?]
        public init(columns: [String] = [], values: [String?]) {
            self.columns = columns
            self.values = values
        }
        public subscript(_ column: Int) -> String? { values[column] }
    }
}
