/// A unit in an interval's text.
enum IntervalUnit {
    case microsecond, millisecond, second, minute, hour, day, week, month, year, decade, century, millennium

    /// PostgreSQL's names and abbreviations, in lower case. It looks at ten bytes of a word: `microseconds` and `microsecon` are one.
    init?(_ word: some Collection<UInt8>) {
        switch String(decoding: word.prefix(10), as: UTF8.self) {
        case "us", "usec", "usecs", "usecond", "useconds", "microsecon": self = .microsecond
        case "ms", "msec", "msecs", "msecond", "mseconds", "millisecon": self = .millisecond
        case "s", "sec", "secs", "second", "seconds": self = .second
        case "m", "min", "mins", "minute", "minutes": self = .minute
        case "h", "hr", "hrs", "hour", "hours": self = .hour
        case "d", "day", "days": self = .day
        case "w", "week", "weeks": self = .week
        case "mon", "mons", "month", "months": self = .month
        case "y", "yr", "yrs", "year", "years": self = .year
        case "dec", "decs", "decade", "decades": self = .decade
        case "c", "cent", "century", "centuries": self = .century
        case "mil", "mils", "millennia", "millennium": self = .millennium
        default: return nil
        }
    }

    /// The length of a unit that is always equally long; nil for days and longer ones, which an interval counts apart.
    var microseconds: Int64? {
        switch self {
        case .microsecond: 1
        case .millisecond: 1_000
        case .second: 1_000_000
        case .minute: 60_000_000
        case .hour: 3_600_000_000
        default: nil
        }
    }

    /// How many years the unit is; nil for shorter units.
    var years: Int32? {
        switch self {
        case .year: 1
        case .decade: 10
        case .century: 100
        case .millennium: 1_000
        default: nil
        }
    }
}
