import Columns
import ViewLanguage

/// Why PostgreSQL would raise an error for one row, in its words.
struct RowProblem: Error {
    var message: String
    init(_ message: String) { self.message = message }
}

extension Evaluator {
    mutating func call(_ function: Expression.Function, _ arguments: [Expression], _ type: ScalarType, _ rows: [Int32]) -> Vector {
        switch function {
        case .greatest, .least: return extremum(arguments, isGreatest: function == .greatest, type, rows)
        case .nullIf: return nullIf(arguments, type, rows)
        case .concat, .concatSeparated: return concat(arguments, isSeparated: function == .concatSeparated, rows)
        case .makeArray, .arrayElement, .arrayLength, .cardinality, .compareAny, .compareAll:
            return array(function, arguments, type, rows)
        default: break
        }
        let values = arguments.map { evaluate($0, rows) }
        let frame = CallFrame(values, rows: rows)
        if values.first?.type == .decimal, let decimalFunction = DecimalFunction(function) {
            return decimal(decimalFunction, values, frame)
        }
        if type == .decimal, let numericFunction = NumericFunction(function) { return numeric(numericFunction, values, frame) }
        switch function {
        case .absolute, .ceiling, .floor, .round, .truncate, .sign, .squareRoot, .power, .exponential, .naturalLogarithm, .decimalLogarithm,
            .cubeRoot, .widthBucket, .divideNumeric:
            return number(function, values, type, frame)
        case .addInterval, .subtractInterval, .addDays, .subtractDays, .daysBetween, .timeBetween, .intervalAdd, .intervalSubtract,
            .intervalMultiply, .intervalDivide, .intervalNegate, .justifyHours, .justifyDays, .justifyInterval, .extract, .datePart,
            .truncateTime, .binTime, .atZone, .secondsToTime:
            return time(function, values, type, frame)
        case .jsonField, .jsonElement, .jsonPath, .jsonFieldText, .jsonElementText, .jsonPathText, .jsonHasField, .jsonType, .jsonLength:
            return json(function, values, type, frame)
        case .matches, .matchesIgnoringCase:
            // By the plan, not by the vector: that may be a constant in one batch and none in another.
            var isOfRecords = true
            if case .literal = arguments[1] { isOfRecords = false }
            return regularExpression(values, ignoringCase: function == .matchesIgnoringCase, isOfRecords: isOfRecords, frame)
        default: return text(function, values, type, frame)
        }
    }

    /// One value a row that has no null argument; a problem becomes the row's error.
    mutating func values<R>(_ frame: CallFrame, zero: R, _ body: (Int) throws(RowProblem) -> R) -> (values: [R], nulls: [UInt8]) {
        var values: [R] = []
        values.reserveCapacity(frame.count)
        var nulls = frame.nulls
        for position in 0..<frame.count {
            guard nulls.isEmpty || nulls[position] == 0 else {
                values.append(zero)
                continue
            }
            do { values.append(try body(position)) } catch {
                values.append(zero)
                mark(error, position, frame, &nulls)
            }
        }
        return (values, nulls)
    }

    /// One text a row that has no null argument, appended to a common arena.
    mutating func texts(_ frame: CallFrame, _ body: (Int, inout [UInt8]) throws(RowProblem) -> Void) -> Vector {
        var result = TextValues(bytes: [], starts: [], ends: [])
        result.starts.reserveCapacity(frame.count)
        result.ends.reserveCapacity(frame.count)
        var nulls = frame.nulls
        for position in 0..<frame.count {
            let start = result.bytes.count
            result.starts.append(start)
            if nulls.isEmpty || nulls[position] == 0 {
                do { try body(position, &result.bytes) } catch {
                    result.bytes.removeLast(result.bytes.count - start)
                    mark(error, position, frame, &nulls)
                }
            }
            result.ends.append(result.bytes.count)
        }
        return Vector(type: .text, values: .text(result), nulls: nulls, isConstant: frame.isConstant)
    }

    private mutating func mark(_ problem: RowProblem, _ position: Int, _ frame: CallFrame, _ nulls: inout [UInt8]) {
        if frame.isConstant {
            for row in frame.rows { errors.add(row, problem.message) }
        } else {
            errors.add(frame.rows[position], problem.message)
        }
        if nulls.isEmpty { nulls = [UInt8](repeating: 0, count: frame.count) }
        nulls[position] = 1
    }
}

/// The rows of one call: how many results there are, and which are null because an argument is.
struct CallFrame {
    let rows: [Int32]
    let isConstant: Bool
    let count: Int
    let nulls: [UInt8]

    init(_ arguments: [Vector], rows: [Int32]) {
        self.rows = rows
        isConstant = arguments.allSatisfy(\.isConstant)
        count = isConstant ? 1 : rows.count
        var nulls: [UInt8] = []
        for argument in arguments where !argument.nulls.isEmpty {
            let own = isConstant || !argument.isConstant ? argument.nulls : [UInt8](repeating: argument.nulls[0], count: rows.count)
            if nulls.isEmpty { nulls = own } else { for position in nulls.indices { nulls[position] |= own[position] } }
        }
        self.nulls = nulls
    }
}

/// Access to the values of a vector by position, constant or not.
struct IntegerArgument {
    private let values: [Int64]
    private let isConstant: Bool
    init(_ vector: Vector) {
        guard case .int64(let values) = vector.values else { preconditionFailure("\(vector.type) holds no 64-bit integers") }
        self.values = values
        isConstant = vector.isConstant
    }
    @inline(__always) subscript(_ position: Int) -> Int64 { values[isConstant ? 0 : position] }
}

struct FloatArgument {
    private let values: [Double]
    private let isConstant: Bool
    init(_ vector: Vector) {
        guard case .float64(let values) = vector.values else { preconditionFailure("\(vector.type) holds no doubles") }
        self.values = values
        isConstant = vector.isConstant
    }
    @inline(__always) subscript(_ position: Int) -> Double { values[isConstant ? 0 : position] }
}

struct DecimalArgument {
    private let values: [Int128]
    private let isConstant: Bool
    init(_ vector: Vector) {
        values = wide(vector)
        isConstant = vector.isConstant
    }
    @inline(__always) subscript(_ position: Int) -> Int128 { values[isConstant ? 0 : position] }
}

/// The bytes of a text vector, for as long as `withTexts` lends them.
struct TextArgument {
    fileprivate let bytes: UnsafeRawBufferPointer
    fileprivate let starts: [Int]
    fileprivate let ends: [Int]
    fileprivate let isConstant: Bool
    @inline(__always) subscript(_ position: Int) -> UnsafeRawBufferPointer {
        let at = isConstant ? 0 : position
        return UnsafeRawBufferPointer(rebasing: bytes[starts[at]..<ends[at]])
    }
}

func withTexts<R>(_ vectors: [Vector], _ body: ([TextArgument]) -> R) -> R {
    func lend(_ index: Int, _ lent: [TextArgument]) -> R {
        guard index < vectors.count else { return body(lent) }
        guard case .text(let texts) = vectors[index].values else { preconditionFailure("\(vectors[index].type) is no text") }
        return texts.bytes.withUnsafeBytes { bytes in
            lend(
                index + 1,
                lent + [TextArgument(bytes: bytes, starts: texts.starts, ends: texts.ends, isConstant: vectors[index].isConstant)])
        }
    }
    return lend(0, [])
}
