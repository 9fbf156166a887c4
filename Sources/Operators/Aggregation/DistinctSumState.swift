import Columns

/// sum(DISTINCT x) and avg(DISTINCT x): every (group, value) once. Both layers hand over the values themselves, since nothing smaller says
/// whether a live value was counted before; the batch layer also their number and sum.
final class DistinctSumState: MeasureState {
    private let type: ScalarType
    private let isExact: Bool
    /// The sum and the count of each group's different values.
    private var sum: any MeasureState
    private let makeSum: () -> any MeasureState
    private var pairs: PairSet
    private var groupCount = 0

    init(_ type: ScalarType, isExact: Bool, makeSum: @escaping () -> any MeasureState) {
        self.type = type
        self.makeSum = makeSum
        sum = makeSum()
        self.isExact = isExact
        var isWide = false
        if case .numeric = type { isWide = !type.isNarrowNumeric }
        pairs = PairSet(valueWidth: isWide ? 2 : 1)
    }

    func add(groups: [Int32], values: Vector?, groupCount: Int) {
        guard let values else { preconditionFailure("sum(DISTINCT) without values") }
        self.groupCount = groupCount
        pairs.reserve(groups.count)
        var new: [Int32] = []
        for row in groups.indices where !values.isNull(row) {
            let (first, second) = words(values, row)
            if pairs.insert(groups[row], first, second) { new.append(Int32(row)) }
        }
        sum.add(groups: gather(groups, new), values: values.at(new), groupCount: groupCount)
    }

    /// A value of two groups counts once in the group that they become: the sum is made anew.
    func merge(_ newGroups: [Int32], groupCount: Int) {
        var counts = [Int64](repeating: 0, count: groupCount)
        pairs = pairs.merged(newGroups, counts: &counts).set
        self.groupCount = groupCount
        sum = makeSum()
        var groups: [Int32] = []
        var words: [(UInt64, UInt64)] = []
        pairs.forEach { group, first, second in
            groups.append(group)
            words.append((first, second))
        }
        sum.add(groups: groups, values: Vector(type: type, values: values(words), nulls: []), groupCount: groupCount)
    }

    private func values(_ words: [(UInt64, UInt64)]) -> Vector.Values {
        if type.layout == .float64 { return .float64(words.map { Double(bitPattern: $0.0) }) }
        if pairs.valueWidth == 2 { return .int128(words.map(wide)) }
        return .int64(words.map { Int64(bitPattern: $0.0) })
    }

    private func wide(_ words: (UInt64, UInt64)) -> Int128 { Int128(Int64(bitPattern: words.1)) << 64 | Int128(words.0) }

    private func words(_ vector: Vector, _ row: Int) -> (UInt64, UInt64) {
        switch vector.values {
        case .int64(let values): (UInt64(bitPattern: values[row]), 0)
        case .int128(let values): (UInt64(truncatingIfNeeded: values[row]), UInt64(truncatingIfNeeded: values[row] >> 64))
        case .float64(let values): (canonical(values[row]).bitPattern, 0)
        default: preconditionFailure("sum(DISTINCT) of \(vector.type.sqlName)")
        }
    }

    func columns(order: [Int32], hasSketch: [Bool]) -> [StateRows.Values] {
        var lists = [[(UInt64, UInt64)]](repeating: [], count: groupCount)
        pairs.forEach { group, first, second in lists[Int(group)].append((first, second)) }
        var texts = TextBuilder()
        for (position, group) in order.enumerated() {
            let list = Int(group) < lists.count ? lists[Int(group)] : []
            guard hasSketch[position], !list.isEmpty else {
                texts.appendNull()
                continue
            }
            texts.append { appendArray(list, to: &$0) }
        }
        let values = StateRows.Values.text(texts.column())
        return isExact ? sum.columns(order: order, hasSketch: hasSketch) + [values] : [values]
    }

    /// Ascending, so that equal sets are equal texts. Doubles as exact decimals.
    private func appendArray(_ list: [(UInt64, UInt64)], to buffer: inout [UInt8]) {
        buffer.append(UInt8(ascii: "{"))
        if type.layout == .float64 {
            for (index, value) in list.map({ Double(bitPattern: $0.0) }).sorted().enumerated() {
                if index > 0 { buffer.append(UInt8(ascii: ",")) }
                let (mantissa, exponent) = parts(value)
                BigUnsigned(UInt128(mantissa.magnitude)).appendDecimal(isNegative: mantissa < 0, exponent: exponent, to: &buffer)
            }
        } else {
            let isWide = pairs.valueWidth == 2
            let values = list.map { isWide ? wide($0) : Int128(Int64(bitPattern: $0.0)) }
            for (index, value) in values.sorted().enumerated() {
                if index > 0 { buffer.append(UInt8(ascii: ",")) }
                TextOutput.append(value, scale: type.numericScale, to: &buffer)
            }
        }
        buffer.append(UInt8(ascii: "}"))
    }

    var approximateBytes: Int { pairs.approximateBytes + sum.approximateBytes }
}
