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
