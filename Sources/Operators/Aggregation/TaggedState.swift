import Columns
import ParallaxCore

/// first(x, t) and last(x, t): of each group the value of the row with the smallest or the largest (t, partition, offset). Rows without a t
/// are passed over; x may be null. The offset makes the choice the same in both layers and in every order of reading.
final class TaggedState: TaggedMeasureState {
    private let type: ScalarType
    private let orderType: ScalarType
    private let isLast: Bool
    /// Whether it hands its tags over: where values share a tag, one measure does.
    private let showsTag: Bool
    private var orders: [Int64] = []
    private var offsets: [Int64] = []
    /// -1 where no row was.
    private var partitions: [Int32] = []
    /// The values as text; nil for null.
    private var values: [[UInt8]?] = []
    private var valueBytes = 0

    init(_ type: ScalarType, order: ScalarType, isLast: Bool, showsTag: Bool = true) {
        self.showsTag = showsTag
        self.type = type
        orderType = order
        self.isLast = isLast
    }

    func add(groups: [Int32], values: Vector?, groupCount: Int) {
        preconditionFailure("first and last need the rows' order")
    }

    func add(groups: [Int32], values: Vector, order: Vector, offsets: [Int64], partition: Partition, groupCount: Int) {
        guard case .int64(let instants) = order.values else { preconditionFailure("first and last by \(order.type.sqlName)") }
        orders.grow(to: groupCount, 0)
        self.offsets.grow(to: groupCount, 0)
        partitions.grow(to: groupCount, -1)
        self.values.grow(to: groupCount, nil)
        let partition = Int32(partition.rawValue)
        // First who wins, then the winners' values: most rows of a batch win for a moment only.
        var winners: [Int32: Int32] = [:]
        for row in groups.indices where !order.isNull(row) {
            let group = Int(groups[row])
            let mine = (instants[row], partition, offsets[row])
            let best = (orders[group], partitions[group], self.offsets[group])
            guard best.1 < 0 || (isLast ? mine > best : mine < best) else { continue }
            (orders[group], partitions[group], self.offsets[group]) = mine
            winners[groups[row]] = Int32(row)
        }
        for (group, row) in winners {
            let text = values.isNull(Int(row)) ? nil : StateRows.text(of: values, Int(row))
            valueBytes += (text?.count ?? 0) - (self.values[Int(group)]?.count ?? 0)
            self.values[Int(group)] = text
        }
    }

    func merge(_ newGroups: [Int32], groupCount: Int) {
        let (oldOrders, oldPartitions, oldOffsets, oldValues) = (orders, partitions, offsets, values)
        orders = [Int64](repeating: 0, count: groupCount)
        partitions = [Int32](repeating: -1, count: groupCount)
        offsets = [Int64](repeating: 0, count: groupCount)
        values = [[UInt8]?](repeating: nil, count: groupCount)
        for group in oldPartitions.indices where oldPartitions[group] >= 0 {
            let new = Int(newGroups[group])
            let mine = (oldOrders[group], oldPartitions[group], oldOffsets[group])
            let best = (orders[new], partitions[new], offsets[new])
            guard best.1 < 0 || (isLast ? mine > best : mine < best) else { continue }
            (orders[new], partitions[new], offsets[new]) = mine
            values[new] = oldValues[group]
        }
        valueBytes = values.reduce(0) { $0 + ($1?.count ?? 0) }
    }

    func columns(order: [Int32], hasSketch: [Bool]) -> [StateRows.Values] {
        var texts = TextBuilder()
        var partitionTexts = TextBuilder()
        var offsetTexts = TextBuilder()
        for group in order.map({ Int($0) }) {
            if let value = values[group] { texts.append(value) } else { texts.appendNull() }
            guard partitions[group] >= 0 else {
                partitionTexts.appendNull()
                offsetTexts.appendNull()
                continue
            }
            partitionTexts.append { TextOutput.append(Int64(partitions[group]), to: &$0) }
            offsetTexts.append { TextOutput.append(offsets[group], to: &$0) }
        }
        guard showsTag else { return [.text(texts.column())] }
        let nulls = order.map { UInt8(partitions[Int($0)] < 0 ? 1 : 0) }
        let orderColumn = Column(type: orderType, storage: .int64(gather(orders, order)), nulls: nulls.contains(1) ? nulls : [])
        return [.text(texts.column()), .column(orderColumn), .text(partitionTexts.column()), .text(offsetTexts.column())]
    }

    var approximateBytes: Int { orders.capacity * 8 + offsets.capacity * 8 + partitions.capacity * 4 + values.capacity * 16 + valueBytes }
}
