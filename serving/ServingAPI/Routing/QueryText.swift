import ParallaxCore

/// Query strings and path segments.
enum QueryText {
    /// Nil where the text is not UTF-8 or an escape is broken.
    static func decoded(_ text: some StringProtocol, plusIsSpace: Bool) -> String? {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.utf8.count)
        var rest = text.utf8.makeIterator()
        while let byte = rest.next() {
            switch byte {
            case UInt8(ascii: "%"):
                guard let high = rest.next().flatMap(hex), let low = rest.next().flatMap(hex) else { return nil }
                bytes.append(high << 4 | low)
            case UInt8(ascii: "+") where plusIsSpace: bytes.append(UInt8(ascii: " "))
            default: bytes.append(byte)
            }
        }
        // PostgreSQL's text has no NUL.
        guard !bytes.contains(0) else { return nil }
        return String(validating: bytes, as: UTF8.self)
    }

    private static func hex(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }

    /// In their order. Throws a problem that names what cannot be read.
    static func parameters(_ query: String) throws(Problem) -> [(name: String, value: String)] {
        var found: [(String, String)] = []
        for part in query.split(separator: "&", omittingEmptySubsequences: true) {
            let equals = part.firstIndex(of: "=")
            let name = decoded(part[..<(equals ?? part.endIndex)], plusIsSpace: true)
            let value = equals.map { decoded(part[part.index(after: $0)...], plusIsSpace: true) } ?? ""
            guard let name, let value, !name.isEmpty else {
                throw Problem(
                    .badRequest, "invalid_request", "a part of the query cannot be read: \(part.prefix(100))",
                    hint: "names and values are UTF-8, percent-encoded, without NUL")
            }
            found.append((name, value))
        }
        return found
    }
}
