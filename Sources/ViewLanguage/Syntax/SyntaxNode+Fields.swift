extension SyntaxNode {
    /// Refuses what the compiler would otherwise pass over in silence: any field that the caller does not handle.
    /// `fallback`: the place for a field that has none of its own.
    func allowFields(_ allowed: Set<String>, in statement: Statement, at fallback: Int? = nil) throws(Refusal) {
        for field in children {
            guard let key = field.key, !allowed.contains(key) else { continue }
            let (name, keyword) = clause(key)
            let place =
                keyword.flatMap { statement.firstOffset(ofKeyword: $0) } ?? field.location.map { statement.offset($0) } ?? fallback
                ?? statement.offset(location)
            throw Refusal(place, "\(name) is not supported here")
        }
    }
}

/// What people call the clause behind a field of the parse tree, and the keyword that it begins with where that tells its place.
private func clause(_ field: String) -> (name: String, keyword: String?) {
    switch field {
    case "agg_within_group": ("WITHIN GROUP", nil)
    case "agg_order": ("ORDER BY in an aggregate", nil)
    case "agg_filter": ("FILTER", nil)
    case "agg_distinct": ("DISTINCT", nil)
    case "agg_star": ("*", nil)
    case "func_variadic": ("VARIADIC", nil)
    case "over": ("OVER", nil)
    case "collClause": ("COLLATE", nil)
    case "arrayBounds": ("an array type", nil)
    case "setof": ("SETOF", nil)
    case "pct_type": ("%TYPE", nil)
    case "typmods": ("a type modifier", nil)
    case "fdwoptions": ("OPTIONS of a column", nil)
    case "catalogname": ("a database name", nil)
    case "schemaname": ("a schema name", nil)
    case "colnames": ("a column alias list", nil)
    case "if_not_exists": ("IF NOT EXISTS", "if")
    case "including": ("INCLUDE", "include")
    case "inhRelations": ("INHERITS", "inherits")
    case "partbound", "partspec": ("PARTITION", "partition")
    case "colNames", "aliases": ("a column list after the name", nil)
    case "options": ("WITH (options)", "with")
    case "tableSpaceName": ("TABLESPACE", "tablespace")
    case "accessMethod": ("USING", "using")
    case "limitOption": ("WITH TIES", "ties")
    default: ("the clause \"\(field)\"", nil)
    }
}
