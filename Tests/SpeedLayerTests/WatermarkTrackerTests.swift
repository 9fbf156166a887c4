import ParallaxCore
import SpeedLayer
import TestSupport
import Testing

/// A drawing, arrival from left to right, times in seconds:
///
///     10       an event of second 10, on time      10!      the same, late
///     90@10    an event of second 90 that the log took at second 10 (without @: taken at its own time)
///     90@90#7  the same, read at second 7 (without #: long after)
///     w9       the watermark is now 9              w-       there is none yet
///     l90      an event of second 90 leads alone   l-       none does
///     |        another owner goes on
private func draw(_ drawing: String, outOfOrderness: Int64, lateness: Int64, maxFutureSkew: Int64 = 60, from start: Int64? = nil) {
    let second: Int64 = 1_000_000
    // Second 0 is in 2000: before 1971 there are no append times.
    let zero: Int64 = 946_684_800
    func tracker(_ state: WatermarkTracker.State) -> WatermarkTracker {
        WatermarkTracker(
            outOfOrderness: outOfOrderness * second, lateness: lateness * second, maxFutureSkew: maxFutureSkew * second, state: state)
    }
    var current = tracker(.init(newest: start.map { Instant(microseconds: ($0 + zero) * second) }))
    for (place, token) in drawing.split(separator: " ").enumerated() {
        let note: Comment = "\(token) at \(place) of \(drawing)"
        switch token.first {
        case "|": current = tracker(current.state)
        case "w" where token == "w-": #expect(current.state.newest == nil, note)
        case "w":
            #expect(current.state.newest.map { $0.rawValue / second - zero - outOfOrderness } == Int64(token.dropFirst()), note)
        case "l" where token == "l-": #expect(current.state.leader == nil, note)
        case "l": #expect(current.state.leader.map { $0.rawValue / second - zero } == Int64(token.dropFirst()), note)
        default:
            let parts = token.split { $0 == "@" || $0 == "#" }.map { Int64($0.replacing("!", with: "")) ?? 0 }
            let isLate = current.isLate(
                eventTime: (parts[0] + zero) * second, appendedAt: ((parts.count > 1 ? parts[1] : parts[0]) + zero) * second,
                arrivedAt: parts.count > 2 ? (parts[2] + zero) * second : .max)
            #expect(isLate == token.hasSuffix("!"), note)
        }
    }
}

@Suite struct WatermarkTrackerTests {
    @Test func itTrailsTheNewestEventAndNeverGoesBack() {
        draw("w- 10 w- l10 10 w8 l- 12 w10 11 w10 9 w10 20 w18", outOfOrderness: 2, lateness: 100)
    }

    @Test func latenessCountsFromTheWatermark() {
        // Watermark 18, lateness 5: events before 13 are late; an event exactly there is not.
        draw("20 20 w18 13 12! 14 12! 13", outOfOrderness: 2, lateness: 5)
        draw("20 20 19! 20 21 20!", outOfOrderness: 0, lateness: 0)
    }

    @Test func itMovesWithEveryRecordNotWithEveryBatch() {
        draw("10 10 w10 20 5! 30 w30 25 24!", outOfOrderness: 0, lateness: 5)
    }

    /// However far ahead it claims to be: what its append time vouches for, or nothing.
    @Test func anEventFromTheFutureMovesTheWatermarkAtMostToItsAppendTime() {
        draw("10 10 w10 500@10 w10 9 71@11 w11 132@71 w11 131@71 w71", outOfOrderness: 0, lateness: 100)
        // 59 minutes ahead, then a thousand correct ones, here four.
        draw("1000 1000 4540@1001 w1001 1000@1002 999@1003 1002 w1002 l-", outOfOrderness: 0, lateness: 5, maxFutureSkew: 3_600)
    }

    /// A record's own timestamp is the producer's word, too: it counts at most as the time at which it arrived.
    @Test func aRecordThatSaysItWasAppendedAfterItArrivedIsBelievedUpToItsArrival() {
        draw("10@10#10 10@10#10 9000@9000#11 w10 9001@9001#12 w10 13@13#13 w13", outOfOrderness: 0, lateness: 5)
        draw("10@10#10 10@10#10 60@9000#11 w11 12@12#12 w12", outOfOrderness: 0, lateness: 5)
    }

