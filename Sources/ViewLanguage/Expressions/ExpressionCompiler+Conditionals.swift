import Columns

extension ExpressionCompiler {
    /// CASE, with or without a value to compare: `CASE x WHEN a …` is `CASE WHEN x = a …`, each comparison with its own types.
    mutating func choice(_ body: SyntaxNode, at offset: Int) throws(Refusal) -> Operand {
        try body.allowFields(["arg", "args", "defresult", "location"], in: statement)
        var subject: Operand?
        if let node = body["arg"] {
            let operand = try operand(node)
            // PostgreSQL reads a quoted constant here as text.
            subject = Operand(try typed(operand, as: operand.typeClass ?? .text), at: operand.offset)
        }
        var conditions: [Expression] = []
        var results: [Operand] = []
        for node in body["args"]?.children ?? [] {
            guard let branch = node.body(of: "CaseWhen") else { throw Refusal(offset, "this CASE is not supported") }
            try branch.allowFields(["expr", "result", "location"], in: statement)
            let condition = try operand(required(branch, "expr"))
            if let subject {
                try repeats(subject, times: 1)
                conditions.append(try compare(.equal, "=", subject, condition, at: condition.offset))
            } else {
                conditions.append(try bool(condition, of: "CASE/WHEN"))
            }
            results.append(try operand(required(branch, "result")))
        }
        let otherwise = try body["defresult"].map { node throws(Refusal) in try operand(node) } ?? Operand(unknown: nil, at: offset)
        let (values, type) = try commonType([otherwise] + results, what: "CASE")
        let branches = zip(conditions, values.dropFirst()).map { Expression.Branch(condition: $0, value: $1) }
        return Operand(.choice(branches, otherwise: values[0], type), at: offset)
    }

    /// GREATEST and LEAST.
    mutating func extremum(_ body: SyntaxNode, at offset: Int) throws(Refusal) -> Operand {
        try body.allowFields(["op", "args", "location"], in: statement)
        let isGreatest = body["op"]?.string != "IS_LEAST"
        let name = isGreatest ? "GREATEST" : "LEAST"
        var operands: [Operand] = []
        for argument in body["args"]?.children ?? [] { operands.append(try operand(argument)) }
        let (values, type) = try commonType(operands, what: name)
        return Operand(.call(isGreatest ? .greatest : .least, values, type), at: offset)
    }

    /// NULLIF(a, b): the types are those of `a = b`, the result has the one of a.
    mutating func nullIf(_ body: SyntaxNode, at offset: Int) throws(Refusal) -> Operand {
        let left = try operand(required(body, "lexpr"))
        let right = try operand(required(body, "rexpr"))
        guard case .compare(_, let a, let b) = try compare(.equal, "=", left, right, at: offset) else {
            preconditionFailure("a comparison that is none")
        }
        let result = Expression.call(.nullIf, [a, b], a.type)
        // PostgreSQL has = for a real and a double, and does not turn the real into one.
        return Operand(left.typeClass == .float4 && a.type == .float8 ? .cast(result, to: .float4) : result, at: offset)
    }

    /// Charges an operand that stands in the plan several times though it was written once: nested ones would double at each level.
    mutating func repeats(_ operand: Operand, times: Int) throws(Refusal) {
        guard case .typed(let expression) = operand.value else { return }
        repeatedNodes += times * expression.nodeCount(upTo: LanguageLimits.repeatedNodes + 1)
        guard repeatedNodes <= LanguageLimits.repeatedNodes else {
            throw Refusal(
                operand.offset, "BETWEEN and CASE repeat this expression too often",
                hint: "at most \(LanguageLimits.repeatedNodes) operators of an expression may come from repeating its parts")
        }
    }
}
