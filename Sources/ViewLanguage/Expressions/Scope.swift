import Columns

/// A source as far as its statement compiled: views on it are checked even where it has errors of its own.
struct SourceScope {
    struct Column {
        var name: String
        /// Nil where the declaration is in error: expressions over it are not judged.
        var type: ScalarType?
    }
    var name: String
    var columns: [Column]
    /// Nil where it is not known for an error.
    var eventTimeColumn: Int?
    /// Nil where anything about it is in error.
    var definition: SourceDefinition?
    /// False where a column may be missing from `columns`.
    var isComplete: Bool
}

/// A table as far as its statement compiled.
struct DimensionScope {
    var name: String
    var schema: String
    var columns: [SourceScope.Column] = []
    /// Indexes into `columns`: no two rows agree in all columns of one of these.
    var keys: [[Int]] = []
    /// Nil where anything about it is in error.
    var definition: DimensionDefinition?
}

/// What names mean in one SELECT.
struct Scope {
    /// A table that was joined, with what its join says.
    struct Lookup {
        var dimension: DimensionScope
        /// The alias, or the table's own name.
        var relationName: String
        var kind: Plan.Lookup.Kind
        var keys: [Plan.Lookup.Key] = []
        /// Columns of USING: their plain names mean those of the relations to the left.
        var merged: Set<String> = []
    }

    var source: SourceScope
    /// The alias, or the source's own name.
    var relationName: String
    var lookups: [Lookup] = []
    /// What the plain name of a column of USING means where it is not the left side itself: both sides had to become a common type.
    var mergedExpressions: [String: Expression] = [:]
    /// Shared by all parts of the SELECT.
    let usedColumns = UsedLookupColumns()

    init(source: SourceScope, relationName: String) {
        self.source = source
        self.relationName = relationName
    }
}

/// The columns of joined tables that the SELECT reads: numbered as they are first met, so that a column that a table gains changes no plan.
/// A class, since the clauses of a SELECT are compiled one by one.
final class UsedLookupColumns {
    /// For each lookup the indexes of its table's columns.
    private(set) var columns: [[Int]] = []

    func index(lookup: Int, column: Int) -> Int {
        while columns.count <= lookup { columns.append([]) }
        if let known = columns[lookup].firstIndex(of: column) { return known }
        columns[lookup].append(column)
        return columns[lookup].count - 1
    }
}

/// What a name of a column means.
enum ColumnReference: Hashable {
    /// Index into the source's columns.
    case source(Int)
    /// A lookup, and an index into its table's columns.
    case lookup(Int, Int)
    /// The plain name of a column of USING whose sides have different types.
    case merged(Expression, name: String)
}

/// The part of a SELECT in which an expression stands; it decides what may be in it and how its refusal is called.
enum Clause {
    case join, selectItem, filter, groupBy, aggregateArgument, aggregateFilter, distinctOn

    /// PostgreSQL's words for an aggregate in this place.
    var aggregateRefusal: (message: String, hint: String?) {
        switch self {
        case .join: ("aggregate functions are not allowed in JOIN conditions", nil)
        case .filter:
            ("aggregate functions are not allowed in WHERE", "filter the view's rows in a CREATE VIEW on top of it")
        case .groupBy: ("aggregate functions are not allowed in GROUP BY", nil)
        case .aggregateArgument: ("aggregate function calls cannot be nested", nil)
        case .aggregateFilter: ("aggregate functions are not allowed in FILTER", nil)
        case .distinctOn:
            ("aggregates are not supported with DISTINCT ON", "it keeps one event of each key: aggregate in a view of its own")
        case .selectItem:
            (
                "an expression over aggregates is not supported yet",
                "give each aggregate a column of its own and compute with them in a CREATE VIEW on top of this view"
            )
        }
    }
}
