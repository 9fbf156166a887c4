extension Scope {
    /// The index of the column that a ColumnRef names. PostgreSQL's messages.
    func column(_ body: SyntaxNode, at offset: Int) throws(Refusal) -> Int {
        let parts = body["fields"]?.children ?? []
        if parts.contains(where: { $0.tagged.kind == "A_Star" }) {
            throw Refusal(
                offset, "* is not supported in a materialized view", hint: "name the columns, and aggregate those that are not grouped by")
        }
        guard let names = body["fields"]?.names, (1...2).contains(names.count), let name = names.last else {
            throw Refusal(offset, "this column reference is not supported", hint: "write column or relation.column")
        }
        if names.count == 2, names[0] != relationName { throw wrongRelation(names[0], at: offset) }
        if let index = source.columns.firstIndex(where: { $0.name == name }) { return index }
        guard source.isComplete else { throw .consequence(at: offset) }
        let shown = names.count == 2 ? "\(names[0]).\(name)" : "\"\(name)\""
        throw Refusal(
            offset, "column \(shown) does not exist",
            hint: nameHint(for: name, among: source.columns.map(\.name), listedAs: "the columns of \"\(source.name)\" are"))
    }

    private func wrongRelation(_ name: String, at offset: Int) -> Refusal {
        if name == source.name {
            return Refusal(
                offset, "invalid reference to FROM-clause entry for table \"\(name)\"",
                hint: "perhaps you meant to reference the table alias \"\(relationName)\"")
        }
        return Refusal(
            offset, "missing FROM-clause entry for table \"\(name)\"", hint: "the only relation here is \"\(relationName)\"")
    }
}

extension SyntaxNode {
    /// Refuses what the compiler would otherwise pass over in silence: any field that the caller does not handle.
    func allowFields(_ allowed: Set<String>, in statement: Statement) throws(Refusal) {
        for field in children {
            guard let key = field.key, !allowed.contains(key) else { continue }
            let place = field.children.first?.tagged.body["location"] == nil ? location : field.children.first?.tagged.body.location
            throw Refusal(statement.offset(place), "\(clauseName(key)) is not supported here")
        }
    }
}

/// What people call the clause behind a field of the parse tree.
private func clauseName(_ field: String) -> String {
    switch field {
    case "agg_within_group": "WITHIN GROUP"
    case "agg_order": "ORDER BY in an aggregate"
    case "agg_filter": "FILTER"
    case "agg_distinct": "DISTINCT"
    case "agg_star": "*"
    case "func_variadic": "VARIADIC"
    case "over": "OVER"
    case "collClause": "COLLATE"
    case "arrayBounds": "an array type"
    case "setof": "SETOF"
    case "pct_type": "%TYPE"
    case "typmods": "a type modifier"
    case "fdwoptions": "OPTIONS of a column"
    case "catalogname": "a database name"
    case "schemaname": "a schema name"
    case "colnames": "a column alias list"
    case "if_not_exists": "IF NOT EXISTS"
    case "inhRelations": "INHERITS"
    case "partbound", "partspec": "PARTITION"
    case "colNames", "aliases": "a column list after the name"
    case "options": "WITH (options)"
    case "tableSpaceName": "TABLESPACE"
    case "accessMethod": "USING"
    case "withCheckOption": "WITH CHECK OPTION"
    case "replace": "OR REPLACE"
    default: "the clause \"\(field)\""
    }
}
