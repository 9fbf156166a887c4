import Testing

@testable import ViewLanguage

@Suite("SQL in one form, and what changes in it")
struct NormalSQLTests {
    @Test(
        "spaces, comments and letter case say nothing; names in quotes and texts do",
        arguments: [
            (
                "select  a,count( * )from t where a<>'X  y' -- c\n and \"B c\" is not null GROUP  by A having Sum(b)>=-1.5::numeric(3,1)",
                [
                    "SELECT a,", "  count(*)", "FROM t", "WHERE a <> 'X  y' AND \"B c\" IS NOT NULL", "GROUP BY a",
                    "HAVING sum(b) >=- 1.5::numeric(3, 1)",
                ]
            ),
            (
                "WITH (retention='90 days') SELECT a IS DISTINCT FROM b, extract(epoch FROM t) FROM x LEFT JOIN y USING (k)",
                [
                    "WITH (retention = '90 days')", "SELECT a IS DISTINCT FROM b,", "  EXTRACT (epoch FROM t)", "FROM x",
                    "LEFT JOIN y USING (k)",
                ]
            ), ("", []), ("$$ not ended", ["$$ not ended"]), (")", [")"]),
        ])
    func normal(text: String, lines: [String]) { #expect(NormalSQL.lines(of: text) == lines) }

    @Test("the normal form is its own normal form")
    func stable() {
        let text = "SELECT a,  b->>'c' , CASE WHEN x THEN 1 ELSE -2 END FROM t WHERE (a) = ANY(ARRAY[1,2]) ORDER BY 1"
        let once = NormalSQL.lines(of: text)
        #expect(NormalSQL.lines(of: once.joined(separator: "\n")) == once)
    }

    @Test("a diff keeps what both have, and says what goes and comes")
    func diff() {
        func shown(_ old: String, _ new: String) -> String {
            LineDiff(from: old.map { "\($0)" }, to: new.map { "\($0)" }).lines.map { $0.shown.replacing(" ", with: "") }.joined()
        }
        #expect(shown("abc", "abc") == "abc")
        #expect(shown("abc", "axc") == "a-b+xc")
        #expect(shown("", "ab") == "+a+b")
        #expect(shown("ab", "") == "-a-b")
        #expect(shown("abcd", "bd") == "-ab-cd")
        #expect(LineDiff(from: ["a"], to: ["a"]).isEmpty)
        #expect(!LineDiff(from: ["a"], to: []).isEmpty)
    }
}
