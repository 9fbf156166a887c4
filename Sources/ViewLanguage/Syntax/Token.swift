/// A word of SQL, as far as it must be known to separate statements and to find places that the parse tree does not tell.
struct Token: Hashable, Sendable {
    enum Kind: Hashable, Sendable {
        /// A keyword or an unquoted name.
        case word
        case quotedName
        /// U&"…": a name with escapes.
        case escapedName
        case string
        case number
        /// One byte of punctuation or of an operator.
        case symbol(UInt8)
    }
    var kind: Kind
    /// Bytes in the file.
    var range: Range<Int>
}

/// PostgreSQL's lexical rules (documentation, "Lexical Structure"): just enough to know where tokens end.
///
/// Not promised: that the token is valid. An unterminated one reaches to the end of the text; PostgreSQL's own scanner
/// sees the same text later and says what is wrong with it.
struct Tokenizer {
    private let bytes: [UInt8]
    private var position: Int

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        position = 0
    }

    mutating func next() -> Token? {
        if let comment = skipSpaceAndComments() { return Token(kind: .string, range: comment..<bytes.count) }
        guard let byte = peek() else { return nil }
        let start = position
        let kind: Token.Kind
        switch byte {
        case UInt8(ascii: "'"):
            skipString(escapes: false)
            kind = .string
        case UInt8(ascii: "\""):
            skipQuoted(UInt8(ascii: "\""), escapes: false)
            kind = .quotedName
        case UInt8(ascii: "$"):
            kind = skipDollarQuoted() ? .string : .symbol(byte)
        case UInt8(ascii: "0")...UInt8(ascii: "9"):
            while let digit = peek(), Self.isDigit(digit) || digit == UInt8(ascii: ".") { position += 1 }
            kind = .number
        case _ where Self.startsWord(byte):
            kind = skipWord()
        default:
            position += 1
            kind = .symbol(byte)
        }
        return Token(kind: kind, range: start..<position)
    }

    private func peek(_ ahead: Int = 0) -> UInt8? {
        position + ahead < bytes.count ? bytes[position + ahead] : nil
    }

    /// Where a comment begins that never ends, if it comes to that: it is part of a statement, so that the parser refuses it.
    private mutating func skipSpaceAndComments() -> Int? {
        while let byte = peek() {
            switch (byte, peek(1)) {
            case (UInt8(ascii: " "), _), (9...13, _):
                position += 1
            case (UInt8(ascii: "-"), UInt8(ascii: "-")):
                while let byte = peek(), byte != 10, byte != 13 { position += 1 }
            case (UInt8(ascii: "/"), UInt8(ascii: "*")):
                let start = position
                guard skipBlockComment() else { return start }
            default: return nil
            }
        }
        return nil
    }

    /// Block comments nest. False where the text ends first.
    private mutating func skipBlockComment() -> Bool {
        var depth = 0
        while let byte = peek() {
            switch (byte, peek(1)) {
            case (UInt8(ascii: "/"), UInt8(ascii: "*")):
                depth += 1
                position += 2
            case (UInt8(ascii: "*"), UInt8(ascii: "/")):
                depth -= 1
                position += 2
                if depth == 0 { return true }
            default: position += 1
            }
        }
        position = bytes.count
        return false
    }

    private mutating func skipQuoted(_ quote: UInt8, escapes: Bool) {
        position += 1
        while let byte = peek() {
            position += 1
            if escapes, byte == UInt8(ascii: "\\") {
                position = min(position + 1, bytes.count)
            } else if byte == quote {
                guard peek() == quote else { return }
                position += 1
            }
        }
    }

    /// A string, and its continuations: 'a' and 'b' are one string where only white space with a line end lies between them.
    private mutating func skipString(escapes: Bool) {
        while true {
            skipQuoted(UInt8(ascii: "'"), escapes: escapes)
            var ahead = 0
            var sawLineEnd = false
            while let byte = peek(ahead), byte == UInt8(ascii: " ") || (9...13).contains(byte) {
                sawLineEnd = sawLineEnd || byte == 10 || byte == 13
                ahead += 1
            }
            guard sawLineEnd, peek(ahead) == UInt8(ascii: "'") else { return }
            position += ahead
        }
    }

    /// $tag$ … $tag$. False where no such quote begins here; one byte is passed then.
    private mutating func skipDollarQuoted() -> Bool {
        var end = position + 1
        while end < bytes.count, Self.startsWord(bytes[end]) || (end > position + 1 && Self.isDigit(bytes[end])) { end += 1 }
        guard end < bytes.count, bytes[end] == UInt8(ascii: "$") else {
            position += 1
            return false
        }
        let tag = bytes[position...end]
        position = end + 1
        while position < bytes.count {
            if bytes[position] == UInt8(ascii: "$"), bytes[position...].starts(with: tag) {
                position += tag.count
                return true
            }
            position += 1
        }
        return true
    }

    private mutating func skipWord() -> Token.Kind {
        let start = position
        while let byte = peek(), Self.startsWord(byte) || Self.isDigit(byte) || byte == UInt8(ascii: "$") { position += 1 }
        guard position - start == 1 else { return .word }
        switch (bytes[start] | 0x20, peek(), peek(1)) {
        case (UInt8(ascii: "e"), UInt8(ascii: "'"), _):
            skipString(escapes: true)
            return .string
        case (UInt8(ascii: "b"), UInt8(ascii: "'"), _), (UInt8(ascii: "x"), UInt8(ascii: "'"), _),
            (UInt8(ascii: "n"), UInt8(ascii: "'"), _):
            skipString(escapes: false)
            return .string
        case (UInt8(ascii: "u"), UInt8(ascii: "&"), UInt8(ascii: "'")):
            position += 1
            skipString(escapes: false)
            return .string
        case (UInt8(ascii: "u"), UInt8(ascii: "&"), UInt8(ascii: "\"")):
            position += 1
            skipQuoted(UInt8(ascii: "\""), escapes: false)
            return .escapedName
        default: return .word
        }
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    private static func startsWord(_ byte: UInt8) -> Bool {
        byte >= 0x80 || byte == UInt8(ascii: "_") || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }
}
