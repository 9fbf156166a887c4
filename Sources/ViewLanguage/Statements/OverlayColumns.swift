import ParallaxCore

/// Finds columns that a CREATE VIEW reads from the pipeline's views and that those do not have. PostgreSQL would find them only when the view is made.
///
/// Only what is certain is said: a name is passed over where any relation in sight has columns that are not known here (tables, other CREATE VIEWs,
/// subqueries, functions, WITH).
struct OverlayColumns {
    let statement: Statement
    /// The output columns of each of the pipeline's materialized views, by its name.
    let columnsByView: [String: [String]]

    private struct Scope {
        /// What FROM names, by the name that it has there; nil: columns that are not known.
        var relations: [(name: String, columns: [String]?)] = []
        /// Names that ORDER BY and GROUP BY may mean, too.
        var outputs: Set<String> = []
        var parent: Int?
    }

    /// Kept in arrays and not in the call stack: queries nest deeply.
    private struct Walk {
        var scopes: [Scope] = []
        var pending: [(node: SyntaxNode, scope: Int?)] = []
    }

    func check(_ query: SyntaxNode) throws(Refusal) {
        let common = names(ofCommonTablesIn: query)
        var walk = Walk()
        walk.pending = [(query, nil)]
        var unknown: Refusal?
        while let (node, scope) = walk.pending.popLast() {
            switch node.key {
            case "SelectStmt": enter(node, scope, common, &walk)
            case "ColumnRef":
                // The first one of the text.
                if let scope, let refusal = refusal(of: node, scope, walk.scopes), refusal.offset < unknown?.offset ?? .max {
                    unknown = refusal
                }
            default: for child in node.children { walk.pending.append((child, scope)) }
            }
        }
        if let unknown { throw unknown }
    }

    private func enter(_ select: SyntaxNode, _ parent: Int?, _ common: Set<String>, _ walk: inout Walk) {
        if let operation = select["op"]?.string, operation != "SETOP_NONE" {
            // Both sides stand there without a node's name. What sorts them names their outputs, which nobody looks up here.
            for side in ["larg", "rarg"] {
                if let side = select[side] { enter(side, parent, common, &walk) }
            }
            if let with = select["withClause"] { walk.pending.append((with, parent)) }
            return
        }
        var scope = Scope(parent: parent)
        var from = select["fromClause"]?.children ?? []
        while let item = from.popLast() {
            let (kind, body) = item.tagged
            switch kind {
            case "JoinExpr":
                // With a name of its own a join hides those in it.
                if let alias = body["alias"]?["aliasname"]?.string { scope.relations.append((alias, nil)) }
                from += [body["larg"], body["rarg"]].compactMap(\.self)
            case "RangeVar":
                let name = body["relname"]?.string ?? ""
                let alias = body["alias"]
                let isCommon = body["schemaname"] == nil && common.contains(name)
                let columns = isCommon || alias?["colnames"] != nil ? nil : columnsByView[name]
                scope.relations.append((alias?["aliasname"]?.string ?? name, columns))
            default: scope.relations.append((body["alias"]?["aliasname"]?.string ?? "", nil))
            }
        }
        for target in select["targetList"]?.children ?? [] {
            if let name = target.body(of: "ResTarget")?["name"]?.string { scope.outputs.insert(name) }
        }
        walk.scopes.append(scope)
        // What WITH names cannot see what FROM names.
        for child in select.children { walk.pending.append((child, child.key == "withClause" ? parent : walk.scopes.count - 1)) }
    }

    private func refusal(of reference: SyntaxNode, _ scope: Int, _ scopes: [Scope]) -> Refusal? {
        guard let names = reference["fields"]?.names, let name = names.last, names.count <= 2 else { return nil }
        let qualifier = names.count == 2 ? names[0] : nil
        var candidates: [String] = []
        var next: Int? = scope
        while let index = next {
            let scope = scopes[index]
            if let qualifier {
                if let relation = scope.relations.first(where: { $0.name == qualifier }) {
                    guard let columns = relation.columns, !columns.contains(name) else { return nil }
                    return Refusal(
                        statement.offset(reference.location), "column \(qualifier).\(name) does not exist",
                        hint: nameHint(for: name, among: columns, listedAs: "the columns are"))
                }
            } else {
                // A relation's name alone is its whole row.
                guard !scope.outputs.contains(name), !scope.relations.contains(where: { $0.name == name || $0.columns == nil }) else {
                    return nil
                }
                let columns = scope.relations.flatMap { $0.columns ?? [] }
                guard !columns.contains(name) else { return nil }
                candidates += columns
            }
            next = scope.parent
        }
        guard qualifier == nil else { return nil }
        return Refusal(
            statement.offset(reference.location), "column \"\(name)\" does not exist",
            hint: nameHint(for: name, among: candidates, listedAs: "the columns are"))
    }

    private func names(ofCommonTablesIn query: SyntaxNode) -> Set<String> {
        var names: Set<String> = []
        var pending = [query]
        while let node = pending.popLast() {
            if node.key == "CommonTableExpr", let name = node["ctename"]?.string { names.insert(name) }
            pending += node.children
        }
        return names
    }
}
