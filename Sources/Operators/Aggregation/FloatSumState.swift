import Columns

/// sum and avg of double precision, exact: whatever the order and the split of the rows, the same decimal text comes out.
///
/// A group's sum is mantissa · 2^exponent in 128 bits, which holds doubles whose exponents lie within about seventy of one another. A group
/// whose values spread wider goes over to a fixed-point number that covers all doubles. Not promised: the rounding of PostgreSQL's own
/// sum(double precision), which depends on the order of the rows.
final class FloatSumState: MeasureState {
    private let withCount: Bool
    private var mantissas: [Int128] = []
    private var exponents: [Int16] = []
    private var counts: [Int64] = []
    private var spread: [Int: FixedPointSum] = [:]

    /// No double's exponent: the group's values are in `spread`.
    private static let isSpread = Int16.max

    init(withCount: Bool) { self.withCount = withCount }

    func add(groups: [Int32], values: Vector?, groupCount: Int) {
        guard let values, case .float64(let numbers) = values.values else { preconditionFailure("a sum without doubles") }
        mantissas.grow(to: groupCount, 0)
        exponents.grow(to: groupCount, 0)
        counts.grow(to: groupCount, 0)
        countNotNull(groups, values.nulls, &counts)
        var wide: [Int] = []
        mantissas.withUnsafeMutableBufferPointer { mantissas in
            exponents.withUnsafeMutableBufferPointer { exponents in
                numbers.withUnsafeBufferPointer { numbers in
                    for row in 0..<numbers.count where values.nulls.isEmpty || values.nulls[row] == 0 {
                        let group = Int(groups[row])
                        let (mantissa, exponent) = parts(numbers[row])
                        if !Self.add(mantissa, exponent, &mantissas[group], &exponents[group]) { wide.append(row) }
                    }
                }
            }
        }
        for row in wide { addSpread(numbers[row], Int(groups[row])) }
    }

    /// False, with nothing changed, where 128 bits do not hold it.
    @inline(__always)
    private static func add(_ mantissa: Int64, _ exponent: Int, _ sum: inout Int128, _ sumExponent: inout Int16) -> Bool {
        if mantissa == 0 { return true }
        if sumExponent == isSpread { return false }
        if sum == 0 {
            sum = Int128(mantissa)
            sumExponent = Int16(exponent)
            return true
        }
        let shift = exponent - Int(sumExponent)
        if shift >= 0 {
            // A mantissa has 53 bits and a sign.
            guard shift <= 70 else { return false }
            let (result, overflow) = sum.addingReportingOverflow(Int128(mantissa) << Int128(shift))
            guard !overflow else { return false }
            sum = result
            return true
        }
        guard shift >= -127, sum.magnitude.leadingZeroBitCount > 1 - shift else { return false }
        let (result, overflow) = (sum << Int128(-shift)).addingReportingOverflow(Int128(mantissa))
        guard !overflow else { return false }
        sum = result
        sumExponent = Int16(exponent)
        return true
    }

    private func addSpread(_ value: Double, _ group: Int) {
        widen(group)
        let (mantissa, exponent) = parts(value)
        spread[group]?.add(Int128(mantissa), exponent: exponent)
    }

    /// Takes the group over into fixed point, where it is not there yet.
    private func widen(_ group: Int) {
        guard exponents[group] != Self.isSpread else { return }
        var sum = FixedPointSum()
        sum.add(mantissas[group], exponent: Int(exponents[group]))
        spread[group] = sum
        exponents[group] = Self.isSpread
    }

    func merge(_ newGroups: [Int32], groupCount: Int) {
        let (oldMantissas, oldExponents, oldSpread) = (mantissas, exponents, spread)
        mantissas = [Int128](repeating: 0, count: groupCount)
        exponents = [Int16](repeating: 0, count: groupCount)
        spread = [:]
        for group in oldMantissas.indices {
            let new = Int(newGroups[group])
            if let sum = oldSpread[group] {
                widen(new)
                spread[new]?.add(sum)
            } else if !Self.add(oldMantissas[group], oldExponents[group], &mantissas[new], &exponents[new]) {
                widen(new)
                spread[new]?.add(oldMantissas[group], exponent: Int(oldExponents[group]))
            }
        }
        counts.merge(newGroups, groupCount, 0) { $0 += $1 }
    }

