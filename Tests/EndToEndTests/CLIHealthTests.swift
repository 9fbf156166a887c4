import Foundation
import Glibc
import TestSupport
import Testing

/// Whether anybody reads what comes in, and who may read what is kept: through the binary.
@Suite(.serialized) struct CLIHealthTests {
    private static let definitions = """
        CREATE FOREIGN TABLE ev (id bigint, t timestamptz, k text, n bigint)
        SERVER parallax OPTIONS (event_id 'id', event_time 't', lateness '70000000 hours');
        CREATE MATERIALIZED VIEW by_k AS SELECT k, count(*) AS n FROM ev GROUP BY k;
        """

    private static func pipeline() throws -> TestPipeline {
        try TestPipeline(sql: definitions, configuration: "log:\n  partitions: 2\nbatch:\n  interval: off\n")
    }

    private static func lines(_ ids: ClosedRange<Int>) -> Data {
        Data(ids.map { #"{"id":\#($0),"t":"2026-01-01T00:00:00Z","k":"a"}"# + "\n" }.joined().utf8)
    }

    private static func ingest(_ ids: ClosedRange<Int>, into pipeline: TestPipeline, _ more: String...) throws -> Program.Result {
        try Program.run(["ingest", "ev", "-", "--pipeline", pipeline.path] + more, input: lines(ids))
    }

    /// A script that asks for health hears that nothing runs; one that runs the layers one by one hears that its worker does.
    @Test func statusCheckSaysWhetherSpeedWorkersLive() throws {
        let pipeline = try Self.pipeline()
        let down = try pipeline.run("status", "--check", expecting: 69)
        #expect(down.output.hasPrefix("not up\n"), "\(down.output)")
        #expect(down.output.contains("NOT READ    no speed worker reads source \"ev\""), "\(down.output)")
        #expect(down.output.contains("parallax up --pipeline \(pipeline.path)"), "\(down.output)")
        // Who does not ask for health gets the report.
        try pipeline.run("status")

        let worker = try pipeline.start("speed")
        #expect(try becomesTrue { try pipeline.run("status", "--check", expecting: nil).status == 0 })
        let alone = try pipeline.run("status", "--check").output
        #expect(alone.hasPrefix("not up; speed workers of other processes read the logs\n") && !alone.contains("NOT READ"), "\(alone)")
        worker.kill(SIGKILL)
        _ = worker.wait()
        #expect(try becomesTrue { try pipeline.run("status", "--check", expecting: nil).status == 69 })
    }

    /// The log's folder was lost, and nothing is archived: only PostgreSQL knows that there was another.
    @Test func ingestSaysThatNobodyReadsALogThatWasMadeAnew() throws {
        let pipeline = try Self.pipeline()
        #expect(try Self.ingest(1...3, into: pipeline).errors.isEmpty)
        try pipeline.run("speed", "--until-caught-up")
        #expect(try Self.ingest(4...4, into: pipeline).errors.isEmpty)
        try FileManager.default.removeItem(atPath: pipeline.path + "/.parallax/log")
        #expect(try pipeline.run("doctor", expecting: 66).output.contains("MISSING log of source ev: it is gone, and was read"))
        let orphan = try Self.ingest(5...6, into: pipeline)
        #expect(orphan.status == 0 && orphan.output.contains("2 records are in the log"), "\(orphan.output)")
        #expect(orphan.errors.hasPrefix("warning: nobody reads what is appended to the log of source \"ev\" now"), "\(orphan.errors)")
        #expect(orphan.errors.contains("parallax adopt-log --pipeline \(pipeline.path) ev"), "\(orphan.errors)")
        try pipeline.run("adopt-log", "ev", "--yes")
        #expect(try Self.ingest(7...7, into: pipeline).errors.isEmpty)
        try pipeline.run("speed", "--until-caught-up")
        // What was appended meanwhile counts.
        #expect(try pipeline.value("SELECT n FROM serving.by_k") == 6)
    }

    /// What is archived says it, too, whatever is in the log by now; and the same for events that are made up.
    @Test func theArchiveKnowsThatALogIsAnother() throws {
        let pipeline = try Self.pipeline()
        _ = try Self.ingest(1...40, into: pipeline)
        try pipeline.run("archive", "--until-caught-up")
        try FileManager.default.removeItem(atPath: pipeline.path + "/.parallax/log")
        for ids in [50...50, 51...51] {
            let orphan = try Self.ingest(ids, into: pipeline, "--json")
            #expect(orphan.errors.contains("nobody reads what is appended"), "\(orphan.errors)")
            let json = try #require(try JSONSerialization.jsonObject(with: Data(orphan.output.utf8)) as? [String: Any])
            #expect((json["problem"] as? [String: Any])?["code"] as? String == "anotherLog", "\(orphan.output)")
        }
        #expect(try pipeline.run("generate", "ev", "--count", "1").errors.contains("nobody reads what is appended"))
    }

    /// Each reason once, with the first line that it is said of: a message quotes that line's value and no other's.
    @Test func ingestTellsReasonsByTheirFirstLine() throws {
        let pipeline = try Self.pipeline()
        let input = [
            #"{"id":1,"t":"2026-01-01T00:00:00Z","n":"twelve"}"#, #"{"id":2,"t":"2026-01-01T00:00:00Z","n":"eleven"}"#,
            #"{"id":3,"t":"2026-01-01T00:00:00Z"}"#, "[]",
        ].joined(separator: "\n")
        let said = try Program.run(["ingest", "ev", "-", "--pipeline", pipeline.path], input: Data(input.utf8)).output
        let lines = said.split(separator: "\n").map(String.init)
        #expect(lines.first == "ev: 4 records are in the log: 1 accepted, 3 malformed", "\(said)")
        let two = try #require(lines.first { $0.hasPrefix("  2  wrong_type  first in line 1: ") }, "\(said)")
        #expect(two.contains("twelve") && two.hasSuffix("; also in line 2"), "\(two)")
        #expect(lines.contains { $0.hasPrefix("  1  not_an_object  line 4: ") }, "\(said)")
    }

    /// Modes below a folder, but for PostgreSQL's own.
    private static func modes(_ folder: String) throws -> [String: mode_t] {
        var modes: [String: mode_t] = [:]
        for name in try FileManager.default.subpathsOfDirectory(atPath: folder) + ["."] {
            var status = stat()
            #expect(lstat("\(folder)/\(name)", &status) == 0)
            modes[name] = status.st_mode & 0o777
        }
        return modes
    }

    private static func expectClosed(_ folder: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
        let found = try modes(folder)
        #expect(found.count > 3, "\(found)", sourceLocation: sourceLocation)
        let open = found.filter { $0.value & 0o077 != 0 }
        #expect(open.isEmpty, "\(folder): \(open.mapValues { String($0, radix: 8) })", sourceLocation: sourceLocation)
    }

    /// Events may be personal data: nobody else on the machine reads them.
    @Test func onlyTheUserMayReadLogArchiveAndBackups() throws {
        let pipeline = try Self.pipeline()
        let (log, archive) = (pipeline.path + "/.parallax/log", pipeline.path + "/.parallax/archive")
        _ = try Self.ingest(1...40, into: pipeline)
        try pipeline.run("batch", "run")
        try Self.expectClosed(log)
        try Self.expectClosed(archive)

        let backups = pipeline.path + "/backups"
        try pipeline.run("backup", backups)
        try Self.expectClosed(backups)
        let back = try TemporaryFolder("back")
        let restored = try Program.run(["restore", backups, "--pipeline", back.path("p")])
        #expect(restored.status == 0, "\(restored.errors)")
        try Self.expectClosed(back.path("p") + "/.parallax/log")
        try Self.expectClosed(back.path("p") + "/.parallax/archive")
        _ = try Program.run(["down", "--force", "--pipeline", back.path("p")])

        // As 0.1 made them: shut by whoever writes next.
        for folder in [log, archive] { chmod(folder, 0o755) }
        _ = try Self.ingest(41...60, into: pipeline)
        #expect(try Self.modes(log)["."] == 0o700)
        try pipeline.run("archive", "--until-caught-up")
        #expect(try Self.modes(archive)["."] == 0o700)

        // Somebody's decision stays, and holds for what comes.
        for (name, mode) in try Self.modes(archive) { chmod("\(archive)/\(name)", mode == 0o700 ? 0o750 : 0o640) }
        _ = try Self.ingest(61...90, into: pipeline)
        try pipeline.run("archive", "--until-caught-up")
        let opened = try Self.modes(archive)
        let segments = opened.filter { $0.key.hasSuffix(".parquet") }
        #expect(segments.count >= 3 && segments.values.allSatisfy { $0 == 0o640 }, "\(segments)")
        #expect(opened["."] == 0o750)
    }

    /// Doctor looks at each thing once, and says what it cannot look at while PostgreSQL is down.
    @Test func doctorSaysWhatItCannotKnow() throws {
        let pipeline = try CLIPipeline(configuration: "batch:\n  interval: off\n", sql: Self.definitions)
        #expect(try pipeline.run("apply").status == 0)
        #expect(try CLIProgram(["ingest", "ev", "-", "--pipeline", pipeline.path], input: Array(Self.lines(1...3))).wait().status == 0)
        let silent = try pipeline.run("doctor").output
        #expect(silent.contains("UNKNOWN layers: PostgreSQL cannot be asked which views it refuses"), "\(silent)")
        #expect(silent.contains("parallax status --pipeline \(pipeline.path)"), "\(silent)")
        #expect(silent.contains("log of source ev: 1 partition, 3 records\n"), "\(silent)")
        #expect(try pipeline.run("up", "--detach").status == 0)
        let heard = try pipeline.run("doctor").output
        #expect(heard.contains("ok      layers: ") && !heard.contains("UNKNOWN"), "\(heard)")
        #expect(heard.components(separatedBy: "log of source ev").count == 2, "\(heard)")
        #expect(heard.contains("log of source ev: 1 partition, 3 records, the one that its positions belong to"), "\(heard)")
    }
}
