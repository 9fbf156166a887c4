import Columns
import ViewLanguage

/// The states of one measure, one entry a group: structure of arrays. One call a batch; the loop over rows is inside.
protocol MeasureState: AnyObject {
    /// Adds rows: `groups[i]` gets value i of the vector (which is spread: one entry a row); count(*) gets no vector.
    /// `groupCount`: groups are numbered below this from now on.
    func add(groups: [Int32], values: Vector?, groupCount: Int)
    /// The state columns of `StateLayout`, in its order, for groups in the given order. `hasSketch[i]`: whether group order[i] gets a sketch.
    func columns(order: [Int32], hasSketch: [Bool]) -> [StateRows.Values]
    var approximateBytes: Int { get }
}

extension Plan.Measure {
    func makeState(_ layer: StateLayout.Layer) -> any MeasureState {
        guard let argument else { return CountState() }
        switch function {
        case .countRows, .count: return CountState()
        case .sum, .avg:
            let withCount = function == .avg
            switch argument.type {
            case .float8: return FloatSumState(withCount: withCount)
            case .numeric where !argument.type.isNarrowNumeric: return WideSumState(scale: argument.type.numericScale, withCount: withCount)
            default: return SumState(scale: argument.type.numericScale, withCount: withCount)
            }
        case .min, .max: return makeExtremum(argument.type, isMaximum: function == .max)
        case .countDistinct: return DistinctState(argument.type, isExact: layer == .batch)
        }
    }

    private func makeExtremum(_ type: ScalarType, isMaximum: Bool) -> any MeasureState {
        switch type {
        case .text: return TextExtremumState(isMaximum: isMaximum)
        case .float8: return FixedExtremumState<Double>(type, isMaximum: isMaximum)
        case .numeric where !type.isNarrowNumeric: return FixedExtremumState<Int128>(type, isMaximum: isMaximum)
        case .int4, .int8, .timestamptz, .numeric: return FixedExtremumState<Int64>(type, isMaximum: isMaximum)
        case .bool, .uuid: preconditionFailure("PostgreSQL has no min or max of \(type.sqlName)")
        }
    }
}

extension Array {
    /// Appends zeros up to a length.
    mutating func grow(to count: Int, _ zero: Element) {
        if self.count < count { append(contentsOf: repeatElement(zero, count: count - self.count)) }
    }
}

/// count(*) and count(x).
final class CountState: MeasureState {
    private var counts: [Int64] = []

    func add(groups: [Int32], values: Vector?, groupCount: Int) {
        counts.grow(to: groupCount, 0)
        countNotNull(groups, values?.nulls ?? [], &counts)
    }

    func columns(order: [Int32], hasSketch: [Bool]) -> [StateRows.Values] { [.counts(gather(counts, order))] }
    var approximateBytes: Int { counts.capacity * 8 }
}

func countNotNull(_ groups: [Int32], _ nulls: [UInt8], _ counts: inout [Int64]) {
    counts.withUnsafeMutableBufferPointer { counts in
        groups.withUnsafeBufferPointer { groups in
            nulls.withUnsafeBufferPointer { nulls in
                if nulls.isEmpty {
                    for group in groups { counts[Int(group)] &+= 1 }
                } else {
                    for row in 0..<groups.count { counts[Int(groups[row])] &+= Int64(nulls[row] ^ 1) }
                }
            }
        }
    }
}
