/// The identities of the events that a run has kept: a set of 128-bit hashes in one block of memory.
///
/// Open addressing with linear probing. A hash's home is its high half scaled to the number of slots (`high × slots / 2^64`), so that
/// slots need not be a power of two and the order of homes is the order of hashes: growing walks both tables once from front to back.
/// Zero marks a free slot (an identity of zero belongs to a rejected record, which never comes here).
///
/// Memory: 16 bytes a slot; between 1.34 and 2 slots an identity, 1.34 where the number was known before.
struct IdentitySet: ~Copyable {
    private var slots: UnsafeMutablePointer<UInt128>
    private(set) var slotCount: Int
    private(set) var count = 0
    /// At three quarters full a search looks at 2.5 slots (hit) or 8.5 (miss) on average: two cache lines.
    private var limit: Int

    private static let smallestSlotCount = 1_024

    /// - Parameter expected: how many identities will come at most, where that is known: then the set never grows.
    init(expected: Int = 0) {
        slotCount = max(Self.smallestSlotCount, Self.slots(for: expected))
        limit = Self.limit(slotCount)
        slots = Self.allocate(slotCount)
    }

    deinit { slots.deallocate() }

    var bytes: Int { slotCount * MemoryLayout<UInt128>.stride }

    /// The most that `count` more insertions hold at one time: while it grows, the old and the new table.
    func peakBytes(adding more: Int) -> Int {
        guard count + more > limit else { return bytes }
        return bytes + Self.grown(slotCount, for: count + more) * MemoryLayout<UInt128>.stride
    }

    /// Makes room for that many more, so that `insert` can be called so often.
    mutating func reserve(_ more: Int) {
        guard count + more > limit else { return }
        let newCount = Self.grown(slotCount, for: count + more)
        let new = Self.allocate(newCount)
        for old in 0..<slotCount where slots[old] != 0 {
            let identity = slots[old]
            var slot = Self.home(identity, newCount)
            while new[slot] != 0 {
                slot += 1
                if slot == newCount { slot = 0 }
            }
            new[slot] = identity
        }
        slots.deallocate()
        slots = new
        slotCount = newCount
        limit = Self.limit(newCount)
    }

    func contains(_ identity: UInt128) -> Bool {
        var slot = Self.home(identity, slotCount)
        while slots[slot] != 0 {
            if slots[slot] == identity { return true }
            slot += 1
            if slot == slotCount { slot = 0 }
        }
        return false
    }

    /// True where the identity is new. The caller has reserved the room.
    @inline(__always)
    mutating func insert(_ identity: UInt128) -> Bool {
        var slot = Self.home(identity, slotCount)
        while true {
            let found = slots[slot]
            if found == identity { return false }
            if found == 0 { break }
            slot += 1
            if slot == slotCount { slot = 0 }
        }
        slots[slot] = identity
        count += 1
        return true
    }

    private static func allocate(_ count: Int) -> UnsafeMutablePointer<UInt128> {
        let pointer = UnsafeMutablePointer<UInt128>.allocate(capacity: count)
        pointer.initialize(repeating: 0, count: count)
        return pointer
    }

    @inline(__always)
    private static func home(_ identity: UInt128, _ slotCount: Int) -> Int {
        Int(truncatingIfNeeded: UInt64(truncatingIfNeeded: identity >> 64).multipliedFullWidth(by: UInt64(slotCount)).high)
    }

    private static func limit(_ slotCount: Int) -> Int { slotCount / 4 * 3 }
    private static func slots(for count: Int) -> Int { count / 3 * 4 + 8 }
    private static func grown(_ slotCount: Int, for count: Int) -> Int { max(slotCount + slotCount / 2, slots(for: count)) }
}
