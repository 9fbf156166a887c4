import Foundation
import Glibc
import Postgres
import TestSupport
import Testing

/// Runs, rejected records and the audit over HTTP, against a running `parallax serve`.
@Suite(.serialized) struct APIControlTests {
    static let source = CLIChangeTests.source("id uuid, at timestamptz, page text")
    static func byPage(_ options: String = "") -> String {
        "CREATE MATERIALIZED VIEW by_page\(options) AS SELECT tumble(at, '1 minute') AS minute, page, count(*) AS n FROM visit GROUP BY minute, page;"
    }

    static func pipeline(_ options: String = "") throws -> TestPipeline {
        try TestPipeline(sql: source + byPage(options), configuration: CLIChangeTests.configuration)
    }

    static func post(_ address: String, _ path: String, _ json: String? = nil, _ headers: [String: String] = [:]) throws
        -> HTTPClient.Answer
    {
        var headers = headers
        if json != nil { headers["Content-Type"] = "application/json" }
        return try HTTPClient.get(address, path, headers, method: "POST", body: Data((json ?? "").utf8))
    }

    /// The events of a stream up to its end: name and data.
    static func events(_ address: String, _ path: String, _ headers: [String: String] = [:]) throws -> (
        headers: [String: String], events: [(name: String, object: [String: Any])]
    ) {
        let answer = try HTTPClient.get(address, path, headers)
        #expect(answer.status == 200 && answer.isWhole, "\(answer.text)")
        let events = answer.text.components(separatedBy: "\n\n").compactMap { block -> (name: String, object: [String: Any])? in
            var fields: [String: String] = [:]
            for line in block.split(separator: "\n") {
                guard let colon = line.firstIndex(of: ":"), colon != line.startIndex else { continue }
                fields[String(line[..<colon])] = String(line[line.index(after: colon)...]).trimmingCharacters(in: .whitespaces)
            }
            guard let name = fields["event"], let data = fields["data"] else { return nil }
            return (name, (try? JSONSerialization.jsonObject(with: Data(data.utf8))) as? [String: Any] ?? [:])
        }
        return (answer.headers, events)
    }

