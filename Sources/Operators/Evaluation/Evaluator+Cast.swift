import Columns
import ParallaxCore
import ViewLanguage

// Source of the rules: PostgreSQL 15's pg_cast and the functions that it names; other pairs go by way of text, as CoerceViaIO does.

extension Evaluator {
    mutating func cast(_ operand: Vector, to type: ScalarType, _ rows: [Int32]) -> Vector {
        if operand.type == type { return operand }
        let nulls = operand.nulls
        let isConstant = operand.isConstant
        if operand.type.isWholeNumber, type.isWholeNumber { return narrow(operand, to: type, rows) }
        if type.isCharacters { return toCharacters(operand, type) }
        switch (operand.type, type, operand.values) {
        case (.int2, .float4, .int64(let values)), (.int4, .float4, .int64(let values)), (.int8, .float4, .int64(let values)):
            return Vector(type: type, values: .float64(values.map { Double(Float($0)) }), nulls: nulls, isConstant: isConstant)
        case (.int2, .float8, .int64(let values)), (.int4, .float8, .int64(let values)), (.int8, .float8, .int64(let values)):
            return Vector(type: type, values: .float64(values.map { Double($0) }), nulls: nulls, isConstant: isConstant)
        case (.int4, .bool, .int64(let values)):
            return Vector(type: type, values: .bool(values.map { $0 == 0 ? 0 : 1 }), nulls: nulls, isConstant: isConstant)
        case (.bool, .int4, .bool(let values)):
            return Vector(type: type, values: .int64(values.map { Int64($0) }), nulls: nulls, isConstant: isConstant)
        case (.int2, .numeric(let precision, let scale), _), (.int4, .numeric(let precision, let scale), _),
            (.int8, .numeric(let precision, let scale), _), (.numeric, .numeric(let precision, let scale), _):
            return toNumeric(operand, precision, scale, rows)
        case (.jsonb, _, .text(let texts)): return fromJSON(operand, texts, to: type, rows)
        case (_, .decimal, _): return toDecimal(operand, rows)
        case (.decimal, _, .text(let texts)): return fromDecimal(operand, texts, to: type, rows)
        case (.float4, .numeric(let precision, let scale), .float64(let values)):
            return fromText(
                rendered(values, isConstant) { TextOutput.appendRounded(real: $0, to: &$1) }, nulls, isConstant, to: type, rows,
                message: numericFieldOverflow(precision: precision, scale: scale))
        case (.float8, .numeric(let precision, let scale), .float64(let values)):
            return fromText(
                rendered(values, isConstant) { TextOutput.appendRounded($0, to: &$1) }, nulls, isConstant, to: type, rows,
                message: numericFieldOverflow(precision: precision, scale: scale))
        case (.numeric, .int2, _), (.numeric, .int4, _), (.numeric, .int8, _):
            let scale = operand.type.numericScale
            let (range, problem) = type.wholeNumbers
            let elements = mapEach(wide(operand)) { value -> (Int64, ElementProblem) in
                let rounded = scale == 0 ? value : Decimal128.dropDigits(value, divisor: Decimal128.power(scale))
                guard rounded >= Int128(range.lowerBound), rounded <= Int128(range.upperBound) else { return (0, problem) }
                return (Int64(rounded), .none)
            }
            return finish(elements, type, nulls: nulls, isConstant: isConstant, rows) { .int64($0) }
        case (.numeric(_, let scale), .float8, _):
            return Vector(
                type: type, values: .float64(wide(operand).map { doubleOf($0, scale: scale) }), nulls: nulls, isConstant: isConstant)
        case (.numeric, .float4, _): return fromText(toText(operand), nulls, isConstant, to: type, rows, message: nil)
        case (.float4, .float8, _):
            var result = operand
            result.type = type
            return result
        case (.float8, .float4, .float64(let values)):
            let elements = mapEach(values) { value -> (Double, ElementProblem) in
                let narrow = Float(value)
                if narrow.isInfinite, value.isFinite { return (0, .floatOverflow) }
                return (Double(narrow), narrow == 0 && value != 0 ? .floatUnderflow : .none)
            }
            return finish(elements, type, nulls: nulls, isConstant: isConstant, rows) { .float64($0) }
        case (.float4, _, .float64(let values)) where type.isWholeNumber, (.float8, _, .float64(let values)) where type.isWholeNumber:
            let (range, problem) = type.wholeNumbers
            let elements = mapEach(values) { value -> (Int64, ElementProblem) in
                guard let whole = Int64(exactly: value.rounded(.toNearestOrEven)), range.contains(whole) else { return (0, problem) }
                return (whole, .none)
            }
            return finish(elements, type, nulls: nulls, isConstant: isConstant, rows) { .int64($0) }
        case (.timestamp, .time, .int64(let values)), (.timestamptz, .time, .int64(let values)):
            let clocks = values.map { floorDivide($0, CalendarInterval.microsecondsPerDay).remainder }
            return Vector(type: type, values: .int64(clocks), nulls: nulls, isConstant: isConstant)
        case (.time, .interval, .int64(let values)):
            let spans = values.map { CalendarInterval(microseconds: $0).bits }
            return Vector(type: type, values: .bits128(spans), nulls: nulls, isConstant: isConstant)
        case (.interval, .time, .bits128(let values)):
            let clocks = values.map { floorDivide(CalendarInterval(bits: $0).microseconds, CalendarInterval.microsecondsPerDay).remainder }
            return Vector(type: type, values: .int64(clocks), nulls: nulls, isConstant: isConstant)
        case (.date, .timestamp, .int64(let values)), (.date, .timestamptz, .int64(let values)):
            let elements = mapEach(values) { day -> (Int64, ElementProblem) in
                let (value, overflow) = day.multipliedReportingOverflow(by: CalendarInterval.microsecondsPerDay)
                return overflow ? (0, .dateOutOfRange) : (value, .none)
            }
            return finish(elements, type, nulls: nulls, isConstant: isConstant, rows) { .int64($0) }
        case (.timestamp, .timestamptz, _), (.timestamptz, .timestamp, _):
            var result = operand
            result.type = type
            return result
        case (.timestamp, .date, .int64(let values)), (.timestamptz, .date, .int64(let values)):
            let days = values.map { floorDivide($0, CalendarInterval.microsecondsPerDay).quotient }
            return Vector(type: type, values: .int64(days), nulls: nulls, isConstant: isConstant)
        // What a lookup reads: PostgreSQL wrote it, which has more kinds of arrays than we take.
        case (.text, .array, .text(let texts)): return toArray(operand, texts, type, rows)
        // From one array to another: the compiler takes it only where no element changes.
        case (.array, .array, .text):
            var result = operand
            result.type = type
            return result
        case (.text, .jsonb, .text), (.varchar, .jsonb, .text), (.char, .jsonb, .text): return toJSON(operand, rows)
        case (.text, _, .text(let values)), (.varchar, _, .text(let values)), (.char, _, .text(let values)):
            return fromText(values, nulls, isConstant, to: type, rows, message: nil)
        default: preconditionFailure("no cast from \(operand.type) to \(type)")
        }
    }

