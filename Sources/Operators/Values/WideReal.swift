/// A floating-point number with a mantissa of 256 bits (77 decimal digits): twice what the 38 digits of a numeric take, so that a root, a power
/// or a logarithm computed in it rounds to the numeric that the exact one rounds to.
///
/// value = ±(high · 2^128 + low) · 2^(exponent − 256), with the highest bit of `high` set, or zero. Products, sums and quotients of whole
/// numbers are exact where the result has at most 256 bits; else the last bits are cut off, or off by a few units.
struct WideReal {
    private(set) var isNegative = false
    private(set) var high: UInt128 = 0
    private(set) var low: UInt128 = 0
    private(set) var exponent = 0

    static let zero = WideReal()
    static let one = WideReal(UInt128(1))
    /// The natural logarithm of 2, cut off.
    static let logarithmOfTwo = WideReal(
        isNegative: false, 0xb172_17f7_d1cf_79ab_c9e3_b398_03f2_f6af, 0x40f3_4326_7298_b62d_8a0d_175b_8baa_fa2b, 0)

    var isZero: Bool { high == 0 }
    var magnitude: WideReal { WideReal(isNegative: false, high, low, exponent) }

    private init() {}

    private init(isNegative: Bool, _ high: UInt128, _ low: UInt128, _ exponent: Int) {
        guard high != 0 || low != 0 else { return }
        self.isNegative = isNegative
        (self.high, self.low, self.exponent) = high != 0 ? (high, low, exponent) : (low, 0, exponent - 128)
        let shift = self.high.leadingZeroBitCount
        guard shift > 0 else { return }
        self.high = self.high << shift | self.low >> (128 - shift)
        self.low <<= shift
        self.exponent -= shift
    }

    init(_ value: UInt128) { self.init(isNegative: false, value, 0, 128) }
    init(_ value: Int128) { self.init(isNegative: value < 0, value.magnitude, 0, 128) }

    /// Zero or a normal number, exactly.
    init(_ value: Double) {
        let mantissa = value == 0 ? 0 : UInt128(value.significandBitPattern | (1 << 52))
        self.init(isNegative: value < 0, mantissa, 0, 128 + (value == 0 ? 0 : Int(value.exponent) - 52))
    }

    /// Rounded to 53 bits, half up. The exponent is one of a Double.
    var double: Double {
        let value = Double(sign: isNegative ? .minus : .plus, exponent: exponent - 128, significand: Double(high))
        return isZero ? 0 : value
    }

    /// · 2^power
    func scaled(by power: Int) -> WideReal { WideReal(isNegative: isNegative, high, low, exponent + power) }

    static prefix func - (_ a: WideReal) -> WideReal { WideReal(isNegative: !a.isNegative, a.high, a.low, a.exponent) }

    static func + (_ a: WideReal, _ b: WideReal) -> WideReal {
        if a.isZero { return b }
        if b.isZero { return a }
        let (large, small) = a.isLarger(than: b) ? (a, b) : (b, a)
        let distance = large.exponent - small.exponent
        if distance >= 256 { return large }
        // The smaller one's bits at the places of the larger one's.
        let high: UInt128
        let low: UInt128
        if distance >= 128 {
            (high, low) = (0, small.high >> (distance - 128))
        } else if distance > 0 {
            (high, low) = (small.high >> distance, small.low >> distance | small.high << (128 - distance))
        } else {
            (high, low) = (small.high, small.low)
        }
        if large.isNegative == small.isNegative {
            let (sumLow, carry) = large.low.addingReportingOverflow(low)
            let (partial, overflow) = large.high.addingReportingOverflow(high)
            let (sumHigh, overflowOfCarry) = partial.addingReportingOverflow(carry ? 1 : 0)
            guard overflow || overflowOfCarry else { return WideReal(isNegative: large.isNegative, sumHigh, sumLow, large.exponent) }
            return WideReal(
                isNegative: large.isNegative, sumHigh >> 1 | 1 << 127, sumLow >> 1 | sumHigh << 127, large.exponent + 1)
        }
        let (differenceLow, borrow) = large.low.subtractingReportingOverflow(low)
        return WideReal(isNegative: large.isNegative, large.high - high - (borrow ? 1 : 0), differenceLow, large.exponent)
    }

    static func - (_ a: WideReal, _ b: WideReal) -> WideReal { a + -b }

    /// In magnitude; neither is zero.
    private func isLarger(than other: WideReal) -> Bool {
        if exponent != other.exponent { return exponent > other.exponent }
        return high != other.high ? high > other.high : low > other.low
    }

