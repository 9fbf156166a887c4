import ParallaxCore
import ViewLanguage

/// What EXTRACT and date_part take from a time (in UTC) or from an interval.
struct TimeParts {
    private var day: Int64 = 0
    private var microseconds: Int64
    private var interval: CalendarInterval?

    init(day: Int64, microsecondOfDay: Int64) {
        self.day = day
        microseconds = microsecondOfDay
    }

    init(_ interval: CalendarInterval) {
        microseconds = interval.microseconds
        self.interval = interval
    }

    /// The value in the unit of its last digit: seconds and epoch have six digits behind the point, milliseconds three, others none.
    func unscaled(_ field: TimeField) -> Int128 {
        switch field {
        case .second, .millisecond, .microsecond: Int128(microseconds % 60_000_000)
        case .epoch: epoch
        default: Int128(whole(field))
        }
    }

    /// As PostgreSQL adds the doubles up.
    func double(_ field: TimeField) -> Double {
        let (second, fraction) = (Double(microseconds / 1_000_000 % 60), Double(microseconds % 1_000_000))
        switch field {
        case .second: return second + fraction / 1_000_000
        case .millisecond: return second * 1_000 + fraction / 1_000
        case .microsecond: return second * 1_000_000 + fraction
        case .epoch:
            guard let interval else { return Double(Int64(epoch)) / 1_000_000 }
            var result = Double(interval.microseconds) / 1_000_000
            result += 365.25 * 86_400 * Double(interval.months / 12)
            result += 30.0 * 86_400 * Double(interval.months % 12)
            return result + 86_400 * Double(interval.days)
        default: return Double(whole(field))
        }
    }

    /// Microseconds: since 1970, or of the whole interval, a year of which has 365.25 days and a month 30.
    private var epoch: Int128 {
        guard let interval else { return Int128(day) * Int128(CalendarInterval.microsecondsPerDay) + Int128(microseconds) }
        let quarterDays = 1_461 * Int128(interval.months / 12) + 120 * Int128(interval.months % 12) + 4 * Int128(interval.days)
        return quarterDays * 21_600_000_000 + Int128(interval.microseconds)
    }

    private func whole(_ field: TimeField) -> Int64 {
        switch field {
        case .minute: return microseconds / 60_000_000 % 60
        case .hour: return microseconds / 3_600_000_000
        case .timezone, .timezoneHour, .timezoneMinute: return 0
        default: break
        }
        if let interval {
            let (years, months) = (Int64(interval.months / 12), Int64(interval.months % 12))
            switch field {
            case .day: return Int64(interval.days)
            case .month: return months
            case .quarter: return months / 3 + 1
            case .year: return years
            case .decade: return years / 10
            case .century: return years / 100
            case .millennium: return years / 1_000
            default: preconditionFailure("\(field) of an interval")
            }
        }
        let date = CivilDate(daysSince1970: day)
        // There is no year 0: 1 BC is -1.
        func shown(_ year: Int64) -> Int64 { year > 0 ? year : year - 1 }
        switch field {
        case .day: return date.day
        case .month: return date.month
        case .quarter: return (date.month - 1) / 3 + 1
        case .week: return CivilDate.isoWeek(daysSince1970: day).week
        case .year: return shown(date.year)
        case .isoyear: return shown(CivilDate.isoWeek(daysSince1970: day).year)
        case .decade: return date.year >= 0 ? date.year / 10 : -((8 - (date.year - 1)) / 10)
        case .century: return date.year > 0 ? (date.year + 99) / 100 : -((99 - (date.year - 1)) / 100)
        case .millennium: return date.year > 0 ? (date.year + 999) / 1_000 : -((999 - (date.year - 1)) / 1_000)
        case .dow: return CivilDate.isoWeekday(daysSince1970: day) % 7
        case .isodow: return CivilDate.isoWeekday(daysSince1970: day)
        case .doy: return day - CivilDate(year: date.year, month: 1, day: 1).daysSince1970 + 1
        default: preconditionFailure("\(field) of a day")
        }
    }
}
