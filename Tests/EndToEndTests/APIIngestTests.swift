import Compression
import EmbeddedLog
import Foundation
import Glibc
import ParallaxCore
import Synchronization
import TestSupport
import Testing

/// Events over HTTP: what is answered is durable, counted as `parallax ingest` counts it, and seen by whoever waits for it.
@Suite(.serialized) struct APIIngestTests {
    static let views =
        APIControlTests.source + APIControlTests.byPage()
        + "\nCREATE MATERIALIZED VIEW each AS SELECT id, count(*) AS n FROM visit GROUP BY id;"
        + "\nCREATE MATERIALIZED VIEW total AS SELECT count(*) AS n FROM visit;"

    /// Its views are served.
    static func pipeline(_ more: String = "") throws -> TestPipeline {
        let pipeline = try TestPipeline(
            sql: views, configuration: "log:\n  partitions: 2\nspeed:\n  flush_interval: 20ms\nbatch:\n  interval: off\n" + more)
        try pipeline.run("batch", "run")
        return pipeline
    }

    static func post(
        _ address: String, _ body: Data, _ headers: [String: String] = ["Content-Type": "application/x-ndjson"], source: String = "visit"
    ) throws -> HTTPClient.Answer {
        try HTTPClient.get(address, "/v1/sources/\(source)/events", headers, method: "POST", body: body)
    }

    static func post(_ address: String, _ text: String) throws -> HTTPClient.Answer { try post(address, Data(text.utf8)) }

    static func line(_ number: Int, page: String = "/a") -> String {
        let id = "00000000-0000-4000-8000-" + String(repeating: "0", count: 12 - "\(number)".count) + "\(number)"
        return #"{"id":"\#(id)","at":"2024-01-01T00:00:00Z","page":"\#(page)"}"# + "\n"
    }

    static func gzip(_ body: Data, in pipeline: TestPipeline) throws -> Data {
        let file = pipeline.path + "/body"
        try body.write(to: URL(fileURLWithPath: file))
        let run = Process()
        run.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        run.arguments = ["gzip", "-f", file]
        try run.run()
        run.waitUntilExit()
        return try Data(contentsOf: URL(fileURLWithPath: file + ".gz"))
    }

    static func count(_ answer: HTTPClient.Answer) -> Int { answer.rows.compactMap { $0["n"] as? Int }.reduce(0, +) }

    /// Keys and payloads of each partition, in their order.
    static func records(_ pipeline: TestPipeline) throws -> [[String]] {
        guard FileManager.default.fileExists(atPath: pipeline.path + "/.parallax/log/visit") else { return [] }
        let log = try pipeline.log("visit")
        return try log.partitions().map { partition in
            var found: [String] = []
            var (position, end) = (try log.bounds(of: partition).lowerBound, try log.bounds(of: partition).upperBound)
            while position < end {
                let batch = try log.read(partition, from: position, maxRecords: 10_000, maxBytes: 16 << 20)
                for row in 0..<batch.count {
                    found.append((batch.keys.isNull(row) ? "-" : batch.keys.string(row)) + " " + batch.payloads.string(row))
                }
                position = batch.nextOffset
            }
            return found
        }
    }

    static func recordCount(_ pipeline: TestPipeline) throws -> Int { try records(pipeline).map(\.count).reduce(0, +) }

    // MARK: what is written

