/// Names and texts for SQL statements in which no parameter may stand. All others take parameters.
public enum SQLText {
    /// `a"b` becomes `"a""b"`. For names that stood in parsed SQL, which cannot hold NUL; a NUL here is our own mistake and traps, for behind it
    /// libpq would silently cut the statement off.
    public static func quotedIdentifier(_ name: String) -> String { quoted(name, with: UInt8(ascii: "\"")) }

    /// A string literal. Backslashes are themselves: every connection of ours runs with `standard_conforming_strings = on`. Traps on NUL, as above.
    public static func quotedLiteral(_ text: String) -> String { quoted(text, with: UInt8(ascii: "'")) }

    // Bytes, not Characters: a combining mark after a quote makes one Character of the two, which then equals no quote.
    private static func quoted(_ text: String, with quote: UInt8) -> String {
        var bytes: [UInt8] = [quote]
        bytes.reserveCapacity(text.utf8.count + 2)
        for byte in text.utf8 {
            precondition(byte != 0, "a NUL character in text to be quoted")
            if byte == quote { bytes.append(quote) }
            bytes.append(byte)
        }
        bytes.append(quote)
        return String(decoding: bytes, as: UTF8.self)
    }
}
