import ParallaxCore

/// Rows of a table of PostgreSQL by columns, as the types' output functions write them: what is read of a dimension in one snapshot.
public struct TextTable: Sendable {
    public struct TextColumn: Sendable {
        public var name: String
        /// As many values as the table has rows.
        public var values: ByteColumn
        public init(name: String, values: ByteColumn) {
            self.name = name
            self.values = values
        }
    }

    public var name: String
    public var rowCount: Int
    public var columns: [TextColumn]

    public init(name: String, rowCount: Int, columns: [TextColumn]) {
        precondition(columns.allSatisfy { $0.values.count == rowCount }, "columns of different lengths in \(name)")
        self.name = name
        self.rowCount = rowCount
        self.columns = columns
    }

    public var bytes: Int { columns.reduce(0) { $0 + $1.values.byteCount } }
}
