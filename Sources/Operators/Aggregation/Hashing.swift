// Hashes for tables in memory: quick, and never stored.

/// The two halves of a 128-bit product, folded: one multiplication mixes every bit of a word.
@inline(__always)
func mix(_ a: UInt64, _ b: UInt64) -> UInt64 {
    let product = a.multipliedFullWidth(by: b)
    return product.high ^ product.low
}

@inline(__always)
func hashWord(_ word: UInt64, seed: UInt64) -> UInt64 { mix(word ^ 0x9e37_79b9_7f4a_7c15, seed ^ 0xe703_7ed1_a0b4_28db) }

/// The hash of bytes[start ..< start + length].
@inline(__always)
func hashBytes(_ bytes: UnsafeRawBufferPointer, _ start: Int, _ length: Int) -> UInt64 {
    var hash: UInt64 = 0xa076_1d64_78bd_642f ^ UInt64(truncatingIfNeeded: length)
    guard let base = bytes.baseAddress else { return hashWord(0, seed: hash) }
    var at = base + start
    var rest = length
    while rest >= 8 {
        hash = hashWord(at.loadUnaligned(as: UInt64.self), seed: hash)
        at += 8
        rest -= 8
    }
    var tail: UInt64 = 0
    if rest >= 4 {
        // Two loads that may overlap cover four to seven bytes.
        tail = UInt64(at.loadUnaligned(as: UInt32.self)) << 32 | UInt64((at + rest - 4).loadUnaligned(as: UInt32.self))
    } else if rest > 0 {
        tail =
            UInt64(at.load(as: UInt8.self)) << 16 | UInt64((at + rest / 2).load(as: UInt8.self)) << 8
            | UInt64((at + rest - 1).load(as: UInt8.self))
    }
    hash = hashWord(tail, seed: hash)
    return hash
}
