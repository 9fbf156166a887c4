/// Reproducible random numbers: xoshiro256** by Blackman and Vigna (https://prng.di.unimi.it, public domain), seeded through SplitMix64.
/// Integer arithmetic only, so that the same seed gives the same bytes on every machine.
struct SeededRandom: Sendable {
    private var state: (UInt64, UInt64, UInt64, UInt64)

    init(seed: UInt64) {
        var splitMix = seed
        func next() -> UInt64 {
            splitMix &+= 0x9E37_79B9_7F4A_7C15
            var z = splitMix
            z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            return z ^ (z >> 31)
        }
        state = (next(), next(), next(), next())
    }

    mutating func next() -> UInt64 {
        let product = state.1 &* 5
        let result = ((product << 7) | (product >> 57)) &* 9
        let shifted = state.1 << 17
        state.2 ^= state.0
        state.3 ^= state.1
        state.1 ^= state.2
        state.0 ^= state.3
        state.2 ^= shifted
        state.3 = (state.3 << 45) | (state.3 >> 19)
        return result
    }

    /// Uniform in `0..<bound`: the high word of a 64 by 64 bit product (its bias, below bound / 2^64, is nothing that traffic shows).
    mutating func below(_ bound: Int) -> Int {
        precondition(bound > 0, "below \(bound)")
        return Int(next().multipliedFullWidth(by: UInt64(bound)).high)
    }

    mutating func within(_ range: Range<Int>) -> Int { range.lowerBound + below(range.count) }

    /// True in `share` of a million cases.
    mutating func happens(perMillion share: Int) -> Bool { below(1_000_000) < share }

    /// A version 4 UUID.
    mutating func uuid() -> UInt128 {
        let high = next() & 0xFFFF_FFFF_FFFF_0FFF | 0x4000
        let low = next() & 0x3FFF_FFFF_FFFF_FFFF | 0x8000_0000_0000_0000
        return UInt128(high) << 64 | UInt128(low)
    }
}

/// Ranks `0..<count` with Zipf's law: rank r comes up 1 / (r + 1) as often as rank 0. Exact integer weights.
struct ZipfRanks: Sendable {
    private var cumulative: [UInt64]

    init(count: Int) {
        precondition(count > 0, "no ranks")
        var sum: UInt64 = 0
        cumulative = (1...UInt64(count)).map { rank in
            sum += (1 << 40) / rank
            return sum
        }
    }

    func pick(_ random: inout SeededRandom) -> Int {
        let total = cumulative[cumulative.count - 1]
        let target = random.next().multipliedFullWidth(by: total).high
        var low = 0
        var high = cumulative.count - 1
        while low < high {
            let middle = (low + high) / 2
            if cumulative[middle] > target { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