    /// History is read: nothing there agrees with the append times. One event of another time leads, and the stream goes on without it.
    @Test func aSingleEventOfAnotherTimeMakesNothingLate() {
        draw("10@9000 w- 11@9001 w10 12@9002 w12 500@9003 w12 l500 13@9004 w13 l- 14@9005 w14", outOfOrderness: 0, lateness: 5)
        // Also one of today, and one that comes first.
        draw("10@9000 11@9001 9002 w10 l9002 12@9003 w12 l-", outOfOrderness: 0, lateness: 5)
        draw("500@9000 w- l500 10@9001 w10 l- 11@9002 w11 l-", outOfOrderness: 0, lateness: 5)
        draw("9000 w- l9000 10@9001 w10 l- 11@9002 w11 l-", outOfOrderness: 0, lateness: 5)
        // Late ones prove nothing.
        draw("50@9000 51@9000 500@9003 l500 3@9004! w50 l500 501@9005 w500", outOfOrderness: 0, lateness: 5)
    }

    /// A gap in history: the second event from beyond it confirms that it is one, up to where both have got.
    @Test func aSecondEventConfirmsAJump() {
        draw(
            "10@9000 11@9000 500@9000 w10 600@9000 w500 l600 590@9000 w590 l- 601@9000 w590 l601 602@9000 w601 l-", outOfOrderness: 0,
            lateness: 5)
        draw("10@9000 11@9000 600@9000 500@9000 w500 l- 501@9000 w501 l-", outOfOrderness: 0, lateness: 5)
    }

    /// A live stream that was silent for a night needs no second witness: the append time agrees with the event.
    @Test func aLiveStreamGoesOnAtOnceAfterAGap() {
        draw("10 10 w10 40000 w40000 l- 39990!", outOfOrderness: 0, lateness: 5)
        draw("10 10 w10 39998@40000 w39998", outOfOrderness: 0, lateness: 5)
        // Its first event was history, when it was appended: from there on one more.
        draw("10@9000 w- 9001 w10 l9001 9002 w9002 l-", outOfOrderness: 0, lateness: 5)
    }

    /// Newest first: as late as ever, and no later.
    @Test func aFileInDescendingOrderIsLateBehindItsReach() {
        draw("100@9000 w- 99@9000 w99 97@9000 96@9000 w99 93@9000! 94@9000", outOfOrderness: 0, lateness: 5)
    }

    /// Append times of 1970 are none: the arrival vouches alone.
    @Test func whereAppendTimesAreOfNineteenSeventyTheArrivalCounts() {
        draw("50@-946684800#50 51@-945000000#51 w50 52@-946684800#52 w52 90@-946684800#53 w53", outOfOrderness: 0, lateness: 5)
        draw("50@0#50 51@1#51 w- 52@2#52 l-", outOfOrderness: 0, lateness: 5, maxFutureSkew: 10)
    }

    @Test func anEventFromTheFarPastIsOnlyLate() {
        draw("10 10 -200000000000! w10 11 w11", outOfOrderness: 0, lateness: 5)
        draw("-200000000000@10 w- 10 w-200000000000 l10 11 w11 l-", outOfOrderness: 0, lateness: 5)
    }

    @Test func aNewOwnerGoesOnWhereTheLastOneWas() {
        draw("w18 12! 13 19 w18 21 w19", outOfOrderness: 2, lateness: 5, from: 20)
        draw("10@9000 | 11@9001 w10 | 500@9003 | w10 l500 | 501@9004 w500", outOfOrderness: 0, lateness: 5)
        draw("10@9000 11@9001 | 9002 w10 l9002", outOfOrderness: 0, lateness: 5)
    }

    @Test func timesAtTheEdgeOfSixtyFourBitsOverflowNothing() {
        var tracker = WatermarkTracker(outOfOrderness: .max, lateness: .max, maxFutureSkew: .max)
        for time in [Instant.acceptedRange.lowerBound, 0, Instant.acceptedRange.upperBound - 1, Instant.acceptedRange.lowerBound] {
            let isLate = tracker.isLate(eventTime: time, appendedAt: .max, arrivedAt: .max)
            #expect(!isLate, "\(time)")
        }
        #expect(tracker.state.newest == Instant(microseconds: Int64.max - 1))
    }

