import Columns

/// FROM: one source, and tables that its events are looked up in.
extension ViewCompiler {
    func scope(_ select: SyntaxNode) throws(Refusal) -> Scope {
        let items = select["fromClause"]?.children ?? []
        guard let first = items.first else {
            throw Refusal(statement.offset(ofKeyword: "select"), "a materialized view needs a source: FROM is missing")
        }
        if items.count > 1 {
            throw Refusal(
                statement.offset(items[1].tagged.body.location), "several FROM items are not supported",
                hint: "a materialized view reads one source; a table is joined: FROM source JOIN table USING (column)")
        }
        // a JOIN b JOIN c is (a JOIN b) JOIN c.
        var joins: [SyntaxNode] = []
        var node = first
        while let join = node.body(of: "JoinExpr"), let left = join["larg"] {
            joins.append(join)
            guard joins.count <= LanguageLimits.lookups else {
                throw Refusal(
                    statement.offset(ofKeyword: "join"), "a view that joins more than \(LanguageLimits.lookups) tables is not supported")
            }
            node = left
        }
        if let alias = joins.first(where: { $0["alias"] != nil || $0["join_using_alias"] != nil }) {
            throw Refusal(statement.offset(alias["rarg"]?.location), "an alias of a join is not supported", hint: "name its tables")
        }
        var scope = try self.source(node)
        for join in joins.reversed() { try LookupCompiler(statement: statement, relations: relations).add(join, to: &scope) }
        return scope
    }

    private func source(_ node: SyntaxNode) throws(Refusal) -> Scope {
        let from = statement.offset(after: statement.offset(ofKeyword: "from"))
        let (kind, body) = node.tagged
        switch kind {
        case "RangeVar": break
        case "RangeSubselect":
            throw Refusal(from, "sub-queries are not supported in a materialized view", hint: "a materialized view reads one source")
        case "RangeFunction": throw Refusal(from, "a function in FROM is not supported", hint: "a materialized view reads one source")
        case "RangeTableSample": throw Refusal(from, "TABLESAMPLE is not supported: a view counts every event")
        default: throw Refusal(from, "this FROM item is not supported", hint: "a materialized view reads one source")
        }
        let offset = statement.offset(body.location)
        guard body["inh"]?.isTrue == true else { throw Refusal(offset, "ONLY is not supported") }
        try body.allowFields(["relname", "inh", "relpersistence", "alias", "location"], in: statement)
        let alias = body["alias"]
        try alias?.allowFields(["aliasname"], in: statement, at: offset)
        let name = body["relname"]?.string ?? ""
        return Scope(source: try relations.source(name, at: offset), relationName: alias?["aliasname"]?.string ?? name)
    }
}
