import Postgres
import TestSupport
import Testing
import ViewLanguage

@testable import Operators

/// Regular expressions as PostgreSQL has them under collation "C": what matches, and what is none.
@Suite struct RegularExpressionOracleTests {
    static let texts: [String] = [
        "", "a", "b", "ab", "ba", "aab", "abc", "ABC", "aBc", "a b", "a\nb", "\n", "0", "01", "a1", "_", "é", "É", "aé", "éa", "ß", "日本",
        "a日b", "-", "a-b", "]",
        "[a]", "^", "$", "a$", "^a", ".", "*", "a*b", "{", "a{2}", "aa", "aaa", "aaaa", "aaaaaaa", "abab", "ababab", "abcabc", "\t", "a\tb",
        "\\", "a\\b", "|", "a|b", "()",
        "the quick brown fox", "x@y.z", "2024-05-01", "10.0.0.1", "😀", "a😀", "\u{85}", "\u{7f}", "B2", "zZ", "\u{a0}", "K", "ı", "ſ",
    ]

    static let patterns: [String] = [
        "", "a", "^a", "a$", "^a$", "^$", "$^", "a|b", "a|", "|a", "()", "(|a)b", "(?:ab)+", "(ab){2}", "a{2}", "a{2,}", "a{2,3}", "a{0}",
        "a{0,0}b", "a{,3}", "a{", "{", "}", "]", "a}",
        "a*", "a+b?", "a*?b", "a+?", "a??", "a{2,3}?", "[abc]", "[^abc]", "[a-c]", "[]a]", "[^]a]", "[a-]", "[-a]", "[a\\]]", "[\\d]",
        "[\\w-]", "[[:alpha:]]", "[^[:space:]]",
        "[[:digit:][:upper:]]", "[[:word:]]", "[[:cntrl:]]", "[[:ascii:]]", "[[:punct:]]", "[[:blank:]]", "[[:xdigit:]]", "[[:print:]]+$",
        "[[:graph:]]", "\\d", "\\D", "\\w", "\\W", "\\s",
        "\\S", "^\\w+$", "^\\d{4}-\\d{2}-\\d{2}$", "^[^@]+@[^@]+\\.[a-z]+$", "(\\d+\\.){3}\\d+", "\\.", "\\*", "\\\\", "\\$", "\\^",
        "\\(\\)", "\\n", "\\t", "\\u00e9", "\\A\\w", "b\\Z", ".", "^.$",
        "a.b", "^.*$", "é", "[é-ÿ]", "[^é]", "日", "[日-本]", "(a|b)*c", "((a)|(b))+", "(a*)*", "(a*)+", "(a|b|)+$", "^(ab|a)(c|bc)$", "x*",
        "a^b", "a$b", "(^a)", "(a$)|b", "^^a", "a$$",
        "[[:foo:]]", "[b-a]", "[a", "(a", "a)", "*a", "a**", "a+*", "^*", "a{2}{3}", "a{3,2}", "a{256}", "a{1", "\\", "(?=a)", "(?!a)",
        "(?i)a", "(a)\\1", "\\yab", "\\mab", "***=a", "a|*b", "(*a)",
        "[[.a.]]", "[[=a=]]", "[a-\\d]", "[\\d-a]", "\\x41", "\\065", "[\\b]", "k", "K", "[k-l]", "[^K]", "i", "s", "[[:lower:]]",
        "[[:upper:]]", "[A-z]", "[^a-z]", "\\q", "\\é", "a{2,256}", "[a-c-e]",
    ]

    @Test func corpusIsPostgreSQLs() throws { try compare(Self.patterns) }

    @Test(arguments: [UInt64(1), 2, 3])
    func randomPatternsArePostgreSQLs(_ seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        try compare((0..<500).map { _ in Self.pattern(3, &random) }, "seed \(seed)")
    }

    private static func pattern(_ depth: Int, _ random: inout SeededGenerator) -> String {
        let atoms = [
            "a", "b", "A", "B", "0", "é", ".", "\\d", "\\w", "\\s", "\\W", "\\D", "[ab]", "[^a]", "[a-cB]", "[[:alpha:]]", "[^[:digit:]é]",
            "\\n", "日", " ", "_", "-", "\\.", "[\\s_]", "\\u0061",
        ]
        let quantifiers = ["", "", "", "", "*", "+", "?", "{2}", "{1,2}", "{0,1}", "{2,}", "*?", "+?", "??", "{1,3}?", "{0}"]
        let count = Int.random(in: 0...3, using: &random)
        var text = ""
        for _ in 0..<max(1, count) {
            switch Int.random(in: 0..<12, using: &random) {
            case 0: text += ["^", "$", "\\A", "\\Z"].randomElement(using: &random) ?? ""
            case 1...3 where depth > 0:
                text += ["(", "(?:"].randomElement(using: &random) ?? "("
                text += pattern(depth - 1, &random) + ")" + (quantifiers.randomElement(using: &random) ?? "")
            case 4 where depth > 0: text += pattern(depth - 1, &random) + "|" + pattern(depth - 1, &random)
            case 5 where Int.random(in: 0..<4, using: &random) == 0:
                text += ["*", "{", "(", ")", "[", "\\", "{2", "+"].randomElement(using: &random) ?? ""
            default: text += (atoms.randomElement(using: &random) ?? "a") + (quantifiers.randomElement(using: &random) ?? "")
            }
        }
        return text
    }