    @Test func aRunIsStartedWatchedAndShown() throws {
        let pipeline = try Self.pipeline()
        try pipeline.ingest("visit", CLIChangeTests.lines(0..<600))
        let (process, address) = try pipeline.serve()
        defer { process.kill(SIGKILL) }
        #expect(try (HTTPClient.get(address, "/v1/runs").object["runs"] as? [Any])?.isEmpty == true)

        let started = try Self.post(address, "/v1/runs", #"{"source": "visit", "full": true}"#)
        #expect(started.status == 202 && started.headers["location"] == "/v1/runs/1", "\(started.text)")
        #expect(started.object["run"] as? Int == 1)
        let (headers, events) = try Self.events(address, "/v1/runs/1/progress")
        #expect(headers["content-type"] == "text/event-stream" && headers["cache-control"] == "no-store")
        #expect(headers["x-accel-buffering"] == "no")
        let end = try #require(events.last)
        #expect(end.name == "end" && end.object["state"] as? String == "published", "\(events)")
        // Whatever the moment at which it was looked, the last word before the end has every phase up to the publication, with its records.
        let phases = events.last { $0.name == "progress" }?.object["phases"] as? [[String: Any]] ?? []
        let names = phases.compactMap { $0["phase"] as? String }
        #expect(names.starts(with: ["waiting", "archiving"]) && names.contains("computing") && names.contains("publishing"), "\(names)")
        #expect(phases.first { $0["phase"] as? String == "archiving" }?["records"] as? Int == 600, "\(phases)")
        #expect(try HTTPClient.get(address, "/v1/runs/1/progress", ["Last-Event-ID": "end"]).status == 204)

        // The same object as the command's. A published run still cleans up: the seconds that this took come last.
        #expect(becomesTrue { (try? pipeline.value("SELECT count(*) FROM parallax.run WHERE statistics::text LIKE '%cleaning%'")) == 1 })
        let shown = try HTTPClient.get(address, "/v1/runs/1")
        let command = try pipeline.run("batch", "show", "1", "--json").output
        let expected = try #require(JSONSerialization.jsonObject(with: Data(command.utf8)) as? NSDictionary)
        #expect(shown.object as NSDictionary == expected)
        let rows = try HTTPClient.get(address, "/v1/views/by_page/rows?columns=n").rows
        #expect(rows.compactMap { $0["n"] as? Int }.reduce(0, +) == 600)
        #expect(try (HTTPClient.get(address, "/v1/runs?source=visit&limit=1").object["runs"] as? [Any])?.count == 1)

        #expect(try HTTPClient.get(address, "/v1/runs/7").status == 404)
        #expect(try HTTPClient.get(address, "/v1/runs/x/progress").status == 404)
        #expect(try HTTPClient.get(address, "/v1/runs?source=vist").object["hint"] as? String == "did you mean \"visit\"?")
        #expect(try Self.post(address, "/v1/runs", #"{"source": "vist"}"#).status == 404)
        #expect(try Self.post(address, "/v1/runs", #"{"full": true}"#).object["detail"] as? String == "\"source\" is missing")
        #expect(try Self.post(address, "/v1/runs", "{").status == 400)
        #expect(try HTTPClient.get(address, "/v1/runs", method: "POST", body: Data(#"{"source":"visit"}"#.utf8)).status == 415)
        // A page of another site, in the browser of somebody on this machine.
        #expect(try Self.post(address, "/v1/runs", #"{"source": "visit"}"#, ["Origin": "http://evil.example"]).code == "cross_origin")
        #expect(try pipeline.value("SELECT count(*) FROM parallax.run") == 1)
    }

    /// A run of another process: what the catalog knows of it is told, and its end.
    @Test func aRunOfAnotherProcessIsWatchedAndHasItsSource() throws {
        let pipeline = try Self.pipeline()
        try pipeline.ingest("visit", CLIChangeTests.lines(0..<600))
        let (process, address) = try pipeline.serve()
        defer { process.kill(SIGKILL) }
        // Whoever publishes waits for this row.
        try pipeline.connection.execute("BEGIN; SELECT FROM parallax.published FOR UPDATE")
        let run = try pipeline.start("batch", "run")
        let other = try Connection(pipeline.dsn)
        #expect(becomesTrue { (try? other.value("SELECT count(*) FROM parallax.run WHERE state <> 'requested'")) == 1 })
        let refused = try Self.post(address, "/v1/runs", #"{"source": "visit"}"#)
        #expect(refused.status == 409 && refused.code == "busy" && refused.headers["retry-after"] != nil, "\(refused.text)")
        let client = try HTTPClient(address)
        try client.send("GET", "/v1/runs/1/progress")
        #expect(try client.head().status == 200)
        var text = ""
        while !text.contains("event: progress"), let chunk = try client.chunk(), !chunk.isEmpty {
            text += String(decoding: chunk, as: UTF8.self)
        }
        #expect(text.contains(#""phases":null"#), "\(text)")
        try pipeline.connection.execute("COMMIT")
        while let chunk = try client.chunk(), !chunk.isEmpty { text += String(decoding: chunk, as: UTF8.self) }
        #expect(text.contains("event: end") && text.contains(#""state":"published""#), "\(text)")
        #expect(run.wait().status == 0)
    }

    /// The server's end ends streams at once, and a run under way unpublished.
    @Test func streamsAndRunsEndWithTheServer() throws {
        let pipeline = try Self.pipeline()
        try pipeline.ingest("visit", CLIChangeTests.lines(0..<600))
        let (process, address) = try pipeline.serve()
        // Whoever publishes waits for this row.
        try pipeline.connection.execute("BEGIN; SELECT FROM parallax.published FOR UPDATE")
        let started = try Self.post(address, "/v1/runs", #"{"source": "visit"}"#)
        #expect(started.status == 202)
        let client = try HTTPClient(address)
        try client.send("GET", "/v1/runs/1/progress")
        #expect(try client.head().status == 200)
        process.kill(SIGTERM)
        // The stream ends in order; the run cannot before we let it.
        var last: Data?
        while let chunk = try client.chunk() {
            last = chunk
            if chunk.isEmpty { break }
        }
        #expect(last?.isEmpty == true)
        try pipeline.connection.execute("COMMIT")
        #expect(process.wait().status == 0)
        let state = try #require(pipeline.connection.query("SELECT state FROM parallax.run").rows.first)[0]
        #expect(state == "published" || state == "failed")
    }

    @Test func aPersonDecidesOverHTTPAndTheAuditSaysWho() throws {
        let pipeline = try Self.pipeline(" WITH (max_drift = '5%')")
        try pipeline.ingest("visit", CLIChangeTests.lines(10_000..<10_600))
        try pipeline.run("speed", "--until-caught-up")
        // More than an hour behind: left to the batch layer.
        try pipeline.ingest("visit", CLIChangeTests.lines(0..<98))
        try pipeline.run("speed", "--until-caught-up")
        try pipeline.run("batch", "run", expecting: 1)
        let (process, address) = try pipeline.serve()
        defer { process.kill(SIGKILL) }
        #expect(try HTTPClient.get(address, "/v1/runs/1").object["state"] as? String == "held")
        let refused = try Self.post(address, "/v1/runs", #"{"source": "visit"}"#)
        #expect(refused.status == 409 && refused.headers["retry-after"] == nil, "\(refused.text)")
        #expect(try Self.post(address, "/v1/runs/1/revert").status == 409)
        let discarded = try Self.post(address, "/v1/runs/1/discard")
        #expect(discarded.status == 200, "\(discarded.text)")
        #expect((discarded.object["run"] as? [String: Any])?["state"] as? String == "discarded")
        let again = try Self.post(address, "/v1/runs/1/discard")
        #expect(again.status == 409 && again.code == "conflict", "\(again.text)")
        #expect(try Self.post(address, "/v1/runs/9/publish").status == 404)

        try pipeline.run("batch", "run", expecting: 1)
        #expect(try Self.post(address, "/v1/runs/2/publish", nil, ["Origin": "http://evil.example"]).status == 403)
        #expect(try pipeline.value("SELECT count(*) FROM parallax.publication") == 0)
        #expect(try Self.post(address, "/v1/runs/2/publish").status == 200)
        #expect(try pipeline.value("SELECT sum(n)::bigint FROM serving.by_page") == 698)
        try pipeline.ingest("visit", CLIChangeTests.lines(10_600..<10_700))
        try pipeline.run("speed", "--until-caught-up")
        try pipeline.run("batch", "run")
        // By a command: the same audit.
        try pipeline.run("batch", "revert", "2")

        let entries = try #require(try HTTPClient.get(address, "/v1/audit").object["entries"] as? [[String: Any]])
        #expect(entries.compactMap { $0["action"] as? String } == ["revert", "publish", "discard"])
        #expect(
            entries.compactMap { $0["subject"] as? String }
                == ["run 2 of source visit", "run 2 of source visit", "run 1 of source visit"])
        #expect(
            entries.dropFirst().allSatisfy { $0["caller"] as? String == "anonymous" && $0["place"] as? String == "127.0.0.1" }, "\(entries)"
        )
        #expect((entries.first?["caller"] as? String)?.hasPrefix("cli:") == true)
        let number = try #require(entries.first?["number"] as? Int)
        #expect(try (HTTPClient.get(address, "/v1/audit?before=\(number)&limit=1").object["entries"] as? [[String: Any]])?.count == 1)
        // What a run publishes by itself is no person's word.
        #expect(try pipeline.value("SELECT count(*) FROM parallax.audit") == 3)
    }

    @Test func rejectedRecordsAreCountedAndTheirPayloadsAreForThoseWhoMaySeeThem() throws {
        let pipeline = try Self.pipeline()
        try pipeline.ingest("visit", CLIChangeTests.lines(0..<10) + "{\"id\":\"ada@example.com\"}\n[1]\nno json\n")
        try pipeline.run("speed", "--until-caught-up")
        let may = try pipeline.run("token", "create", "--scope", "read", "--scope", "payloads").output.trimmingCharacters(in: .newlines)
        let mayNot = try pipeline.run("token", "create").output.trimmingCharacters(in: .newlines)
        let (process, address) = try pipeline.serve()
        defer { process.kill(SIGKILL) }
        let full = try HTTPClient.get(address, "/v1/sources/visit/rejected", ["Authorization": "Bearer \(may)"])
        #expect(full.status == 200 && full.text.contains("ada@example.com"), "\(full.text)")
        let counts = try #require(full.object["counts"] as? [[String: Any]])
        #expect(counts.compactMap { $0["count"] as? Int }.reduce(0, +) == 3)
        #expect(counts.contains { $0["reason"] as? String == "malformed_json" && $0["view"] is NSNull })
        let bare = try HTTPClient.get(address, "/v1/sources/visit/rejected", ["Authorization": "Bearer \(mayNot)"])
        #expect(bare.status == 200 && !bare.text.contains("ada@"), "\(bare.text)")
        #expect((bare.object["records"] as? [[String: Any]])?.count == 3)
        let sources =
            try HTTPClient.get(address, "/v1/sources", ["Authorization": "Bearer \(mayNot)"]).object["sources"] as? [[String: Any]]
        #expect(sources?.first?["rejected"] as? Int == 3 && sources?.first?["events"] as? Int == 10, "\(sources ?? [])")
        #expect(try HTTPClient.get(address, "/v1/sources/other/rejected", ["Authorization": "Bearer \(mayNot)"]).status == 404)
    }
}
