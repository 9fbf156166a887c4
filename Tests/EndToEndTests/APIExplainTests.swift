import Foundation
import ParallaxCore
import TestSupport
import Testing

/// What a row is made of, over HTTP and on the command line.
@Suite(.serialized) struct APIExplainTests {
    private static let path = "/v1/views/v/rows/explain"

    /// Published rows of two minutes, and live ones.
    private func makePipeline() throws -> TestPipeline {
        let pipeline = try TestPipeline(sql: LivePipeline.sql, configuration: "log:\n  partitions: 2\nbatch:\n  interval: 0\n")
        // With a copy, and with what is no event.
        let lines = ((0..<40) + [10]).map { LivePipeline.line($0, minute: $0 % 2) } + ["{\"no event\": 1}"]
        try pipeline.ingest("ev", lines.joined(separator: "\n"))
        try pipeline.run("speed", "--until-caught-up")
        try pipeline.run("batch", "run")
        try pipeline.ingest("ev", (40..<50).map { LivePipeline.line($0, minute: $0 % 2) }.joined(separator: "\n"))
        try pipeline.run("speed", "--until-caught-up")
        return pipeline
    }

    private func question(_ key: String = "a", minute: String = "2026-01-10T00:00:00Z") -> String {
        "k=\(key.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? "")&minute=\(minute)"
    }

    /// Of both layers, in pages, with what a token may see.
    @Test func aRowIsExplainedOverHTTP() throws {
        let pipeline = try makePipeline()
        let (process, address) = try pipeline.serve()
        defer { process.kill(SIGKILL) }
        let answer = try HTTPClient.get(address, "\(Self.path)?\(question())")
        #expect(answer.status == 200, "\(answer.text)")
        let object = answer.object
        let row = try #require(object["row"] as? [String: Any])
        let events = try #require(object["events"] as? [[String: Any]])
        let totals = try #require(object["totals"] as? [String: Int])
        // Of 0, 10, 20, 30 and 40, in the first minute, with the key a.
        #expect(row["events"] as? Int == 5 && row["total"] as? Int == 100 && row["minute"] as? String == "2026-01-10T00:00:00Z", "\(row)")
        #expect((object["batch_rows"] as? [[String: Any]])?.first?["events"] as? Int == 4)
        #expect((object["live_rows"] as? [[String: Any]])?.first?["events"] as? Int == 1)
        #expect(totals["batch"] == 4 && totals["live"] == 1 && totals["copies"] == 1 && object["complete"] as? Bool == true, "\(totals)")
        #expect(
            object["live_share"] as? Double == 0.2 && object["run"] as? Int == 1
                && (object["definition"] as? String)?.contains("tumble") == true)
        #expect(events.filter { $0["counted"] as? Bool == true }.count == 5)
        let numbers = try events.filter { $0["counted"] as? Bool == true }.map { event -> Int in
            let payload = try #require(event["payload"] as? String)
            let parsed = try JSONSerialization.jsonObject(with: Data(payload.utf8)) as? [String: Any]
            return try #require(parsed?["n"] as? Int)
        }
        #expect(numbers.sorted() == [0, 10, 20, 30, 40])
        let slices = try #require(object["slices"] as? [[String: Any]])
        #expect(slices.contains { $0["in_row"] as? Bool == true } && slices.count == 2, "\(slices)")

        // Pages.
        var (paged, next): ([[String: Any]], String?) = ([], nil)
        repeat {
            let page = try HTTPClient.get(address, "\(Self.path)?\(question())&limit=2" + (next.map { "&cursor=\($0)" } ?? ""))
            #expect(page.status == 200, "\(page.text)")
            paged += page.object["events"] as? [[String: Any]] ?? []
            next = page.object["next"] as? String
        } while next != nil && paged.count < 20
        #expect((paged as NSArray).isEqual(to: events as [Any]), "\(paged)")

