import Columns

/// sum and avg of values in 64 bits. 128 bits hold the sum of more rows than there can be offsets.
final class SumState: MeasureState {
    private let scale: Int
    private let withCount: Bool
    private var sums: [Int128] = []
    private var counts: [Int64] = []

    init(scale: Int, withCount: Bool) {
        self.scale = scale
        self.withCount = withCount
    }

    func add(groups: [Int32], values: Vector?, groupCount: Int) {
        guard let values, case .int64(let numbers) = values.values else { preconditionFailure("a sum without 64-bit values") }
        sums.grow(to: groupCount, 0)
        counts.grow(to: groupCount, 0)
        countNotNull(groups, values.nulls, &counts)
        sums.withUnsafeMutableBufferPointer { sums in
            groups.withUnsafeBufferPointer { groups in
                numbers.withUnsafeBufferPointer { numbers in
                    values.nulls.withUnsafeBufferPointer { nulls in
                        if nulls.isEmpty {
                            for row in 0..<groups.count { sums[Int(groups[row])] &+= Int128(numbers[row]) }
                        } else {
                            for row in 0..<groups.count where nulls[row] == 0 { sums[Int(groups[row])] &+= Int128(numbers[row]) }
                        }
                    }
                }
            }
        }
    }

    func merge(_ newGroups: [Int32], groupCount: Int) {
        sums.merge(newGroups, groupCount, 0) { $0 &+= $1 }
        counts.merge(newGroups, groupCount, 0) { $0 += $1 }
    }

    func columns(order: [Int32], hasSketch: [Bool]) -> [StateRows.Values] {
        sumColumns(counts, order, withCount: withCount) { group, buffer in
            TextOutput.append(wide: self.sums[group], scale: self.scale, to: &buffer)
        }
    }

    var approximateBytes: Int { sums.capacity * 16 + counts.capacity * 8 }
}

/// sum and avg of numerics in 128 bits: 192 bits of two's complement hold the sum.
final class WideSumState: MeasureState {
    private let scale: Int
    private let withCount: Bool
    private var low: [UInt128] = []
    private var high: [Int64] = []
    private var counts: [Int64] = []

    init(scale: Int, withCount: Bool) {
        self.scale = scale
        self.withCount = withCount
    }

    func add(groups: [Int32], values: Vector?, groupCount: Int) {
        guard let values, case .int128(let numbers) = values.values else { preconditionFailure("a sum without 128-bit values") }
        low.grow(to: groupCount, 0)
        high.grow(to: groupCount, 0)
        counts.grow(to: groupCount, 0)
        countNotNull(groups, values.nulls, &counts)
        for row in groups.indices where !values.isNull(row) {
            let group = Int(groups[row])
            let (sum, carry) = low[group].addingReportingOverflow(UInt128(truncatingIfNeeded: numbers[row]))
            low[group] = sum
            high[group] &+= (numbers[row] < 0 ? -1 : 0) + (carry ? 1 : 0)
        }
    }

    func merge(_ newGroups: [Int32], groupCount: Int) {
        var mergedLow = [UInt128](repeating: 0, count: groupCount)
        var mergedHigh = [Int64](repeating: 0, count: groupCount)
        for group in low.indices {
            let new = Int(newGroups[group])
            let (sum, carry) = mergedLow[new].addingReportingOverflow(low[group])
            mergedLow[new] = sum
            mergedHigh[new] &+= high[group] &+ (carry ? 1 : 0)
        }
        low = mergedLow
        high = mergedHigh
        counts.merge(newGroups, groupCount, 0) { $0 += $1 }
    }

    func columns(order: [Int32], hasSketch: [Bool]) -> [StateRows.Values] {
        sumColumns(counts, order, withCount: withCount) { group, buffer in
            let isNegative = self.high[group] < 0
            // Two's complement to sign and magnitude.
            let low = isNegative ? ~self.low[group] &+ 1 : self.low[group]
            let high = isNegative ? UInt64(bitPattern: ~self.high[group]) &+ (low == 0 ? 1 : 0) : UInt64(bitPattern: self.high[group])
            if isNegative { buffer.append(UInt8(ascii: "-")) }
            let magnitude = BigUnsigned(words: [UInt64(truncatingIfNeeded: low), UInt64(truncatingIfNeeded: low >> 64), high])
            TextOutput.appendPoint(digits: magnitude.digits(), scale: self.scale, to: &buffer)
        }
    }

    var approximateBytes: Int { low.capacity * 16 + high.capacity * 8 + counts.capacity * 8 }
}

/// The count where avg needs it, and the sum as decimal text: null over no value.
func sumColumns(
    _ counts: [Int64], _ order: [Int32], withCount: Bool, _ append: (Int, inout [UInt8]) -> Void
) -> [StateRows.Values] {
    var sums = TextBuilder()
    for group in order {
        if counts[Int(group)] == 0 { sums.appendNull() } else { sums.append { append(Int(group), &$0) } }
    }
    let column = StateRows.Values.text(sums.column())
    return withCount ? [.counts(gather(counts, order)), column] : [column]
}

extension TextOutput {
    /// A sum may need more digits than a numeric has.
    static func append(wide value: Int128, scale: Int, to buffer: inout [UInt8]) {
        if value.magnitude < UInt128(UInt64.max) { return append(value, scale: scale, to: &buffer) }
        if value < 0 { buffer.append(UInt8(ascii: "-")) }
        appendPoint(digits: BigUnsigned(value.magnitude).digits(), scale: scale, to: &buffer)
    }
}
