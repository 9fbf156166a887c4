import Columns

extension Plan {
    /// A join of the events with a table that has at most one row for each: the row is looked up by its key, and its columns stand beside
    /// the event's own (`Expression.lookup`).
    ///
    /// row(event) = the row r of the table for which every key k has k.expression(event) = r[k.column]; a null is equal to nothing.
    public struct Lookup: Hashable, Sendable, Codable {
        public enum Kind: String, Hashable, Sendable, Codable {
            /// An event without a row does not enter the view.
            case inner
            /// All columns of the table are null for it.
            case left
        }

        public struct Column: Hashable, Sendable, Codable {
            public var name: String
            public var type: ScalarType
            public init(name: String, type: ScalarType) {
                self.name = name
                self.type = type
            }
        }

        public struct Key: Hashable, Sendable, Codable {
            /// Over the source's columns, and those of the lookups before this one.
            public var expression: Expression
            /// Index into `columns`.
            public var column: Int
            /// What both sides are compared as; the expression has this type, the column becomes it without loss.
            public var type: ScalarType
            public init(expression: Expression, column: Int, type: ScalarType) {
                self.expression = expression
                self.column = column
                self.type = type
            }
        }

        /// The name of the table in the pipeline's definitions.
        public var table: String
        public var kind: Kind
        public var keys: [Key]
        /// Those that the plan reads, in the order in which the text first names them.
        public var columns: [Column]

        public init(table: String, kind: Kind, keys: [Key], columns: [Column]) {
            self.table = table
            self.kind = kind
            self.keys = keys
            self.columns = columns
        }
    }
}