    static func * (_ a: WideReal, _ b: WideReal) -> WideReal {
        if a.isZero || b.isZero { return .zero }
        let isNegative = a.isNegative != b.isNegative
        let top = a.high.multipliedFullWidth(by: b.high)
        if a.low == 0, b.low == 0 { return WideReal(isNegative: isNegative, top.high, top.low, a.exponent + b.exponent) }
        let left = a.high.multipliedFullWidth(by: b.low)
        let right = a.low.multipliedFullWidth(by: b.high)
        let bottom = a.low.multipliedFullWidth(by: b.low)
        // Four columns of 128 bits, of which the lowest is let go.
        var (third, carry) = (left.low, 0 as UInt128)
        third.add(right.low, &carry)
        third.add(bottom.high, &carry)
        var (second, first) = (top.low, top.high)
        second.add(carry, &first)
        second.add(left.high, &first)
        second.add(right.high, &first)
        // Between 1/4 and 1: where the highest bit is clear, one bit moves up from the third column.
        if first >> 127 == 1 { return WideReal(isNegative: isNegative, first, second, a.exponent + b.exponent) }
        return WideReal(
            isNegative: isNegative, first << 1 | second >> 127, second << 1 | third >> 127, a.exponent + b.exponent - 1)
    }

    /// By Newton's iteration for 1 / b, which doubles the number of right bits each time.
    static func / (_ a: WideReal, _ b: WideReal) -> WideReal {
        precondition(!b.isZero, "a division by zero")
        var inverse = WideReal(1 / Double(sign: .plus, exponent: -128, significand: Double(b.high)))
        let divisor = WideReal(isNegative: false, b.high, b.low, 0)
        for _ in 0..<3 { inverse = inverse + inverse * (.one - divisor * inverse) }
        inverse.exponent -= b.exponent
        inverse.isNegative = b.isNegative
        return a * inverse
    }

    static func / (_ a: WideReal, _ b: UInt64) -> WideReal {
        let (first, restOfFirst) = b.dividingFullWidth((0, UInt64(truncatingIfNeeded: a.high >> 64)))
        let (second, restOfSecond) = b.dividingFullWidth((restOfFirst, UInt64(truncatingIfNeeded: a.high)))
        let (third, restOfThird) = b.dividingFullWidth((restOfSecond, UInt64(truncatingIfNeeded: a.low >> 64)))
        let (fourth, _) = b.dividingFullWidth((restOfThird, UInt64(truncatingIfNeeded: a.low)))
        return WideReal(
            isNegative: a.isNegative, UInt128(first) << 64 | UInt128(second), UInt128(third) << 64 | UInt128(fourth), a.exponent)
    }

    /// self^power, by repeated squaring. Each doubling of the power costs one bit.
    func raised(to power: UInt64) -> WideReal {
        var (result, square, rest) = (WideReal.one, self, power)
        while rest > 0 {
            if rest & 1 == 1 { result = result * square }
            rest >>= 1
            if rest > 0 { square = square * square }
        }
        return result
    }

    /// 10^power
    static func ten(to power: Int) -> WideReal {
        if power.magnitude < tens.count { return power < 0 ? tenths[-power] : tens[power] }
        let magnitude = WideReal(UInt128(10)).raised(to: UInt64(power.magnitude))
        return power < 0 ? .one / magnitude : magnitude
    }

    private static let tens = (0..<110).map { WideReal(UInt128(10)).raised(to: UInt64($0)) }
    private static let tenths = tens.map { .one / $0 }

    /// The nearest whole number, halves away from zero. What is within 2^-80 of a half counts as one, since a quotient that is one exactly comes out
    /// a few units of the last bit beside it. A number of more than 170 bits before the point stays as it is.
    var rounded: WideReal {
        guard exponent <= 170 else { return self }
        guard exponent >= -1, !isZero else { return .zero }
        let nudged = magnitude + Self.half + Self.tolerance
        // The bits behind the point, of both words.
        let behind = 256 - nudged.exponent
        let high = behind > 128 ? (nudged.high >> (behind - 128)) << (behind - 128) : nudged.high
        let low = behind >= 128 ? 0 : (nudged.low >> behind) << behind
        return nudged.exponent <= 0 ? .zero : WideReal(isNegative: isNegative, high, low, nudged.exponent)
    }

    private static let half = WideReal(UInt128(1)).scaled(by: -1)
    private static let tolerance = WideReal(UInt128(1)).scaled(by: -80)

    /// A whole number; nil where it needs more than 127 bits.
    var whole: Int128? {
        guard exponent <= 127 else { return nil }
        let magnitude = Int128(exponent <= 0 ? 0 : high >> (128 - exponent))
        return isNegative ? -magnitude : magnitude
    }
}

extension UInt128 {
    /// Adds, and counts an overflow.
    @inline(__always)
    fileprivate mutating func add(_ other: UInt128, _ carry: inout UInt128) {
        let (sum, overflow) = addingReportingOverflow(other)
        self = sum
        if overflow { carry += 1 }
    }
}