    @Test func whatIngestSaysOfLinesTheAPISaysOfABody() throws {
        let pipeline = try Self.pipeline()
        let (process, address) = try pipeline.serve()
        defer { process.kill(SIGKILL) }
        let text =
            CLIChangeTests.lines(0..<50) + "no json\n\n[1]\n{\"id\":\"x\",\"at\":\"2024-01-01T00:00:00Z\"}\n"
            + CLIChangeTests.lines(50..<60)
            + #"{"id":"00000000-0000-4000-8000-000000000099","page":"no time"}"#
        let posted = try Self.post(address, text)
        #expect(posted.status == 200, "\(posted.text)")
        let first = try Self.records(pipeline)
        let result = try Program.start(["ingest", "visit", "-", "--json", "--pipeline", pipeline.path], input: Data(text.utf8)).wait()
        let said = try #require(try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any])
        for member in ["source", "records", "accepted", "malformed", "reasons"] {
            #expect(posted.object[member] as? NSObject == said[member] as? NSObject, "\(member): \(posted.text) \(result.output)")
        }
        #expect(
            posted.object["records"] as? Int == 65 && posted.object["accepted"] as? Int == 60 && posted.object["malformed"] as? Int == 5)
        let reasons = try #require(posted.object["reasons"] as? [String: [String: Any]])
        #expect(reasons["malformed_json"]?["lines"] as? [Int] == [51], "\(reasons)")
        // Byte for byte, and keyed alike: what came later is the same once more. Records without a key go to partitions in turn.
        let both = try Self.records(pipeline)
        for (once, twice) in zip(first, both) {
            let (keyed, again) = (once.filter { !$0.hasPrefix("- ") }, twice.filter { !$0.hasPrefix("- ") })
            #expect(again == keyed + keyed)
        }
        #expect(both.joined().sorted() == (Array(first.joined()) + Array(first.joined())).sorted())
        #expect(
            first.joined().map { $0.drop { $0 != " " }.dropFirst() }.sorted()
                == text.split(separator: "\n", omittingEmptySubsequences: false).sorted())
        // And so the layers count them: a copy of an event counts once, what is malformed does not.
        try pipeline.run("speed", "--until-caught-up")
        #expect(try pipeline.value("SELECT n FROM serving.total") == 60)
        #expect(try pipeline.value("SELECT sum(rejected)::bigint FROM parallax.rejected WHERE view_name = ''") == 10)
    }

    @Test func arraysObjectsAndCompressedBodiesAreTaken() throws {
        let pipeline = try Self.pipeline()
        let (process, address) = try pipeline.serve()
        defer { process.kill(SIGKILL) }
        let ndjson = "application/x-ndjson"
        let object = Self.line(1).trimmingCharacters(in: .newlines)
        let array = "[\n  \(Self.line(2)),\(Self.line(3)) , 7 ]"
        for (body, headers, records, malformed) in [
            (Data(object.utf8), ["Content-Type": "application/json"], 1, 0),
            (Data(array.utf8), ["Content-Type": "application/json; charset=utf-8"], 3, 1),
            (Data("[]".utf8), ["Content-Type": "application/json"], 0, 0), (Data(), ["Content-Type": ndjson], 0, 0),
            (
                try Self.gzip(Data((Self.line(4) + Self.line(5)).utf8), in: pipeline),
                ["Content-Type": ndjson, "Content-Encoding": "gzip"], 2, 0
            ),
            // As `curl --data-binary @events.ndjson.gz` sends it.
            (try Self.gzip(Data(Self.line(6).utf8), in: pipeline), ["Content-Type": ndjson], 1, 0),
            (
                Data(zstdCompress(Array("[\(Self.line(7))]".utf8), level: 3)),
                ["Content-Type": "application/json", "Content-Encoding": "zstd"], 1, 0
            ),
        ] {
            let answer = try Self.post(address, body, headers)
            #expect(
                answer.status == 200 && answer.object["records"] as? Int == records && answer.object["malformed"] as? Int == malformed,
                "\(answer.text)")
            #expect((answer.object["token"] as? String != nil) == (records > 0), "\(answer.text)")
            if malformed > 0 { #expect(answer.text.contains(#""lines":[3]"#), "\(answer.text)") }
        }
        // In chunks, as a program sends what it makes while it sends.
        let client = try HTTPClient(address)
        try client.send("POST", "/v1/sources/visit/events", ["Content-Type": ndjson, "Transfer-Encoding": "chunked"])
        for part in [Self.line(8).prefix(30), Self.line(8).dropFirst(30)] {
            try client.send(Data("\(String(part.utf8.count, radix: 16))\r\n\(part)\r\n".utf8))
        }
        try client.send(Data("0\r\n\r\n".utf8))
        #expect(try client.answer().object["accepted"] as? Int == 1)
        try pipeline.run("speed", "--until-caught-up")
        #expect(try pipeline.value("SELECT n FROM serving.total") == 8)
        // An element of an array is in the log as it came.
        #expect(try Self.records(pipeline).joined().contains { $0.hasSuffix(Self.line(2).trimmingCharacters(in: .newlines)) })
    }

    @Test func whatIsRefusedLeavesNothingInTheLog() throws {
        let pipeline = try Self.pipeline("serve:\n  max_body: 64KiB\n")
        let (process, address) = try pipeline.serve()
        defer { process.kill(SIGKILL) }
        let ndjson = ["Content-Type": "application/x-ndjson"]
        let json = ["Content-Type": "application/json"]
        let good = Data(Self.line(1).utf8)
        let bomb = Data(zstdCompress([UInt8](repeating: 0x0A, count: 8 << 20), level: 19))
        let cases: [(Data, [String: String], Int, String)] = [
            (good, [:], 415, "unsupported_media_type"), (good, ["Content-Type": "text/plain"], 415, "unsupported_media_type"),
            (good, ["Content-Type": "application/x-www-form-urlencoded"], 415, "unsupported_media_type"),
            (good, ndjson.merging(["Content-Encoding": "br"]) { $1 }, 415, "unsupported_encoding"),
            (good, ndjson.merging(["Content-Encoding": "gzip"]) { $1 }, 400, "invalid_request"),
            (Data([0x1F, 0x8B, 8, 0]), ndjson, 400, "invalid_request"), (Data("[\(Self.line(1))".utf8), json, 400, "invalid_request"),
            (Data((Self.line(1) + Self.line(2)).utf8), json, 400, "invalid_request"), (Data("7".utf8), json, 400, "invalid_request"),
            (Data((0..<1_000).map { Self.line($0) }.joined().utf8), ndjson, 413, "too_large"), (bomb, ndjson, 413, "too_large"),
        ]
        for (body, headers, status, code) in cases {
            let answer = try Self.post(address, body, headers)
            #expect(answer.status == status && answer.code == code, "\(headers) \(body.count): \(answer.status) \(answer.text)")
        }
        #expect(bomb.count < 64 << 10)
        #expect(try Self.post(address, good, ndjson, source: "vist").object["hint"] as? String == "did you mean \"visit\"?")
        #expect(try HTTPClient.get(address, "/v1/sources/visit/events").status == 405)
        #expect(try Self.post(address, good, ndjson.merging(["Origin": "http://evil.example"]) { $1 }).code == "cross_origin")
        // A promise of more is refused before it comes.
        let client = try HTTPClient(address)
        try client.send("POST", "/v1/sources/visit/events", ndjson.merging(["Content-Length": "1000000000"]) { $1 })
        #expect(try client.head().status == 413)
        #expect(try Self.recordCount(pipeline) == 0)
        #expect(try Self.post(address, good, ndjson).status == 200)
        #expect(try Self.recordCount(pipeline) == 1)
    }

    /// A record that the log does not take is no reason to take the others without a word.
    @Test func aLineThatIsTooLongIsNamedAndNothingIsTaken() throws {
        let pipeline = try Self.pipeline("")
        let (process, address) = try pipeline.serve("serve", ["--set", "log.max_record_bytes=200"])
        defer { process.kill(SIGKILL) }
        let answer = try Self.post(address, Self.line(1) + Self.line(2, page: String(repeating: "x", count: 300)))
        #expect(
            answer.status == 413 && answer.text.contains("line 2 has") && answer.text.contains("log.max_record_bytes"), "\(answer.text)")
        #expect(try Self.recordCount(pipeline) == 0)
    }

    @Test func aTokenWritesToItsSourcesAlone() throws {
        let pipeline = try Self.pipeline()
        func token(_ arguments: String...) throws -> [String: String] {
            let made = try Program.run(["token", "create", "--pipeline", pipeline.path] + arguments)
            return ["Authorization": "Bearer " + made.output.trimmingCharacters(in: .newlines), "Content-Type": "application/x-ndjson"]
        }
        let writer = try token("--scope", "ingest", "--source", "visit", "--name", "writer")
        let reader = try token("--scope", "read", "--name", "reader")
        let admin = try token("--scope", "admin", "--name", "admin")
        let (process, address) = try pipeline.serve()
        defer { process.kill(SIGKILL) }
        let body = Data(Self.line(1).utf8)
        #expect(try Self.post(address, body).status == 401)
        #expect(try Self.post(address, body, reader).status == 403)
        #expect(try Self.post(address, body, writer).status == 200)
        #expect(try Self.post(address, body, admin).status == 200)
        // What it is not for is not there, and neither are its names.
        let other = try Self.post(address, body, writer, source: "other")
        #expect(other.status == 404, "\(other.text)")
        #expect(try HTTPClient.get(address, "/v1/views/total/rows", writer).status == 403)
        #expect(try Self.recordCount(pipeline) == 2)
    }

    // MARK: read your writes

    /// Each answer holds what was written before it was asked, and nothing of one's own is ever missed.
    @Test func whoeverWaitsForTheirWriteReadsIt() throws {
        let pipeline = try Self.pipeline()
        let (process, address) = try pipeline.serve("up")
        defer {
            process.kill(SIGTERM)
            _ = process.wait()
        }
        try inThreads(4) { thread in
            for number in 1...15 {
                let posted = try Self.post(address, Self.line(thread * 1_000 + number, page: "/t\(thread)"))
                let token = try #require(posted.object["token"] as? String, "\(posted.text)")
                let rows = try HTTPClient.get(address, "/v1/views/by_page/rows?after=\(token)&wait=60s&filter.page=/t\(thread)")
                #expect(rows.status == 200 && Self.count(rows) == number, "thread \(thread), \(number): \(rows.status) \(rows.text)")
            }
        }
        // By a file, and by a command.
        let ingested = try Program.start(
            ["ingest", "visit", "-", "--json", "--pipeline", pipeline.path],
            input: Data((5_000..<5_500).map { Self.line($0) }.joined().utf8)
        ).wait()
        let said = try JSONSerialization.jsonObject(with: Data(ingested.output.utf8)) as? [String: Any]
        let token = try #require(said?["token"] as? String, "\(ingested.output)")
        #expect(try pipeline.run("wait", token, "--timeout", "60s").output.contains("is in its views"))
        #expect(try pipeline.value("SELECT n FROM serving.total") == 560)
        let csv = try HTTPClient.get(address, "/v1/views/total/rows?after=\(token)&format=csv")
        #expect(csv.status == 200 && csv.text.contains("560"), "\(csv.text)")
        #expect(try HTTPClient.get(address, "/v1/views/each/rows?after=\(token)&format=ndjson").text.split(separator: "\n").count == 560)
    }

    @Test func whatIsNotVisibleYetSaysHowFarItIs() throws {
        let pipeline = try Self.pipeline()
        let (process, address) = try pipeline.serve()
        defer { process.kill(SIGKILL) }
        let posted = try Self.post(address, (0..<10).map { Self.line($0) }.joined())
        // Nobody reads it now, and the answer says so.
        let problem = try #require(posted.object["problem"] as? [String: Any], "\(posted.text)")
        #expect(problem["code"] as? String == "unavailable" && (problem["message"] as? String)?.contains("no living speed worker") == true)
        let token = try #require(posted.object["token"] as? String)
        let path = "/v1/views/total/rows?after=\(token)"
        let behind = try HTTPClient.get(address, path + "&wait=0")
        #expect(behind.status == 503 && behind.code == "not_visible_yet" && behind.headers["retry-after"] == "1", "\(behind.text)")
        #expect(behind.object["behind_records"] as? Int == 10 && behind.object["unread_partitions"] as? Int == 2, "\(behind.text)")
        #expect(behind.object["detail"] as? String != nil && behind.object["source"] as? String == "visit")
        let waited = try pipeline.run("wait", token, "--timeout", "100ms", "--json", expecting: 75)
        let said = try JSONSerialization.jsonObject(with: Data(waited.output.utf8)) as? [String: Any]
        #expect(said?["visible"] as? Bool == false && said?["behind_records"] as? Int == 10, "\(waited.output)")
        #expect(waited.errors.contains("10 records behind"), "\(waited.errors)")

        // Those who wait get their answer with the flush, whatever their number.
        let clients = try (0..<20).map { _ in try HTTPClient(address) }
        for client in clients { try client.send("GET", path + "&wait=60s") }
        try pipeline.run("speed", "--until-caught-up")
        for client in clients {
            let answer = try client.answer()
            #expect(answer.status == 200 && Self.count(answer) == 10, "\(answer.text)")
        }
        try pipeline.run("wait", token, "--timeout", "0")

        for (query, status, code) in [
            ("after=w1_nonsense", 400, "invalid_token"), ("wait=5s", 400, "invalid_request"),
            ("after=\(token)&wait=1h", 400, "invalid_value"),
            ("after=\(token)&wait=soon", 400, "invalid_value"), ("after=\(token)&layer=batch", 400, "invalid_request"),
            ("after=\(token)&as_of_run=1", 400, "invalid_request"), ("after=\(token)&after=\(token)", 200, ""),
        ] {
            let answer = try HTTPClient.get(address, "/v1/views/total/rows?\(query)")
            #expect(answer.status == status && (answer.code ?? "") == code, "\(query): \(answer.text)")
        }
        #expect(try pipeline.run("wait", "w1_nonsense", expecting: 64).errors.contains("no token of a write"))
        // A token of a source that the view does not read is refused before anybody waits for it.
        let foreign = WriteToken(
            source: "other", log: LogIdentity(kind: .embedded, topic: "other", number: nil), ends: [Partition(0): Offset(1)]
        ).text
        #expect(try HTTPClient.get(address, "/v1/views/total/rows?after=\(foreign)&wait=60s").code == "invalid_token")
    }

    /// A batch run covers for a speed layer that is away, and what it takes is visible with its publication.
    @Test func aPublicationMakesAWriteVisibleToo() throws {
        let pipeline = try Self.pipeline()
        let (process, address) = try pipeline.serve()
        defer { process.kill(SIGKILL) }
        let token = try #require(try Self.post(address, (0..<10).map { Self.line($0) }.joined()).object["token"] as? String)
        // Whoever publishes waits for this row: the run has moved the positions by then, and nothing of it is in any answer.
        try pipeline.connection.execute("BEGIN; SELECT FROM parallax.published FOR UPDATE")
        let run = try pipeline.start("batch", "run")
        let path = "/v1/views/total/rows?after=\(token)"
        #expect(
            becomesTrue { (try? HTTPClient.get(address, path + "&wait=0").object["waiting_records"] as? Int) == 10 },
            "\((try? HTTPClient.get(address, path + "&wait=0").text) ?? "")")
        try pipeline.connection.execute("COMMIT")
        #expect(run.wait().status == 0)
        #expect(Self.count(try HTTPClient.get(address, path + "&wait=0")) == 10)
    }

    // MARK: trouble

    /// What finds no room is refused at once, says when to come back, and leaves nothing; what was under way is not harmed.
    @Test func memoryIsBoundedAndWhoeverFindsNoRoomHearsIt() throws {
        let pipeline = try Self.pipeline("serve:\n  max_body: 20KiB\n  ingest_memory: 64KiB\n")
        let (process, address) = try pipeline.serve()
        defer { process.kill(SIGKILL) }
        let body = Data((0..<220).map { Self.line($0) }.joined().utf8)
        #expect(body.count < 20 << 10 && body.count * 3 > 55_000)
        let ndjson = ["Content-Type": "application/x-ndjson"]
        // Clients that send slowly hold most of it: one more each time, since one may find no room itself.
        var slow: [HTTPClient] = []
        var refused: HTTPClient.Answer?
        #expect(
            try becomesTrue {
                let client = try HTTPClient(address)
                try client.send("POST", "/v1/sources/visit/events", ndjson.merging(["Content-Length": "\(body.count)"]) { $1 })
                try client.send(body.dropLast(10))
                slow.append(client)
                let answer = try Self.post(address, body)
                if answer.status == 429 { refused = answer }
                return refused != nil
            })
        #expect(refused?.code == "too_many_writes" && refused?.headers["retry-after"] == "1", "\(refused?.text ?? "")")
        let before = try Self.recordCount(pipeline)
        #expect(before % 220 == 0)
        // While it is cut apart a body takes its size once more: who finds that room is through, and who does not hears it.
        for client in slow {
            try? client.send(body.suffix(10))
            let status = try client.answer().status
            #expect(status == 200 || status == 429)
        }
        #expect(becomesTrue { (try? Self.post(address, body).status) == 200 })
        #expect(try Self.recordCount(pipeline) % 220 == 0)
    }

    @Test func aLogThatIsNotTheSourcesTakesNothing() throws {
        let pipeline = try Self.pipeline()
        let (process, address) = try pipeline.serve()
        defer { process.kill(SIGKILL) }
        let first = try Self.post(address, Self.line(1))
        let token = try #require(first.object["token"] as? String)
        LogIdentityTests.remove(pipeline.path + "/.parallax/log/visit")
        for _ in 0..<2 {
            let refused = try Self.post(address, Self.line(2))
            #expect(
                refused.status == 503 && refused.code == "another_log" && refused.headers["retry-after"] != nil,
                "\(refused.status) \(refused.text)")
        }
        // Another server that opens what is there now.
        let (second, other) = try pipeline.serve()
        defer { second.kill(SIGKILL) }
        #expect(try Self.post(other, Self.line(2)).code == "another_log")
        // With a log of another number, its token means nothing any more.
        try pipeline.run("adopt-log", "visit", "--yes")
        let gone = try HTTPClient.get(other, "/v1/views/total/rows?after=\(token)&wait=0")
        #expect(gone.status == 409 && gone.code == "another_log", "\(gone.text)")
        #expect(try pipeline.run("wait", token, expecting: 65).errors.contains("another log"))
        let posted = try Self.post(other, Self.line(2))
        #expect(posted.status == 200, "\(posted.text)")
        try pipeline.run("speed", "--until-caught-up")
        try pipeline.run("wait", try #require(posted.object["token"] as? String), "--timeout", "0")
    }

    @Test func aFullDiskIs507AndWhatWasAcknowledgedIsThere() throws {
        if let trouble = SmallVolume.trouble {
            print("skipped: \(trouble)")
            return
        }
        let pipeline = try Self.pipeline()
        let log = URL(fileURLWithPath: pipeline.path + "/.parallax/log")
        let former = URL(fileURLWithPath: pipeline.path + "/.parallax/former-log")
        try FileManager.default.moveItem(at: log, to: former)
        let volume = try SmallVolume(log.path, kilobytes: 512)
        defer { volume.unmount() }
        try FileManager.default.copyItem(at: former.appendingPathComponent("visit"), to: log.appendingPathComponent("visit"))
        let (process, address) = try pipeline.serve()
        defer {
            process.kill(SIGKILL)
            _ = process.wait()
        }
        var (acknowledged, refused): (Int, HTTPClient.Answer?) = (0, nil)
        for round in 0..<100 where refused == nil {
            let answer = try Self.post(address, (0..<200).map { Self.line(round * 200 + $0) }.joined())
            if answer.status == 200 { acknowledged += 200 } else { refused = answer }
        }
        #expect(refused?.status == 507 && refused?.code == "disk" && refused?.headers["retry-after"] != nil, "\(refused?.text ?? "")")
        #expect(acknowledged > 0)
        try pipeline.run("speed", "--until-caught-up")
        let live = try pipeline.value("SELECT n FROM serving.total")
        #expect(live >= acknowledged && live < acknowledged + 200)
    }

    /// Clients, and a file beside them: all of them append to one log, in turns.
    @Test func clientsAndACommandAppendAtOnce() throws {
        let pipeline = try Self.pipeline()
        let (process, address) = try pipeline.serve()
        defer { process.kill(SIGKILL) }
        let ingest = try Program.start(
            ["ingest", "visit", "-", "--pipeline", pipeline.path], input: Data((100_000..<120_000).map { Self.line($0) }.joined().utf8))
        try inThreads(8) { thread in
            for round in 0..<10 {
                let answer = try Self.post(address, (0..<20).map { Self.line(thread * 1_000 + round * 20 + $0) }.joined())
                #expect(answer.status == 200 && answer.object["accepted"] as? Int == 20, "\(answer.text)")
            }
        }
        #expect(ingest.wait().status == 0)
        #expect(try Self.recordCount(pipeline) == 20_000 + 1_600)
        try pipeline.run("speed", "--until-caught-up")
        #expect(try pipeline.value("SELECT n FROM serving.total") == 21_600)
        #expect(try pipeline.value("SELECT count(*) FROM serving.each WHERE n <> 1") == 0)
    }

    /// The server dies in the midst of what it is sent, again and again. What it had answered is in the log then, and what clients sent until it was answered
    /// counts once.
    @Test(arguments: [UInt64(20_261_127)]) func I1_I6_whatWasAnsweredSurvivesKillsAndCountsOnce(seed: UInt64) throws {
        print("kills of the server, seed \(seed)")
        var random = SeededGenerator(seed: seed)
        let pipeline = try Self.pipeline()
        var (process, address) = try pipeline.serve()
        let place = Mutex(address)
        let acknowledged = Mutex<Set<String>>([])
        let isOver = Mutex(false)
        let clients = OwnThread {
            try inThreads(4) { thread in
                var round = 0
                while !isOver.withLock({ $0 }) {
                    let lines = (0..<25).map { Self.line(thread * 1_000_000 + round * 25 + $0) }
                    // Until it is answered: what nobody answered may be there, or not.
                    var isAnswered = false
                    #expect(
                        becomesTrue {
                            isAnswered = (try? Self.post(place.withLock { $0 }, lines.joined()).status) == 200
                            return isAnswered
                        })
                    guard isAnswered else { return }
                    acknowledged.withLock { $0.formUnion(lines.map { $0.trimmingCharacters(in: .newlines) }) }
                    round += 1
                }
            }
        }
        for kill in 0..<6 {
            let target = acknowledged.withLock { $0.count } + 100 + Int(random.next() % 1_500)
            #expect(becomesTrue { acknowledged.withLock { $0.count } >= target })
            process.kill(SIGKILL)
            let known = acknowledged.withLock { $0 }
            _ = process.wait()
            let there = Set(try Self.records(pipeline).joined().map { String($0.drop { $0 != " " }.dropFirst()) })
            #expect(
                known.isSubset(of: there),
                "kill \(kill), seed \(seed): \(known.subtracting(there).count) acknowledged events are not in the log")
            (process, address) = try pipeline.serve()
            let now = address
            place.withLock { $0 = now }
        }
        isOver.withLock { $0 = true }
        try clients.join()
        process.kill(SIGKILL)
        try pipeline.run("speed", "--until-caught-up")
        let sent = acknowledged.withLock { $0.count }
        #expect(try pipeline.value("SELECT count(*) FROM serving.each WHERE n = 1") == Int64(sent), "seed \(seed)")
        #expect(try pipeline.value("SELECT n FROM serving.total") == Int64(sent), "seed \(seed)")
        try pipeline.run("batch", "run")
        #expect(try pipeline.value("SELECT n FROM serving.total") == Int64(sent), "seed \(seed)")
    }

    /// The guide's commands, as they stand there but for the port.
    @Test func theGuidesExamplesOfWritingRun() throws {
        let pipeline = try TestPipeline.demo()
        try pipeline.run("batch", "run")
        let (process, address) = try pipeline.serve("up", ["--set", "generator.source="])
        defer {
            process.kill(SIGTERM)
            _ = process.wait()
        }
        let guide = try APIDocumentationTests.text("docs/guide.md")
        let section = try #require(
            guide.components(separatedBy: "## Writing from programs\n").last?.components(separatedBy: "\n## Reading from programs\n").first)
        let blocks = section.components(separatedBy: "```").enumerated().filter { $0.offset % 2 == 1 }.map(\.element)
        #expect(blocks.count == 2)
        let event = #"{"event_id":"0190a000-0000-7000-8000-00000000000a","event_time":"2026-01-01T00:00:00Z","page":"/a"}"#
        var paths: [String] = []
        for line in blocks[0].split(separator: "\n").dropFirst() {
            #expect(line.hasPrefix("curl -s 'http://127.0.0.1:8321/v1/sources/page_view/events' -H "), "\(line)")
            var headers: [String: String] = [:]
            for match in line.matches(of: /-H '([^:]+): ([^']+)'/) { headers[String(match.1)] = String(match.2) }
            let file = try #require(line.components(separatedBy: "--data-binary @").last)
            paths.append(file)
            var body = Data((event + (file.hasSuffix(".json") ? "" : "\n")).utf8)
            if headers["Content-Encoding"] != nil { body = try Self.gzip(body, in: pipeline) }
            let answer = try Self.post(address, body, headers, source: "page_view")
            #expect(answer.status == 200 && answer.object["accepted"] as? Int == 1, "\(line): \(answer.text)")
        }
        #expect(paths == ["events.ndjson", "events.ndjson.gz", "event.json"])
        let printed = try Python.run(String(blocks[1].dropFirst("python".count)).replacing("127.0.0.1:8321", with: address))
        #expect(printed.hasPrefix("1 [{") && printed.contains("'/mine'"), "\(printed)")
    }

    // MARK: Kafka

    @Test func aKafkaSourceIsProducedTo() throws {
        let broker = try TestBroker()
        try broker.tell("topic visit 3")
        let pipeline = try TestPipeline(
            sql: Self.views,
            configuration: """
                log:
                  kind: kafka
                  kafka:
                    brokers: \(broker.bootstrapServers)
                    properties:
                      fetch.wait.max.ms: 10
                      message.timeout.ms: 2000
                speed:
                  flush_interval: 20ms
                batch:
                  interval: off
                """)
        try pipeline.run("batch", "run")
        let log = try KafkaTests.openLog(broker, topic: "visit")
        let (process, address) = try pipeline.serve()
        defer { process.kill(SIGKILL) }
        try inThreads(6) { thread in
            for round in 0..<5 {
                let answer = try Self.post(address, (0..<30).map { Self.line(thread * 1_000 + round * 30 + $0) }.joined() + "no json\n")
                #expect(
                    answer.status == 200 && answer.object["accepted"] as? Int == 30 && answer.object["malformed"] as? Int == 1,
                    "\(answer.text)")
                // Its end is behind its records, and is the topic's own.
                let token = WriteToken(answer.object["token"] as? String ?? "")
                #expect(token?.log.kind == .kafka && token?.ends.isEmpty == false)
            }
        }
        #expect(try KafkaTests.everything(log).joined().count == 6 * 5 * 31)
        let token = try #require(try Self.post(address, Self.line(99_999)).object["token"] as? String)
        #expect(try HTTPClient.get(address, "/v1/views/total/rows?after=\(token)&wait=0").code == "not_visible_yet")
        try pipeline.run("speed", "--until-caught-up")
        #expect(Self.count(try HTTPClient.get(address, "/v1/views/total/rows?after=\(token)&wait=60s")) == 901)
        try pipeline.run("wait", token, "--timeout", "0")
        // Without brokers nothing is acknowledged.
        try broker.tell("down 1")
        let refused = try Self.post(address, Self.line(1_000_000))
        #expect(refused.status == 503 && refused.headers["retry-after"] != nil, "\(refused.status) \(refused.text)")
        try broker.tell("up 1")
        #expect(becomesTrue { (try? Self.post(address, Self.line(1_000_000)).status) == 200 })
    }
}