    private func compare(_ patterns: [String], _ note: String = "") throws {
        let connection = try Connection(try TestCluster.shared.freshDatabase())
        defer { connection.close() }
        try connection.execute(
            """
            CREATE TABLE texts (n int, t text COLLATE "C");
            CREATE FUNCTION matched(pattern text, ignoring boolean) RETURNS text LANGUAGE plpgsql AS $$
            BEGIN
                RETURN (SELECT string_agg(CASE WHEN ignoring THEN t ~* pattern ELSE t ~ pattern END::text, ',' ORDER BY n) FROM texts);
            EXCEPTION WHEN OTHERS THEN RETURN 'ERROR: ' || SQLERRM;
            END $$
            """)
        for (index, text) in Self.texts.enumerated() {
            try connection.query("INSERT INTO texts VALUES ($1, $2)", [.int(Int64(index)), .text(text)])
        }
        var (taken, refused) = (0, 0)
        for pattern in patterns {
            for ignoringCase in [false, true] {
                let theirs = try connection.query("SELECT matched($1, $2)", [.text(pattern), .bool(ignoringCase)]).rows[0][0] ?? ""
                let syntax: RegularExpressionSyntax
                do throws(RegularExpressionSyntax.Problem) {
                    syntax = try RegularExpressionSyntax(pattern, ignoringCase: ignoringCase)
                } catch {
                    refused += 1
                    // Ours are words of their own where PostgreSQL has an answer, and else its own.
                    if theirs.hasPrefix("ERROR") != error.message.hasPrefix("invalid regular expression") {
                        #expect(
                            error.message.contains("not supported"), "\(note) \(pattern): \(error.message) against \(theirs.prefix(80))")
                    } else if theirs.hasPrefix("ERROR") {
                        #expect("ERROR: " + error.message == theirs, "\(note) \(pattern)")
                    }
                    continue
                }
                taken += 1
                let expression = RegularExpression(syntax)
                // Twice: the second time by the table that the first one filled.
                for _ in 0..<2 {
                    let ours = Self.texts.map { text in Array(text.utf8).withUnsafeBytes { expression.matches($0) } ? "true" : "false" }
                    guard ours.joined(separator: ",") != theirs else { continue }
                    let all = theirs.split(separator: ",").map(String.init)
                    let wrong =
                        all.count == ours.count ? Self.texts.indices.filter { ours[$0] != all[$0] }.map { Self.texts[$0] } : [theirs]
                    Issue.record("\(note) \(ignoringCase ? "~*" : "~") \(pattern) differs for \(wrong.prefix(5))")
                    break
                }
            }
        }
        #expect(taken > patterns.count, "\(note): \(taken) taken, \(refused) refused")
    }

    /// A backtracking matcher would need longer than anyone waits.
    @Test func timeIsLinearInTheText() throws {
        let text = Array(String(repeating: "a", count: 200_000).utf8)
        for pattern in ["(a*)*b", "(a|aa)+$b", "(a?){50}a{50}c", "(.*)(.*)(.*)(.*)x"] {
            let expression = RegularExpression(try RegularExpressionSyntax(pattern, ignoringCase: false))
            #expect(!text.withUnsafeBytes { expression.matches($0) })
        }
    }

    /// The automaton of this pattern has 65,536 sets of states, which one text reaches: some are forgotten in the middle of it.
    @Test func memoryIsBoundedWithinOneText() throws {
        var random = SeededGenerator(seed: 76)
        let expression = RegularExpression(try RegularExpressionSyntax("a[ab]{15}$", ignoringCase: false))
        for _ in 0..<3 {
            let text = (0..<60_000).map { _ in Bool.random(using: &random) ? UInt8(ascii: "a") : UInt8(ascii: "b") }
            let isMatch = text[text.count - 16] == UInt8(ascii: "a")
            #expect(text.withUnsafeBytes { expression.matches($0) } == isMatch)
            #expect(expression.bytes < RegularExpression.mostBytes + 10_000)
        }
    }

    @Test func manyDifferentCharactersAreRefused() {
        let pattern = String(String.UnicodeScalarView((0..<1_500).compactMap { Unicode.Scalar(0x4e00 + 2 * $0) }))
        #expect(throws: RegularExpressionSyntax.Problem.self) { _ = try RegularExpressionSyntax(pattern, ignoringCase: false) }
    }

    @Test func expressionsMatchRowsOfColumns() throws {
        let judge = try ExpressionJudge(seed: 74, source: moreTypes, batch: moreEvents(60, seed: 74)) {
            compileExpressions($0, over: moreTypesTable, "more_types")
        }
        let result = try judge.judge([
            "label ~ '^a'", "label !~ 'b$'", "label ~* 'A'", "label !~* '^A'", "code ~ 'ä|b'", "tag ~ 'b $'", "tag ~ '^a  '",
            "doc ->> 'a' ~ '\\d'", "(doc::text) ~ '\"k\": '", "label ~ NULL",
            "tags[1] ~ '^[a-z ]+$'", "NOT label ~ 'a'", "label || code ~ 'a.*b'", "CASE WHEN label ~ '^\\d' THEN label::numeric END",
            "'abc' ~ 'b'", "coalesce(label, '') ~ '^$'",
        ])
        #expect(result.compiled == 16 && result.differences == [])
    }

    /// What is no regular expression is an error of its row, in PostgreSQL's words.
    @Test func patternsOfRowsAreRead() throws {
        let judge = try ExpressionJudge(seed: 75, source: moreTypes, batch: moreEvents(80, seed: 75)) {
            compileExpressions($0, over: moreTypesTable, "more_types")
        }
        let result = try judge.judge([
            "label ~ code", "code ~ label", "label ~* upper(label)", "label !~ wide", "label !~* other", "tag ~ tag", "'abcdef' ~ tag",
            "label ~ (code || '*')",
            "label ~ (code || '(')", "label ~ ('^' || left(label, 1) || '+$')", "'a*b \\x' ~ tags[3]", "(doc ->> 's') ~ (doc ->> 's')",
            "CASE WHEN label <> 'a' THEN label ~ (label || ')') ELSE label ~ '^a' END", "label ~ ('[' || code || ']')",
            "label ~ NULL::text",
            "label ~ (small || '{' || tiny || '}')", "regexp_like(label, code)", "regexp_like(label, 'A', 'i')",
            "regexp_like(label, upper(label), 'ci')",
            "regexp_like(tag, 'b$')", "label ~ ('^' || label || '$') AND code ~ code",
        ])
        #expect(result.compiled == 21 && result.differences == [] && result.errors > 60, "\(result)")
    }

    /// A record's pattern that would keep a layer busy is refused; the same constant is not.
    @Test func costOfPatternsOfRecordsIsBounded() throws {
        func isMatch(_ pattern: String, _ text: String, isOfRecords: Bool) throws -> Bool {
            let patterns = RegularExpressionCache(ignoringCase: false, isOfRecords: isOfRecords)
            let (pattern, text) = (Array(pattern.utf8), Array(text.utf8))
            return try pattern.withUnsafeBytes { pattern in try text.withUnsafeBytes { text in try patterns.matches(text, pattern) } }
        }
        for isOfRecords in [false, true] {
            #expect(try isMatch("^(ab?){100}$", String(repeating: "a", count: 100), isOfRecords: isOfRecords))
            #expect(try isMatch("a$", String(repeating: "a", count: 500_000), isOfRecords: isOfRecords))
        }
        for (pattern, text) in [("(a{255}){35}", "a"), ("(ab?){100}c", String(repeating: "a", count: 100_000))] {
            #expect(throws: RowProblem.self) { try isMatch(pattern, text, isOfRecords: true) }
        }
        #expect(try !isMatch("(a{255}){35}", "a", isOfRecords: false))
        let characters = String(String.UnicodeScalarView((0..<400).compactMap { Unicode.Scalar(0x4e00 + 2 * $0) }))
        #expect(throws: RowProblem.self) { try isMatch(characters, "a", isOfRecords: true) }
        #expect(try isMatch(characters, characters, isOfRecords: false))
    }

    /// More patterns than there is room for, and one that every row has: each text is matched with its own.
    @Test func patternsWithoutRoomAreMadeAnew() throws {
        let patterns = RegularExpressionCache(ignoringCase: false)
        for round in 0..<3 {
            for number in 0..<400 {
                let pattern = Array("^(x{100}){3}y|^\(number)$".utf8)
                let (text, other) = (Array("\(number)".utf8), Array("\(number)\(round)0".utf8))
                let found = try pattern.withUnsafeBytes { pattern in
                    try [text, other].map { text in try text.withUnsafeBytes { text in try patterns.matches(text, pattern) } }
                }
                #expect(found == [true, false])
                #expect(patterns.bytes < RegularExpressionCache.mostBytes + (1 << 20))
            }
        }
    }
}
