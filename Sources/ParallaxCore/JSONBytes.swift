/// Appends to a JSON payload without going through `String`: the generator makes about a million records a second.
extension [UInt8] {
    public mutating func appendText(_ text: StaticString) {
        text.withUTF8Buffer { append(contentsOf: $0) }
    }

    public mutating func appendDigits(_ value: Int64) {
        if value < 0 { append(UInt8(ascii: "-")) }
        appendDigits(value.magnitude, width: 1)
    }

    /// With leading zeros up to `width`.
    public mutating func appendDigits(_ value: UInt64, width: Int) {
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
    public mutating func appendDecimal(unscaled: Int64, scale: Int) {
        if unscaled < 0 { append(UInt8(ascii: "-")) }
        var divisor: UInt64 = 1
        for _ in 0..<scale { divisor *= 10 }
        appendDigits(unscaled.magnitude / divisor, width: 1)
        guard scale > 0 else { return }
        append(UInt8(ascii: "."))
        appendDigits(unscaled.magnitude % divisor, width: scale)
    }

    /// Lower-case, with hyphens, without quotes.
    public mutating func appendUUID(_ value: UInt128) {
        for index in 0..<32 {
            if index == 8 || index == 12 || index == 16 || index == 20 { append(UInt8(ascii: "-")) }
            let digit = UInt8(truncatingIfNeeded: value >> UInt128(124 - 4 * index)) & 15
            append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
        }
    }

    /// `2024-01-01T12:00:00.123456Z`, without quotes; the fraction only where there is one.
    public mutating func appendInstant(microseconds: Int64) {
        let (days, time) = floorDivide(microseconds, 86_400_000_000)
        let date = CivilDate(daysSince1970: days)
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

/// A text as JSON has it, with its quotes.
public func jsonQuoted(_ text: String) -> String {
    var output = "\""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "\"": output += "\\\""
        case "\\": output += "\\\\"
        case "\n": output += "\\n"
        case "\r": output += "\\r"
        case "\t": output += "\\t"
        case _ where scalar.value < 0x20:
            let hex = String(scalar.value, radix: 16)
            output += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
        default: output.unicodeScalars.append(scalar)
        }
    }
    return output + "\""
}
