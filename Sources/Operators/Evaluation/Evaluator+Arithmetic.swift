import Columns
import ViewLanguage

// Source of the rules: PostgreSQL 15, src/backend/utils/adt/{int.c, int8.c, numeric.c, float.c}.

extension Evaluator {
    mutating func arithmetic(_ operation: Expression.Arithmetic, _ a: Vector, _ b: Vector, _ type: ScalarType, _ rows: [Int32]) -> Vector {
        let isConstant = a.isConstant && b.isConstant
        let count = isConstant ? 1 : rows.count
        let nulls = unionOfNulls(a, b, count: count)
        switch (type, a.values, b.values) {
        case (.int4, .int64(let left), .int64(let right)):
            let elements = mapPairs(left, isConstant: a.isConstant, right, isConstant: b.isConstant, count: count) { x, y in
                let (value, problem) = integer(operation, x, y, .integerOutOfRange)
                return (value, problem == .none && Int64(Int32(truncatingIfNeeded: value)) != value ? .integerOutOfRange : problem)
            }
            return finish(elements, type, nulls: nulls, isConstant: isConstant, rows) { .int64($0) }
        case (.int2, .int64(let left), .int64(let right)):
            let elements = mapPairs(left, isConstant: a.isConstant, right, isConstant: b.isConstant, count: count) { x, y in
                let (value, problem) = integer(operation, x, y, .smallintOutOfRange)
                return (value, problem == .none && Int64(Int16(truncatingIfNeeded: value)) != value ? .smallintOutOfRange : problem)
            }
            return finish(elements, type, nulls: nulls, isConstant: isConstant, rows) { .int64($0) }
        case (.float4, .float64(let left), .float64(let right)):
            let elements = mapPairs(left, isConstant: a.isConstant, right, isConstant: b.isConstant, count: count) { x, y in
                let (value, problem) = float(operation, Float(x), Float(y))
                return (Double(value), problem)
            }
            return finish(elements, type, nulls: nulls, isConstant: isConstant, rows) { .float64($0) }
        case (.decimal, _, _): return decimal(operation, a, b, rows)
        case (.int8, .int64(let left), .int64(let right)):
            let elements = mapPairs(left, isConstant: a.isConstant, right, isConstant: b.isConstant, count: count) { x, y in
                integer(operation, x, y, .bigintOutOfRange)
            }
            return finish(elements, type, nulls: nulls, isConstant: isConstant, rows) { .int64($0) }
        case (.float8, .float64(let left), .float64(let right)):
            let elements = mapPairs(left, isConstant: a.isConstant, right, isConstant: b.isConstant, count: count) { x, y in
                float(operation, x, y)
            }
            return finish(elements, type, nulls: nulls, isConstant: isConstant, rows) { .float64($0) }
        case (.numeric, _, _): return numeric(operation, a, b, type, nulls: nulls, isConstant: isConstant, count: count, rows)
        default: preconditionFailure("\(operation) of \(a.type) and \(b.type) to \(type)")
        }
    }

    private mutating func numeric(
        _ operation: Expression.Arithmetic, _ a: Vector, _ b: Vector, _ type: ScalarType, nulls: [UInt8], isConstant: Bool, count: Int,
        _ rows: [Int32]
    ) -> Vector {
        let (scaleA, scaleB) = (a.type.numericScale, b.type.numericScale)
        let common = max(scaleA, scaleB)
        let natural = operation == .multiply ? scaleA + scaleB : common
        if type.isNarrowNumeric, natural == type.numericScale, natural <= 18, case .int64(let left) = a.values,
            case .int64(let right) = b.values
        {
            let isProduct = operation == .multiply
            let factorA = isProduct ? 1 : Int64(Decimal128.power(common - scaleA))
            let factorB = isProduct ? 1 : Int64(Decimal128.power(common - scaleB))
            let elements = mapPairs(left, isConstant: a.isConstant, right, isConstant: b.isConstant, count: count) { x, y in
                narrowDecimal(operation, x, factorA, y, factorB)
            }
            return finish(elements, type, nulls: nulls, isConstant: isConstant, rows) { .int64($0) }
        }
        // What the storage holds; the compiler gives every result a type that is wide enough, up to 38 digits.
        let limit = type.isNarrowNumeric ? Decimal128.power(18).magnitude : Decimal128.limit.magnitude
        let elements = mapPairs(wide(a), isConstant: a.isConstant, wide(b), isConstant: b.isConstant, count: count) { x, y in
            fixedDecimal(operation, x, scaleA, y, scaleB, natural: natural, target: type.numericScale, limit: limit)
        }
        return finish(elements, type, nulls: nulls, isConstant: isConstant, rows) { narrowed($0, type) }
    }

