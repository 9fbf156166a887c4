import ParallaxCore
import ViewLanguage

#if canImport(Glibc)
    import Glibc
#endif

/// Arithmetic of times (microseconds since 1970, of UTC or of a clock without a zone) and intervals.
/// Source of the rules: PostgreSQL 15, src/backend/utils/adt/timestamp.c.
enum CalendarTime {
    static let day = CalendarInterval.microsecondsPerDay
    /// PostgreSQL's dates: from 4713-11-24 BC up to, not including, 5874898-01-01.
    static let dates: Range<Int64> = -2_440_588..<2_145_042_541
    private static let outOfRange = RowProblem("timestamp out of range")
    private static let intervalOutOfRange = RowProblem("interval out of range")

    static func checked(_ result: (partialValue: Int64, overflow: Bool)) throws(RowProblem) -> Int64 {
        guard !result.overflow, Instant.acceptedRange.contains(result.partialValue) else { throw outOfRange }
        return result.partialValue
    }

    /// Months first, to the last day of a shorter month; then days; then the rest.
    static func adding(_ interval: CalendarInterval, to time: Int64) throws(RowProblem) -> Int64 {
        var result = time
        if interval.months != 0 || interval.days != 0 {
            var (days, rest) = floorDivide(result, day)
            if interval.months != 0 { days = CivilDate(daysSince1970: days).adding(months: Int64(interval.months)).daysSince1970 }
            days += Int64(interval.days)
            let (product, overflow) = days.multipliedReportingOverflow(by: day)
            guard !overflow else { throw outOfRange }
            result = try checked(product.addingReportingOverflow(rest))
        }
        return try checked(result.addingReportingOverflow(interval.microseconds))
    }

    static func subtracting(_ interval: CalendarInterval, from time: Int64) throws(RowProblem) -> Int64 {
        // No time lies that far from another.
        guard let negative = try? negated(interval) else { throw outOfRange }
        return try adding(negative, to: time)
    }

    static func negated(_ interval: CalendarInterval) throws(RowProblem) -> CalendarInterval {
        guard interval.months != .min, interval.days != .min, interval.microseconds != .min else { throw intervalOutOfRange }
        return CalendarInterval(months: -interval.months, days: -interval.days, microseconds: -interval.microseconds)
    }

    /// Whole days of 24 hours, and the rest.
    static func difference(_ a: Int64, _ b: Int64) throws(RowProblem) -> CalendarInterval {
        let (difference, overflow) = a.subtractingReportingOverflow(b)
        guard !overflow else { throw intervalOutOfRange }
        return CalendarInterval(days: Int32(truncatingIfNeeded: difference / day), microseconds: difference % day)
    }

    static func combined(_ a: CalendarInterval, _ b: CalendarInterval, isSum: Bool) throws(RowProblem) -> CalendarInterval {
        let months = isSum ? a.months.addingReportingOverflow(b.months) : a.months.subtractingReportingOverflow(b.months)
        let days = isSum ? a.days.addingReportingOverflow(b.days) : a.days.subtractingReportingOverflow(b.days)
        let rest =
            isSum ? a.microseconds.addingReportingOverflow(b.microseconds) : a.microseconds.subtractingReportingOverflow(b.microseconds)
        guard !months.overflow, !days.overflow, !rest.overflow else { throw intervalOutOfRange }
        return CalendarInterval(months: months.partialValue, days: days.partialValue, microseconds: rest.partialValue)
    }

    /// Fractions of months become days of which a month has 30, fractions of days hours; in doubles, rounded to microseconds at each step.
    static func scaled(_ interval: CalendarInterval, by factor: Double, divides: Bool) throws(RowProblem) -> CalendarInterval {
        if divides, factor == 0 { throw RowProblem("division by zero") }
        func scale(_ value: Double) -> Double { divides ? value / factor : value * factor }
        func rounded(_ value: Double) -> Double { (value * 1_000_000).rounded(.toNearestOrEven) / 1_000_000 }
        let (months, days) = (scale(Double(interval.months)), scale(Double(interval.days)))
        let range = Double(Int32.min)...Double(Int32.max)
        guard range.contains(months), range.contains(days) else { throw intervalOutOfRange }
        let wholeMonths = months.rounded(.towardZero)
        var wholeDays = days.rounded(.towardZero)
        let monthRest = rounded((months - wholeMonths) * 30)
        var seconds = rounded((days - wholeDays + monthRest - monthRest.rounded(.towardZero)) * 86_400)
        if seconds.magnitude >= 86_400 {
            let more = (seconds / 86_400).rounded(.towardZero)
            wholeDays += more
            seconds -= more * 86_400
        }
        wholeDays += monthRest.rounded(.towardZero)
        let rest = (scale(Double(interval.microseconds)) + seconds * 1_000_000).rounded(.toNearestOrEven)
        guard range.contains(wholeDays), let microseconds = Int64(exactly: rest) else { throw intervalOutOfRange }
        return CalendarInterval(months: Int32(wholeMonths), days: Int32(wholeDays), microseconds: microseconds)
    }

