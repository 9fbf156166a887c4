import Columns

// jsonb: its operators, its functions, and the casts of what is in it.

extension ExpressionCompiler {
    static let jsonOperators: Set<String> = ["->", "->>", "#>", "#>>", "?"]

    /// x -> 'name', x -> 0, x ->> …, x #> '{a,0}', x #>> …, x ? 'name'.
    func jsonOperator(_ name: String, _ left: Operand, _ right: Operand, at offset: Int) throws(Refusal) -> Operand {
        let words = "\(left.sqlTypeName) \(name) \(right.sqlTypeName)"
        guard left.typeClass == .jsonb else { throw Self.noOperator(words, at: offset) }
        let value = try typed(left, as: .jsonb)
        let start = min(left.offset, right.offset)
        switch (name, right.typeClass) {
        case ("->", nil), ("->", .text), ("->", .bpchar):
            return Operand(.call(.jsonField, [value, try typed(right, as: .text)], .jsonb), at: start)
        case ("->>", nil), ("->>", .text), ("->>", .bpchar):
            return Operand(.call(.jsonFieldText, [value, try typed(right, as: .text)], .text), at: start)
        case ("->", .int2), ("->", .int4): return Operand(.call(.jsonElement, [value, try typed(right, as: .int4)], .jsonb), at: start)
        case ("->>", .int2), ("->>", .int4):
            return Operand(.call(.jsonElementText, [value, try typed(right, as: .int4)], .text), at: start)
        case ("#>", nil), ("#>", .array(of: .text)):
            return Operand(.call(.jsonPath, [value, try typed(right, as: .array(of: .text))], .jsonb), at: start)
        case ("#>>", nil), ("#>>", .array(of: .text)):
            return Operand(.call(.jsonPathText, [value, try typed(right, as: .array(of: .text))], .text), at: start)
        case ("?", nil), ("?", .text): return Operand(.call(.jsonHasField, [value, try typed(right, as: .text)], .bool), at: start)
        default: throw Self.noOperator(words, at: offset)
        }
    }

    /// jsonb_extract_path(x, a, b …) is x #> ARRAY[a, b …].
    func jsonPath(_ name: String, _ operands: [Operand], at offset: Int) throws(Refusal) -> Operand {
        guard operands.count > 1, operands[0].typeClass == .jsonb,
            operands[1...].allSatisfy({ [.text, .bpchar].contains($0.typeClass ?? .text) })
        else { throw Self.noFunction(name, operands, at: offset) }
        var names: [Expression] = []
        for operand in operands[1...] { names.append(try typed(operand, as: .text)) }
        let path = Expression.call(.makeArray, names, .array(of: .text))
        let isText = name.hasSuffix("_text")
        return Operand(
            .call(isText ? .jsonPathText : .jsonPath, [try typed(operands[0], as: .jsonb), path], isText ? .text : .jsonb), at: offset)
    }

    /// PostgreSQL casts numbers and truth values in JSON to those of SQL, and says of other kinds that it cannot.
    func castJSON(_ value: Expression, to kind: TypeClass, _ shape: TypeName.DecimalShape?, at offset: Int) throws(Refusal) -> Expression {
        switch kind {
        case .text, .bool, .int2, .int4, .int8, .float4, .float8: return .cast(value, to: kind.plainType)
        case .numeric:
            return .cast(value, to: shape.map { .numeric(precision: $0.precision, scale: $0.scale) } ?? .decimal)
        default:
            throw Refusal(
                offset, "cannot cast type jsonb to \(kind.sqlName)", hint: "take the text first, such as (x ->> 'name')::\(kind.sqlName)")
        }
    }
}