    mutating func negate(_ operand: Vector, _ type: ScalarType, _ rows: [Int32]) -> Vector {
        switch operand.values {
        case .int64(let values):
            let elements = mapEach(values) { value -> (Int64, ElementProblem) in
                let (result, overflow) = Int64(0).subtractingReportingOverflow(value)
                if overflow { return (0, .bigintOutOfRange) }
                if type == .int2, result > Int64(Int16.max) { return (0, .smallintOutOfRange) }
                return type == .int4 && result > Int64(Int32.max) ? (0, .integerOutOfRange) : (result, .none)
            }
            return finish(elements, type, nulls: operand.nulls, isConstant: operand.isConstant, rows) { .int64($0) }
        case .int128(let values):
            // Every numeric is below 10^38 in magnitude.
            return Vector(type: type, values: .int128(values.map { 0 - $0 }), nulls: operand.nulls, isConstant: operand.isConstant)
        case .float64(let values):
            return Vector(type: type, values: .float64(values.map { -$0 }), nulls: operand.nulls, isConstant: operand.isConstant)
        case .text where type == .decimal: return decimal(.negate, [operand], CallFrame([operand], rows: rows))
        default: preconditionFailure("minus of \(operand.type)")
        }
    }
}

/// The unscaled values in 128 bits.
func wide(_ vector: Vector) -> [Int128] {
    switch vector.values {
    case .int64(let values): values.map { Int128($0) }
    case .int128(let values): values
    default: preconditionFailure("\(vector.type) is no numeric")
    }
}

/// Values that fit, in the storage of their type.
func narrowed(_ values: [Int128], _ type: ScalarType) -> Vector.Values {
    type.isNarrowNumeric ? .int64(values.map { Int64(truncatingIfNeeded: $0) }) : .int128(values)
}

@inline(__always)
private func integer(_ operation: Expression.Arithmetic, _ x: Int64, _ y: Int64, _ tooLarge: ElementProblem) -> (Int64, ElementProblem) {
    switch operation {
    case .add:
        let (value, overflow) = x.addingReportingOverflow(y)
        return (value, overflow ? tooLarge : .none)
    case .subtract:
        let (value, overflow) = x.subtractingReportingOverflow(y)
        return (value, overflow ? tooLarge : .none)
    case .multiply:
        let (value, overflow) = x.multipliedReportingOverflow(by: y)
        return (value, overflow ? tooLarge : .none)
    case .divide:
        if y == 0 { return (0, .divisionByZero) }
        let (value, overflow) = x.dividedReportingOverflow(by: y)
        return (value, overflow ? tooLarge : .none)
    case .modulo:
        if y == 0 { return (0, .divisionByZero) }
        return (y == -1 ? 0 : x % y, .none)
    }
}

@inline(__always)
private func float<Real: BinaryFloatingPoint>(_ operation: Expression.Arithmetic, _ x: Real, _ y: Real) -> (Real, ElementProblem) {
    switch operation {
    case .add:
        let value = x + y
        return (value, value.isInfinite && x.isFinite && y.isFinite ? .floatOverflow : .none)
    case .subtract:
        let value = x - y
        return (value, value.isInfinite && x.isFinite && y.isFinite ? .floatOverflow : .none)
    case .multiply:
        let value = x * y
        if value.isInfinite && x.isFinite && y.isFinite { return (0, .floatOverflow) }
        return (value, value == 0 && x != 0 && y != 0 ? .floatUnderflow : .none)
    case .divide:
        if y == 0 && !x.isNaN { return (0, .divisionByZero) }
        let value = x / y
        if value.isInfinite && x.isFinite { return (0, .floatOverflow) }
        return (value, value == 0 && x != 0 && y.isFinite ? .floatUnderflow : .none)
    case .modulo: preconditionFailure("PostgreSQL has no % of double precision")
    }
}

@inline(__always)
private func narrowDecimal(_ operation: Expression.Arithmetic, _ x: Int64, _ factorX: Int64, _ y: Int64, _ factorY: Int64) -> (
    Int64, ElementProblem
) {
    let (left, overflowLeft) = x.multipliedReportingOverflow(by: factorX)
    let (right, overflowRight) = y.multipliedReportingOverflow(by: factorY)
    if overflowLeft || overflowRight { return (0, .numericOverflow) }
    if operation == .divide { return (0, right == 0 ? .divisionByZero : .unsupportedNumericDivision) }
    return integer(operation, left, right, .numericOverflow)
}

@inline(__always)
private func fixedDecimal(
    _ operation: Expression.Arithmetic, _ x: Int128, _ scaleX: Int, _ y: Int128, _ scaleY: Int, natural: Int, target: Int, limit: UInt128
) -> (Int128, ElementProblem) {
    let result: Int128
    if operation == .multiply {
        let (product, overflow) = x.multipliedReportingOverflow(by: y)
        if overflow { return (0, .numericOverflow) }
        result = product
    } else {
        guard let left = Decimal128.rescale(x, from: scaleX, to: natural), let right = Decimal128.rescale(y, from: scaleY, to: natural)
        else {
            return (0, .numericOverflow)
        }
        switch operation {
        // Both are below 10^38, so that the sum stays within 128 bits.
        case .add: result = left + right
        case .subtract: result = left - right
        case .modulo:
            if right == 0 { return (0, .divisionByZero) }
            result = left % right
        case .divide, .multiply: return (0, right == 0 ? .divisionByZero : .unsupportedNumericDivision)
        }
    }
    guard let scaled = Decimal128.rescale(result, from: natural, to: target), scaled.magnitude < limit else {
        return (0, .numericOverflow)
    }
    return (scaled, .none)
}
