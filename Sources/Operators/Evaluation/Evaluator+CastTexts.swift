import Columns
import ParallaxCore
import ViewLanguage

// Casts to and from what is kept as text: varchar, char, numerics with scales of their own, jsonb.

extension Evaluator {
    mutating func narrow(_ operand: Vector, to type: ScalarType, _ rows: [Int32]) -> Vector {
        guard case .int64(let values) = operand.values else { preconditionFailure("\(operand.type) holds no 64-bit integers") }
        let (range, problem) = type.wholeNumbers
        let elements = mapEach(values) { value in (value, range.contains(value) ? .none : problem) }
        return finish(elements, type, nulls: operand.nulls, isConstant: operand.isConstant, rows) { .int64($0) }
    }

    /// To text, varchar and char: by the output function, cut to the length as explicit casts do.
    func toCharacters(_ operand: Vector, _ type: ScalarType) -> Vector {
        var texts = toText(operand)
        texts.bytes.withUnsafeBytes { bytes in
            for row in texts.starts.indices {
                let text = UnsafeRawBufferPointer(rebasing: bytes[texts.starts[row]..<texts.ends[row]])
                switch type {
                case .varchar(let length?): texts.ends[row] = texts.starts[row] + UTF8Text.offset(length, in: text)
                case .char(let length):
                    var end = length.map { UTF8Text.offset($0, in: text) } ?? text.count
                    while end > 0, text[end - 1] == UInt8(ascii: " ") { end -= 1 }
                    texts.ends[row] = texts.starts[row] + end
                default: break
                }
            }
        }
        return Vector(type: type, values: .text(texts), nulls: operand.nulls, isConstant: operand.isConstant)
    }

    mutating func toDecimal(_ operand: Vector, _ rows: [Int32]) -> Vector {
        let texts: TextValues
        switch operand.values {
        // With the digits that PostgreSQL's casts take from floats.
        case .float64(let values) where operand.type == .float4:
            texts = rendered(values, operand.isConstant) { TextOutput.appendRounded(real: $0, to: &$1) }
        case .float64(let values): texts = rendered(values, operand.isConstant) { TextOutput.appendRounded($0, to: &$1) }
        default: texts = toText(operand)
        }
        let source = Vector(type: .text, values: .text(texts), nulls: operand.nulls, isConstant: operand.isConstant)
        return reading(source, as: .decimal, rows) { (text, out) throws(RowProblem) in try TextInput.appendDecimal(text, to: &out) }
    }

    mutating func toJSON(_ operand: Vector, _ rows: [Int32]) -> Vector {
        reading(operand, as: .jsonb, rows) { (text, out) throws(RowProblem) in try TextInput.appendJSON(text, to: &out) }
    }

    mutating func fromDecimal(_ operand: Vector, _ texts: TextValues, to type: ScalarType, _ rows: [Int32]) -> Vector {
        // What is no number becomes zero: nulls have no digits, and that is their zero.
        let numbers = texts.starts.indices.map { row in
            texts.bytes.withUnsafeBytes { ScaledDecimal(UnsafeRawBufferPointer(rebasing: $0[texts.starts[row]..<texts.ends[row]])) }
        }
        switch type {
        case .int2, .int4, .int8:
            let (range, problem) = type.wholeNumbers
            let elements = mapEach(numbers) { number -> (Int64, ElementProblem) in
                let rounded =
                    number.scale == 0 ? number.unscaled : Decimal128.dropDigits(number.unscaled, divisor: Decimal128.power(number.scale))
                guard rounded >= Int128(range.lowerBound), rounded <= Int128(range.upperBound) else { return (0, problem) }
                return (Int64(rounded), .none)
            }
            return finish(elements, type, nulls: operand.nulls, isConstant: operand.isConstant, rows) { .int64($0) }
        case .numeric(let precision, let scale):
            let limit = Decimal128.power(precision)
            let elements = mapEach(numbers) { number -> (Int128, ElementProblem) in
                guard let scaled = Decimal128.rescale(number.unscaled, from: number.scale, to: scale), scaled < limit, scaled > -limit
                else {
                    return (0, .numericOverflow)
                }
                return (scaled, .none)
            }
            return finish(
                elements, type, nulls: operand.nulls, isConstant: operand.isConstant, rows,
                message: { _ in numericFieldOverflow(precision: precision, scale: scale) }
            ) { narrowed($0, type) }
        default: return fromText(texts, operand.nulls, operand.isConstant, to: type, rows, message: nil)
        }
    }

    /// A number or a truth value in JSON as one of SQL.
    mutating func fromJSON(_ operand: Vector, _ texts: TextValues, to type: ScalarType, _ rows: [Int32]) -> Vector {
        let wanted = type == .bool ? JSONKind.boolean : .number
        let name = if case .numeric = type { "numeric" } else { type.sqlName }
        let value = reading(operand, as: type == .decimal ? .decimal : .text, rows) { (text, out) throws(RowProblem) in
            let kind = JSONKind(text)
            guard kind == wanted else {
                throw RowProblem("cannot cast jsonb \(kind == .number ? "numeric" : kind.rawValue) to type \(name)")
            }
            if type == .decimal { try TextInput.appendDecimal(text, to: &out) } else { out.append(contentsOf: text) }
        }
        guard case .text(let numbers) = value.values else { preconditionFailure("\(value.type) is no text") }
        switch type {
        // By way of numeric, as PostgreSQL does: rounded half away from zero, however many digits there are behind the point.
        case .int2, .int4, .int8:
            let whole = ScalarType.numeric(precision: ScalarType.maximumNumericPrecision, scale: 0)
            let rounded = fromText(
                numbers, value.nulls, value.isConstant, to: whole, rows, message: type.wholeNumbers.problem.message)
            return cast(rounded, to: type, rows)
        case .numeric(let precision, let scale):
            return fromText(
                numbers, value.nulls, value.isConstant, to: type, rows, message: numericFieldOverflow(precision: precision, scale: scale))
        case .float4, .float8:
            var result = fromText(numbers, value.nulls, value.isConstant, to: type, rows, message: nil)
            // A numeric has no negative zero.
            if case .float64(let floats) = result.values { result.values = .float64(floats.map { $0 == 0 ? 0 : $0 }) }
            return result
        default: return cast(value, to: type, rows)
        }
    }

    private mutating func reading(
        _ operand: Vector, as type: ScalarType, _ rows: [Int32],
        _ body: (UnsafeRawBufferPointer, inout [UInt8]) throws(RowProblem) -> Void
    ) -> Vector {
        let frame = CallFrame([operand], rows: rows)
        var evaluator = self
        var result = withTexts([operand]) { texts in
            evaluator.texts(frame) { (row, out) throws(RowProblem) in try body(texts[0][row], &out) }
        }
        errors = evaluator.errors
        result.type = type
        return result
    }
}

extension ScalarType {
    var isWholeNumber: Bool { self == .int2 || self == .int4 || self == .int8 }

    /// text, varchar and char.
    var isCharacters: Bool {
        switch self {
        case .text, .varchar, .char: true
        default: false
        }
    }

    /// What the type holds, and what is said of more.
    var wholeNumbers: (range: ClosedRange<Int64>, problem: ElementProblem) {
        switch self {
        case .int2: (Int64(Int16.min)...Int64(Int16.max), .smallintOutOfRange)
        case .int4: (Int64(Int32.min)...Int64(Int32.max), .integerOutOfRange)
        default: (Int64.min...Int64.max, .bigintOutOfRange)
        }
    }
}
