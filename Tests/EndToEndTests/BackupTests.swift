import Archive
import EmbeddedLog
import Foundation
import Glibc
import ParallaxCore
import Postgres
import Testing
import TestSupport
import ViewLanguage

/// `parallax backup` and `parallax restore`, on the real binary, log, archive and server.
@Suite(.serialized) struct BackupTests {
    private static let sql =
        CrashTests.sql + """

            CREATE TABLE country (code text PRIMARY KEY, name text);
            CREATE MATERIALIZED VIEW by_country AS
            SELECT name, count(*) AS views, count(DISTINCT visitor) AS visitors FROM page_view LEFT JOIN country ON country.code = page_view.country GROUP BY name;
            """
    private static let configuration = CrashTests.configuration + "\narchive:\n  records_per_segment: 700\n"

    private func generate(_ count: Int, seed: Int, _ pipeline: TestPipeline) throws {
        try pipeline.run(
            "generate", "page_view", "--count", "\(count)", "--seed", "\(seed)", "--malformed", "0", "--duplicates", "0")
    }

    private func loadCountries(_ pipeline: TestPipeline) throws {
        let file = pipeline.path + "/countries.csv"
        try Data("code,name\nDE,Germany\nFR,France\nUS,United States\n".utf8).write(to: URL(fileURLWithPath: file))
        try pipeline.run("load", "country", file)
    }

