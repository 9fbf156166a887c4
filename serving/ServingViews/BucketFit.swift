import MergeLaw
import ParallaxCore
import Postgres
import ViewLanguage

/// Which buckets a view's windows fit into: each window lies in one, whole.
///
///     windows                       buckets of one length             of the calendar
///     tumbling                      multiples of the size             where no window goes over a bucket's bounds (asked of each row)
///     hopping, apart                multiples of the slide            the same
///     hopping, overlapping          multiples of the size: every n-th window counts, so that each event counts once; the slide divides the size
///     calendar                      none                              of the same time zone, of a unit that is made of theirs
///     session                       none                              none
///
/// A bucket is counted from the windows' own origin, so that its bounds are bounds of windows.
struct BucketFit {
    typealias Unit = Plan.Window.CalendarUnit

    struct Refusal {
        var message: String
        var hint: String
    }

    let view: String
    let kind: Plan.Window.Kind

    /// Windows that stand side by side, or every n-th that do. Nil where no length is.
    struct Steps {
        /// From one to the next, and how long each is (microseconds).
        var step: Int64
        var size: Int64
        var origin: Int64
        /// Only every n-th window counts.
        var areChosen: Bool
    }

    var steps: Steps? {
        switch kind {
        case .tumbling(let size, let origin): Steps(step: size, size: size, origin: origin, areChosen: false)
        case .hopping(let slide, let size, let origin) where slide >= size: Steps(step: slide, size: size, origin: origin, areChosen: false)
        case .hopping(let slide, let size, let origin) where size % slide == 0:
            Steps(step: size, size: size, origin: origin, areChosen: true)
        case .hopping, .calendar, .session: nil
        }
    }

    /// The windows cannot be put together at all.
    var never: Refusal? {
        switch kind {
        case .session:
            Refusal(
                message: "sessions do not fit into buckets: they begin and end with their events",
                hint: "leave the bucket out; groups can be left out")
        case .hopping where steps == nil:
            Refusal(
                message: "its windows overlap, and none of them stand side by side: the slide does not divide the size",
                hint: "leave the bucket out")
        default: nil
        }
    }

    /// Only every n-th of windows that overlap.
    func isCounted(_ start: String) -> String? {
        guard let steps, steps.areChosen else { return nil }
        return "\(WindowSQL.bin(start, length: "\(steps.step)", origin: steps.origin)) = \(start)"
    }

    /// More would leave what microseconds as a double count exactly.
    static let longestBucket = 36_600 * CalendarInterval.microsecondsPerDay

    func refusal(ofLength length: Int64) -> Refusal? {
        if let never { return never }
        guard let steps else {
            return Refusal(
                message: "windows of the calendar have no one length", hint: "take a bucket of the calendar: \(Self.words(coarser))")
        }
        guard length > 0, length % steps.step == 0, length <= Self.longestBucket else { return lengthRefusal(steps) }
        return nil
    }

    private func lengthRefusal(_ steps: Steps) -> Refusal {
        Refusal(
            message: "the bucket would cut windows: it has to be a multiple of \(Self.words(steps.step))",
            hint: "such as \(Self.words(steps.step * 2)); at most 36600 days")
    }

    private static func words(_ units: [Unit]) -> String { units.isEmpty ? "there is none" : units.map(\.rawValue).joined(separator: ", ") }

    private static func words(_ microseconds: Int64) -> String {
        for (unit, length) in [
            ("days", CalendarInterval.microsecondsPerDay), ("hours", 3_600_000_000), ("minutes", 60_000_000), ("seconds", 1_000_000),
        ]
        where microseconds % length == 0 { return "\(microseconds / length) \(microseconds == length ? String(unit.dropLast()) : unit)" }
        return "\(microseconds) microseconds"
    }

    /// Units that are made of the calendar windows'.
    private var coarser: [Unit] {
        guard case .calendar(let unit, _) = kind else { return Unit.allCases }
        return Unit.allCases.filter { $0 == unit || Self.isMade($0, of: unit) }
    }

    private static func isMade(_ unit: Unit, of smaller: Unit) -> Bool {
        switch (smaller, unit) {
        case (.day, .week), (.day, .month), (.day, .quarter), (.day, .year), (.month, .quarter), (.month, .year), (.quarter, .year): true
        default: false
        }
    }

    var zoneOfWindows: String? { if case .calendar(_, let zone) = kind { zone } else { nil } }

