import Columns
import ViewLanguage

/// A numeric with a scale of its own: unscaled · 10^-scale, of at most 38 digits, those behind the point included.
struct ScaledDecimal {
    var unscaled: Int128
    var scale: Int

    static let overflow = RowProblem("numeric field overflow: the result needs more than 38 digits")

    /// The text is one that PostgreSQL would write: a sign, digits, a point with digits.
    init(_ text: UnsafeRawBufferPointer) {
        var value: Int128 = 0
        var fraction = 0
        var hasPoint = false
        var isNegative = false
        for byte in text {
            switch byte {
            case UInt8(ascii: "-"): isNegative = true
            case UInt8(ascii: "."): hasPoint = true
            default:
                value = value * 10 + Int128(byte &- UInt8(ascii: "0"))
                if hasPoint { fraction += 1 }
            }
        }
        unscaled = isNegative ? -value : value
        scale = fraction
    }

    /// A value of a numeric column, which fits.
    init(numeric unscaled: Int128, scale: Int) {
        self.unscaled = unscaled
        self.scale = scale
    }

    /// The scale is not negative.
    init(_ unscaled: Int128, scale: Int) throws(RowProblem) {
        guard unscaled.magnitude < Decimal128.limit.magnitude, scale <= ScalarType.maximumNumericPrecision else { throw Self.overflow }
        self.unscaled = unscaled
        self.scale = scale
    }

    func append(to buffer: inout [UInt8]) { TextOutput.append(unscaled, scale: scale, to: &buffer) }

    /// At most so many zeros behind the point as are needed: equal numbers have equal forms.
    var trimmed: ScaledDecimal {
        var result = self
        while result.scale > 0, result.unscaled % 10 == 0 {
            result.unscaled /= 10
            result.scale -= 1
        }
        return result
    }

    func rescaled(to target: Int) throws(RowProblem) -> ScaledDecimal {
        guard target <= 38, let value = Decimal128.rescale(unscaled, from: scale, to: target) else { throw Self.overflow }
        return try ScaledDecimal(value, scale: target)
    }

    static func compare(_ a: ScaledDecimal, _ b: ScaledDecimal) -> Int {
        Decimal128.compare(a.unscaled, scale: a.scale, b.unscaled, scale: b.scale)
    }

    /// PostgreSQL's scales: of a sum the larger one, of a product the sum, of a quotient what `NumericDivision` says.
    static func computing(_ operation: Expression.Arithmetic, _ a: ScaledDecimal, _ b: ScaledDecimal) throws(RowProblem) -> ScaledDecimal {
        switch operation {
        case .multiply:
            let (product, isTooLarge) = a.unscaled.multipliedReportingOverflow(by: b.unscaled)
            guard !isTooLarge else { throw overflow }
            return try ScaledDecimal(product, scale: a.scale + b.scale)
        case .divide:
            guard b.unscaled != 0 else { throw RowProblem("division by zero") }
            let scale =
                a.unscaled == 0
                ? NumericDivision.scale(0, a.scale, b.unscaled.magnitude, b.scale)
                : NumericDivision.scale(a.unscaled.magnitude, a.scale, b.unscaled.magnitude, b.scale)
            guard scale <= 38, let quotient = NumericDivision.quotient(a.unscaled, a.scale, b.unscaled, b.scale, target: scale) else {
                throw overflow
            }
            return try ScaledDecimal(quotient, scale: scale)
        case .add, .subtract, .modulo:
            let scale = max(a.scale, b.scale)
            let (x, y) = (try a.rescaled(to: scale).unscaled, try b.rescaled(to: scale).unscaled)
            if operation == .modulo {
                guard y != 0 else { throw RowProblem("division by zero") }
                return try ScaledDecimal(x % y, scale: scale)
            }
            // Twice 10^38 is more than 128 bits hold.
            let (sum, isTooLarge) = operation == .add ? x.addingReportingOverflow(y) : x.subtractingReportingOverflow(y)
            guard !isTooLarge else { throw overflow }
            return try ScaledDecimal(sum, scale: scale)
        }
    }
}

extension ScaledDecimal {
    /// round(x, n) and trunc(x, n).
    func cut(to digits: Int, rounds: Bool) throws(RowProblem) -> ScaledDecimal {
        if digits >= scale { return try rescaled(to: digits) }
        let dropped = scale - digits
        guard dropped <= 38 else { return try ScaledDecimal(0, scale: 0) }
        let divisor = Decimal128.power(dropped)
        let kept = rounds ? Decimal128.dropDigits(unscaled, divisor: divisor) : unscaled / divisor
        guard digits < 0 else { return try ScaledDecimal(kept, scale: digits) }
        let (result, isTooLarge) = kept.multipliedReportingOverflow(by: Decimal128.power(min(38, -digits)))
        guard !isTooLarge else { throw Self.overflow }
        return try ScaledDecimal(result, scale: 0)
    }
}
