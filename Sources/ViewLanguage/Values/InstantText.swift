import ParallaxCore

/// A timestamptz constant: ISO 8601 and PostgreSQL's ISO form, with an offset from UTC. Without one, UTC is meant: a view's
/// result must not depend on the time zone of whoever applies it.
struct InstantText: Hashable {
    /// Since 1970.
    var microseconds: Int64

    /// A zone in the text of a `timestamp` or a `date` must be one, and changes nothing.
    enum Zone { case applied, ignored }

    init(_ text: String, zone: Zone = .applied, typeName: String? = nil) throws(InvalidText) {
        let typeName = typeName ?? (zone == .applied ? "timestamp with time zone" : "timestamp")
        let trimmed = text.trimmingASCIISpace().lowercased()
        switch trimmed {
        case "epoch":
            microseconds = 0
            return
        case "now", "today", "tomorrow", "yesterday":
            throw InvalidText(
                "\"\(text)\" depends on when it is read: a view must give the same result at any time", hint: "write the time itself")
        case "infinity", "-infinity", "+infinity":
            throw InvalidText("an infinite \(typeName) is not supported", hint: "times are finite")
        default: break
        }
        let invalid = InvalidText.syntax(typeName, text)
        let outOfRange = InvalidText("date/time field value out of range: \"\(text)\"")
        var fields = FieldScanner(trimmed)
        guard let year = fields.digits(4...6), fields.take("-"), let month = fields.digits(1...2), fields.take("-"),
            let day = fields.digits(1...2)
        else { throw invalid }
        guard year > 0, (1...12).contains(month), day >= 1, day <= Self.days(in: month, of: year) else { throw outOfRange }
        // A date is the one that is written, also before a time of 24:00.
        let isDate = typeName == "date"
        var time: Int64 = 0
        if !fields.isAtEnd, fields.take("t") || fields.take(" ") {
            guard let hour = fields.digits(1...2), fields.take(":"), let minute = fields.digits(2...2) else { throw invalid }
            let second = fields.take(":") ? fields.digits(2...2) : 0
            guard let second else { throw invalid }
            // PostgreSQL reads the fraction as a double and rounds it to microseconds, half to even.
            let fraction = fields.fraction().map { Int64(($0 * 1_000_000).rounded(.toNearestOrEven)) } ?? 0
            time = (hour * 3_600 + minute * 60 + second) * Instant.microsecondsPerSecond + fraction
            // Second 60 and fractions that round up may reach 24:00, and not more.
            guard minute <= 59, second <= 60, time <= CalendarInterval.microsecondsPerDay else { throw outOfRange }
        }
        let offset = try Self.offset(&fields, text, invalid)
        microseconds =
            Self.daysSince1970(year, month, day) * CalendarInterval.microsecondsPerDay + (isDate ? 0 : time)
            - (zone == .applied ? offset : 0)
        guard microseconds >= Instant.acceptedRange.lowerBound else { throw outOfRange }
    }

    /// Microseconds east of UTC.
    private static func offset(_ fields: inout FieldScanner, _ text: String, _ invalid: InvalidText) throws(InvalidText) -> Int64 {
        fields.skipSpaces()
        if fields.isAtEnd { return 0 }
        if fields.take("zulu") || fields.take("z") || fields.take("utc") || fields.take("gmt") {
            guard fields.isAtEnd else { throw invalid }
            return 0
        }
        let sign: Int64
        if fields.take("+") {
            sign = 1
        } else if fields.take("-") {
            sign = -1
        } else {
            guard fields.isAtLetter else { throw invalid }
            throw InvalidText("a named time zone in \"\(text)\" is not supported", hint: "write the offset from UTC, such as +01:00")
        }
        guard var hour = fields.digits(1...4) else { throw invalid }
        var minute: Int64 = 0
        var second: Int64 = 0
        if fields.lastLength > 2 {
            (hour, minute) = (hour / 100, hour % 100)
        } else if fields.take(":") {
            guard let value = fields.digits(2...2) else { throw invalid }
            minute = value
            if fields.take(":") {
                guard let value = fields.digits(2...2) else { throw invalid }
                second = value
            }
        }
        guard fields.isAtEnd else { throw invalid }
        // PostgreSQL's MAX_TZDISP_HOUR.
        guard hour <= 15, minute < 60, second < 60 else { throw InvalidText("time zone displacement out of range: \"\(text)\"") }
        return sign * (hour * 3_600 + minute * 60 + second) * Instant.microsecondsPerSecond
    }

    private static func days(in month: Int64, of year: Int64) -> Int64 {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// Proleptic Gregorian calendar, counted in years that begin in March, so that the leap day is the last.
    private static func daysSince1970(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
        let shifted = month <= 2 ? year - 1 : year
        let monthFromMarch = (month + 9) % 12
        let daysBeforeMonth = (153 * monthFromMarch + 2) / 5
        let daysBeforeYear = shifted * 365 + shifted / 4 - shifted / 100 + shifted / 400
        // 719,468 days lie between 0000-03-01 and 1970-01-01.
        return daysBeforeYear + daysBeforeMonth + day - 1 - 719_468
    }
}

private struct FieldScanner {
    private let characters: [Unicode.Scalar]
    private var position = 0
    /// How many digits the last `digits` call read.
    private(set) var lastLength = 0

    init(_ text: String) { characters = Array(text.unicodeScalars) }

    var isAtEnd: Bool { position >= characters.count }
    var isAtLetter: Bool { position < characters.count && ("a"..."z").contains(characters[position]) }

    mutating func skipSpaces() {
        while position < characters.count, characters[position] == " " { position += 1 }
    }

    mutating func take(_ word: String) -> Bool {
        guard characters[position...].starts(with: word.unicodeScalars) else { return false }
        position += word.unicodeScalars.count
        return true
    }

    mutating func digits(_ lengths: ClosedRange<Int>) -> Int64? {
        let start = position
        var value: Int64 = 0
        while position < characters.count, ("0"..."9").contains(characters[position]), position - start < lengths.upperBound {
            value = value * 10 + Int64(characters[position].value - 48)
            position += 1
        }
        lastLength = position - start
        return lengths.contains(lastLength) ? value : nil
    }

    mutating func fraction() -> Double? {
        guard take(".") else { return nil }
        var text = "0."
        while position < characters.count, ("0"..."9").contains(characters[position]) {
            text.unicodeScalars.append(characters[position])
            position += 1
        }
        return Double(text + "0")
    }
}
