import Foundation
import TestSupport
import Testing

/// docs/guide/comparing-layers.md is typed, and prints what it says.
@Suite struct ComparisonGuideTests {
    @Test func theStoryIsTrue() throws {
        let root = (0..<3).reduce(#filePath) { path, _ in (path as NSString).deletingLastPathComponent }
        let text = try String(contentsOfFile: "\(root)/docs/guide/comparing-layers.md", encoding: .utf8)
        func blocks(_ tag: String) -> [String] {
            text.components(separatedBy: "```\(tag)\n").dropFirst().compactMap { $0.components(separatedBy: "```").first }
        }
        #expect(blocks("sh").count == 5 && blocks("text").count == 5)
        let folder = try TemporaryFolder("comparing")
        let pipeline = folder.path("shop")
        defer { _ = try? CLIProgram.run("down", "--force", "--pipeline", pipeline) }
        let typed = try ExampleReadmeTests.type(blocks("sh").joined(), in: folder.path)
        #expect(typed.status == 0, "\(typed.text)")
        for block in blocks("text") { #expect(typed.text.contains(block), "\(block)\nis not in\n\(typed.text)") }
        #expect(typed.text.contains("it is held\n") && typed.text.contains("beyond max_drift\n"))

        // What is asked wrongly has a place and a way on.
        func run(_ arguments: String...) throws -> CLIProgram.Result {
            try CLIProgram(["compare", "--pipeline", pipeline] + arguments).wait()
        }
        #expect(try run("sales_by_shop", "--max-drift", "20%").status == 0)
        #expect(try run("sales_by_shop", "--max-drift", "10%").status == 1)
        #expect(try run("nothing").status == 64)
        let time = try run("sales_by_shop", "--from", "yesterdayish")
        #expect(time.status == 64 && time.errors.contains("HINT:  a time as PostgreSQL reads it"), "\(time.errors)")
        #expect(try run("sales_by_shop", "--run", "9").errors.contains("there is no run 9"))
        #expect(try run("sales_by_shop", "--from", "2026-03-01T09:30Z", "--format", "csv").output.split(separator: "\n").count == 2)
        // The number that is explained says how it was off.
        let explained = try CLIProgram.run(
            "explain", "sales_by_shop", "--where", "shop = Linz AND start = 2026-03-01 09:20Z", "--pipeline", pipeline)
        #expect(
            explained.output.contains("the live row was off before run 2, because of late events: 10 records late"),
            "\(explained.output) \(explained.errors)")
        let exact = try CLIProgram.run(
            "explain", "sales_by_shop", "--where", "shop = Wien AND start = 2026-03-01 11:00Z", "--json", "--pipeline", pipeline)
        #expect(exact.output.contains("\"is_different\": false"), "\(exact.output) \(exact.errors)")
        let json = try #require(
            try JSONSerialization.jsonObject(with: Data(try run("sales_by_shop", "--format", "json", "--limit", "1").output.utf8))
                as? [String: Any])
        #expect(json["within_max_drift"] as? Bool == false && (json["rows"] as? [[String: Any]])?.first?["late"] as? Int == 10)
        #expect(json["rows_different"] as? Int == 2 && json["is_compared"] as? Bool == true)
    }
}
