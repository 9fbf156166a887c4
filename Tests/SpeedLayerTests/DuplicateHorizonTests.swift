import SpeedLayer
import TestSupport
import Testing

/// The definition, read aloud: look at every occurrence.
private struct SlowHorizon {
    var length: Int64
    var seen: [(identity: UInt128, offset: Int64)] = []
    mutating func insert(_ identity: UInt128, at offset: Int64) -> Bool {
        defer { seen.append((identity, offset)) }
        return seen.contains { $0.identity == identity && $0.offset >= offset - length }
    }
}

/// Offsets ascend, with holes; identities come from a small pool. With `crowded`, all of them have the same home in the table.
private func occurrences(seed: UInt64, count: Int, crowded: Bool = false) -> [(identity: UInt128, offset: Int64)] {
    var random = SeededGenerator(seed: seed)
    let pool = Int.random(in: 1...200, using: &random)
    var offset = Int64.random(in: 0..<1_000_000, using: &random)
    return (0..<count).map { _ in
        offset += Bool.random(using: &random) ? 1 : Int64.random(in: 1...40, using: &random)
        let number = UInt128(Int.random(in: 1...pool, using: &random))
        return (crowded ? number << 64 : number &* 0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835, offset)
    }
}

@Suite struct DuplicateHorizonTests {
    @Test(arguments: 0..<12 as Range<UInt64>)
    func itAnswersAsTheSlowTwin(seed: UInt64) {
        let lengths: [Int64] = [0, 1, 7, 64, 65, 500, 100_000]
        for length in lengths {
            var fast = DuplicateHorizon(length: length)
            var slow = SlowHorizon(length: length)
            for (index, (identity, offset)) in occurrences(seed: seed, count: 500, crowded: seed % 3 == 0).enumerated() {
                let answer = fast.insert(identity, at: offset)
                let truth = slow.insert(identity, at: offset)
                #expect(answer == truth, "occurrence \(index), length \(length), seed \(seed)")
            }
        }
    }

    /// The answer depends on the offsets within the horizon only, so that a restart may begin anywhere before them.
    @Test(arguments: 100..<106 as Range<UInt64>)
    func warmedUpItAnswersAsIfItHadNeverStopped(seed: UInt64) {
        let log = occurrences(seed: seed, count: 800)
        let length: Int64 = 90
        var whole = DuplicateHorizon(length: length)
        let answers = log.map { whole.insert($0.identity, at: $0.offset) }
        for cut in stride(from: 0, to: log.count, by: 7) {
            var restarted = DuplicateHorizon(length: length)
            for entry in log[..<cut] where entry.offset >= log[cut].offset - length {
                _ = restarted.insert(entry.identity, at: entry.offset)
            }
            let again = log[cut...].map { restarted.insert($0.identity, at: $0.offset) }
            #expect(again == Array(answers[cut...]), "cut \(cut), seed \(seed)")
        }
    }

    @Test func itRemembersNoMoreThanItsLength() {
        var horizon = DuplicateHorizon(length: 1_000)
        var most = 0
        for offset in 0..<50_000 as Range<Int64> {
            _ = horizon.insert(UInt128(offset), at: offset)
            most = max(most, horizon.count)
        }
        #expect(most == 1_001)
        #expect(horizon.count == 1_001)
        let isWithinReach = horizon.insert(49_999, at: 50_999)
        #expect(isWithinReach)
        let isStillKnown = horizon.insert(49_998, at: 51_100)
        #expect(!isStillKnown)
    }
}
