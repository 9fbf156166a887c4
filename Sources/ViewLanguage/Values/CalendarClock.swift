import ParallaxCore

/// Calendar windows on the clocks of a time zone, as PostgreSQL's date_trunc(unit, timestamptz, zone) has them.
///
///     start(t) = instant(trunc(unit, local(t)))        end(start) = instant(trunc(unit, local(start)) + 1 unit)
///
/// Where clocks go back over midnight, the day begins at its second midnight, as PostgreSQL says, and the hour before lies in that day all
/// the same: start(t) may be above t by the length of the change. A midnight that clocks pass over begins when they have.
public struct CalendarClock: Sendable {
    private let rules: TimeZoneRules
    private let unit: Plan.Window.CalendarUnit

    private static let second: Int64 = 1_000_000
    private static let day: Int64 = 86_400_000_000

    /// Nil where the machine's time zone data have no such zone.
    public init?(unit: Plan.Window.CalendarUnit, zone: String) {
        guard let rules = TimeZoneRules.named(zone) else { return nil }
        self.rules = rules
        self.unit = unit
    }

    /// The tz database's own spelling of a name: PostgreSQL takes any case. Nil for what is none (abbreviations and offsets are none).
    static func knownName(_ name: String) -> String? {
        let lowered = name.lowercased()
        if ["utc", "gmt", "etc/utc", "zulu"].contains(lowered) { return "UTC" }
        return TimeZoneRules.knownName(name)
    }

    /// Microseconds east of UTC at an instant (microseconds since 1970).
    private func offset(at instant: Int64) -> Int64 {
        rules.offset(at: Self.floorDivide(instant, Self.second)) * Self.second
    }

    /// The instant of a local time. Ambiguous: the later one; passed over by the clocks: what it would have been before the change.
    private func instant(ofLocal local: Int64) -> Int64 {
        local - rules.offset(ofLocal: Self.floorDivide(local, Self.second)) * Self.second
    }

    public func start(of instant: Int64) -> Int64 { self.instant(ofLocal: truncated(instant + offset(at: instant))) }

    public func end(of start: Int64) -> Int64 {
        let local = truncated(start + offset(at: start))
        let days = Self.floorDivide(local, Self.day)
        switch unit {
        case .day: return instant(ofLocal: local + Self.day)
        case .week: return instant(ofLocal: local + 7 * Self.day)
        case .month, .quarter, .year:
            var (year, month) = Self.civil(days)
            month += unit == .month ? 1 : unit == .quarter ? 3 : 12
            if month > 12 { (year, month) = (year + 1, month - 12) }
            return instant(ofLocal: Self.days(year, month) * Self.day)
        }
    }

    /// Whether the clocks go evenly over a window: every instant in it then lies in it, and no other does.
    public func isEven(from start: Int64, to end: Int64) -> Bool {
        offset(at: start - Self.day) == offset(at: start) && offset(at: start) == offset(at: end)
            && offset(at: end) == offset(at: end + Self.day)
    }

    private func truncated(_ local: Int64) -> Int64 {
        let days = Self.floorDivide(local, Self.day)
        switch unit {
        case .day: return days * Self.day
        // 1970-01-01 was a Thursday; weeks begin on Mondays.
        case .week: return (days - Self.modulo(days + 3, 7)) * Self.day
        case .month, .quarter, .year:
            let (year, month) = Self.civil(days)
            let first = unit == .month ? month : unit == .quarter ? (month - 1) / 3 * 3 + 1 : 1
            return Self.days(year, first) * Self.day
        }
    }

    private static func floorDivide(_ value: Int64, _ divisor: Int64) -> Int64 {
        let (quotient, remainder) = value.quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? quotient - 1 : quotient
    }

    private static func modulo(_ value: Int64, _ divisor: Int64) -> Int64 { value - floorDivide(value, divisor) * divisor }

    /// Hinnant, "chrono-Compatible Low-Level Date Algorithms": civil_from_days and days_from_civil.
    private static func civil(_ days: Int64) -> (year: Int64, month: Int64) {
        let shifted = days + 719_468
        let era = floorDivide(shifted, 146_097)
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month)
    }

    /// The day on which a month begins.
    private static func days(_ year: Int64, _ month: Int64) -> Int64 {
        let year = month <= 2 ? year - 1 : year
        let era = floorDivide(year, 400)
        let yearOfEra = year - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }
}
