import Columns

extension ExpressionCompiler {
    /// [NOT] LIKE and ILIKE, with or without ESCAPE.
    mutating func like(_ function: Expression.Function, _ name: String, _ body: SyntaxNode, at offset: Int) throws(Refusal) -> Operand {
        // LIKE sees the blanks at the end of a character value.
        let value = try padded(try operand(required(body, "lexpr")))
        let patternNode = try required(body, "rexpr")
        let pattern: Operand
        if let call = patternNode.body(of: "FuncCall"), FunctionName(call).last == "like_escape" {
            let arguments = call["args"]?.children ?? []
            guard arguments.count == 2 else { throw Refusal(offset, "this pattern is not supported") }
            let (inner, escape) = (try operand(arguments[0]), try operand(arguments[1]))
            try textOnly([inner, escape], "\(value.sqlTypeName) \(name) \(inner.sqlTypeName)", at: offset)
            let parts = [try typed(inner, as: .text), try typed(escape, as: .text)]
            pattern = Operand(.call(.likeEscape, parts, .text), at: inner.offset)
        } else {
            pattern = try operand(patternNode)
        }
        try textOnly([value, pattern], "\(value.sqlTypeName) \(name) \(pattern.sqlTypeName)", at: offset)
        let match = Expression.call(function, [try typed(value, as: .text), try typed(pattern, as: .text)], .bool)
        return Operand(name.hasPrefix("!") ? .not(match) : match, at: min(value.offset, pattern.offset))
    }

    /// ~, ~*, !~ and !~*. A constant pattern is read here, so that a wrong one is refused at once; others are read for each record.
    func regularExpression(_ name: String, _ left: Operand, _ right: Operand, at offset: Int) throws(Refusal) -> Operand {
        try textOnly([left, right], "\(left.sqlTypeName) \(name) \(right.sqlTypeName)", at: offset)
        let value = try typed(try padded(left), as: .text)
        let start = min(left.offset, right.offset)
        let ignoringCase = name.hasSuffix("*")
        let pattern = try typed(right, as: .text)
        if case .literal(.null, _) = pattern { return Operand(.literal(.null, .bool), at: start) }
        if case .literal(.text(let text), _) = pattern {
            do throws(RegularExpressionSyntax.Problem) {
                _ = try RegularExpressionSyntax(text, ignoringCase: ignoringCase)
            } catch {
                throw Refusal(right.offset, error.message, hint: error.hint)
            }
        }
        let match = Expression.call(ignoringCase ? .matchesIgnoringCase : .matches, [value, pattern], .bool)
        return Operand(name.hasPrefix("!") ? .not(match) : match, at: start)
    }

    /// regexp_like(text, pattern [, flags]): ~, or ~* where the last one of the flags is an i.
    func regularExpressionCall(_ operands: [Operand], at offset: Int) throws(Refusal) -> Operand {
        guard (2...3).contains(operands.count), operands.allSatisfy({ [.text, .bpchar].contains($0.typeClass ?? .text) }) else {
            throw Self.noFunction("regexp_like", operands, at: offset)
        }
        var name = "~"
        if operands.count == 3 {
            let flags = try typed(operands[2], as: .text)
            guard case .literal(.text(let letters), _) = flags, letters.allSatisfy({ "ic".contains($0) }) else {
                throw Refusal(
                    operands[2].offset, "these flags of regexp_like are not supported",
                    hint: "a constant of i (without regard to case) and c is")
            }
            if letters.last == "i" { name = "~*" }
        }
        // A function takes a character value as text, without the blanks at its end.
        let value = Operand(try typed(operands[0], as: .text), at: operands[0].offset)
        return try regularExpression(name, value, operands[1], at: offset).moved(to: offset)
    }

    private func textOnly(_ operands: [Operand], _ words: String, at offset: Int) throws(Refusal) {
        for operand in operands where ![.text, .bpchar].contains(operand.typeClass ?? .text) { throw Self.noOperator(words, at: offset) }
    }

    /// `||` and `^`.
    func operatorFunction(_ name: String, _ left: Operand, _ right: Operand, at offset: Int) throws(Refusal) -> Operand {
        let words = "\(left.sqlTypeName) \(name) \(right.sqlTypeName)"
        let start = min(left.offset, right.offset)
        if name == "^" {
            for kind in [left, right].compactMap(\.typeClass) where kind.numberRank == nil { throw Self.noOperator(words, at: offset) }
            return try choose("power", [left, right], at: offset).moved(to: start)
        }
        // text || anything, by the cast of the other one to text; two quoted constants are text both.
        for operand in [left, right] {
            switch operand.typeClass {
            case .jsonb, .array:
                throw Refusal(offset, "operator || of \(operand.sqlTypeName) is not supported", hint: "it is of text")
            default: break
            }
        }
        guard [left, right].contains(where: { [.text, .bpchar].contains($0.typeClass ?? .text) }) else {
            throw Self.noOperator(words, at: offset)
        }
        return Operand(.call(.concatenate, [try asText(left), try asText(right)], .text), at: start)
    }

    /// A character value as text with the blanks that its output has; other operands as they are.
    func padded(_ operand: Operand) throws(Refusal) -> Operand {
        guard case .typed(let value) = operand.value, case .char(let length) = value.type else { return operand }
        guard let length else { return Operand(.cast(value, to: .text), at: operand.offset) }
        let width = Expression.literal(.int(Int64(length)), .int4)
        return Operand(.call(.padRight, [.cast(value, to: .text), width], .text), at: operand.offset)
    }

    /// The operand's text, as PostgreSQL's cast to text gives it.
    func asText(_ operand: Operand) throws(Refusal) -> Expression {
        guard case .typed(let expression) = operand.value, expression.type.typeClass != .text else { return try typed(operand, as: .text) }
        return .cast(expression, to: .text)
    }

    /// concat and concat_ws take any types; nulls are passed over.
    mutating func concatenation(_ name: String, _ operands: [Operand], at offset: Int) throws(Refusal) -> Operand {
        let isSeparated = name == "concat_ws"
        guard operands.count > (isSeparated ? 1 : 0), !isSeparated || (operands[0].typeClass ?? .text) == .text else {
            throw Self.noFunction(name, operands, at: offset)
        }
        var texts: [Expression] = []
        for operand in operands {
            // These use the output function, which is the cast to text but for booleans.
            if operand.typeClass == .bool, case .typed(let value) = operand.value {
                let branches = [
                    Expression.Branch(condition: value, value: .literal(.text("t"), .text)),
                    Expression.Branch(condition: .not(value), value: .literal(.text("f"), .text)),
                ]
                try repeats(operand, times: 1)
                texts.append(.choice(branches, otherwise: .literal(.null, .text), .text))
            } else {
                texts.append(try asText(try padded(operand)))
            }
        }
        return Operand(.call(isSeparated ? .concatSeparated : .concat, texts, .text), at: offset)
    }
}

extension Operand {
    func moved(to offset: Int) -> Operand {
        var result = self
        result.offset = offset
        return result
    }
}
