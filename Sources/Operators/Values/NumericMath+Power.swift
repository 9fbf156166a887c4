import Columns

#if canImport(Glibc)
    import Glibc
#endif

extension NumericMath {
    static func power(_ base: ScaledDecimal, _ exponent: ScaledDecimal) throws(RowProblem) -> ScaledDecimal {
        let whole = exponent.trimmed
        if base.unscaled == 0, exponent.unscaled < 0 { throw RowProblem("zero raised to a negative power is undefined") }
        if base.unscaled < 0, whole.scale > 0 {
            throw RowProblem("a negative number raised to a non-integer power yields a complex result")
        }
        if whole.scale == 0, let count = Int32(exactly: whole.unscaled) { return try power(base, count) }
        if base.unscaled == 0 { return try ScaledDecimal(0, scale: significantDigits) }
        let logarithm = WideReal.logarithm(base.unscaled.magnitude, scale: base.scale)
        let power = WideReal(exponent.unscaled) * .ten(to: -exponent.scale)
        let product = logarithm * power
        // e^88 has 39 digits, and e^-88 as many behind the point.
        guard product.double.magnitude < 100 else { throw ScaledDecimal.overflow }
        let weight = logarithmWeight(base.unscaled.magnitude, base.scale)
        let digits = estimatedDigits(logarithm, power, weight)
        let scale = max(significantDigits - digits, base.scale, exponent.scale)
        let isNegative = base.unscaled < 0 && whole.unscaled % 2 != 0
        let places = scale + digits - weight + 8
        let result = exponential(cut(cut(logarithm, places) * power, places), exact: product, scale: scale)
        return try rounded(isNegative ? -result : result, scale: scale)
    }

    /// The decimal digits that a power has before its point, by the logarithm of its base in about eight digits.
    private static func estimatedDigits(_ logarithm: WideReal, _ power: WideReal, _ weight: Int) -> Int {
        let places = max(0, 8 - weight)
        return Int(cut(cut(logarithm, places) * power, places).double * decimalLogarithm)
    }

    /// A power by a whole number: scale = max(16, the base's).
    private static func power(_ base: ScaledDecimal, _ exponent: Int32) throws(RowProblem) -> ScaledDecimal {
        let scale = max(significantDigits, base.scale)
        let count = UInt64(exponent.magnitude)
        if count == 0 { return try fitting(WideReal.ten(to: scale), scale: scale) }
        if base.unscaled == 0 { return try ScaledDecimal(0, scale: scale) }
        let weight = (log10(Double(base.unscaled.magnitude)) - Double(base.scale)) * Double(exponent)
        guard weight < Double(ScalarType.maximumNumericPrecision + 1) else { throw ScaledDecimal.overflow }
        guard weight > Double(-scale - 2) else { return try ScaledDecimal(0, scale: scale) }
        // Without zeros at its end, so that a result that is exact, or a half, has few digits and is found exactly.
        var (digits, places) = (base.unscaled.magnitude, base.scale)
        while digits % 10 == 0 {
            digits /= 10
            places -= 1
        }
        let product = WideReal(digits).raised(to: count)
        let point = WideReal.ten(to: scale - places * Int(exponent))
        let result = exponent < 0 ? point / product : product * point
        return try fitting(base.unscaled < 0 && exponent % 2 != 0 ? -result : result, scale: scale)
    }
}
