#if canImport(Glibc)
    import Glibc
#endif

extension NumericMath {
    /// scale = max(16 − d, the argument's), with d the digits before the point.
    static func exponential(_ x: ScaledDecimal) throws(RowProblem) -> ScaledDecimal {
        let argument = WideReal(x.unscaled) * .ten(to: -x.scale)
        let value = argument.double
        guard value.magnitude < 100 else { throw ScaledDecimal.overflow }
        let scale = max(significantDigits - Int(value * decimalLogarithm), x.scale)
        return try rounded(exponential(argument, exact: argument, scale: scale), scale: scale)
    }

    /// e^x to `scale` digits behind the point, not rounded yet. Near 1 it has PostgreSQL's digits, as `cut` says; else those of `exact`.
    static func exponential(_ x: WideReal, exact: WideReal, scale: Int) -> WideReal {
        guard x.double.magnitude <= 0.01 else { return exact.exponential }
        // Terms of eight digits more than are shown. 1.0000000000000004475 ^ 2.13 is 1.000000000000000953175 + 2.4e-31: nearer to a half than they reach.
        let unit = WideReal.ten(to: scale + 8)
        var (sum, index) = (WideReal.zero, 2 as UInt64)
        var term = (x * x * unit).rounded
        while true {
            term = (term / index).rounded
            guard !term.isZero else { return .one + x + sum * .ten(to: -scale - 8) }
            sum = sum + term
            term = (term * x).rounded
            index += 1
        }
    }

    /// Rounded to so many digits behind the point, where it has fewer of them than a WideReal.
    static func cut(_ value: WideReal, _ places: Int) -> WideReal {
        (value * .ten(to: places)).rounded * .ten(to: -places)
    }

    static func logarithm(_ x: ScaledDecimal) throws(RowProblem) -> ScaledDecimal {
        let result = try naturalLogarithm(x)
        return try rounded(result, scale: max(significantDigits - logarithmWeight(x.unscaled.magnitude, x.scale), x.scale))
    }

    static func logarithm(base: ScaledDecimal, _ x: ScaledDecimal) throws(RowProblem) -> ScaledDecimal {
        let divisor = try naturalLogarithm(base)
        let dividend = try naturalLogarithm(x)
        guard !divisor.isZero else { throw RowProblem("division by zero") }
        let weight = logarithmWeight(x.unscaled.magnitude, x.scale) - logarithmWeight(base.unscaled.magnitude, base.scale)
        return try rounded(dividend / divisor, scale: max(significantDigits - weight, base.scale, x.scale))
    }

    private static func naturalLogarithm(_ x: ScaledDecimal) throws(RowProblem) -> WideReal {
        guard x.unscaled != 0 else { throw RowProblem("cannot take logarithm of zero") }
        guard x.unscaled > 0 else { throw RowProblem("cannot take logarithm of a negative number") }
        return .logarithm(x.unscaled.magnitude, scale: x.scale)
    }

    /// About where the first digit of ln x stands. Near 1 (0.9 to 1.1) that of x − 1; else by the first digits of x in base 10,000, towards zero.
    static func logarithmWeight(_ unscaled: UInt128, _ scale: Int) -> Int {
        let unit = Decimal128.power(scale).magnitude
        let distance = unscaled > unit ? unscaled - unit : unit - unscaled
        if distance == 0 { return 0 }
        if distance <= unit / 10 { return Decimal128.digitCount(distance) - 1 - scale }
        let (weight, first, second) = NumericDivision.leadingPair(unscaled, scale)
        let logarithm = log(Double(first) * 10_000 + Double(second)) + Double(4 * weight - 4) * 2.302585092994046
        return Int(log10(logarithm.magnitude))
    }
}
