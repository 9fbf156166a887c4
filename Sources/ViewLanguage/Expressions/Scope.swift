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

/// What names mean in one SELECT.
struct Scope {
    var source: SourceScope
    /// The alias, or the source's own name.
    var relationName: String
}

/// The part of a SELECT in which an expression stands; it decides what may be in it and how its refusal is called.
enum Clause {
    case selectItem, filter, groupBy, aggregateArgument, aggregateFilter

    /// PostgreSQL's words for an aggregate in this place.
    var aggregateRefusal: (message: String, hint: String?) {
        switch self {
        case .filter:
            ("aggregate functions are not allowed in WHERE", "filter the view's rows in a CREATE VIEW on top of it")
        case .groupBy: ("aggregate functions are not allowed in GROUP BY", nil)
        case .aggregateArgument: ("aggregate function calls cannot be nested", nil)
        case .aggregateFilter: ("aggregate functions are not allowed in FILTER", nil)
        case .selectItem:
            (
                "an expression over aggregates is not supported yet",
                "give each aggregate a column of its own and compute with them in a CREATE VIEW on top of this view"
            )
        }
    }
}
