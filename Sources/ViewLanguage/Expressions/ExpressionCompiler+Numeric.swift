import Columns

extension ExpressionCompiler {
    /// Functions of numerics: the shape of the result, where PostgreSQL's can be known before the values are.
    func numericResult(_ function: Expression.Function, _ arguments: [Expression]) -> Expression {
        if function == .widthBucket { return .call(function, arguments.prefix(3).map(\.asDecimal) + arguments.dropFirst(3), .int4) }
        switch function {
        // Each value's scale depends on the value.
        case .squareRoot, .power, .exponential, .naturalLogarithm, .logarithm, .wholeQuotient:
            return .call(function, arguments, .decimal)
        case .decimalLogarithm:
            return .call(.logarithm, [.literal(.decimal("10"), .numeric(precision: 2, scale: 0))] + arguments, .decimal)
        default: break
        }
        guard let (precision, scale) = arguments[0].type.decimalShape else { return .call(function, arguments, .decimal) }
        let result: Expression =
            switch function {
            case .sign: .call(function, arguments, .numeric(precision: 1, scale: 0))
            case .ceiling, .floor: .call(function, arguments, ScalarType.numericOrDecimal(precision: precision - scale + 1, scale: 0))
            default: rounding(function, arguments, precision: precision, scale: scale)
            }
        guard result.type == .decimal, case .call(_, let parts, _) = result else { return result }
        return .call(function, [parts[0].asDecimal] + arguments.dropFirst(), .decimal)
    }

    /// round and trunc of a numeric. To a constant number of digits the result has one scale; else each value has its own.
    private func rounding(_ function: Expression.Function, _ arguments: [Expression], precision: Int, scale: Int) -> Expression {
        var digits = 0
        if arguments.count > 1 {
            switch arguments[1] {
            case .literal(.null, _): return .literal(.null, arguments[0].type)
            case .literal(.int(let value), _): digits = Int(value)
            case .negate(.literal(.int(let value), _), _): digits = -Int(value)
            default: return .call(function, arguments, .decimal)
            }
        }
        // Nothing to round, and a scale of its own all the same; or one digit more for 9.5 that becomes 10.
        let whole = precision - scale + (digits >= scale ? 0 : 1)
        let type = ScalarType.numericOrDecimal(precision: whole + max(0, digits), scale: max(0, digits))
        guard type != .decimal, digits < 0 else { return .call(function, [arguments[0]], type) }
        let places = Expression.literal(.int(Int64(max(digits, -ScalarType.maximumNumericPrecision - 1))), .int4)
        return .call(function, [arguments[0], places], type)
    }
}
