import Columns

/// Values of fixed width that min and max compare; NaN is above all else and -0 is 0, so that the result does not depend on the order of rows.
protocol ExtremumValue: Comparable {
    static var zero: Self { get }
    static func read(_ values: Vector.Values) -> [Self]
    static func storage(_ values: [Self]) -> Column.Storage
    func isAbove(_ other: Self) -> Bool
    var normal: Self { get }
}

extension ExtremumValue {
    @inline(__always) func isAbove(_ other: Self) -> Bool { self > other }
    @inline(__always) var normal: Self { self }
}

extension Int64: ExtremumValue {
    static func read(_ values: Vector.Values) -> [Int64] { if case .int64(let values) = values { values } else { [] } }
    static func storage(_ values: [Int64]) -> Column.Storage { .int64(values) }
}

extension Int128: ExtremumValue {
    static func read(_ values: Vector.Values) -> [Int128] { if case .int128(let values) = values { values } else { [] } }
    static func storage(_ values: [Int128]) -> Column.Storage { .int128(values) }
}

extension Double: ExtremumValue {
    static func read(_ values: Vector.Values) -> [Double] { if case .float64(let values) = values { values } else { [] } }
    static func storage(_ values: [Double]) -> Column.Storage { .float64(values) }
    @inline(__always) func isAbove(_ other: Double) -> Bool { self > other || (isNaN && !other.isNaN) }
    @inline(__always) var normal: Double { canonical(self) }
}

/// bool_and is the minimum, bool_or the maximum of zeros and ones.
extension UInt8: ExtremumValue {
    static func read(_ values: Vector.Values) -> [UInt8] { if case .bool(let values) = values { values } else { [] } }
    static func storage(_ values: [UInt8]) -> Column.Storage { .bool(values) }
}

/// min and max of numbers and times, bool_and and bool_or.
final class FixedExtremumState<Value: ExtremumValue>: MeasureState {
    private let type: ScalarType
    private let isMaximum: Bool
    private var best: [Value] = []
    private var hasValue: [UInt8] = []

    init(_ type: ScalarType, isMaximum: Bool) {
        self.type = type
        self.isMaximum = isMaximum
    }

    func add(groups: [Int32], values: Vector?, groupCount: Int) {
        guard let values else { preconditionFailure("min or max without values") }
        best.grow(to: groupCount, .zero)
        hasValue.grow(to: groupCount, 0)
        let numbers = Value.read(values.values)
        precondition(numbers.count == groups.count, "\(values.type) is not \(type)")
        best.withUnsafeMutableBufferPointer { best in
            hasValue.withUnsafeMutableBufferPointer { hasValue in
                numbers.withUnsafeBufferPointer { numbers in
                    for row in 0..<numbers.count where values.nulls.isEmpty || values.nulls[row] == 0 {
                        let group = Int(groups[row])
                        let value = numbers[row].normal
                        if hasValue[group] == 0 || (isMaximum ? value.isAbove(best[group]) : best[group].isAbove(value)) {
                            best[group] = value
                        }
                        hasValue[group] = 1
                    }
                }
            }
        }
    }

    func merge(_ newGroups: [Int32], groupCount: Int) {
        let (old, oldHasValue) = (best, hasValue)
        best = [Value](repeating: .zero, count: groupCount)
        hasValue = [UInt8](repeating: 0, count: groupCount)
        for group in old.indices where oldHasValue[group] != 0 {
            let new = Int(newGroups[group])
            if hasValue[new] == 0 || (isMaximum ? old[group].isAbove(best[new]) : best[new].isAbove(old[group])) { best[new] = old[group] }
            hasValue[new] = 1
        }
    }

    func columns(order: [Int32], hasSketch: [Bool]) -> [StateRows.Values] {
        let nulls = gather(hasValue, order).map { $0 ^ 1 }
        return [.column(Column(type: type, storage: Value.storage(gather(best, order)), nulls: nulls.contains(1) ? nulls : []))]
    }

