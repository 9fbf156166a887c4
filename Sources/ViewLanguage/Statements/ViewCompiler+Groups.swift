import Columns

extension ViewCompiler {
    /// One item of GROUP BY.
    enum Key {
        case window(Plan.Window.Kind, offset: Int)
        case group(Expression, offset: Int)
        case failed
    }

    func groupKeys(_ nodes: [SyntaxNode], _ items: [Item], _ scope: Scope) -> [Key] {
        var keys: [Key] = []
        for node in nodes {
            let key = reporter.attempt { () throws(Refusal) in try self.key(node, items, scope) } ?? .failed
            keys.append(key)
        }
        return keys
    }

    /// PostgreSQL's order of precedence: a plain name is an input column first and an output name second; a plain integer is
    /// a position of the SELECT list; everything else is an expression over input columns.
    private func key(_ node: SyntaxNode, _ items: [Item], _ scope: Scope) throws(Refusal) -> Key {
        let (kind, body) = node.tagged
        let offset = statement.offset(body.location)
        switch kind {
        case "GroupingSet":
            throw Refusal(offset, "grouping sets, ROLLUP and CUBE are not supported", hint: "write a view for each grouping")
        case "A_Const":
            guard let constant = body["ival"] else { throw Refusal(offset, "non-integer constant in GROUP BY") }
            let position = statement.integer(constant, at: offset)
            guard items.indices.contains(position - 1) else {
                throw Refusal(offset, "GROUP BY position \(position) is not in select list")
            }
            return try key(of: items[position - 1], at: offset)
        case "ColumnRef":
            if let names = body["fields"]?.names, names.count == 1, !scope.hasColumn(named: names[0]) {
                let named = items.filter { $0.name == names[0] }
                if named.count > 1 { throw Refusal(offset, "GROUP BY \"\(names[0])\" is ambiguous") }
                if let item = named.first { return try key(of: item, at: offset) }
            }
        case "FuncCall":
            let name = FunctionName(body)
            if WindowCall.isWindow(name, body, scope) {
                return .window(try WindowCall(scope: scope, statement: statement).compile(body, at: offset), offset: offset)
            }
        default: break
        }
        var compiler = ExpressionCompiler(scope: scope, statement: statement, clause: .groupBy)
        return .group(try groupable(try compiler.expression(node), at: offset), offset: offset)
    }

    /// Values that are equal and differ in their text (1.0 and 1.00 in a jsonb) would be two groups here and one in PostgreSQL.
    func groupable(_ expression: Expression, at offset: Int) throws(Refusal) -> Expression {
        guard expression.type == .jsonb else { return expression }
        throw Refusal(offset, "grouping by a value of type jsonb is not supported", hint: "group by a field of it, such as x ->> 'name'")
    }

    private func key(of item: Item, at offset: Int) throws(Refusal) -> Key {
        switch item.value {
        case .window(let kind): return .window(kind, offset: offset)
        case .expression(let expression, _, _): return .group(try groupable(expression, at: offset), offset: offset)
        case .finished(let node) where !node.containsAggregate:
            throw Refusal(
                item.offset, "a window is grouped by itself, not by its end", hint: "write tumble(…), or the name that AS gave it")
        case .measure, .finished: throw Refusal(item.offset, "aggregate functions are not allowed in GROUP BY")
        case .failed: throw .consequence(at: offset)
        }
    }
}