    func refusal(of unit: Unit, zone: String) -> Refusal? {
        if let never { return never }
        guard let clock = CalendarClock(unit: unit, zone: zone) else {
            return Refusal(
                message: "time zone \"\(zone)\" not recognized", hint: "write a name of the tz database, such as 'America/New_York'")
        }
        if let own = zoneOfWindows {
            guard zone == own else {
                return Refusal(
                    message: "its windows are those of \(own): a bucket of \(zone) would cut them", hint: "leave the time zone out")
            }
            guard coarser.contains(unit) else {
                return Refusal(message: "a \(unit.rawValue) would cut its windows", hint: "take one of: \(Self.words(coarser))")
            }
            return nil
        }
        guard let steps else { return nil }
        // Whether any bucket of these years begins where a window does; each row is asked, too.
        let begins = (0..<60).contains { half in
            let instant = Self.year2000 + Int64(half) * 183 * CalendarInterval.microsecondsPerDay
            return (clock.start(of: instant) - steps.origin) % steps.step == 0
        }
        guard begins, steps.size <= unit.longest else {
            return Refusal(
                message: "a \(unit.rawValue) of \(zone) would cut its windows of \(Self.words(steps.size))",
                hint: "take another time zone, or make a view of shorter windows")
        }
        return nil
    }

    private static let year2000: Int64 = 946_684_800_000_000

    // As SQL, for what is known only when it is asked.

    /// The start of the calendar's bucket that holds the window; an error where it goes over the bucket's end.
    ///
    /// - Parameters:
    ///   - unit, zone: SQL of texts.
    func calendarStart(_ start: String, unit: String, zone: String) -> String {
        let bucket = "date_trunc(\(unit), \(start), \(zone))"
        guard let steps else { return bucket }
        let last = "\(start) + \(WindowSQL.length(steps.size - 1))"
        let refused = RollUpText.refused(
            view: view, "a bucket of the calendar would cut its windows of \(Self.words(steps.size))",
            hint: "take another time zone, or make a view of shorter windows")
        return "CASE WHEN \(bucket) = date_trunc(\(unit), \(last), \(zone)) THEN \(bucket) WHEN \(refused) THEN NULL END"
    }

    /// A condition, or the error, over the function's arguments.
    ///
    /// - Parameters:
    ///   - bucket, zone: SQL of an interval and a text, which may be null.
    ///   - unit, length: SQL of a text and of microseconds.
    func check(bucket: String, zone: String, unit: String, length: String) -> String {
        func refused(_ refusal: Refusal) -> String { RollUpText.refused(view: view, refusal.message, hint: refusal.hint) }
        if let never { return "CASE WHEN \(bucket) IS NULL AND \(zone) IS NULL THEN true ELSE \(refused(never)) END" }
        let unknown = Refusal(
            message: "a bucket with months or a time zone has to be a unit of the calendar",
            hint: "'1 day', '7 days', '1 month', '3 months' or '1 year'")
        let isPlain = "extract(year FROM \(bucket)) = 0 AND extract(month FROM \(bucket)) = 0 AND \(zone) IS NULL"
        let fits: String
        if let steps {
            let isMultiple = "\(length) % \(steps.step) = 0 AND \(length) BETWEEN 1 AND \(Self.longestBucket)"
            fits = """
                WHEN \(unit) IS NOT NULL THEN date_trunc(\(unit), 'epoch'::timestamptz, coalesce(\(zone), 'UTC')) IS NOT NULL WHEN NOT (\(isPlain)) THEN \(refused(unknown)) \
                WHEN \(isMultiple) THEN true ELSE \(refused(lengthRefusal(steps))) END
                """
        } else {
            let units = coarser.map { "'\($0.rawValue)'" }.joined(separator: ", ")
            let cuts = Refusal(message: "this bucket would cut its windows", hint: "take one of the calendar: \(Self.words(coarser))")
            let zones = Refusal(message: "its windows are those of \(zoneOfWindows ?? "UTC")", hint: "leave the time zone out")
            fits = """
                WHEN \(zone) IS DISTINCT FROM \(Connection.quoteLiteral(zoneOfWindows ?? "UTC")) AND \(zone) IS NOT NULL THEN \(refused(zones)) \
                WHEN \(unit) IN (\(units)) THEN true ELSE \(refused(cuts)) END
                """
        }
        return "CASE WHEN \(bucket) IS NULL OR \(length) = 0 THEN true \(fits)"
    }
}

extension Plan.Window.CalendarUnit {
    /// Microseconds. A day has 25 hours once a year, or 26.
    public var longest: Int64 {
        let days: Int64 =
            switch self {
            case .day: 1
            case .week: 7
            case .month: 31
            case .quarter: 92
            case .year: 366
            }
        return days * CalendarInterval.microsecondsPerDay + 2 * 3_600_000_000
    }
}
