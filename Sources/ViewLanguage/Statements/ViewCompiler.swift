import Columns

/// CREATE MATERIALIZED VIEW to a plan. Each item and clause is compiled by itself, so that all their errors are reported.
struct ViewCompiler {
    let declaration: Declaration
    let relations: Relations
    let reporter: StatementReporter

    init(_ declaration: Declaration, relations: Relations, reportingTo collector: DiagnosticCollector) {
        self.declaration = declaration
        self.relations = relations
        reporter = StatementReporter(declaration.statement.source, collector)
    }

    var statement: Statement { declaration.statement }

    func compile() -> ViewDefinition? {
        reporter.check { () throws(Refusal) in try checkStatement() }
        guard let select = declaration.body["query"]?.body(of: "SelectStmt") else {
            return reporter.attempt { () throws(Refusal) -> ViewDefinition in
                throw Refusal(statement.offset(ofKeyword: "as"), "a materialized view needs a SELECT")
            }
        }
        let clausesAreSound = refuseClauses(of: select)
        var options = ViewOptions(statement: statement)
        reporter.check { () throws(Refusal) in try options.read(declaration.body["into"]?["options"]?.children ?? []) }
        guard clausesAreSound, let scope = reporter.attempt({ () throws(Refusal) in try self.scope(select) }) else { return nil }

        let keepsOneEvent = Self.isDistinctOn(select)
        var kept: KeptEvent?
        var items = (select["targetList"]?.children ?? []).map { item(of: $0, scope, isOfOneEvent: keepsOneEvent) }
        let filter = select["whereClause"].flatMap { self.filter($0, scope) }
        let groupNodes = select["groupClause"]?.children ?? []
        var keys = groupKeys(groupNodes, items, scope)
        if keepsOneEvent {
            guard let event = keptEvent(select, items, scope) else { return nil }
            kept = event
            keys = event.keys.map { .group($0, offset: statement.start) }
            items = items.map { asMeasure($0, of: event) }
        }
        guard var assembled = assemble(items, keys, scope, kept) else { return nil }
        if keepsOneEvent { assembled.shareOneTag() }
        let having = select["havingClause"].flatMap { self.having($0, &assembled, scope) }
        guard reporter.isSound, let source = scope.source.definition, scope.lookups.allSatisfy({ $0.dimension.definition != nil }),
            let query = statement.queryText(after: declaration.nameOffset)
        else { return nil }
        var retention: Int64?
        reporter.check { () throws(Refusal) in retention = try options.retention(of: assembled.window) }
        var keepsSketches: Bool?
        reporter.check { () throws(Refusal) in keepsSketches = try options.keepsSketches(assembled.window, assembled.measures) }
        guard reporter.isSound else { return nil }
        var plan = Plan(
            source: source, filter: filter, window: assembled.window, groups: assembled.groups,
            isGlobal: keys.isEmpty, measures: assembled.measures.map(options.apply), outputs: assembled.outputs, having: having,
            lookups: scope.planLookups)
        plan.retention = retention
        plan.keepsSketches = keepsSketches
        return ViewDefinition(
            name: declaration.name, plan: plan, selectText: query.text, version: plan.version, definitionText: definitionText,
            maxDrift: options.maxDrift)
    }

    private var definitionText: String {
        var tokens = statement.tokens.filter { $0.range.lowerBound > declaration.nameOffset }
        // The AS between the options and the query says nothing.
        if let first = tokens.firstIndex(where: { statement.isWord($0, "as") }) { tokens.remove(at: first) }
        return NormalSQL.lines(of: tokens, in: statement.source.bytes).joined(separator: "\n")
    }

    private func filter(_ node: SyntaxNode, _ scope: Scope) -> Expression? {
        func condition(_ node: SyntaxNode, of what: String) -> Expression? {
            reporter.attempt { () throws(Refusal) in
                var compiler = ExpressionCompiler(scope: scope, statement: statement, clause: .filter)
                return try compiler.condition(node, of: what)
            }
        }
        // Each part of WHERE a AND b AND c by itself first, so that all their errors are reported.
        if let body = node.body(of: "BoolExpr"), body["boolop"]?.string == "AND_EXPR" {
            let parts = (body["args"]?.children ?? []).map { condition($0, of: "AND") }
            if parts.contains(nil) { return nil }
        }
        return condition(node, of: "WHERE")
    }

    private func checkStatement() throws(Refusal) {
        let body = declaration.body
        guard declaration.name.utf8.count <= LanguageLimits.viewNameBytes else {
            throw Refusal(
                declaration.nameOffset, "a view's name of \(declaration.name.utf8.count) bytes is too long",
                hint: "at most \(LanguageLimits.viewNameBytes) bytes, so that a version fits beside it in the name of a table")
        }
        try body.allowFields(["query", "into", "objtype"], in: statement, at: declaration.nameOffset)
        if body["into"]?["skipData"]?.isTrue == true {
            throw Refusal(statement.offset(ofKeyword: "no"), "WITH NO DATA is not supported", hint: "a view is filled by its first run")
        }
        try body["into"]?.allowFields(["rel", "onCommit", "options", "skipData"], in: statement, at: declaration.nameOffset)
    }
}
