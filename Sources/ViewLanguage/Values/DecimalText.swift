import Columns

/// A decimal constant: an unscaled whole number and how many of its digits stand after the point.
struct DecimalText: Hashable {
    /// Digits without leading zeros, with a sign where negative; "0" for zero.
    var unscaled: String
    var precision: Int
    var scale: Int

    var type: ScalarType { .numeric(precision: precision, scale: scale) }

    init(unscaled: String, scale: Int) {
        self.unscaled = unscaled
        self.scale = scale
        precision = max(unscaled.count, scale, 1)
    }

    /// PostgreSQL's rules: `1e3` is 1000, `1.50` keeps its two digits after the point, `1.5e-3` has four.
    init(_ text: String) throws(InvalidText) {
        let trimmed = text.trimmingASCIISpace()
        var rest = Substring(trimmed)
        let isNegative = rest.first == "-"
        if rest.first == "-" || rest.first == "+" { rest.removeFirst() }
        let whole = rest.prefix { $0.isASCIIDigit }
        rest = rest.dropFirst(whole.count)
        var fraction = Substring()
        if rest.first == "." {
            fraction = rest.dropFirst().prefix { $0.isASCIIDigit }
            rest = rest.dropFirst(fraction.count + 1)
        }
        guard !whole.isEmpty || !fraction.isEmpty else { throw Self.notDecimal(text) }
        var exponent = 0
        if rest.first == "e" || rest.first == "E" {
            let digits = rest.dropFirst()
            guard let value = Int(digits), abs(value) <= 1_000 else {
                throw Int(digits) == nil ? .syntax("numeric", text) : Self.tooLong
            }
            exponent = value
            rest = rest.suffix(0)
        }
        guard rest.isEmpty else { throw Self.notDecimal(text) }

        var digits = String((whole + fraction).drop { $0 == "0" })
        var scale = fraction.count - exponent
        if scale < 0 {
            if !digits.isEmpty { digits += String(repeating: "0", count: -scale) }
            scale = 0
        }
        let precision = max(digits.count, scale, 1)
        guard precision <= ScalarType.maximumNumericPrecision else { throw Self.tooLong }
        if digits.isEmpty { digits = "0" }
        unscaled = (isNegative && digits != "0" ? "-" : "") + digits
        self.precision = precision
        self.scale = scale
    }

    /// As PostgreSQL writes it.
    var shown: String {
        let digits = unscaled.drop { $0 == "-" }
        let padded = String(repeating: "0", count: max(0, scale + 1 - digits.count)) + digits
        let sign = unscaled.hasPrefix("-") ? "-" : ""
        return scale == 0 ? sign + padded : sign + padded.dropLast(scale) + "." + padded.suffix(scale)
    }

    private static func notDecimal(_ text: String) -> InvalidText {
        switch text.trimmingASCIISpace().lowercased() {
        case "nan", "inf", "+inf", "-inf", "infinity", "+infinity", "-infinity":
            InvalidText("numeric \"\(text)\" is not supported", hint: "numbers are finite")
        default: .syntax("numeric", text)
        }
    }

    private static let tooLong = InvalidText(
        "a numeric constant of more than \(ScalarType.maximumNumericPrecision) digits is not supported",
        hint: "write fewer digits, or a double precision constant")
}

extension StringProtocol {
    /// PostgreSQL's input functions pass over white space at both ends.
    func trimmingASCIISpace() -> String {
        let isSpace: (Unicode.Scalar) -> Bool = { $0 == " " || (9...13).contains($0.value) }
        var scalars = unicodeScalars[...]
        while let first = scalars.first, isSpace(first) { scalars = scalars.dropFirst() }
        while let last = scalars.last, isSpace(last) { scalars = scalars.dropLast() }
        var text = ""
        text.unicodeScalars.append(contentsOf: scalars)
        return text
    }
}

extension Character {
    var isASCIIDigit: Bool { ("0"..."9").contains(self) }
}
