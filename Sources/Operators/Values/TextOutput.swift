import CSimdJSON
import Columns

/// PostgreSQL's output functions, appended to a buffer. Dates are ISO, in UTC.
enum TextOutput {
    static func append(_ value: Int64, to buffer: inout [UInt8]) {
        if value < 0 { buffer.append(UInt8(ascii: "-")) }
        appendDigits(value.magnitude, width: 1, to: &buffer)
    }

    /// At least `width` digits.
    static func appendDigits(_ value: UInt64, width: Int, to buffer: inout [UInt8]) {
        // A 64-bit number has at most twenty digits.
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { digits in
            var rest = value
            var at = 20
            repeat {
                at -= 1
                digits[at] = UInt8(truncatingIfNeeded: rest % 10) + UInt8(ascii: "0")
                rest /= 10
            } while rest > 0
            for _ in 0..<max(0, width - (20 - at)) { buffer.append(UInt8(ascii: "0")) }
            buffer.append(contentsOf: digits[at..<20])
        }
    }

    static func append(_ unscaled: Int128, scale: Int, to buffer: inout [UInt8]) {
        if unscaled < 0 { buffer.append(UInt8(ascii: "-")) }
        let magnitude = unscaled.magnitude
        if let narrow = UInt64(exactly: magnitude), scale <= 19 {
            guard scale > 0 else { return appendDigits(narrow, width: 1, to: &buffer) }
            let divisor = UInt64(Decimal128.power(scale))
            appendDigits(narrow / divisor, width: 1, to: &buffer)
            buffer.append(UInt8(ascii: "."))
            appendDigits(narrow % divisor, width: scale, to: &buffer)
            return
        }
        appendPoint(digits: Array(String(magnitude).utf8), scale: scale, to: &buffer)
    }

    /// Decimal digits with a point before the last `scale` of them.
    static func appendPoint(digits: [UInt8], scale: Int, to buffer: inout [UInt8]) {
        guard scale > 0 else { return buffer.append(contentsOf: digits) }
        let whole = digits.count - scale
        if whole <= 0 {
            buffer.append(UInt8(ascii: "0"))
            buffer.append(UInt8(ascii: "."))
            buffer.append(contentsOf: repeatElement(UInt8(ascii: "0"), count: -whole))
            buffer.append(contentsOf: digits)
        } else {
            buffer.append(contentsOf: digits[..<whole])
            buffer.append(UInt8(ascii: "."))
            buffer.append(contentsOf: digits[whole...])
        }
    }

    static func append(_ value: Double, to buffer: inout [UInt8]) {
        appendFormatted(to: &buffer) { csj_format_double(value, $0) }
    }

    /// With fifteen significant digits: the form from which PostgreSQL casts float8 to numeric.
    static func appendRounded(_ value: Double, to buffer: inout [UInt8]) {
        appendFormatted(to: &buffer) { csj_format_double_15(value, $0) }
    }

    private static func appendFormatted(to buffer: inout [UInt8], _ format: (UnsafeMutablePointer<CChar>) -> Int) {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64) { text in
            guard let start = text.baseAddress else { return }
            let count = format(start)
            buffer.append(contentsOf: UnsafeRawBufferPointer(start: start, count: count))
        }
    }

    static func append(uuid: UInt128, to buffer: inout [UInt8]) {
        let digits: StaticString = "0123456789abcdef"
        for byte in 0..<16 {
            if byte == 4 || byte == 6 || byte == 8 || byte == 10 { buffer.append(UInt8(ascii: "-")) }
            let value = Int(truncatingIfNeeded: uuid >> UInt128(120 - byte * 8)) & 0xff
            buffer.append(digits.utf8Start[value >> 4])
            buffer.append(digits.utf8Start[value & 15])
        }
    }

    /// `2024-05-01 10:11:12.5+00`, years before our era with BC at the end.
    static func append(timestamptz microseconds: Int64, to buffer: inout [UInt8]) {
        let (day, microsecondOfDay) = floorDivide(microseconds, 86_400_000_000)
        let (year, month, dayOfMonth) = civil(daysSince1970: day)
        let isBeforeChrist = year <= 0
        appendDigits(UInt64(isBeforeChrist ? 1 - year : year), width: 4, to: &buffer)
        buffer.append(UInt8(ascii: "-"))
        appendDigits(UInt64(month), width: 2, to: &buffer)
        buffer.append(UInt8(ascii: "-"))
        appendDigits(UInt64(dayOfMonth), width: 2, to: &buffer)
        buffer.append(UInt8(ascii: " "))
        let second = microsecondOfDay / 1_000_000
        appendDigits(UInt64(second / 3600), width: 2, to: &buffer)
        buffer.append(UInt8(ascii: ":"))
        appendDigits(UInt64(second / 60 % 60), width: 2, to: &buffer)
        buffer.append(UInt8(ascii: ":"))
        appendDigits(UInt64(second % 60), width: 2, to: &buffer)
        var fraction = microsecondOfDay % 1_000_000
        if fraction > 0 {
            var width = 6
            while fraction % 10 == 0 {
                fraction /= 10
                width -= 1
            }
            buffer.append(UInt8(ascii: "."))
            appendDigits(UInt64(fraction), width: width, to: &buffer)
        }
        buffer.append(contentsOf: "+00".utf8)
        if isBeforeChrist { buffer.append(contentsOf: " BC".utf8) }
    }

    /// Floor and the non-negative rest.
    private static func floorDivide(_ value: Int64, _ divisor: Int64) -> (Int64, Int64) {
        let (quotient, remainder) = value.quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
    }

    /// Hinnant, "chrono-Compatible Low-Level Date Algorithms": civil_from_days. Year 0 is 1 BC.
    private static func civil(daysSince1970 days: Int64) -> (Int64, Int64, Int64) {
        let (era, dayOfEra) = floorDivide(days + 719_468, 146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
    }
}
