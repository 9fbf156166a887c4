import Foundation
import ParallaxCore
import Postgres
import TestSupport
import Testing

/// `GET /v1/views…`: what programs get is what `serving.<view>` holds, and it says what it contains.
@Suite(.serialized) struct APIRowsTests {
    static let sql = """
        CREATE FOREIGN TABLE ev (id bigint, t timestamptz, k text, n bigint, x numeric(30,2), f double precision)
        SERVER parallax OPTIONS (event_id 'id', event_time 't', lateness '70000 hours');
        CREATE MATERIALIZED VIEW v AS
        SELECT tumble(t, '1 minute') AS minute, k, count(*) AS events, sum(n) AS total, max(x) AS largest, max(f) AS peak, count(DISTINCT id) AS ids,
               percentile_cont(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY f) AS marks
        FROM ev GROUP BY minute, k;
        CREATE MATERIALIZED VIEW by_k AS SELECT k, count(*) AS events FROM ev GROUP BY k;
        CREATE VIEW newest AS SELECT minute, k, events FROM v WHERE events > 1;
        """

    /// Keys that break whatever is put together from texts; nil: null.
    static let keys: [String?] = ["a", "b", "é, \"q\"", "'; DROP TABLE serving.v; --", "", nil]

    private static func line(_ id: Int, minute: Int, key: String?) -> String {
        let time = "2026-01-01T0\(minute / 60):\(minute % 60 < 10 ? "0" : "")\(minute % 60):30Z"
        let f = id % 50 == 7 ? "null" : "\(Double(id) / 4)"
        return """
            {"id":\(id),"t":"\(time)","k":\(key.map { jsonQuoted($0) } ?? "null"),"n":\(9_007_199_254_740_993 + Int64(id)),"x":\(id).25,"f":\(f)}
            """
    }

    /// Each key in each minute: 540 groups from the first 540 on.
    private static func events(_ ids: Range<Int>) -> String {
        ids.map { line($0, minute: $0 / keys.count % 90, key: keys[$0 % keys.count]) }.joined(separator: "\n")
    }

    private func makePipeline() throws -> TestPipeline {
        let pipeline = try TestPipeline(
            sql: Self.sql,
            configuration: "log:\n  partitions: 2\nspeed:\n  flush_interval: 20ms\nbatch:\n  interval: 0\n  keep_publications: 2\n")
        try ingest(pipeline, 0..<600)
        try pipeline.run("speed", "--until-caught-up")
        try pipeline.run("batch", "run")
        try ingest(pipeline, 600..<700)
        try pipeline.run("speed", "--until-caught-up")
        return pipeline
    }

    private func ingest(_ pipeline: TestPipeline, _ ids: Range<Int>) throws { try pipeline.ingest("ev", Self.events(ids)) }

    /// What PostgreSQL says, row by row, as JSON of its own.
    private func truth(_ pipeline: TestPipeline, _ select: String) throws -> [String] {
        try pipeline.connection.query(select).rows.map { $0.values.map { $0 ?? "null" }.joined(separator: "|") }
    }

    private func shown(_ rows: [[String: Any]], _ columns: [String]) -> [String] {
        rows.map { row in columns.map { row[$0] is NSNull ? "null" : "\(row[$0] ?? "missing")" }.joined(separator: "|") }
    }

    private func allPages(_ address: String, _ path: String, limit: Int) throws -> [[String: Any]] {
        var rows: [[String: Any]] = []
        var cursor: String?
        repeat {
            let answer = try HTTPClient.get(address, path + "limit=\(limit)" + (cursor.map { "&cursor=\($0)" } ?? ""))
            guard answer.status == 200 else { throw HTTPClientError("\(answer.status) \(answer.text)") }
            guard answer.rows.count <= limit else { throw HTTPClientError("a page of \(answer.rows.count) rows") }
            rows += answer.rows
            cursor = answer.object["next"] as? String
        } while cursor != nil
        return rows
    }

