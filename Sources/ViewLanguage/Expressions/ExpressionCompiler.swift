import Columns

/// Compiles expressions over one row of a source, and of the tables that it is joined with, in one clause.
struct ExpressionCompiler {
    struct ColumnUse {
        var column: ColumnReference
        var offset: Int
    }

    let scope: Scope
    let statement: Statement
    let clause: Clause
    /// The columns that were read, in the order of the text.
    private(set) var columnUses: [ColumnUse] = []
    private var depth = 0
    /// Nodes that were written once and stand in the plan more than once.
    var repeatedNodes = 0

    init(scope: Scope, statement: Statement, clause: Clause) {
        self.scope = scope
        self.statement = statement
        self.clause = clause
    }

    /// A whole expression. A quoted constant without a context is text, as in PostgreSQL.
    mutating func expression(_ node: SyntaxNode) throws(Refusal) -> Expression {
        let operand = try operand(node)
        let expression = try typed(operand, as: operand.typeClass ?? .text)
        return try checkingDepth(expression, at: operand.offset)
    }

    /// A condition. `what` names it in the refusal: "argument of WHERE must be type boolean, not type integer".
    mutating func condition(_ node: SyntaxNode, of what: String) throws(Refusal) -> Expression {
        let operand = try operand(node)
        return try checkingDepth(try bool(operand, of: what), at: operand.offset)
    }

    private func checkingDepth(_ expression: Expression, at offset: Int) throws(Refusal) -> Expression {
        guard expression.depth <= LanguageLimits.expressionDepth else { throw tooDeep(at: offset) }
        return expression
    }

    private func tooDeep(at offset: Int) -> Refusal {
        Refusal(
            offset, "the expression is nested too deeply",
            hint: "at most \(LanguageLimits.expressionDepth) operators may contain one another")
    }

    /// One node of PostgreSQL's raw parse tree. Kinds that are not named here are refused, never passed over.
    mutating func operand(_ node: SyntaxNode) throws(Refusal) -> Operand {
        let (kind, body) = node.tagged
        let offset = statement.offset(body.location)
        depth += 1
        defer { depth -= 1 }
        guard depth <= LanguageLimits.syntaxDepth else { throw tooDeep(at: offset) }
        switch kind {
        case "ColumnRef": return try column(body, at: offset)
        case "A_Const": return try constant(body, at: offset)
        case "TypeCast": return try cast(body, at: offset)
        case "A_Expr": return try operatorCall(body, at: offset)
        case "BoolExpr": return try logical(body, at: offset)
        case "NullTest": return try nullTest(body)
        case "BooleanTest": return try truthTest(body)
        case "CoalesceExpr": return try coalesce(body, at: offset)
        case "CaseExpr": return try choice(body, at: offset)
        case "MinMaxExpr": return try extremum(body, at: offset)
        case "FuncCall": return try functionCall(body, at: offset)
        case "A_ArrayExpr": return try array(body, at: offset)
        case "A_Indirection": return try subscripted(body, at: offset)
        default: throw Self.unsupportedNode(kind, body, at: offset)
        }
    }

    private mutating func column(_ body: SyntaxNode, at offset: Int) throws(Refusal) -> Operand {
        try body.allowFields(["fields", "location"], in: statement)
        let column = try scope.column(body, at: offset)
        let expression = try scope.expression(of: column, at: offset)
        columnUses.append(ColumnUse(column: column, offset: offset))
        return Operand(expression, at: offset)
    }

    private mutating func logical(_ body: SyntaxNode, at offset: Int) throws(Refusal) -> Operand {
        try body.allowFields(["boolop", "args", "location"], in: statement)
        let word = body["boolop"]?.string?.replacing("_EXPR", with: "") ?? ""
        var conditions: [Expression] = []
        var start = offset
        for argument in body["args"]?.children ?? [] {
            let operand = try operand(argument)
            start = min(start, operand.offset)
            conditions.append(try bool(operand, of: word))
        }
        switch (word, conditions.count) {
        case ("AND", 1...): return Operand(.and(conditions), at: start)
        case ("OR", 1...): return Operand(.or(conditions), at: start)
        case ("NOT", 1): return Operand(.not(conditions[0]), at: start)
        default: throw Refusal(offset, "this condition is not supported")
        }
    }

    private mutating func nullTest(_ body: SyntaxNode) throws(Refusal) -> Operand {
        try body.allowFields(["arg", "nulltesttype", "location"], in: statement)
        let operand = try operand(required(body, "arg"))
        let argument = try typed(operand, as: operand.typeClass ?? .text)
        let isNull = body["nulltesttype"]?.string == "IS_NULL"
        return Operand(isNull ? .isNull(argument) : .isNotNull(argument), at: operand.offset)
    }

    private mutating func truthTest(_ body: SyntaxNode) throws(Refusal) -> Operand {
        try body.allowFields(["arg", "booltesttype", "location"], in: statement)
        let operand = try operand(required(body, "arg"))
        let name = body["booltesttype"]?.string ?? ""
        let argument = try bool(operand, of: name.replacing("_", with: " "))
        let truth: Expression.Truth
        switch name.split(separator: "_").last {
        case "TRUE": truth = .true
        case "FALSE": truth = .false
        default: truth = .unknown
        }
        return Operand(.isTruth(argument, truth, negated: name.hasPrefix("IS_NOT_")), at: operand.offset)
    }

    private mutating func coalesce(_ body: SyntaxNode, at offset: Int) throws(Refusal) -> Operand {
        try body.allowFields(["args", "location"], in: statement)
        var operands: [Operand] = []
        for argument in body["args"]?.children ?? [] { operands.append(try operand(argument)) }
        let (values, type) = try commonType(operands, what: "COALESCE")
        return Operand(.coalesce(values, type), at: offset)
    }

    func required(_ body: SyntaxNode, _ field: String) throws(Refusal) -> SyntaxNode {
        guard let node = body[field] else { throw Refusal(statement.offset(body.location), "this expression is not supported") }
        return node
    }
}

extension Expression {
    /// Levels, one for a leaf; CASE counts twice, since it takes more levels of JSON.
    var depth: Int {
        let below = children.map(\.depth).max() ?? 0
        if case .choice = self { return below + 2 } else { return below + 1 }
    }
}
