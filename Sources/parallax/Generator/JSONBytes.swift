/// Appends to a JSON payload without going through `String`: the generator makes about a million records a second.
extension [UInt8] {
    mutating func appendText(_ text: StaticString) {
        text.withUTF8Buffer { append(contentsOf: $0) }
    }

    mutating func appendDigits(_ value: Int64) {
        if value < 0 { append(UInt8(ascii: "-")) }
        appendDigits(value.magnitude, width: 1)
    }

    /// With leading zeros up to `width`.
    mutating func appendDigits(_ value: UInt64, width: Int) {
        let start = count
        var rest = value
        repeat {
            append(UInt8(ascii: "0") + UInt8(rest % 10))
            rest /= 10
        } while rest > 0
        while count - start < width { append(UInt8(ascii: "0")) }
        self[start...].reverse()
    }

    /// `12.34` for 1234 with scale 2.
    mutating func appendDecimal(unscaled: Int64, scale: Int) {
        if unscaled < 0 { append(UInt8(ascii: "-")) }
        var divisor: UInt64 = 1
        for _ in 0..<scale { divisor *= 10 }
        appendDigits(unscaled.magnitude / divisor, width: 1)
        guard scale > 0 else { return }
        append(UInt8(ascii: "."))
        appendDigits(unscaled.magnitude % divisor, width: scale)
    }

    /// Lower-case, with hyphens, without quotes.
    mutating func appendUUID(_ value: UInt128) {
        for index in 0..<32 {
            if index == 8 || index == 12 || index == 16 || index == 20 { append(UInt8(ascii: "-")) }
            let digit = UInt8(truncatingIfNeeded: value >> UInt128(124 - 4 * index)) & 15
            append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
        }
    }

    /// `2024-01-01T12:00:00.123456Z`, without quotes; the fraction only where there is one.
    mutating func appendInstant(microseconds: Int64) {
        let (date, time) = CivilDate.split(microseconds: microseconds)
        appendDigits(UInt64(Swift.max(0, date.year)), width: 4)
        append(UInt8(ascii: "-"))
        appendDigits(UInt64(date.month), width: 2)
        append(UInt8(ascii: "-"))
        appendDigits(UInt64(date.day), width: 2)
        append(UInt8(ascii: "T"))
        let seconds = UInt64(time / 1_000_000)
        appendDigits(seconds / 3_600, width: 2)
        append(UInt8(ascii: ":"))
        appendDigits(seconds / 60 % 60, width: 2)
        append(UInt8(ascii: ":"))
        appendDigits(seconds % 60, width: 2)
        let fraction = UInt64(time % 1_000_000)
        if fraction > 0 {
            append(UInt8(ascii: "."))
            appendDigits(fraction, width: 6)
        }
        append(UInt8(ascii: "Z"))
    }
}

/// Days to dates in the proleptic Gregorian calendar. Source: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms".
struct CivilDate: Equatable, Sendable {
    var year: Int
    var month: Int
    var day: Int

    /// Date, and microseconds since its midnight UTC.
    static func split(microseconds: Int64) -> (date: CivilDate, timeOfDay: Int64) {
        let perDay: Int64 = 86_400_000_000
        var days = microseconds / perDay
        var time = microseconds % perDay
        if time < 0 {
            days -= 1
            time += perDay
        }
        let z = days + 719_468
        let era = (z >= 0 ? z : z - 146_096) / 146_097
        let dayOfEra = z - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shifted = (5 * dayOfYear + 2) / 153
        let month = shifted < 10 ? shifted + 3 : shifted - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        return (CivilDate(year: Int(year), month: Int(month), day: Int(dayOfYear - (153 * shifted + 2) / 5 + 1)), time)
    }

    var daysSince1970: Int64 {
        let y = Int64(month <= 2 ? year - 1 : year)
        let era = (y >= 0 ? y : y - 399) / 400
        let yearOfEra = y - era * 400
        let dayOfYear = Int64((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1)
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }
}
