/// A day of the proleptic Gregorian calendar. Year 0 is 1 BC.
///
/// Source: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms".
public struct CivilDate: Hashable, Sendable {
    public var year: Int64
    /// 1 to 12.
    public var month: Int64
    /// From 1.
    public var day: Int64

    public init(year: Int64, month: Int64, day: Int64) {
        self.year = year
        self.month = month
        self.day = day
    }

    public init(daysSince1970 days: Int64) {
        let (era, dayOfEra) = floorDivide(days + 719_468, 146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    }

    public var daysSince1970: Int64 {
        let yearFromMarch = month <= 2 ? year - 1 : year
        let (era, yearOfEra) = floorDivide(yearFromMarch, 400)
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    public static func daysInMonth(_ month: Int64, of year: Int64) -> Int64 {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// The same day so many months later, or the last day of that month where it has no such day.
    public func adding(months: Int64) -> CivilDate {
        let (years, rest) = floorDivide(month - 1 + months, 12)
        let (newYear, newMonth) = (year + years, rest + 1)
        return CivilDate(year: newYear, month: newMonth, day: min(day, Self.daysInMonth(newMonth, of: newYear)))
    }

    /// Monday 1 to Sunday 7.
    public static func isoWeekday(daysSince1970 days: Int64) -> Int64 { floorDivide(days + 3, 7).remainder + 1 }

    /// The Monday of the first ISO week of a year: the week that holds its fourth of January.
    public static func startOfISOYear(_ year: Int64) -> Int64 {
        let fourth = CivilDate(year: year, month: 1, day: 4).daysSince1970
        return fourth - isoWeekday(daysSince1970: fourth) + 1
    }

    /// The ISO year and week of a day.
    public static func isoWeek(daysSince1970 days: Int64) -> (year: Int64, week: Int64) {
        var year = CivilDate(daysSince1970: days).year
        if days < startOfISOYear(year) { year -= 1 } else if days >= startOfISOYear(year + 1) { year += 1 }
        return (year, (days - startOfISOYear(year)) / 7 + 1)
    }
}

/// The floor of a quotient, and the rest, which has the divisor's sign. The divisor is positive.
@inlinable
public func floorDivide(_ value: Int64, _ divisor: Int64) -> (quotient: Int64, remainder: Int64) {
    let (quotient, remainder) = value.quotientAndRemainder(dividingBy: divisor)
    return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
}
