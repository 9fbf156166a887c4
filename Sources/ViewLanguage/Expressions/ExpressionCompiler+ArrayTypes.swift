import Columns

// Which type arrays have together, and casts from one to another. All elements of a numeric(p,s)[] have the scale s, so that equal ones
// have one text; only constants that are merely compared may have others.

extension ExpressionCompiler {
    /// The type of arrays of one class, of which one is shown.
    func arrayType(of expressions: [Expression], _ operands: [Operand], _ kind: TypeClass, what: String) throws(Refusal) -> ScalarType {
        var types: [ScalarType] = []
        for (expression, operand) in zip(expressions, operands) {
            if case .literal(.null, _) = expression { continue }
            let scales = Literal.elementScales(expression)
            if scales == [] { continue }
            types.append(expression.type)
            guard what != "IN", case .array(let element) = expression.type, case .array(let first) = types[0] else { continue }
            guard scales?.count ?? 1 == 1, kind != .array(of: .numeric) || element.decimalShape?.scale == first.decimalShape?.scale else {
                throw Refusal(
                    operand.offset, "\(what) of arrays of numerics with different scales is not supported",
                    hint: "write the digits behind the point of the others, such as '{0.00}' for 0 in a numeric(12,2)[]")
            }
        }
        guard let first = types.first else { return kind.plainType }
        if types.allSatisfy({ $0 == first }) { return first }
        guard case .array(.numeric(_, let scale)) = first else { return kind.plainType }
        let precision = types.compactMap { type in if case .array(let element) = type { element.decimalShape?.precision } else { nil } }
            .max()
        return .array(of: .numeric(precision: precision ?? scale, scale: scale))
    }

    /// Casts constants and ARRAY[…], which are written in the new type at once, and arrays of the same class whose elements stay as they are.
    func cast(_ argument: Operand, toArrayOf element: ScalarType, at offset: Int) throws(Refusal) -> Expression {
        let type = ScalarType.array(of: element)
        let kind = type.typeClass
        guard (argument.typeClass ?? kind) == kind else {
            throw Refusal(offset, "cannot cast type \(argument.sqlTypeName) to \(kind.sqlName)")
        }
        switch argument.value {
        case .unknown(nil), .typed(.literal(.null, _)): return .literal(.null, type)
        case .unknown(let text?):
            do { return .literal(try Literal.array(text, of: element, isCut: true), type) } catch {
                throw Refusal(argument.offset, error.message, hint: error.hint)
            }
        case .typed(let value) where value.type == type: return value
        case .typed(.call(.makeArray, let values, _)): return .call(.makeArray, values, type)
        case .typed(let value):
            guard case .array(let from) = value.type, from.staysAsItIs(in: element) else {
                throw Refusal(
                    offset, "a cast from \(value.type.sqlName) to \(type.sqlName) is not supported",
                    hint: "cast the elements, such as (x[1])::\(element.sqlName)")
            }
            return .cast(value, to: type)
        }
    }
}

extension ScalarType {
    /// Whether a cast to the other type changes no value.
    fileprivate func staysAsItIs(in other: ScalarType) -> Bool {
        switch (self, other) {
        case (.text, .text), (.text, .varchar(nil)), (.varchar, .text), (.varchar, .varchar(nil)): true
        case (.varchar(let from?), .varchar(let to?)): from <= to
        case (.numeric(let precision, let scale), .numeric(let wider, let same)): precision <= wider && scale == same
        default: self == other
        }
    }
}
