/// A point in time: microseconds since 1970-01-01 00:00:00 UTC, the resolution of PostgreSQL's timestamptz.
/// Event times, append times and watermarks all have this type; their names say which they are.
public struct Instant: RawRepresentable, Hashable, Comparable, Sendable, Codable {
    public let rawValue: Int64
    public init(rawValue: Int64) { self.rawValue = rawValue }
    public init(microseconds: Int64) { rawValue = microseconds }
    public static func < (a: Instant, b: Instant) -> Bool { a.rawValue < b.rawValue }
    /// So many microseconds earlier; nil where no instant is.
    public func earlier(by microseconds: Int64) -> Instant? {
        let (time, overflow) = rawValue.subtractingReportingOverflow(microseconds)
        return overflow ? nil : Instant(microseconds: time)
    }
    public static let microsecondsPerSecond: Int64 = 1_000_000
    /// What we take: from PostgreSQL's first timestamptz (4713-11-24 BC) to the end of 64 bits of microseconds
    /// (294247-01-10; PostgreSQL, counting from 2000, goes on for thirty more years: those are rejected as out of range).
    public static let acceptedRange: Range<Int64> = -210_866_803_200_000_000..<Int64.max
}
