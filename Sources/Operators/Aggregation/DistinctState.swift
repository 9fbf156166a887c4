import Columns

/// count(DISTINCT x).
///
/// Batch: every (group, value) once, so that the count is exact, and a sketch of the same values where one is asked for.
/// Speed: a sketch: a group's hashes while they are few, then registers. Both layers hash alike: text by its UTF-8 bytes and whole numbers
/// as 64 bits, as the extension's hll_hash_text and hll_hash_bigint do; doubles by their bits, wide numerics and uuids by their sixteen bytes.
final class DistinctState: MeasureState {
    private let type: ScalarType
    private let isExact: Bool
    private let sketch: HyperLogLog
    private var dictionary = TextDictionary()
    private var pairs: PairSet
    private var counts: [Int64] = []
    /// Registers of the groups that outgrew the list of hashes, one block a group; `registerBlocks` says which block a group has, -1 for none.
    private var registers: [UInt8] = []
    private var registerBlocks: [Int32] = []

    init(_ type: ScalarType, isExact: Bool, sketch: HyperLogLog = .standard) {
        self.type = type
        self.isExact = isExact
        self.sketch = sketch
        let isWide = type == .uuid || type == .interval || (type.isWideNumeric)
        pairs = PairSet(valueWidth: isExact && isWide ? 2 : 1)
    }

    func add(groups: [Int32], values: Vector?, groupCount: Int) {
        guard let values = values?.withSharedForms else { preconditionFailure("count(DISTINCT) without values") }
        counts.grow(to: groupCount, 0)
        if isExact {
            let words: ([UInt64], [UInt64])
            if case .text(let texts) = values.values {
                words = (dictionary.encode(texts, nulls: values.nulls, null: .max), [])
            } else {
                words = valueWords(values)
            }
            _ = pairs.insert(groups: groups, first: words.0, second: words.1, isSkipped: values.nulls, counts: &counts)
            return
        }
        let hashes = valueHashes(values)
        let full = pairs.insert(
            groups: groups, first: hashes, second: [], isSkipped: values.nulls, counts: &counts, limit: Int64(sketch.explicitLimit))
        addToRegisters(full, groups, hashes)
    }

    private func addToRegisters(_ rows: [Int], _ groups: [Int32], _ hashes: [UInt64]) {
        guard !rows.isEmpty else { return }
        registerBlocks.grow(to: counts.count, -1)
        for row in rows where registerBlocks[Int(groups[row])] < 0 {
            registerBlocks[Int(groups[row])] = Int32(registers.count / sketch.registerCount)
            registers.append(contentsOf: repeatElement(0, count: sketch.registerCount))
        }
        registers.withUnsafeMutableBufferPointer { registers in
            for row in rows {
                let (index, value) = sketch.register(hashes[row])
                let at = Int(registerBlocks[Int(groups[row])]) * sketch.registerCount + index
                registers[at] = max(registers[at], value)
            }
        }
    }

    /// The hashes and registers of a union are those of the parts: which of them were seen first does not matter.
    func merge(_ newGroups: [Int32], groupCount: Int) {
        var merged = [Int64](repeating: 0, count: groupCount)
        let (set, full) = pairs.merged(newGroups, counts: &merged, limit: isExact ? .max : Int64(sketch.explicitLimit))
        let oldRegisters = registerBlocks.indices.map { registers(of: $0) }
        pairs = set
        counts = merged
        registers = []
        registerBlocks = []
        addToRegisters(Array(full.indices), full.map(\.group), full.map(\.first))
        for (group, old) in oldRegisters.enumerated() where !old.isEmpty { addToRegisters(old, of: Int(newGroups[group])) }
    }

    private func addToRegisters(_ more: [UInt8], of group: Int) {
        registerBlocks.grow(to: counts.count, -1)
        guard registerBlocks[group] >= 0 else {
            registerBlocks[group] = Int32(registers.count / sketch.registerCount)
            return registers.append(contentsOf: more)
        }
        let start = Int(registerBlocks[group]) * sketch.registerCount
        for index in more.indices { registers[start + index] = max(registers[start + index], more[index]) }
    }

    private func registers(of group: Int) -> [UInt8] {
        guard group < registerBlocks.count, registerBlocks[group] >= 0 else { return [] }
        let start = Int(registerBlocks[group]) * sketch.registerCount
        return Array(registers[start..<(start + sketch.registerCount)])
    }

    func columns(order: [Int32], hasSketch: [Bool]) -> [StateRows.Values] {
        var sketches = TextBuilder()
        let isText = isExact && type.layout == .text
        let grouped = hasSketch.contains(true) ? pairs.grouped(counts.count) { hashOfPair($0, $1, isText: isText) } : ([], [])
        for (position, group) in order.enumerated() {
            guard hasSketch[position] else {
                sketches.appendNull()
                continue
            }
            let hashes = Array(grouped.0[grouped.1[Int(group)]..<grouped.1[Int(group) + 1]])
            let bytes = sketch.encode(hashes: hashes, registers: registers(of: Int(group)))
            sketches.append { HyperLogLog.appendText(bytes, to: &$0) }
        }
        let column = StateRows.Values.text(sketches.column())
        return isExact ? [.counts(gather(counts, order)), column] : [column]
    }

    private func hashOfPair(_ first: UInt64, _ second: UInt64, isText: Bool) -> UInt64 {
        if !isExact { return first }
        if isText { return dictionary.withBytes(Int(first)) { Murmur3.hash($0).0 } }
        return pairs.valueWidth == 2 ? Murmur3.hash(first, second).0 : Murmur3.hash(first).0
    }

    /// What tells values apart, as one or two words that hash as the type's canonical bytes.
    private func valueWords(_ vector: Vector) -> ([UInt64], [UInt64]) {
        switch vector.values {
        case .int64(let values): (values.map { UInt64(bitPattern: $0) }, [])
        case .bool(let values): (values.map { UInt64($0) }, [])
        case .float64(let values): (values.map { canonical($0).bitPattern }, [])
        case .int128(let values):
            (values.map { UInt64(truncatingIfNeeded: $0) }, values.map { UInt64(truncatingIfNeeded: $0 >> 64) })
        case .bits128(let values):
            (values.map { UInt64(truncatingIfNeeded: $0 >> 64).byteSwapped }, values.map { UInt64(truncatingIfNeeded: $0).byteSwapped })
        case .text: preconditionFailure("text is told apart by its dictionary")
        }
    }

    private func valueHashes(_ vector: Vector) -> [UInt64] {
        if case .text(let texts) = vector.values {
            return texts.bytes.withUnsafeBytes { bytes in
                texts.starts.indices.map { Murmur3.hash(UnsafeRawBufferPointer(rebasing: bytes[texts.starts[$0]..<texts.ends[$0]])).0 }
            }
        }
        let (first, second) = valueWords(vector)
        return second.isEmpty ? first.map { Murmur3.hash($0).0 } : zip(first, second).map { Murmur3.hash($0, $1).0 }
    }

    var approximateBytes: Int {
        dictionary.approximateBytes + pairs.approximateBytes + counts.capacity * 8 + registers.capacity
    }
}

extension ScalarType {
    fileprivate var isWideNumeric: Bool { if case .numeric = self { !isNarrowNumeric } else { false } }
}
