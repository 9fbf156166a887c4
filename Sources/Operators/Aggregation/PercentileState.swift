import Columns
import ViewLanguage

/// percentile_cont and percentile_disc.
///
/// Batch: every value of every group, so that the result is PostgreSQL's own, and beside it, where it is asked for, what live rows can be merged with:
/// the values themselves while there are few, else a digest. Speed: the same without the result. Memory: a value and its group, 12 bytes for each event of 64 bits.
final class PercentileState<Value: ExtremumValue & PercentileValue>: MeasureState {
    private let type: ScalarType
    private let percentile: Plan.Measure.Percentile
    private let isContinuous: Bool
    private let isExact: Bool
    private let compression: Int
    private var groups: [Int32] = []
    private var values: [Value] = []
    private var groupCount = 0

    init(
        _ type: ScalarType, _ percentile: Plan.Measure.Percentile, isContinuous: Bool, isExact: Bool,
        compression: Int
    ) {
        self.compression = compression
        self.type = type
        self.percentile = percentile
        self.isContinuous = isContinuous
        self.isExact = isExact
    }

    func add(groups: [Int32], values: Vector?, groupCount: Int) {
        guard let values else { preconditionFailure("a percentile without values") }
        let numbers = Value.read(values.values)
        precondition(numbers.count == groups.count, "\(values.type) is not \(type)")
        self.groupCount = groupCount
        for row in groups.indices where !values.isNull(row) {
            self.groups.append(groups[row])
            self.values.append(numbers[row].normal)
        }
    }

    func merge(_ newGroups: [Int32], groupCount: Int) {
        groups = groups.map { newGroups[Int($0)] }
        self.groupCount = groupCount
    }

    func columns(order: [Int32], hasSketch: [Bool]) -> [StateRows.Values] {
        let (sorted, starts) = sortedByGroup(order)
        let counts = order.map { group in Int64(range(of: group, starts).count) }
        var digests = TextBuilder()
        var lists = TextBuilder()
        for (position, group) in order.enumerated() {
            let range = range(of: group, starts)
            let isWanted = hasSketch[position] && !range.isEmpty
            if isWanted, range.count <= SketchPrecision.exactValues, sorted[range].allSatisfy(\.canBeMergedAsItIs) {
                digests.appendNull()
                lists.append { self.appendArray(sorted[range], to: &$0) }
                continue
            }
            lists.appendNull()
            guard isWanted else {
                digests.appendNull()
                continue
            }
            let numbers = sorted[range].lazy.map { $0.approximation(scale: self.type.numericScale) }
            digests.append { TDigest.appendText(sorted: Array(numbers), compression: compression, to: &$0) }
        }
        let mergeable = [StateRows.Values.text(digests.column()), .text(lists.column())]
        return [.counts(counts)] + (isExact ? [exact(order, sorted, starts)] : []) + mergeable
    }

    private func appendArray(_ values: some Sequence<Value>, to buffer: inout [UInt8]) {
        buffer.append(UInt8(ascii: "{"))
        for (index, value) in values.enumerated() {
            if index > 0 { buffer.append(UInt8(ascii: ",")) }
            value.appendText(scale: type.numericScale, to: &buffer)
        }
        buffer.append(UInt8(ascii: "}"))
    }

    /// All values, those of a group together and ascending, and where each group's begin. A group of `order` may have none.
    private func sortedByGroup(_ order: [Int32]) -> (values: [Value], starts: [Int]) {
        let count = max(groupCount, (order.max().map { Int($0) } ?? -1) + 1)
        var starts = [Int](repeating: 0, count: count + 1)
        for group in groups { starts[Int(group) + 1] += 1 }
        for group in 0..<count { starts[group + 1] += starts[group] }
        var next = starts
        var sorted = [Value](repeating: .zero, count: values.count)
        for (row, group) in groups.enumerated() {
            sorted[next[Int(group)]] = values[row]
            next[Int(group)] += 1
        }
        for group in 0..<count where starts[group + 1] - starts[group] > 1 {
            sorted[starts[group]..<starts[group + 1]].sort { $1.isAbove($0) }
        }
        return (sorted, starts)
    }

