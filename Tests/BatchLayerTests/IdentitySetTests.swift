import Testing

@testable import BatchLayer

@Suite struct IdentitySetTests {
    /// The slow twin is Swift's Set.
    @Test(arguments: [1, 2, 3] as [UInt64], [0, 20_000]) func tellsWhatCameBefore(seed: UInt64, expected: Int) {
        var random = Seeded(seed)
        var set = IdentitySet(expected: expected)
        var twin: Set<UInt128> = []
        for _ in 0..<40 {
            set.reserve(1_000)
            for _ in 0..<1_000 {
                // Few enough values that half of them repeat; every third ones share their home.
                let value = UInt64.random(in: 1..<20_000, using: &random)
                let identity =
                    value % 3 == 0 ? UInt128(value) : UInt128(value &* 0x9E37_79B9_7F4A_7C15) << 64 | UInt128(value)
                let isNew = twin.insert(identity).inserted
                #expect(set.insert(identity) == isNew, "seed \(seed), value \(value)")
            }
        }
        #expect(set.count == twin.count)
    }

    @Test func homesAtTheEndOfTheTableGoOnAtItsBeginning() {
        var set = IdentitySet()
        set.reserve(500)
        let highest = (0..<500).map { UInt128.max - UInt128($0) }
        for identity in highest {
            #expect(set.insert(identity))
        }
        for identity in highest {
            #expect(!set.insert(identity))
        }
        // Growing keeps them.
        set.reserve(100_000)
        for identity in highest {
            #expect(!set.insert(identity))
        }
    }

    @Test func aKnownNumberTakesOneTableThatNeverGrows() {
        var set = IdentitySet(expected: 300_000)
        let bytes = set.bytes
        #expect(bytes < 300_000 * 16 * 4 / 3 + 1_000)
        #expect(set.peakBytes(adding: 300_000) == bytes)
        set.reserve(300_000)
        #expect(set.bytes == bytes)
        #expect(set.peakBytes(adding: 300_010) > 2 * bytes)
    }
}
