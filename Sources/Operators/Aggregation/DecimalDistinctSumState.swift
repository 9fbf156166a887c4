import Columns

/// sum(DISTINCT x) and avg(DISTINCT x) of numerics whose values have scales of their own: every (group, value) once, of equal ones the longest, which
/// does not depend on the order of rows. PostgreSQL shows the sum at the scale of any of them.
final class DecimalDistinctSumState: MeasureState {
    /// A value without zeros at its end, which equal ones share.
    private struct Key: Hashable {
        var group: Int32
        var unscaled: Int128
        var scale: UInt8
    }

    private let isExact: Bool
    /// The largest scale that the value was met with.
    private var scales: [Key: UInt8] = [:]
    private var groupCount = 0

    init(isExact: Bool) { self.isExact = isExact }

    func add(groups: [Int32], values: Vector?, groupCount: Int) {
        guard let values, case .text(let texts) = values.values else { preconditionFailure("sum(DISTINCT) without decimals") }
        self.groupCount = groupCount
        texts.bytes.withUnsafeBytes { bytes in
            for row in groups.indices where !values.isNull(row) {
                let value = ScaledDecimal(UnsafeRawBufferPointer(rebasing: bytes[texts.starts[row]..<texts.ends[row]]))
                let trimmed = value.trimmed
                add(Key(group: groups[row], unscaled: trimmed.unscaled, scale: UInt8(trimmed.scale)), UInt8(value.scale))
            }
        }
    }

    private func add(_ key: Key, _ scale: UInt8) {
        let known = scales[key]
        if known.map({ $0 < scale }) ?? true { scales[key] = scale }
    }

    func merge(_ newGroups: [Int32], groupCount: Int) {
        let old = scales
        scales = [:]
        self.groupCount = groupCount
        for (key, scale) in old {
            var key = key
            key.group = newGroups[Int(key.group)]
            add(key, scale)
        }
    }

    func columns(order: [Int32], hasSketch: [Bool]) -> [StateRows.Values] {
        var lists = [[ScaledDecimal]](repeating: [], count: max(groupCount, (order.max().map { Int($0) } ?? -1) + 1))
        for (key, scale) in scales {
            let factor = Decimal128.power(Int(scale) - Int(key.scale))
            lists[Int(key.group)].append(ScaledDecimal(numeric: key.unscaled * factor, scale: Int(scale)))
        }
        var texts = TextBuilder()
        for (position, group) in order.enumerated() {
            // Ascending, so that equal sets are equal texts.
            let list = lists[Int(group)].sorted { ScaledDecimal.compare($0, $1) < 0 }
            guard hasSketch[position], !list.isEmpty else {
                texts.appendNull()
                continue
            }
            texts.append { buffer in
                buffer.append(UInt8(ascii: "{"))
                for (index, value) in list.enumerated() {
                    if index > 0 { buffer.append(UInt8(ascii: ",")) }
                    value.append(to: &buffer)
                }
                buffer.append(UInt8(ascii: "}"))
            }
        }
        let values = StateRows.Values.text(texts.column())
        return isExact ? sums(lists).columns(order: order, hasSketch: hasSketch) + [values] : [values]
    }

    /// Numbers and sums of the different values.
    private func sums(_ lists: [[ScaledDecimal]]) -> DecimalSumState {
        let sums = DecimalSumState(withCount: true, squares: false)
        var groups: [Int32] = []
        var texts = TextValues(bytes: [], starts: [], ends: [])
        for (group, list) in lists.enumerated() {
            for value in list {
                groups.append(Int32(group))
                texts.starts.append(texts.bytes.count)
                value.append(to: &texts.bytes)
                texts.ends.append(texts.bytes.count)
            }
        }
        sums.add(groups: groups, values: Vector(type: .decimal, values: .text(texts), nulls: []), groupCount: lists.count)
        return sums
    }

    var approximateBytes: Int { scales.capacity * (MemoryLayout<Key>.stride + 2) }
}
