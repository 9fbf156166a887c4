import Catalog
import EmbeddedLog
import Foundation
import Glibc
import ParallaxCore
import Postgres
import Testing
import TestSupport

/// Positions belong to a log: what is put in its place is noticed, said, and read only when a person says so. Through the binary.
@Suite(.serialized) struct LogIdentityTests {
    static func sql(topic: String) -> String {
        """
        CREATE FOREIGN TABLE ev (id bigint, t timestamptz, k text)
        SERVER parallax OPTIONS (topic '\(topic)', event_id 'id', event_time 't', out_of_orderness '5 seconds', lateness '70000000 hours');
        CREATE MATERIALIZED VIEW each AS SELECT id, count(*) AS n FROM ev GROUP BY id;
        CREATE MATERIALIZED VIEW by_minute AS SELECT tumble(t, '1 minute') AS w, count(*) AS n FROM ev GROUP BY w;
        """
    }
    static func configuration(_ more: String = "") -> String {
        "log:\n  partitions: 2\n  bytes_per_segment: 16KiB\nspeed:\n  flush_interval: 20ms\nbatch:\n  interval: 0\n\(more)"
    }

    static func makePipeline() throws -> TestPipeline { try TestPipeline(sql: sql(topic: "ev"), configuration: configuration()) }