    private func range(of group: Int32, _ starts: [Int]) -> Range<Int> { starts[Int(group)]..<starts[Int(group) + 1] }

    private func exact(_ order: [Int32], _ sorted: [Value], _ starts: [Int]) -> StateRows.Values {
        func result(_ fraction: Double, _ range: Range<Int>) -> Value {
            isContinuous
                ? Value.interpolated(sorted[range], fraction) : sorted[range.lowerBound + Self.discreteRow(fraction, of: range.count)]
        }
        if percentile.isArray {
            var texts = TextBuilder()
            for group in order {
                let range = range(of: group, starts)
                if range.isEmpty {
                    texts.appendNull()
                    continue
                }
                texts.append { self.appendArray(percentile.fractions.map { result($0, range) }, to: &$0) }
            }
            return .text(texts.column())
        }
        var results: [Value] = []
        var nulls: [UInt8] = []
        for group in order {
            let range = range(of: group, starts)
            results.append(range.isEmpty ? .zero : result(percentile.fractions[0], range))
            nulls.append(range.isEmpty ? 1 : 0)
        }
        return .column(Column(type: type, storage: Value.storage(results), nulls: nulls.contains(1) ? nulls : []))
    }

    /// The first row whose cumulative share is at least the fraction, as PostgreSQL's percentile_disc counts.
    private static func discreteRow(_ fraction: Double, of count: Int) -> Int {
        max(1, Int((fraction * Double(count)).rounded(.up))) - 1
    }

    var approximateBytes: Int { groups.capacity * 4 + values.capacity * MemoryLayout<Value>.stride }
}

/// What a percentile needs of a number.
protocol PercentileValue {
    /// As a double, for a digest: an estimate in any case.
    func approximation(scale: Int) -> Double
    func appendText(scale: Int, to buffer: inout [UInt8])
    /// False for a value that a digest cannot take as it is, or next to which PostgreSQL would raise an error when it merges several (one group would make a
    /// view unreadable): a group that has one is a digest, in which it counts as the nearest that is possible.
    var canBeMergedAsItIs: Bool { get }
    /// Between the two neighbours of the fraction's place, as PostgreSQL's percentile_cont does it: operation by operation.
    static func interpolated(_ sorted: ArraySlice<Self>, _ fraction: Double) -> Self
}

extension PercentileValue {
    var canBeMergedAsItIs: Bool { true }

    static func interpolated(_ sorted: ArraySlice<Self>, _ fraction: Double) -> Self {
        preconditionFailure("percentile_cont is over double precision: the compiler casts")
    }
}

extension Double: PercentileValue {
    var canBeMergedAsItIs: Bool { abs(self) <= TDigest.largest }
    func approximation(scale: Int) -> Double { self }
    func appendText(scale: Int, to buffer: inout [UInt8]) { TextOutput.append(self, to: &buffer) }
    static func interpolated(_ sorted: ArraySlice<Double>, _ fraction: Double) -> Double {
        let place = fraction * Double(sorted.count - 1)
        let first = sorted[sorted.startIndex + Int(place.rounded(.down))]
        let second = sorted[sorted.startIndex + Int(place.rounded(.up))]
        if place == place.rounded(.down) { return first }
        return first + (place - place.rounded(.down)) * (second - first)
    }
}

extension Int64: PercentileValue {
    func approximation(scale: Int) -> Double { Int128(self).approximation(scale: scale) }
    func appendText(scale: Int, to buffer: inout [UInt8]) { TextOutput.append(Int128(self), scale: scale, to: &buffer) }
}

extension Int128: PercentileValue {
    func approximation(scale: Int) -> Double { scale == 0 ? Double(self) : Double(self) / Double(Decimal128.power(scale)) }
    func appendText(scale: Int, to buffer: inout [UInt8]) { TextOutput.append(self, scale: scale, to: &buffer) }
}
