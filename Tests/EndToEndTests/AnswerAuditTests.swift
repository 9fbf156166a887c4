import Foundation
import Glibc
import ParallaxCore
import Postgres
import TestSupport
import Testing

/// A sample of answers is kept, and says after a run how wrong they were, by how old their windows were.
@Suite(.serialized) struct AnswerAuditTests {
    private static let sql = """
        CREATE FOREIGN TABLE ev (id bigint, t timestamptz, k text, n bigint) SERVER parallax
        OPTIONS (event_id 'id', event_time 't', out_of_orderness '0 seconds', lateness '1 hour');
        CREATE MATERIALIZED VIEW v AS
        SELECT tumble(t, '1 minute') AS minute, k, count(*) AS events, sum(n) AS total, max(k) AS name FROM ev GROUP BY minute, k;
        CREATE MATERIALIZED VIEW by_k AS SELECT k, count(*) AS events FROM ev GROUP BY k;
        """
    private static let configuration = "log:\n  partitions: 1\nspeed:\n  flush_interval: 20ms\nbatch:\n  interval: 0\n"
    private static let metrics = "serve.metrics_listen=127.0.0.1:0"

    private final class Events {
        let pipeline: TestPipeline
        private var id = 0
        init(_ pipeline: TestPipeline) { self.pipeline = pipeline }

        /// So many events of a key in the window that holds an instant.
        func add(_ count: Int, _ key: String, at instant: Int, n: Int = 1) throws {
            let time = Instant(microseconds: Int64(instant) * 1_000_000).text
            let lines = (0..<count).map { "{\"id\":\(id + $0),\"t\":\"\(time)\",\"k\":\"\(key)\",\"n\":\(n)}" }
            id += count
            try pipeline.ingest("ev", lines.joined(separator: "\n"))
        }

        func flush() throws { try pipeline.run("speed", "--until-caught-up") }
    }

    private func rows(_ address: String, _ query: String = "") throws -> HTTPClient.Answer {
        let answer = try HTTPClient.get(address, "/v1/views/v/rows" + query)
        guard answer.status == 200 else { throw HTTPClientError("\(answer.status) \(answer.text)") }
        return answer
    }

    private func waitForKept(_ count: Int64, _ pipeline: TestPipeline) throws {
        try waitUntil("\(count) answers are kept") { try pipeline.value("SELECT count(*) FROM parallax.served_answer") == count }
    }

    private func figure(_ pipeline: TestPipeline, _ process: Program.Running, _ sample: String) throws -> Double? {
        let address = try pipeline.address("metrics", of: process)
        return try HTTPClient.get(address, "/metrics").text.split(separator: "\n").first { $0.hasPrefix(sample + " ") }
            .flatMap { Double($0.dropFirst(sample.count + 1)) }
    }

    /// By age: answers, rows, missing, surplus; and by output: values, exact share, mean, p50, p99.
    private func curve(_ object: [String: Any]) -> [String: [String]] {
        func text(_ value: Any?) -> String {
            guard let number = value as? NSNumber else { return "null" }
            return "\((number.doubleValue * 10_000).rounded() / 10_000)"
        }
        var curve: [String: [String]] = [:]
        for bucket in object["ages"] as? [[String: Any]] ?? [] {
            var lines = [["answers", "rows", "missing", "surplus"].map { text(bucket[$0]) }.joined(separator: " ")]
            for output in bucket["outputs"] as? [[String: Any]] ?? [] {
                let figures = ["values", "exact_share", "mean_error", "p50_error", "p99_error"].map { text(output[$0]) }
                lines.append("\(output["output"] ?? ""): " + figures.joined(separator: " "))
            }
            curve[bucket["age"] as? String ?? ""] = lines
        }
        return curve
    }

