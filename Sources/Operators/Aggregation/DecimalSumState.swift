import Columns

/// sum, avg and sums of squares of numerics whose values have scales of their own. Exact: a sum is kept at the largest scale that a value can
/// have, in a whole number of as many bits as 2^64 values may need, and shown at the largest scale that was met, as PostgreSQL's is.
final class DecimalSumState: MeasureState {
    private let withCount: Bool
    private let squares: Bool
    private let scale: Int
    /// 38 digits before and 38 behind the point are 253 bits, their squares 505; 2^64 rows are 64 more.
    private let wordsPerGroup: Int
    /// Two's complement, least first, group after group.
    private var words: [UInt64] = []
    private var scales: [UInt8] = []
    private var counts: [Int64] = []

    init(withCount: Bool, squares: Bool) {
        self.withCount = withCount
        self.squares = squares
        scale = squares ? 76 : 38
        wordsPerGroup = squares ? 10 : 6
    }

    func add(groups: [Int32], values: Vector?, groupCount: Int) {
        guard let values, case .text(let texts) = values.values else { preconditionFailure("a sum without decimals") }
        words.grow(to: groupCount * wordsPerGroup, 0)
        scales.grow(to: groupCount, 0)
        counts.grow(to: groupCount, 0)
        countNotNull(groups, values.nulls, &counts)
        texts.bytes.withUnsafeBytes { bytes in
            for row in groups.indices where !values.isNull(row) {
                let value = ScaledDecimal(UnsafeRawBufferPointer(rebasing: bytes[texts.starts[row]..<texts.ends[row]]))
                add(value, to: Int(groups[row]))
            }
        }
    }

    private func add(_ value: ScaledDecimal, to group: Int) {
        scales[group] = max(scales[group], UInt8(squares ? value.scale * 2 : value.scale))
        var number = BigUnsigned(value.unscaled.magnitude)
        let isNegative = !squares && value.unscaled < 0
        if squares {
            let square = value.unscaled.magnitude.multipliedFullWidth(by: value.unscaled.magnitude)
            number = BigUnsigned(words: [
                UInt64(truncatingIfNeeded: square.low), UInt64(truncatingIfNeeded: square.low >> 64),
                UInt64(truncatingIfNeeded: square.high),
                UInt64(truncatingIfNeeded: square.high >> 64),
            ])
        }
        var missing = scale - (squares ? value.scale * 2 : value.scale)
        while missing > 0 {
            let step = min(19, missing)
            number.multiply(by: (0..<step).reduce(1 as UInt64) { power, _ in power * 10 })
            missing -= step
        }
        add(number.words, isNegative: isNegative, to: group)
    }

    func merge(_ newGroups: [Int32], groupCount: Int) {
        let old = words
        words = [UInt64](repeating: 0, count: groupCount * wordsPerGroup)
        for (group, start) in stride(from: 0, to: old.count, by: wordsPerGroup).enumerated() {
            // Two's complement adds as it is.
            add(Array(old[start..<(start + wordsPerGroup)]), isNegative: false, to: Int(newGroups[group]))
        }
        scales.merge(newGroups, groupCount, 0) { $0 = max($0, $1) }
        counts.merge(newGroups, groupCount, 0) { $0 += $1 }
    }

    private func add(_ number: [UInt64], isNegative: Bool, to group: Int) {
        var carry: UInt64 = isNegative ? 1 : 0
        let start = group * wordsPerGroup
        for index in 0..<wordsPerGroup {
            let word = index < number.count ? number[index] : 0
            let (partial, overflow) = words[start + index].addingReportingOverflow(isNegative ? ~word : word)
            let (sum, overflowOfCarry) = partial.addingReportingOverflow(carry)
            words[start + index] = sum
            carry = overflow || overflowOfCarry ? 1 : 0
        }
    }

    func columns(order: [Int32], hasSketch: [Bool]) -> [StateRows.Values] {
        sumColumns(counts, order, withCount: withCount) { group, buffer in
            let start = group * self.wordsPerGroup
            var own = Array(self.words[start..<(start + self.wordsPerGroup)])
            let isNegative = own[own.count - 1] >> 63 == 1
            if isNegative {
                var carry = true
                for index in own.indices {
                    let (sum, overflow) = (~own[index]).addingReportingOverflow(carry ? 1 : 0)
                    own[index] = sum
                    carry = overflow
                }
            }
            var digits = BigUnsigned(words: own).digits()
            let shown = Int(self.scales[group])
            // What is cut off is zeros.
            digits = digits.count > self.scale - shown ? Array(digits.dropLast(self.scale - shown)) : [UInt8(ascii: "0")]
            if isNegative { buffer.append(UInt8(ascii: "-")) }
            TextOutput.appendPoint(digits: digits, scale: shown, to: &buffer)
        }
    }

    var approximateBytes: Int { words.capacity * 8 + scales.capacity + counts.capacity * 8 }
}
