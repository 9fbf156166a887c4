import Columns

/// Strings to dense codes, in order of first appearance: a group key or a distinct value then is one word wherever it stands.
///
/// Open addressing over (32 bits of hash, code); the bytes lie in one arena and decide.
struct TextDictionary {
    private var arena: [UInt8] = []
    private var ends: [Int] = []
    /// 0 where empty, else hash in the upper and code + 1 in the lower half.
    private var slots = [UInt64](repeating: 0, count: 64)

    var count: Int { ends.count }
    var approximateBytes: Int { arena.capacity + ends.capacity * 8 + slots.count * 8 }

    /// The codes of some strings; `null` for those that are null.
    mutating func encode(_ texts: TextValues, nulls: [UInt8], null: UInt64) -> [UInt64] {
        // First those that are known, reading only; then, rarely, the new ones.
        var (codes, hashes, missing) = search(texts, nulls: nulls, null: null)
        for row in missing {
            codes[row] = UInt64(insert(texts.bytes[texts.starts[row]..<texts.ends[row]], hash: hashes[row]))
        }
        return codes
    }

    /// The same without adding any: `unknown` for a string that is not there.
    func known(_ texts: TextValues, nulls: [UInt8], null: UInt64, unknown: UInt64) -> [UInt64] {
        var (codes, _, missing) = search(texts, nulls: nulls, null: null)
        for row in missing { codes[row] = unknown }
        return codes
    }

    private func search(
        _ texts: TextValues, nulls: [UInt8], null: UInt64
    ) -> (codes: [UInt64], hashes: [UInt64], missing: [Int]) {
        let rows = texts.starts.count
        var missing: [Int] = []
        let known = slots.count - 1
        var codes = [UInt64](repeating: null, count: rows)
        let hashes = [UInt64](unsafeUninitializedCapacity: rows) { target, count in
            texts.bytes.withUnsafeBytes { bytes in
                for row in 0..<rows {
                    target.initializeElement(at: row, to: hashBytes(bytes, texts.starts[row], texts.ends[row] - texts.starts[row]))
                }
            }
            count = rows
        }
        texts.bytes.withUnsafeBytes { bytes in
            arena.withUnsafeBytes { arena in
                slots.withUnsafeBufferPointer { slots in
                    ends.withUnsafeBufferPointer { ends in
                        codes.withUnsafeMutableBufferPointer { codes in
                            for row in 0..<rows where nulls.isEmpty || nulls[row] == 0 {
                                let start = texts.starts[row]
                                let length = texts.ends[row] - start
                                let tag = hashes[row] >> 32
                                var slot = Int(truncatingIfNeeded: hashes[row]) & known
                                while true {
                                    let entry = slots[slot]
                                    if entry == 0 {
                                        missing.append(row)
                                        break
                                    }
                                    if entry >> 32 == tag {
                                        let code = Int(truncatingIfNeeded: entry & 0xffff_ffff) - 1
                                        let from = code == 0 ? 0 : ends[code - 1]
                                        if ends[code] - from == length, compareBytes(arena, from, bytes, start, length) == 0 {
                                            codes[row] = UInt64(truncatingIfNeeded: code)
                                            break
                                        }
                                    }
                                    slot = (slot + 1) & known
                                }
                            }
                        }
                    }
                }
            }
        }
        return (codes, hashes, missing)
    }

    private mutating func insert(_ text: ArraySlice<UInt8>, hash: UInt64) -> Int {
        var slot = Int(truncatingIfNeeded: hash) & (slots.count - 1)
        while slots[slot] != 0 {
            let code = Int(truncatingIfNeeded: slots[slot] & 0xffff_ffff) - 1
            if slots[slot] >> 32 == hash >> 32, self[code] == text { return code }
            slot = (slot + 1) & (slots.count - 1)
        }
        let code = ends.count
        precondition(code < Int(UInt32.max) - 1, "a dictionary holds at most 2^32 - 2 strings")
        arena.append(contentsOf: text)
        ends.append(arena.count)
        slots[slot] = (hash >> 32) << 32 | UInt64(code + 1)
        if ends.count * 2 > slots.count { grow() }
        return code
    }

    private mutating func grow() {
        var larger = [UInt64](repeating: 0, count: slots.count * 4)
        arena.withUnsafeBytes { bytes in
            for code in ends.indices {
                let start = self.start(code)
                let hash = hashBytes(bytes, start, ends[code] - start)
                var slot = Int(truncatingIfNeeded: hash) & (larger.count - 1)
                while larger[slot] != 0 { slot = (slot + 1) & (larger.count - 1) }
                larger[slot] = (hash >> 32) << 32 | UInt64(code + 1)
            }
        }
        slots = larger
    }

    private func start(_ code: Int) -> Int { code == 0 ? 0 : ends[code - 1] }

    subscript(_ code: Int) -> ArraySlice<UInt8> { arena[start(code)..<ends[code]] }

    func withBytes<R>(_ code: Int, _ body: (UnsafeRawBufferPointer) -> R) -> R {
        arena.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[start(code)..<ends[code]])) }
    }

    /// For each code its place in bytewise order.
    func ranks() -> [UInt64] {
        var order = Array(ends.indices)
        arena.withUnsafeBytes { bytes in
            order.sort { a, b in
                let (startA, startB) = (start(a), start(b))
                let (lengthA, lengthB) = (ends[a] - startA, ends[b] - startB)
                let first = compareBytes(bytes, startA, bytes, startB, min(lengthA, lengthB))
                return first != 0 ? first < 0 : lengthA < lengthB
            }
        }
        var ranks = [UInt64](repeating: 0, count: order.count)
        for (rank, code) in order.enumerated() { ranks[code] = UInt64(rank) }
        return ranks
    }
}