    var approximateBytes: Int { best.capacity * MemoryLayout<Value>.stride + hasValue.capacity }
}

/// min and max of text, byte by byte, and of numerics with scales of their own, of equal ones the longest. The strings lie in an arena that is cleared of replaced ones when they fill half of it.
final class TextExtremumState: MeasureState {
    private let type: ScalarType
    private let isMaximum: Bool
    private var arena: [UInt8] = []
    private var replacedBytes = 0
    /// Start in the arena, -1 for no value, and length.
    private var starts: [Int] = []
    private var lengths: [Int] = []

    init(_ type: ScalarType, isMaximum: Bool) {
        self.type = type
        self.isMaximum = isMaximum
    }

    /// Above zero where the first one takes the place of the second.
    private func order(_ new: UnsafeRawBufferPointer, _ old: UnsafeRawBufferPointer) -> Int {
        let order = type == .decimal ? ScaledDecimal.compare(ScaledDecimal(new), ScaledDecimal(old)) : compareText(new, old)
        if order == 0, type == .decimal { return new.count - old.count }
        return isMaximum ? order : -order
    }

    func add(groups: [Int32], values: Vector?, groupCount: Int) {
        guard let values, case .text(let texts) = values.values else { preconditionFailure("min or max of text without text") }
        starts.grow(to: groupCount, -1)
        lengths.grow(to: groupCount, 0)
        texts.bytes.withUnsafeBytes { bytes in
            for row in groups.indices where !values.isNull(row) {
                let group = Int(groups[row])
                let text = UnsafeRawBufferPointer(rebasing: bytes[texts.starts[row]..<texts.ends[row]])
                if starts[group] >= 0 {
                    let order = arena.withUnsafeBytes {
                        self.order(text, UnsafeRawBufferPointer(rebasing: $0[starts[group]..<(starts[group] + lengths[group])]))
                    }
                    guard order > 0 else { continue }
                    replacedBytes += lengths[group]
                }
                starts[group] = arena.count
                lengths[group] = text.count
                arena.append(contentsOf: text)
            }
        }
        if replacedBytes > 65_536, replacedBytes * 2 > arena.count { compact() }
    }

    func merge(_ newGroups: [Int32], groupCount: Int) {
        let (oldStarts, oldLengths) = (starts, lengths)
        starts = [Int](repeating: -1, count: groupCount)
        lengths = [Int](repeating: 0, count: groupCount)
        for group in oldStarts.indices where oldStarts[group] >= 0 {
            let new = Int(newGroups[group])
            let isBetter =
                starts[new] < 0
                || arena.withUnsafeBytes { bytes in
                    self.order(
                        UnsafeRawBufferPointer(rebasing: bytes[oldStarts[group]..<(oldStarts[group] + oldLengths[group])]),
                        UnsafeRawBufferPointer(rebasing: bytes[starts[new]..<(starts[new] + lengths[new])])) > 0
                }
            if starts[new] >= 0 { replacedBytes += isBetter ? lengths[new] : oldLengths[group] }
            if isBetter { (starts[new], lengths[new]) = (oldStarts[group], oldLengths[group]) }
        }
    }

    private func compact() {
        var kept: [UInt8] = []
        kept.reserveCapacity(arena.count - replacedBytes)
        for group in starts.indices where starts[group] >= 0 {
            let start = kept.count
            kept.append(contentsOf: arena[starts[group]..<(starts[group] + lengths[group])])
            starts[group] = start
        }
        arena = kept
        replacedBytes = 0
    }

    func columns(order: [Int32], hasSketch: [Bool]) -> [StateRows.Values] {
        var values = TextBuilder()
        for group in order {
            let start = starts[Int(group)]
            if start < 0 { values.appendNull() } else { values.append(arena[start..<(start + lengths[Int(group)])]) }
        }
        return [.column(Column(type: type, storage: .text(values.columnWithoutNulls()), nulls: values.nulls))]
    }

    var approximateBytes: Int { arena.capacity + starts.capacity * 16 }
}
