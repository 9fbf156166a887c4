import EmbeddedLog
import Foundation
import Glibc
import KafkaLog
import ParallaxCore
import Postgres
import Testing
import TestSupport

/// The same pipelines on Kafka, by configuration alone: the binary, a broker process, a real PostgreSQL.
@Suite(.serialized) struct KafkaTests {
    static func makePipeline(_ broker: TestBroker, partitions: Int = 4, topic: String = "page_view") throws -> (TestPipeline, KafkaLog) {
        try broker.tell("topic \(topic) \(partitions)")
        let configuration = """
            log:
              kind: kafka
              kafka:
                brokers: \(broker.bootstrapServers)
                properties:
                  fetch.wait.max.ms: 10
                  session.timeout.ms: 3000
                  heartbeat.interval.ms: 200
                  statistics.interval.ms: 200
                  topic.metadata.refresh.interval.ms: 1000
            speed:
              flush_interval: 20ms
              lease: 3s
            batch:
              interval: 0
            """
        let sql = CrashTests.sql.replacing("OPTIONS (", with: "OPTIONS (topic '\(topic)', ", maxReplacements: 1)
        let pipeline = try TestPipeline(sql: sql, configuration: configuration)
        let log = try openLog(broker, topic: topic)
        pipeline.openLog = { _ in log }
        return (pipeline, log)
    }

    static func openLog(_ broker: TestBroker, topic: String = "page_view") throws -> KafkaLog {
        try KafkaLog(
            source: topic,
            settings: KafkaSettings(brokers: broker.bootstrapServers, topic: topic, properties: ["fetch.wait.max.ms": "10"]))
    }

    /// All records, by partition.
    static func everything(_ log: KafkaLog) throws -> [[NewRecord]] {
        try log.partitions().map { partition in
            var records: [NewRecord] = []
            let bounds = try log.bounds(of: partition)
            var position = bounds.lowerBound
            while position < bounds.upperBound {
                let batch = try log.read(partition, from: position, maxRecords: 1_000, maxBytes: 1 << 20)
                for row in 0..<batch.count {
                    records.append(
                        NewRecord(
                            key: batch.keys.isNull(row) ? nil : Array(batch.keys[row]),
                            payload: batch.payloads.isNull(row) ? nil : Array(batch.payloads[row])))
                }
                position = batch.nextOffset
            }
            return records
        }
    }

    static func generate(_ pipeline: TestPipeline, _ count: Int, seed: Int) throws {
        try pipeline.run(
            "generate", "page_view", "--count", "\(count)", "--seed", "\(seed)", "--malformed", "0", "--duplicates", "0")
    }

    @Test func theSamePipelineRunsOnKafka() throws {
        let broker = try TestBroker()
        let (pipeline, log) = try Self.makePipeline(broker)
        let lines = (0..<300).map { number in
            number % 50 == 7 ? "not json" : "{\"event_id\":\"\(number)\"}"
        }
        try Data(lines.joined(separator: "\n").utf8).write(to: URL(fileURLWithPath: pipeline.path + "/lines.ndjson"))
        try pipeline.run("ingest", "page_view", pipeline.path + "/lines.ndjson")
        try pipeline.run("generate", "page_view", "--count", "2000", "--seed", "1")
        try pipeline.run("speed", "--until-caught-up")
        #expect(try pipeline.compare(CrashTests.views) == [])
        try pipeline.run("batch", "run")
        #expect(try pipeline.compare(CrashTests.views) == [])
        try pipeline.run("generate", "page_view", "--count", "1000", "--seed", "2")
        try pipeline.run("archive", "--until-caught-up")
        try pipeline.run("batch", "run")
        #expect(try pipeline.compare(CrashTests.views) == [])
        let partitions = try log.partitions()
        #expect(try partitions.reduce(0) { try $0 + log.bounds(of: $1).upperBound.rawValue } == 3_300)
        #expect(try pipeline.value("SELECT sum(archived_offset)::bigint FROM parallax.partition_position") == 3_300)
        #expect(try pipeline.run("status").output.contains("lag         0 records"))
        #expect(try pipeline.run("doctor").output.contains("Kafka topic page_view: 4 partitions, reachable"))
    }

