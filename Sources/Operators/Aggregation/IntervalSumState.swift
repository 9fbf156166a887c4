import Columns
import ParallaxCore

/// sum and avg of intervals: each of their three parts for itself, exact in 128 bits, so that the order of rows does not matter.
final class IntervalSumState: MeasureState {
    private struct Parts {
        var months: Int128 = 0
        var days: Int128 = 0
        var microseconds: Int128 = 0

        static func += (left: inout Parts, right: Parts) {
            left.months &+= right.months
            left.days &+= right.days
            left.microseconds &+= right.microseconds
        }
    }

    private let withCount: Bool
    private var sums: [Parts] = []
    private var counts: [Int64] = []

    init(withCount: Bool) { self.withCount = withCount }

    func add(groups: [Int32], values: Vector?, groupCount: Int) {
        guard let values, case .bits128(let intervals) = values.values else { preconditionFailure("a sum without intervals") }
        sums.grow(to: groupCount, Parts())
        counts.grow(to: groupCount, 0)
        countNotNull(groups, values.nulls, &counts)
        for row in groups.indices where !values.isNull(row) {
            let interval = CalendarInterval(bits: intervals[row])
            sums[Int(groups[row])] += Parts(
                months: Int128(interval.months), days: Int128(interval.days), microseconds: Int128(interval.microseconds))
        }
    }

    func merge(_ newGroups: [Int32], groupCount: Int) {
        sums.merge(newGroups, groupCount, Parts()) { $0 += $1 }
        counts.merge(newGroups, groupCount, 0) { $0 += $1 }
    }

    func columns(order: [Int32], hasSketch: [Bool]) -> [StateRows.Values] {
        func part(_ path: KeyPath<Parts, Int128>, withCount: Bool) -> [StateRows.Values] {
            sumColumns(counts, order, withCount: withCount) { group, buffer in
                TextOutput.append(wide: self.sums[group][keyPath: path], scale: 0, to: &buffer)
            }
        }
        return part(\.months, withCount: withCount) + part(\.days, withCount: false) + part(\.microseconds, withCount: false)
    }

    var approximateBytes: Int { sums.capacity * MemoryLayout<Parts>.stride + counts.capacity * 8 }
}
