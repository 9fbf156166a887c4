import Columns

extension ExpressionCompiler {
    /// Functions of numerics: the shape of the result, where PostgreSQL's can be known before the values are.
    func numericResult(
        _ name: String, _ function: Expression.Function, _ arguments: [Expression], at offset: Int
    ) throws(Refusal) -> Expression {
        if function == .widthBucket { return .call(function, arguments.prefix(3).map(\.asDecimal) + arguments.dropFirst(3), .int4) }
        if arguments[0].type == .decimal, [.sign, .ceiling, .floor, .round, .truncate].contains(function) {
            return .call(function, arguments, .decimal)
        }
        guard let (precision, scale) = arguments[0].type.decimalShape else {
            throw Refusal(offset, "\(name) of numeric values is not supported", hint: "cast the arguments to double precision")
        }
        switch function {
        case .sign: return .call(function, arguments, .numeric(precision: 1, scale: 0))
        case .ceiling, .floor:
            return .call(function, arguments, try decimal(precision: precision - scale + 1, scale: 0, at: offset))
        case .round, .truncate: return try rounding(name, function, arguments, at: offset)
        default:
            throw Refusal(
                offset, "\(name) of numeric values is not supported",
                hint: "cast the arguments to double precision")
        }
    }

    /// round and trunc of a numeric, to a constant number of digits: the result's scale must be known.
    private func rounding(
        _ name: String, _ function: Expression.Function, _ arguments: [Expression], at offset: Int
    ) throws(Refusal) -> Expression {
        guard let (precision, scale) = arguments[0].type.decimalShape else { preconditionFailure("\(arguments[0].type) is no numeric") }
        var digits = 0
        if arguments.count > 1 {
            switch arguments[1] {
            case .literal(.null, _): return .literal(.null, arguments[0].type)
            case .literal(.int(let value), _): digits = Int(value)
            case .negate(.literal(.int(let value), _), _): digits = -Int(value)
            default:
                throw Refusal(
                    offset, "\(name) takes a constant number of digits",
                    hint: "write a number; for several, a CASE over round(x, 0), round(x, 1) …")
            }
        }
        if digits >= scale {
            let type = try decimal(precision: precision - scale + digits, scale: digits, at: offset)
            // Nothing to round; a scale of its own all the same.
            return .call(function, [arguments[0]], type)
        }
        // One digit more for 9.5 that becomes 10.
        let type = try decimal(precision: precision - scale + max(0, digits) + 1, scale: max(0, digits), at: offset)
        guard digits < 0 else { return .call(function, [arguments[0]], type) }
        let places = Expression.literal(.int(Int64(max(digits, -ScalarType.maximumNumericPrecision - 1))), .int4)
        return .call(function, [arguments[0], places], type)
    }

    /// numeric / numeric. PostgreSQL gives each quotient at least 16 significant digits and chooses its scale by the two values
    /// (select_div_scale in numeric.c): the type has to hold the smallest quotient's scale and the largest one's whole digits.
    func divide(_ a: Expression, _ b: Expression, at offset: Int) throws(Refusal) -> Expression {
        guard let (p1, s1) = a.type.decimalShape, let (p2, s2) = b.type.decimalShape else {
            preconditionFailure("\(a.type) and \(b.type) are not both numeric")
        }
        try checkScale(of: a, at: offset)
        try checkScale(of: b, at: offset)
        let scale = Self.largestDivisionScale(a, b, s1: s1, p2: p2, s2: s2)
        // |a| < 10^(p1 - s1) and |b| >= 10^-s2, or the constant itself.
        let whole: Int
        if case .literal(.decimal(let digits), _) = b, digits != "0" {
            let significant = digits.drop { $0 == "-" }.count
            whole = max(1, p1 - s1 + s2 - significant + 1)
        } else {
            whole = max(1, p1 - s1 + s2)
        }
        guard whole + scale <= ScalarType.maximumNumericPrecision else {
            throw Refusal(
                offset, "this quotient may need \(whole + scale) digits; at most \(ScalarType.maximumNumericPrecision) are supported",
                hint: "cast the operands to fewer digits, such as x::numeric(8,2) and y::numeric(6,0), or to double precision")
        }
        return .call(.divideNumeric, [a, b], .numeric(precision: whole + scale, scale: scale))
    }

    /// 16 - 4 · (weight of a - weight of b - 1) for the smallest a and the largest b; weights count groups of four digits.
    private static func largestDivisionScale(_ a: Expression, _ b: Expression, s1: Int, p2: Int, s2: Int) -> Int {
        func floorDivide(_ value: Int, _ divisor: Int) -> Int { (value >= 0 ? value : value - divisor + 1) / divisor }
        var smallest = -s1
        var largest = p2 - s2 - 1
        // A constant's first digit stands at 10^exponent.
        func exponent(_ expression: Expression, _ scale: Int) -> Int? {
            guard case .literal(.decimal(let digits), _) = expression, digits != "0" else { return nil }
            return digits.drop { $0 == "-" }.count - 1 - scale
        }
        smallest = exponent(a, s1) ?? smallest
        largest = exponent(b, s2) ?? largest
        let weight = floorDivide(smallest, 4) - floorDivide(largest, 4) - 1
        return max(16 - 4 * weight, s1, s2, 0)
    }
}
