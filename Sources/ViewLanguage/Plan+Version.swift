import Foundation

extension Plan {
    /// Twelve hex digits that name what the plan's rows depend on: plans that give the same rows of the same log have equal versions, whatever
    /// else their source declares (see `canonical`).
    public var version: String { ContentHash.name(of: canonical) }
}

/// Names of contents: equal values have equal names, in every process and on every machine (Swift's Hasher is seeded per process, so it will
/// not do).
///
/// The hash is FNV-1a with 128 bits (Fowler, Noll, Vo; http://www.isthe.com/chongo/tech/comp/fnv/) over the canonical JSON
/// (sorted keys, no white space), folded to its 48 bits. It need not resist an adversary: versions are compared only with
/// earlier versions of the same view, which the same person wrote.
enum ContentHash {
    /// Twelve hex digits.
    static func name(of value: some Encodable) -> String {
        var hash: UInt128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d
        for byte in canonicalJSON(value) { hash = (hash ^ UInt128(byte)) &* 0x0000_0000_0100_0000_0000_0000_0000_013b }
        // The last bytes move mostly the upper half, the first ones both: fold them, and let every bit move every other.
        var folded = UInt64(truncatingIfNeeded: hash ^ (hash >> 64))
        folded = (folded ^ (folded >> 33)) &* 0xff51_afd7_ed55_8ccd
        folded = (folded ^ (folded >> 33)) &* 0xc4ce_b9fe_1a85_ec53
        folded ^= folded >> 33
        let digits = String(folded >> 16, radix: 16)
        return String(repeating: "0", count: 12 - digits.count) + digits
    }

    /// One text for one value.
    private static func canonicalJSON(_ value: some Encodable) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let data = try? encoder.encode(value) else {
            // Encoding fails on infinities and NaN only, and constants are finite.
            preconditionFailure("a plan with a constant that is not finite")
        }
        return Array(data)
    }
}
