import ViewLanguage

/// The regular expressions of one batch, each made once as long as there is room. Not safe to share between threads.
final class RegularExpressionCache {
    /// Room for the automata and their patterns. Where a batch has more, all of them are made anew as they come: memory stays bounded, and a
    /// record with a large pattern costs what that pattern costs.
    static let mostBytes = 16 << 20

    /// What matching a record's own pattern may cost: nodes of its automaton times bytes of the text, for each byte may take a step that looks at
    /// every node. At about 50 ns a node that is a tenth of a second in all. The limit does not depend on what the cache holds, so that both layers
    /// reject the same records.
    static let mostSteps = 2_000_000

    private let ignoringCase: Bool
    private let limits: RegularExpressionSyntax.Limits
    private var known: [[UInt8]: Entry] = [:]
    private(set) var bytes = 0
    /// Most rows have the pattern of the row before.
    private var last: (pattern: [UInt8], entry: Entry)?

    private enum Entry {
        case expression(RegularExpression)
        case problem(RowProblem)
    }

    /// - Parameter isOfRecords: false where the pattern is a constant, which may cost more.
    init(ignoringCase: Bool, isOfRecords: Bool = true) {
        self.ignoringCase = ignoringCase
        limits = isOfRecords ? .record : .constant
        mostSteps = isOfRecords ? Self.mostSteps : .max
    }

    private let mostSteps: Int

    /// Throws PostgreSQL's message for what is no regular expression.
    func matches(_ text: UTF8Text.Bytes, _ pattern: UTF8Text.Bytes) throws(RowProblem) -> Bool {
        switch entry(pattern) {
        case .problem(let problem): throw problem
        case .expression(let expression):
            guard text.count <= mostSteps / expression.nodeCount else {
                throw RowProblem("this regular expression of a record is too large for a text of \(text.count) bytes")
            }
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
            let syntax = try RegularExpressionSyntax(
                String(decoding: pattern, as: UTF8.self), ignoringCase: ignoringCase, limits: limits)
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
