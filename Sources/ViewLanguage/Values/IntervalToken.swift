/// A piece of an interval's text, in lower case: `1`, `-2.5`, `1-2`, `02:03:04`, `days`.
struct IntervalToken {
    enum Kind {
        /// Digits with a colon among them.
        case clock
        /// Begins with a sign and a digit: a number, years and months, or a clock.
        case signed
        /// Everything else that begins with a digit or a point.
        case number
        case word
        /// A sign before a word, or a word with something behind it that no word has: nothing of an interval.
        case other
    }

    var kind: Kind
    var bytes: [UInt8]

    /// What PostgreSQL takes of one text.
    private static let maximumCount = 25
    private static let maximumBytes = 256

    /// Nil where a byte stands that begins nothing, and where there is too much. Punctuation between tokens is passed over: `@ 1 hour, 2 min`.
    static func tokens(of text: UnsafeRawBufferPointer) -> [IntervalToken]? {
        var tokens: [IntervalToken] = []
        var at = 0
        var used = 0
        func peek() -> UInt8 { at < text.count ? text[at] : 0 }
        while at < text.count {
            if isSpace(text[at]) {
                at += 1
                continue
            }
            guard tokens.count < maximumCount else { return nil }
            var token = IntervalToken(kind: .number, bytes: [])
            func take(while condition: (UInt8) -> Bool) {
                while at < text.count, condition(text[at]) {
                    token.bytes.append(lower(text[at]))
                    at += 1
                }
            }
            func takeOne() {
                token.bytes.append(lower(text[at]))
                at += 1
            }
            if isDigit(peek()) {
                take(while: isDigit)
                let next = peek()
                if next == UInt8(ascii: ":") {
                    token.kind = .clock
                    take { isDigit($0) || $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: ".") }
                } else if isDateSeparator(next) {
                    takeOne()
                    if isDigit(peek()) {
                        take(while: isDigit)
                        if peek() == next { take { isDigit($0) || $0 == next } }
                    } else {
                        take { isLetter($0) || isDigit($0) || $0 == next }
                    }
                }
            } else if peek() == UInt8(ascii: ".") {
                takeOne()
                take(while: isDigit)
            } else if isLetter(peek()) {
                token.kind = .word
                take(while: isLetter)
                let next = peek()
                // Digits may follow the few units that are words of dates, too: 1d2h.
                let mayEnd =
                    (next == UInt8(ascii: "+") || isDigit(next)) && shortUnits.contains(String(decoding: token.bytes, as: UTF8.self))
                if isDateSeparator(next) || (next == UInt8(ascii: "+") || isDigit(next)) && !mayEnd {
                    token.kind = .other
                    take { isLetter($0) || isDigit($0) || isDateSeparator($0) || "+_:".utf8.contains($0) }
                }
            } else if peek() == UInt8(ascii: "+") || peek() == UInt8(ascii: "-") {
                takeOne()
                while at < text.count, isSpace(text[at]) { at += 1 }
                if isDigit(peek()) {
                    token.kind = .signed
                    take { isDigit($0) || ":.-".utf8.contains($0) }
                } else if isLetter(peek()) {
                    token.kind = .other
                    take(while: isLetter)
                } else {
                    return nil
                }
            } else if (0x21..<0x7f).contains(peek()) {
                at += 1
                continue
            } else {
                return nil
            }
            used += token.bytes.count + 1
            guard used <= maximumBytes else { return nil }
            tokens.append(token)
        }
        return tokens
    }

    private static let shortUnits: Set = ["d", "h", "m", "s", "y", "mon", "dec"]

    static func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }
    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (9...13).contains(byte) }
    private static func isLetter(_ byte: UInt8) -> Bool { (0x61...0x7a).contains(byte | 0x20) }
    private static func isDateSeparator(_ byte: UInt8) -> Bool { "-/.".utf8.contains(byte) }
    private static func lower(_ byte: UInt8) -> UInt8 { (0x41...0x5a).contains(byte) ? byte | 0x20 : byte }
}
