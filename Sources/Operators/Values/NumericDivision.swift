import Columns

/// Division of numerics as PostgreSQL does it: the exact quotient, rounded half away from zero at a scale that depends on the two values.
///
/// scale(a / b) = max(16 − 4·q, scale of a, scale of b, 0), with q the estimated weight of the quotient: both numbers are seen
/// as digits in base 10,000, q = weight(a) − weight(b), one less where a's first digit is not greater than b's.
/// Source: PostgreSQL 15, src/backend/utils/adt/numeric.c, select_div_scale (NUMERIC_MIN_SIG_DIGITS 16, DEC_DIGITS 4).
enum NumericDivision {
    /// Unscaled quotient at the scale `target`, which is at least the scale that the values ask for. Nil where it needs more than 38 digits.
    static func quotient(_ a: Int128, _ scaleA: Int, _ b: Int128, _ scaleB: Int, target: Int) -> Int128? {
        guard a != 0 else { return 0 }
        let scale = self.scale(a.magnitude, scaleA, b.magnitude, scaleB)
        guard scale <= target else { return nil }
        // a/10^scaleA / (b/10^scaleB) at `scale` digits: a · 10^(scale + scaleB − scaleA) / b.
        let shift = scale + scaleB - scaleA
        guard let magnitude = divide(a.magnitude, shift, b.magnitude), magnitude < Decimal128.limit.magnitude else { return nil }
        let rounded = Int128(magnitude)
        return Decimal128.rescale((a < 0) != (b < 0) ? -rounded : rounded, from: scale, to: target)
    }

    static func scale(_ a: UInt128, _ scaleA: Int, _ b: UInt128, _ scaleB: Int) -> Int {
        let (weightA, firstA) = leading(a, scaleA)
        let (weightB, firstB) = leading(b, scaleB)
        let weight = weightA - weightB - (firstA <= firstB ? 1 : 0)
        return max(16 - 4 * weight, scaleA, scaleB, 0)
    }

    /// The exponent and the value of the first digit in base 10,000; digits are aligned to the decimal point.
    static func leading(_ value: UInt128, _ scale: Int) -> (weight: Int, digit: UInt128) {
        guard value != 0 else { return (0, 0) }
        // The first decimal digit stands at 10^exponent.
        let exponent = Decimal128.digitCount(value) - 1 - scale
        let weight = (exponent >= 0 ? exponent : exponent - 3) / 4
        // value · 10^-scale / 10^(4·weight), whole part.
        return (weight, moved(value, by: scale + 4 * weight))
    }

    /// The digit behind the first one, too.
    static func leadingPair(_ value: UInt128, _ scale: Int) -> (weight: Int, first: UInt128, second: UInt128) {
        let (weight, first) = leading(value, scale)
        return (weight, first, moved(value, by: scale + 4 * weight - 4) - first * 10_000)
    }

    private static func moved(_ value: UInt128, by shift: Int) -> UInt128 {
        shift >= 0 ? value / Decimal128.powers[min(38, shift)].magnitude : value * Decimal128.powers[-shift].magnitude
    }

    /// value · 10^shift / divisor, rounded half up; nil where it needs more than 128 bits. The product has 256 bits.
    private static func divide(_ value: UInt128, _ shift: Int, _ divisor: UInt128) -> UInt128? {
        var divisor = divisor
        var (high, low) = (0 as UInt128, value)
        if shift < 0 {
            // Scales are at most 38 apart.
            let (wider, overflow) = divisor.multipliedReportingOverflow(by: Decimal128.powers[min(38, -shift)].magnitude)
            // A divisor of more than 128 bits is more than twice the value, which has fewer than 127.
            if overflow { return 0 }
            divisor = wider
        } else {
            guard let product = Decimal128.wideProduct(value, powerOfTen: shift) else { return nil }
            (high, low) = product
        }
        guard high < divisor else { return nil }
        let (quotient, remainder) = divisor.dividingFullWidth((high, low))
        return remainder >= divisor - remainder ? quotient + 1 : quotient
    }
}
