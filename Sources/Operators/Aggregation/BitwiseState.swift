import Columns

/// bit_and, bit_or and bit_xor of whole numbers. Two's complement: a narrower number with its sign carried on has the same bits below.
final class BitwiseState: MeasureState {
    enum Operation { case and, or, xor }

    private let type: ScalarType
    private let operation: Operation
    private var bits: [Int64] = []
    private var hasValue: [UInt8] = []

    init(_ type: ScalarType, _ operation: Operation) {
        self.type = type
        self.operation = operation
    }

    /// What changes nothing.
    private var neutral: Int64 { operation == .and ? -1 : 0 }

    @inline(__always) private func combine(_ first: Int64, _ second: Int64) -> Int64 {
        switch operation {
        case .and: first & second
        case .or: first | second
        case .xor: first ^ second
        }
    }

    func add(groups: [Int32], values: Vector?, groupCount: Int) {
        guard let values, case .int64(let numbers) = values.values else { preconditionFailure("bits of what is no whole number") }
        bits.grow(to: groupCount, neutral)
        hasValue.grow(to: groupCount, 0)
        bits.withUnsafeMutableBufferPointer { bits in
            hasValue.withUnsafeMutableBufferPointer { hasValue in
                numbers.withUnsafeBufferPointer { numbers in
                    for row in 0..<numbers.count where values.nulls.isEmpty || values.nulls[row] == 0 {
                        let group = Int(groups[row])
                        bits[group] = combine(bits[group], numbers[row])
                        hasValue[group] = 1
                    }
                }
            }
        }
    }

    func merge(_ newGroups: [Int32], groupCount: Int) {
        bits.merge(newGroups, groupCount, neutral) { $0 = combine($0, $1) }
        hasValue.merge(newGroups, groupCount, 0) { $0 |= $1 }
    }

    func columns(order: [Int32], hasSketch: [Bool]) -> [StateRows.Values] {
        let nulls = gather(hasValue, order).map { $0 ^ 1 }
        return [.column(Column(type: type, storage: .int64(gather(bits, order)), nulls: nulls.contains(1) ? nulls : []))]
    }

    var approximateBytes: Int { bits.capacity * 8 + hasValue.capacity }
}
