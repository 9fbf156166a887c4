import BatchLayer
import TestSupport
import Testing

@Suite struct EventTimeRangesTests {
    @Test func overlappingAndTouchingRangesBecomeOne() {
        let ranges = EventTimeRanges([20..<30, 0..<10, 10..<12, 25..<40, 50..<50])
        #expect(ranges.ranges == [0..<12, 20..<40])
    }

    /// Against the definition, at every time and for every pair.
    @Test(arguments: [1, 2, 3, 4] as [UInt64]) func agreesWithItsDefinition(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let parts: [Range<Int64>] = (0..<6).map { _ in
            let start = Int64.random(in: 0..<60, using: &random)
            return start..<(start + Int64.random(in: 0..<8, using: &random))
        }
        let set = EventTimeRanges(parts)
        for time in Int64(-2)..<75 {
            #expect(set.contains(time) == parts.contains { $0.contains(time) }, "seed \(seed), time \(time)")
            for end in time..<75 {
                let probe = time..<end
                let expected = probe.contains { moment in parts.contains { $0.contains(moment) } }
                #expect(set.intersects(probe) == expected, "seed \(seed), \(probe)")
            }
        }
    }

    @Test func holdsTheExtremes() {
        let all = EventTimeRanges([Int64.min..<Int64.max])
        #expect(all.contains(.min) && all.contains(0) && !all.contains(.max))
        #expect(all.intersects((Int64.max - 1)..<Int64.max))
        #expect(!EventTimeRanges([]).intersects(Int64.min..<Int64.max))
    }
}
