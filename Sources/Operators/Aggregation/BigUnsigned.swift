/// A whole number of any size: what exact sums pass through on their way to decimal text. Little-endian words.
struct BigUnsigned {
    private(set) var words: [UInt64]

    init(words: [UInt64]) {
        self.words = words
        trim()
    }

    init(_ value: UInt128) { self.init(words: [UInt64(truncatingIfNeeded: value), UInt64(truncatingIfNeeded: value >> 64)]) }

    var isZero: Bool { words.isEmpty }
    var trailingZeroBitCount: Int {
        guard let first = words.firstIndex(where: { $0 != 0 }) else { return 0 }
        return first * 64 + words[first].trailingZeroBitCount
    }

    private mutating func trim() { while words.last == 0 { words.removeLast() } }

    mutating func multiply(by factor: UInt64) {
        var carry: UInt64 = 0
        for index in words.indices {
            let product = words[index].multipliedFullWidth(by: factor)
            let (low, overflow) = product.low.addingReportingOverflow(carry)
            words[index] = low
            carry = product.high + (overflow ? 1 : 0)
        }
        if carry > 0 { words.append(carry) }
    }

    /// Divides and returns the remainder.
    mutating func divide(by divisor: UInt64) -> UInt64 {
        var remainder: UInt64 = 0
        for index in words.indices.reversed() { (words[index], remainder) = divisor.dividingFullWidth((remainder, words[index])) }
        trim()
        return remainder
    }

    mutating func shiftLeft(by count: Int) {
        guard !isZero else { return }
        let bits = UInt64(count % 64)
        if bits > 0 {
            var carry: UInt64 = 0
            for index in words.indices {
                let word = words[index]
                words[index] = word << bits | carry
                carry = word >> (64 - bits)
            }
            if carry > 0 { words.append(carry) }
        }
        words.insert(contentsOf: repeatElement(0, count: count / 64), at: 0)
    }

    /// Gives up the lowest bits.
    mutating func shiftRight(by count: Int) {
        words.removeFirst(min(count / 64, words.count))
        let bits = UInt64(count % 64)
        guard bits > 0 else { return }
        for index in words.indices {
            let above = index + 1 < words.count ? words[index + 1] << (64 - bits) : 0
            words[index] = words[index] >> bits | above
        }
        trim()
    }

    /// Decimal digits without leading zeros; "0" for zero.
    func digits() -> [UInt8] {
        if isZero { return [UInt8(ascii: "0")] }
        var rest = self
        var digits: [UInt8] = []
        while !rest.isZero {
            var chunk = rest.divide(by: 10_000_000_000_000_000_000)
            for _ in 0..<19 {
                digits.append(UInt8(chunk % 10) + UInt8(ascii: "0"))
                chunk /= 10
            }
        }
        while digits.last == UInt8(ascii: "0") { digits.removeLast() }
        return digits.reversed()
    }

    /// The decimal text of ±self · 2^exponent, every digit of it, without trailing zeros after the point.
    func appendDecimal(isNegative: Bool, exponent: Int, to buffer: inout [UInt8]) {
        guard !isZero else { return buffer.append(UInt8(ascii: "0")) }
        var number = self
        let zeros = number.trailingZeroBitCount
        number.shiftRight(by: zeros)
        let power = exponent + zeros
        if isNegative { buffer.append(UInt8(ascii: "-")) }
        if power >= 0 {
            number.shiftLeft(by: power)
            buffer.append(contentsOf: number.digits())
            return
        }
        // n / 2^k = n · 5^k / 10^k, and an odd n · 5^k does not end in zero.
        var fives = -power
        while fives > 0 {
            let step = min(fives, 27)
            number.multiply(by: (0..<step).reduce(1 as UInt64) { power, _ in power * 5 })
            fives -= step
        }
        TextOutput.appendPoint(digits: number.digits(), scale: -power, to: &buffer)
    }
}
