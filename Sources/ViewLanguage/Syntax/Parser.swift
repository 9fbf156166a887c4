import CPgQuery
import Foundation
import Synchronization

/// PostgreSQL's own grammar, by libpg_query.
enum Parser {
    /// libpg_query sends the whole process's standard error elsewhere while it parses and puts it back afterwards:
    /// two at once would put back the wrong one.
    private static let oneAtATime = Mutex(())

    /// The body of the statement's node, by kind.
    static func parse(_ statement: Statement) throws(Refusal) -> (kind: String, body: SyntaxNode) {
        let outcome = oneAtATime.withLock { _ in answer(to: statement.text) }
        switch outcome {
        case .failure(let failure):
            let offset = statement.source.offset(ofCharacter: failure.character, from: statement.start)
            throw Refusal(min(offset, statement.range.upperBound), failure.message, hint: failure.hint)
        case .success(let json):
            guard let tree = try? SyntaxTree(json: json), let statements = tree.root["stmts"]?.children, statements.count == 1,
                let node = statements[0]["stmt"]
            else { throw Refusal(statement.start, "this statement could not be separated from its neighbours") }
            return node.tagged
        }
    }

    private struct Failure: Error {
        var message: String
        /// From 1.
        var character: Int
        var hint: String? {
            // The grammar's own stack is full; its words ("memory exhausted") would mislead.
            message.hasPrefix("memory exhausted") ? "the statement is nested too deeply" : nil
        }
    }

    /// `unterminated quoted string at or near "…"` quotes the text to its end, over any number of lines.
    private static func shortened(_ message: String) -> String {
        guard let quoted = message.firstRange(of: " at or near \"")?.upperBound else { return message }
        let rest = message[quoted...].dropLast()
        let line = rest.prefix { !$0.isNewline }.prefix(40)
        return message[..<quoted] + line + (line.endIndex < rest.endIndex ? "…\"" : "\"")
    }

    private static func answer(to text: String) -> Result<[UInt8], Failure> {
        let result = text.withCString { pg_query_parse($0) }
        defer { pg_query_free_parse_result(result) }
        if let error = result.error?.pointee {
            let message = error.message.map { Self.shortened(String(cString: $0)) } ?? "syntax error"
            return .failure(Failure(message: message, character: max(1, Int(error.cursorpos))))
        }
        guard let tree = result.parse_tree else { return .failure(Failure(message: "syntax error", character: 1)) }
        return .success(Array(UnsafeRawBufferPointer(start: tree, count: strlen(tree))))
    }
}
