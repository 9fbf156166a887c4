import ParallaxCore

/// CREATE VIEW: PostgreSQL's own work. Only what it reads is of interest, for the order in which views are made and for names
/// that do not exist; everything else PostgreSQL judges itself.
struct OverlayCompiler {
    let declaration: Declaration
    let relations: Relations
    /// The columns of the pipeline's materialized views, as readers see them.
    var columnsByView: [String: [String]] = [:]

    private var statement: Statement { declaration.statement }

    func compile() throws(Refusal) -> OverlayDefinition {
        let body = declaration.body
        if body["aliases"] != nil {
            throw Refusal(
                declaration.nameOffset, "a column list after the view's name is not supported",
                hint: "name the columns with AS in the SELECT list")
        }
        if body["replace"] != nil {
            throw Refusal(
                statement.start, "CREATE OR REPLACE is not supported", hint: "write CREATE VIEW: applying it replaces what was there")
        }
        try body.allowFields(["view", "query", "withCheckOption"], in: statement, at: declaration.nameOffset)
        guard body["withCheckOption"]?.string ?? "NO_CHECK_OPTION" == "NO_CHECK_OPTION" else {
            throw Refusal(
                statement.offset(ofKeyword: "check"), "WITH CHECK OPTION is not supported", hint: "only the layers write rows")
        }
        guard let query = body["query"], let text = statement.queryText(after: declaration.nameOffset) else {
            throw Refusal(statement.start, "a view needs a SELECT")
        }
        let reads = try reads(of: query)
        try OverlayColumns(statement: statement, columnsByView: columnsByView).check(query)
        return OverlayDefinition(name: declaration.name, selectText: text.text, reads: reads)
    }

    /// Names bound by WITH, as far as they are visible. Kept in an array and not in the call stack: queries nest deeply.
    private struct NameScope {
        var names: Set<String>
        var parent: Int?
    }

    /// The relations that a query reads, in the order of the text.
    private func reads(of query: SyntaxNode) throws(Refusal) -> [String] {
        var scopes = [NameScope(names: [], parent: nil)]
        var pending: [(node: SyntaxNode, scope: Int)] = [(query, 0)]
        var found: [(name: String, offset: Int)] = []
        while let (node, outer) = pending.popLast() {
            var scope = outer
            switch node.key {
            case "RangeVar":
                try readRelation(node, scopes, scope, into: &found)
                continue
            case "InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt":
                throw Refusal(statement.offset(node["relation"]?.location), "views must not contain data-modifying statements in WITH")
            case "intoClause":
                throw Refusal(statement.offset(ofKeyword: "into"), "views must not contain SELECT INTO")
            // The relations of FOR UPDATE OF are aliases.
            case "lockingClause": continue
            default: break
            }
            if let with = node["withClause"] {
                let tables = (with["ctes"]?.children ?? []).compactMap { $0.body(of: "CommonTableExpr") }
                let isRecursive = with["recursive"]?.isTrue == true
                let all = Set(tables.compactMap { $0["ctename"]?.string })
                var visible: Set<String> = []
                for table in tables {
                    scopes.append(NameScope(names: isRecursive ? all : visible, parent: scope))
                    if let query = table["ctequery"] { pending.append((query, scopes.count - 1)) }
                    if let name = table["ctename"]?.string { visible.insert(name) }
                }
                scopes.append(NameScope(names: all, parent: scope))
                scope = scopes.count - 1
            }
            for child in node.children.reversed() where child.key != "withClause" { pending.append((child, scope)) }
        }
        var names: [String] = []
        for (name, _) in found.sorted(by: { $0.offset < $1.offset }) where !names.contains(name) { names.append(name) }
        return names
    }

    private func readRelation(
        _ node: SyntaxNode, _ scopes: [NameScope], _ scope: Int, into found: inout [(name: String, offset: Int)]
    ) throws(Refusal) {
        let offset = statement.offset(node.location)
        guard let name = node["relname"]?.string else { return }
        if let schema = node["schemaname"]?.string {
            guard schema == "serving" || schema == relations.dimensions[name]?.schema else {
                throw Refusal(
                    offset, "relation \"\(schema).\(name)\" does not belong to the pipeline",
                    hint: "a CREATE VIEW reads the pipeline's views and tables")
            }
        } else {
            var next: Int? = scope
            while let index = next {
                if scopes[index].names.contains(name) { return }
                next = scopes[index].parent
            }
        }
        switch relations.declarations[name]?.kind {
        case .view, .overlay, .dimension: found.append((name, offset))
        case .source:
            throw Refusal(
                offset, "\"\(name)\" is a source: a CREATE VIEW reads views",
                hint: "aggregate it in a CREATE MATERIALIZED VIEW, and read that")
        case nil:
            if relations.isUnreadable(name) { throw .consequence(at: offset) }
            let names = relations.order.filter { $0.kind != .source && $0.name != declaration.name }.map(\.name)
            throw Refusal(
                offset, "relation \"\(name)\" does not exist", hint: nameHint(for: name, among: names, listedAs: "the views are"))
        }
    }
}
