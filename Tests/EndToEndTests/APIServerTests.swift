import Foundation
import ParallaxCore
import Postgres
import TestSupport
import Testing

/// The server as a process: where it listens, and what it survives.
@Suite(.serialized) struct APIServerTests {
    private func makePipeline(rows: Int = 10) throws -> TestPipeline {
        let pipeline = try TestPipeline(
            sql: """
                CREATE FOREIGN TABLE ev (id bigint, t timestamptz, k text) SERVER parallax OPTIONS (event_id 'id', event_time 't');
                CREATE MATERIALIZED VIEW by_id AS SELECT id, k, count(*) AS events FROM ev GROUP BY id, k;
                """, configuration: "batch:\n  interval: 0\n")
        let lines = (0..<rows).map {
            "{\"id\":\($0),\"t\":\"2026-01-01T00:00:00Z\",\"k\":\"a longer text, so that rows have some size: \($0)\"}"
        }
        try pipeline.ingest("ev", lines.joined(separator: "\n"))
        try pipeline.run("batch", "run")
        return pipeline
    }

    @Test func upServesTheAPIAndSaysWhere() throws {
        let pipeline = try makePipeline()
        let (process, address) = try pipeline.serve("up")
        #expect(try HTTPClient.get(address, "/healthz").text == "ok\n")
        #expect(becomesTrue { (try? HTTPClient.get(address, "/readyz").text) == "ready\n" })
        let status = try HTTPClient.get(address, "/v1/status")
        #expect(status.status == 200 && (status.object["sources"] as? [Any])?.count == 1 && status.object["up"] as? Bool == true)
        let document = try HTTPClient.get(address, "/openapi.json")
        #expect(document.object["openapi"] as? String == "3.1.0")
        #expect(try HTTPClient.get(address, "/openapi.json", ["If-None-Match": document.headers["etag"] ?? ""]).status == 304)
        process.kill(SIGTERM)
        #expect(process.wait().status == 0)
        #expect(!FileManager.default.fileExists(atPath: pipeline.path + "/.parallax/api.address"))
    }

    @Test func aPortThatIsTakenIsSaid() throws {
        let pipeline = try makePipeline()
        let (process, address) = try pipeline.serve()
        defer { process.kill(SIGKILL) }
        let second = try pipeline.run("serve", environment: ["PARALLAX_SERVE_LISTEN": address], expecting: 69)
        #expect(second.errors.contains("cannot listen on \(address)") && second.errors.contains("serve.listen"), "\(second.errors)")
        for (listen, status, says) in [
            ("nonsense", Int32(78), "no address"), ("0.0.0.0:0", 78, "there is no valid token"), ("off", 78, "off"),
        ] {
            let refused = try pipeline.run("serve", environment: ["PARALLAX_SERVE_LISTEN": listen], expecting: status)
            #expect(refused.errors.contains(says), "\(listen): \(refused.errors)")
        }
    }

