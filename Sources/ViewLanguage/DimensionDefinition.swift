import Columns

/// A table of PostgreSQL that views look events up in: what `CREATE TABLE` says.
public struct DimensionDefinition: Hashable, Sendable, Codable {
    public struct Column: Hashable, Sendable, Codable {
        public var name: String
        public var type: ScalarType
        public var isNotNull: Bool
        public init(name: String, type: ScalarType, isNotNull: Bool = false) {
            self.name = name
            self.type = type
            self.isNotNull = isNotNull
        }
    }

    /// Where the pipeline's own tables are.
    public static let ownSchema = "dimension"
    /// Where a table of the user's is whose statement names no schema.
    public static let defaultSchema = "public"

    public var name: String
    public var schema: String
    /// True for `CREATE TABLE`: the pipeline creates, alters and drops it. False for `CREATE TABLE IF NOT EXISTS`: it is the user's, made only
    /// where it is missing, and never altered or dropped.
    public var isOwned: Bool
    public var columns: [Column]
    /// Indexes into `columns`.
    public var primaryKey: [Int]?
    /// The sets of columns that UNIQUE says no two rows agree in.
    public var uniqueKeys: [[Int]]

    public init(name: String, schema: String, isOwned: Bool, columns: [Column], primaryKey: [Int]?, uniqueKeys: [[Int]]) {
        self.name = name
        self.schema = schema
        self.isOwned = isOwned
        self.columns = columns
        self.primaryKey = primaryKey
        self.uniqueKeys = uniqueKeys
    }

    /// Every set of columns that tells rows apart, the primary key first.
    public var keys: [[Int]] { (primaryKey.map { [$0] } ?? []) + uniqueKeys }
}