    @Test func rowsAreThoseOfTheMergedViewInEveryWayOfAsking() throws {
        let pipeline = try makePipeline()
        let (process, address) = try pipeline.serve()
        defer { process.kill(SIGKILL) }
        let base = "/v1/views/v/rows?"

        // Pages of any size hold each row once, nulls among the keys and all.
        let expected = try truth(
            pipeline,
            "SELECT k, events, to_char(minute AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') FROM serving.v ORDER BY minute, k")
        #expect(expected.count == 540)
        for limit in [7, 100, 10_000] {
            #expect(shown(try allPages(address, base, limit: limit), ["k", "events", "minute"]) == expected, "pages of \(limit)")
        }
        let descending = try truth(pipeline, "SELECT events, k FROM serving.v ORDER BY events DESC NULLS LAST, k DESC NULLS LAST, minute")
        #expect(shown(try allPages(address, base + "columns=events,k&order=-events,-k&", limit: 11), ["events", "k"]) == descending)

        // Filters, with values that only a parameter survives.
        for key in Self.keys.compactMap(\.self) {
            let wanted = try pipeline.connection.query("SELECT count(*) FROM serving.v WHERE k = $1", [.text(key)]).rows[0].int(0)
            let answer = try HTTPClient.get(
                address, base + "filter.k=\(key.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? "")&limit=1000")
            #expect(answer.rows.count == Int(wanted) && wanted > 0, "\(key)")
        }
        let some = try HTTPClient.get(address, base + "filter.k=a&filter.k=b&null=k&limit=1000").rows.count
        #expect(try pipeline.value("SELECT count(*) FROM serving.v WHERE k IN ('a', 'b') OR k IS NULL") == Int64(some))
        let ranged = try HTTPClient.get(address, base + "from=2026-01-01T00:10:00Z&to=2026-01-01T01:20:00%2B01:00&limit=1000").rows.count
        #expect(
            try pipeline.value("SELECT count(*) FROM serving.v WHERE minute >= '2026-01-01 00:10Z' AND minute < '2026-01-01 00:20Z'")
                == Int64(ranged))
        #expect(ranged > 0)

