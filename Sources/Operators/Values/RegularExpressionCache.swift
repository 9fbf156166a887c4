import ViewLanguage

/// The regular expressions of one batch, each made once as long as there is room. Not safe to share between threads.
final class RegularExpressionCache {
    /// Of the automata and their patterns. Where a batch has more, all of them are made anew as they come: memory stays bounded, and a record with
    /// a large pattern costs what that pattern costs.
    static let mostBytes = 16 << 20

    private let ignoringCase: Bool
    private var known: [[UInt8]: Entry] = [:]
    private(set) var bytes = 0
    /// Most rows have the pattern of the row before.
    private var last: (pattern: [UInt8], entry: Entry)?

    private enum Entry {
        case expression(RegularExpression)
        case problem(RowProblem)
    }

    init(ignoringCase: Bool) { self.ignoringCase = ignoringCase }

    /// Throws PostgreSQL's message for what is no regular expression.
    func matches(_ text: UTF8Text.Bytes, _ pattern: UTF8Text.Bytes) throws(RowProblem) -> Bool {
        switch entry(pattern) {
        case .problem(let problem): throw problem
        case .expression(let expression):
            let before = expression.bytes
            let isMatch = expression.matches(text)
            bytes += expression.bytes - before
            return isMatch
        }
    }

    private func entry(_ pattern: UTF8Text.Bytes) -> Entry {
        if let last, last.pattern.count == pattern.count,
            last.pattern.withUnsafeBytes({ compareBytes($0, 0, pattern, 0, pattern.count) }) == 0
        {
            return last.entry
        }
        let key = Array(pattern)
        let entry = known[key] ?? made(key)
        last = (key, entry)
        return entry
    }

    private func made(_ pattern: [UInt8]) -> Entry {
        if bytes > Self.mostBytes { (known, bytes) = ([:], 0) }
        let entry: Entry
        do throws(RegularExpressionSyntax.Problem) {
            let syntax = try RegularExpressionSyntax(String(decoding: pattern, as: UTF8.self), ignoringCase: ignoringCase)
            let expression = RegularExpression(syntax)
            bytes += expression.fixedBytes + expression.bytes
            entry = .expression(expression)
        } catch {
            entry = .problem(RowProblem(error.message))
        }
        known[pattern] = entry
        bytes += pattern.count + 200
        return entry
    }
}
