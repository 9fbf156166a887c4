import Columns

// Arrays of scalars: constants, ARRAY[…], elements, = ANY (…), lengths.

extension ExpressionCompiler {
    /// ARRAY[a, b …] in the common type of its elements.
    /// `isCompared`: nobody sees the array itself.
    mutating func array(_ body: SyntaxNode, isCompared: Bool = false, at offset: Int) throws(Refusal) -> Operand {
        try body.allowFields(["elements", "location"], in: statement)
        var operands: [Operand] = []
        for element in body["elements"]?.children ?? [] { operands.append(try operand(element)) }
        guard !operands.isEmpty else {
            throw Refusal(offset, "cannot determine type of empty array", hint: "write a constant with its type, such as '{}'::text[]")
        }
        let (values, type) = try commonType(operands, what: "ARRAY")
        if case .numeric(_, let scale) = type, !isCompared {
            let scales = operands.compactMap { operand in
                if case .typed(let value) = operand.value { value.type.decimalShape?.scale } else { nil }
            }
            guard scales.allSatisfy({ $0 == scale }) else {
                throw Refusal(
                    offset, "an array of numerics with different scales is not supported",
                    hint: "cast them, such as ARRAY[a, b::numeric(12,2)]")
            }
        }
        guard TypeName.isElement(type) || isCompared else {
            throw Refusal(offset, "an array of \(type.typeClass.sqlName) is not supported", hint: TypeName.arrayHint)
        }
        return Operand(.call(.makeArray, values, .array(of: type)), at: offset)
    }

    /// x[i]. A slice is refused.
    mutating func subscripted(_ body: SyntaxNode, at offset: Int) throws(Refusal) -> Operand {
        try body.allowFields(["arg", "indirection", "location"], in: statement)
        let value = try operand(required(body, "arg"))
        var result = value
        let indexes = body["indirection"]?.children ?? []
        if indexes.count > 1, case .array? = value.typeClass {
            throw Refusal(offset, "arrays of several dimensions are not supported", hint: "an element is x[1]")
        }
        for index in indexes { result = try element(index, of: result, at: offset) }
        return result
    }

    private mutating func element(_ node: SyntaxNode, of value: Operand, at offset: Int) throws(Refusal) -> Operand {
        guard let index = node.body(of: "A_Indices") else {
            throw Refusal(offset, "this indirection is not supported", hint: "an element is x[1]")
        }
        if index["is_slice"]?.isTrue == true { throw Refusal(offset, "slices of arrays are not supported", hint: "an element is x[1]") }
        guard let node = index["uidx"] else { throw Refusal(offset, "this index is not supported") }
        let position = try operand(node)
        switch value.typeClass {
        case .array:
            guard [.int2, .int4].contains(position.typeClass ?? .int4) else {
                throw Refusal(position.offset, "array subscript must have type integer")
            }
            let array = try typed(value, as: value.typeClass ?? .text)
            guard case .array(let element) = array.type else { preconditionFailure("\(array.type) is no array") }
            return Operand(.call(.arrayElement, [array, try typed(position, as: .int4)], element), at: value.offset)
        case .jsonb:
            // PostgreSQL 14's subscripts are its operator ->.
            return try jsonOperator("->", value, position, at: offset)
        default: throw Refusal(offset, "cannot subscript type \(value.sqlTypeName) because it does not support subscripting")
        }
    }

    /// x = ANY (array), x <> ALL (array), and the other comparisons.
    mutating func quantified(_ name: String, _ body: SyntaxNode, isAny: Bool, at offset: Int) throws(Refusal) -> Operand {
        if Self.patternOperators.contains(name) { return try matched(name, body, isAny: isAny, at: offset) }
        guard let comparison = Expression.Comparison(operator: name) else {
            throw Refusal(offset, "\(name) \(isAny ? "ANY" : "ALL") is not supported", hint: "comparisons are, such as x = ANY (tags)")
        }
        let left = try operand(required(body, "lexpr"))
        let node = try required(body, "rexpr")
        let right: Operand
        if let list = node.body(of: "A_ArrayExpr") {
            right = try array(list, isCompared: true, at: statement.offset(list.location))
        } else {
            right = try operand(node)
        }
        let elementClass: TypeClass
        switch right.typeClass {
        case .array(let element)?: elementClass = element
        case nil: elementClass = left.typeClass ?? .text
        case let other?:
            throw Refusal(
                right.offset, "op ANY/ALL (array) requires array on right side, not \(other.sqlName)",
                hint: "such as 'a' = ANY (tags)")
        }
        let leftClass = left.typeClass ?? elementClass
        guard let kind = TypeClass.commonOfOperator(leftClass, elementClass) else {
            throw Self.noOperator("\(left.sqlTypeName) \(name) \(elementClass.sqlName)", at: offset)
        }
        guard kind == elementClass || right.typeClass == nil || kind.numberRank != nil else {
            throw Self.noOperator("\(left.sqlTypeName) \(name) \(elementClass.sqlName)", at: offset)
        }
        let value = try typed(left, as: kind)
        let array = try typed(right, as: right.typeClass ?? .array(of: elementClass))
        let arguments = [Expression.literal(.text(comparison.rawValue), .text), value, array]
        return Operand(.call(isAny ? .compareAny : .compareAll, arguments, .bool), at: min(left.offset, right.offset))
    }

    /// array_length(x, 1) and cardinality(x).
    func arrayLength(_ name: String, _ operands: [Operand], at offset: Int) throws(Refusal) -> Operand {
        guard let first = operands.first, case .array? = first.typeClass, operands.count == (name == "cardinality" ? 1 : 2) else {
            throw Self.noFunction(name, operands, at: offset)
        }
        let array = try typed(first, as: first.typeClass ?? .text)
        if name == "cardinality" { return Operand(.call(.cardinality, [array], .int4), at: offset) }
        guard [.int2, .int4].contains(operands[1].typeClass ?? .int4) else { throw Self.noFunction(name, operands, at: offset) }
        return Operand(.call(.arrayLength, [array, try typed(operands[1], as: .int4)], .int4), at: offset)
    }
}
