import Foundation
import Glibc
import ParallaxCore
import TestSupport
import Testing

/// One source's log is missing, or goes and comes back: the others go on, and it goes on by itself.
@Suite(.serialized) struct SourceTroubleTests {
    static let sql = ["alpha", "beta"].map {
        """
        CREATE FOREIGN TABLE \($0) (event_id uuid, event_time timestamptz, page text)
        SERVER parallax OPTIONS (event_id 'event_id', event_time 'event_time');
        CREATE MATERIALIZED VIEW of_\($0) AS SELECT page, count(*) AS n FROM \($0) GROUP BY page;
        """
    }.joined(separator: "\n")

    static func kafka(_ broker: TestBroker, _ more: String = "") -> String {
        """
        log:
          kind: kafka
          kafka:
            brokers: \(broker.bootstrapServers)
            properties:
              fetch.wait.max.ms: 10
              session.timeout.ms: 3000
              heartbeat.interval.ms: 200
              topic.metadata.refresh.interval.ms: 500
        speed:
          flush_interval: 20ms
          lease: 3s
        batch:
          interval: 1s
        \(more)
        """
    }

    static func counted(_ pipeline: TestPipeline, _ source: String) throws -> Int64 {
        try pipeline.value("SELECT coalesce(sum(n), 0)::bigint FROM serving.of_\(source)")
    }
    static func published(_ pipeline: TestPipeline, _ source: String) throws -> Int64 {
        try pipeline.value("SELECT run FROM parallax.published JOIN parallax.source USING (source_id) WHERE name = '\(source)'")
    }
    static func archived(_ pipeline: TestPipeline, _ source: String) throws -> Int64 {
        try pipeline.value(
            """
            SELECT coalesce(sum(archived_offset), 0)::bigint FROM parallax.partition_position JOIN parallax.source USING (source_id)
            WHERE name = '\(source)'
            """)
    }
    static func troubles(_ pipeline: TestPipeline) throws -> [String] {
        try pipeline.connection.query(
            "SELECT s.name || ' ' || t.layer || ' ' || t.subject FROM parallax.trouble t JOIN parallax.source s USING (source_id) ORDER BY 1"
        ).rows.map { $0[0] ?? "" }
    }

    /// The mock makes a topic that anybody asks for: one that is not there is one of which it says so. 3: UNKNOWN_TOPIC_OR_PART.
    static func makeMissing(_ topic: String, _ broker: TestBroker) throws {
        try broker.tell("topic \(topic) 2")
        try broker.tell("topic-error \(topic) 3")
    }

    static func feed(_ pipeline: TestPipeline, _ source: String, _ count: Int, seed: Int = 1) throws {
        try pipeline.run(
            "generate", source, "--count", "\(count)", "--seed", "\(seed)", "--malformed", "0", "--duplicates", "0", "--late", "0")
    }

    /// Also the demo traffic's, the first source by name and the second.
    @Test(arguments: ["alpha", "beta"]) func aTopicThatIsNotThereStopsNoOtherSourceAndIsTakenUpWhenItComes(missing: String) throws {
        let broker = try TestBroker()
        let other = missing == "alpha" ? "beta" : "alpha"
        try broker.tell("topic \(other) 2")
        try Self.makeMissing(missing, broker)
        let pipeline = try TestPipeline(
            sql: Self.sql, configuration: Self.kafka(broker, "generator:\n  source: \(missing)\n  rate: 50\narchive:\n  minimum_age: 1s\n"))
        let up = try pipeline.start("up")
        try Self.feed(pipeline, other, 400)
        try waitUntil("the rows of the other source") { try Self.counted(pipeline, other) == 400 }
        try waitUntil("its publication") { try Self.published(pipeline, other) > 0 }
        try waitUntil("its archive") { try Self.archived(pipeline, other) == 400 }
        try waitUntil("the troubles") {
            try Set(Self.troubles(pipeline)).isSuperset(of: ["\(missing) archive log", "\(missing) speed log"])
        }
        #expect(up.process.isRunning)

        try broker.tell("topic-error \(missing) 0")
        try waitUntil("demo traffic") { try Self.counted(pipeline, missing) > 20 }
        try waitUntil("a publication of it") { try Self.published(pipeline, missing) > 0 }
        try waitUntil("its archive") { try Self.archived(pipeline, missing) > 0 }
        try waitUntil("no trouble") { try Self.troubles(pipeline).isEmpty }
        try Self.feed(pipeline, other, 100, seed: 2)
        try waitUntil("more of the other source") { try Self.counted(pipeline, other) == 500 }
        up.kill(SIGTERM)
        let ended = up.wait()
        #expect(ended.status == 0, "\(ended.errors)")
        // Said once by each layer, not at every attempt.
        let lines = ended.errors.split(separator: "\n").filter { $0.contains(" error ") && $0.contains("source \(missing) waits") }
        #expect(lines.count == 1, "\(ended.errors)")
    }