    /// Checks that the texts are arrays of one dimension whose elements count from 1.
    private mutating func toArray(_ operand: Vector, _ texts: TextValues, _ type: ScalarType, _ rows: [Int32]) -> Vector {
        var result = operand
        result.type = type
        texts.bytes.withUnsafeBytes { bytes in
            for position in texts.starts.indices where !operand.isNull(position) {
                let text = UnsafeRawBufferPointer(rebasing: bytes[texts.starts[position]..<texts.ends[position]])
                guard ArrayText.elements(text) == nil else { continue }
                let message = "only arrays of one dimension that count from 1 are taken"
                if operand.isConstant { for row in rows { errors.add(row, message) } } else { errors.add(rows[position], message) }
                if result.nulls.isEmpty { result.nulls = [UInt8](repeating: 0, count: texts.starts.count) }
                result.nulls[position] = 1
            }
        }
        return result
    }

    private mutating func toNumeric(_ operand: Vector, _ precision: Int, _ scale: Int, _ rows: [Int32]) -> Vector {
        let type = ScalarType.numeric(precision: precision, scale: scale)
        let from = operand.type.numericScale
        // A wider type of the same scale takes every value as it is.
        if case .numeric(let old, scale) = operand.type, old <= precision, case .int64 = operand.values, precision <= 18 {
            var result = operand
            result.type = type
            return result
        }
        let limit = Decimal128.power(precision)
        let elements = mapEach(wide(operand)) { value -> (Int128, ElementProblem) in
            guard let scaled = Decimal128.rescale(value, from: from, to: scale), scaled < limit, scaled > -limit else {
                return (0, .numericOverflow)
            }
            return (scaled, .none)
        }
        return finish(
            elements, type, nulls: operand.nulls, isConstant: operand.isConstant, rows,
            message: { _ in numericFieldOverflow(precision: precision, scale: scale) }
        ) { narrowed($0, type) }
    }