        // A view without windows; a key that only a parameter survives.
        let quoted = try HTTPClient.get(
            address, "/v1/views/by_k/rows/explain?filter.k=\("é, \"q\"".addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? "")"
        )
        #expect(quoted.status == 200 && (quoted.object["row"] as? [String: Any])?["events"] as? Int == 10, "\(quoted.text)")
        try hostileQuestions(address)
        try tokens(pipeline, address)
    }

    private func hostileQuestions(_ address: String) throws {
        for (query, status, code) in [
            ("", 400, "invalid_request"), ("k=a", 400, "invalid_request"), (question("none"), 404, "not_found"),
            ("x=1", 400, "unknown_column"), ("events=1", 400, "invalid_request"), (question() + "&limit=0", 400, "invalid_value"),
            (question() + "&limit=9999", 400, "invalid_value"), (question() + "&cursor=x", 400, "invalid_cursor"),
            (question() + "&k=b", 400, "invalid_request"), (question() + "&filter.k=b", 400, "invalid_request"),
            (question(minute: "soon%27%3B%20--"), 400, "invalid_request"), ("null=k&minute=2026-01-10T00:00:00Z", 404, "not_found"),
            (question(minute: String(repeating: "9", count: 4_000)), 400, "invalid_request"),
        ] {
            let answer = try HTTPClient.get(address, "\(Self.path)?\(query)")
            #expect(answer.status == status && answer.code == code, "\(query.prefix(100)): \(answer.status) \(answer.text)")
        }
        let several = try HTTPClient.get(address, "\(Self.path)?k=a")
        #expect(several.object["hint"] as? String == "say minute, too" && several.text.contains("2026-01-10"), "\(several.text)")
        let onTop = try HTTPClient.get(address, "/v1/views/newest/rows/explain?k=a")
        #expect(onTop.status == 400 && (onTop.object["hint"] as? String)?.hasSuffix("reads: v") == true, "\(onTop.text)")
        #expect(try HTTPClient.get(address, "/v1/views/none/rows/explain").status == 404)
        let other = try HTTPClient.get(address, "\(Self.path)?\(question())&limit=1")
        let cursor = try #require(other.object["next"] as? String)
        let foreign = try HTTPClient.get(
            address,
            "\(Self.path)?\(question(minute: "2026-01-10T00:01:00Z").replacingOccurrences(of: "k=a", with: "k=b"))&cursor=\(cursor)")
        #expect(foreign.status == 409, "\(foreign.text)")
    }

    private func tokens(_ pipeline: TestPipeline, _ address: String) throws {
        func token(_ arguments: String...) throws -> String {
            let made = try Program.run(["token", "create", "--pipeline", pipeline.path] + arguments)
            #expect(made.status == 0, "\(made.errors)")
            return made.output.trimmingCharacters(in: .newlines)
        }
        let reader = try token("--name", "reader", "--scope", "read")
        let trusted = try token("--name", "trusted", "--scope", "read", "--scope", "payloads")
        let blind = try token("--name", "blind", "--scope", "read", "--view", "by_k")
        func ask(_ token: String) throws -> HTTPClient.Answer {
            try HTTPClient.get(address, "\(Self.path)?\(question())", ["Authorization": "Bearer \(token)"])
        }
        #expect(becomesTrue { (try? HTTPClient.get(address, "\(Self.path)?\(question())").status) == 401 })
        let plain = try ask(reader)
        #expect(plain.status == 200 && !plain.text.contains("payload") && !plain.text.contains("25}"), "\(plain.text)")
        #expect((plain.object["events"] as? [[String: Any]])?.count ?? 0 >= 5)
        #expect(try ask(trusted).text.contains("\\\"id\\\":10"))
        #expect(try ask(blind).status == 404)
    }

    /// A server on a machine without the archive says so, and what it knows of the row.
    @Test func whereTheArchiveIsNotTheRowIsToldAllTheSame() throws {
        let pipeline = try makePipeline()
        let (process, address) = try pipeline.serve()
        defer { process.kill(SIGKILL) }
        try FileManager.default.moveItem(atPath: pipeline.path + "/.parallax/archive", toPath: pipeline.path + "/.parallax/archive.away")
        let answer = try HTTPClient.get(address, "\(Self.path)?\(question())")
        #expect(answer.status == 501 && answer.code == "events_not_here" && answer.object["hint"] is String, "\(answer.text)")
        let explained = try #require(answer.object["explained"] as? [String: Any])
        #expect((explained["row"] as? [String: Any])?["events"] as? Int == 5 && explained["run"] as? Int == 1, "\(explained)")
    }

    /// As people and scripts ask.
    @Test func theCommandExplainsARow() throws {
        let pipeline = try makePipeline()
        let which = ["--where", "k = a AND minute = 2026-01-10 00:00Z"]
        let table = try pipeline.run("explain", "v", which[0], which[1])
        #expect(table.output.contains("4 published and 1 live make the row, 20 % of them live"), "\(table.output)")
        #expect(table.output.contains("tumble(t") && table.output.contains("by run 1"), "\(table.output)")

        let lines = try pipeline.run("explain", "v", "--where", "k = 'a'", "--where", "minute = '2026-01-10 00:00Z'", "--events-only")
            .output
        #expect(lines.split(separator: "\n").count == 5)
        // Piped into PostgreSQL they are the row.
        try pipeline.connection.execute("CREATE TEMP TABLE line (e jsonb)")
        for line in lines.split(separator: "\n") {
            try pipeline.connection.query("INSERT INTO line VALUES ($1::jsonb)", [.text(String(line))])
        }
        #expect(
            try pipeline.connection.query(
                "SELECT sum(((e->>'payload')::jsonb->>'n')::bigint) = (SELECT total FROM serving.v WHERE k = 'a' AND minute = '2026-01-10 00:00Z') FROM line"
            )
            .rows[0].bool(0))

        let first = try pipeline.run("explain", "v", which[0], which[1], "--limit", "2")
        let cursor = try #require(first.output.split(separator: "\n").last { $0.hasPrefix("more: --after ") }?.split(separator: " ").last)
        let second = try pipeline.run("explain", "v", which[0], which[1], "--limit", "100", "--after", String(cursor), "--json")
        let object = try #require(JSONSerialization.jsonObject(with: Data(second.output.utf8)) as? [String: Any])
        let totals = try #require(object["totals"] as? [String: Int])
        #expect((object["events"] as? [Any])?.count == totals.values.reduce(0, +) - 2)

        for (arguments, status, words) in [
            (["explain", "v"], Int32(65), "several rows"), (["explain", "none"], 64, "no view"), (["explain", "newest"], 64, "reads: v"),
            (["explain", "v", "--where", "k > 3"], 64, "--where"), (["explain", "v", "--where", "total = 3"], 64, "names no row"),
            (["explain", "v", "--where", "k = nobody", "--where", "minute = 2026-01-10 00:00Z"], 66, "no row"),
            (["explain", "v", "--where", "minute = soon"], 65, "invalid input syntax"), (["explain", "v", "--after", "x"], 64, "--after"),
        ] {
            let result = try Program.run(arguments + ["--pipeline", pipeline.path])
            #expect(result.status == status && result.errors.contains(words), "\(arguments): \(result.status) \(result.errors)")
        }
        let stopped = try pipeline.run("explain", "v", which[0], which[1], "--max-records", "1")
        #expect(stopped.errors.contains("the search stopped after"), "\(stopped.errors)")
    }
}