    /// Days out of 24 hours, months out of 30 days; then all parts that were looked at have one sign.
    static func justified(_ interval: CalendarInterval, hours: Bool, days: Bool) throws(RowProblem) -> CalendarInterval {
        var (months, count, rest) = (Int64(interval.months), Int64(interval.days), interval.microseconds)
        // Months first where both may grow, as PostgreSQL does: days alone could leave their range on the way.
        if hours, days, count.signum() * rest.signum() > 0 {
            months += count / 30
            count %= 30
        }
        if hours {
            count += rest / day
            rest %= day
        }
        guard Int32(exactly: months) != nil, Int32(exactly: count) != nil else { throw intervalOutOfRange }
        if days {
            months += count / 30
            count %= 30
            // PostgreSQL refuses it here, also where what follows would lead back.
            guard Int32(exactly: months) != nil else { throw intervalOutOfRange }
            let below = hours && count == 0 ? rest.signum() : Int64(count.signum())
            if months.signum() * below < 0 {
                count += 30 * months.signum()
                months -= months.signum()
            }
        }
        if hours, count.signum() * rest.signum() < 0 {
            rest += day * count.signum()
            count -= count.signum()
        }
        return CalendarInterval(months: Int32(months), days: Int32(count), microseconds: rest)
    }

    /// date_trunc of an interval: towards zero.
    static func truncated(_ interval: CalendarInterval, to unit: TimeField) -> CalendarInterval {
        let monthsPerUnit: [TimeField: Int32] = [
            .month: 1, .quarter: 3, .year: 12, .decade: 120, .century: 1_200, .millennium: 12_000,
        ]
        if let size = monthsPerUnit[unit] { return CalendarInterval(months: interval.months - interval.months % size) }
        let shortUnits: [TimeField: Int64] = [
            .microsecond: 1, .millisecond: 1_000, .second: 1_000_000, .minute: 60_000_000, .hour: 3_600_000_000,
        ]
        var result = interval
        result.microseconds = shortUnits[unit].map { interval.microseconds - interval.microseconds % $0 } ?? 0
        return result
    }

    /// The start of the bin; before the origin, too.
    static func binned(_ time: Int64, size: CalendarInterval, origin: Int64) throws(RowProblem) -> Int64 {
        guard size.months == 0 else { throw RowProblem("timestamps cannot be binned into intervals containing months or years") }
        let (days, overflow) = Int64(size.days).multipliedReportingOverflow(by: day)
        let (stride, overflowOfSum) = days.addingReportingOverflow(size.microseconds)
        guard !overflow, !overflowOfSum else { throw intervalOutOfRange }
        guard stride > 0 else { throw RowProblem("stride must be greater than zero") }
        let (distance, overflowOfDistance) = time.subtractingReportingOverflow(origin)
        guard !overflowOfDistance else { throw intervalOutOfRange }
        return try checked(time.subtractingReportingOverflow(floorDivide(distance, stride).remainder))
    }

    /// to_timestamp: rounded to microseconds as seconds since 2000, where PostgreSQL's count begins.
    static func fromEpoch(_ seconds: Double) throws(RowProblem) -> Int64 {
        let start = 946_684_800.0
        let microseconds = ((seconds - start) * 1_000_000).rounded(.toNearestOrEven)
        guard let whole = Int64(exactly: microseconds) else { throw epochOutOfRange(seconds) }
        let (result, overflow) = whole.addingReportingOverflow(Int64(start) * 1_000_000)
        guard !overflow, Instant.acceptedRange.contains(result) else { throw epochOutOfRange(seconds) }
        return result
    }

    private static func epochOutOfRange(_ seconds: Double) -> RowProblem {
        var text = [CChar](repeating: 0, count: 40)
        _ = withVaList([seconds]) { vsnprintf(&text, text.count, "%g", $0) }
        return RowProblem(
            "timestamp out of range: \"\(String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self))\"")
    }

    /// date_trunc. Days and longer units begin at midnight of the zone; shorter ones keep the offset from UTC of the time itself.
    static func truncated(_ time: Int64, to unit: TimeField, in rules: TimeZoneRules?) throws(RowProblem) -> Int64 {
        let offset = rules.map { $0.offset(at: floorDivide(time, 1_000_000).quotient) * 1_000_000 } ?? 0
        let local = try checked(time.addingReportingOverflow(offset))
        let shortUnits: [TimeField: Int64] = [
            .microsecond: 1, .millisecond: 1_000, .second: 1_000_000, .minute: 60_000_000, .hour: 3_600_000_000,
        ]
        if let size = shortUnits[unit] {
            return try checked((local - floorDivide(local, size).remainder).subtractingReportingOverflow(offset))
        }
        let days = firstDay(of: floorDivide(local, day).quotient, unit)
        let (start, overflow) = days.multipliedReportingOverflow(by: day)
        guard !overflow else { throw outOfRange }
        let newOffset = rules.map { $0.offset(ofLocal: days * 86_400) * 1_000_000 } ?? 0
        return try checked(start.subtractingReportingOverflow(newOffset))
    }

    private static func firstDay(of days: Int64, _ unit: TimeField) -> Int64 {
        let date = CivilDate(daysSince1970: days)
        let year: Int64
        switch unit {
        case .week: return days - CivilDate.isoWeekday(daysSince1970: days) + 1
        case .month: return CivilDate(year: date.year, month: date.month, day: 1).daysSince1970
        case .quarter: return CivilDate(year: date.year, month: (date.month - 1) / 3 * 3 + 1, day: 1).daysSince1970
        case .year: year = date.year
        // Decades begin with the years that end in 0, centuries and millennia with those that end in 1; there was no year 0.
        case .decade: year = date.year > 0 ? date.year / 10 * 10 : -((8 - (date.year - 1)) / 10 * 10)
        case .century: year = date.year > 0 ? (date.year + 99) / 100 * 100 - 99 : -((99 - (date.year - 1)) / 100 * 100) + 1
        case .millennium: year = date.year > 0 ? (date.year + 999) / 1000 * 1000 - 999 : -((999 - (date.year - 1)) / 1000 * 1000) + 1
        default: return days
        }
        return CivilDate(year: year, month: 1, day: 1).daysSince1970
    }
}
