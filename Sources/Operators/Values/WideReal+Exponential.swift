#if canImport(Glibc)
    import Glibc
#endif

// exp and ln to about 190 bits (38 digits are 127), by their series (Abramowitz and Stegun, "Handbook of Mathematical Functions", 4.2.1 and 4.1.27) over
// arguments that are brought near zero first.

extension WideReal {
    /// Bits behind which terms of a series do not matter.
    private static let precision = 208

    /// e^self, for |self| below 2^20.
    var exponential: WideReal {
        if isZero { return .one }
        // self = k · ln 2 + rest, and e^rest = (e^(rest / 2^16))^(2^16).
        let halvings = 16
        let power = (double * 1.4426950408889634).rounded()
        let rest = (self - WideReal(power) * .logarithmOfTwo).scaled(by: -halvings)
        var (sum, term, index) = (WideReal.one, WideReal.one, 1 as UInt64)
        repeat {
            term = term * rest / index
            sum = sum + term
            index += 1
        } while !term.isZero && term.exponent > -Self.precision
        for _ in 0..<halvings { sum = sum * sum }
        return sum.scaled(by: Int(power))
    }

    /// ln of unscaled · 10^-scale, to 190 bits of its own, also where it is near zero. `unscaled` from 1 to 10^38, `scale` from 0 to 38.
    static func logarithm(_ unscaled: UInt128, scale: Int) -> WideReal {
        let unit = Decimal128.power(scale).magnitude
        let difference = WideReal(Int128(unscaled) - Int128(unit))
        // x − 1, exact, where the logarithm has few bits before those of x − 1.
        if difference.isZero { return .zero }
        if difference.exponent < WideReal(unit).exponent - 8 { return logarithm(ofRatio: difference, WideReal(unscaled + unit)) }
        // x · e^-y is nearly 1 for a y that is nearly the logarithm.
        let estimate = WideReal(log(Double(unscaled)) - Double(scale) * 2.302585092994046)
        let ratio = WideReal(unscaled) * .ten(to: -scale) * (-estimate).exponential
        return estimate + logarithm(ofRatio: ratio - .one, ratio + .one)
    }

    /// ln((1 + t) / (1 − t)) = 2 (t + t³/3 + t⁵/5 + …) for t = a / b below 2^-8.
    private static func logarithm(ofRatio a: WideReal, _ b: WideReal) -> WideReal {
        if a.isZero { return .zero }
        let t = a / b
        let square = t * t
        var (sum, power, index) = (t, t, 3 as UInt64)
        while true {
            power = power * square
            let term = power / index
            guard !term.isZero, term.exponent > sum.exponent - precision else { return sum.scaled(by: 1) }
            sum = sum + term
            index += 2
        }
    }
}
