import Foundation
import Glibc
import TestSupport
import Testing

/// Commands that need no database, run as a process.
@Suite struct CLICommandTests {
    @Test func initMakesAPipelineThatChecksAndIsNeverOverwritten() throws {
        let folder = try TemporaryFolder("plx")
        let made = try CLIProgram.run("init", "demo", directory: folder.path)
        #expect(made.status == 0)
        #expect(made.output == "wrote demo/parallax.yaml\nwrote demo/page_view.sql\nwrote demo/.gitignore\n")
        let check = try CLIProgram.run("check", "--pipeline", "demo", directory: folder.path)
        #expect(check.status == 0, "\(check.errors)")
        #expect(check.output.contains("traffic_by_page"))
        let again = try CLIProgram.run("init", "demo", directory: folder.path)
        #expect(again.status == 64)
        #expect(again.errors.contains("demo\" has parallax.yaml already; nothing was written"))
    }

    @Test func theExamplesCheck() throws {
        let root = (0..<3).reduce(#filePath) { path, _ in (path as NSString).deletingLastPathComponent }
        for name in try FileManager.default.contentsOfDirectory(atPath: "\(root)/examples") {
            let result = try CLIProgram.run("check", "--pipeline", "\(root)/examples/\(name)")
            #expect(result.status == 0, "\(result.errors)")
        }
    }

    @Test(arguments: [
        (["querry"], 64), (["ingest"], 64), (["ingest", "page_view", "--frobnicate"], 64), (["check", "--pipeline", "/nonexistent"], 66),
        (["generate", "page_view", "--rate", "0"], 64), (["--help"], 0), (["version"], 0), (["help", "up"], 0),
    ])
    func wrongWordsEndWithTheirNumber(arguments: [String], status: Int) throws {
        let result = try CLIProgram(arguments).wait()
        #expect(Int(result.status) == status, "\(result.errors)")
        #expect((status == 0) == !result.output.isEmpty)
        #expect((status == 0) == result.errors.isEmpty)
    }

    @Test func definitionErrorsReadLikeACompilers() throws {
        let pipeline = try CLIPipeline()
        try pipeline.write(
            "views.sql", "CREATE MATERIALIZED VIEW a AS\nSELECT pge, count(*) FROM page_view GROUP BY pge;\nCREATE VIEW b AS SELEC 1;\n")
        let result = try pipeline.run("check")
        #expect(result.status == 65)
        #expect(result.errors.contains("/views.sql:2:8: error: column \"pge\" does not exist"), "\(result.errors)")
        #expect(result.errors.contains("    2 | SELECT pge, count(*) FROM page_view GROUP BY pge;\n      |        ^"))
        #expect(result.errors.contains("/views.sql:3:"))
        #expect(result.output.isEmpty)
    }

    @Test func configurationErrorsComeTogetherWithNumber78() throws {
        let pipeline = try CLIPipeline(configuration: "log:\n  partitons: 3\nspeed:\n  lease: soon\n")
        let result = try pipeline.run("check")
        #expect(result.status == 78)
        #expect(
            result.errors.contains("parallax.yaml:2:3: error: unknown key \"log.partitons\"\n    hint: did you mean \"log.partitions\"?"))
        #expect(result.errors.contains("parallax.yaml:4:10: error: speed.lease"))
        #expect(result.errors.hasSuffix("2 errors\n"))
    }

    @Test func configShowTellsSourcesAndMasksSecrets() throws {
        let pipeline = try CLIPipeline(configuration: "postgres:\n  url: postgresql://ann:s3cret@host/db\n")
        let result = try pipeline.run(
            "config", "show", "--set", "batch.interval=off", environment: ["PARALLAX_LOG_PARTITIONS": "3"])
        #expect(result.status == 0)
        #expect(result.output.contains("environment PARALLAX_LOG_PARTITIONS"))
        #expect(result.output.contains("postgresql://ann:***@host/db"))
        #expect(result.output.contains("parallax.yaml:2"))
        #expect(result.output.contains("--set"))
        #expect(!result.output.contains("s3cret"))
        let json = try pipeline.run("config", "show", "--json")
        #expect(!json.output.contains("s3cret"))
        #expect(try JSONSerialization.jsonObject(with: Data(json.output.utf8)) is [String: Any])
    }

