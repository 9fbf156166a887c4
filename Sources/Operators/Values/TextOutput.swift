import CSimdJSON
import Columns
import ParallaxCore

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

    static func append(real value: Double, to buffer: inout [UInt8]) {
        appendFormatted(to: &buffer) { csj_format_float(Float(value), $0) }
    }

    /// With six significant digits: the form from which PostgreSQL casts float4 to numeric.
    static func appendRounded(real value: Double, to buffer: inout [UInt8]) {
        appendFormatted(to: &buffer) { csj_format_float_6(Float(value), $0) }
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
    static func append(timestamptz microseconds: Int64, to buffer: inout [UInt8]) { append(microseconds, zone: "+00", to: &buffer) }

    /// `2024-05-01 10:11:12.5`
    static func append(timestamp microseconds: Int64, to buffer: inout [UInt8]) { append(microseconds, zone: "", to: &buffer) }

    /// `10:11:12.5`, up to 24:00:00.
    static func append(time microseconds: Int64, to buffer: inout [UInt8]) { append(clock: UInt64(microseconds), to: &buffer) }

    /// `2024-05-01`
    static func append(date days: Int64, to buffer: inout [UInt8]) {
        let date = CivilDate(daysSince1970: days)
        append(date, to: &buffer)
        if date.year <= 0 { buffer.append(contentsOf: " BC".utf8) }
    }

    private static func append(_ microseconds: Int64, zone: StaticString, to buffer: inout [UInt8]) {
        let (day, microsecondOfDay) = floorDivide(microseconds, CalendarInterval.microsecondsPerDay)
        let date = CivilDate(daysSince1970: day)
        append(date, to: &buffer)
        buffer.append(UInt8(ascii: " "))
        append(clock: UInt64(microsecondOfDay), to: &buffer)
        buffer.append(contentsOf: UnsafeBufferPointer(start: zone.utf8Start, count: zone.utf8CodeUnitCount))
        if date.year <= 0 { buffer.append(contentsOf: " BC".utf8) }
    }

    private static func append(_ date: CivilDate, to buffer: inout [UInt8]) {
        appendDigits(UInt64(date.year <= 0 ? 1 - date.year : date.year), width: 4, to: &buffer)
        buffer.append(UInt8(ascii: "-"))
        appendDigits(UInt64(date.month), width: 2, to: &buffer)
        buffer.append(UInt8(ascii: "-"))
        appendDigits(UInt64(date.day), width: 2, to: &buffer)
    }

    /// `hh:mm:ss[.ffffff]`, any number of hours.
    private static func append(clock microseconds: UInt64, to buffer: inout [UInt8]) {
        let second = microseconds / 1_000_000
        appendDigits(second / 3600, width: 2, to: &buffer)
        buffer.append(UInt8(ascii: ":"))
        appendDigits(second / 60 % 60, width: 2, to: &buffer)
        buffer.append(UInt8(ascii: ":"))
        appendDigits(second % 60, width: 2, to: &buffer)
        var fraction = microseconds % 1_000_000
        guard fraction > 0 else { return }
        var width = 6
        while fraction % 10 == 0 {
            fraction /= 10
            width -= 1
        }
        buffer.append(UInt8(ascii: "."))
        appendDigits(fraction, width: width, to: &buffer)
    }

    /// PostgreSQL's interval style "postgres": `1 year 2 mons -3 days +04:05:06.5`. A part behind a negative one shows its plus.
    /// - Parameter isInput: for PostgreSQL to read, which does not take its own text of the least number of microseconds.
    static func append(interval: CalendarInterval, isInput: Bool = false, to buffer: inout [UInt8]) {
        var isFirst = true
        var isBehindNegative = false
        for (value, unit) in [(interval.months / 12, "year"), (interval.months % 12, "mon"), (interval.days, "day")] where value != 0 {
            if !isFirst { buffer.append(UInt8(ascii: " ")) }
            if isBehindNegative, value > 0 { buffer.append(UInt8(ascii: "+")) }
            append(Int64(value), to: &buffer)
            buffer.append(UInt8(ascii: " "))
            buffer.append(contentsOf: unit.utf8)
            if value != 1 { buffer.append(UInt8(ascii: "s")) }
            isFirst = false
            isBehindNegative = value < 0
        }
        guard isFirst || interval.microseconds != 0 else { return }
        if !isFirst { buffer.append(UInt8(ascii: " ")) }
        if isInput, interval.microseconds == .min { return buffer.append(contentsOf: "\(Int64.min) us".utf8) }
        if interval.microseconds < 0 {
            buffer.append(UInt8(ascii: "-"))
        } else if isBehindNegative {
            buffer.append(UInt8(ascii: "+"))
        }
        append(clock: interval.microseconds.magnitude, to: &buffer)
    }
}