    @Test func theCurveIsThatOfTheEventsThatCameLater() throws {
        let pipeline = try TestPipeline(sql: Self.sql, configuration: Self.configuration)
        let events = Events(pipeline)
        let now = Int(Date().timeIntervalSince1970)
        // Far from where one age becomes the next, however slow the machine is.
        let (halfAnHour, hours, days) = (now - 1_800, now - 5 * 3_600, now - 3 * 86_400)
        try events.add(5, "a", at: days, n: 2)
        try events.add(10, "a", at: hours)
        try events.add(4, "a", at: halfAnHour)
        try events.add(2, "b", at: halfAnHour)
        // Up to here everything is believed seen; its own window is not over.
        try events.add(1, "z", at: now - 120)
        try events.flush()
        try pipeline.run("batch", "run")
        let (process, address) = try pipeline.serve("serve", ["--set", "serve.audit_sample=100%"])
        defer { process.kill(SIGKILL) }
        #expect(try rows(address).rows.count == 5)
        let from = Instant(microseconds: Int64(hours - 60) * 1_000_000).text
        // Behind the columns stand those that a cursor needs: rows can be told apart all the same.
        #expect(try rows(address, "?from=\(from)&columns=events,total").rows.count == 4)
        try waitForKept(2, pipeline)
        // Before anything is known to be otherwise, the live rows are what the batch layer has.
        let before = try pipeline.run("compare", "v", "--answers", "--format", "json").output
        let first = try #require(try JSONSerialization.jsonObject(with: Data(before.utf8)) as? [String: Any])
        #expect(first["waiting_rows"] as? Int == 2 && first["answers"] as? Int == 2, "\(before)")
        #expect(curve(first)["1d+"] == ["1.0 1.0 0.0 0.0", "events: 1.0 1.0 0.0 0.0 0.0", "total: 1.0 1.0 0.0 0.0 0.0"], "\(before)")

        // Late, and later than the speed layer takes; one group that no answer had.
        try events.add(5, "a", at: days, n: 0)
        try events.add(3, "c", at: hours)
        try events.add(1, "a", at: halfAnHour, n: 6)
        try events.flush()
        // Windows above the cut are no truth yet.
        let waiting = try pipeline.run("compare", "v", "--answers", "--format", "json").output
        let open = try #require(try JSONSerialization.jsonObject(with: Data(waiting.utf8)) as? [String: Any])
        #expect(open["waiting_rows"] as? Int == 9 && (open["ages"] as? [Any])?.isEmpty == true, "\(waiting)")
        try pipeline.run("batch", "run")
        #expect(try rows(address).rows.count == 6)
        try waitForKept(3, pipeline)

        func compared() throws -> [String: [String]] {
            let json = try pipeline.run("compare", "v", "--answers", "--format", "json").output
            let object = try #require(try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any])
            // The API, whose role may not read what is kept, says the same.
            let overHTTP = try HTTPClient.get(address, "/v1/views/v/answer-errors")
            #expect(overHTTP.status == 200 && curve(overHTTP.object) == curve(object), "\(overHTTP.text)")
            return curve(object)
        }
        var expected = [
            // a: 4 of 5 events in two of three answers, and a total of 4 of 10. b: always right.
            "10-60m": ["3.0 6.0 0.0 0.0", "events: 6.0 0.6667 0.0667 0.0 0.2", "total: 6.0 0.6667 0.2 0.0 0.6"],
            // c is in one of them.
            "1-24h": ["3.0 4.0 2.0 0.0", "events: 4.0 1.0 0.0 0.0 0.0", "total: 4.0 1.0 0.0 0.0 0.0"],
            // 5 of 10 events, and the same total.
            "1d+": ["2.0 2.0 0.0 0.0", "events: 2.0 0.5 0.25 0.0 0.5", "total: 2.0 1.0 0.0 0.0 0.0"],
        ]
        #expect(try compared() == expected)
        // Had the second one been given before the window was over …
        let end =
            "(SELECT max(window_end) FROM parallax.served_row r JOIN parallax.served_answer USING (answer_id) WHERE r.groups = '[\"b\"]')"
        try pipeline.connection.execute(
            "UPDATE parallax.served_answer SET served_at = \(end) - interval '1 second' WHERE answer_id = 2")
        expected["open"] = ["1.0 2.0 0.0 0.0", "events: 2.0 0.5 0.1 0.0 0.2", "total: 2.0 0.5 0.3 0.0 0.6"]
        expected["10-60m"] = ["2.0 4.0 0.0 0.0", "events: 4.0 0.75 0.05 0.0 0.2", "total: 4.0 0.75 0.15 0.0 0.6"]
        #expect(try compared() == expected)

        let csv = try pipeline.run("compare", "v", "--answers", "--format", "csv").output.split(separator: "\n")
        #expect(csv.count == 9 && csv[1].hasPrefix("open,1,2,0,0,events,2,0.5,"), "\(csv)")
        let table = try pipeline.run("compare", "v", "--answers").output
        #expect(table.contains("view v: 3 answers are kept, from ") && table.contains("3 rows are of windows that are not yet"), "\(table)")
        let line = table.split(separator: "\n").first { $0.hasPrefix("open ") }?.split(separator: " ") ?? []
        #expect(line == ["open", "1", "2", "0", "0", "events", "50.00%", "10.00%", "0.00%", "20.00%"], "\(table)")

        // Nothing is said of rows that row security may have hidden from the API.
        let state = try pipeline.connection.query(
            "SELECT state_table FROM parallax.view_version JOIN parallax.view USING (view_id) WHERE name = 'v'"
        )
        .rows[0].text(0)
        try pipeline.connection.execute("ALTER TABLE batch.\(Connection.quoteIdentifier(state)) ENABLE ROW LEVEL SECURITY")
        #expect(try compared()["1-24h"]?.first == "3.0 4.0 null 0.0")

        let refused = try pipeline.run("compare", "by_k", "--answers", expecting: 64).errors
        #expect(refused.contains("answers of view \"by_k\" cannot be compared") && refused.contains("it has no window"), "\(refused)")
        #expect(try HTTPClient.get(address, "/v1/views/nothing/answer-errors").status == 404)
        // A definition that was not served then has no answers.
        try pipeline.define(Self.sql.replacing("sum(n) AS total", with: "sum(n + 1) AS total"))
        try pipeline.run("apply", "--yes")
        try pipeline.run("batch", "run")
        let other = try pipeline.run("compare", "v", "--answers").output
        #expect(other.contains("no answers are kept"), "\(other)")
    }