    /// Adds one sum to another; false, with nothing changed, where 128 bits do not hold it or would have to be shifted.
    private static func add(_ mantissa: Int128, _ exponent: Int16, _ sum: inout Int128, _ sumExponent: inout Int16) -> Bool {
        if mantissa == 0 { return true }
        if sumExponent == isSpread { return false }
        if sum == 0 {
            (sum, sumExponent) = (mantissa, exponent)
            return true
        }
        // The one with the larger exponent is shifted to the other's.
        let (high, low) = exponent > sumExponent ? (mantissa, sum) : (sum, mantissa)
        let shift = Int(max(exponent, sumExponent)) - Int(min(exponent, sumExponent))
        guard shift < 127, high.magnitude.leadingZeroBitCount > shift + 1 else { return false }
        let (result, overflow) = (high << Int128(shift)).addingReportingOverflow(low)
        guard !overflow else { return false }
        (sum, sumExponent) = (result, min(exponent, sumExponent))
        return true
    }

    func columns(order: [Int32], hasSketch: [Bool]) -> [StateRows.Values] {
        sumColumns(counts, order, withCount: withCount) { group, buffer in
            if let sum = self.spread[group] { return sum.appendDecimal(to: &buffer) }
            let mantissa = self.mantissas[group]
            BigUnsigned(mantissa.magnitude).appendDecimal(isNegative: mantissa < 0, exponent: Int(self.exponents[group]), to: &buffer)
        }
    }

    var approximateBytes: Int {
        mantissas.capacity * 16 + exponents.capacity * 2 + counts.capacity * 8 + spread.count * FixedPointSum().approximateBytes
    }
}

/// value = mantissa · 2^exponent, for finite doubles.
@inline(__always)
func parts(_ value: Double) -> (mantissa: Int64, exponent: Int) {
    precondition(value.isFinite, "\(value) in a sum: decoder and expressions keep such out")
    let biased = Int(value.exponentBitPattern)
    let fraction = Int64(value.significandBitPattern)
    let mantissa = biased == 0 ? fraction : fraction | 1 << 52
    return (value.sign == .minus ? -mantissa : mantissa, max(biased, 1) - 1075)
}

/// A sum of binary fractions in fixed point: no rounding and no overflow.
struct FixedPointSum {
    /// The exponent of the lowest bit.
    private let lowestExponent: Int
    /// Base 2^32, least first. Limbs are signed and take carries only now and then.
    private var limbs: [Int64]
    private var additions = 0

    /// For sums of doubles: 2,098 bits reach from 2^-1074 to the largest double, and 64 more are for the number of rows.
    init() { self.init(lowestExponent: -1074, limbCount: 70) }

    /// For sums of squares of doubles: twice as many bits.
    static var ofSquares: FixedPointSum { FixedPointSum(lowestExponent: -2148, limbCount: 136) }

    private init(lowestExponent: Int, limbCount: Int) {
        self.lowestExponent = lowestExponent
        limbs = [Int64](repeating: 0, count: limbCount)
    }

    var approximateBytes: Int { limbs.count * 8 }

    mutating func add(_ mantissa: Int128, exponent: Int) {
        if mantissa == 0 { return }
        let offset = exponent - lowestExponent
        var limb = offset / 32
        // 128 bits shifted by up to 31 in pieces of 32.
        var rest = BigUnsigned(mantissa.magnitude)
        rest.shiftLeft(by: offset % 32)
        for word in rest.words {
            for piece in [word & 0xffff_ffff, word >> 32] {
                if piece != 0 { limbs[limb] += mantissa < 0 ? -Int64(piece) : Int64(piece) }
                limb += 1
            }
        }
        additions += 1
        // Each addition adds less than 2^32 to a limb.
        if additions == 1 << 30 { carry() }
    }

    /// Adds a sum of the same form.
    mutating func add(_ other: FixedPointSum) {
        precondition(
            other.lowestExponent == lowestExponent && other.limbs.count == limbs.count,
            "sums from 2^\(lowestExponent) and from 2^\(other.lowestExponent)")
        carry()
        var other = other
        other.carry()
        for index in limbs.indices { limbs[index] += other.limbs[index] }
        // Carried limbs are what two additions make at most.
        additions = 2
    }

    private mutating func carry() {
        var carry: Int64 = 0
        for index in limbs.indices.dropLast() {
            let sum = limbs[index] + carry
            limbs[index] = sum & 0xffff_ffff
            carry = sum >> 32
        }
        limbs[limbs.count - 1] += carry
        additions = 0
    }

    func appendDecimal(to buffer: inout [UInt8]) {
        var sum = self
        sum.carry()
        let isNegative = sum.limbs[limbs.count - 1] < 0
        if isNegative {
            sum.limbs = sum.limbs.map { -$0 }
            sum.carry()
        }
        var words: [UInt64] = []
        for index in stride(from: 0, to: limbs.count, by: 2) {
            words.append(UInt64(truncatingIfNeeded: sum.limbs[index]) | UInt64(truncatingIfNeeded: sum.limbs[index + 1]) << 32)
        }
        BigUnsigned(words: words).appendDecimal(isNegative: isNegative, exponent: lowestExponent, to: &buffer)
    }
}