    /// With the wait that a fetch has by default: a question that is asked while one is under way comes after it. So questions and fetches are counted,
    /// not seconds: they do not grow with the partitions.
    @Test func archivingAsksForAllPartitionsAtOnce() throws {
        let broker = try TestBroker()
        let partitions = 48
        let (pipeline, log) = try Self.makePipeline(broker, partitions: partitions)
        let wait = "log.kafka.properties.fetch.wait.max.ms="
        func archive() throws -> (questions: Int, fetches: Int) {
            let archived = try pipeline.run(
                "archive", "--until-caught-up", "--set", wait + "500", "--set", "log.kafka.properties.debug=protocol", "--log-level",
                "debug")
            let lines = archived.errors.split(separator: "\n")
            return (lines.count { $0.contains("Sent ListOffsets") }, lines.count { $0.contains("Sent Fetch") })
        }
        for round in 1...2 {
            for number in 0..<partitions {
                try log.append((0..<20).map { _ in NewRecord(key: nil, payload: Array("{}".utf8)) }, to: Partition(number))
            }
            let (questions, fetches) = try archive()
            // Earliest and end; a connection that has just come up may be asked again.
            #expect((2...6).contains(questions), "\(questions) questions")
            #expect((1...partitions / 2).contains(fetches), "\(fetches) fetches")
            #expect(
                try pipeline.value("SELECT sum(archived_offset)::bigint FROM parallax.partition_position")
                    == Int64(round * 20 * partitions))
        }
    }

    /// I1: a topic that was deleted and made anew, and has grown beyond every position. (The mock cannot delete a topic: another broker stands where the
    /// first did, with the same cluster id.)
    @Test func I1_aTopicThatWasMadeAnewIsNotReadAtTheOldOffset() throws {
        let first = try TestBroker()
        let (pipeline, _) = try Self.makePipeline(first, partitions: 2)
        try Self.generate(pipeline, 400, seed: 1)
        try pipeline.run("speed", "--until-caught-up")
        try pipeline.run("batch", "run")
        try Self.generate(pipeline, 100, seed: 2)
        try pipeline.run("archive", "--until-caught-up")
        first.kill()
        let second = try TestBroker(inPlaceOf: first)
        try second.tell("topic page_view 2")
        func expectRefused(_ words: String) throws {
            for command in [
                ["speed", "--until-caught-up"], ["archive", "--until-caught-up"], ["batch", "run"], ["batch", "run", "--full"],
            ] {
                let result = try Program.run(command + ["--pipeline", pipeline.path])
                #expect(result.status == 65 && result.errors.contains(words), "\(command): \(result.status) \(result.errors)")
            }
            #expect(try pipeline.run("status").output.contains("PROBLEM"))
            #expect(try pipeline.value("SELECT views FROM serving.total") == 400)
        }
        try Self.generate(pipeline, 20, seed: 3)
        try expectRefused("and its log ends at")
        try Self.generate(pipeline, 1_480, seed: 4)
        try expectRefused("holds another record at offset")
        // A live worker looks again: the topic is still another one.
        let plan = try pipeline.run("adopt-log", "page_view", "--dry-run").output
        #expect(!plan.contains("given up"), "\(plan)")
        try pipeline.run("adopt-log", "page_view", "--yes")
        try pipeline.run("speed", "--until-caught-up")
        try pipeline.run("batch", "run")
        #expect(try pipeline.value("SELECT views FROM serving.total") == 2_000)
        // Another cluster behind the same address.
        try second.tell("cluster another")
        let other = try pipeline.run("batch", "run", expecting: nil)
        #expect(other.status == 65 && other.errors.contains("of cluster another"), "\(other.errors)")
    }

    /// Producers with clocks of 1999 and 2036. By the records' own timestamps those of 1999 vouch for nothing, and no window closes; by the arrival all do, in both
    /// layers, from the apply on that says so.
    @Test func I7_aTopicWithWrongClocksGoesByTheArrival() throws {
        let broker = try TestBroker()
        let (pipeline, _) = try Self.makePipeline(broker, partitions: 2)
        func definitions(_ option: String) -> String {
            """
            CREATE FOREIGN TABLE page_view (event_id text, event_time timestamptz, page text)
            SERVER parallax OPTIONS (event_id 'event_id', event_time 'event_time', out_of_orderness '5 seconds', lateness '1 hour'\(option));
            CREATE MATERIALIZED VIEW recent WITH (retention = '10 minutes') AS
            SELECT tumble(event_time, '1 minute') AS minute, count(*) AS n FROM page_view GROUP BY minute;
            CREATE MATERIALIZED VIEW whole AS SELECT tumble(event_time, '1 minute') AS minute, count(*) AS n FROM page_view GROUP BY minute;
            """
        }
        func apply(_ option: String = "") throws {
            try Data(definitions(option).utf8).write(to: URL(fileURLWithPath: pipeline.path + "/views.sql"))
            try pipeline.run("apply", "--yes")
        }
        let raw = RawProducer(broker)
        let seconds1970 = (old: Int64(915_148_800), ahead: Int64(2_082_758_400))
        /// One event a second from a minute of 2026-01-01 on, in both partitions.
        func produce(_ minutes: Range<Int>, _ appended: [Int64]) throws {
            for partition in 0..<2 {
                let events = minutes.flatMap { minute in
                    (0..<60).map { second in
                        (
                            key: [UInt8]?.none,
                            value: Array(
                                #"{"event_id":"\#(partition)-\#(minute)-\#(second)","event_time":"2026-01-01T\#(10 + minute / 60):\#(10 + minute % 50):\#(second < 10 ? "0" : "")\#(second)Z","page":"/"}"#
                                    .utf8), appendedAt: Instant(microseconds: appended[second % appended.count] * 1_000_000)
                        )
                    }
                }
                try raw.write(.copies(events), topic: "page_view", partition: partition)
            }
        }
        func watermark() throws -> [String] {
            Oracle.lines(
                try pipeline.connection.query(
                    "SELECT coalesce(to_char(watermark AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS'), 'none') FROM parallax.watermark"))
        }
        try apply()
        try produce(0..<20, [seconds1970.old])
        try pipeline.run("speed", "--until-caught-up")
        #expect(try watermark() == ["none"])
        try apply(", append_time 'arrival'")
        try produce(20..<40, [seconds1970.old, seconds1970.ahead])
        try pipeline.run("speed", "--until-caught-up")
        #expect(try watermark() == ["2026-01-01 10:49:54"])
        #expect(try pipeline.value("SELECT sum(late)::bigint FROM parallax.partition_position") == 0)
        #expect(
            try pipeline.value("SELECT count(*) FROM parallax.partition_position WHERE newest_appended_at < now() - interval '1 hour'") == 0
        )
        for mode in [[], ["--full"]] {
            #expect(try Program.run(["batch", "run"] + mode + ["--pipeline", pipeline.path]).status == 0)
            #expect(try pipeline.value("SELECT sum(n)::bigint FROM serving.whole") == 4_800, "\(mode)")
            // The second largest event time is 10:49:58, and five seconds off.
            #expect(
                try pipeline.value("SELECT count(*) FROM serving.recent WHERE minute >= '2026-01-01T10:39:00Z'") == 11
                    && pipeline.value("SELECT count(*) FROM serving.recent") == 11, "\(mode)")
            #expect(
                try pipeline.value("SELECT count(*) FROM parallax.published WHERE cut_watermark = '2026-01-01T10:49:53Z'") == 1, "\(mode)")
        }
        // And back: nothing vouches for anything any more, until a clock does.
        try apply()
        #expect(try watermark() == ["none"])
    }

    @Test func aTopicNeedNotBeNamedLikeItsSource() throws {
        let broker = try TestBroker()
        let (pipeline, _) = try Self.makePipeline(broker, partitions: 2, topic: "shop.page-views")
        try pipeline.run("generate", "page_view", "--count", "400", "--seed", "3")
        try pipeline.run("speed", "--until-caught-up")
        try pipeline.run("batch", "run")
        #expect(try pipeline.compare(CrashTests.views) == [])
        #expect(try pipeline.run("status").output.contains("lag         0 records"))
    }

    /// Control records and compaction leave holes: positions, slices, segments and gap detection treat them as no record (I1, I7).
    @Test func I1_holesInTheOffsetsAreNoRecords() throws {
        let broker = try TestBroker()
        let (pipeline, _) = try Self.makePipeline(broker, partitions: 1)
        let raw = RawProducer(broker)
        var number = 0
        func event() -> String {
            number += 1
            let id = String(String(number + 1_000_000_000_000).dropFirst())
            return """
                {"event_id":"00000000-0000-0000-0000-\(id)","event_time":"2026-01-01T00:00:\(number % 50 + 10)Z","page":"/","amount":2.50,\
                "duration_ms":\(number)}
                """
        }
        func transaction(_ count: Int) throws {
            try raw.write(
                .records((0..<count).map { ($0, event()) }, size: count, isTransactional: true), topic: "page_view")
            try raw.write(.commit, topic: "page_view")
        }
        func compacted(_ distances: [Int], of size: Int) throws {
            try raw.write(.records(distances.map { ($0, event()) }, size: size, isTransactional: false), topic: "page_view")
        }
        // 3 + 1 offsets; 20, of which 3 are left (none of them first or last); 2 + 1.
        try transaction(3)
        try compacted([2, 9, 17], of: 20)
        try transaction(2)
        try pipeline.run("speed", "--until-caught-up")
        #expect(try pipeline.value("SELECT views FROM serving.total") == 8)
        #expect(try pipeline.value("SELECT next_offset FROM parallax.partition_position") == 27)
        // A cut behind a hole, then one at a partition's end that is a hole, then more.
        try pipeline.run("batch", "run")
        #expect(try pipeline.compare(CrashTests.views) == [])
        try raw.write(.commit, topic: "page_view")
        try pipeline.run("batch", "run")
        try compacted([5], of: 10)
        try pipeline.run("archive", "--until-caught-up")
        try transaction(1)
        try pipeline.run("speed", "--until-caught-up")
        try pipeline.run("batch", "run")
        #expect(try pipeline.value("SELECT views FROM serving.total") == 10)
        #expect(try pipeline.value("SELECT archived_offset FROM parallax.partition_position") == 40)
        #expect(try pipeline.compare(CrashTests.views) == [])
        let status = try pipeline.run("status").output
        #expect(status.contains("lag         0 records") && !status.contains("MISSING") && !status.contains("GIVEN UP"), "\(status)")
    }

    /// I7: retention (the mock keeps 5 MiB a partition) took records that nobody had read: everything stops and names them, until a person
    /// gives them up.
    @Test func I7_whatRetentionTookIsNamedUntilAPersonGivesItUp() throws {
        let broker = try TestBroker()
        let (pipeline, log) = try Self.makePipeline(broker, partitions: 1)
        for _ in 0..<8 { try log.append([NewRecord(key: nil, payload: [UInt8](repeating: 32, count: 900_000))], to: nil) }
        try Self.generate(pipeline, 100, seed: 1)
        let bounds = try log.bounds(of: Partition(0))
        #expect(bounds.lowerBound > .zero)
        let range = "offsets 0 up to, not including, \(bounds.lowerBound) of partition 0"
        let refused = try Program.run(["archive", "--until-caught-up", "--pipeline", pipeline.path])
        #expect(refused.status != 0 && refused.errors.contains(range), "\(refused.errors)")
        #expect(refused.errors.contains("parallax archive accept-gap --pipeline \(pipeline.path) page_view"))
        #expect(try Program.run(["speed", "--until-caught-up", "--pipeline", pipeline.path]).status != 0)
        #expect(try pipeline.run("archive", "accept-gap", "page_view").output.contains("are given up"))
        #expect(try pipeline.run("archive", "accept-gap", "page_view").output.contains("nothing is missing"))
        try pipeline.run("speed", "--until-caught-up")
        #expect(try pipeline.value("SELECT views FROM serving.total") == 100)
        #expect(try pipeline.value("SELECT count(*) FROM serving.per_minute WHERE is_exact") == 0)
        #expect(try pipeline.value("SELECT given_up_offsets FROM parallax.frontier") == bounds.lowerBound.rawValue)
        #expect(try pipeline.run("status").output.contains("GIVEN UP    partition 0, offsets 0 up to \(bounds.lowerBound)"))
        try pipeline.run("batch", "run")
        #expect(try pipeline.value("SELECT count(*) FROM serving.per_minute WHERE is_exact") == 0)
        #expect(try pipeline.value("SELECT views FROM serving.total") == 100)
        #expect(try pipeline.compare(CrashTests.views) == [])
    }

    /// Brokers down and up, leaders moved, the coordinator lost, requests refused, workers coming and going; then the oracle.
    @Test func I1_faultsOfTheClusterLoseAndRepeatNothing() throws {
        let broker = try TestBroker(brokers: 3)
        let (pipeline, _) = try Self.makePipeline(broker)
        var workers = [try pipeline.start("speed")]
        var total: Int64 = 0
        for round in 1...3 {
            let traffic = try pipeline.start(
                "generate", "page_view", "--count", "400", "--seed", "\(round)", "--malformed", "0", "--duplicates", "0")
            let victim = round % 3 + 1
            try broker.tell("down \(victim)")
            try broker.tell("leader page_view \(round % 4) \(victim % 3 + 1)")
            try broker.tell("coordinator parallax-page_view \(victim % 3 + 1)")
            for (request, code) in [(0, 6), (1, 6), (2, 7), (11, 15), (12, 16), (14, 27)] { try broker.tell("errors \(request) \(code) 1") }
            try broker.tell("rtt \(victim % 3 + 1) 20")
            if round % 2 == 1 { workers.append(try pipeline.start("speed")) } else { workers.removeFirst().kill(SIGKILL) }
            try broker.tell("up \(victim)")
            try broker.tell("rtt \(victim % 3 + 1) 0")
            let ended = traffic.wait()
            #expect(ended.status == 0, "\(ended.errors)")
            total += 400
        }
        try waitUntil("all events") { try pipeline.value("SELECT views FROM serving.total") == total }
        #expect(try CrashTests.imbalance(pipeline.connection) == nil)
        for worker in workers { worker.kill(SIGTERM) }
        for worker in workers { _ = worker.wait() }
        try pipeline.run("batch", "run")
        #expect(try pipeline.compare(CrashTests.views) == [])
    }

    /// I1, I5: workers join and leave, are killed and stopped; every event is counted once, and each partition has one writer.
    @Test func I5_workersOfAGroupShareAndHandOverPartitions() throws {
        let broker = try TestBroker(brokers: 3)
        let (pipeline, _) = try Self.makePipeline(broker)
        var workers = [try pipeline.start("speed"), try pipeline.start("speed")]
        func owners() throws -> Int64 {
            try pipeline.value("SELECT count(DISTINCT owner) FROM parallax.partition_position WHERE owner IS NOT NULL")
        }
        func owned() throws -> Int64 { try pipeline.value("SELECT count(owner) FROM parallax.partition_position") }
        try waitUntil("both workers to have partitions") { try owners() == 2 && owned() == 4 }
        var total: Int64 = 0
        func feed(_ seed: Int) throws {
            try Self.generate(pipeline, 500, seed: seed)
            total += 500
        }
        try feed(1)
        try waitUntil("the first events") { try pipeline.value("SELECT views FROM serving.total") == total }
        // What librdkafka counts is what people see.
        struct Status: Decodable {
            struct Source: Decodable {
                var lag: Int64
                var log_clients: [Client]
            }
            struct Client: Decodable {
                var pid: Int32
                var brokers_up: Int, brokers_known: Int, records_read: Int64, rebalances: Int, lost_assignments: Int
                var library: String
            }
            var sources: [Source]
        }
        func status() throws -> Status {
            try JSONDecoder().decode(Status.self, from: Data(pipeline.run("status", "--json").output.utf8))
        }
        try waitUntil("both workers' reports") {
            let source = try status().sources[0]
            return source.lag == 0 && Set(source.log_clients.map(\.pid)) == Set(workers.map(\.process.processIdentifier))
                && source.log_clients.allSatisfy { $0.brokers_up > 0 && $0.brokers_known == 3 && $0.rebalances > 0 }
                && source.log_clients.reduce(0) { $0 + $1.records_read } >= 500
        }
        #expect(try status().sources[0].log_clients.allSatisfy { $0.library == "librdkafka \(LibraryVersion.loaded)" })
        #expect(try pipeline.run("status").output.contains(":\(workers[0].process.processIdentifier)  "))
        // One killed, one stopped past its session; a third takes everything.
        workers[0].kill(SIGKILL)
        workers[1].kill(SIGSTOP)
        let third = try pipeline.start("speed")
        try feed(2)
        try waitUntil("the third worker to take over") {
            try pipeline.value("SELECT views FROM serving.total") == total && owners() == 1
        }
        // The zombie wakes: it is fenced, learns that it lost its partitions, joins again and gets a share.
        try broker.tell("errors 12 16 2")
        workers[1].kill(SIGCONT)
        try feed(3)
        try waitUntil("the woken worker to have a share") { try owners() == 2 && owned() == 4 }
        try feed(4)
        try waitUntil("the rest") { try pipeline.value("SELECT views FROM serving.total") == total }
        #expect(try CrashTests.imbalance(pipeline.connection) == nil)
        workers = [workers[1], third]
        for worker in workers { worker.kill(SIGTERM) }
        for worker in workers {
            let ended = worker.wait()
            #expect(ended.status == 0, "\(ended.errors)")
        }
        #expect(try owned() == 0)
        #expect(try pipeline.compare(CrashTests.views) == [])
    }
}
