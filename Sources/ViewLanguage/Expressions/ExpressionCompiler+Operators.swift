import Columns

extension ExpressionCompiler {
    /// Comparisons, arithmetic, BETWEEN, IN, IS DISTINCT FROM.
    mutating func operatorCall(_ body: SyntaxNode, at offset: Int) throws(Refusal) -> Operand {
        try body.allowFields(["kind", "name", "lexpr", "rexpr", "location"], in: statement)
        let name = try operatorName(body, at: offset)
        switch body["kind"]?.string {
        case "AEXPR_OP":
            guard let left = body["lexpr"] else { return try prefix(name, try operand(required(body, "rexpr")), at: offset) }
            if name == "||" || name == "^" {
                let leftOperand = try operand(left)
                return try operatorFunction(name, leftOperand, try operand(required(body, "rexpr")), at: offset)
            }
            if ["~", "~*", "!~", "!~*"].contains(name) {
                let leftOperand = try operand(left)
                return try regularExpression(name, leftOperand, try operand(required(body, "rexpr")), at: offset)
            }
            if Self.jsonOperators.contains(name) {
                let leftOperand = try operand(left)
                return try jsonOperator(name, leftOperand, try operand(required(body, "rexpr")), at: offset)
            }
            if let unsupported = Self.unsupportedOperators[name] { throw Refusal(offset, unsupported.message, hint: unsupported.hint) }
            let leftOperand = try operand(left)
            return try binary(name, leftOperand, try operand(required(body, "rexpr")), at: offset)
        case "AEXPR_DISTINCT": return try distinct(.isDistinct, body, at: offset)
        case "AEXPR_NOT_DISTINCT": return try distinct(.isNotDistinct, body, at: offset)
        case "AEXPR_BETWEEN": return try between(body, isNegated: false, isSymmetric: false, at: offset)
        case "AEXPR_NOT_BETWEEN": return try between(body, isNegated: true, isSymmetric: false, at: offset)
        case "AEXPR_BETWEEN_SYM": return try between(body, isNegated: false, isSymmetric: true, at: offset)
        case "AEXPR_NOT_BETWEEN_SYM": return try between(body, isNegated: true, isSymmetric: true, at: offset)
        case "AEXPR_IN": return try inList(body, isNegated: name == "<>", at: offset)
        case "AEXPR_OP_ANY": return try quantified(name, body, isAny: true, at: offset)
        case "AEXPR_OP_ALL": return try quantified(name, body, isAny: false, at: offset)
        case "AEXPR_LIKE": return try like(.like, name, body, at: offset)
        case "AEXPR_ILIKE": return try like(.likeIgnoringCase, name, body, at: offset)
        case "AEXPR_NULLIF": return try nullIf(body, at: offset)
        case let kind: throw Refusal(offset, "\(Self.constructName(kind)) is not supported yet")
        }
    }

    private func operatorName(_ body: SyntaxNode, at offset: Int) throws(Refusal) -> String {
        let names = body["name"]?.names ?? []
        guard names.count == 1 else {
            throw Refusal(offset, "an operator with a schema is not supported", hint: "write the operator alone")
        }
        return names[0]
    }

    func binary(_ name: String, _ left: Operand, _ right: Operand, at offset: Int) throws(Refusal) -> Operand {
        let start = min(left.offset, right.offset)
        if let comparison = Expression.Comparison(operator: name) {
            return Operand(try compare(comparison, name, left, right, at: offset), at: start)
        }
        if let arithmetic = Expression.Arithmetic(operator: name) {
            return Operand(try compute(arithmetic, name, left, right, at: offset), at: start)
        }
        throw Self.noOperator("\(left.sqlTypeName) \(name) \(right.sqlTypeName)", at: offset)
    }

    func compare(
        _ comparison: Expression.Comparison, _ name: String, _ left: Operand, _ right: Operand, at offset: Int
    ) throws(Refusal) -> Expression {
        let leftClass = left.typeClass ?? right.typeClass ?? .text
        guard let kind = TypeClass.commonOfOperator(leftClass, right.typeClass ?? leftClass) else {
            throw Self.noOperator("\(left.sqlTypeName) \(name) \(right.sqlTypeName)", at: offset)
        }
        try checkComparable(kind, comparison, left, right, at: offset)
        let (a, b) = (try typed(left, as: kind), try typed(right, as: kind))
        // Numerics of different scales are compared at the larger one: the digits must suffice.
        if kind == .numeric, Self.holding([a, b]) == .decimal { return .compare(comparison, a.asDecimal, b.asDecimal) }
        return .compare(comparison, a, b)
    }