    /// A topic that nobody can read any more: deleted by mistake and restored, or rights that were taken away for a while.
    @Test func aTopicThatGoesAndComesBackIsReadOnByItself() throws {
        let broker = try TestBroker()
        for topic in ["alpha", "beta"] { try broker.tell("topic \(topic) 1") }
        let pipeline = try TestPipeline(sql: Self.sql, configuration: Self.kafka(broker))
        let up = try pipeline.start("up")
        for source in ["alpha", "beta"] { try Self.feed(pipeline, source, 200) }
        try waitUntil("the first rows") { try Self.counted(pipeline, "alpha") == 200 && Self.counted(pipeline, "beta") == 200 }
        // 3: UNKNOWN_TOPIC_OR_PART
        try broker.tell("topic-error alpha 3")
        try waitUntil("the trouble") { try Self.troubles(pipeline).contains { $0.hasPrefix("alpha speed") } }
        try Self.feed(pipeline, "beta", 100, seed: 2)
        try waitUntil("the other source") { try Self.counted(pipeline, "beta") == 300 }
        try broker.tell("topic-error alpha 0")
        try waitUntil("its records to be taken") {
            try pipeline.run("generate", "alpha", "--count", "1", "--seed", "7", "--malformed", "0", "--duplicates", "0", expecting: nil)
                .status == 0
        }
        try waitUntil("the rows of the topic that came back") { try Self.counted(pipeline, "alpha") > 200 }
        try waitUntil("no trouble") { try Self.troubles(pipeline).isEmpty }
        #expect(up.process.isRunning)
        up.kill(SIGTERM)
        #expect(up.wait().status == 0)
    }

    /// The same for files that cannot be read.
    @Test func anEmbeddedLogThatCannotBeOpenedStopsNoOtherSource() throws {
        let pipeline = try TestPipeline(
            sql: Self.sql, configuration: "log:\n  partitions: 1\nbatch:\n  interval: 1s\narchive:\n  minimum_age: 1s\n")
        let folder = pipeline.path + "/.parallax/log/alpha"
        for source in ["alpha", "beta"] { try Self.feed(pipeline, source, 200) }
        try FileManager.default.moveItem(atPath: folder, toPath: folder + ".away")
        try Data().write(to: URL(fileURLWithPath: folder))
        let up = try pipeline.start("up")
        try waitUntil("the other source's rows") { try Self.counted(pipeline, "beta") == 200 }
        try waitUntil("its publication") { try Self.published(pipeline, "beta") > 0 }
        try waitUntil("the troubles") {
            let troubles = try Self.troubles(pipeline)
            return troubles.contains("alpha speed log") && troubles.contains("alpha archive log")
        }
        try FileManager.default.removeItem(atPath: folder)
        try FileManager.default.moveItem(atPath: folder + ".away", toPath: folder)
        try waitUntil("the rows") { try Self.counted(pipeline, "alpha") == 200 }
        try waitUntil("the publication") { try Self.published(pipeline, "alpha") > 0 }
        try waitUntil("no trouble") { try Self.troubles(pipeline).isEmpty }
        up.kill(SIGTERM)
        #expect(up.wait().status == 0)
    }

