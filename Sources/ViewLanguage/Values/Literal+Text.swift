import Columns
import ParallaxCore

extension Literal {
    /// What PostgreSQL's input functions make of a quoted constant. For numeric the type that is asked for is only a class: the
    /// constant's own precision and scale come back.
    static func reading(_ text: String, as kind: TypeClass) throws(InvalidText) -> Expression {
        switch kind {
        case .text: return .literal(.text(text), .text)
        case .bpchar:
            // The blanks at its end do not count where it is compared.
            let blanks = text.utf8.reversed().prefix { $0 == UInt8(ascii: " ") }.count
            return .literal(.text(String(decoding: text.utf8.dropLast(blanks), as: UTF8.self)), .char(length: nil))
        case .int2: return .literal(.int(Int64(try integer(text, "smallint", Int16.self))), .int2)
        case .int4: return .literal(.int(Int64(try integer(text, "integer", Int32.self))), .int4)
        case .int8: return .literal(.int(try integer(text, "bigint", Int64.self)), .int8)
        case .numeric:
            let decimal = try DecimalText(text)
            return .literal(.decimal(decimal.unscaled), decimal.type)
        case .float4: return .literal(.float(try real(text)), .float4)
        case .float8: return .literal(.float(try float(text)), .float8)
        case .time: return .literal(.int(try ClockText(text).microseconds), .time)
        case .jsonb:
            throw InvalidText("a constant of type jsonb is not supported", hint: "compare a field of it, such as (x ->> 'name') = 'a'")
        case .array(let element):
            return try array(text, of: element)
        case .bool: return .literal(.bool(try bool(text)), .bool)
        case .timestamptz: return .literal(.int(try InstantText(text).microseconds), .timestamptz)
        case .timestamp: return .literal(.int(try InstantText(text, zone: .ignored).microseconds), .timestamp)
        case .date:
            let instant = try InstantText(text, zone: .ignored, typeName: "date")
            return .literal(.int(floorDivide(instant.microseconds, CalendarInterval.microsecondsPerDay).quotient), .date)
        case .interval: return .literal(.interval(try IntervalText.interval(text)), .interval)
        case .uuid: return .literal(.uuid(try uuid(text)), .uuid)
        }
    }

    private static func integer<Value: FixedWidthInteger>(_ text: String, _ name: String, _: Value.Type) throws(InvalidText) -> Value {
        let trimmed = text.trimmingASCIISpace()
        var digits = Substring(trimmed)
        if digits.first == "-" || digits.first == "+" { digits.removeFirst() }
        guard !digits.isEmpty, digits.allSatisfy(\.isASCIIDigit) else { throw .syntax(name, text) }
        guard let value = Value(trimmed) else { throw InvalidText("value \"\(text)\" is out of range for type \(name)") }
        return value
    }

    /// As a double, which holds every real; rounded once.
    private static func real(_ text: String) throws(InvalidText) -> Double {
        do throws(InvalidText) {
            let wide = try float(text)
            guard let value = Float(text.trimmingASCIISpace().lowercased()), value.isFinite, value != 0 || wide == 0 else {
                throw InvalidText("\"\(text)\" is out of range for type real")
            }
            return Double(value)
        } catch {
            throw InvalidText(error.message.replacing("double precision", with: "real"), hint: error.hint)
        }
    }

    static func float(_ text: String) throws(InvalidText) -> Double {
        let name = "double precision"
        let trimmed = text.trimmingASCIISpace().lowercased()
        let unsigned = trimmed.drop { $0 == "-" || $0 == "+" }
        if ["nan", "inf", "infinity"].contains(String(unsigned)) {
            throw InvalidText("\(name) \"\(text)\" is not supported", hint: "numbers are finite")
        }
        // Swift also reads hexadecimal fractions and words, which are no decimal constants.
        guard trimmed.allSatisfy({ $0.isASCIIDigit || "+-.e".contains($0) }), unsigned.first != "e", let value = Double(trimmed) else {
            throw .syntax(name, text)
        }
        let isZero = !unsigned.prefix { $0 != "e" }.contains { ("1"..."9").contains($0) }
        guard value.isFinite, value != 0 || isZero else { throw InvalidText("\"\(text)\" is out of range for type \(name)") }
        return value
    }

    /// Any beginning of true, false, yes, no, on, off that is not ambiguous ("o" is), 1 and 0.
    private static func bool(_ text: String) throws(InvalidText) -> Bool {
        let word = text.trimmingASCIISpace().lowercased()
        guard !word.isEmpty else { throw .syntax("boolean", text) }
        if word == "1" || "true".hasPrefix(word) || "yes".hasPrefix(word) || word == "on" { return true }
        if word == "0" || "false".hasPrefix(word) || "no".hasPrefix(word) || word == "off" || word == "of" { return false }
        throw .syntax("boolean", text)
    }

    /// 32 hexadecimal digits, a hyphen after any group of four, braces around: what PostgreSQL takes. Gives the usual form.
    private static func uuid(_ text: String) throws(InvalidText) -> String {
        var rest = Substring(text)
        let hasBraces = rest.first == "{"
        if hasBraces { rest.removeFirst() }
        var digits: [Character] = []
        while digits.count < 32, let next = rest.first, next.isASCII, next.isHexDigit {
            digits.append(next)
            rest.removeFirst()
            if digits.count % 4 == 0, digits.count < 32, rest.first == "-" { rest.removeFirst() }
        }
        if hasBraces, rest.first == "}" { rest.removeFirst() } else if hasBraces { throw .syntax("uuid", text) }
        guard digits.count == 32, rest.isEmpty else { throw .syntax("uuid", text) }
        let lower = digits.map { $0.lowercased() }
        return [0..<8, 8..<12, 12..<16, 16..<20, 20..<32].map { lower[$0].joined() }.joined(separator: "-")
    }
}