    @Test func aRestartOfPostgreSQLLosesNoRequestForGood() throws {
        let pipeline = try makePipeline()
        let (process, address) = try pipeline.serve()
        defer { process.kill(SIGKILL) }
        #expect(try HTTPClient.get(address, "/v1/views/by_id/rows").rows.count == 10)
        for _ in 0..<3 {
            try pipeline.connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'parallax serve'")
            #expect(
                becomesTrue {
                    (try? pipeline.value("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'parallax serve'")) == 0
                })
            // Not even the first one after it.
            let answer = try HTTPClient.get(address, "/v1/views/by_id/rows")
            #expect(answer.status == 200 && answer.rows.count == 10, "\(answer.text)")
        }
    }

    @Test func oneConnectionServesManyRequests() throws {
        let pipeline = try makePipeline()
        let (process, address) = try pipeline.serve()
        defer { process.kill(SIGKILL) }
        let client = try HTTPClient(address)
        for (path, status) in [
            ("/v1/views/by_id/rows", 200), ("/v1/views/by_id", 200), ("/v1/views/nothing", 404), ("/v1/views/by_id/rows?format=csv", 200),
            ("/v1/status", 200), ("/v1/views/by_id/rows?limit=1", 200),
        ] {
            try client.send("GET", path)
            let answer = try client.answer()
            #expect(answer.isWhole && answer.status == status, "\(path): \(answer.status)")
        }
        // Both at once, one after the other.
        try client.send("GET", "/v1/views/by_id/rows?limit=1")
        try client.send("GET", "/v1/views/by_id/rows?limit=2")
        #expect(try client.answer().rows.count == 1)
        #expect(try client.answer().rows.count == 2)
    }

    /// Rows that are on their way cannot be asked for again: the answer ends early, and shows it.
    @Test func aConnectionThatIsLostInTheMidstOfRowsCutsTheAnswer() throws {
        let pipeline = try makePipeline(rows: 60_000)
        let (process, address) = try pipeline.serve("serve", ["--set", "serve.connections=1"])
        defer { process.kill(SIGKILL) }
        let client = try HTTPClient(address, receiveBuffer: 4_096)
        try client.send("GET", "/v1/views/by_id/rows", ["Accept": "application/x-ndjson"])
        #expect(try client.head().status == 200)
        try pipeline.connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'parallax serve'")
        var ended = false
        while let chunk = try client.chunk(), !ended { ended = chunk.isEmpty }
        #expect(!ended)
        #expect(try HTTPClient.get(address, "/v1/views/by_id/rows?limit=5").rows.count == 5)
    }

    /// `serve.request_timeout` is for the time until an answer begins. A stream goes on for as long as its client takes, and ends whole.
    @Test func aStreamMayTakeLongerThanARequest() throws {
        let pipeline = try makePipeline(rows: 60_000)
        let (process, address) = try pipeline.serve("serve", ["--set", "serve.request_timeout=2s"])
        defer { process.kill(SIGKILL) }
        var client = try HTTPClient(address, receiveBuffer: 4_096)
        // On a slow machine the first ones may take too long to begin.
        #expect(
            try becomesTrue {
                client = try HTTPClient(address, receiveBuffer: 4_096)
                try client.send("GET", "/v1/views/by_id/rows", ["Accept": "application/x-ndjson"])
                return try client.head().status == 200
            })
        // Its rows wait for us; the deadline of a request, with all that is added to it, passes meanwhile.
        #expect(
            try becomesTrue {
                try pipeline.value(
                    """
                    SELECT count(*) FROM pg_stat_activity
                    WHERE application_name = 'parallax serve' AND xact_start < clock_timestamp() - interval '6 s'
                    """) == 1
            })
        var (lines, isWhole) = (0, false)
        while !isWhole, let chunk = try client.chunk() {
            lines += chunk.count { $0 == UInt8(ascii: "\n") }
            isWhole = chunk.isEmpty
        }
        #expect(isWhole && lines == 60_000)
    }

    /// A page in a browser on this machine reaches us under a name of its own site's that means 127.0.0.1.
    @Test func aNameOfAnotherSiteIsNotAnswered() throws {
        let pipeline = try makePipeline()
        let (process, address) = try pipeline.serve()
        defer { process.kill(SIGKILL) }
        for host in ["evil.example", "evil.example:8321", "127.0.0.1.evil.example", "", "[::2]"] {
            let answer = try HTTPClient.get(address, "/v1/views", ["Host": host])
            #expect(answer.status == 403 && answer.code == "cross_origin", "\(host): \(answer.status) \(answer.text)")
        }
        for host in ["localhost", "localhost:8321", "127.0.0.1", "[::1]", "[::1]:80"] {
            #expect(try HTTPClient.get(address, "/v1/views", ["Host": host]).status == 200, "\(host)")
        }
        #expect(try HTTPClient.get(address, "/healthz", ["Host": "evil.example"]).status == 200)
    }

    /// Rows stream: a client that goes away, or stops reading, holds nothing for long.
    @Test func aClientThatGoesAwayEndsItsQuery() throws {
        let pipeline = try makePipeline(rows: 60_000)
        let (process, address) = try pipeline.serve("serve", ["--set", "serve.connections=1"])
        defer { process.kill(SIGKILL) }
        let whole = try HTTPClient.get(address, "/v1/views/by_id/rows", ["Accept": "application/x-ndjson"])
        #expect(whole.isWhole && whole.text.split(separator: "\n").count == 60_000)
        for _ in 0..<3 {
            var rude: HTTPClient? = try HTTPClient(address, receiveBuffer: 4_096)
            try rude?.send("GET", "/v1/views/by_id/rows", ["Accept": "application/x-ndjson"])
            #expect(try rude?.head().status == 200)
            rude = nil
            // The one connection is free again for the next.
            #expect(try HTTPClient.get(address, "/v1/views/by_id/rows?limit=5").rows.count == 5)
        }
        // While it waits for a lock, too.
        let holder = try Connection(pipeline.dsn)
        try holder.execute("BEGIN; LOCK TABLE parallax.published IN ACCESS EXCLUSIVE MODE")
        let waiting = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'parallax serve' AND wait_event_type = 'Lock'"
        var impatient: HTTPClient? = try HTTPClient(address)
        try impatient?.send("GET", "/v1/views/by_id/rows")
        #expect(becomesTrue { (try? pipeline.value(waiting)) == 1 })
        impatient = nil
        #expect(becomesTrue { (try? pipeline.value(waiting)) == 0 })
        try holder.execute("COMMIT")
        #expect(try HTTPClient.get(address, "/v1/views/by_id/rows?limit=5").rows.count == 5)
    }

    @Test func anAnswerThatTakesTooLongIsCutWithAWord() throws {
        let pipeline = try makePipeline()
        let (process, address) = try pipeline.serve(
            "serve", ["--set", "serve.request_timeout=300ms", "--set", "serve.connections=1", "--set", "serve.max_waiting=1"])
        defer { process.kill(SIGKILL) }
        #expect(becomesTrue { (try? HTTPClient.get(address, "/v1/views/by_id/rows").status) == 200 })
        let holder = try Connection(pipeline.dsn)
        try holder.execute("BEGIN; LOCK TABLE parallax.published IN ACCESS EXCLUSIVE MODE")
        let late = try HTTPClient.get(address, "/v1/views/by_id/rows")
        #expect(late.status == 504 && late.code == "statement_timeout", "\(late.text)")
        // An answer that streams has no end in time, but a first row.
        let stream = try HTTPClient.get(address, "/v1/views/by_id/rows", ["Accept": "text/csv"])
        #expect(stream.status == 504 && stream.code == "statement_timeout", "\(stream.text)")
        // With the only connection busy and the line full, the answer is "busy", at once.
        let clients = try (0..<8).map { _ in try HTTPClient(address) }
        for client in clients { try client.send("GET", "/v1/views/by_id/rows") }
        let codes = try clients.map { try $0.answer().code ?? "" }
        #expect(codes.contains("busy"), "\(codes)")
        try holder.execute("COMMIT")
        #expect(becomesTrue { (try? HTTPClient.get(address, "/v1/views/by_id/rows").status) == 200 })
    }

    /// A client for whom there is no open file left waits until another one goes.
    @Test func aServerTakesNoMoreClientsThanItMayOpenFiles() throws {
        let pipeline = try makePipeline()
        let process = try Program.start(
            ["serve", "--pipeline", pipeline.path], environment: ["PARALLAX_SERVE_LISTEN": "127.0.0.1:0"], openFiles: 200)
        let address = try pipeline.address("api", of: process)
        // Half of them are for clients. All of these at once would be too many.
        var clients = try (0..<250).map { _ in try HTTPClient(address) }
        for client in clients { try client.send("GET", "/v1/views/by_id/rows?limit=1") }
        while !clients.isEmpty {
            let some = clients.prefix(90)
            for client in some { #expect(try client.answer().status == 200) }
            clients.removeFirst(some.count)
        }
        process.kill(SIGTERM)
        let ended = process.wait()
        #expect(
            ended.status == 0 && ended.errors.contains("this process may open 200 files") && ended.errors.contains("clients=100"),
            "\(ended)")
    }

    @Test func bytesThatAreNoHTTPHurtNobody() throws {
        let pipeline = try makePipeline()
        let (process, address) = try pipeline.serve()
        defer { process.kill(SIGKILL) }
        var generator = SeededGenerator(seed: 20_261_127)
        for text in [
            "\0\0\0\0\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/9.9\r\n\r\n",
            "GET / HTTP/1.1\r\nA: " + String(repeating: "b", count: 100_000) + "\r\n\r\n", "POST / HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
        ] {
            let client = try HTTPClient(address)
            try? client.send(Data(text.utf8))
            try? client.send(Data((0..<100).map { _ in UInt8.random(in: 0...255, using: &generator) }))
        }
        #expect(try HTTPClient.get(address, "/v1/views/by_id/rows").rows.count == 10)
    }
}

