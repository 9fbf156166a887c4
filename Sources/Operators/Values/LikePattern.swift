/// LIKE: `_` is any character, `%` any number of them, a backslash takes the next byte as it is.
///
/// Each `%` is tried at ever later places of the text, and only the last one met is: when what stands between two of them has
/// been found, an earlier place for the first could find nothing that this one does not.
enum LikePattern {
    static let openEscape = RowProblem("LIKE pattern must not end with escape character")

    static func matches(_ text: UTF8Text.Bytes, _ pattern: UTF8Text.Bytes) throws(RowProblem) -> Bool {
        let (escape, any, one) = (UInt8(ascii: "\\"), UInt8(ascii: "%"), UInt8(ascii: "_"))
        var t = 0
        var p = 0
        /// After the last `%`: where its pattern goes on, and where in the text that was last tried.
        var retry: (pattern: Int, text: Int)?
        while t < text.count {
            var isMatch = false
            if p < pattern.count {
                switch pattern[p] {
                case any:
                    p += 1
                    retry = (p, t)
                    if p == pattern.count { return true }
                    if pattern[p] == escape, p + 1 == pattern.count { throw openEscape }
                    continue
                case one:
                    t += UTF8Text.width(text[t])
                    p += 1
                    continue
                case escape:
                    guard p + 1 < pattern.count else { throw openEscape }
                    isMatch = pattern[p + 1] == text[t]
                    if isMatch { p += 1 }
                case let byte: isMatch = byte == text[t]
                }
            }
            if isMatch {
                t += 1
                p += 1
            } else if let last = retry {
                // The next character; a match never begins inside of one.
                t = last.text + UTF8Text.width(text[last.text])
                p = last.pattern
                retry = (p, t)
            } else {
                return false
            }
        }
        while p < pattern.count, pattern[p] == any { p += 1 }
        // Right of a `%`, PostgreSQL looks at the escape before it sees that the text has ended.
        if p < pattern.count, pattern[p] == escape, p + 1 == pattern.count, p > 0, pattern[p - 1] == any { throw openEscape }
        return p == pattern.count
    }

    /// The pattern with another escape character, written with backslashes.
    static func withBackslashes(_ pattern: UTF8Text.Bytes, escape: UTF8Text.Bytes, to buffer: inout [UInt8]) throws(RowProblem) {
        let backslash = UInt8(ascii: "\\")
        guard UTF8Text.count(escape) <= 1 else { throw RowProblem("invalid escape string") }
        if escape.count == 1, escape[0] == backslash { return buffer.append(contentsOf: pattern) }
        var isEscaped = false
        var at = 0
        while at < pattern.count {
            let width = UTF8Text.width(pattern[at])
            let isEscape = !escape.isEmpty && width == escape.count && compareBytes(pattern, at, escape, 0, width) == 0
            if isEscape, !isEscaped {
                buffer.append(backslash)
                isEscaped = true
            } else {
                if pattern[at] == backslash, !isEscaped { buffer.append(backslash) }
                buffer.append(contentsOf: pattern[at..<at + width])
                isEscaped = false
            }
            at += width
        }
    }
}