    /// Clocks that jump as they like: whatever one event does, the events that would have been in time without it still are.
    @Test(arguments: 0..<200 as Range<UInt64>)
    func I7_noSingleEventMakesAnotherLate(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let (disorder, lateness) = (Int64.random(in: 0...20, using: &random), Int64.random(in: 0...50, using: &random))
        // Live, or a replay.
        let age: Int64 = Bool.random(using: &random) ? 0 : 1_000_000
        var events: [(time: Int64, appendedAt: Int64)] = []
        for number in 0..<60 as Range<Int64> {
            let time = 40_000_000_000_000 + number + Int64.random(in: 0...disorder, using: &random)
            events.append((time, 40_000_000_000_000 + number + disorder + age))
        }
        let stranger = (
            time: 40_000_000_000_000 + ([1_000, 899_000, 1_000_050, 4_999_000].randomElement(using: &random) ?? 0),
            appendedAt: 40_000_000_000_030 + age + ([0, 5, 4_000_000].randomElement(using: &random) ?? 0)
        )
        let place = Int.random(in: 0...events.count, using: &random)
        func late(_ with: Bool) -> [Bool] {
            var tracker = WatermarkTracker(outOfOrderness: disorder, lateness: lateness, maxFutureSkew: 3_600)
            var found: [Bool] = []
            for (number, event) in events.enumerated() {
                let now = event.appendedAt
                if with && number == place {
                    _ = tracker.isLate(eventTime: Int64(stranger.time), appendedAt: stranger.appendedAt, arrivedAt: now)
                }
                found.append(tracker.isLate(eventTime: event.time, appendedAt: event.appendedAt, arrivedAt: now))
            }
            return found
        }
        let (without, with) = (late(false), late(true))
        for number in events.indices where with[number] {
            #expect(without[number], "seed \(seed): event \(number), the stranger at \(place)")
        }
    }

    /// Record timestamps of years ahead, of 1970 and of an hour ago, the worker's clock stepping back, and a tenth of the events of another time, no two
    /// of them in a row: whoever is in order is in time.
    @Test(arguments: 0..<200 as Range<UInt64>)
    func I7_noClockThatJumpsMakesAnOrderlyEventLate(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let start: Int64 = 40_000_000_000_000
        let (disorder, lateness) = (Int64.random(in: 0...20, using: &random), Int64.random(in: 0...50, using: &random))
        let age: Int64 = Bool.random(using: &random) ? 0 : 1_000_000
        var state = WatermarkTracker.State()
        var tracker = WatermarkTracker(outOfOrderness: disorder, lateness: lateness, maxFutureSkew: 3_600)
        var wasStranger = false
        for number in 0..<300 as Range<Int64> {
            let now = start + number + disorder + age
            let appendedAt = [now, now, now, now + 600_000_000, 0, 1_700_000_000_000, now - 3_000].randomElement(using: &random) ?? now
            let arrivedAt = now - ([0, 0, 0, 5, 500, 100_000].randomElement(using: &random) ?? 0)
            let isStranger = !wasStranger && Int.random(in: 0..<10, using: &random) == 0
            wasStranger = isStranger
            let time =
                isStranger
                ? start + ([-5_000, 700, 900_000, 1_000_100, 600_000_000].randomElement(using: &random) ?? 0)
                : start + number + Int64.random(in: 0...disorder, using: &random)
            let isLate = tracker.isLate(eventTime: time, appendedAt: appendedAt, arrivedAt: arrivedAt)
            #expect(isStranger || !isLate, "seed \(seed), event \(number)")
            if Int.random(in: 0..<20, using: &random) == 0 {
                state = tracker.state
                tracker = WatermarkTracker(outOfOrderness: disorder, lateness: lateness, maxFutureSkew: 3_600, state: state)
            }
        }
    }
}

@Suite struct RecordClassTests {
    @Test func everyCombinationHasOneClass() {
        for isRejected in [true, false] {
            for isDuplicate in [true, false] {
                for isLate in [true, false] {
                    let expected: RecordClass = isRejected ? .rejected : isDuplicate ? .duplicate : isLate ? .late : .event
                    #expect(RecordClass(isRejected: isRejected, isDuplicate: isDuplicate, isLate: isLate) == expected)
                }
            }
        }
    }
}
