/// MurmurHash3_x64_128 (Austin Appleby, public domain), seed 0: what postgresql-hll hashes with, so that our sketches and the extension's agree,
/// and what event identities are made of.
enum Murmur3 {
    private static let c1: UInt64 = 0x87c3_7b91_1142_53d5
    private static let c2: UInt64 = 0x4cf5_ad43_2745_937f

    @inline(__always)
    private static func rotate(_ value: UInt64, _ count: UInt64) -> UInt64 { value << count | value >> (64 - count) }

    @inline(__always)
    private static func finalize(_ value: UInt64) -> UInt64 {
        var k = value
        k ^= k >> 33
        k &*= 0xff51_afd7_ed55_8ccd
        k ^= k >> 33
        k &*= 0xc4ce_b9fe_1a85_ec53
        k ^= k >> 33
        return k
    }

    @inline(__always)
    private static func mixLow(_ value: UInt64) -> UInt64 { rotate(value &* c1, 31) &* c2 }
    @inline(__always)
    private static func mixHigh(_ value: UInt64) -> UInt64 { rotate(value &* c2, 33) &* c1 }

    @inline(__always)
    private static func finish(_ first: UInt64, _ second: UInt64, count: Int) -> (UInt64, UInt64) {
        var h1 = first ^ UInt64(truncatingIfNeeded: count)
        var h2 = second ^ UInt64(truncatingIfNeeded: count)
        h1 &+= h2
        h2 &+= h1
        h1 = finalize(h1)
        h2 = finalize(h2)
        h1 &+= h2
        h2 &+= h1
        return (h1, h2)
    }

    @inline(__always)
    private static func block(_ h1: inout UInt64, _ h2: inout UInt64, _ k1: UInt64, _ k2: UInt64) {
        h1 ^= mixLow(k1)
        h1 = (rotate(h1, 27) &+ h2) &* 5 &+ 0x52dc_e729
        h2 ^= mixHigh(k2)
        h2 = (rotate(h2, 31) &+ h1) &* 5 &+ 0x3849_5ab5
    }

    static func hash(_ bytes: UnsafeRawBufferPointer) -> (UInt64, UInt64) {
        var h1: UInt64 = 0
        var h2: UInt64 = 0
        let whole = bytes.count & ~15
        var at = 0
        while at < whole {
            block(
                &h1, &h2, UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: at, as: UInt64.self)),
                UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: at + 8, as: UInt64.self)))
            at += 16
        }
        var k1: UInt64 = 0
        var k2: UInt64 = 0
        var tail = bytes.count - 1
        while tail >= whole + 8 {
            k2 = k2 << 8 | UInt64(bytes[tail])
            tail -= 1
        }
        while tail >= whole {
            k1 = k1 << 8 | UInt64(bytes[tail])
            tail -= 1
        }
        h2 ^= mixHigh(k2)
        h1 ^= mixLow(k1)
        return finish(h1, h2, count: bytes.count)
    }

    /// The hash of eight little-endian bytes.
    @inline(__always)
    static func hash(_ word: UInt64) -> (UInt64, UInt64) { finish(mixLow(word), 0, count: 8) }

    /// The hash of sixteen bytes, given as two little-endian words.
    @inline(__always)
    static func hash(_ first: UInt64, _ second: UInt64) -> (UInt64, UInt64) {
        var h1: UInt64 = 0
        var h2: UInt64 = 0
        block(&h1, &h2, first, second)
        return finish(h1, h2, count: 16)
    }

    /// The hash of twenty-four bytes, given as three little-endian words.
    @inline(__always)
    static func hash(_ first: UInt64, _ second: UInt64, _ third: UInt64) -> (UInt64, UInt64) {
        var h1: UInt64 = 0
        var h2: UInt64 = 0
        block(&h1, &h2, first, second)
        return finish(h1 ^ mixLow(third), h2, count: 24)
    }
}
