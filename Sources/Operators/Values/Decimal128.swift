import Columns

/// Whole-number arithmetic on unscaled decimals. Every numeric of the system lies below 10^38 in magnitude, so that it fits Int128 and
/// a scaled value that overflows is larger than every value that does not.
enum Decimal128 {
    static let powers: [Int128] = {
        var powers: [Int128] = [1]
        for _ in 0..<38 { powers.append(powers[powers.count - 1] * 10) }
        return powers
    }()
    /// 10^38: what no numeric reaches.
    static let limit: Int128 = powers[38]

    static func power(_ exponent: Int) -> Int128 { powers[exponent] }

    /// value / 10^digits, half away from zero. `digits` from 0 to 38.
    @inline(__always)
    static func dropDigits(_ value: Int128, divisor: Int128) -> Int128 {
        let (quotient, remainder) = value.quotientAndRemainder(dividingBy: divisor)
        let magnitude = remainder.magnitude
        guard magnitude >= divisor.magnitude - magnitude, magnitude != 0 else { return quotient }
        return value < 0 ? quotient - 1 : quotient + 1
    }

    /// The value with its point moved from one scale to another, rounded where digits are lost. Nil where it needs more than 38 digits.
    static func rescale(_ value: Int128, from scale: Int, to target: Int) -> Int128? {
        if target == scale { return value }
        if target < scale { return scale - target > 38 ? 0 : dropDigits(value, divisor: powers[scale - target]) }
        if value == 0 { return 0 }
        guard target - scale <= 38 else { return nil }
        let (result, overflow) = value.multipliedReportingOverflow(by: powers[target - scale])
        return overflow || result.magnitude >= limit.magnitude ? nil : result
    }

    /// Decimal digits without leading zeros; 1 for zero.
    static func digitCount(_ value: UInt128) -> Int {
        // 1,233 / 4,096 is log10(2) up to 128 bits: the estimate is right, or one too small.
        let estimate = ((128 - value.leadingZeroBitCount) * 1_233) >> 12
        return max(1, estimate + (value >= powers[min(38, estimate)].magnitude ? 1 : 0))
    }

    /// value · 10^power in 256 bits, nil where it needs more. `power` is not negative.
    static func wideProduct(_ value: UInt128, powerOfTen power: Int) -> (high: UInt128, low: UInt128)? {
        var (high, low, rest) = (0 as UInt128, value, power)
        while rest > 0 {
            let step = min(38, rest)
            let factor = powers[step].magnitude
            let (lowHigh, lowLow) = low.multipliedFullWidth(by: factor)
            let (product, overflow) = high.multipliedReportingOverflow(by: factor)
            let (sum, carry) = product.addingReportingOverflow(lowHigh)
            if overflow || carry { return nil }
            (high, low) = (sum, lowLow)
            rest -= step
        }
        return (high, low)
    }

    /// PostgreSQL's order of two numerics of different scales.
    static func compare(_ a: Int128, scale scaleA: Int, _ b: Int128, scale scaleB: Int) -> Int {
        let scale = max(scaleA, scaleB)
        let left = rescale(a, from: scaleA, to: scale) ?? (a < 0 ? .min : .max)
        let right = rescale(b, from: scaleB, to: scale) ?? (b < 0 ? .min : .max)
        return left < right ? -1 : left > right ? 1 : 0
    }
}

extension ScalarType {
    /// Whether a numeric of this type is kept in 64 bits.
    var isNarrowNumeric: Bool {
        if case .numeric(let precision, _) = self { precision <= 18 } else { false }
    }

    var numericScale: Int {
        if case .numeric(_, let scale) = self { scale } else { 0 }
    }
}
