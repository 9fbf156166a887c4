import Columns

extension ExpressionCompiler {
    mutating func functionCall(_ body: SyntaxNode, at offset: Int) throws(Refusal) -> Operand {
        let name = FunctionName(body)
        if let refusal = functionRefusal(body, name, at: offset) { throw refusal }
        guard FunctionSignature.byName[name.last] != nil || FunctionSignature.special.contains(name.last) else {
            // As PostgreSQL says it, with the types of the arguments; what is wrong in those comes first.
            var types: [String] = []
            for argument in body["args"]?.children ?? [] { types.append(try operand(argument).sqlTypeName) }
            throw name.unknownRefusal(arguments: types, at: offset)
        }
        if body["agg_filter"] != nil {
            throw Refusal(offset, "FILTER specified, but \(name.last) is not an aggregate function")
        }
        try body.allowFields(["funcname", "args", "funcformat", "location"], in: statement)
        var operands: [Operand] = []
        for argument in body["args"]?.children ?? [] { operands.append(try operand(argument)) }
        switch name.last {
        case "concat", "concat_ws": return try concatenation(name.last, operands, at: offset)
        case "mod":
            guard operands.count == 2 else { throw Self.noFunction(name.last, operands, at: offset) }
            for kind in operands.compactMap(\.typeClass) where kind.numberRank == nil || kind.isFloat {
                throw Self.noFunction(name.last, operands, at: offset)
            }
            return Operand(try compute(.modulo, "%", operands[0], operands[1], at: offset), at: offset)
        case "regexp_like": return try regularExpressionCall(operands, at: offset)
        case "jsonb_extract_path", "jsonb_extract_path_text": return try jsonPath(name.last, operands, at: offset)
        case "array_length", "cardinality": return try arrayLength(name.last, operands, at: offset)
        case "extract", "date_part": return try datePart(name.last, operands, at: offset)
        case "date_trunc": return try truncateTime(operands, at: offset)
        case "date_bin": return try binTime(operands, at: offset)
        case "timezone": return try atZone(operands, at: offset)
        case "to_timestamp":
            guard operands.count == 1, (operands[0].typeClass ?? .float8).numberRank != nil else {
                throw Self.noFunction(name.last, operands, at: offset)
            }
            return Operand(.call(.secondsToTime, [try typed(operands[0], as: .float8)], .timestamptz), at: offset)
        default: return try choose(name.last, operands, at: offset)
        }
    }

    /// PostgreSQL's choice among overloads (documentation, "Functions" under "Type Conversion"): those that take the arguments,
    /// of them those with the most exact types, of them those with the most preferred types; a quoted constant counts as text first.
    func choose(_ name: String, _ operands: [Operand], at offset: Int) throws(Refusal) -> Operand {
        let kinds = operands.map(\.typeClass)
        var candidates = (FunctionSignature.byName[name] ?? []).filter { $0.accepts(kinds) }
        // A quoted constant is a pattern here, not a number.
        if name == "substring", kinds.count >= 2, kinds.allSatisfy({ ($0 ?? .text) == .text }) {
            throw Refusal(offset, "substring with a regular expression is not supported", hint: "use split_part, strpos or LIKE")
        }
        guard !candidates.isEmpty else { throw Self.noFunction(name, operands, at: offset) }
        func keepMost(_ count: (FunctionSignature) -> Int) {
            let most = candidates.map(count).max() ?? 0
            candidates.removeAll { count($0) < most }
        }
        keepMost { $0.exactMatches(kinds) }
        keepMost { $0.preferredMatches(kinds) }
        if candidates.count > 1 { keepMost { $0.parameters.indices.count { kinds[$0] == nil } } }
        guard candidates.count == 1 else {
            throw Refusal(
                offset, "function \(name)(\(operands.map(\.sqlTypeName).joined(separator: ", "))) is not unique",
                hint: "could not choose a best candidate function; you might need to add explicit type casts")
        }
        let signature = candidates[0]
        // The one of character counts the blanks at its end.
        let operands = name == "octet_length" ? try operands.map { operand throws(Refusal) in try padded(operand) } : operands
        var arguments: [Expression] = []
        for (operand, parameter) in zip(operands, signature.parameters) { arguments.append(try typed(operand, as: parameter)) }
        switch signature.result {
        case .type(let type): return Operand(.call(signature.function, arguments, type), at: offset)
        case .first: return Operand(.call(signature.function, arguments, arguments[0].type), at: offset)
        case .numeric: return Operand(numericResult(signature.function, arguments), at: offset)
        }
    }

    static func noFunction(_ name: String, _ operands: [Operand], at offset: Int) -> Refusal {
        Refusal(
            offset, "function \(name)(\(operands.map(\.sqlTypeName).joined(separator: ", "))) does not exist",
            hint: "no function matches the given name and argument types; you might need to add explicit type casts")
    }
}