    private func backup(_ pipeline: TestPipeline, _ arguments: String...) throws -> [String: Any] {
        let result = try Program.run(["backup", folder(of: pipeline), "--json"] + arguments + ["--pipeline", pipeline.path])
        guard result.status == 0 else { throw CLIFailure(text: "backup ended with \(result.status): \(result.errors)") }
        return try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any] ?? [:]
    }

    private func folder(of pipeline: TestPipeline) -> String { pipeline.path + "-backups" }

    /// Workers, runs, the archiver and a producer go on while it is made; it is restored where nothing is but the program.
    @Test func aBackupOfARunningPipelineIsRestoredOnAnEmptyMachine() throws {
        let pipeline = try TestPipeline(sql: Self.sql, configuration: Self.configuration.replacing("interval: 0", with: "interval: 1s"))
        defer { try? FileManager.default.removeItem(atPath: folder(of: pipeline)) }
        try loadCountries(pipeline)
        try pipeline.connection.execute(
            """
            CREATE SCHEMA bi; CREATE VIEW bi.busy AS SELECT name, views FROM serving.by_country;
            CREATE ROLE "the analyst" LOGIN; GRANT USAGE ON SCHEMA serving TO "the analyst"; GRANT SELECT ON serving.total TO "the analyst";
            """)
        let up = try pipeline.start("up", "--yes")
        try generate(3_000, seed: 1, pipeline)
        try waitUntil("a publication") { try pipeline.value("SELECT count(*) FROM parallax.publication WHERE cut <> '{}'") > 0 }
        let producer = try pipeline.start(
            "generate", "page_view", "--count", "6000", "--seed", "2", "--malformed", "0", "--duplicates", "0")
        let made = try backup(pipeline)
        #expect(producer.wait().status == 0)
        try generate(500, seed: 3, pipeline)
        up.kill(SIGTERM)
        #expect(up.wait().status == 0)
        let source = try #require((made["sources"] as? [[String: Any]])?.first)
        let ends = try #require(source["log_ends"] as? [String: Int])
        #expect(ends.values.reduce(0, +) >= 3_000)

        let empty = try TemporaryFolder()
        let restored = try Program.run(["restore", folder(of: pipeline), "--pipeline", empty.path])
        #expect(restored.status == 0, "\(restored.errors)")
        let twin = try TestPipeline(existing: empty)
        #expect(try Self.imbalance(twin) == nil)
        #expect(try twin.value("SELECT count(*) FROM dimension.country") == 3)
        try twin.run("speed", "--until-caught-up")
        #expect(try Self.imbalance(twin) == nil)
        #expect(try twin.value("SELECT sum(next_offset)::bigint FROM parallax.frontier") == Int64(ends.values.reduce(0, +)))
        #expect(try twin.compare(CrashTests.views) == [])
        try twin.run("batch", "run")
        #expect(try twin.compare(CrashTests.views) == [])
        #expect(try twin.value("SELECT sum(views)::bigint FROM bi.busy WHERE name = 'Germany'") > 0)
        #expect(
            try twin.connection.query("SELECT has_table_privilege('the analyst', 'serving.total', 'SELECT')").rows[0].bool(0) == true)
        // It goes on as any pipeline does.
        try generate(400, seed: 4, twin)
        try twin.run("speed", "--until-caught-up")
        try twin.run("batch", "run", "--full")
        #expect(try twin.compare(CrashTests.views) == [])
    }

    private static func imbalance(_ pipeline: TestPipeline) throws -> String? { try CrashTests.imbalance(pipeline.connection) }

    @Test func theNextBackupCopiesWhatIsNewAndOldOnesGo() throws {
        let pipeline = try TestPipeline(sql: Self.sql, configuration: Self.configuration)
        defer { try? FileManager.default.removeItem(atPath: folder(of: pipeline)) }
        try generate(3_000, seed: 5, pipeline)
        try pipeline.run("speed", "--until-caught-up")
        try pipeline.run("batch", "run")
        let first = try backup(pipeline)
        let all = try #require(first["segments"] as? Int)
        #expect(first["new_segments"] as? Int == all && all >= 3)
        try generate(1_000, seed: 6, pipeline)
        try pipeline.run("batch", "run")
        let second = try backup(pipeline)
        let new = try #require(second["new_segments"] as? Int)
        #expect(new > 0 && new + all == second["segments"] as? Int)
        // A segment that is damaged in the archive is said, and the copy that there is stays.
        let victim = try #require(
            FileManager.default.enumerator(atPath: pipeline.path + "/.parallax/archive")?.compactMap { $0 as? String }
                .first { $0.hasSuffix(".parquet") })
        try generate(1_000, seed: 7, pipeline)
        try pipeline.run("speed", "--until-caught-up")
        let third = try backup(pipeline, "--keep", "2")
        #expect(third["removed"] as? [String] == [try #require(first["backup"] as? String)])
        let listed = try Program.run(["backup", folder(of: pipeline), "--list", "--json"])
        let names = try #require(try JSONSerialization.jsonObject(with: Data(listed.output.utf8)) as? [[String: Any]]).compactMap {
            $0["backup"] as? String
        }
        #expect(names == [second["backup"], third["backup"]].compactMap { $0 as? String })
        try Data("x".utf8).write(to: URL(fileURLWithPath: pipeline.path + "/.parallax/archive/" + victim))
        let fresh = folder(of: pipeline) + "/second"
        let damaged = try Program.run(["backup", fresh, "--pipeline", pipeline.path])
        #expect(damaged.status == 65)
        let said = "1 damaged archived segment could not be copied into the backup; everything else was"
        #expect(damaged.errors.contains(said), "\(damaged.errors)")
        #expect(damaged.errors.contains(victim.split(separator: "/").last.map(String.init) ?? victim))
    }

    /// A server that was lost: log and archive are newer than the backup of it, and the log has given up what the old positions stand at.
    @Test func anOldDatabaseUnderANewerArchiveIsHealedByARun() throws {
        let pipeline = try TestPipeline(
            sql: Self.sql,
            configuration: Self.configuration.replacing(
                "partitions: 3", with: "partitions: 1\n  bytes_per_segment: 1MiB\n  retention: processed"
            )
            .replacing("flush_interval: 20ms", with: "flush_interval: 20ms\n  duplicate_horizon: 100"))
        defer { try? FileManager.default.removeItem(atPath: folder(of: pipeline)) }
        try loadCountries(pipeline)
        try generate(2_000, seed: 8, pipeline)
        try pipeline.run("speed", "--until-caught-up")
        try pipeline.run("batch", "run")
        _ = try backup(pipeline)
        try pipeline.connection.execute("DELETE FROM dimension.country WHERE code = 'FR'")
        for seed in 9..<12 {
            try generate(8_000, seed: seed, pipeline)
            try pipeline.run("speed", "--until-caught-up")
            try pipeline.run("batch", "run")
        }
        let bounds = try pipeline.log().bounds(of: Partition(0))
        #expect(bounds.lowerBound > Offset(2_000), "the log was not trimmed: \(bounds)")
        let expected = Oracle.lines(
            try pipeline.connection.query(
                "SELECT minute, page, views, revenue, paid, average_ms, shortest, last_page, is_exact FROM serving.per_minute"))

        let moved = try TemporaryFolder()
        pipeline.connection.close()
        try pipeline.server.stop(force: true)
        for name in ["views.sql", "parallax.yaml", ".parallax"] {
            try FileManager.default.moveItem(atPath: pipeline.path + "/" + name, toPath: moved.path + "/" + name)
        }
        let refused = try Program.run(["restore", folder(of: pipeline), "--only-database", "--pipeline", moved.path])
        #expect(refused.status == 64 && refused.errors.contains("the pipeline's private server is there"), "\(refused.errors)")
        try FileManager.default.removeItem(atPath: moved.path + "/.parallax/postgres")
        let restored = try Program.run(["restore", folder(of: pipeline), "--only-database", "--pipeline", moved.path])
        #expect(restored.status == 0, "\(restored.errors)")
        let old = try TestPipeline(existing: moved)
        #expect(try old.value("SELECT sum(views)::bigint FROM serving.per_minute") == 2_000)
        try old.run("batch", "run")
        #expect(
            Oracle.lines(
                try old.connection.query(
                    "SELECT minute, page, views, revenue, paid, average_ms, shortest, last_page, is_exact FROM serving.per_minute"))
                == expected)
        #expect(try old.value("SELECT count(*) FROM dimension.country") == 3)
        try generate(300, seed: 12, old)
        try old.run("speed", "--until-caught-up")
        #expect(try old.value("SELECT views FROM serving.total") == 26_300)
    }

    @Test func aDamagedBackupOrAPipelineThatKeepsSomethingIsRefused() throws {
        let pipeline = try TestPipeline(sql: Self.sql, configuration: Self.configuration)
        defer { try? FileManager.default.removeItem(atPath: folder(of: pipeline)) }
        try generate(500, seed: 13, pipeline)
        try pipeline.run("speed", "--until-caught-up")
        try pipeline.run("batch", "run")
        let name = try #require(try backup(pipeline)["backup"] as? String)
        let present = try Program.run(["restore", folder(of: pipeline), "--pipeline", pipeline.path])
        #expect(present.status == 64 && present.errors.contains("the pipeline keeps a log already"), "\(present.errors)")
        let inside = try Program.run(["backup", pipeline.path + "/.parallax/backups", "--pipeline", pipeline.path])
        #expect(inside.status == 64)
        #expect(try Program.run(["restore", folder(of: pipeline), "--backup", "x", "--pipeline", pipeline.path]).status == 66)

        // Interrupted, it is done again; nobody works with a half.
        let empty = try TemporaryFolder()
        for point in ["restore.afterMark", "restore.afterFiles", "restore.afterDatabase"] {
            let killed = try Program.run(
                ["restore", folder(of: pipeline), "--pipeline", empty.path], environment: ["PARALLAX_FAULT": point])
            #expect(killed.status == 137, "\(point): \(killed.errors)")
            let status = try Program.run(["status", "--pipeline", empty.path])
            #expect(status.status == 66 && status.errors.contains("a restore of this pipeline was interrupted"), "\(status.errors)")
        }
        #expect(try Program.run(["restore", folder(of: pipeline), "--pipeline", empty.path]).status == 0)
        let twin = try TestPipeline(existing: empty)
        #expect(try twin.compare(CrashTests.views) == [])

        // A backup that was killed leaves those before it, and goes with the next.
        for point in ["backup.afterDatabase", "backup.afterLog", "backup.beforeRecord"] {
            let killed = try Program.run(
                ["backup", folder(of: pipeline), "--pipeline", pipeline.path], environment: ["PARALLAX_FAULT": point])
            #expect(killed.status == 137, "\(point): \(killed.errors)")
            let listed = try Program.run(["backup", folder(of: pipeline), "--list"])
            #expect(listed.output.split(separator: "\n").filter { !$0.hasPrefix(" ") } == [Substring(name)], "\(listed.output)")
        }
        _ = try backup(pipeline)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder(of: pipeline)).filter { $0.contains("Z") }.count == 2)

        let dump = URL(fileURLWithPath: folder(of: pipeline) + "/\(name)/postgres.dump")
        var bytes = try Data(contentsOf: dump)
        bytes[bytes.count / 2] ^= 1
        try bytes.write(to: dump)
        let other = try TemporaryFolder()
        let refused = try Program.run(["restore", folder(of: pipeline), "--backup", name, "--pipeline", other.path])
        #expect(refused.status == 65 && refused.errors.contains("is damaged: nothing was restored"), "\(refused.errors)")
    }
}
