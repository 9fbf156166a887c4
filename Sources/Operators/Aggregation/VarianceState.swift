import Columns

/// Variance and standard deviation: the count, the exact sum and the exact sum of squares. They add, and PostgreSQL finishes with its own
/// formula, (n·Σx² − (Σx)²) / (n·(n−1)).
final class VarianceState: MeasureState {
    /// With its count.
    private let sum: any MeasureState
    private let squares: any MeasureState

    init(sum: any MeasureState, squares: any MeasureState) {
        self.sum = sum
        self.squares = squares
    }

    func add(groups: [Int32], values: Vector?, groupCount: Int) {
        sum.add(groups: groups, values: values, groupCount: groupCount)
        squares.add(groups: groups, values: values, groupCount: groupCount)
    }

    func merge(_ newGroups: [Int32], groupCount: Int) {
        sum.merge(newGroups, groupCount: groupCount)
        squares.merge(newGroups, groupCount: groupCount)
    }

    func columns(order: [Int32], hasSketch: [Bool]) -> [StateRows.Values] {
        sum.columns(order: order, hasSketch: hasSketch) + squares.columns(order: order, hasSketch: hasSketch)
    }

    var approximateBytes: Int { sum.approximateBytes + squares.approximateBytes }
}

/// Sum of squares of whole numbers and numerics: 320 bits hold 2^64 squares of 128-bit numbers.
final class SquareSumState: MeasureState {
    private static let wordsPerGroup = 5
    /// The scale of the squares: twice that of the values.
    private let scale: Int
    /// Least first, group after group.
    private var words: [UInt64] = []
    private var counts: [Int64] = []

    init(scale: Int) { self.scale = scale * 2 }

    func add(groups: [Int32], values: Vector?, groupCount: Int) {
        guard let values else { preconditionFailure("a sum of squares without values") }
        words.grow(to: groupCount * Self.wordsPerGroup, 0)
        counts.grow(to: groupCount, 0)
        countNotNull(groups, values.nulls, &counts)
        switch values.values {
        case .int64(let numbers):
            for row in groups.indices where !values.isNull(row) {
                let square = numbers[row].magnitude.multipliedFullWidth(by: numbers[row].magnitude)
                add([square.low, square.high], to: Int(groups[row]))
            }
        case .int128(let numbers):
            for row in groups.indices where !values.isNull(row) {
                let square = numbers[row].magnitude.multipliedFullWidth(by: numbers[row].magnitude)
                add(
                    [
                        UInt64(truncatingIfNeeded: square.low), UInt64(truncatingIfNeeded: square.low >> 64),
                        UInt64(truncatingIfNeeded: square.high), UInt64(truncatingIfNeeded: square.high >> 64),
                    ], to: Int(groups[row]))
            }
        default: preconditionFailure("a sum of squares of \(values.type.sqlName)")
        }
    }

    func merge(_ newGroups: [Int32], groupCount: Int) {
        let old = words
        words = [UInt64](repeating: 0, count: groupCount * Self.wordsPerGroup)
        for (group, start) in stride(from: 0, to: old.count, by: Self.wordsPerGroup).enumerated() {
            add(Array(old[start..<(start + Self.wordsPerGroup)]), to: Int(newGroups[group]))
        }
        counts.merge(newGroups, groupCount, 0) { $0 += $1 }
    }

    private func add(_ square: [UInt64], to group: Int) {
        var carry: UInt64 = 0
        let start = group * Self.wordsPerGroup
        for index in 0..<Self.wordsPerGroup {
            let (partial, overflow) = words[start + index].addingReportingOverflow(index < square.count ? square[index] : 0)
            let (sum, overflowOfCarry) = partial.addingReportingOverflow(carry)
            words[start + index] = sum
            carry = overflow || overflowOfCarry ? 1 : 0
            if carry == 0, index >= square.count { return }
        }
    }

    func columns(order: [Int32], hasSketch: [Bool]) -> [StateRows.Values] {
        sumColumns(counts, order, withCount: false) { group, buffer in
            let start = group * Self.wordsPerGroup
            let sum = BigUnsigned(words: Array(self.words[start..<(start + Self.wordsPerGroup)]))
            TextOutput.appendPoint(digits: sum.digits(), scale: self.scale, to: &buffer)
        }
    }

    var approximateBytes: Int { words.capacity * 8 + counts.capacity * 8 }
}

/// Sum of squares of doubles, exact: squares spread over twice the exponents of doubles, so each group has a number in fixed point.
final class FloatSquareSumState: MeasureState {
    private var sums: [FixedPointSum?] = []
    private var used = 0
    private var counts: [Int64] = []

    func add(groups: [Int32], values: Vector?, groupCount: Int) {
        guard let values, case .float64(let numbers) = values.values else { preconditionFailure("a sum of squares without doubles") }
        sums.grow(to: groupCount, nil)
        counts.grow(to: groupCount, 0)
        countNotNull(groups, values.nulls, &counts)
        for row in groups.indices where !values.isNull(row) {
            let group = Int(groups[row])
            if sums[group] == nil {
                sums[group] = .ofSquares
                used += 1
            }
            let (mantissa, exponent) = parts(numbers[row])
            sums[group]?.add(Int128(mantissa) * Int128(mantissa), exponent: exponent * 2)
        }
    }

    func merge(_ newGroups: [Int32], groupCount: Int) {
        sums.merge(newGroups, groupCount, nil) { sum, more in
            guard let more else { return }
            if sum == nil { sum = more } else { sum?.add(more) }
        }
        used = sums.reduce(0) { $0 + ($1 == nil ? 0 : 1) }
        counts.merge(newGroups, groupCount, 0) { $0 += $1 }
    }

    func columns(order: [Int32], hasSketch: [Bool]) -> [StateRows.Values] {
        sumColumns(counts, order, withCount: false) { group, buffer in self.sums[group]?.appendDecimal(to: &buffer) }
    }

    var approximateBytes: Int { counts.capacity * 8 + sums.capacity * 32 + used * FixedPointSum.ofSquares.approximateBytes }
}