    /// Events with these ids, one a second of 2026.
    static func ingest(_ ids: Range<Int>, into pipeline: TestPipeline) throws {
        let lines = ids.map { id in
            let minute = String(100 + id / 60 % 60).dropFirst()
            let second = String(100 + id % 60).dropFirst()
            return
                "{\"id\":\(id),\"t\":\"2026-01-01T\(String(100 + id / 3_600 % 24).dropFirst()):\(minute):\(second)Z\",\"k\":\"k\(id % 7)\"}"
        }
        let path = pipeline.path + "/lines.ndjson"
        try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: URL(fileURLWithPath: path))
        try pipeline.run("ingest", "ev", path)
    }

    /// The ids that answers hold, with how often each is counted.
    static func counted(_ pipeline: TestPipeline) throws -> [Int: Int] {
        var counted: [Int: Int] = [:]
        for row in try pipeline.connection.query("SELECT id, n FROM serving.each").rows {
            counted[Int(try row.int(0))] = Int(try row.int(1))
        }
        return counted
    }

    static func remove(_ path: String) { try? FileManager.default.removeItem(atPath: path) }
    static func copy(_ path: String, to target: String) throws {
        remove(target)
        try FileManager.default.copyItem(atPath: path, toPath: target)
    }

    /// What each layer says of a source whose log is another one: it refuses, with the number that the documents name, and status shows it.
    private func expectRefused(_ pipeline: TestPipeline, _ words: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
        let before = try Self.counted(pipeline)
        let adopt = "parallax adopt-log --pipeline \(pipeline.path) ev"
        for command in [["speed", "--until-caught-up"], ["archive", "--until-caught-up"], ["batch", "run"], ["batch", "run", "--full"]] {
            let result = try Program.run(command + ["--pipeline", pipeline.path])
            #expect(result.status == 65, "\(command): \(result.errors)", sourceLocation: sourceLocation)
            #expect(result.errors.contains(words), "\(command): \(result.errors)", sourceLocation: sourceLocation)
            #expect(result.errors.contains(adopt), "\(command): \(result.errors)", sourceLocation: sourceLocation)
        }
        let status = try pipeline.run("status").output
        #expect(status.contains("PROBLEM") && status.contains(adopt), "\(status)", sourceLocation: sourceLocation)
        #expect(try pipeline.run("status", "--json").output.contains("anotherLog"), sourceLocation: sourceLocation)
        let doctor = try pipeline.run("doctor", expecting: nil).output
        #expect(doctor.contains("WRONG   log of source ev"), "\(doctor)", sourceLocation: sourceLocation)
        #expect(try Self.counted(pipeline) == before, sourceLocation: sourceLocation)
    }

    private func layers(_ pipeline: TestPipeline) throws {
        try pipeline.run("speed", "--until-caught-up")
        try pipeline.run("batch", "run")
    }

    @Test func I1_aLogThatWasRemovedAndFilledAgainIsNotReadAtTheOldOffset() throws {
        let pipeline = try Self.makePipeline()
        try Self.ingest(0..<1_000, into: pipeline)
        try layers(pipeline)
        #expect(try Self.counted(pipeline).count == 1_000)
        Self.remove(pipeline.path + "/.parallax/log")
        try Self.ingest(1_000..<3_500, into: pipeline)
        try expectRefused(pipeline, "belong to another log")
        let up = try pipeline.run("up", "--detach", "--yes", expecting: 65)
        #expect(up.errors.contains("the pipeline is up, but source \"ev\" stands still"), "\(up.errors)")
        // The test itself uses the server: it stays.
        try pipeline.run("down", expecting: nil)
        #expect(try pipeline.run("status").output.hasPrefix("not up"))
        // A person goes on, and loses nothing: all that was processed was archived.
        let plan = try pipeline.run("adopt-log", "ev", "--dry-run").output
        #expect(plan.contains("partition 1: its records from offset 0 on"), "\(plan)")
        #expect(!plan.contains("given up"), "\(plan)")
        try pipeline.run("adopt-log", "ev", "--yes")
        #expect(try pipeline.run("adopt-log", "ev").output.contains("nothing to do"))
        try pipeline.run("speed", "--until-caught-up")
        #expect(try Self.counted(pipeline).count == 3_500)
        try pipeline.run("batch", "run")
        #expect(try Self.counted(pipeline) == Dictionary(uniqueKeysWithValues: (0..<3_500).map { ($0, 1) }))
        #expect(try pipeline.value("SELECT count(*) FROM serving.by_minute WHERE NOT is_exact") == 0)
        #expect(try !pipeline.run("status").output.contains("PROBLEM"))
        // And from nothing but the archive, on an empty server.
        try pipeline.run("batch", "run", "--full")
        #expect(try Self.counted(pipeline).count == 3_500)
    }

    /// The log's own offsets begin again where the source's go on: a backup must not take the one for the other.
    @Test func I6_aBackupHoldsTheArchiveOfAllLogs() throws {
        let pipeline = try Self.makePipeline()
        let folder = pipeline.path + "-backups"
        defer { Self.remove(folder) }
        try Self.ingest(0..<1_000, into: pipeline)
        try layers(pipeline)
        Self.remove(pipeline.path + "/.parallax/log")
        // A log that ends below what was archived would cut the archive's copy.
        #expect(try pipeline.run("doctor", expecting: nil).output.contains("it is gone, and the archive has records of it"))
        try pipeline.run("adopt-log", "ev", "--dry-run", expecting: 66)
        #expect(!FileManager.default.fileExists(atPath: pipeline.path + "/.parallax/log"))
        let refused = try pipeline.run("backup", folder, expecting: 65)
        #expect(refused.errors.contains("its log ends at 0"), "\(refused.errors)")
        try Self.ingest(1_000..<1_600, into: pipeline)
        try pipeline.run("adopt-log", "ev", "--yes")
        try layers(pipeline)
        let segments = try Set(FileManager.default.subpathsOfDirectory(atPath: pipeline.path + "/.parallax/archive"))
        #expect(segments.filter { $0.hasSuffix(".parquet") }.count >= 4)
        let made = try pipeline.run("backup", folder).output
        #expect(made.contains("ev: live to offset 1,600, log to offset 1,600, archived to 1,600"), "\(made)")

        let empty = try TemporaryFolder()
        #expect(try Program.run(["restore", folder, "--pipeline", empty.path]).status == 0)
        #expect(try Set(FileManager.default.subpathsOfDirectory(atPath: empty.path + "/.parallax/archive")) == segments)
        let twin = try TestPipeline(existing: empty)
        try Self.ingest(1_600..<1_700, into: twin)
        try layers(twin)
        try twin.run("batch", "run", "--full")
        #expect(try Self.counted(twin) == Dictionary(uniqueKeysWithValues: (0..<1_700).map { ($0, 1) }))
        #expect(try twin.value("SELECT count(*) FROM serving.by_minute WHERE NOT is_exact") == 0)
        #expect(try !twin.run("status").output.contains("PROBLEM"))
    }

    /// The archive knows with which log it goes on: an empty server learns it from there.
    @Test func I6_anAdoptedLogIsKnownWithoutTheDatabase() throws {
        let pipeline = try Self.makePipeline()
        try Self.ingest(0..<500, into: pipeline)
        try layers(pipeline)
        Self.remove(pipeline.path + "/.parallax/log")
        try Self.ingest(500..<700, into: pipeline)
        try pipeline.run("adopt-log", "ev", "--yes")
        try pipeline.run("batch", "run")
        let fresh = try TestCluster.shared.freshDatabase()
        defer { try? TestCluster.shared.drop(fresh) }
        let other = ["--pipeline", pipeline.path, "--set", "postgres.url=\(fresh)"]
        for command in [["apply", "--yes"], ["batch", "run", "--full"], ["speed", "--until-caught-up"]] {
            let result = try Program.run(command + other)
            #expect(result.status == 0, "\(command): \(result.errors)")
        }
        let connection = try Connection(fresh)
        defer { connection.close() }
        #expect(try connection.query("SELECT count(*), sum(n) FROM serving.each").rows[0].int(0) == 700)
    }

    @Test func I7_whatOnlyTheFormerLogHadIsMarked() throws {
        let pipeline = try Self.makePipeline()
        try Self.ingest(0..<600, into: pipeline)
        try layers(pipeline)
        try Self.ingest(600..<1_000, into: pipeline)
        try pipeline.run("speed", "--until-caught-up")
        Self.remove(pipeline.path + "/.parallax/log")
        try Self.ingest(1_000..<1_100, into: pipeline)
        let plan = try pipeline.run("adopt-log", "ev", "--dry-run").output
        #expect(plan.contains("are not archived and are given up"), "\(plan)")
        #expect(try pipeline.run("adopt-log", "ev", expecting: nil).status == 65)
        // Cut off between the archive and the database: every layer refuses, and doing it again ends it.
        let died = try pipeline.run("adopt-log", "ev", "--yes", environment: ["PARALLAX_FAULT": "adopt.afterArchive"], expecting: nil)
        #expect(died.status == 137)
        #expect(try pipeline.run("batch", "run", expecting: nil).status == 65)
        try pipeline.run("adopt-log", "ev", "--yes")
        try layers(pipeline)
        #expect(Set(try Self.counted(pipeline).keys) == Set(0..<600).union(1_000..<1_100))
        #expect(try pipeline.value("SELECT sum(given_up_offsets)::bigint FROM parallax.frontier") == 400)
        #expect(try pipeline.value("SELECT count(*) FROM serving.by_minute WHERE is_exact AND w < '2026-01-01T00:19:00Z'") == 0)
        #expect(try pipeline.run("status").output.contains("GIVEN UP"))
    }

    /// As operations.md says: the log was copied before, the archive after.
    @Test func I1_aLogOlderThanItsArchiveIsNotReadAtTheOldOffset() throws {
        let pipeline = try Self.makePipeline()
        let (log, backup) = (pipeline.path + "/.parallax/log", pipeline.path + "/backup")
        try Self.ingest(0..<1_000, into: pipeline)
        try pipeline.run("archive", "--until-caught-up")
        try Self.copy(log, to: backup)
        try Self.ingest(1_000..<1_200, into: pipeline)
        try layers(pipeline)
        try Self.copy(backup, to: log)
        try expectRefused(pipeline, "and its log ends at")
        // Grown beyond everything that is known.
        try Self.ingest(1_200..<1_900, into: pipeline)
        try expectRefused(pipeline, "holds another record at offset")
        // The shared beginning is found: nothing of it is read twice.
        let plan = try pipeline.run("adopt-log", "ev", "--dry-run").output
        #expect(!plan.contains("from offset 0 on") && !plan.contains("given up"), "\(plan)")
        try pipeline.run("adopt-log", "ev", "--yes")
        try pipeline.run("speed", "--until-caught-up")
        #expect(try Self.counted(pipeline) == Dictionary(uniqueKeysWithValues: (0..<1_900).map { ($0, 1) }))
        try pipeline.run("batch", "run")
        #expect(try Self.counted(pipeline) == Dictionary(uniqueKeysWithValues: (0..<1_900).map { ($0, 1) }))
    }

    /// Put back, the former log goes on by itself.
    @Test func theFormerLogIsReadOnWhenItIsBack() throws {
        let pipeline = try Self.makePipeline()
        let log = pipeline.path + "/.parallax/log"
        try Self.ingest(0..<300, into: pipeline)
        let worker = try pipeline.start("speed")
        try waitFor(pipeline) { $0.count == 300 }
        // Each exchange is whole when the worker looks again: of half of a log it would say that it is damaged, and not look any more.
        kill(worker.process.processIdentifier, SIGSTOP)
        try FileManager.default.moveItem(atPath: log, toPath: log + ".former")
        try Self.ingest(300..<900, into: pipeline)
        kill(worker.process.processIdentifier, SIGCONT)
        try waitUntil { try pipeline.run("status").output.contains("PROBLEM") }
        #expect(try Self.counted(pipeline).count == 300)
        kill(worker.process.processIdentifier, SIGSTOP)
        Self.remove(log)
        try FileManager.default.moveItem(atPath: log + ".former", toPath: log)
        kill(worker.process.processIdentifier, SIGCONT)
        try Self.ingest(900..<1_000, into: pipeline)
        try waitFor(pipeline) { Set($0.keys) == Set(0..<300).union(900..<1_000) }
        worker.process.terminate()
        _ = worker.wait()
        try pipeline.run("batch", "run")
        #expect(try pipeline.run("status").output.contains("PROBLEM") == false)
    }

    /// A backup copies the control tables, the log and the archive one after the other: what changes them together waits for its end.
    @Test func noLogIsAdoptedAndNoGapAcceptedWhileABackupIsMade() throws {
        let pipeline = try Self.makePipeline()
        try Self.ingest(0..<300, into: pipeline)
        try layers(pipeline)
        // As `parallax backup` begins.
        try Catalog(pipeline.connection).keepLogs()
        let gap = try pipeline.run("archive", "accept-gap", "ev", expecting: 75)
        #expect(gap.errors.contains("a backup is being made: nothing was given up"), "\(gap.errors)")
        Self.remove(pipeline.path + "/.parallax/log")
        try Self.ingest(300..<500, into: pipeline)
        let adoption = try pipeline.run("adopt-log", "ev", "--yes", expecting: 75)
        #expect(adoption.errors.contains("a backup is being made: source \"ev\": its log was not adopted"), "\(adoption.errors)")
        #expect(!FileManager.default.fileExists(atPath: pipeline.path + "/.parallax/archive/ev/log.json"))
        try pipeline.connection.execute("SELECT pg_advisory_unlock_all()")
        #expect(try pipeline.run("archive", "accept-gap", "ev", expecting: nil).status != 75)
        try pipeline.run("adopt-log", "ev", "--yes")
        try layers(pipeline)
        #expect(try Self.counted(pipeline) == Dictionary(uniqueKeysWithValues: (0..<500).map { ($0, 1) }))
    }

    @Test func I1_anotherTopicBeginsAtItsOwnBegin() throws {
        let pipeline = try Self.makePipeline()
        try Self.ingest(0..<1_000, into: pipeline)
        try layers(pipeline)
        try Self.ingest(1_000..<1_100, into: pipeline)
        try Data(Self.sql(topic: "other").utf8).write(to: URL(fileURLWithPath: pipeline.path + "/views.sql"))
        // `ingest` reads the definitions: the other topic has more than the first by the time it is applied.
        try Self.ingest(1_100..<2_600, into: pipeline)
        let preview = try pipeline.run("apply", "--dry-run").output
        #expect(preview.contains("100 offsets of topic ev are not archived yet"), "\(preview)")
        #expect(preview.contains("archive --until-caught-up"), "\(preview)")
        #expect(try pipeline.run("apply", expecting: nil).status == 65)
        // As it says.
        try pipeline.run("archive", "--until-caught-up")
        #expect(try !pipeline.run("apply", "--dry-run").output.contains("not archived yet"))
        try pipeline.run("apply", "--yes")
        try pipeline.run("speed", "--until-caught-up")
        try pipeline.run("batch", "run", "--full")
        #expect(try Self.counted(pipeline) == Dictionary(uniqueKeysWithValues: (0..<2_600).map { ($0, 1) }))
        // And back: it goes on with what it has not read of the first.
        try Data(Self.sql(topic: "ev").utf8).write(to: URL(fileURLWithPath: pipeline.path + "/views.sql"))
        try Self.ingest(2_600..<2_700, into: pipeline)
        try pipeline.run("apply", "--yes")
        try layers(pipeline)
        #expect(try Self.counted(pipeline) == Dictionary(uniqueKeysWithValues: (0..<2_700).map { ($0, 1) }))
    }

    /// The second folder's log is another one, although its source has the same name.
    @Test func aSecondPipelineOnOneDatabaseIsRefusedInWords() throws {
        let first = try Self.makePipeline()
        try Self.ingest(0..<1_000, into: first)
        try layers(first)
        let folder = try TemporaryFolder()
        try Data(Self.sql(topic: "ev").utf8).write(to: URL(fileURLWithPath: folder.path + "/views.sql"))
        try Data(Self.configuration("postgres:\n  url: \(first.dsn)\n").utf8).write(
            to: URL(fileURLWithPath: folder.path + "/parallax.yaml"))
        #expect(try Program.run(["apply", "--yes", "--pipeline", folder.path]).status == 0)
        try Self.copy(first.path + "/lines.ndjson", to: folder.path + "/lines.ndjson")
        #expect(try Program.run(["ingest", "ev", folder.path + "/lines.ndjson", "--pipeline", folder.path]).status == 0)
        for command in [["speed", "--until-caught-up"], ["archive", "--until-caught-up"], ["batch", "run"]] {
            let result = try Program.run(command + ["--pipeline", folder.path])
            #expect(result.status == 65, "\(result.errors)")
            #expect(result.errors.contains(first.path) && result.errors.contains("a database of its own"), "\(result.errors)")
        }
        // The first goes on, also when its folder is moved: the log's number goes with it.
        try Self.ingest(1_000..<1_100, into: first)
        try layers(first)
        #expect(try Self.counted(first).count == 1_100)
        try Self.copy(first.path + "/.parallax/log", to: folder.path + "/moved")
        Self.remove(first.path + "/.parallax/log")
        try Self.copy(folder.path + "/moved", to: first.path + "/.parallax/log")
        try layers(first)
        #expect(try !first.run("status").output.contains("PROBLEM"))
    }

    /// A source that comes back finds its log trimmed: live rows begin behind what only the archive has, and the next run brings that.
    @Test func aSourceThatComesBackGoesOnBehindWhatOnlyTheArchiveHas() throws {
        let pipeline = try TestPipeline(
            sql: Self.sql(topic: "ev"),
            configuration: Self.configuration().replacing("flush_interval: 20ms", with: "flush_interval: 20ms\n  duplicate_horizon: 0"))
        for start in stride(from: 0, to: 2_000, by: 100) { try Self.ingest(start..<start + 100, into: pipeline) }
        try layers(pipeline)
        let log = try pipeline.log("ev")
        try #require(try log.partitions().contains { try log.bounds(of: $0).lowerBound > .zero })
        let other =
            "CREATE FOREIGN TABLE other (id bigint, t timestamptz) SERVER parallax OPTIONS (event_id 'id', event_time 't', lateness '1 hour');\n"
            + "CREATE MATERIALIZED VIEW o AS SELECT id, count(*) AS n FROM other GROUP BY id;"
        try Data(other.utf8).write(to: URL(fileURLWithPath: pipeline.path + "/views.sql"))
        try pipeline.run("apply", "--yes")
        try Data(Self.sql(topic: "ev").utf8).write(to: URL(fileURLWithPath: pipeline.path + "/views.sql"))
        try pipeline.run("apply", "--yes")
        try pipeline.run("archive", "--until-caught-up")
        try pipeline.run("speed", "--until-caught-up")
        let begins = try log.partitions().reduce(Int64(0)) { try $0 + log.bounds(of: $1).lowerBound.rawValue }
        #expect(try Int64(Self.counted(pipeline).count) == 2_000 - begins)
        #expect(try pipeline.run("status").output.contains("MISSING"))
        try pipeline.run("batch", "run")
        #expect(try Self.counted(pipeline).count == 2_000)
        #expect(try !pipeline.run("status").output.contains("MISSING"))
    }

    private func waitFor(_ pipeline: TestPipeline, _ condition: ([Int: Int]) -> Bool) throws {
        try waitUntil { condition(try Self.counted(pipeline)) }
    }

    private func waitUntil(_ condition: () throws -> Bool) throws {
        let deadline = ContinuousClock.now + .seconds(300)
        while try !condition() {
            try #require(ContinuousClock.now < deadline, "waited for five minutes")
            poll(nil, 0, 20)
        }
    }
}
