/// Group keys of a fixed number of words to dense group numbers, in order of first appearance.
///
/// Open addressing over (32 bits of hash, group); the keys lie in one array and decide.
struct GroupTable {
    /// Words a key. None: there is one group.
    let width: Int
    /// Keys, one after the other.
    private(set) var keys: [UInt64] = []
    private(set) var count = 0
    /// 0 where empty, else hash in the upper and group + 1 in the lower half.
    private var slots = [UInt64](repeating: 0, count: 256)

    init(width: Int) { self.width = width }

    var approximateBytes: Int { keys.capacity * 8 + slots.count * 8 }

    /// The groups of `rows` keys that stand one after the other in `words`; new ones are added.
    mutating func groups(of words: [UInt64], rows: Int) -> [Int32] {
        guard width > 0 else {
            if rows > 0 { count = 1 }
            return [Int32](repeating: 0, count: rows)
        }
        return switch width {
        case 1: find(words, rows) { a, i, b, j in a[i] == b[j] }
        case 2: find(words, rows) { a, i, b, j in a[i] == b[j] && a[i + 1] == b[j + 1] }
        case 3: find(words, rows) { a, i, b, j in a[i] == b[j] && a[i + 1] == b[j + 1] && a[i + 2] == b[j + 2] }
        default: find(words, rows) { [width] a, i, b, j in (0..<width).allSatisfy { a[i + $0] == b[j + $0] } }
        }
    }

    /// The same without adding any: -1 where there is none.
    func known(_ words: [UInt64], rows: Int) -> [Int32] {
        precondition(width > 0, "a table without a key")
        let hashes = hashes(of: words, rows)
        return switch width {
        case 1: search(words, rows, hashes) { a, i, b, j in a[i] == b[j] }.groups
        case 2: search(words, rows, hashes) { a, i, b, j in a[i] == b[j] && a[i + 1] == b[j + 1] }.groups
        default: search(words, rows, hashes) { [width] a, i, b, j in (0..<width).allSatisfy { a[i + $0] == b[j + $0] } }.groups
        }
    }

    @inline(__always)
    private mutating func find(
        _ words: [UInt64], _ rows: Int, _ isEqual: (UnsafeBufferPointer<UInt64>, Int, UnsafeBufferPointer<UInt64>, Int) -> Bool
    ) -> [Int32] {
        let hashes = hashes(of: words, rows)
        // First those that are known, reading only; then the new ones.
        var (groups, missing) = search(words, rows, hashes, isEqual)
        for row in missing { groups[row] = insert(words[(row * width)..<(row * width + width)], hash: hashes[row]) }
        return groups
    }

    /// The groups that are there; -1, and their places in the list, for those that are not.
    @inline(__always)
    private func search(
        _ words: [UInt64], _ rows: Int, _ hashes: [UInt64],
        _ isEqual: (UnsafeBufferPointer<UInt64>, Int, UnsafeBufferPointer<UInt64>, Int) -> Bool
    ) -> (groups: [Int32], missing: [Int]) {
        var missing: [Int] = []
        var groups = [Int32](repeating: -1, count: rows)
        let mask = slots.count - 1
        let width = width
        words.withUnsafeBufferPointer { words in
            keys.withUnsafeBufferPointer { keys in
                slots.withUnsafeBufferPointer { slots in
                    groups.withUnsafeMutableBufferPointer { groups in
                        for row in 0..<rows {
                            let hash = hashes[row]
                            var slot = Int(truncatingIfNeeded: hash) & mask
                            while true {
                                let entry = slots[slot]
                                if entry == 0 {
                                    missing.append(row)
                                    break
                                }
                                let group = Int(truncatingIfNeeded: entry & 0xffff_ffff) - 1
                                if entry >> 32 == hash >> 32, isEqual(words, row &* width, keys, group &* width) {
                                    groups[row] = Int32(truncatingIfNeeded: group)
                                    break
                                }
                                slot = (slot + 1) & mask
                            }
                        }
                    }
                }
            }
        }
        return (groups, missing)
    }

    private mutating func insert(_ key: ArraySlice<UInt64>, hash: UInt64) -> Int32 {
        var slot = Int(truncatingIfNeeded: hash) & (slots.count - 1)
        while slots[slot] != 0 {
            let group = Int(truncatingIfNeeded: slots[slot] & 0xffff_ffff) - 1
            if slots[slot] >> 32 == hash >> 32, keys[(group * width)..<(group * width + width)] == key { return Int32(group) }
            slot = (slot + 1) & (slots.count - 1)
        }
        precondition(count < Int(Int32.max), "an aggregator holds at most 2^31 - 1 groups")
        keys.append(contentsOf: key)
        count += 1
        slots[slot] = (hash >> 32) << 32 | UInt64(count)
        if count * 2 > slots.count { grow() }
        return Int32(count - 1)
    }

    private mutating func grow() {
        var larger = [UInt64](repeating: 0, count: slots.count * 4)
        for (group, hash) in hashes(of: keys, count).enumerated() {
            var slot = Int(truncatingIfNeeded: hash) & (larger.count - 1)
            while larger[slot] != 0 { slot = (slot + 1) & (larger.count - 1) }
            larger[slot] = (hash >> 32) << 32 | UInt64(group + 1)
        }
        slots = larger
    }

    private func hashes(of words: [UInt64], _ rows: Int) -> [UInt64] {
        let width = width
        return [UInt64](unsafeUninitializedCapacity: rows) { target, count in
            words.withUnsafeBufferPointer { words in
                for row in 0..<rows {
                    var hash: UInt64 = 0
                    for word in 0..<width { hash = hashWord(words[row &* width &+ word], seed: hash) }
                    target.initializeElement(at: row, to: hash)
                }
            }
            count = rows
        }
    }
}
