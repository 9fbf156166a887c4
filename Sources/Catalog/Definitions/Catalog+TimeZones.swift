import ParallaxCore
import Postgres
import ViewLanguage

/// A zone in which this machine's tz database and the server's have different rules.
public struct TimeZoneDifference: Sendable, Hashable {
    public var zone: String
    /// The first instant, a look every week, at which they differ.
    public var from: Instant
    /// Seconds east of UTC.
    public var here: Int64
    public var server: Int64

    /// For people.
    public var text: String {
        "time zone \(zone): this machine says \(Self.hours(here)) and PostgreSQL says \(Self.hours(server)) at \(from.rawValue / 1_000_000) seconds since 1970. "
            + "Windows begin by this machine's rules, and end, close and leave by PostgreSQL's: bring both tz databases (Debian: tzdata) to the same version"
    }

    private static func hours(_ seconds: Int64) -> String {
        let minutes = abs(seconds) / 60
        return "UTC\(seconds < 0 ? "-" : "+")\(minutes / 60):\(minutes % 60 < 10 ? "0" : "")\(minutes % 60)"
    }
}

extension Catalog {
    /// From 1970 to 2070, in microseconds; rules differ for months where they differ.
    private static let looks: [Int64] = Array(stride(from: 0, to: 3_155_760_000, by: 7 * 86_400))

    /// The zones of calendar windows in which the two databases differ. A window's start is computed here, its end by PostgreSQL.
    ///
    /// - Parameter offset: seconds east of UTC at an instant in seconds since 1970, as this machine knows it.
    public func timeZoneDifferences(
        _ plans: [Plan], offset: (_ zone: String, _ at: Int64) -> Int64? = { TimeZoneRules.named($0)?.offset(at: $1) }
    ) throws(ParallaxError) -> [TimeZoneDifference] {
        var zones: Set<String> = []
        for plan in plans { if case .calendar(_, let zone)? = plan.window?.kind { zones.insert(zone) } }
        var differences: [TimeZoneDifference] = []
        for zone in zones.sorted() {
            let rows = try connection.query(
                """
                SELECT s, extract(epoch FROM (('epoch'::timestamptz + s * interval '1 second') AT TIME ZONE $1)
                       - (('epoch'::timestamptz + s * interval '1 second') AT TIME ZONE 'UTC'))::bigint
                FROM unnest($2::bigint[]) s ORDER BY s
                """, [.text(zone), .ints(Self.looks)]
            ).rows
            for row in rows {
                let (at, server) = (try row.int(0), try row.int(1))
                guard let here = offset(zone, at), here != server else { continue }
                differences.append(
                    TimeZoneDifference(
                        zone: zone, from: Instant(microseconds: at * Instant.microsecondsPerSecond), here: here, server: server))
                break
            }
        }
        return differences
    }
}
