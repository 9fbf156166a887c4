enum IntervalUnit {
    case microsecond, millisecond, second, minute, hour, day, week, month, year, decade, century, millennium

    /// PostgreSQL's names and abbreviations (src/backend/utils/adt/datetime.c, deltatktbl).
    init?(_ word: String) {
        switch word {
        case "us", "usec", "usecs", "microsecond", "microseconds", "microsecon": self = .microsecond
        case "ms", "msec", "msecs", "mseconds", "millisecond", "milliseconds", "millisecon": self = .millisecond
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

    /// Of the units with a fixed length; days and longer ones are counted apart.
    var microseconds: Int64 {
        switch self {
        case .microsecond: 1
        case .millisecond: 1_000
        case .second: 1_000_000
        case .minute: 60_000_000
        case .hour: 3_600_000_000
        default: 0
        }
    }

    var months: Int64 {
        switch self {
        case .month: 1
        case .year: 12
        case .decade: 120
        case .century: 1_200
        case .millennium: 12_000
        default: 0
        }
    }
}

/// Reads the parts of an interval's text, passing over white space before each.
struct IntervalScanner {
    enum Failure: Error { case syntax, range }

    /// Both parts carry the sign.
    struct Number {
        var whole: Int64
        /// Below one in magnitude.
        var fraction: Double
    }

    private let characters: [Unicode.Scalar]
    private var position = 0

    init(_ text: String) { characters = Array(text.trimmingASCIISpace().unicodeScalars) }

    var isAtEnd: Bool { position >= characters.count }

    private func peek(_ ahead: Int = 0) -> Unicode.Scalar? {
        position + ahead < characters.count ? characters[position + ahead] : nil
    }

    private mutating func skipSpace() {
        while let scalar = peek(), scalar == " " || (9...13).contains(scalar.value) { position += 1 }
    }

    mutating func take(_ word: String) -> Bool {
        skipSpace()
        guard characters[position...].starts(with: word.unicodeScalars) else { return false }
        position += word.unicodeScalars.count
        skipSpace()
        return true
    }

    mutating func word() -> String {
        skipSpace()
        var word = ""
        while let scalar = peek(), ("a"..."z").contains(scalar) {
            word.unicodeScalars.append(scalar)
            position += 1
        }
        skipSpace()
        return word
    }

    private mutating func sign() -> Int64 {
        skipSpace()
        guard let scalar = peek(), scalar == "-" || scalar == "+" else { return 1 }
        position += 1
        return scalar == "-" ? -1 : 1
    }

    private mutating func digits() throws(Failure) -> Int64? {
        var value: Int64?
        while let scalar = peek(), ("0"..."9").contains(scalar) {
            let (tens, overflow) = (value ?? 0).multipliedReportingOverflow(by: 10)
            let (next, overflowOfSum) = tens.addingReportingOverflow(Int64(scalar.value - 48))
            guard !overflow, !overflowOfSum else { throw .range }
            value = next
            position += 1
        }
        return value
    }

    private mutating func fraction() -> Double? {
        guard peek() == "." else { return nil }
        var text = "0."
        position += 1
        while let scalar = peek(), ("0"..."9").contains(scalar) {
            text.unicodeScalars.append(scalar)
            position += 1
        }
        return Double(text + "0")
    }

    mutating func number() throws(Failure) -> Number {
        let sign = sign()
        let whole = try digits()
        let fraction = fraction()
        guard whole != nil || (fraction ?? 0) != 0 else { throw .syntax }
        skipSpace()
        return Number(whole: sign * (whole ?? 0), fraction: Double(sign) * (fraction ?? 0))
    }

    /// `[-]HH:MM[:SS[.f]]` in microseconds; nil, with nothing read, where no colon follows the first number.
    mutating func clock() throws(Failure) -> Number? {
        let start = position
        let sign = sign()
        guard let hours = try digits(), peek() == ":" else {
            position = start
            return nil
        }
        position += 1
        guard let minutes = try digits(), minutes < 60 else { throw .syntax }
        var seconds: Int64 = 0
        if peek() == ":" {
            position += 1
            guard let value = try digits(), value < 61 else { throw .syntax }
            seconds = value
        }
        let microseconds = Int64(((fraction() ?? 0) * 1_000_000).rounded(.toNearestOrEven))
        let (whole, overflow) = hours.multipliedReportingOverflow(by: 3_600_000_000)
        let (total, overflowOfSum) = whole.addingReportingOverflow(minutes * 60_000_000 + seconds * 1_000_000 + microseconds)
        guard !overflow, !overflowOfSum else { throw .range }
        skipSpace()
        return Number(whole: sign * total, fraction: 0)
    }
}
