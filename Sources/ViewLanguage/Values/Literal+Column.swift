import Columns

extension Literal {
    /// A text as a value of a column: what PostgreSQL's input function makes of it, with the type's modifier applied. Nil for none.
    static func value(_ text: String, of type: ScalarType) throws(InvalidText) -> Literal? {
        switch type {
        case .numeric(let precision, let scale): return try numeric(text, precision: precision, scale: scale)
        case .decimal: return .text(try DecimalText(text).shown)
        case .varchar(let length), .char(let length): return .text(try characters(text, length, of: type))
        case .array(let element): return try array(text, of: element, isCut: false)
        default: break
        }
        guard case .literal(let literal, _) = try Literal.reading(text, as: type.typeClass) else { return nil }
        return literal
    }

    /// What is too long is refused, but for blanks; a char is kept without those at its end.
    private static func characters(_ text: String, _ length: Int?, of type: ScalarType) throws(InvalidText) -> String {
        var scalars = Array(text.unicodeScalars)
        if let length, scalars.count > length {
            guard scalars[length...].allSatisfy({ $0 == " " }) else { throw InvalidText("value too long for type \(type.sqlName)") }
            scalars.removeLast(scalars.count - length)
        }
        if case .char = type { while scalars.last == " " { scalars.removeLast() } }
        var result = ""
        result.unicodeScalars.append(contentsOf: scalars)
        return result
    }

    /// Rounded half away from zero to the scale; the precision must suffice.
    private static func numeric(_ text: String, precision: Int, scale: Int) throws(InvalidText) -> Literal {
        let decimal = try DecimalText(text)
        guard var unscaled = Int128(decimal.unscaled) else { throw .syntax("numeric", text) }
        for _ in scale..<max(scale, decimal.scale - 1) { unscaled /= 10 }
        if decimal.scale > scale {
            // The digit behind the last that stays decides; those behind it do not matter.
            unscaled = (unscaled + (unscaled < 0 ? -5 : 5)) / 10
        }
        let limit = (0..<precision).reduce(Int128(1)) { power, _ in power * 10 }
        for _ in min(decimal.scale, scale)..<scale {
            guard unscaled.magnitude < limit.magnitude else { break }
            unscaled *= 10
        }
        guard unscaled.magnitude < limit.magnitude else {
            throw InvalidText(
                "numeric field overflow",
                hint: "a field with precision \(precision), scale \(scale) holds \(precision - scale) digits before the point")
        }
        return .decimal(String(unscaled))
    }
}
