/// PostgreSQL's interval: months and days have no fixed length, so that the three parts stand apart.
public struct CalendarInterval: Hashable, Sendable, Codable {
    public var months: Int32
    public var days: Int32
    public var microseconds: Int64

    public init(months: Int32 = 0, days: Int32 = 0, microseconds: Int64 = 0) {
        self.months = months
        self.days = days
        self.microseconds = microseconds
    }

    public static let microsecondsPerDay: Int64 = 86_400_000_000

    /// What PostgreSQL compares: a month has 30 days there, a day 24 hours.
    public var span: Int128 {
        (Int128(months) * 30 + Int128(days)) * Int128(Self.microsecondsPerDay) + Int128(microseconds)
    }

    /// The one of the intervals of this span that PostgreSQL's justify_interval gives: at most 29 days and 23 hours beside the months, and all
    /// parts of one sign. Where there are more months than an interval has, the rest stays in days and microseconds.
    public init(justified span: Int128) {
        let day = Int128(Self.microsecondsPerDay)
        months = Int32(clamping: span / (30 * day))
        let rest = span - Int128(months) * 30 * day
        days = Int32(clamping: rest / day)
        microseconds = Int64(clamping: rest - Int128(days) * day)
    }

    public static let greatest = CalendarInterval(months: .max, days: .max, microseconds: .max)
    public static let least = CalendarInterval(months: .min, days: .min, microseconds: .min)

    /// The three parts in one number, for storage among other 16-byte values.
    public var bits: UInt128 {
        UInt128(UInt32(bitPattern: months)) << 96 | UInt128(UInt32(bitPattern: days)) << 64 | UInt128(UInt64(bitPattern: microseconds))
    }

    public init(bits: UInt128) {
        months = Int32(bitPattern: UInt32(truncatingIfNeeded: bits >> 96))
        days = Int32(bitPattern: UInt32(truncatingIfNeeded: bits >> 64))
        microseconds = Int64(bitPattern: UInt64(truncatingIfNeeded: bits))
    }
}

extension CalendarInterval: Comparable {
    /// PostgreSQL's order. Intervals that are equal there and differ in their parts have an order of their own, so that a choice among them does
    /// not depend on which came first.
    public static func < (left: CalendarInterval, right: CalendarInterval) -> Bool {
        let (a, b) = (left.span, right.span)
        if a != b { return a < b }
        return left.months != right.months ? left.months < right.months : left.days < right.days
    }
}