    /// Correctly rounded, as PostgreSQL's way by text is.
    private func doubleOf(_ unscaled: Int128, scale: Int) -> Double {
        if scale <= 22, unscaled.magnitude < 1 << 53 { return Double(Int64(unscaled)) / exactPowers[scale] }
        var text: [UInt8] = []
        TextOutput.append(unscaled, scale: scale, to: &text)
        guard case .success(let bits) = text.withUnsafeBytes({ TextInput.read($0, as: .float8) }) else {
            preconditionFailure("\(unscaled) at scale \(scale) is no double")
        }
        return Double(bitPattern: UInt64(truncatingIfNeeded: bits))
    }

    func rendered<T>(_ values: [T], _ isConstant: Bool, _ append: (T, inout [UInt8]) -> Void) -> TextValues {
        var result = TextValues(bytes: [], starts: [], ends: [])
        for value in values {
            result.starts.append(result.bytes.count)
            append(value, &result.bytes)
            result.ends.append(result.bytes.count)
        }
        return result
    }

    func toText(_ operand: Vector) -> TextValues {
        let isConstant = operand.isConstant
        switch operand.values {
        case .int64(let values):
            switch operand.type {
            case .timestamptz: return rendered(values, isConstant) { TextOutput.append(timestamptz: $0, to: &$1) }
            case .timestamp: return rendered(values, isConstant) { TextOutput.append(timestamp: $0, to: &$1) }
            case .date: return rendered(values, isConstant) { TextOutput.append(date: $0, to: &$1) }
            case .time: return rendered(values, isConstant) { TextOutput.append(time: $0, to: &$1) }
            case .numeric(_, let scale): return rendered(values, isConstant) { TextOutput.append(Int128($0), scale: scale, to: &$1) }
            default: return rendered(values, isConstant) { TextOutput.append($0, to: &$1) }
            }
        case .int128(let values):
            let scale = operand.type.numericScale
            return rendered(values, isConstant) { TextOutput.append($0, scale: scale, to: &$1) }
        case .float64(let values) where operand.type == .float4:
            return rendered(values, isConstant) { TextOutput.append(real: $0, to: &$1) }
        case .float64(let values): return rendered(values, isConstant) { TextOutput.append($0, to: &$1) }
        case .bool(let values): return rendered(values, isConstant) { $1 += ($0 == 0 ? "false" : "true").utf8 }
        case .bits128(let values) where operand.type == .interval:
            return rendered(values, isConstant) { TextOutput.append(interval: CalendarInterval(bits: $0), to: &$1) }
        case .bits128(let values): return rendered(values, isConstant) { TextOutput.append(uuid: $0, to: &$1) }
        case .text(let values): return values
        }
    }

    /// By the input function of the type; `message` replaces its own where given.
    mutating func fromText(
        _ texts: TextValues, _ nulls: [UInt8], _ isConstant: Bool, to type: ScalarType, _ rows: [Int32], message: String?
    ) -> Vector {
        var result = Vector(type: type, values: .init(zerosFor: type, count: 0), nulls: nulls, isConstant: isConstant)
        var bits: [UInt128] = []
        bits.reserveCapacity(texts.starts.count)
        for position in texts.starts.indices {
            if result.isNull(position) {
                bits.append(0)
                continue
            }
            let read = texts.bytes.withUnsafeBytes { bytes -> Result<UInt128, TextInputError> in
                let text = UnsafeRawBufferPointer(rebasing: bytes[texts.starts[position]..<texts.ends[position]])
                return type == .bool ? TextInput.readBool(text).map { $0 ? 1 : 0 } : TextInput.read(text, as: type)
            }
            switch read {
            case .success(let value): bits.append(value)
            case .failure(let failure):
                bits.append(0)
                let words = message ?? failure.message
                if isConstant { for row in rows { errors.add(row, words) } } else { errors.add(rows[position], words) }
                if result.nulls.isEmpty { result.nulls = [UInt8](repeating: 0, count: texts.starts.count) }
                result.nulls[position] = 1
            }
        }
        result.values = Vector.Values(bits: bits, type)
        return result
    }
}

private let exactPowers: [Double] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
]

extension Vector.Values {
    /// From what `TextInput.read` gives.
    init(bits: [UInt128], _ type: ScalarType) {
        switch type.layout {
        case .int64: self = .int64(bits.map { Int64(truncatingIfNeeded: $0) })
        case .int128: self = .int128(bits.map { Int128(truncatingIfNeeded: $0) })
        case .float64: self = .float64(bits.map { Double(bitPattern: UInt64(truncatingIfNeeded: $0)) })
        case .bool: self = .bool(bits.map { UInt8(truncatingIfNeeded: $0) })
        case .bits128: self = .bits128(bits)
        case .text: preconditionFailure("text is no number")
        }
    }
}