    @Test func generateIsReproducibleAndIngestTakesItBack() throws {
        let pipeline = try CLIPipeline()
        let arguments = ["generate", "page_view", "--count", "3000", "--seed", "9", "--start-time", "2024-01-01", "--output", "-"]
        let first = try CLIProgram(arguments + ["--pipeline", pipeline.path]).wait()
        let second = try CLIProgram(arguments + ["--pipeline", pipeline.path]).wait()
        #expect(first.output == second.output)
        #expect(first.output.utf8.count { $0 == 10 } == 3_000)
        // Invalid UTF-8 does not survive a String: through a file.
        let file = pipeline.folder.path("events.ndjson")
        #expect(
            try pipeline.run("generate", "page_view", "--count", "3000", "--seed", "9", "--start-time", "2024-01-01", "--output", file)
                .status == 0)
        let ingested = try pipeline.run("ingest", "page_view", file, "--json")
        #expect(ingested.status == 0)
        let counts = try #require(try JSONSerialization.jsonObject(with: Data(ingested.output.utf8)) as? [String: Any])
        #expect(counts["records"] as? Int == 3_000)
        let malformed = try #require(counts["malformed"] as? Int)
        #expect(malformed > 0 && malformed < 30)
    }

    @Test(arguments: ["plain", "gzip", "zstd"])
    func ingestTakesEveryLineAndCountsThoseThatAreNoEvents(compression: String) throws {
        let pipeline = try CLIPipeline()
        let good = #"{"event_id":"00000000-0000-4000-8000-000000000001","event_time":"2024-01-01T00:00:00Z"}"#
        let lines = [good, "", "{not json", #"{"event_id":1}"#, "[1]", good.replacing("0001", with: "0002")]
        var path = pipeline.folder.path("in.ndjson")
        try lines.joined(separator: "\n").write(toFile: path, atomically: true, encoding: .utf8)
        if compression != "plain" {
            let program = Process()
            program.executableURL = URL(fileURLWithPath: "/usr/bin/env")
            program.arguments = [compression, "-q", path]
            try program.run()
            program.waitUntilExit()
            try #require(program.terminationStatus == 0, "\(compression) is not installed: make packages")
            path += compression == "gzip" ? ".gz" : ".zst"
        }
        let result = try pipeline.run("ingest", "page_view", path)
        #expect(result.status == 0, "\(result.errors)")
        #expect(result.output.hasPrefix("page_view: 6 records are in the log: 2 accepted, 4 malformed\n"), "\(result.output)")
        #expect(result.output.contains("1  empty_payload  line 2"))
        #expect(result.output.contains("1  malformed_json  line 3"))
        #expect(result.output.contains("1  not_an_object  line 5"))
    }

    @Test func ingestPassesOverLinesThatAreTooLongAndSaysSo() throws {
        let pipeline = try CLIPipeline()
        let input = "{}\n" + String(repeating: "x", count: 2_000) + "\n{}\n"
        let result = try pipeline.run("ingest", "page_view", "-", "--set", "log.max_record_bytes=1000", input: input)
        #expect(result.status == 65)
        #expect(result.output.contains("2 records are in the log"))
        #expect(result.output.contains("  1  not taken, longer than 1,000 bytes  line 2: 2000 bytes\n"))
    }

    @Test func ingestRefusesWhatIsNotThere() throws {
        let pipeline = try CLIPipeline()
        let source = try pipeline.run("ingest", "page_vew", "-")
        #expect(source.status == 64)
        #expect(source.errors.contains("there is no source \"page_vew\""))
        #expect(source.errors.contains("did you mean \"page_view\"?"))
        #expect(try pipeline.run("ingest", "page_view", "/nonexistent.ndjson").status == 66)
        try Data("not gzip".utf8).write(to: URL(fileURLWithPath: pipeline.folder.path("a.gz")))
        #expect(try pipeline.run("ingest", "page_view", pipeline.folder.path("a.gz")).status == 65)
        #expect(try pipeline.run("ingest", "page_view", pipeline.path).status == 65)
    }

    @Test func ctrlCEndsATrafficGeneratorAfterWhatItHasAppended() throws {
        let pipeline = try CLIPipeline()
        let program = try CLIProgram(["generate", "page_view", "--rate", "1000", "--pipeline", pipeline.path])
        let segment = "\(pipeline.path)/.parallax/log/page_view/0/00000000000000000000.log"
        #expect(
            becomesTrue {
                ((try? FileManager.default.attributesOfItem(atPath: segment))?[.size] as? Int ?? 0) > 1_000
            })
        kill(program.process.processIdentifier, SIGINT)
        let result = try program.wait()
        #expect(result.status == 0)
        #expect(result.output.contains("records are in the log (seed 1)"))
    }
}
