/// One-dimensional arrays in PostgreSQL's text form: `{1,NULL,"two words"}`.
/// Source: PostgreSQL documentation, "Array Input and Output Syntax".
public enum ArrayText {
    /// The elements; nil for null. Nil where it is no such array: brackets, another dimension, text outside of the braces.
    public static func elements(_ text: String) -> [String?]? {
        elements(Array(text.utf8)[...].trimmed())?.map { $0.map { String(decoding: $0, as: UTF8.self) } }
    }

    /// The same in bytes, without white space around the braces.
    public static func elements(_ text: some RandomAccessCollection<UInt8>) -> [[UInt8]?]? {
        let (quote, escape) = (UInt8(ascii: "\""), UInt8(ascii: "\\"))
        let bytes = Array(text)
        guard bytes.first == UInt8(ascii: "{"), bytes.last == UInt8(ascii: "}"), bytes.count >= 2 else { return nil }
        var elements: [[UInt8]?] = []
        var at = 1
        let end = bytes.count - 1
        func skipSpace() { while at < end, isSpace(bytes[at]) { at += 1 } }
        skipSpace()
        if at == end { return [] }
        while true {
            skipSpace()
            var element: [UInt8] = []
            var isQuoted = false
            if at < end, bytes[at] == quote {
                isQuoted = true
                at += 1
                while at < end, bytes[at] != quote {
                    if bytes[at] == escape { at += 1 }
                    guard at < end else { return nil }
                    element.append(bytes[at])
                    at += 1
                }
                guard at < end else { return nil }
                at += 1
                skipSpace()
            } else {
                var kept = 0
                while at < end, bytes[at] != UInt8(ascii: ",") {
                    switch bytes[at] {
                    case quote, UInt8(ascii: "{"), UInt8(ascii: "}"): return nil
                    case escape:
                        at += 1
                        guard at < end else { return nil }
                        element.append(bytes[at])
                        kept = element.count
                        isQuoted = true
                    default:
                        element.append(bytes[at])
                        if !isSpace(bytes[at]) { kept = element.count }
                    }
                    at += 1
                }
                element.removeLast(element.count - kept)
                guard !element.isEmpty else { return nil }
            }
            let isNull = !isQuoted && element.count == 4 && String(decoding: element, as: UTF8.self).lowercased() == "null"
            elements.append(isNull ? nil : element)
            if at == end { return elements }
            guard bytes[at] == UInt8(ascii: ",") else { return nil }
            at += 1
        }
    }

    /// Quoted where PostgreSQL's output is.
    public static func append(_ elements: [[UInt8]?], to buffer: inout [UInt8]) {
        let special: Set<UInt8> = [UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "{"), UInt8(ascii: "}"), UInt8(ascii: ",")]
        buffer.append(UInt8(ascii: "{"))
        for (index, element) in elements.enumerated() {
            if index > 0 { buffer.append(UInt8(ascii: ",")) }
            guard let element else {
                buffer += "NULL".utf8
                continue
            }
            let isWordNull = element.count == 4 && String(decoding: element, as: UTF8.self).lowercased() == "null"
            guard element.isEmpty || isWordNull || element.contains(where: { special.contains($0) || isSpace($0) }) else {
                buffer += element
                continue
            }
            buffer.append(UInt8(ascii: "\""))
            for byte in element {
                if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { buffer.append(UInt8(ascii: "\\")) }
                buffer.append(byte)
            }
            buffer.append(UInt8(ascii: "\""))
        }
        buffer.append(UInt8(ascii: "}"))
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (9...13).contains(byte) }
}

extension ArraySlice<UInt8> {
    fileprivate func trimmed() -> ArraySlice<UInt8> {
        var rest = self
        while let first = rest.first, first == 0x20 || (9...13).contains(first) { rest.removeFirst() }
        while let last = rest.last, last == 0x20 || (9...13).contains(last) { rest.removeLast() }
        return rest
    }
}
