import Columns
import ViewLanguage

#if canImport(Glibc)
    import Glibc
#endif

// Source of the rules: PostgreSQL 15, src/backend/utils/adt/{float.c, numeric.c, int.c}.

extension Evaluator {
    mutating func number(_ function: Expression.Function, _ arguments: [Vector], _ type: ScalarType, _ frame: CallFrame) -> Vector {
        switch (function, type) {
        case (.absolute, .int2), (.absolute, .int4), (.absolute, .int8):
            let value = IntegerArgument(arguments[0])
            let (least, problem) =
                type == .int2
                ? (Int64(Int16.min), "smallint out of range")
                : type == .int4 ? (Int64(Int32.min), "integer out of range") : (Int64.min, "bigint out of range")
            let found = values(frame, zero: 0) { (position) throws(RowProblem) -> Int64 in
                guard value[position] != least else { throw RowProblem(problem) }
                return abs(value[position])
            }
            return Vector(type: type, values: .int64(found.values), nulls: found.nulls, isConstant: frame.isConstant)
        case (.widthBucket, _) where arguments[0].type == .decimal: return widthBucketOfDecimals(arguments, frame)
        case (.widthBucket, _): return widthBucket(arguments, frame)
        case (_, .float4), (_, .float8):
            // For real, abs is the only function.
            var result = float(function, arguments, frame)
            result.type = type
            return result
        default: return decimal(function, arguments, type, frame)
        }
    }

    private mutating func float(_ function: Expression.Function, _ arguments: [Vector], _ frame: CallFrame) -> Vector {
        let value = FloatArgument(arguments[0])
        let found: (values: [Double], nulls: [UInt8])
        switch function {
        case .absolute: found = values(frame, zero: 0) { (position) throws(RowProblem) in value[position].magnitude }
        case .ceiling: found = values(frame, zero: 0) { (position) throws(RowProblem) in value[position].rounded(.up) }
        case .floor: found = values(frame, zero: 0) { (position) throws(RowProblem) in value[position].rounded(.down) }
        case .round: found = values(frame, zero: 0) { (position) throws(RowProblem) in value[position].rounded(.toNearestOrEven) }
        case .truncate: found = values(frame, zero: 0) { (position) throws(RowProblem) in value[position].rounded(.towardZero) }
        case .sign:
            found = values(frame, zero: 0) { (position) throws(RowProblem) in value[position] > 0 ? 1 : value[position] < 0 ? -1 : 0 }
        case .squareRoot:
            found = values(frame, zero: 0) { (position) throws(RowProblem) in
                guard value[position] >= 0 else { throw RowProblem("cannot take square root of a negative number") }
                return value[position].squareRoot()
            }
        case .power:
            let exponent = FloatArgument(arguments[1])
            found = values(frame, zero: 0) { (position) throws(RowProblem) in try power(value[position], exponent[position]) }
        case .exponential: found = values(frame, zero: 0) { (position) throws(RowProblem) in try exponential(value[position]) }
        case .naturalLogarithm: found = values(frame, zero: 0) { (position) throws(RowProblem) in try log(positive(value[position])) }
        case .decimalLogarithm: found = values(frame, zero: 0) { (position) throws(RowProblem) in try log10(positive(value[position])) }
        case .cubeRoot: found = values(frame, zero: 0) { (position) throws(RowProblem) in cbrt(value[position]) }
        default: preconditionFailure("\(function) of double precision")
        }
        return Vector(type: .float8, values: .float64(found.values), nulls: found.nulls, isConstant: frame.isConstant)
    }

