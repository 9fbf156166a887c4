import Columns
import ViewLanguage

extension Evaluator {
    /// What one decimal becomes.
    enum DecimalFunction {
        case negate, absolute, sign, ceiling, floor, round, truncate

        init?(_ function: Expression.Function) {
            switch function {
            case .absolute: self = .absolute
            case .sign: self = .sign
            case .ceiling: self = .ceiling
            case .floor: self = .floor
            case .round: self = .round
            case .truncate: self = .truncate
            default: return nil
            }
        }
    }

    mutating func decimal(_ operation: Expression.Arithmetic, _ a: Vector, _ b: Vector, _ rows: [Int32]) -> Vector {
        let frame = CallFrame([a, b], rows: rows)
        return decimals([a, b], frame) { (texts, row) throws(RowProblem) in
            try ScaledDecimal.computing(operation, ScaledDecimal(texts[0][row]), ScaledDecimal(texts[1][row]))
        }
    }

    /// `arguments`: the number, and for round and truncate how many digits stay behind the point (negative ones before it), if given.
    mutating func decimal(_ function: DecimalFunction, _ arguments: [Vector], _ frame: CallFrame) -> Vector {
        let digits = arguments.count > 1 ? IntegerArgument(arguments[1]) : nil
        return decimals([arguments[0]], frame) { (texts, row) throws(RowProblem) in
            let value = ScaledDecimal(texts[0][row])
            switch function {
            case .negate: return try ScaledDecimal(-value.unscaled, scale: value.scale)
            case .absolute: return try ScaledDecimal(Int128(value.unscaled.magnitude), scale: value.scale)
            case .sign: return try ScaledDecimal(value.unscaled.signum(), scale: 0)
            case .ceiling, .floor:
                let (quotient, rest) = value.unscaled.quotientAndRemainder(dividingBy: Decimal128.power(value.scale))
                let step: Int128 = function == .ceiling ? (rest > 0 ? 1 : 0) : (rest < 0 ? -1 : 0)
                return try ScaledDecimal(quotient + step, scale: 0)
            case .round, .truncate: return try value.cut(to: Int(digits?[row] ?? 0), rounds: function == .round)
            }
        }
    }

    /// PostgreSQL's operations, one by one: its quotient is rounded, and may reach the number of buckets.
    mutating func widthBucketOfDecimals(_ arguments: [Vector], _ frame: CallFrame) -> Vector {
        let count = IntegerArgument(arguments[3])
        var evaluator = self
        let found = withTexts(Array(arguments[..<3])) { texts in
            evaluator.values(frame, zero: Int64(0)) { (row) throws(RowProblem) -> Int64 in
                let (operand, first, second) = (ScaledDecimal(texts[0][row]), ScaledDecimal(texts[1][row]), ScaledDecimal(texts[2][row]))
                guard count[row] > 0 else { throw RowProblem("count must be greater than zero") }
                let direction = ScaledDecimal.compare(first, second)
                guard direction != 0 else { throw RowProblem("lower bound cannot equal upper bound") }
                if ScaledDecimal.compare(operand, first) * direction > 0 { return 0 }
                if ScaledDecimal.compare(operand, second) * direction <= 0 {
                    guard count[row] < Int64(Int32.max) else { throw RowProblem("integer out of range") }
                    return count[row] + 1
                }
                let number = try ScaledDecimal(Int128(count[row]), scale: 0)
                let distance = try ScaledDecimal.computing(.subtract, direction < 0 ? operand : first, direction < 0 ? first : operand)
                let width = try ScaledDecimal.computing(.subtract, direction < 0 ? second : first, direction < 0 ? first : second)
                let steps = try ScaledDecimal.computing(.divide, try ScaledDecimal.computing(.multiply, distance, number), width)
                if ScaledDecimal.compare(steps, number) >= 0 { return count[row] }
                return Int64(steps.unscaled / Decimal128.power(steps.scale)) + 1
            }
        }
        errors = evaluator.errors
        return Vector(type: .int4, values: .int64(found.values), nulls: found.nulls, isConstant: frame.isConstant)
    }

    private mutating func decimals(
        _ arguments: [Vector], _ frame: CallFrame, _ body: ([TextArgument], Int) throws(RowProblem) -> ScaledDecimal
    ) -> Vector {
        // The closure below changes the errors while it reads the arguments' bytes.
        var evaluator = self
        var result = withTexts(arguments) { texts in
            evaluator.texts(frame) { (row, out) throws(RowProblem) in try body(texts, row).append(to: &out) }
        }
        errors = evaluator.errors
        result.type = .decimal
        return result
    }

    /// Decimals compared as numbers.
    func compareDecimals(
        _ x: TextValues, _ constantX: Bool, _ y: TextValues, _ constantY: Bool, _ count: Int, nulls: [UInt8], _ holds: (Int) -> Bool
    ) -> [UInt8] {
        x.bytes.withUnsafeBytes { bytesX in
            y.bytes.withUnsafeBytes { bytesY in
                (0..<count).map { position -> UInt8 in
                    let (i, j) = (constantX ? 0 : position, constantY ? 0 : position)
                    let a = ScaledDecimal(UnsafeRawBufferPointer(rebasing: bytesX[x.starts[i]..<x.ends[i]]))
                    let b = ScaledDecimal(UnsafeRawBufferPointer(rebasing: bytesY[y.starts[j]..<y.ends[j]]))
                    return holds(ScaledDecimal.compare(a, b)) ? 1 : 0
                }
            }
        }
    }
}

extension Vector {
    /// Decimals in the form that equal numbers share.
    var withTrimmedDecimals: Vector {
        guard type == .decimal, case .text(let texts) = values else { return self }
        var result = TextValues(bytes: [], starts: [], ends: [])
        texts.bytes.withUnsafeBytes { bytes in
            for row in texts.starts.indices {
                result.starts.append(result.bytes.count)
                if nulls.isEmpty || nulls[row] == 0 {
                    ScaledDecimal(UnsafeRawBufferPointer(rebasing: bytes[texts.starts[row]..<texts.ends[row]])).trimmed.append(
                        to: &result.bytes)
                }
                result.ends.append(result.bytes.count)
            }
        }
        var vector = self
        vector.values = .text(result)
        return vector
    }
}
