import Columns

extension ViewCompiler {
    struct Assembled {
        var window: Plan.Window?
        var groups: [Plan.Group] = []
        var measures: [Plan.Measure] = []
        var outputs: [Plan.Output] = []
    }

    /// Brings the SELECT list and GROUP BY together. Nil, and everything reported, where they do not fit.
    /// - Parameter kept: of SELECT DISTINCT ON.
    func assemble(_ items: [Item], _ keys: [Key], _ scope: Scope, _ kept: KeptEvent?) -> Assembled? {
        var assembled = Assembled()
        let keysAreKnown = addKeys(keys, items, scope, &assembled)
        showEqualKeys(&assembled, kept)
        var names: Set<String> = []
        for item in items {
            reporter.check { () throws(Refusal) in try checkName(item, &names) }
            reporter.check { () throws(Refusal) in
                guard let value = try output(item, &assembled, keys, keysAreKnown, scope) else { return }
                guard let name = item.name else {
                    throw Refusal(item.offset, "this column has no name", hint: "write AS and a name behind it")
                }
                assembled.outputs.append(Plan.Output(name: name, value: value))
            }
        }
        reporter.check { () throws(Refusal) in try checkSize(items, assembled) }
        return reporter.isSound ? assembled : nil
    }

    /// False where a key is in error, so that it is not known what is grouped by.
    private func addKeys(_ keys: [Key], _ items: [Item], _ scope: Scope, _ assembled: inout Assembled) -> Bool {
        var areKnown = true
        for key in keys {
            switch key {
            case .failed: areKnown = false
            case .window(let kind, let offset):
                if let window = assembled.window {
                    if window.kind != kind { refuse(offset, "a view can have one window only", "write a view for each window") }
                    continue
                }
                let name = items.first { if case .window(kind) = $0.value { true } else { false } }?.name
                assembled.window = Plan.Window(name: name ?? kind.functionName, kind: kind)
            case .group(let expression, _):
                if assembled.groups.contains(where: { $0.expression == expression }) { continue }
                let item = items.first { if case .expression(expression, _, _) = $0.value { true } else { false } }
                var name = item?.name
                if name == nil { name = scope.columnName(of: expression) }
                assembled.groups.append(Plan.Group(name: name ?? "group_\(assembled.groups.count + 1)", expression: expression))
            }
        }
        return areKnown
    }

    /// PostgreSQL shows a group of equal intervals by one of them. Here it is the one whose text is the smallest, whatever the order of events;
    /// where whole events are kept, that of the event.
    private func showEqualKeys(_ assembled: inout Assembled, _ kept: KeptEvent?) {
        for index in assembled.groups.indices where assembled.groups[index].expression.type == .interval {
            let key = assembled.groups[index].expression
            let measure =
                kept.map { Plan.Measure(function: $0.function, argument: key, filter: nil, order: $0.eventTime) }
                ?? Plan.Measure(function: .min, argument: .cast(key, to: .text), filter: nil)
            assembled.groups[index].shownBy = assembled.measures.count
            assembled.measures.append(measure)
        }
    }

    private func refuse(_ offset: Int, _ message: String, _ hint: String?) {
        reporter.report(Refusal(offset, message, hint: hint))
    }

    /// Nil where it cannot be judged for an error that is reported already.
    private func output(
        _ item: Item, _ assembled: inout Assembled, _ keys: [Key], _ keysAreKnown: Bool, _ scope: Scope
    ) throws(Refusal) -> Plan.Output.Value? {
        switch item.value {
        case .failed: return nil
        case .measure(let measure):
            if let index = assembled.measures.firstIndex(of: measure) { return .measure(index) }
            assembled.measures.append(measure)
            return .measure(assembled.measures.count - 1)
        case .window(let kind):
            if assembled.window?.kind == kind { return .window }
            guard keysAreKnown else { return nil }
            if assembled.window != nil {
                throw Refusal(item.offset, "a view can have one window only", hint: "write a view for each window")
            }
            throw Refusal(
                item.offset, "\(kind.functionName)(…) must appear in the GROUP BY clause",
                hint: item.name.map { "write GROUP BY \($0)" })
        case .expression(let expression, let columnUses, let node):
            if let index = assembled.groups.firstIndex(where: { $0.expression == expression }) { return .group(index) }
            guard keysAreKnown else { return nil }
            if columnUses.isEmpty { throw Self.constantRefusal(item) }
            return .finished(try finisher(node, &assembled, scope))
        case .finished(let node):
            guard keysAreKnown else { return nil }
            let finisher = try finisher(node, &assembled, scope)
            return switch finisher.parts {
            case [.windowStart]: .window
            case [.windowEnd]: .windowEnd
            default: .finished(finisher)
            }
        }
    }

    /// HAVING: its aggregates become measures, too.
    func having(_ node: SyntaxNode, _ assembled: inout Assembled, _ scope: Scope) -> Finisher? {
        do { return try finisher(node, &assembled, scope) } catch {
            reporter.report(error)
            return nil
        }
    }

    private func finisher(_ node: SyntaxNode, _ assembled: inout Assembled, _ scope: Scope) throws(Refusal) -> Finisher {
        var compiler = FinisherCompiler(
            scope: scope, statement: statement, groups: assembled.groups, window: assembled.window, measures: assembled.measures)
        let finisher = try compiler.compile(node)
        assembled.measures = compiler.measures
        guard assembled.measures.count <= LanguageLimits.measures else {
            throw Refusal(
                statement.offset(node.location), "a view of \(assembled.measures.count) aggregates is too wide",
                hint: "at most \(LanguageLimits.measures) aggregates are taken")
        }
        return finisher
    }

    private static func constantRefusal(_ item: Item) -> Refusal {
        Refusal(item.offset, "a constant in the SELECT list is not supported", hint: "add it in a CREATE VIEW on top of this view")
    }

    private func checkName(_ item: Item, _ seen: inout Set<String>) throws(Refusal) {
        guard let name = item.name else { return }
        if ["is_exact", "is_closed"].contains(name) {
            throw Refusal(
                item.offset, "column name \"\(name)\" is reserved",
                hint: "every serving view has a column of that name; write AS and another one")
        }
        guard seen.insert(name).inserted else {
            throw Refusal(
                item.offset, "column \"\(name)\" specified more than once", hint: "write AS and another name behind one of them")
        }
    }

    private func checkSize(_ items: [Item], _ assembled: Assembled) throws(Refusal) {
        guard let first = items.first else {
            throw Refusal(statement.offset(ofKeyword: "select"), "a materialized view needs at least one column")
        }
        let limits: [(count: Int, limit: Int, what: String)] = [
            (items.count, LanguageLimits.outputs, "columns"),
            (assembled.groups.count, LanguageLimits.groupColumns, "group columns"),
            (assembled.measures.count, LanguageLimits.measures, "aggregates"),
        ]
        for (count, limit, what) in limits where count > limit {
            throw Refusal(first.offset, "a view of \(count) \(what) is too wide", hint: "at most \(limit) \(what) are taken")
        }
    }
}
