import Columns

extension ExpressionCompiler {
    /// PostgreSQL's promotion: int4 with int4 is int4, the wider number wins, double precision most of all. Numerics keep the scale
    /// that PostgreSQL gives them: the larger one for sums, the sum of both for products.
    func compute(
        _ arithmetic: Expression.Arithmetic, _ name: String, _ left: Operand, _ right: Operand, at offset: Int
    ) throws(Refusal) -> Expression {
        let words = "\(left.sqlTypeName) \(name) \(right.sqlTypeName)"
        guard let someClass = left.typeClass ?? right.typeClass else { throw Self.ambiguousOperator(words, at: offset) }
        let (leftClass, rightClass) = (left.typeClass ?? someClass, right.typeClass ?? someClass)
        if leftClass.isTime || rightClass.isTime || leftClass == .time || rightClass == .time {
            return try computeTime(arithmetic, words, left, right, at: offset)
        }
        guard let kind = TypeClass.commonOfOperator(leftClass, rightClass), kind.numberRank != nil, !(kind.isFloat && arithmetic == .modulo)
        else {
            throw Self.noOperator(words, at: offset)
        }
        let (a, b) = (try typed(left, as: kind), try typed(right, as: kind))
        guard kind == .numeric else { return .arithmetic(arithmetic, a, b, kind.plainType) }
        let type = Self.resultOfNumerics(arithmetic, a, b)
        if type == .decimal { return .arithmetic(arithmetic, a.asDecimal, b.asDecimal, .decimal) }
        return .arithmetic(arithmetic, a, b, type)
    }

    /// One precision and scale for all values, which is fast, where PostgreSQL's results have one and it fits; else a numeric whose values have scales of their own:
    /// a quotient's scale depends on the two values (select_div_scale in numeric.c).
    private static func resultOfNumerics(_ arithmetic: Expression.Arithmetic, _ a: Expression, _ b: Expression) -> ScalarType {
        guard arithmetic != .divide, let (p1, s1) = a.type.decimalShape, let (p2, s2) = b.type.decimalShape else { return .decimal }
        let (whole, scale) = (max(p1 - s1, p2 - s2), max(s1, s2))
        return switch arithmetic {
        case .multiply: ScalarType.numericOrDecimal(precision: p1 + p2, scale: s1 + s2)
        case .modulo: ScalarType.numericOrDecimal(precision: max(1, whole + scale), scale: scale)
        default: ScalarType.numericOrDecimal(precision: whole + scale + 1, scale: scale)
        }
    }

    func prefix(_ name: String, _ operand: Operand, at offset: Int) throws(Refusal) -> Operand {
        switch name {
        case "|/", "||/":
            // PostgreSQL has these of double precision only.
            guard (operand.typeClass ?? .float8).numberRank != nil else {
                throw Self.noOperator("\(name) \(operand.sqlTypeName)", at: offset)
            }
            let number = Operand(try typed(operand, as: .float8), at: operand.offset)
            return try choose(name == "|/" ? "sqrt" : "cbrt", [number], at: offset).moved(to: min(offset, operand.offset))
        case "@" where (operand.typeClass ?? .float8).numberRank != nil:
            let number = operand.typeClass == nil ? Operand(try typed(operand, as: .float8), at: operand.offset) : operand
            return try choose("abs", [number], at: offset).moved(to: min(offset, operand.offset))
        default: break
        }
        guard ["-", "+", "@"].contains(name) else { throw Self.noOperator("\(name) \(operand.sqlTypeName)", at: offset) }
        guard let kind = operand.typeClass else { throw Self.ambiguousOperator("\(name) unknown", at: offset) }
        if kind == .interval, name == "-" {
            return Operand(.call(.intervalNegate, [try typed(operand, as: kind)], .interval), at: min(offset, operand.offset))
        }
        guard kind.numberRank != nil else { throw Self.noOperator("\(name) \(kind.sqlName)", at: offset) }
        let value = try typed(operand, as: kind)
        return Operand(name == "-" ? .negate(value, value.type) : value, at: min(offset, operand.offset))
    }

    static func noOperator(_ words: String, at offset: Int) -> Refusal {
        Refusal(
            offset, "operator does not exist: \(words)",
            hint: "no operator matches the given name and argument types; you might need to add explicit type casts")
    }

    static func ambiguousOperator(_ words: String, at offset: Int) -> Refusal {
        Refusal(
            offset, "operator is not unique: \(words)",
            hint: "could not choose a best candidate operator; you might need to add explicit type casts")
    }

    /// Operators that PostgreSQL has and this dialect does not, yet.
    static let unsupportedOperators: [String: (message: String, hint: String?)] = {
        var table: [String: (message: String, hint: String?)] = [:]
        for name in [
            "@>", "<@", "?|", "?&", "&&", "&", "|", "#", "<<", ">>", "@?", "@@", "#-",
        ] {
            table[name] = ("operator \(name) is not supported yet", "supported: = <> < <= > >= + - * / % ^ || ~ ~* -> ->> #> #>> ?")
        }
        return table
    }()
}

extension Expression.Comparison {
    init?(operator name: String) {
        switch name {
        case "=": self = .equal
        case "<>": self = .notEqual
        case "<": self = .less
        case "<=": self = .lessOrEqual
        case ">": self = .greater
        case ">=": self = .greaterOrEqual
        default: return nil
        }
    }
}

extension Expression.Arithmetic {
    init?(operator name: String) {
        switch name {
        case "+": self = .add
        case "-": self = .subtract
        case "*": self = .multiply
        case "/": self = .divide
        case "%": self = .modulo
        default: return nil
        }
    }
}