    /// Without READ on its group a worker gets no partitions; it says so, and goes on when it gets them.
    @Test func aGroupThatCannotBeJoinedIsSaid() throws {
        let broker = try TestBroker()
        for topic in ["alpha", "beta"] { try broker.tell("topic \(topic) 1") }
        let pipeline = try TestPipeline(sql: Self.sql, configuration: Self.kafka(broker))
        // 10: FindCoordinator, 30: GROUP_AUTHORIZATION_FAILED
        try broker.tell("errors 10 30 100000")
        for source in ["alpha", "beta"] { try Self.feed(pipeline, source, 50) }
        let speed = try pipeline.start("speed")
        try waitUntil("the troubles") { try Self.troubles(pipeline) == ["alpha speed group", "beta speed group"] }
        let row = try pipeline.connection.query(
            "SELECT message, detail, hint FROM parallax.trouble JOIN parallax.source USING (source_id) WHERE name = 'alpha'"
        ).rows[0]
        #expect(row[0] == "the consumer group \"parallax-alpha\" gives no partitions")
        #expect(row[1]?.contains("GROUP_AUTHORIZATION_FAILED") == true)
        #expect(row[2]?.contains("READ on the group") == true)
        try broker.tell("clear 10")
        try waitUntil("the rows") { try Self.counted(pipeline, "alpha") == 50 && Self.counted(pipeline, "beta") == 50 }
        try waitUntil("no trouble") { try Self.troubles(pipeline).isEmpty }
        speed.kill(SIGTERM)
        let ended = speed.wait()
        #expect(ended.status == 0, "\(ended.errors)")
        #expect(ended.errors.contains("source alpha waits: its group cannot be used now"), "\(ended.errors)")
    }

    private struct Status: Decodable {
        struct Source: Decodable {
            var source: String
            var lag: Int64?
            var log_error: Trouble.Cause?
            var troubles: [Trouble]
        }
        struct Trouble: Decodable {
            struct Cause: Decodable {
                var code: String
                var message: String
            }
            var layer: String, subject: String, error: Cause, seen: Int64
        }
        var sources: [Source]
    }
    private static func status(_ pipeline: TestPipeline) throws -> [String: Status.Source] {
        let status = try JSONDecoder().decode(Status.self, from: Data(pipeline.run("status", "--json").output.utf8))
        return Dictionary(status.sources.map { ($0.source, $0) }) { $1 }
    }

    /// A topic that is gone, then brokers that are away: never a lag of 0 where nobody knows.
    @Test func statusSaysWhatItCouldNotLearn() throws {
        let broker = try TestBroker()
        for topic in ["alpha", "beta"] { try broker.tell("topic \(topic) 1") }
        let pipeline = try TestPipeline(sql: Self.sql, configuration: Self.kafka(broker))
        for source in ["alpha", "beta"] { try Self.feed(pipeline, source, 60) }
        try pipeline.run("speed", "--until-caught-up")
        #expect(try pipeline.run("status").output.contains("lag         0 records"))
        #expect(try Self.status(pipeline)["alpha"]?.lag == 0)
        // What a worker saw last may lie behind the last stable offset: the log's own word counts.
        try pipeline.connection.execute("UPDATE parallax.partition_position SET log_end = log_end + 5")
        #expect(try Self.status(pipeline)["alpha"]?.lag == 0)

        // 3: UNKNOWN_TOPIC_OR_PART
        try broker.tell("topic-error alpha 3")
        let missing = try pipeline.run("status", "--check", expecting: 66)
        #expect(missing.output.contains("PROBLEM     the log cannot be asked: topic \"alpha\""), "\(missing.output)")
        #expect(missing.output.contains("lag         unknown"), "\(missing.output)")
        let sources = try Self.status(pipeline)
        #expect(sources["alpha"]?.lag == nil && sources["alpha"]?.log_error?.code == "missing")
        #expect(sources["beta"]?.lag == 0 && sources["beta"]?.log_error == nil)
        let doctor = try pipeline.run("doctor", expecting: 66)
        #expect(doctor.output.contains("MISSING Kafka topic alpha"), "\(doctor.output)")
        #expect(doctor.output.contains("ok      Kafka topic beta: 1 partition, reachable"), "\(doctor.output)")

        // What a layer said stays until it takes it back.
        try pipeline.connection.execute(
            """
            INSERT INTO parallax.trouble (layer, source_id, subject, code, message, hint, seen)
            SELECT 'speed', source_id, 'group', 'configuration', 'no right', 'give it', 7 FROM parallax.source WHERE name = 'beta'
            """)
        let troubled = try #require(try Self.status(pipeline)["beta"]?.troubles.first)
        #expect(troubled.layer == "speed" && troubled.subject == "group" && troubled.error.code == "configuration" && troubled.seen == 7)
        #expect(try pipeline.run("doctor", expecting: 66).output.contains("speed layer, source beta, group: no right"))

        try broker.tell("down 1")
        let away = try pipeline.run("status", "--check", expecting: 69)
        #expect(away.output.components(separatedBy: "PROBLEM     the log cannot be asked").count == 3, "\(away.output)")
        #expect(try pipeline.run("status").output.contains("unknown"))
    }

