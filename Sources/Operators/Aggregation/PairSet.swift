/// A set of (group, value) pairs, the value one or two words: what exact distinct counts and the first hashes of sketches are kept in.
/// Open addressing; a slot holds group + 1 (0: empty) and the value's words.
struct PairSet {
    let valueWidth: Int
    private(set) var count = 0
    private var slots: [UInt64]
    private var slotMask: Int

    init(valueWidth: Int) {
        self.valueWidth = valueWidth
        slots = [UInt64](repeating: 0, count: 256 * (valueWidth + 1))
        slotMask = 255
    }

    var approximateBytes: Int { slots.count * 8 }

    /// Makes room for so many more.
    mutating func reserve(_ more: Int) {
        // At most two thirds full.
        while (count + more) * 3 > (slotMask + 1) * 2 { grow() }
    }

    /// Inserts a pair a row and counts what was new in `counts[group]`. Rows for which `isSkipped` is set are passed over (empty: none).
    /// A group whose count is above `limit` takes no more: its rows come back.
    mutating func insert(
        groups: [Int32], first: [UInt64], second: [UInt64], isSkipped: [UInt8], counts: inout [Int64], limit: Int64 = .max
    ) -> [Int] {
        // Rows in full groups are few until a group has many: collected apart, so that the loop below does nothing else.
        var full: [Int] = []
        reserve(groups.count)
        let stride = valueWidth + 1
        let (mask, isWide) = (slotMask, valueWidth == 2)
        var inserted = 0
        slots.withUnsafeMutableBufferPointer { slots in
            counts.withUnsafeMutableBufferPointer { counts in
                for row in 0..<groups.count where isSkipped.isEmpty || isSkipped[row] == 0 {
                    let group = groups[row]
                    if counts[Int(group)] > limit {
                        full.append(row)
                        continue
                    }
                    let isNew = Self.insert(&slots, stride, mask, group, first[row], isWide ? second[row] : 0)
                    counts[Int(group)] &+= isNew ? 1 : 0
                    inserted &+= isNew ? 1 : 0
                }
            }
        }
        count += inserted
        return full
    }

    /// True where the pair is new. Room must have been reserved.
    mutating func insert(_ group: Int32, _ first: UInt64, _ second: UInt64) -> Bool {
        let (stride, mask) = (valueWidth + 1, slotMask)
        let isNew = slots.withUnsafeMutableBufferPointer { Self.insert(&$0, stride, mask, group, first, second) }
        if isNew { count += 1 }
        return isNew
    }

    /// True where the pair is new.
    @inline(__always)
    private static func insert(
        _ slots: inout UnsafeMutableBufferPointer<UInt64>, _ stride: Int, _ mask: Int, _ group: Int32, _ first: UInt64, _ second: UInt64
    ) -> Bool {
        let owner = UInt64(UInt32(bitPattern: group)) + 1
        var slot = Int(truncatingIfNeeded: hashWord(stride == 3 ? hashWord(second, seed: first) : first, seed: owner)) & mask
        while true {
            let at = slot &* stride
            if slots[at] == 0 {
                slots[at] = owner
                slots[at + 1] = first
                if stride == 3 { slots[at + 2] = second }
                return true
            }
            if slots[at] == owner, slots[at + 1] == first, stride == 2 || slots[at + 2] == second { return false }
            slot = (slot + 1) & mask
        }
    }

    private mutating func grow() {
        let (stride, mask) = (valueWidth + 1, (slotMask + 1) * 2 - 1)
        var larger = [UInt64](repeating: 0, count: (mask + 1) * stride)
        larger.withUnsafeMutableBufferPointer { larger in
            forEach { group, first, second in _ = Self.insert(&larger, stride, mask, group, first, second) }
        }
        slots = larger
        slotMask = mask
    }

    /// The same pairs under other groups, each once; `counts` gets how many each new group has. Pairs of a group whose count is above `limit`
    /// come back instead.
    func merged(
        _ newGroups: [Int32], counts: inout [Int64], limit: Int64 = .max
    ) -> (set: PairSet, full: [(group: Int32, first: UInt64)]) {
        var set = PairSet(valueWidth: valueWidth)
        set.reserve(count)
        var full: [(group: Int32, first: UInt64)] = []
        forEach { group, first, second in
            let new = newGroups[Int(group)]
            if counts[Int(new)] > limit {
                full.append((new, first))
            } else if set.insert(new, first, second) {
                counts[Int(new)] += 1
            }
        }
        return (set, full)
    }

    @inline(__always)
    func forEach(_ body: (Int32, UInt64, UInt64) -> Void) {
        let stride = valueWidth + 1
        slots.withUnsafeBufferPointer { slots in
            for at in Swift.stride(from: 0, to: slots.count, by: stride) where slots[at] != 0 {
                body(Int32(bitPattern: UInt32(slots[at] - 1)), slots[at + 1], stride == 3 ? slots[at + 2] : 0)
            }
        }
    }

    /// Every group's entries together: `hash` of each pair, and where each group's begin and end.
    func grouped(_ groupCount: Int, _ hash: (UInt64, UInt64) -> UInt64) -> (hashes: [UInt64], starts: [Int]) {
        var starts = [Int](repeating: 0, count: groupCount + 1)
        forEach { group, _, _ in starts[Int(group) + 1] += 1 }
        for group in 0..<groupCount { starts[group + 1] += starts[group] }
        var next = starts
        var hashes = [UInt64](repeating: 0, count: count)
        forEach { group, first, second in
            hashes[next[Int(group)]] = hash(first, second)
            next[Int(group)] += 1
        }
        return (hashes, starts)
    }
}
