/// One statement of a file: its bytes from the first to the last token, without the semicolon.
struct Statement {
    let source: SourceText
    /// At least one.
    let tokens: [Token]

    var range: Range<Int> { tokens[0].range.lowerBound..<tokens[tokens.count - 1].range.upperBound }
    var start: Int { range.lowerBound }
    var text: String { source.string(range) }

    /// The byte offset in the file of a place in the parse tree (bytes from the statement's start; absent or negative: unknown).
    func offset(_ location: Int?) -> Int {
        guard let location, location >= 0 else { return start }
        return start + location
    }

    func isWord(_ token: Token, _ word: String) -> Bool {
        token.kind == .word && source.string(token.range).lowercased() == word
    }

    /// Where a clause begins whose node does not say it: the least nested of the tokens that are this keyword; else the first token.
    func offset(ofKeyword keyword: String) -> Int { firstOffset(ofKeyword: keyword) ?? start }

    func firstOffset(ofKeyword keyword: String) -> Int? {
        var depth = 0
        var best: (depth: Int, offset: Int)?
        for token in tokens {
            switch token.kind {
            case .symbol(UInt8(ascii: "(")): depth += 1
            case .symbol(UInt8(ascii: ")")): depth -= 1
            case .word where isWord(token, keyword):
                if depth < best?.depth ?? .max { best = (depth, token.range.lowerBound) }
            default: break
            }
        }
        return best?.offset
    }

    /// The first name behind a place that reads like this one.
    func offset(ofName name: String, after offset: Int) -> Int? {
        tokens.first { token in
            guard token.range.lowerBound > offset else { return false }
            let text = source.string(token.range)
            switch token.kind {
            case .word: return text.lowercased() == name
            case .quotedName: return text.dropFirst().dropLast().replacing("\"\"", with: "\"") == name
            default: return false
            }
        }?.range.lowerBound
    }

    /// The token behind the given place.
    func offset(after offset: Int) -> Int {
        tokens.first { $0.range.lowerBound > offset }?.range.lowerBound ?? offset
    }

    /// Separates a file at its semicolons. Each statement is parsed alone, so that a mistake in one (an unbalanced parenthesis,
    /// say) does not hide those of the others; PostgreSQL's own splitting needs the whole text to be sound.
    static func all(in source: SourceText) -> [Statement] {
        var tokenizer = Tokenizer(source.bytes)
        var statements: [Statement] = []
        var tokens: [Token] = []
        while let token = tokenizer.next() {
            if token.kind == .symbol(UInt8(ascii: ";")) {
                if !tokens.isEmpty { statements.append(Statement(source: source, tokens: tokens)) }
                tokens = []
            } else {
                tokens.append(token)
            }
        }
        if !tokens.isEmpty { statements.append(Statement(source: source, tokens: tokens)) }
        return statements
    }

    /// What must hold before the parser sees the text.
    func checkTokens() throws(Refusal) {
        guard range.count <= LanguageLimits.bytesPerStatement else {
            throw Refusal(
                start, "a statement of \(range.count) bytes is too long",
                hint: "at most \(LanguageLimits.bytesPerStatement) bytes are taken")
        }
        for token in tokens {
            switch token.kind {
            case .escapedName:
                throw Refusal(
                    token.range.lowerBound, "names with Unicode escapes are not supported", hint: "write the characters themselves")
            case .word where token.range.count > LanguageLimits.identifierBytes,
                .quotedName where token.range.count > LanguageLimits.identifierBytes + 2:
                // PostgreSQL would cut the name off, and only say so.
                let name = source.string(token.range).replacing("\"\"", with: "\"")
                let length = name.utf8.count - (token.kind == .quotedName ? 2 : 0)
                if length > LanguageLimits.identifierBytes {
                    throw Refusal(
                        token.range.lowerBound, "a name of \(length) bytes is too long",
                        hint: "a name has at most \(LanguageLimits.identifierBytes) bytes")
                }
            default: break
            }
        }
    }
}
