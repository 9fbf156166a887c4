/// A field of EXTRACT and date_part, a unit of date_trunc. The raw value is its canonical name, which stands in plans.
public enum TimeField: String, CaseIterable, Sendable {
    case microsecond, millisecond, second, minute, hour, day, week, month, quarter, year, decade, century, millennium
    case isoyear, dow, isodow, doy, epoch, timezone
    case timezoneHour = "timezone_hour"
    case timezoneMinute = "timezone_minute"

    /// PostgreSQL's spellings (datetime.c, deltatktbl and datetktbl). Letter case does not matter.
    public init?(_ word: String) {
        switch word.lowercased() {
        case "microsecond", "microseconds", "microsecon", "usec", "usecs", "usecond", "useconds", "us": self = .microsecond
        case "millisecond", "milliseconds", "msec", "msecs", "msecond", "mseconds", "ms": self = .millisecond
        case "second", "seconds", "sec", "secs", "s": self = .second
        case "minute", "minutes", "min", "mins", "m": self = .minute
        case "hour", "hours", "hr", "hrs", "h": self = .hour
        case "day", "days", "d": self = .day
        case "week", "weeks", "w": self = .week
        case "month", "months", "mon", "mons": self = .month
        case "quarter", "qtr": self = .quarter
        case "year", "years", "yr", "yrs", "y": self = .year
        case "decade", "decades", "dec", "decs": self = .decade
        case "century", "centuries", "cent", "c": self = .century
        case "millennium", "millennia", "mil", "mils": self = .millennium
        case "isoyear": self = .isoyear
        case "dow": self = .dow
        case "isodow": self = .isodow
        case "doy": self = .doy
        case "epoch": self = .epoch
        case "timezone": self = .timezone
        case "timezone_hour": self = .timezoneHour
        case "timezone_minute": self = .timezoneMinute
        default: return nil
        }
    }

    var isUnit: Bool {
        switch self {
        case .isoyear, .dow, .isodow, .doy, .epoch, .timezone, .timezoneHour, .timezoneMinute: false
        default: true
        }
    }

    func isPart(of kind: TypeClass) -> Bool {
        switch (self, kind) {
        case (_, .time): [.hour, .minute, .second, .millisecond, .microsecond, .epoch].contains(self)
        case (.timezone, _), (.timezoneHour, _), (.timezoneMinute, _): kind == .timestamptz
        case (.isoyear, .interval), (.dow, .interval), (.isodow, .interval), (.doy, .interval), (.week, .interval): false
        case (.microsecond, .date), (.millisecond, .date), (.second, .date), (.minute, .date), (.hour, .date): false
        default: true
        }
    }
}
