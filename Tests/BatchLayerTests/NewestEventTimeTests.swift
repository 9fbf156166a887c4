import BatchLayer
import Columns
import Operators
import ParallaxCore
import TestSupport
import Testing
import ViewLanguage

@Suite struct NewestEventTimeTests {
    private struct Record {
        var time: Int64
        var appendedAt: Int64
    }

    /// Time 0 of the tests is in 2000: before 1971 there are no append times.
    private static let zero: Int64 = 946_684_800_000_000
    private func shifted(_ found: NewestEventTime.Found, by time: Int64) -> NewestEventTime.Found {
        NewestEventTime.Found(newest: found.newest.map { $0 + time }, leader: found.leader.map { $0 + time })
    }

    /// One segment a part, one after the other.
    private func find(
        _ parts: [(records: [Record], archivedAt: Int64?)], known: NewestEventTime.Found = .init(), from first: Int64 = 0, skew: Int64 = 10,
        by appendTime: SourceDefinition.AppendTime = .record
    ) -> NewestEventTime.Found {
        var segments: [Segment] = []
        var batches: [EventBatch] = []
        var offset = first
        for part in parts {
            let count = part.records.count
            segments.append(
                Segment(
                    name: "s", partition: Partition(0), offsets: Offset(offset)..<Offset(offset + Int64(count)), records: count,
                    events: count,
                    eventTimes: nil, bytes: 1, archivedAt: part.archivedAt.map { $0 + Self.zero }))
            batches.append(
                EventBatch(
                    partition: Partition(0), offsets: (0..<Int64(count)).map { offset + $0 },
                    appendedAt: part.records.map { $0.appendedAt + Self.zero },
                    columns: [
                        Column(
                            type: .timestamptz, storage: .int64(part.records.map { $0.time + Self.zero }),
                            nulls: [UInt8](repeating: 0, count: count))
                    ],
                    identities: [UInt128](repeating: 0, count: count), isRejected: [UInt8](repeating: 0, count: count), rejections: []))
            offset += Int64(count)
        }
        var cut = Cut()
        cut[Partition(0)] = Offset(offset)
        var base = Cut()
        base[Partition(0)] = Offset(first)
        var newest = NewestEventTime(
            known: shifted(known, by: Self.zero), base: base, cut: cut, segments: segments, eventTimeColumn: 0, appendTime: appendTime,
            maxFutureSkew: skew)
        for batch in batches { newest.add(batch) }
        return shifted(newest.found, by: -Self.zero)
    }

    @Test func oneEventAloneMovesNothing() {
        let live = (100..<110).map { Record(time: $0, appendedAt: 1_000) }
        #expect(find([(live, nil)]).newest == 108)
        #expect(find([(live + [Record(time: 900, appendedAt: 1_000)], nil)]).newest == 109)
        #expect(find([([Record(time: 900, appendedAt: 1_000)], nil)]) == .init(newest: nil, leader: 900))
        // A copy is no second event.
        #expect(find([(live + [Record(time: 900, appendedAt: 1_000), Record(time: 900, appendedAt: 1_001)], nil)]).newest == 109)
    }

    @Test func nothingIsNewerThanItsAppendTimeOrItsArchive() {
        let ahead = [Record(time: 5_000, appendedAt: 5_000), Record(time: 5_001, appendedAt: 5_001)]
        let live = [Record(time: 100, appendedAt: 100), Record(time: 101, appendedAt: 101)]
        #expect(find([(ahead + live, 200)]).newest == 100, "further ahead than max_future_skew")
        #expect(find([(ahead + live, nil)]).newest == 5_000, "nobody knows when it was archived")
        #expect(find([([Record(time: 108, appendedAt: 100), Record(time: 109, appendedAt: 101)], nil)]).newest == 100)
    }

    /// Append times of long ago and of the far future count for nothing; but for a segment that does not say when it was archived they are all there is.
    @Test func aSourceThatGoesByTheArrivalBelievesNoAppendTime() {
        let records = [Record(time: 100, appendedAt: 1), Record(time: 101, appendedAt: 90_000), Record(time: 900, appendedAt: 90_000)]
        #expect(find([(records, 200)], by: .arrival) == .init(newest: 100, leader: 101), "900 is further ahead than max_future_skew")
        #expect(find([(records, 200)], by: .record) == .init(newest: nil, leader: 101))
        #expect(find([(records, nil)], by: .arrival) == find([(records, nil)], by: .record))
    }

    /// I3: what a run over everything finds is what runs over parts find, one after the other.
    @Test(arguments: 0..<100 as Range<UInt64>)
    func I3_incrementalAndFullFindTheSameNewestEventTime(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var parts: [(records: [Record], archivedAt: Int64?)] = []
        for part in 0..<Int64.random(in: 1...6, using: &random) {
            let records = (0..<Int.random(in: 1...5, using: &random)).map { _ in
                let appendedAt = part * 20 + Int64.random(in: 0...20, using: &random)
                return Record(time: appendedAt + Int64.random(in: -30...30, using: &random), appendedAt: appendedAt)
            }
            parts.append((records, Bool.random(using: &random) ? part * 20 + Int64.random(in: 5...40, using: &random) : nil))
        }
        var found = NewestEventTime.Found()
        var offset: Int64 = 0
        for part in parts {
            found = find([part], known: found, from: offset)
            offset += Int64(part.records.count)
        }
        #expect(found == find(parts), "seed \(seed)")
        #expect(find(parts.shuffled(using: &random)) == found, "seed \(seed): another order")
    }
}
