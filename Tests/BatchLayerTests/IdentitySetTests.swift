import TestSupport
import Testing

@testable import BatchLayer

@Suite struct IdentitySetTests {
    /// The slow twin is Swift's Set.
    @Test(arguments: [1, 2, 3] as [UInt64], [0, 20_000]) func tellsWhatCameBefore(seed: UInt64, expected: Int) {
        var random = SeededGenerator(seed: seed)
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
                let isNewHere = set.insert(identity)
                #expect(isNewHere == isNew, "seed \(seed), value \(value)")
            }
        }
        let count = set.count
        #expect(count == twin.count)
    }

    @Test func homesAtTheEndOfTheTableGoOnAtItsBeginning() {
        var set = IdentitySet()
        set.reserve(500)
        let highest = (0..<500).map { UInt128.max - UInt128($0) }
        func inserted() -> Int { highest.reduce(0) { $0 + (set.insert($1) ? 1 : 0) } }
        let first = inserted()
        let again = inserted()
        set.reserve(100_000)
        let afterGrowing = inserted()
        #expect([first, again, afterGrowing] == [500, 0, 0])
    }

    @Test func aKnownNumberTakesOneTableThatNeverGrows() {
        var set = IdentitySet(expected: 300_000)
        let bytes = set.bytes
        let peak = set.peakBytes(adding: 300_000)
        let peakBeyond = set.peakBytes(adding: 300_010)
        set.reserve(300_000)
        let bytesAfter = set.bytes
        #expect(bytes < 300_000 * 16 * 4 / 3 + 1_000)
        #expect(peak == bytes && bytesAfter == bytes)
        #expect(peakBeyond > 2 * bytes)
    }
}