    @Test func whatIsKeptIsBoundedAndOnlyWhatCanBeCompared() throws {
        let pipeline = try TestPipeline(sql: Self.sql, configuration: Self.configuration)
        let events = Events(pipeline)
        let now = Int(Date().timeIntervalSince1970)
        for key in 0..<3 { try events.add(2, "k\(key)", at: now - 7_200) }
        let many = (0..<150).map { "{\"id\":\(1_000 + $0),\"t\":\"2026-01-01T00:00:00Z\",\"k\":\"m\($0)\",\"n\":1}" }
        try pipeline.ingest("ev", many.joined(separator: "\n"))
        try events.flush()
        try pipeline.run("batch", "run")

        // Nobody asked for it: nothing is written. A server that ends has written what waited.
        let (silent, quiet) = try pipeline.serve("serve", ["--set", Self.metrics])
        _ = try rows(quiet)
        #expect(try figure(pipeline, silent, "parallax_audit_rows_total") == nil)
        silent.kill(SIGTERM)
        #expect(silent.wait().status == 0)
        #expect(try pipeline.value("SELECT count(*) FROM parallax.served_answer") == 0)

        let (process, address) = try pipeline.serve("serve", ["--set", "serve.audit_sample=100%", "--set", "serve.audit_rows=250"])
        // Not: other layers, publications and views; what has no window; what has not changed; what is only looked at.
        for query in ["?layer=batch", "?as_of_run=1", "?bucket=1h"] { _ = try rows(address, query) }
        _ = try HTTPClient.get(address, "/v1/views/by_k/rows")
        let tag = try #require(try rows(address, "?filter.k=k0").headers["etag"])
        #expect(try HTTPClient.get(address, "/v1/views/v/rows?filter.k=k0", ["If-None-Match": tag]).status == 304)
        _ = try HTTPClient.get(address, "/v1/views/v/rows", method: "HEAD")
        try waitForKept(1, pipeline)
        // Of what was asked for in part, nobody says that a row is missing.
        #expect(try pipeline.value("SELECT count(*) FROM parallax.served_answer WHERE windows_from IS NULL") == 1)
        let from = Instant(microseconds: Int64(now - 86_400) * 1_000_000).text
        for format in ["json", "ndjson", "csv"] { _ = try rows(address, "?from=\(from)&format=\(format)") }
        try waitForKept(4, pipeline)
        #expect(try pipeline.value("SELECT count(*) FROM parallax.served_answer WHERE windows_from IS NOT NULL") == 3)
        #expect(try pipeline.value("SELECT count(*) FROM parallax.served_row") == 10)
        // 153 rows, of which a hundred are kept; and of the answers the newest.
        for _ in 0..<6 { _ = try rows(address) }
        process.kill(SIGTERM)
        #expect(process.wait().status == 0)
        let kept = try pipeline.value("SELECT count(*) FROM parallax.served_row")
        #expect(kept >= 200 && kept <= 300, "\(kept) rows")
        #expect(try pipeline.value("SELECT max(answer_id) FROM parallax.served_answer") == 10)
        #expect(try pipeline.value("SELECT count(*) FROM parallax.served_answer WHERE windows_from IS NOT NULL") == 0)
        // Nobody who reads may read them.
        let readers = """
            SELECT count(*) FROM pg_roles r, unnest(ARRAY['served_answer', 'served_row']) t (name)
            WHERE r.rolname IN ('parallax_serving', 'parallax_reader') AND has_table_privilege(r.oid, 'parallax.' || t.name, 'SELECT')
            """
        #expect(try pipeline.value(readers) == 0)
        // And they go by their age, with the next publication, whether or not there is a server.
        try pipeline.connection.execute("UPDATE parallax.served_answer SET served_at = served_at - interval '8 days'")
        try pipeline.run("batch", "run")
        #expect(try pipeline.value("SELECT count(*) FROM parallax.served_row") == 0)
    }

