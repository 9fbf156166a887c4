import Testing

@testable import ViewLanguage

/// What is refused, and in which words: each case is a statement, followed by everything that the compiler prints for it.
@Suite("Refusals read like a compiler's")
struct RefusalTests {
    struct Case {
        var sql: String
        var printed: String
    }

    /// Cases are separated by empty lines; what is printed begins at the first line with a place.
    static func cases(_ text: String) -> [Case] {
        text.split(separator: "\n\n").map { block in
            let lines = block.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
            let start = lines.firstIndex { $0.hasPrefix("views.sql:") } ?? lines.endIndex
            return Case(sql: lines[..<start].joined(separator: "\n"), printed: lines[start...].joined(separator: "\n"))
        }
    }

    private func check(_ texts: [String], before prefix: String = "", beside files: [SQLFile] = []) {
        for refusal in texts.flatMap(Self.cases) {
            let compilation = compile([eventSource] + files + [SQLFile(path: "views.sql", text: prefix + refusal.sql)])
            #expect(compilation.diagnostics.map(\.rendered).joined(separator: "\n") == refusal.printed)
            #expect(compilation.definitions == nil && compilation.hasErrors)
        }
    }

    @Test("of a SELECT")
    func select() { check([refusedNames, refusedClauses, refusedGroups, refusedDistinctOn], before: "CREATE MATERIALIZED VIEW v AS\n") }

    @Test("of a join")
    func join() {
        check(
            [refusedJoins], before: "CREATE MATERIALIZED VIEW v AS\n", beside: [SQLFile(path: "tables.sql", text: joinedTables)])
    }

    @Test("of a function call")
    func call() { check([refusedAggregates, refusedWindows], before: "CREATE MATERIALIZED VIEW v AS\n") }

    @Test("of an expression")
    func expression() {
        check(
            [refusedOperators, refusedConstants, refusedCasts, refusedFunctions],
            before: "CREATE MATERIALIZED VIEW v AS SELECT count(*) FROM event WHERE\n")
    }

    @Test("of a statement")
    func statement() { check([refusedStatements, refusedSources, refusedTables, refusedTexts, refusedTypes, refusedRegularExpressions]) }
}