    /// `up --detach` is up, and says by its number that one source does not come.
    @Test func upInTheBackgroundSaysWhichSourceDoesNotCome() throws {
        let broker = try TestBroker()
        try broker.tell("topic beta 1")
        try Self.makeMissing("alpha", broker)
        let pipeline = try TestPipeline(sql: Self.sql, configuration: Self.kafka(broker))
        try Self.feed(pipeline, "beta", 50)
        let up = try pipeline.run("up", "--detach", expecting: 66)
        #expect(up.errors.contains("the pipeline is up, but source \"alpha\" is not read"), "\(up.errors)")
        #expect(up.output.contains("up, in process"))
        // The test's own connection keeps the server up.
        try pipeline.run("down", expecting: 75)
    }

    @Test func doctorFindsWhatIsLostOfTheArchive() throws {
        let pipeline = try TestPipeline(
            sql: Self.sql
                + "CREATE MATERIALIZED VIEW p AS SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY length(page)) AS m FROM beta;",
            configuration: "log:\n  partitions: 1\n")
        for source in ["alpha", "beta"] { try Self.feed(pipeline, source, 200) }
        try pipeline.run("archive", "--until-caught-up")
        let well = try pipeline.run("doctor")
        #expect(well.output.contains("ok      archive of source alpha: 1 file,"), "\(well.output)")
        #expect(well.output.contains("PostgreSQL extension tdigest"), "\(well.output)")
        #expect(well.output.contains("ok      layers"), "\(well.output)")
        let folder = pipeline.path + "/.parallax/archive/alpha/p=0"
        let file = try #require(try FileManager.default.contentsOfDirectory(atPath: folder).first { $0.hasSuffix(".parquet") })
        let bytes = try #require(FileManager.default.contents(atPath: "\(folder)/\(file)"))

        var flipped = bytes
        flipped[bytes.count / 2] ^= 1
        try flipped.write(to: URL(fileURLWithPath: "\(folder)/\(file)"))
        try pipeline.run("doctor")
        #expect(try pipeline.run("doctor", "--verify", expecting: 65).output.contains("WRONG   archive of source alpha"))

        try bytes.dropLast().write(to: URL(fileURLWithPath: "\(folder)/\(file)"))
        let shorter = try pipeline.run("doctor", expecting: 65)
        #expect(shorter.output.contains("WRONG   archive of source alpha") && shorter.output.contains("bytes long"), "\(shorter.output)")
        #expect(shorter.output.contains("restore \(folder)/\(file) from a backup"), "\(shorter.output)")

        try FileManager.default.removeItem(atPath: "\(folder)/\(file)")
        let gone = try pipeline.run("doctor", expecting: 66)
        #expect(
            gone.output.contains("MISSING archive of source alpha") && gone.output.contains("ok      archive of source beta"),
            "\(gone.output)")
    }
}
