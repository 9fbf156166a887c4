import Foundation
import TestSupport
import Testing

/// Small things that make the command line pleasant, through the binary.
@Suite struct CLIConvenienceTests {
    private static let definitions = """
        CREATE FOREIGN TABLE page_view (event_id uuid, event_time timestamptz, page text)
        SERVER parallax OPTIONS (event_id 'event_id', event_time 'event_time');
        CREATE MATERIALIZED VIEW by_page AS SELECT page, count(*) AS n FROM page_view GROUP BY page;
        CREATE VIEW "Top pages" AS SELECT * FROM by_page ORDER BY n DESC LIMIT 3;
        """

    /// Whoever only looks leaves no trace, neither a server nor a folder.
    @Test(
        arguments: [
            ["status"], ["query", "SELECT 1"], ["batch", "list"], ["psql"], ["diff", "by_page"], ["speed", "--until-caught-up"],
            ["archive", "--until-caught-up"], ["batch", "run"],
        ]) func lookingMakesNothing(command: [String]) throws
    {
        let folder = try TemporaryFolder("look")
        try Data(Self.definitions.utf8).write(to: URL(fileURLWithPath: folder.path("views.sql")))
        let result = try CLIProgram(command + ["--pipeline", folder.path]).wait()
        #expect(result.status == 66, "\(result.errors)")
        #expect(result.errors.contains("have been applied yet") && result.errors.contains("parallax apply"), "\(result.errors)")
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["views.sql"])
        _ = try CLIProgram(["doctor", "--pipeline", folder.path]).wait()
        let dry = try CLIProgram(["apply", "--dry-run", "--pipeline", folder.path]).wait()
        #expect(dry.output == "+ source page_view\n+ view by_page\n+ overlay Top pages\n", "\(dry.errors)")
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["views.sql"])
    }

    @Test func aNameIsAQueryAndTheEnvironmentNamesThePipeline() throws {
        let pipeline = try CLIPipeline(configuration: "log:\n  partitions: 1\n", sql: Self.definitions)
        #expect(try pipeline.run("apply").status == 0)
        let lines = (1...3).map { CLIIngestTests.event($0) + "\n" }.joined()
        #expect(try pipeline.run("ingest", "page_view", "-", input: lines).status == 0)
        #expect(try pipeline.run("speed", "--until-caught-up").status == 0)
        func query(_ statement: String, folder: String = "/", flag: [String] = []) throws -> CLIProgram.Result {
            try CLIProgram(
                ["query", statement, "--format", "csv"] + flag, environment: ["PARALLAX_PIPELINE": pipeline.path], directory: folder
            )
            .wait()
        }
        for name in ["by_page", " by_page ", "serving.by_page", "\"Top pages\"", "TABLE by_page"] {
            let answer = try query(name)
            #expect(answer.output.split(separator: "\n").count == 4, "\(name): \(answer.output)\(answer.errors)")
        }
        let misspelt = try query("by_pge")
        #expect(misspelt.status == 65 && misspelt.errors.contains("HINT:  did you mean \"by_page\"?"), "\(misspelt.errors)")
        #expect(try query("xyz").errors.contains("HINT:  the views are: Top pages, by_page"))
        #expect(try query("SELECT 1; SELECT 2").errors.contains("takes one statement"))
        // The flag wins.
        #expect(try query("by_page", flag: ["--pipeline", "/nonexistent"]).errors.contains("/nonexistent"))
        // Empty is not set.
        #expect(try CLIProgram(["query", "by_page"], environment: ["PARALLAX_PIPELINE": ""], directory: "/").wait().status == 66)
    }

    @Test func completionsKnowTheNamesOfDefinitions() throws {
        let pipeline = try CLIPipeline(configuration: "", sql: Self.definitions)
        let script = try CLIProgram.run("--generate-completion-script", "bash").output
        #expect(script.contains("---completion"), "the script asks the program")
        func offered(_ words: [String], _ argument: String, _ environment: [String: String]) throws -> [String] {
            let result = try CLIProgram(
                ["---completion"] + words + ["--", argument, "0", "0", "parallax"] + words, environment: environment
            ).wait()
            return result.output.split(separator: "\n").map(String.init)
        }
        let environment = ["PARALLAX_PIPELINE": pipeline.path]
        #expect(try offered(["query"], "positional@0", environment) == ["by_page", "Top pages"])
        #expect(try offered(["ingest"], "positional@0", environment) == ["page_view"])
        #expect(try offered(["diff"], "positional@0", environment) == ["by_page"])
        // Nothing to offer is no trouble.
        #expect(try offered(["query"], "positional@0", ["PARALLAX_PIPELINE": "/nonexistent"]) == [])
    }

    @Test func initBesideDefinitionsOfOnesOwnTurnsNoTrafficOn() throws {
        let folder = try TemporaryFolder("own")
        try Data(Self.definitions.utf8).write(to: URL(fileURLWithPath: folder.path("views.sql")))
        try Data("*.log\n".utf8).write(to: URL(fileURLWithPath: folder.path(".gitignore")))
        let made = try CLIProgram.run("init", folder.path)
        #expect(made.status == 0, "\(made.errors)")
        #expect(try Set(FileManager.default.contentsOfDirectory(atPath: folder.path)) == ["views.sql", "parallax.yaml", ".gitignore"])
        #expect(try String(contentsOfFile: folder.path(".gitignore"), encoding: .utf8) == "*.log\n")
        let shown = try CLIProgram.run("config", "show", "--pipeline", folder.path)
        #expect(
            shown.output.split(separator: "\n").contains { $0.contains("generator.source") && !$0.contains("page_view") }, "\(shown.output)"
        )
        #expect(try CLIProgram.run("check", "--pipeline", folder.path).status == 0)
    }
}