        // Every format holds the same.
        let csv = try HTTPClient.get(address, base + "columns=events,k", ["Accept": "text/csv"])
        #expect(
            csv.headers["content-type"]?.hasPrefix("text/csv") == true && csv.headers["parallax-frontier"]?.contains("\"run\":1") == true)
        #expect(csv.text.hasPrefix("events,k\r\n") && csv.text.contains("\"é, \"\"q\"\"\"") && csv.text.contains(",\"\"\r\n"))
        #expect(csv.text.components(separatedBy: "\r\n").count == expected.count + 2)
        let lines = try HTTPClient.get(address, base, ["Accept": "application/x-ndjson"])
        #expect(lines.text.split(separator: "\n").count == expected.count)
        for line in lines.text.split(separator: "\n") { _ = try JSONSerialization.jsonObject(with: Data(line.utf8)) }

        // Numbers as they are, or as texts where they do not fit a double.
        let plain = try HTTPClient.get(address, base + "limit=1&columns=total,largest,peak").text
        let first = try #require(
            try pipeline.connection.query("SELECT total, largest, peak FROM serving.v ORDER BY minute, k LIMIT 1").rows.first)
        let digits = first.values.map { $0 ?? "" }
        #expect(plain.contains("{\"total\":\(digits[0]),\"largest\":\(digits[1]),\"peak\":\(digits[2])}"), "\(plain)")
        let exact = try HTTPClient.get(address, base + "limit=1&numbers=text").rows
        #expect(exact.first?["total"] is String && exact.first?["largest"] is String && exact.first?["events"] is NSNumber)

        // A view on top, with the frontier of what it reads.
        let top = try HTTPClient.get(address, "/v1/views/newest/rows?limit=10000")
        #expect(top.rows.count == Int(try pipeline.value("SELECT count(*) FROM serving.newest")))
        // It may read a clock, or a table that changes by itself: nobody can say that it has not changed.
        #expect(top.headers["etag"] == nil)
        #expect(((top.object["frontier"] as? [String: Any])?["sources"] as? [[String: Any]])?.first?["source"] as? String == "ev")
        #expect(try allPages(address, "/v1/views/newest/rows?", limit: 13).count == top.rows.count)
        #expect(try HTTPClient.get(address, "/v1/views/newest/rows?layer=batch").status == 400)
    }

    @Test func anAnswerSaysWhatItContainsAndStaysWithItsPublication() throws {
        let pipeline = try makePipeline()
        let (process, address) = try pipeline.serve()
        defer { process.kill(SIGKILL) }
        let base = "/v1/views/by_k/rows?"

        let one = try HTTPClient.get(address, "/v1/views/v").object
        let columns = Dictionary(
            uniqueKeysWithValues: (one["columns"] as? [[String: Any]] ?? []).map {
                ($0["name"] as? String ?? "", $0["exactness"] as? String ?? "")
            })
        #expect(
            columns["events"] == "exact" && columns["ids"] == "approximate" && columns["marks"] == "approximate"
                && columns["is_exact"] == "exact")
        #expect(one["key"] as? [String] == ["minute", "k"] && one["time_column"] as? String == "minute")
        let names = (try HTTPClient.get(address, "/v1/views").object["views"] as? [[String: Any]] ?? []).compactMap {
            $0["view"] as? String
        }
        #expect(names == ["by_k", "newest", "v"])

        let first = try HTTPClient.get(address, base)
        let source = ((first.object["frontier"] as? [String: Any])?["sources"] as? [[String: Any]])?.first ?? [:]
        let parts = source["partitions"] as? [[String: Any]] ?? []
        #expect(source["run"] as? Int == 1 && parts.count == 2)
        #expect(
            parts.reduce(0) { $0 + ($1["next_offset"] as? Int ?? 0) } == 700 && parts.reduce(0) { $0 + ($1["cut"] as? Int ?? 0) } == 600)
        func sum(_ answer: HTTPClient.Answer) -> Int { answer.rows.reduce(0) { $0 + ($1["events"] as? Int ?? 0) } }
        #expect(sum(first) == 700)
        #expect(sum(try HTTPClient.get(address, base + "layer=batch")) == 600)
        #expect(sum(try HTTPClient.get(address, base + "layer=speed")) == 100)

        // Unchanged: 304, and nothing computed; changed: another ETag.
        let tag = try #require(first.headers["etag"])
        #expect(try HTTPClient.get(address, base, ["If-None-Match": tag]).status == 304)
        #expect(try HTTPClient.get(address, base, ["If-None-Match": tag], method: "HEAD").status == 304)
        let head = try HTTPClient.get(address, base, method: "HEAD")
        #expect(head.status == 200 && head.headers["etag"] == tag && head.body.isEmpty)

        // A page, a publication, and the next page: of the same run. The first run's rows, with what is live since.
        let page = try HTTPClient.get(address, base + "limit=2&layer=batch")
        let cursor = try #require(page.object["next"] as? String)
        try ingest(pipeline, 700..<760)
        try pipeline.run("speed", "--until-caught-up")
        try pipeline.run("batch", "run")
        let changed = try HTTPClient.get(address, base, ["If-None-Match": tag])
        #expect(changed.status == 200 && changed.headers["etag"] != tag && sum(changed) == 760)
        let rest = try HTTPClient.get(address, base + "limit=100&layer=batch&cursor=\(cursor)")
        #expect(rest.status == 200 && sum(page) + sum(rest) == 600, "\(rest.text)")
        #expect((rest.object["frontier"] as? [String: Any])?["as_of_run"] as? Int == 1)
        #expect(sum(try HTTPClient.get(address, base + "layer=batch&as_of_run=1")) == 600)
        #expect(sum(try HTTPClient.get(address, base + "as_of_run=1")) == 760, "the first run's rows, and all that is live since")
        #expect(sum(try HTTPClient.get(address, base + "layer=batch&as_of_run=2")) == 760)
        // Beyond what is kept: an error, never the rows of now.
        for ids in [760..<770, 770..<780] {
            try ingest(pipeline, ids)
            try pipeline.run("speed", "--until-caught-up")
            try pipeline.run("batch", "run")
        }
        for path in ["as_of_run=1", "as_of_run=99", "limit=100&layer=batch&cursor=\(cursor)"] {
            let gone = try HTTPClient.get(address, base + path)
            #expect(gone.status == 404 && gone.code == "run_not_kept", "\(path): \(gone.text)")
        }

        // Nobody reads the log now: how old the rows may be grows, and whoever asks for fresh ones is told the truth.
        let stale = try HTTPClient.get(address, base + "max_staleness=0s")
        #expect(stale.status == 503 && stale.code == "stale" && stale.object["frontier"] != nil && stale.headers["retry-after"] != nil)
        #expect(try HTTPClient.get(address, base + "max_staleness=1h").status == 200)

        // A new definition: the cursor of the old one is none of this.
        let old = try HTTPClient.get(address, "/v1/views/newest/rows?limit=1").object["next"] as? String
        try Data(Self.sql.replacing("events > 1", with: "events > 0").utf8).write(to: URL(fileURLWithPath: pipeline.path + "/views.sql"))
        try pipeline.run("apply", "--yes")
        let other = try HTTPClient.get(address, "/v1/views/newest/rows?limit=1&cursor=\(try #require(old))")
        #expect(other.status == 409 && other.code == "publication_changed")
        let wider = try HTTPClient.get(address, "/v1/views/newest/rows?limit=10000").rows.count
        #expect(wider == Int(try pipeline.value("SELECT count(*) FROM serving.newest")))
    }

    @Test(.enabled(if: Python.parquetTrouble == nil, "\(Python.parquetTrouble ?? "")")) func othersReadTheParquet() throws {
        let pipeline = try makePipeline()
        let (process, address) = try pipeline.serve()
        defer { process.kill(SIGKILL) }
        let answer = try HTTPClient.get(address, "/v1/views/v/rows", ["Accept": "application/vnd.apache.parquet"])
        #expect(answer.status == 200 && answer.isWhole)
        let folder = try TemporaryFolder()
        try answer.body.write(to: URL(fileURLWithPath: folder.path("v.parquet")))
        let script = """
            import sys, json, pyarrow.parquet as q
            t = q.read_table(sys.argv[1])
            f = json.loads(t.schema.metadata[b'parallax.frontier'])
            print(t.num_rows, sum(t['events'].to_pylist()), sum(int(v) for v in t['total'].to_pylist()), max(t['minute'].to_pylist()).isoformat(),
                  t['k'].null_count, t.schema.field('largest').type, f['sources'][0]['run'])
            """
        let seen = try Python.run(script, [folder.path("v.parquet")]).trimmingCharacters(in: .whitespacesAndNewlines)
        let truth = try pipeline.connection.query(
            """
            SELECT count(*), sum(events), sum(total), to_char(max(minute) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"+00:00"'),
                   count(*) FILTER (WHERE k IS NULL) FROM serving.v
            """
        ).rows[0].values.map { $0 ?? "" }.joined(separator: " ")
        // max() of a numeric(30,2) is a numeric of no declared size: text.
        #expect(seen == truth + " string 1", "\(seen)")
    }

    @Test func aWrongRequestIsToldWhatWasWrong() throws {
        let pipeline = try makePipeline()
        let (process, address) = try pipeline.serve()
        defer { process.kill(SIGKILL) }
        let cases: [(path: String, status: Int, code: String, says: String)] = [
            ("/v1/views/w/rows", 404, "not_found", "no view"), ("/v1/views/by_q/rows", 404, "not_found", "by_k"),
            ("/v1/views/v/rows?limt=1", 400, "unknown_parameter", "limit"),
            ("/v1/views/v/rows?columns=eventz", 400, "unknown_column", "events"),
            ("/v1/views/v/rows?columns=", 400, "unknown_column", ""), ("/v1/views/v/rows?columns=k,k", 400, "invalid_value", "twice"),
            ("/v1/views/v/rows?order=;DROP", 400, "unknown_column", ""), ("/v1/views/v/rows?limit=0", 400, "invalid_value", "whole number"),
            ("/v1/views/v/rows?limit=1e9", 400, "invalid_value", ""), ("/v1/views/v/rows?limit=100000", 400, "invalid_value", "10000"),
            ("/v1/views/v/rows?from=yesterdaz", 400, "invalid_value", "yesterdaz"),
            ("/v1/views/v/rows?filter.events=x", 400, "invalid_value", "x"),
            ("/v1/views/v/rows?filter.nope=1", 400, "unknown_column", ""),
            ("/v1/views/v/rows?limit=1&limit=2", 400, "invalid_request", "more than once"),
            ("/v1/views/v/rows?layer=both", 400, "invalid_value", "merged, batch, speed"),
            ("/v1/views/v/rows?cursor=e30", 400, "invalid_cursor", ""),
            ("/v1/views/v/rows?max_staleness=5", 400, "invalid_value", "5s"),
            ("/v1/views/by_k/rows?from=2026-01-01", 400, "invalid_request", "window"),
            ("/v1/views/v/rows?a=%ff", 400, "invalid_request", "UTF-8"), ("/v1/nothing", 404, "not_found", "openapi.json"),
        ]
        for (path, status, code, says) in cases {
            let answer = try HTTPClient.get(address, path)
            #expect(
                answer.status == status && answer.code == code && (says.isEmpty || answer.text.contains(says)),
                "\(path): \(answer.status) \(answer.text)")
            #expect(
                answer.headers["content-type"] == "application/problem+json"
                    && answer.headers["x-request-id"] == answer.object["request_id"] as? String)
        }
        // A stream, too, is no answer before PostgreSQL has taken the question.
        let stream = try HTTPClient.get(address, "/v1/views/v/rows?filter.events=x", ["Accept": "text/csv"])
        #expect(stream.status == 400 && stream.code == "invalid_value", "\(stream.text)")
        let post = try HTTPClient.get(address, "/v1/views", method: "POST", body: Data("{}".utf8))
        #expect(post.status == 405 && post.headers["allow"] == "GET, HEAD")
        #expect(try HTTPClient.get(address, "/v1/views/v/rows", ["Accept": "image/png"]).status == 406)
        #expect(try HTTPClient.get(address, "/v1/views/v/rows?" + String(repeating: "x", count: 40_000)).status >= 400)
        // One cursor of another query.
        let cursor = try #require(try HTTPClient.get(address, "/v1/views/v/rows?limit=1").object["next"] as? String)
        #expect(try HTTPClient.get(address, "/v1/views/v/rows?limit=1&order=events&cursor=\(cursor)").code == "invalid_cursor")
        // Nothing of all that changed anything.
        #expect(try HTTPClient.get(address, "/v1/views/v/rows?limit=1").status == 200)
    }
}
