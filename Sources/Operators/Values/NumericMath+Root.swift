import Columns

extension NumericMath {
    /// scale = max(17 − 2 · (w + 1), the argument's), with w the weight of the first digit in base 10,000.
    static func squareRoot(_ x: ScaledDecimal) throws(RowProblem) -> ScaledDecimal {
        guard x.unscaled >= 0 else { throw RowProblem("cannot take square root of a negative number") }
        let weight = NumericDivision.leading(x.unscaled.magnitude, x.scale).weight
        let scale = max(significantDigits + 1 - 2 * (weight + 1), x.scale)
        guard scale <= ScalarType.maximumNumericPrecision else { throw ScaledDecimal.overflow }
        // √(u / 10^s) at r digits is √(u · 10^(2r − s)), of a whole number of at most 253 bits.
        guard let square = Decimal128.wideProduct(x.unscaled.magnitude, powerOfTen: 2 * scale - x.scale) else {
            throw ScaledDecimal.overflow
        }
        return try ScaledDecimal(Int128(nearestRoot(square.high, square.low)), scale: scale)
    }

    /// The root of a whole number below 2^253, rounded. It is never a half: (n + ½)² is no whole number.
    private static func nearestRoot(_ high: UInt128, _ low: UInt128) -> UInt128 {
        guard high != 0 || low != 0 else { return 0 }
        // From above, Newton's iteration falls until it is there.
        let estimate = (Double(high) * 0x1p128 + Double(low)).squareRoot() * (1 + 0x1p-50)
        var root = UInt128(estimate) + 1
        while true {
            let next = (root + root.dividingFullWidth((high, low)).quotient) / 2
            if next >= root { break }
            root = next
        }
        let square = root.multipliedFullWidth(by: root)
        let rest = low &- square.low
        // At most 2 · root remain, fewer than 128 bits.
        return rest > root ? root + 1 : root
    }
}
