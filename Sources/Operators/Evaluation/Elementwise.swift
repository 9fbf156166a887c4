import Columns

/// What went wrong with one element of a computation; the messages are PostgreSQL's.
enum ElementProblem: UInt8 {
    case none, divisionByZero, smallintOutOfRange, integerOutOfRange, bigintOutOfRange, numericOverflow, floatOverflow, floatUnderflow,
        unsupportedNumericDivision, dateOutOfRange

    var message: String {
        switch self {
        case .none: ""
        case .divisionByZero: "division by zero"
        case .smallintOutOfRange: "smallint out of range"
        case .integerOutOfRange: "integer out of range"
        case .bigintOutOfRange: "bigint out of range"
        case .numericOverflow: "numeric field overflow: the result needs more than 38 digits"
        case .floatOverflow: "value out of range: overflow"
        case .floatUnderflow: "value out of range: underflow"
        case .dateOutOfRange: "date out of range for timestamp"
        case .unsupportedNumericDivision: "division of numerics is not supported"
        }
    }
}

/// The raw result of a pass over elements: values, and per element what went wrong (empty where nothing did).
struct Elements<R> {
    var values: [R]
    var problems: [ElementProblem]
}

/// Applies an operation to each pair. A constant operand has one element.
///
/// The first pass is branch-free but for the operation itself; only where an element had a problem (also one under a null, whose
/// place holds zero) does a second pass write down which.
@inline(__always)
func mapPairs<A, B, R>(
    _ a: [A], isConstant constantA: Bool, _ b: [B], isConstant constantB: Bool, count: Int,
    _ operation: (A, B) -> (R, ElementProblem)
) -> Elements<R> {
    var any: UInt8 = 0
    let values = [R](unsafeUninitializedCapacity: count) { target, initialized in
        a.withUnsafeBufferPointer { a in
            b.withUnsafeBufferPointer { b in
                if count > 0, constantB, !constantA {
                    let right = b[0]
                    for position in 0..<count {
                        let (value, problem) = operation(a[position], right)
                        any |= problem.rawValue
                        target.initializeElement(at: position, to: value)
                    }
                } else {
                    for position in 0..<count {
                        let (value, problem) = operation(a[constantA ? 0 : position], b[constantB ? 0 : position])
                        any |= problem.rawValue
                        target.initializeElement(at: position, to: value)
                    }
                }
            }
        }
        initialized = count
    }
    guard any != 0 else { return Elements(values: values, problems: []) }
    let problems = (0..<count).map { operation(a[constantA ? 0 : $0], b[constantB ? 0 : $0]).1 }
    return Elements(values: values, problems: problems)
}

/// Applies an operation to each element.
@inline(__always)
func mapEach<A, R>(_ a: [A], _ operation: (A) -> (R, ElementProblem)) -> Elements<R> {
    mapPairs(a, isConstant: false, [UInt8(0)], isConstant: true, count: a.count) { value, _ in operation(value) }
}

/// Null where either is. Constants have one entry; `count` is the number of elements of the result.
func unionOfNulls(_ a: Vector, _ b: Vector, count: Int) -> [UInt8] {
    func entries(_ vector: Vector) -> [UInt8] {
        vector.isConstant && !vector.nulls.isEmpty ? (vector.nulls[0] != 0 ? [UInt8](repeating: 1, count: count) : []) : vector.nulls
    }
    let left = entries(a)
    let right = entries(b)
    if left.isEmpty { return right }
    if right.isEmpty { return left }
    return zip(left, right).map { $0 | $1 }
}

extension Evaluator {
    /// Elements as a vector: what went wrong becomes an error of its row, unless the element is null anyway.
    mutating func finish<R>(
        _ elements: Elements<R>, _ type: ScalarType, nulls: [UInt8], isConstant: Bool, _ rows: [Int32],
        message: (ElementProblem) -> String = { $0.message }, _ wrap: ([R]) -> Vector.Values
    ) -> Vector {
        var vector = Vector(type: type, values: wrap(elements.values), nulls: nulls, isConstant: isConstant)
        guard !elements.problems.isEmpty else { return vector }
        for (position, problem) in elements.problems.enumerated() where problem != .none && !vector.isNull(position) {
            if isConstant { for row in rows { errors.add(row, message(problem)) } } else { errors.add(rows[position], message(problem)) }
            if vector.nulls.isEmpty { vector.nulls = [UInt8](repeating: 0, count: elements.values.count) }
            vector.nulls[position] = 1
        }
        return vector
    }
}
