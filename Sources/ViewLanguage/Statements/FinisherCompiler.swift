import Columns

/// An expression over a group's results: what stands around aggregates in the SELECT list, and HAVING.
///
/// Aggregates become measures of the plan, group expressions and the window become places, and the rest is written out as SQL for PostgreSQL:
/// it knows the types, and says what is wrong with them when the view is applied. Only what gives the same result at any time and in any
/// session is taken.
struct FinisherCompiler {
    let scope: Scope
    let statement: Statement
    let groups: [Plan.Group]
    let window: Plan.Window?
    /// Grows by the aggregates that are not in it yet.
    private(set) var measures: [Plan.Measure]
    private var finisher = Finisher()
    private var depth = 0

    init(scope: Scope, statement: Statement, groups: [Plan.Group], window: Plan.Window?, measures: [Plan.Measure]) {
        self.scope = scope
        self.statement = statement
        self.groups = groups
        self.window = window
        self.measures = measures
    }

    mutating func compile(_ node: SyntaxNode) throws(Refusal) -> Finisher {
        finisher = Finisher()
        try write(node)
        return finisher
    }

    mutating func append(_ text: String) { finisher.append(.text(text)) }

    mutating func write(_ node: SyntaxNode) throws(Refusal) {
        let (kind, body) = node.tagged
        let offset = statement.offset(body.location)
        depth += 1
        defer { depth -= 1 }
        guard depth <= LanguageLimits.syntaxDepth else {
            throw Refusal(
                offset, "the expression is nested too deeply",
                hint: "at most \(LanguageLimits.syntaxDepth) operators may contain one another")
        }
        if let group = groupIndex(of: node) { return finisher.append(.group(group)) }
        switch kind {
        case "ColumnRef": try writeColumn(body, at: offset)
        case "A_Const": try writeConstant(body, at: offset)
        case "FuncCall": try writeCall(body, at: offset)
        case "A_Expr": try writeOperator(body, at: offset)
        case "BoolExpr", "NullTest", "BooleanTest": try writeCondition(kind, body, at: offset)
        case "CoalesceExpr": try writeList("coalesce", body, ["args", "location"])
        case "MinMaxExpr":
            try writeList(body["op"]?.string == "IS_LEAST" ? "least" : "greatest", body, ["op", "args", "location"])
        case "CaseExpr": try writeCase(body)
        case "TypeCast": try writeCast(body, at: offset)
        default: throw ExpressionCompiler.unsupportedNode(kind, body, at: offset)
        }
    }

    /// The group column that the whole node is, if it is one. An expression that does not compile is none: its parts are looked at next.
    private func groupIndex(of node: SyntaxNode) -> Int? {
        guard node.contains(kind: "ColumnRef"), !node.containsAggregate else { return nil }
        var compiler = ExpressionCompiler(scope: scope, statement: statement, clause: .selectItem)
        guard let expression = try? compiler.expression(node) else { return nil }
        return groups.firstIndex { $0.expression == expression }
    }

    private mutating func writeColumn(_ body: SyntaxNode, at offset: Int) throws(Refusal) {
        if let window, let bound = ViewCompiler.windowBound(body, window, scope) {
            return finisher.append(bound == .end ? .windowEnd : .windowStart)
        }
        let column = try scope.column(body, at: offset)
        throw Refusal(
            offset,
            "column \"\(scope.shownName(of: column))\" must appear in the GROUP BY clause or be used in an "
                + "aggregate function")
    }

    private mutating func writeCall(_ body: SyntaxNode, at offset: Int) throws(Refusal) {
        let name = FunctionName(body)
        if name.isAggregate, !name.isQualified || name.isBuiltIn {
            let measure = try MeasureCall(scope: scope, statement: statement).compile(body, name, at: offset)
            let index = measures.firstIndex(of: measure) ?? measures.count
            if index == measures.count { measures.append(measure) }
            return finisher.append(.measure(index))
        }
        if WindowCall.isWindow(name, body, scope) {
            let kind = try WindowCall(scope: scope, statement: statement).compile(body, at: offset)
            guard let window, window.kind == kind else {
                throw Refusal(offset, "\(name.last)(…) must appear in the GROUP BY clause")
            }
            return finisher.append(.windowStart)
        }
        if name.isQualified, !name.isBuiltIn { throw Refusal(offset, "function \(name.shown) does not exist") }
        if body["over"] != nil {
            throw Refusal(
                offset, "window functions are not supported in a materialized view", hint: "use them in a CREATE VIEW on top of it")
        }
        guard Self.functions.contains(name.last) else {
            if let refusal = name.knownRefusal(at: offset) { throw refusal }
            throw Refusal(
                offset, "function \(name.shown) is not supported over aggregates", hint: "use it in a CREATE VIEW on top of this view")
        }
        try writeList("pg_catalog.\(name.last)", body, ["funcname", "args", "funcformat", "location"])
    }

    /// Immutable functions of PostgreSQL that people finish results with. None takes a format or reads a setting.
    private static let functions: Set<String> = [
        "abs", "ceil", "ceiling", "floor", "round", "trunc", "mod", "div", "power", "sqrt", "cbrt", "sign", "exp", "ln", "log", "log10",
        "width_bucket", "scale", "trim_scale", "gcd", "lower", "upper", "length", "char_length", "left", "right", "substr", "substring",
        "replace", "btrim", "ltrim", "rtrim", "strpos", "position", "split_part", "starts_with", "md5", "repeat", "reverse", "lpad", "rpad",
        "date_bin", "num_nulls", "num_nonnulls",
    ]

    mutating func writeList(_ function: String, _ body: SyntaxNode, _ fields: Set<String>) throws(Refusal) {
        try body.allowFields(fields, in: statement)
        append("\(function)(")
        for (index, argument) in (body["args"]?.children ?? []).enumerated() {
            if index > 0 { append(", ") }
            try write(argument)
        }
        append(")")
    }
}

extension SyntaxNode {
    /// Whether a node of this kind is in it, itself included.
    func contains(kind: String) -> Bool { contains { $0.key == kind } }

    /// Whether an aggregate is called in it.
    var containsAggregate: Bool {
        contains { node in
            guard node.key == "FuncCall" else { return false }
            let name = FunctionName(node)
            return name.isAggregate && (!name.isQualified || name.isBuiltIn) && node["over"] == nil
        }
    }

    /// Without recursion: trees are as deep as texts are long.
    func contains(_ isWanted: (SyntaxNode) -> Bool) -> Bool {
        var pending = [self]
        while let node = pending.popLast() {
            if isWanted(node) { return true }
            pending += node.children
        }
        return false
    }
}
