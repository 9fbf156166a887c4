import Foundation
import TestSupport
import Testing

@testable import ViewLanguage

enum JSON {
    static func roundTrip<Value: Codable>(_ value: Value) throws -> Value {
        try JSONDecoder().decode(Value.self, from: JSONEncoder().encode(value))
    }
}

/// Valid SQL, broken at random: by words, by pieces of other statements, by bytes.
@Suite("Mutated SQL never crashes the compiler")
struct MutationTests {
    private static let corpus: [String] = {
        var statements = [sampleSource, sampleView, eventSource.text]
        // Sound ones too, several times: what still compiles after a mutation goes deepest.
        for condition in soundConditions + soundConditions {
            statements.append("CREATE MATERIALIZED VIEW v AS SELECT \(condition) AS c, count(*) FROM event WHERE \(condition) GROUP BY 1")
            statements.append(
                "CREATE MATERIALIZED VIEW v AS SELECT tumble(at, '1 minute') AS m, sum(quantity) FILTER (WHERE \(condition)) FROM event GROUP BY m"
            )
        }
        for text in [refusedNames, refusedClauses, refusedGroups, refusedAggregates, refusedWindows, refusedDistinctOn] {
            for refusal in RefusalTests.cases(text) { statements.append("CREATE MATERIALIZED VIEW v AS \(refusal.sql)") }
        }
        for text in [refusedOperators, refusedConstants, refusedCasts] {
            for refusal in RefusalTests.cases(text) {
                statements.append("CREATE MATERIALIZED VIEW v AS SELECT count(*) FROM event WHERE \(refusal.sql)")
            }
        }
        for text in [refusedStatements, refusedSources, refusedTexts] { statements += RefusalTests.cases(text).map(\.sql) }
        return statements
    }()

    private static let soundConditions = [
        "ok", "quantity + 1 > -2 * duration", "amount * 1.5 <= ratio OR NOT ok", "page IN ('a', country, NULL)", "quantity NOT IN (1, 2.5)",
        "at BETWEEN '2024-01-01' AND timestamptz '2024-02-01 00:00+01'", "coalesce(amount, 0, quantity)::bigint IS DISTINCT FROM 7",
        "id = 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'", "(ok IS NOT TRUE) = (page IS NULL)", "ratio / 2 <> '1e3' AND page < country",
    ]

    private static let columns = ["id", "at", "page", "country", "amount", "total", "quantity", "duration", "ratio", "ok", "event.page"]
    private static let operators = [
        "=", "<>", "<", ">=", "+", "-", "*", "/", "%", "AND", "OR", "IS DISTINCT FROM", "IS TRUE AND", "::text =",
    ]

    /// One word for another of its kind: what comes out is often still sound.
    private static func swapped(_ text: String, _ random: inout SeededGenerator) -> String {
        var words = text.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
        for kind in [columns, operators] {
            guard let place = words.indices.filter({ kind.contains(words[$0]) }).randomElement(using: &random) else { continue }
            words[place] = kind.randomElement(using: &random) ?? ""
        }
        return words.joined(separator: " ")
    }

    private static let words: [String] = [
        "SELECT", "FROM", "WHERE", "GROUP BY", "(", ")", ",", ";", "'", "\"", "$$", "--", "/*", "*/", "E'\\'", "U&\"x\"", "::", "-", "NULL",
        "0", "-1", "99999999999999999999", "1e400", "1e-400", "1e2147483648", "'1e99999999999999999999'", ".5", "'NaN'", "'infinity'",
        "now()",
        "tumble(at, '1 minute')", "count(*)", "DISTINCT", "FILTER (WHERE", "OVER ()", "WITH x AS (", "UNION", "numeric(-1,0)",
        "numeric(38,38)",
        "''", "'\u{0}'", "é", "大", "\u{301}", "\t", "\r\n", "IN (", "BETWEEN", "CAST(", " AS ", "interval '1 month'", "'P1Y'",
        "'PT9999999999999999999H'",
        "'-00:00:60'", "'2024-01-01 24:00:00.0000000001+15:59:59'", "'294276-12-31'", "'4713-01-01 BC'", "coalesce(", "ARRAY[", "[1]", ".*",
        "$1", "%TYPE",
    ]

    private static func mutant(_ random: inout SeededGenerator) -> [UInt8] {
        var text = corpus.randomElement(using: &random) ?? ""
        if Bool.random(using: &random) { return Array(swapped(text, &random).utf8) }
        for _ in 0..<Int.random(in: 1...4, using: &random) {
            let at = text.index(text.startIndex, offsetBy: Int.random(in: 0...text.count, using: &random))
            let end = text.index(at, offsetBy: Int.random(in: 0...12, using: &random), limitedBy: text.endIndex) ?? text.endIndex
            switch Int.random(in: 0..<5, using: &random) {
            case 0: text.removeSubrange(at..<end)
            case 1: text.insert(contentsOf: words.randomElement(using: &random) ?? "", at: at)
            case 2: text.replaceSubrange(at..<end, with: " \(words.randomElement(using: &random) ?? "") ")
            case 3: text.insert(contentsOf: String(text[at..<end]), at: at)
            default: text += " " + (corpus.randomElement(using: &random) ?? "")
            }
        }
        var bytes = Array(text.utf8)
        if !bytes.isEmpty, Int.random(in: 0..<8, using: &random) == 0 {
            bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
        }
        return bytes
    }

    @Test("three thousand mutants", arguments: [1, 2, 3] as [UInt64])
    func mutants(_ seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var accepted = 0
        for round in 0..<1_000 {
            let bytes = Self.mutant(&random)
            let compilation = compile([eventSource, SQLFile(path: "views.sql", bytes: bytes)])
            // Either definitions or a reason, never neither.
            let replay: Comment = "seed \(seed), round \(round): \(String(decoding: bytes, as: UTF8.self))"
            #expect((compilation.definitions == nil) == compilation.hasErrors, replay)
            for diagnostic in compilation.diagnostics {
                #expect(!diagnostic.rendered.isEmpty && !diagnostic.message.contains("\n"), replay)
            }
            if let definitions = compilation.definitions {
                accepted += 1
                #expect(try JSON.roundTrip(definitions) == definitions, replay)
            }
        }
        // Mutants that still compile go deepest: without them the test would only test the parser.
        #expect(accepted > 20, "seed \(seed): only \(accepted) of 1,000 mutants compiled")
    }
}
