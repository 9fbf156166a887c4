import Columns
import MergeLaw
import ParallaxCore
import ViewLanguage

/// The states of one measure, one entry a group: structure of arrays. One call a batch; the loop over rows is inside.
protocol MeasureState: AnyObject {
    /// Adds rows: `groups[i]` gets value i of the vector (which is spread: one entry a row); count(*) gets no vector.
    /// `groupCount`: groups are numbered below this from now on.
    func add(groups: [Int32], values: Vector?, groupCount: Int)
    /// Makes one group of several: group g becomes a part of group newGroups[g], which is below `groupCount`, as if its rows had been added
    /// there. `newGroups` has an entry for every group.
    func merge(_ newGroups: [Int32], groupCount: Int)
    /// The state columns of `StateLayout`, in its order, for groups in the given order. `hasSketch[i]`: whether group order[i] gets a sketch.
    func columns(order: [Int32], hasSketch: [Bool]) -> [StateRows.Values]
    var approximateBytes: Int { get }
}

/// A measure to which the order of rows matters: first and last.
protocol TaggedMeasureState: MeasureState {
    /// As `add(groups:values:groupCount:)`; `order` and `offsets` have one entry a row, all of one partition.
    func add(groups: [Int32], values: Vector, order: Vector, offsets: [Int64], partition: Partition, groupCount: Int)
}

extension Plan.Measure {
    func makeState(_ layer: StateLayout.Layer) -> any MeasureState {
        guard let argument else { return CountState() }
        switch function {
        case .countRows, .count: return CountState()
        case .sum, .avg: return makeSum(argument.type, withCount: function == .avg)
        case .sumDistinct where argument.type == .decimal, .avgDistinct where argument.type == .decimal:
            return DecimalDistinctSumState(isExact: layer == .batch)
        case .sumDistinct, .avgDistinct:
            return DistinctSumState(argument.type, isExact: layer == .batch) { makeSum(argument.type, withCount: true) }
        case .varPop, .varSamp, .stddevPop, .stddevSamp:
            return VarianceState(sum: makeSum(argument.type, withCount: true), squares: makeSquareSum(argument.type))
        case .min, .max: return makeExtremum(argument.type, isMaximum: function == .max)
        case .boolAnd, .boolOr: return FixedExtremumState<UInt8>(.bool, isMaximum: function == .boolOr)
        case .bitAnd: return BitwiseState(argument.type, .and)
        case .bitOr: return BitwiseState(argument.type, .or)
        case .bitXor: return BitwiseState(argument.type, .xor)
        case .percentileCont, .percentileDisc: return makePercentile(argument.type, layer)
        case .first, .last:
            return TaggedState(
                argument.type, order: order?.type ?? .timestamptz, isLast: function == .last, showsTag: sharedTag == nil)
        case .countDistinct:
            return DistinctState(argument.type, isExact: layer == .batch, sketch: HyperLogLog(log2m: precision ?? SketchPrecision.log2m))
        }
    }

    private func makeSum(_ type: ScalarType, withCount: Bool) -> any MeasureState {
        switch type {
        case .float4, .float8: FloatSumState(withCount: withCount)
        case .interval: IntervalSumState(withCount: withCount)
        case .decimal: DecimalSumState(withCount: withCount, squares: false)
        case .numeric where !type.isNarrowNumeric: WideSumState(scale: type.numericScale, withCount: withCount)
        default: SumState(scale: type.numericScale, withCount: withCount)
        }
    }

    private func makeSquareSum(_ type: ScalarType) -> any MeasureState {
        switch type {
        case .float4, .float8: FloatSquareSumState()
        case .decimal: DecimalSumState(withCount: false, squares: true)
        default: SquareSumState(scale: type.numericScale)
        }
    }

    private func makePercentile(_ type: ScalarType, _ layer: StateLayout.Layer) -> any MeasureState {
        guard let percentile else { preconditionFailure("a percentile without a fraction") }
        let isContinuous = function == .percentileCont
        let compression = precision ?? SketchPrecision.compression
        switch type {
        case .interval:
            return PercentileState<CalendarInterval>(
                type, percentile, isContinuous: isContinuous, isExact: layer == .batch, compression: compression)
        case .float4, .float8:
            return PercentileState<Double>(type, percentile, isContinuous: isContinuous, isExact: layer == .batch, compression: compression)
        case .decimal:
            return PercentileState<ScaledDecimal>(
                type, percentile, isContinuous: isContinuous, isExact: layer == .batch, compression: compression)
        case .numeric where !type.isNarrowNumeric:
            return PercentileState<Int128>(type, percentile, isContinuous: isContinuous, isExact: layer == .batch, compression: compression)
        default:
            return PercentileState<Int64>(type, percentile, isContinuous: isContinuous, isExact: layer == .batch, compression: compression)
        }
    }

    private func makeExtremum(_ type: ScalarType, isMaximum: Bool) -> any MeasureState {
        switch type {
        case .text, .varchar, .char: return TextExtremumState(type, isMaximum: isMaximum)
        case .decimal: return TextExtremumState(type, isMaximum: isMaximum)
        case .float4, .float8: return FixedExtremumState<Double>(type, isMaximum: isMaximum)
        case .numeric where !type.isNarrowNumeric: return FixedExtremumState<Int128>(type, isMaximum: isMaximum)
        case .int2, .int4, .int8, .timestamptz, .timestamp, .date, .time, .numeric:
            return FixedExtremumState<Int64>(type, isMaximum: isMaximum)
        case .interval: return FixedExtremumState<CalendarInterval>(type, isMaximum: isMaximum)
        case .bool, .uuid, .jsonb, .array: preconditionFailure("PostgreSQL has no min or max of \(type.sqlName)")
        }
    }
}

extension Array {
    /// Appends zeros up to a length.
    mutating func grow(to count: Int, _ zero: Element) {
        if self.count < count { append(contentsOf: repeatElement(zero, count: count - self.count)) }
    }

    /// One entry a group becomes one entry a new group; `add` puts an old group's into the new one's, which begins at `zero`.
    mutating func merge(_ newGroups: [Int32], _ groupCount: Int, _ zero: Element, _ add: (inout Element, Element) -> Void) {
        precondition(count <= newGroups.count, "\(count) states of \(newGroups.count) groups")
        var merged = [Element](repeating: zero, count: groupCount)
        for (group, state) in enumerated() { add(&merged[Int(newGroups[group])], state) }
        self = merged
    }
}

/// count(*) and count(x).
final class CountState: MeasureState {
    private var counts: [Int64] = []

    func add(groups: [Int32], values: Vector?, groupCount: Int) {
        counts.grow(to: groupCount, 0)
        countNotNull(groups, values?.nulls ?? [], &counts)
    }

    func merge(_ newGroups: [Int32], groupCount: Int) { counts.merge(newGroups, groupCount, 0) { $0 += $1 } }

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
