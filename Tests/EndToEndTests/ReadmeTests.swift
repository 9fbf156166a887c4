import Foundation
import TestSupport
import Testing

/// The README's first screen is what the program says.
@Suite struct ReadmeTests {
    private static let root = (0..<3).reduce(#filePath) { path, _ in (path as NSString).deletingLastPathComponent }

    private static func blocks(_ language: String) throws -> [String] {
        let text = try String(contentsOfFile: "\(root)/README.md", encoding: .utf8)
        return text.components(separatedBy: "```\(language)\n").dropFirst().compactMap { $0.components(separatedBy: "\n```").first }
    }

    @Test func theFirstScreenIsWhatTheProgramSays() throws {
        let example = "\(Self.root)/examples/first-look"
        let sql = try String(contentsOfFile: "\(example)/clicks.sql", encoding: .utf8)
        #expect(try Self.blocks("sql").first == sql.trimmingCharacters(in: .newlines))
        let pipeline = try TestPipeline(sql: sql, configuration: "")
        try pipeline.run("ingest", "click", "\(example)/events.ndjson")
        try pipeline.run("speed", "--until-caught-up")
        let session = try #require(try Self.blocks("text").first { $0.hasPrefix("$ parallax query") })
        let steps = session.components(separatedBy: "$ parallax ").dropFirst()
        #expect(steps.count == 3)
        for step in steps {
            let lines = step.split(separator: "\n").map(String.init)
            // `query "…"` is two words, `batch run` as well.
            let words = lines[0].split(separator: " ", maxSplits: 1).map { $0.trimmingCharacters(in: CharacterSet(charactersIn: "\"")) }
            let result = try Program.run(words + ["--pipeline", pipeline.path])
            let said = Set(result.output.split(separator: "\n").map(String.init))
            for line in lines.dropFirst() where line != "…" {
                #expect(said.contains(line), "\(lines[0]) does not say: \(line)\nIt says:\n\(result.output)\(result.errors)")
            }
        }
    }
}