/// What the documentation says of the API.
@Suite struct APIDocumentationTests {
    static func text(_ path: String) throws -> String {
        try String(contentsOfFile: URL(fileURLWithPath: #filePath).deletingLastPathComponent().path + "/../../" + path, encoding: .utf8)
    }

    @Test func theReferenceListsTheRoutesThatAreServed() throws {
        let routes = try Program.run(["openapi", "--markdown"])
        #expect(routes.status == 0)
        let reference = try Self.text("docs/reference/api.md")
        #expect(
            reference.hasSuffix("## Routes\n\n" + routes.output),
            "docs/reference/api.md ends with what `parallax openapi --markdown` prints; put it there")
    }

    /// The guide's commands, as they stand there but for the port.
    @Test func theGuidesExamplesRun() throws {
        let pipeline = try TestPipeline.demo()
        try pipeline.run("generate", "page_view", "--count", "2000")
        try pipeline.run("speed", "--until-caught-up")
        try pipeline.run("batch", "run")
        let (process, address) = try pipeline.serve()
        defer { process.kill(SIGKILL) }
        let section = try #require(try Self.text("docs/guide.md").components(separatedBy: "## Reading from programs\n").last)
        let blocks = section.components(separatedBy: "```").enumerated().filter { $0.offset % 2 == 1 }.map(\.element)
        #expect(blocks.count >= 4)
        for block in blocks {
            let language = block.prefix { $0 != "\n" }
            let code = block.dropFirst(language.count).replacing("127.0.0.1:8321", with: address)
            switch language {
            case "sh":
                for line in code.split(separator: "\n") {
                    #expect(line.hasPrefix("curl -s '") && !line.contains("|"))
                    let path = line.dropFirst("curl -s '".count).prefix { $0 != "'" }.dropFirst("http://\(address)".count)
                    let accept = line.firstMatch(of: /-H 'Accept: ([^']+)'/).map { ["Accept": String($0.1)] } ?? [:]
                    let answer = try HTTPClient.get(address, String(path), accept)
                    #expect(answer.status == 200 || (line.contains("max_staleness") && answer.status == 503), "\(line): \(answer.text)")
                }
            case "python":
                #expect(try Python.run(String(code)).split(separator: "\n").count > 0)
            case "js":
                if let trouble = Node.trouble {
                    print("not run: \(trouble)")
                } else if code.contains("new EventSource") {
                    let count = try pipeline.value("SELECT count(*) FROM serving.traffic_by_page")
                    let said = try Node.run(
                        """
                        const EventSource = require("eventsource");
                        \(code)
                        setInterval(() => { if (rows.size === \(count)) { console.log(rows.size); process.exit(0); } }, 20);
                        """)
                    #expect(said == "\(count)\n")
                } else {
                    #expect(try Node.run("(async () => {\(code)})()").contains("10 rows, run 1"))
                }
            default: Issue.record("an example in \(language)")
            }
        }
    }
}
