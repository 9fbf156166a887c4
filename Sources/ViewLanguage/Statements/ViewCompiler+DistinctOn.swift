import Columns

/// SELECT DISTINCT ON (keys) … ORDER BY keys, event_time DESC: a table of the newest event of each key (ASC: of the oldest).
///
/// The keys become groups, every other column the `last` (or `first`) of its expression by event time; they share one tag, so that
/// all of a row comes from one event.
extension ViewCompiler {
    /// Which event of each key is kept.
    struct KeptEvent {
        var keys: [Expression]
        var function: Plan.Measure.Function
        var eventTime: Expression
    }

    static func isDistinctOn(_ select: SyntaxNode) -> Bool {
        // A plain DISTINCT is a list of one empty node.
        select["distinctClause"]?.children.contains { !$0.children.isEmpty } ?? false
    }

    func valueOfOneEvent(_ node: SyntaxNode, _ scope: Scope) throws(Refusal) -> Item.Value {
        var compiler = ExpressionCompiler(scope: scope, statement: statement, clause: .distinctOn)
        let expression = try compiler.expression(node)
        return .expression(expression, columnUses: compiler.columnUses, node)
    }

    /// Nil, and everything reported, where it is not said or not one that is kept.
    func keptEvent(_ select: SyntaxNode, _ items: [Item], _ scope: Scope) -> KeptEvent? {
        var keys: [Expression] = []
        var areKnown = true
        for node in select["distinctClause"]?.children ?? [] {
            let key = reporter.attempt { () throws(Refusal) in
                try self.groupable(
                    try self.sortExpression(node, items, scope, "DISTINCT ON"), at: self.statement.offset(node.tagged.body.location))
            }
            guard let key else {
                areKnown = false
                continue
            }
            if !keys.contains(key) { keys.append(key) }
        }
        guard areKnown else { return nil }
        return reporter.attempt { () throws(Refusal) in try self.keptEvent(of: keys, select["sortClause"]?.children ?? [], items, scope) }
    }

    private func keptEvent(
        of keys: [Expression], _ order: [SyntaxNode], _ items: [Item], _ scope: Scope
    ) throws(Refusal) -> KeptEvent {
        guard let index = scope.eventTimeIndex else { throw .consequence(at: statement.start) }
        let eventTime = try scope.expression(of: .source(index), at: statement.start)
        let distinct = statement.offset(ofKeyword: "distinct")
        let name = scope.source.columns[index].name
        let hint = "write ORDER BY, the keys, and \(name) DESC: the newest event of each is kept"
        guard !order.isEmpty else { throw Refusal(distinct, "DISTINCT ON needs an ORDER BY that says which event is kept", hint: hint) }
        var missing = keys
        // As a key it leaves events of one time, of which the place in the log says which is kept.
        let isKey = keys.contains(eventTime)
        var (kept, direction): (KeptEvent?, String) = (nil, "SORTBY_DEFAULT")
        func keep() -> KeptEvent { KeptEvent(keys: keys, function: direction == "SORTBY_DESC" ? .last : .first, eventTime: eventTime) }
        for node in order {
            guard let body = node.body(of: "SortBy"), let value = body["node"] else { continue }
            let offset = statement.offset(value.tagged.body.location)
            let itsDirection = body["sortby_dir"]?.string ?? "SORTBY_DEFAULT"
            guard itsDirection != "SORTBY_USING" else { throw Refusal(offset, "ORDER BY … USING is not supported") }
            try body.allowFields(["node", "sortby_dir", "sortby_nulls", "location"], in: statement, at: offset)
            guard kept == nil else {
                throw Refusal(
                    offset, "nothing may follow the event time in the ORDER BY of DISTINCT ON",
                    hint: "events of one time are told apart by their place in the log")
            }
            let expression = try sortExpression(value, items, scope, "ORDER BY")
            if expression == eventTime { direction = itsDirection }
            if keys.contains(expression) {
                missing.removeAll { $0 == expression }
                continue
            }
            guard missing.isEmpty else {
                throw Refusal(
                    offset, "SELECT DISTINCT ON expressions must match initial ORDER BY expressions",
                    hint: "write all keys of DISTINCT ON first, then the event time")
            }
            guard expression == eventTime else {
                throw Refusal(
                    offset, "DISTINCT ON must be ordered by the event time behind its keys",
                    hint: isKey ? "it is one of the keys: nothing else may follow them" : "its event time is the column \"\(name)\"")
            }
            kept = keep()
        }
        if isKey, missing.isEmpty { kept = keep() }
        guard let kept else {
            let end = statement.offset(ofKeyword: "order")
            if isKey {
                throw Refusal(
                    end, "DISTINCT ON must be ordered by all of its keys", hint: "the event time is one of them: write the others, too")
            }
            throw Refusal(end, "DISTINCT ON must be ordered by the event time behind its keys", hint: hint)
        }
        return kept
    }

    /// PostgreSQL's order of precedence for ORDER BY and DISTINCT ON: a plain name is an output name first and an input column second; a plain
    /// integer is a position of the SELECT list.
    private func sortExpression(_ node: SyntaxNode, _ items: [Item], _ scope: Scope, _ clause: String) throws(Refusal) -> Expression {
        let (kind, body) = node.tagged
        let offset = statement.offset(body.location)
        func expression(of item: Item) throws(Refusal) -> Expression {
            guard case .expression(let expression, _, _) = item.value else { throw .consequence(at: offset) }
            return expression
        }
        if kind == "A_Const" {
            guard let constant = body["ival"] else { throw Refusal(offset, "non-integer constant in \(clause)") }
            let position = statement.integer(constant, at: offset)
            guard items.indices.contains(position - 1) else {
                throw Refusal(offset, "\(clause) position \(position) is not in select list")
            }
            return try expression(of: items[position - 1])
        }
        if kind == "ColumnRef", let names = body["fields"]?.names, names.count == 1 {
            var found: Expression?
            for item in items where item.name == names[0] {
                let next = try expression(of: item)
                if let found, found != next { throw Refusal(offset, "\(clause) \"\(names[0])\" is ambiguous") }
                found = next
            }
            if let found { return found }
        }
        var compiler = ExpressionCompiler(scope: scope, statement: statement, clause: .distinctOn)
        return try compiler.expression(node)
    }

    /// A column of the kept event that is no key.
    func asMeasure(_ item: Item, of kept: KeptEvent) -> Item {
        guard case .expression(let expression, _, _) = item.value, !kept.keys.contains(expression) else { return item }
        var item = item
        item.value = .measure(Plan.Measure(function: kept.function, argument: expression, filter: nil, order: kept.eventTime))
        return item
    }
}

extension ViewCompiler.Assembled {
    mutating func shareOneTag() {
        for index in measures.indices.dropFirst() { measures[index].sharedTag = 0 }
    }
}
