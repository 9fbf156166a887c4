import ParallaxCore

/// An interval as PostgreSQL keeps it: months and days have no fixed length there.
struct IntervalText: Hashable {
    var months: Int64 = 0
    var days: Int64 = 0
    var microseconds: Int64 = 0
    /// Half a month is a number of days that PostgreSQL rounds in its own way.
    var hasFractionOfMonth = false

    static let microsecondsPerDay: Int64 = 86_400_000_000

    /// Microseconds, days taken as 24 hours (as date_bin does).
    func fixedLength() throws(InvalidText) -> Int64 {
        guard months == 0 else {
            throw InvalidText("months and years have no fixed length", hint: "write weeks, days, hours, minutes or seconds")
        }
        let (product, overflow) = days.multipliedReportingOverflow(by: Self.microsecondsPerDay)
        let (sum, overflowOfSum) = product.addingReportingOverflow(microseconds)
        guard !overflow, !overflowOfSum else { throw InvalidText("interval out of range", hint: "write a shorter one") }
        return sum
    }

    func calendarInterval() throws(InvalidText) -> CalendarInterval {
        guard !hasFractionOfMonth else {
            throw InvalidText("a fraction of a month or a year is not supported", hint: "write whole months, and days")
        }
        guard let months = Int32(exactly: months), let days = Int32(exactly: days) else { throw InvalidText("interval out of range") }
        return CalendarInterval(months: months, days: days, microseconds: microseconds)
    }

    /// PostgreSQL's forms (documentation, "Interval Input"): `1 hour 30 minutes`, `90s`, `00:05:00`, `1 day 02:00`, `2 hours ago`,
    /// ISO 8601 with designators (`PT1H30M`). A number without a unit counts seconds.
    init(_ text: String) throws(InvalidText) {
        var scanner = IntervalScanner(text.lowercased())
        let invalid = InvalidText.syntax("interval", text)
        guard !scanner.isAtEnd else { throw invalid }
        do {
            if scanner.take("p") { try readDesignators(&scanner) } else { try readWords(&scanner) }
        } catch {
            switch error {
            case .syntax: throw invalid
            case .range: throw InvalidText("interval field value out of range: \"\(text)\"")
            }
        }
    }

    private mutating func readWords(_ scanner: inout IntervalScanner) throws(IntervalScanner.Failure) {
        _ = scanner.take("@")
        var sawField = false
        while !scanner.isAtEnd {
            if sawField, scanner.take("ago") {
                guard scanner.isAtEnd else { throw .syntax }
                (months, days, microseconds) = (-months, -days, -microseconds)
                return
            }
            if let clock = try scanner.clock() {
                try add(clock, unit: 1)
            } else {
                let number = try scanner.number()
                let word = scanner.word()
                guard let unit = word.isEmpty ? (scanner.isAtEnd ? .second : nil) : IntervalUnit(word) else { throw .syntax }
                try add(number, unit)
            }
            sawField = true
        }
        guard sawField else { throw .syntax }
    }

    private mutating func readDesignators(_ scanner: inout IntervalScanner) throws(IntervalScanner.Failure) {
        var isTime = false
        var sawField = false
        while !scanner.isAtEnd {
            if !isTime, scanner.take("t") { isTime = true }
            let number = try scanner.number()
            let unit: IntervalUnit
            switch (scanner.word(), isTime) {
            case ("y", false): unit = .year
            case ("m", false): unit = .month
            case ("w", false): unit = .week
            case ("d", false): unit = .day
            case ("h", true): unit = .hour
            case ("m", true): unit = .minute
            case ("s", true): unit = .second
            // "1dt2h": the word runs on into the time part.
            case ("dt", false):
                unit = .day
                isTime = true
            default: throw .syntax
            }
            try add(number, unit)
            sawField = true
        }
        guard sawField else { throw .syntax }
    }

    /// A fraction of a unit goes on in the next smaller ones, as in PostgreSQL: half a week is 3 days and 12 hours.
    private mutating func add(_ number: IntervalScanner.Number, _ unit: IntervalUnit) throws(IntervalScanner.Failure) {
        switch unit {
        case .microsecond, .millisecond, .second, .minute, .hour: try add(number, unit: unit.microseconds)
        case .day, .week:
            let perUnit: Int64 = unit == .week ? 7 : 1
            days = try sum(days, product(number.whole, perUnit))
            let part = number.fraction * Double(perUnit)
            days = try sum(days, Int64(part))
            let rest = (part - part.rounded(.towardZero)) * Double(Self.microsecondsPerDay)
            microseconds = try sum(microseconds, Int64(rest.rounded(.toNearestOrEven)))
        case .month, .year, .decade, .century, .millennium:
            months = try sum(months, product(number.whole, unit.months))
            if number.fraction != 0 {
                hasFractionOfMonth = true
                // Enough to know that months are in it.
                if months == 0 { months = 1 }
            }
        }
    }

    private mutating func add(_ number: IntervalScanner.Number, unit: Int64) throws(IntervalScanner.Failure) {
        microseconds = try sum(microseconds, product(number.whole, unit))
        microseconds = try sum(microseconds, Int64((number.fraction * Double(unit)).rounded(.toNearestOrEven)))
    }

    private func sum(_ a: Int64, _ b: Int64) throws(IntervalScanner.Failure) -> Int64 {
        let (result, overflow) = a.addingReportingOverflow(b)
        // Int64.min could not be negated for "ago".
        guard !overflow, result != .min else { throw .range }
        return result
    }

    private func product(_ a: Int64, _ b: Int64) throws(IntervalScanner.Failure) -> Int64 {
        let (result, overflow) = a.multipliedReportingOverflow(by: b)
        guard !overflow else { throw .range }
        return result
    }
}
