import Columns

/// sqrt, power, exp, ln and log of numerics: the exact result rounded half away from zero, at the scale that PostgreSQL gives it.
///
/// Source of the scales and of the errors: PostgreSQL 15, documentation ("Mathematical Functions and Operators") and its answers to random arguments, which
/// NumericFunctionOracleTests ask for. Every scale aims at 16 significant digits (NUMERIC_MIN_SIG_DIGITS), and is at least the arguments'.
///
/// Not promised: PostgreSQL's digit where the exact result lies within 10^-7 of the last digit's unit beside a half. It computes with about
/// eight digits more than it shows, and may round those to the other side. Powers of bases near 1 are the ones that come that near, and
/// are computed in its steps: see `power`.
enum NumericMath {
    static let significantDigits = 16
    /// log10(e), as PostgreSQL has it where it estimates how many digits a result has.
    static let decimalLogarithm = 0.434294481903252

    static func rounded(_ value: WideReal, scale: Int) throws(RowProblem) -> ScaledDecimal {
        guard scale <= ScalarType.maximumNumericPrecision else { throw ScaledDecimal.overflow }
        return try fitting(value * WideReal.ten(to: scale), scale: scale)
    }

    static func fitting(_ unscaled: WideReal, scale: Int) throws(RowProblem) -> ScaledDecimal {
        guard let unscaled = unscaled.rounded.whole else { throw ScaledDecimal.overflow }
        return try ScaledDecimal(unscaled, scale: scale)
    }

    /// The whole part of a quotient, by its exact digits.
    static func wholeQuotient(_ x: ScaledDecimal, _ y: ScaledDecimal) throws(RowProblem) -> ScaledDecimal {
        guard y.unscaled != 0 else { throw RowProblem("division by zero") }
        let scale = max(x.scale, y.scale)
        // Beyond 38 digits at one scale, y is larger than every x, or x larger than every result.
        guard let divisor = Decimal128.rescale(y.unscaled, from: y.scale, to: scale) else { return try ScaledDecimal(0, scale: 0) }
        let dividend = Decimal128.wideProduct(x.unscaled.magnitude, powerOfTen: scale - x.scale)
        guard let dividend, dividend.high < divisor.magnitude else { throw ScaledDecimal.overflow }
        let quotient = divisor.magnitude.dividingFullWidth(dividend).quotient
        guard let magnitude = Int128(exactly: quotient) else { throw ScaledDecimal.overflow }
        return try ScaledDecimal((x.unscaled < 0) != (divisor < 0) ? -magnitude : magnitude, scale: 0)
    }
}