    /// The requests' way goes past the writer: while it can write nothing, every answer comes, and those that find no room are counted.
    @Test func aWriterThatCannotWriteHoldsUpNoAnswer() throws {
        let pipeline = try TestPipeline(sql: Self.sql, configuration: Self.configuration)
        let events = Events(pipeline)
        try events.add(2, "a", at: Int(Date().timeIntervalSince1970) - 7_200)
        try events.flush()
        try pipeline.run("batch", "run")
        let (process, address) = try pipeline.serve("serve", ["--set", "serve.audit_sample=100%", "--set", Self.metrics])
        defer { process.kill(SIGKILL) }
        _ = try rows(address)
        try waitForKept(1, pipeline)
        try pipeline.connection.execute("BEGIN; LOCK TABLE parallax.served_answer IN ACCESS EXCLUSIVE MODE")
        let client = try HTTPClient(address)
        for _ in 0..<150 {
            try client.send("GET", "/v1/views/v/rows")
            #expect(try client.answer().rows.count == 1)
        }
        #expect(try figure(pipeline, process, "parallax_audit_answers_total{outcome=\"dropped\"}") ?? 0 > 0)
        // Its session is ended, and the next one finds the way free.
        let other = try Connection(pipeline.dsn)
        defer { other.close() }
        let ended = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'parallax serve answers'"
        try waitUntil("the writer's session is ended") { try other.value(ended) == 1 }
        #expect(try rows(address).rows.count == 1)
        try pipeline.connection.execute("ROLLBACK")
        try waitUntil("answers are kept again") {
            _ = try rows(address)
            return try pipeline.value("SELECT count(*) FROM parallax.served_answer") > 1
        }
    }
}
