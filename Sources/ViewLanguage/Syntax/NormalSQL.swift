/// SQL text in one form, so that two texts that differ in spaces, comments and letter case alone are equal, and others can be compared line by
/// line: a line a clause, and one an item of the SELECT list.
public enum NormalSQL {
    /// Words that are written in capitals. All other unquoted words become lower case, as PostgreSQL takes them.
    private static let keywords: Set<String> = [
        "and", "any", "array", "as", "asc", "between", "by", "case", "cast", "desc", "distinct", "else", "end", "except",
        "exists",
        "extract", "false", "filter", "for", "from", "full", "group", "having", "ilike", "in", "inner", "intersect",
        "interval", "into", "is", "join", "left", "like", "limit", "not", "null", "nulls", "on", "or", "order",
        "outer", "over", "right", "select", "similar", "then", "true", "union", "using", "when",
        "where", "with", "within",
    ]
    /// A line begins before these, outside of parentheses.
    private static let clauses: Set<String> = [
        "select", "from", "where", "group", "having", "window", "order", "limit", "offset", "union", "intersect", "except", "join", "left",
        "inner", "right", "full",
    ]

    /// The lines of a query; also of the part of a CREATE statement that follows its name (WITH (…) AS SELECT …).
    public static func lines(of text: String) -> [String] {
        let bytes = Array(text.utf8)
        var tokenizer = Tokenizer(bytes)
        var tokens: [Token] = []
        while let token = tokenizer.next() { tokens.append(token) }
        return lines(of: tokens, in: bytes)
    }

    static func lines(of tokens: some Sequence<Token>, in bytes: [UInt8]) -> [String] {
        var writer = Writer(bytes: bytes)
        for token in tokens { writer.write(token) }
        return writer.finished
    }

    private struct Writer {
        let bytes: [UInt8]
        private var lines: [String] = []
        private var line = ""
        private var depth = 0
        private var isInSelectList = false
        private var last: (token: Token, text: String)?

        init(bytes: [UInt8]) { self.bytes = bytes }

        var finished: [String] { line.isEmpty ? lines : lines + [line] }

        private mutating func breakLine(indentedBy spaces: Int = 0) {
            if !line.isEmpty { lines.append(line) }
            line = String(repeating: " ", count: spaces)
        }

        mutating func write(_ token: Token) {
            let raw = String(decoding: bytes[token.range], as: UTF8.self)
            let word = token.kind == .word ? raw.lowercased() : ""
            let text = Self.text(raw, word)
            if depth == 0, Self.isClause(word, after: last?.text) {
                breakLine()
                isInSelectList = word == "select"
            }
            let isClosing = text == ")" || text == "]"
            if isClosing { depth -= 1 }
            if needsSpace(before: token, text) { line += " " }
            line += text
            if text == "(" || text == "[" { depth += 1 }
            last = (token, text)
            if depth == 0, isInSelectList, text == "," { breakLine(indentedBy: 2) }
        }

        private static func isClause(_ word: String, after last: String?) -> Bool {
            guard clauses.contains(word) else { return false }
            // LEFT JOIN is one clause; IS DISTINCT FROM is none.
            return !(word == "join" && ["LEFT", "INNER", "RIGHT", "FULL", "OUTER"].contains(last ?? ""))
                && !(word == "from" && last == "DISTINCT")
        }

        private static func text(_ raw: String, _ word: String) -> String {
            guard !word.isEmpty else { return raw }
            return keywords.contains(word) ? word.uppercased() : word
        }

        private func needsSpace(before token: Token, _ text: String) -> Bool {
            guard let last, line.contains(where: { $0 != " " }) else { return false }
            if case .symbol = token.kind, case .symbol = last.token.kind, last.token.range.upperBound == token.range.lowerBound,
                Self.isOperator(text), Self.isOperator(last.text)
            {
                return false
            }
            if [")", "]", ",", ".", ";"].contains(text) || ["(", "[", "."].contains(last.text) { return false }
            if text == ":" || last.text == ":" { return false }
            // A call, a subscript, a type with its size: as close as they are written, but never at a keyword.
            if text == "(" || text == "[" { return last.token.kind != .word || keywords.contains(last.text.lowercased()) }
            return true
        }

        private static func isOperator(_ text: String) -> Bool { text.count == 1 && "+-*/<>=~!@#%^&|`?:".contains(text) }
    }
}
