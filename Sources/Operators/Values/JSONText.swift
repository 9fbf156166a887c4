import ViewLanguage

/// JSON's kinds of values, under the names of jsonb_typeof.
enum JSONKind: String {
    case object, array, string, number, boolean, null

    init(_ text: UnsafeRawBufferPointer) {
        switch text.first {
        case UInt8(ascii: "{"): self = .object
        case UInt8(ascii: "["): self = .array
        case UInt8(ascii: "\""): self = .string
        case UInt8(ascii: "t"), UInt8(ascii: "f"): self = .boolean
        case UInt8(ascii: "n"): self = .null
        default: self = .number
        }
    }
}

/// Ways into a jsonb value in PostgreSQL's text form. That form is canonical: the same string is written the same way wherever it stands, so
/// names are compared as they are written, and no part is ever parsed twice.
enum JSONText {
    typealias Bytes = UnsafeRawBufferPointer

    /// Where the value that begins at `start` ends.
    static func end(_ text: Bytes, _ start: Int) -> Int {
        var depth = 0
        var at = start
        while at < text.count {
            switch text[at] {
            case UInt8(ascii: "\""):
                at = endOfString(text, at)
                if depth == 0 { return at }
                continue
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                if depth == 0 { return at }
                depth -= 1
                if depth == 0 { return at + 1 }
            case UInt8(ascii: ","), UInt8(ascii: ":"): if depth == 0 { return at }
            default: break
            }
            at += 1
        }
        return at
    }

    private static func endOfString(_ text: Bytes, _ start: Int) -> Int {
        var at = start + 1
        while at < text.count, text[at] != UInt8(ascii: "\"") { at += text[at] == UInt8(ascii: "\\") ? 2 : 1 }
        return min(at + 1, text.count)
    }

    /// The value of a field; nil where the value is no object or has none of that name. `name` as `quoted` writes it.
    static func field(_ text: Bytes, _ name: [UInt8]) -> Bytes? {
        guard text.first == UInt8(ascii: "{") else { return nil }
        var at = 1
        while at < text.count, text[at] == UInt8(ascii: "\"") {
            let endOfName = endOfString(text, at)
            // ": " stands between name and value, ", " between members.
            let start = endOfName + 2
            let end = end(text, start)
            if text[at..<endOfName].elementsEqual(name) { return Bytes(rebasing: text[start..<end]) }
            at = end + 2
        }
        return nil
    }

    static func elements(_ text: Bytes) -> [Bytes] {
        guard text.first == UInt8(ascii: "["), text.count > 2 else { return [] }
        var elements: [Bytes] = []
        var at = 1
        while at < text.count - 1 {
            let end = end(text, at)
            elements.append(Bytes(rebasing: text[at..<end]))
            at = end + 2
        }
        return elements
    }

    /// From the end where negative; nil where the value is an object or has too few. A single value is an array of one to PostgreSQL.
    static func element(_ text: Bytes, _ index: Int) -> Bytes? {
        let isSingle = text.first != UInt8(ascii: "[") && text.first != UInt8(ascii: "{")
        let elements = isSingle ? [text] : elements(text)
        let place = index < 0 ? elements.count + index : index
        return elements.indices.contains(place) ? elements[place] : nil
    }

    /// Down by names, and by numbers in arrays.
    static func path(_ text: Bytes, _ names: [[UInt8]]) -> Bytes? {
        var value = text
        for name in names {
            let next: Bytes?
            if value.first == UInt8(ascii: "[") {
                guard let index = wholeNumber(name) else { return nil }
                next = element(value, index)
            } else {
                next = field(value, quoted(name))
            }
            guard let next else { return nil }
            value = next
        }
        return value
    }

    /// As C's strtol reads it: white space before, a sign; nothing after.
    private static func wholeNumber(_ text: [UInt8]) -> Int? {
        let digits = text.drop { $0 == 0x20 || (9...13).contains($0) }
        guard let number = Int(String(decoding: digits, as: UTF8.self)), Int32(exactly: number) != nil else { return nil }
        return number
    }

    /// A name as jsonb writes it, with its quotes.
    static func quoted(_ name: some Sequence<UInt8>) -> [UInt8] {
        var result: [UInt8] = [UInt8(ascii: "\"")]
        for byte in name {
            switch byte {
            case UInt8(ascii: "\""): result += "\\\"".utf8
            case UInt8(ascii: "\\"): result += "\\\\".utf8
            case 8: result += "\\b".utf8
            case 9: result += "\\t".utf8
            case 10: result += "\\n".utf8
            case 12: result += "\\f".utf8
            case 13: result += "\\r".utf8
            case 0..<0x20:
                let digits = Array("0123456789abcdef".utf8)
                result += "\\u00".utf8
                result += [digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            default: result.append(byte)
            }
        }
        result.append(UInt8(ascii: "\""))
        return result
    }

    /// As text: a string without quotes and escapes, other values as they are. False for JSON's null.
    static func appendText(_ value: Bytes, to buffer: inout [UInt8]) -> Bool {
        switch JSONKind(value) {
        case .null: return false
        case .string: break
        default:
            buffer.append(contentsOf: value)
            return true
        }
        var at = 1
        while at < value.count - 1 {
            guard value[at] == UInt8(ascii: "\\") else {
                buffer.append(value[at])
                at += 1
                continue
            }
            switch value[at + 1] {
            case UInt8(ascii: "b"): buffer.append(8)
            case UInt8(ascii: "t"): buffer.append(9)
            case UInt8(ascii: "n"): buffer.append(10)
            case UInt8(ascii: "f"): buffer.append(12)
            case UInt8(ascii: "r"): buffer.append(13)
            case UInt8(ascii: "u"):
                // Control characters only, of two digits behind two zeros.
                buffer.append(UInt8(String(decoding: value[(at + 4)..<(at + 6)], as: UTF8.self), radix: 16) ?? 0)
                at += 4
            case let byte: buffer.append(byte)
            }
            at += 2
        }
        return true
    }
}
