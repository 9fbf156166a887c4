import Columns

extension ExpressionCompiler {
    /// The operand as an expression of this class: a constant is read as it, a number becomes a wider one.
    /// Callers have checked that the one becomes the other implicitly.
    func typed(_ operand: Operand, as kind: TypeClass) throws(Refusal) -> Expression {
        switch operand.value {
        case .typed(let expression): return expression.widened(to: kind)
        case .unknown(nil): return .literal(.null, kind.plainType)
        case .unknown(let text?):
            do { return try Literal.reading(text, as: kind) } catch {
                throw Refusal(operand.offset, error.message, hint: error.hint)
            }
        }
    }

    func bool(_ operand: Operand, of what: String) throws(Refusal) -> Expression {
        let kind = operand.typeClass ?? .bool
        guard kind == .bool else {
            throw Refusal(operand.offset, "argument of \(what) must be type boolean, not type \(kind.sqlName)")
        }
        return try typed(operand, as: .bool)
    }

    /// All operands in their common type (PostgreSQL's rules for COALESCE and IN). Numerics take a scale and a precision that hold
    /// each of them. `what` names the construct in the refusal.
    func commonType(_ operands: [Operand], what: String) throws(Refusal) -> ([Expression], ScalarType) {
        var common: TypeClass?
        for operand in operands {
            guard let kind = operand.typeClass else { continue }
            guard let soFar = common else {
                common = kind
                continue
            }
            guard let both = TypeClass.common(soFar, kind) else {
                throw Refusal(operand.offset, "\(what) types \(soFar.sqlName) and \(kind.sqlName) cannot be matched")
            }
            common = both
        }
        let kind = common ?? .text
        var expressions: [Expression] = []
        for operand in operands { expressions.append(try typed(operand, as: kind)) }
        if case .array = kind { return (expressions, try arrayType(of: expressions, operands, kind, what: what)) }
        if kind == .bpchar { return (expressions, try charType(of: expressions, operands, what: what)) }
        guard kind == .numeric else { return (expressions, kind.plainType) }
        let type = ["IN", "ARRAY"].contains(what) ? Self.holding(expressions) : Self.sharedShape(of: expressions)
        if type == .decimal { return (expressions.map(\.asDecimal), .decimal) }
        return (expressions.map { $0.rescaled(to: type) }, type)
    }

    /// Values of type character show the blanks up to their length, so the lengths must be one.
    private func charType(of expressions: [Expression], _ operands: [Operand], what: String) throws(Refusal) -> ScalarType {
        let lengths = zip(operands, expressions).filter { if case .literal(.null, _) = $1 { false } else { true } }
        guard let first = lengths.first?.1.type else { return .char(length: nil) }
        for (operand, expression) in lengths where expression.type != first && what != "IN" {
            throw Refusal(
                operand.offset, "\(what) of type character needs values of one length", hint: "cast them, such as x::text or 'a'::char(3)")
        }
        return first
    }

    /// The numeric type that holds every value of these: one without precision and scale where one of them is, or where the digits would not suffice.
    static func holding(_ expressions: [Expression]) -> ScalarType {
        var whole = 0
        var scale = 0
        for expression in expressions {
            guard let (precision, itsScale) = expression.type.decimalShape else { return .decimal }
            whole = max(whole, precision - itsScale)
            scale = max(scale, itsScale)
        }
        return ScalarType.numericOrDecimal(precision: max(1, whole + scale), scale: scale)
    }

    /// The same for values of which one is shown: where their scales differ, each keeps its own, as in PostgreSQL (COALESCE(amount, 0) is 0, not 0.00).
    private static func sharedShape(of expressions: [Expression]) -> ScalarType {
        let scales = expressions.filter { if case .literal(.null, _) = $0 { false } else { true } }.map(\.type.decimalShape?.scale)
        return Set(scales).count > 1 ? .decimal : holding(expressions)
    }
}

extension ScalarType {
    /// The numeric with this precision and scale; without any where the storage has fewer digits.
    static func numericOrDecimal(precision: Int, scale: Int) -> ScalarType {
        precision <= maximumNumericPrecision ? .numeric(precision: precision, scale: scale) : .decimal
    }
}

extension TypeClass {
    /// The type of a null, and of anything but a numeric value, of this class.
    var plainType: ScalarType {
        switch self {
        case .text: .text
        case .bpchar: .char(length: nil)
        case .int2: .int2
        case .int4: .int4
        case .int8: .int8
        case .numeric: .numeric(precision: 1, scale: 0)
        case .float4: .float4
        case .float8: .float8
        case .bool: .bool
        case .timestamptz: .timestamptz
        case .timestamp: .timestamp
        case .date: .date
        case .time: .time
        case .interval: .interval
        case .uuid: .uuid
        case .jsonb: .jsonb
        case .array(let element): .array(of: element.plainType)
        }
    }
}

extension Expression {
    /// The number as one of a wider class; itself where the class is its own. Constants are converted here, so that `amount * 2`
    /// multiplies by a numeric of one digit, not by one of ten.
    func widened(to kind: TypeClass) -> Expression {
        guard type.typeClass != kind else { return self }
        if case .literal(let literal, let type) = self, let converted = literal.widened(from: type, to: kind) { return converted }
        switch kind {
        case .numeric:
            guard let shape = type.decimalShape else { preconditionFailure("\(type) does not become numeric implicitly") }
            return .cast(self, to: .numeric(precision: shape.precision, scale: shape.scale))
        default: return .cast(self, to: kind.plainType)
        }
    }

    /// The numeric with a scale for each value.
    var asDecimal: Expression {
        if case .literal(.null, _) = self { return .literal(.null, .decimal) }
        return type == .decimal ? self : .cast(self, to: .decimal)
    }

    /// A numeric with exactly this precision and scale.
    func rescaled(to target: ScalarType) -> Expression {
        if type == target { return self }
        switch self {
        case .literal(.null, _): return .literal(.null, target)
        case .literal(.decimal(let unscaled), _):
            if let from = type.decimalShape, let to = target.decimalShape, to.scale >= from.scale,
                to.precision - to.scale >= from.precision - from.scale
            {
                let zeros = String(repeating: "0", count: unscaled == "0" ? 0 : to.scale - from.scale)
                return .literal(.decimal(unscaled + zeros), target)
            }
        default: break
        }
        return .cast(self, to: target)
    }

    var readsColumns: Bool {
        switch self {
        case .column, .lookup: true
        default: children.contains(where: \.readsColumns)
        }
    }
}

extension Literal {
    /// Nil where the evaluator has to do it.
    fileprivate func widened(from type: ScalarType, to kind: TypeClass) -> Expression? {
        switch (self, kind) {
        case (.null, _): .literal(.null, kind.plainType)
        case (.int(let value), .int4): .literal(.int(value), .int4)
        case (.int(let value), .int8): .literal(.int(value), .int8)
        case (.int(let value), .numeric):
            .literal(.decimal(String(value)), .numeric(precision: String(value.magnitude).count, scale: 0))
        case (.int(let value), .float8): .literal(.float(Double(value)), .float8)
        case (.decimal(let unscaled), .float8):
            // Through the decimal text, so that it is rounded once, as PostgreSQL does.
            type.decimalShape.flatMap { Double("\(unscaled)e-\($0.scale)") }.map { .literal(.float($0), .float8) }
        default: nil
        }
    }
}