    /// Numerics by whole numbers: `scale` digits of the argument stand behind the point, the result's type says how many remain.
    private mutating func decimal(_ function: Expression.Function, _ arguments: [Vector], _ type: ScalarType, _ frame: CallFrame) -> Vector
    {
        let value = DecimalArgument(arguments[0])
        let scale = arguments[0].type.numericScale
        let target = type.numericScale
        let found: (values: [Int128], nulls: [UInt8])
        switch function {
        case .absolute: found = values(frame, zero: 0) { (position) throws(RowProblem) in Int128(value[position].magnitude) }
        case .sign: found = values(frame, zero: 0) { (position) throws(RowProblem) in value[position].signum() }
        case .ceiling, .floor:
            let unit = Decimal128.power(scale)
            found = values(frame, zero: 0) { (position) throws(RowProblem) in
                let (quotient, rest) = value[position].quotientAndRemainder(dividingBy: unit)
                if function == .ceiling { return rest > 0 ? quotient + 1 : quotient }
                return rest < 0 ? quotient - 1 : quotient
            }
        case .round, .truncate:
            // Digits before the point that go, too, where there is a second argument (a negative number of digits).
            let whole = arguments.count > 1 ? Int(-IntegerArgument(arguments[1])[0]) : 0
            let dropped = scale - target + whole
            guard dropped > 0 else {
                found = values(frame, zero: 0) { (position) throws(RowProblem) in
                    Decimal128.rescale(value[position], from: scale, to: target) ?? 0
                }
                break
            }
            guard dropped <= 38 else {
                found = values(frame, zero: 0) { (position) throws(RowProblem) in 0 }
                break
            }
            let divisor = Decimal128.power(dropped)
            let factor = Decimal128.power(min(38, whole))
            found = values(frame, zero: 0) { (position) throws(RowProblem) in
                let kept = function == .round ? Decimal128.dropDigits(value[position], divisor: divisor) : value[position] / divisor
                let (result, overflow) = kept.multipliedReportingOverflow(by: factor)
                guard !overflow, result.magnitude < Decimal128.limit.magnitude else {
                    throw RowProblem(ElementProblem.numericOverflow.message)
                }
                return result
            }
        case .divideNumeric:
            let divisor = DecimalArgument(arguments[1])
            let scaleB = arguments[1].type.numericScale
            found = values(frame, zero: 0) { (position) throws(RowProblem) in
                guard divisor[position] != 0 else { throw RowProblem("division by zero") }
                guard let quotient = NumericDivision.quotient(value[position], scale, divisor[position], scaleB, target: target) else {
                    throw RowProblem(ElementProblem.numericOverflow.message)
                }
                return quotient
            }
        default: preconditionFailure("\(function) of numeric")
        }
        return Vector(type: type, values: narrowed(found.values, type), nulls: found.nulls, isConstant: frame.isConstant)
    }

    private mutating func widthBucket(_ arguments: [Vector], _ frame: CallFrame) -> Vector {
        let (operand, low, high) = (FloatArgument(arguments[0]), FloatArgument(arguments[1]), FloatArgument(arguments[2]))
        let count = IntegerArgument(arguments[3])
        let found = values(frame, zero: 0) { (position) throws(RowProblem) -> Int64 in
            let (x, a, b, n) = (operand[position], low[position], high[position], Double(count[position]))
            guard n > 0 else { throw RowProblem("count must be greater than zero") }
            guard a != b else { throw RowProblem("lower bound cannot equal upper bound") }
            if a < b ? x < a : x > a { return 0 }
            if a < b ? x >= b : x <= b {
                guard count[position] < Int64(Int32.max) else { throw RowProblem("integer out of range") }
                return count[position] + 1
            }
            // PostgreSQL 15's formula, which may round up to the end; where it overflows (and PostgreSQL 15's answer is none), that
            // of later versions, with everything halved.
            let steps = n * (x - a) / (b - a)
            if steps.isFinite { return Int64(steps) + 1 }
            return Int64(min(n - 1, n * ((x / 2 - a / 2) / (b / 2 - a / 2)))) + 1
        }
        return Vector(type: .int4, values: .int64(found.values), nulls: found.nulls, isConstant: frame.isConstant)
    }
}

/// The C library's pow, as PostgreSQL uses it, with PostgreSQL's errors. Arguments are finite.
private func power(_ x: Double, _ y: Double) throws(RowProblem) -> Double {
    if x == 0, y < 0 { throw RowProblem("zero raised to a negative power is undefined") }
    if x < 0, y.rounded(.down) != y { throw RowProblem("a negative number raised to a non-integer power yields a complex result") }
    let result = pow(x, y)
    if result.isInfinite { throw RowProblem(ElementProblem.floatOverflow.message) }
    if result == 0, x != 0 { throw RowProblem(ElementProblem.floatUnderflow.message) }
    return result
}

private func exponential(_ x: Double) throws(RowProblem) -> Double {
    // Only finite numbers leave the range.
    if x.isInfinite { return x > 0 ? x : 0 }
    let result = exp(x)
    if result.isInfinite { throw RowProblem(ElementProblem.floatOverflow.message) }
    if result == 0 { throw RowProblem(ElementProblem.floatUnderflow.message) }
    return result
}

/// What has a logarithm.
private func positive(_ x: Double) throws(RowProblem) -> Double {
    if x == 0 { throw RowProblem("cannot take logarithm of zero") }
    if x < 0 { throw RowProblem("cannot take logarithm of a negative number") }
    return x
}