    /// What has an order in PostgreSQL and none here.
    func checkComparable(
        _ kind: TypeClass, _ comparison: Expression.Comparison, _ left: Operand, _ right: Operand, at offset: Int
    ) throws(Refusal) {
        switch kind {
        case .jsonb:
            throw Refusal(
                offset, "comparing values of type jsonb is not supported", hint: "compare a field of it, such as (x ->> 'name') = 'a'")
        case .array where ![.equal, .notEqual, .isDistinct, .isNotDistinct].contains(comparison):
            throw Refusal(offset, "ordering arrays is not supported", hint: "= and <> are; compare elements, such as x[1] < y[1]")
        case .text where (left.typeClass == .bpchar) != (right.typeClass == .bpchar):
            // PostgreSQL takes a varchar for a character then, and passes over the blanks at the ends of both.
            for case .typed(let value) in [left.value, right.value] {
                guard case .varchar = value.type else { continue }
                throw Refusal(offset, "comparing character with character varying is not supported", hint: "cast one of them to text")
            }
        default: break
        }
    }

    private mutating func distinct(_ comparison: Expression.Comparison, _ body: SyntaxNode, at offset: Int) throws(Refusal) -> Operand {
        let left = try operand(required(body, "lexpr"))
        let right = try operand(required(body, "rexpr"))
        return Operand(try compare(comparison, "=", left, right, at: offset), at: min(left.offset, right.offset))
    }

    /// `x BETWEEN a AND b` is `x >= a AND x <= b`, each comparison with its own types, as PostgreSQL's parser has it.
    private mutating func between(_ body: SyntaxNode, isNegated: Bool, isSymmetric: Bool, at offset: Int) throws(Refusal) -> Operand {
        let value = try operand(required(body, "lexpr"))
        try repeats(value, times: isSymmetric ? 4 : 2)
        let bounds = body["rexpr"]?.body(of: "List")?["items"]?.children ?? []
        guard bounds.count == 2 else { throw Refusal(offset, "BETWEEN needs two bounds") }
        let (low, high) = (try operand(bounds[0]), try operand(bounds[1]))
        func lies(_ low: Operand, _ high: Operand) throws(Refusal) -> Expression {
            .and([
                try compare(.greaterOrEqual, ">=", value, low, at: offset), try compare(.lessOrEqual, "<=", value, high, at: offset),
            ])
        }
        var inside = try lies(low, high)
        if isSymmetric { inside = .or([inside, try lies(high, low)]) }
        return Operand(isNegated ? .not(inside) : inside, at: value.offset)
    }

    /// PostgreSQL compares with all members that read no column at once, in one common type, and with each other one by itself.
    private mutating func inList(_ body: SyntaxNode, isNegated: Bool, at offset: Int) throws(Refusal) -> Operand {
        guard let items = body["rexpr"]?.body(of: "List")?["items"]?.children, !items.isEmpty else {
            throw Refusal(offset, "IN takes a list of values", hint: "sub-queries are not supported")
        }
        let value = try operand(required(body, "lexpr"))
        var constants: [Operand] = []
        var others: [Operand] = []
        for item in items {
            let member = try operand(item)
            if case .typed(let expression) = member.value, expression.readsColumns {
                others.append(member)
            } else {
                constants.append(member)
            }
        }
        var parts: [Expression] = []
        if constants.count > 1, Self.haveCommonType([value] + constants) {
            let (expressions, _) = try commonType([value] + constants, what: "IN")
            parts.append(.inList(expressions[0], Array(expressions.dropFirst())))
        } else {
            others = constants + others
        }
        for member in others { parts.append(try compare(.equal, isNegated ? "<>" : "=", value, member, at: offset)) }
        let found: Expression = parts.count == 1 ? parts[0] : .or(parts)
        return Operand(isNegated ? .not(found) : found, at: value.offset)
    }

    private static func haveCommonType(_ operands: [Operand]) -> Bool {
        let kinds = operands.compactMap(\.typeClass)
        guard let first = kinds.first else { return true }
        return kinds.reduce(first as TypeClass?) { common, kind in common.flatMap { TypeClass.common($0, kind) } } != nil
    }
}
