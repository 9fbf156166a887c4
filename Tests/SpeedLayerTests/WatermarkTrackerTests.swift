import ParallaxCore
import SpeedLayer
import Testing

/// A drawing, arrival from left to right, times in seconds:
///
///     10       an event of second 10, on time      10!      the same, late
///     90@10    an event of second 90 that the log took at second 10 (without @: taken at its own time)
///     w9       the watermark is now 9              w-       there is none yet
private func draw(_ drawing: String, outOfOrderness: Int64, lateness: Int64, maxFutureSkew: Int64 = 60, from start: Int64? = nil) {
    let second: Int64 = 1_000_000
    var tracker = WatermarkTracker(
        outOfOrderness: outOfOrderness * second, lateness: lateness * second, maxFutureSkew: maxFutureSkew * second,
        newestEventTime: start.map { Instant(microseconds: $0 * second) })
    for (place, token) in drawing.split(separator: " ").enumerated() {
        let note: Comment = "\(token) at \(place) of \(drawing)"
        if token == "w-" {
            #expect(tracker.newestEventTime == nil, note)
        } else if token.hasPrefix("w") {
            #expect(tracker.newestEventTime.map { $0.rawValue / second - outOfOrderness } == Int64(token.dropFirst()), note)
        } else {
            let parts = token.split(separator: "@").map { Int64($0.replacing("!", with: "")) ?? 0 }
            let isLate = tracker.isLate(eventTime: parts[0] * second, appendedAt: (parts.count > 1 ? parts[1] : parts[0]) * second)
            #expect(isLate == token.hasSuffix("!"), note)
        }
    }
}

@Suite struct WatermarkTrackerTests {
    @Test func itTrailsTheNewestEventAndNeverGoesBack() {
        draw("w- 10 w8 12 w10 11 w10 9 w10 20 w18", outOfOrderness: 2, lateness: 100)
    }

    @Test func latenessCountsFromTheWatermark() {
        // Watermark 18, lateness 5: events before 13 are late; an event exactly there is not.
        draw("20 w18 13 12! 14 12! 13", outOfOrderness: 2, lateness: 5)
        draw("20 19! 20 21 20!", outOfOrderness: 0, lateness: 0)
    }

    @Test func itMovesWithEveryRecordNotWithEveryBatch() {
        draw("10 20 5! 30 w30 25 24!", outOfOrderness: 0, lateness: 5)
    }

    @Test func anEventFromTheFutureMovesNothing() {
        draw("10 w10 500@10 w10 9 71@11 w71 132@71 w71", outOfOrderness: 0, lateness: 100)
    }

    @Test func anEventFromTheFarPastIsOnlyLate() {
        draw("10 -200000000000! w10 11 w11", outOfOrderness: 0, lateness: 5)
        draw("-200000000000@10 w-200000000000 10 w10", outOfOrderness: 0, lateness: 5)
    }

    @Test func aNewOwnerGoesOnWhereTheLastOneWas() {
        draw("w18 12! 13 19 w18 21 w19", outOfOrderness: 2, lateness: 5, from: 20)
    }

    @Test func timesAtTheEdgeOfSixtyFourBitsOverflowNothing() {
        var tracker = WatermarkTracker(
            outOfOrderness: .max, lateness: .max, maxFutureSkew: .max, newestEventTime: nil)
        for time in [Instant.acceptedRange.lowerBound, 0, Instant.acceptedRange.upperBound - 1, Instant.acceptedRange.lowerBound] {
            let isLate = tracker.isLate(eventTime: time, appendedAt: .max)
            #expect(!isLate, "\(time)")
        }
        #expect(tracker.newestEventTime == Instant(microseconds: Int64.max - 1))
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
