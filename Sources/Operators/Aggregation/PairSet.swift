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

    /// True where the pair is new. Room must have been reserved.
    @inline(__always)
    mutating func insert(_ group: Int32, _ first: UInt64, _ second: UInt64) -> Bool {
        let stride = valueWidth + 1
        let owner = UInt64(UInt32(bitPattern: group)) + 1
        var slot = Int(truncatingIfNeeded: hashWord(valueWidth == 2 ? hashWord(second, seed: first) : first, seed: owner)) & slotMask
        let isNew = slots.withUnsafeMutableBufferPointer { slots -> Bool in
            while true {
                let at = slot &* stride
                if slots[at] == 0 {
                    slots[at] = owner
                    slots[at + 1] = first
                    if valueWidth == 2 { slots[at + 2] = second }
                    return true
                }
                if slots[at] == owner, slots[at + 1] == first, valueWidth == 1 || slots[at + 2] == second { return false }
                slot = (slot + 1) & slotMask
            }
        }
        if isNew { count += 1 }
        return isNew
    }

    private mutating func grow() {
        var larger = PairSet(valueWidth: valueWidth)
        larger.slotMask = (slotMask + 1) * 2 - 1
        larger.slots = [UInt64](repeating: 0, count: (larger.slotMask + 1) * (valueWidth + 1))
        forEach { group, first, second in _ = larger.insert(group, first, second) }
        self = larger
    }

    func forEach(_ body: (Int32, UInt64, UInt64) -> Void) {
        let stride = valueWidth + 1
        for slot in 0...slotMask where slots[slot * stride] != 0 {
            let at = slot * stride
            body(Int32(bitPattern: UInt32(slots[at] - 1)), slots[at + 1], valueWidth == 2 ? slots[at + 2] : 0)
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
