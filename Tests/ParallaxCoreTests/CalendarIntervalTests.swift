import ParallaxCore
import TestSupport
import Testing

/// Intervals by themselves. PostgreSQL judges them in `IntervalOracleTests`.
@Suite struct CalendarIntervalTests {
    private static let day = CalendarInterval.microsecondsPerDay

    @Test func comeBackFromTheirBits() {
        let parts: [(Int32, Int32, Int64)] = [
            (0, 0, 0), (1, 2, 3), (-1, -2, -3), (-1, 2, -3), (.max, .max, .max), (.min, .min, .min), (.max, .min, .max), (0, -1, 0),
            (0, 0, -1),
        ]
        for (months, days, microseconds) in parts {
            let interval = CalendarInterval(months: months, days: days, microseconds: microseconds)
            #expect(CalendarInterval(bits: interval.bits) == interval)
        }
        #expect(Set(parts.map { CalendarInterval(months: $0.0, days: $0.1, microseconds: $0.2).bits }).count == parts.count)
    }

    /// `=` of PostgreSQL is `span`; Swift's `==` tells apart what is shown differently.
    @Test func areAsLongAsMonthsOf30DaysAndDaysOf24Hours() {
        let month = CalendarInterval(months: 1)
        let days = CalendarInterval(days: 30)
        let hours = CalendarInterval(microseconds: 30 * Self.day)
        #expect(month.span == days.span && days.span == hours.span)
        #expect(month != days && days != hours)
        // Microseconds of the extremes do not fit 64 bits.
        #expect(CalendarInterval.greatest.span > Int128(Int64.max) && CalendarInterval.least.span < Int128(Int64.min))
    }

    @Test func areOrderedByLengthAndThenByParts() {
        let ordered: [CalendarInterval] = [
            .least, CalendarInterval(months: -1), CalendarInterval(microseconds: -1), CalendarInterval(),
            CalendarInterval(microseconds: Self.day - 1), CalendarInterval(microseconds: Self.day), CalendarInterval(days: 1),
            CalendarInterval(days: 29, microseconds: Self.day), CalendarInterval(days: 30), CalendarInterval(months: 1), .greatest,
        ]
        for (index, left) in ordered.enumerated() {
            for (other, right) in ordered.enumerated() {
                #expect((left < right) == (index < other), "\(left) and \(right)")
            }
        }
    }

    @Test(arguments: [1, 2, 3] as [UInt64]) func justifiedIsOfTheSameLengthAndHasOneSign(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<1_000 {
            let interval = CalendarInterval(
                months: Int32.random(in: -1_000...1_000, using: &random), days: Int32.random(in: -100_000...100_000, using: &random),
                microseconds: Int64.random(in: -400 * Self.day...400 * Self.day, using: &random))
            let justified = CalendarInterval(justified: interval.span)
            #expect(justified.span == interval.span, "seed \(seed): \(interval)")
            #expect(abs(justified.days) < 30 && abs(justified.microseconds) < Self.day, "seed \(seed): \(interval)")
            let signs = Set([Int64(justified.months), Int64(justified.days), justified.microseconds].map { $0.signum() }).subtracting([0])
            #expect(signs.count <= 1, "seed \(seed): \(interval) is \(justified)")
            #expect(CalendarInterval(justified: justified.span) == justified)
        }
    }
}
