/// Which identities a partition showed lately.
///
///     duplicate(offset o, identity i)  ⇔  some offset in [o - length, o) of this partition holds i
///
/// A pure function of the log: whoever reads the `length` offsets before o again gets the same answer, also after a restart.
/// Every occurrence counts, also that of a duplicate or of a late event; rejected records have no identity and are not asked for.
///
/// Not promised: duplicates further apart, or in different partitions. The batch layer removes those.
///
/// A ring holds the occurrences in offset order (so that the oldest are forgotten in O(1)), and an open-addressing table with linear
/// probing leads from an identity to its last occurrence. Deletion moves the following entries back, so that no tombstones gather.
/// Source: D. Knuth, The Art of Computer Programming, vol. 3, section 6.4, Algorithm R.
public struct DuplicateHorizon: Sendable {
    /// In offsets.
    public let length: Int64

    // Occurrence number n (from 0 on) is at n & (capacity - 1).
    private var identities: [UInt128]
    private var offsets: [Int64]
    private var first = 0
    private var end = 0
    // 0: empty; else 1 + the place in the ring. Twice as long as the ring, so at most half full.
    private var table: [UInt32]

    public init(length: Int64) {
        precondition(length >= 0 && length <= Self.maximumLength, "a horizon of \(length) offsets")
        self.length = length
        let capacity = 64
        identities = [UInt128](repeating: 0, count: capacity)
        offsets = [Int64](repeating: 0, count: capacity)
        table = [UInt32](repeating: 0, count: 2 * capacity)
    }

    /// Places in the ring are 32 bits, and a gigabyte is enough.
    public static let maximumLength: Int64 = 1 << 25

    /// Occurrences that are remembered.
    public var count: Int { end - first }

    /// True where the identity occurred among the `length` offsets before this one; remembers this occurrence. Offsets ascend.
    public mutating func insert(_ identity: UInt128, at offset: Int64) -> Bool {
        precondition(end == first || offsets[(end - 1) & (offsets.count - 1)] < offset, "offset \(offset) does not ascend")
        // Written so that it cannot overflow: offsets are not negative.
        while first < end && offset - offsets[first & (offsets.count - 1)] > length { forgetFirst() }
        if end - first == offsets.count { grow() }

        let place = end & (offsets.count - 1)
        identities[place] = identity
        offsets[place] = offset
        end += 1

        let mask = table.count - 1
        var slot = Self.home(identity, mask)
        while table[slot] != 0 {
            if identities[Int(table[slot]) - 1] == identity {
                table[slot] = UInt32(place + 1)
                return true
            }
            slot = (slot + 1) & mask
        }
        table[slot] = UInt32(place + 1)
        return false
    }

    /// The identity is a hash already.
    @inline(__always)
    private static func home(_ identity: UInt128, _ mask: Int) -> Int { Int(truncatingIfNeeded: identity) & mask }

    private mutating func forgetFirst() {
        let place = first & (offsets.count - 1)
        first += 1
        let mask = table.count - 1
        var hole = Self.home(identities[place], mask)
        while true {
            // Not in the table: the identity occurred again since, and the entry leads there.
            if table[hole] == 0 { return }
            if Int(table[hole]) - 1 == place { break }
            hole = (hole + 1) & mask
        }
        var next = (hole + 1) & mask
        while table[next] != 0 {
            let home = Self.home(identities[Int(table[next]) - 1], mask)
            // It may move back only if its home does not lie behind the hole.
            if (next - home) & mask >= (next - hole) & mask {
                table[hole] = table[next]
                hole = next
            }
            next = (next + 1) & mask
        }
        table[hole] = 0
    }

    private mutating func grow() {
        let old = offsets.count
        var identities = [UInt128](repeating: 0, count: 2 * old)
        var offsets = [Int64](repeating: 0, count: 2 * old)
        for number in 0..<end - first {
            identities[number] = self.identities[(first + number) & (old - 1)]
            offsets[number] = self.offsets[(first + number) & (old - 1)]
        }
        end -= first
        first = 0
        self.identities = identities
        self.offsets = offsets
        table = [UInt32](repeating: 0, count: 4 * old)
        let mask = table.count - 1
        for place in 0..<end {
            var slot = Self.home(identities[place], mask)
            while table[slot] != 0 && identities[Int(table[slot]) - 1] != identities[place] { slot = (slot + 1) & mask }
            table[slot] = UInt32(place + 1)
        }
    }
}
