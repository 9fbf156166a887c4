import Foundation
import Glibc
import TestSupport
import Testing

@testable import Catalog

/// Tokens: who may ask what, and for how long.
@Suite(.serialized) struct APITokenTests {
    private static let views =
        APIControlTests.source + APIControlTests.byPage() + "\nCREATE MATERIALIZED VIEW total AS SELECT count(*) AS n FROM visit;"

    private static func pipeline() throws -> TestPipeline {
        let pipeline = try TestPipeline(sql: views, configuration: CLIChangeTests.configuration)
        try pipeline.ingest("visit", CLIChangeTests.lines(0..<60))
        try pipeline.run("batch", "run")
        return pipeline
    }

    private static func bearer(_ token: String) -> [String: String] { ["Authorization": "Bearer \(token)"] }

    private static func make(_ pipeline: TestPipeline, _ arguments: String...) throws -> String {
        let result = try Program.run(["token", "create", "--pipeline", pipeline.path] + arguments)
        #expect(result.status == 0, "\(result.errors)")
        return result.output.trimmingCharacters(in: .newlines)
    }

    @Test func onceThereIsATokenEveryRequestNeedsOneAndGetsWhatItIsFor() throws {
        let pipeline = try Self.pipeline()
        let (process, address) = try pipeline.serve()
        #expect(try HTTPClient.get(address, "/v1/views").status == 200)

        let reader = try Self.make(pipeline, "--view", "total", "--name", "grafana")
        #expect(reader.hasPrefix("plx_") && reader.count == 47)
        // The server has looked a moment ago.
        #expect(becomesTrue { (try? HTTPClient.get(address, "/v1/views").status) == 401 })
        let refused = try HTTPClient.get(address, "/v1/views/total/rows")
        #expect(refused.headers["www-authenticate"] == "Bearer realm=\"parallax\"" && refused.code == "unauthorized")
        let wrong = try HTTPClient.get(address, "/v1/views", Self.bearer("plx_" + String(repeating: "A", count: 43)))
        #expect(wrong.status == 401 && wrong.headers["www-authenticate"]?.contains("invalid_token") == true)
        #expect(try HTTPClient.get(address, "/v1/views", ["Authorization": "Basic YTpi"]).status == 401)
        for open in ["/healthz", "/readyz", "/openapi.json"] { #expect(try HTTPClient.get(address, open).status == 200) }

        #expect(try HTTPClient.get(address, "/v1/views/total/rows", Self.bearer(reader)).rows.first?["n"] as? Int == 60)
        // What it may not read is not there for it.
        #expect(try HTTPClient.get(address, "/v1/views/by_page/rows", Self.bearer(reader)).status == 404)
        let listed = try HTTPClient.get(address, "/v1/views", Self.bearer(reader)).object["views"] as? [[String: Any]]
        #expect(listed?.compactMap { $0["view"] as? String } == ["total"])
        for (method, path) in [("GET", "/v1/status"), ("GET", "/v1/audit"), ("GET", "/v1/runs"), ("POST", "/v1/runs/1/revert")] {
            #expect(try HTTPClient.get(address, path, Self.bearer(reader), method: method).status == 403, "\(path)")
        }

        let operator_ = try Self.make(pipeline, "--scope", "runs", "--source", "visit", "--name", "ci")
        let body = Data(#"{"source":"visit"}"#.utf8)
        let json = ["Content-Type": "application/json"]
        let started = try HTTPClient.get(address, "/v1/runs", Self.bearer(operator_).merging(json) { $1 }, method: "POST", body: body)
        #expect(started.status == 202, "\(started.text)")
        #expect(try HTTPClient.get(address, "/v1/views/total", Self.bearer(operator_)).status == 403)
        let admin = try Self.make(pipeline, "--scope", "admin", "--name", "ada")
        #expect(try HTTPClient.get(address, "/v1/status", Self.bearer(admin)).status == 200)
        let audit = try HTTPClient.get(address, "/v1/audit", Self.bearer(admin))
        #expect(audit.text.contains("create token") && audit.text.contains("token 1 (grafana)"), "\(audit.text)")

        // None of them stands anywhere: not in the database, not in what the server wrote.
        let kept =
            try pipeline.connection.query(
                "SELECT (SELECT json_agg(t) FROM parallax.token t)::text || (SELECT json_agg(a) FROM parallax.audit a)::text"
            )
            .rows.first?[0] ?? ""
        process.kill(SIGTERM)
        let ended = process.wait()
        for token in [reader, operator_, admin] {
            #expect(!kept.contains(token) && !ended.errors.contains(token) && !ended.output.contains(token))
        }
    }

    @Test func aRevokedTokenOpensNothingSoonAndTheLastOneOpensNoDoor() throws {
        let pipeline = try Self.pipeline()
        let token = try Self.make(pipeline, "--name", "short")
        let brief = try Self.make(pipeline, "--expires", "1s")
        let (process, address) = try pipeline.serve()
        defer { process.kill(SIGKILL) }
        // Its use is noted, and nobody waits for that: not even where it cannot be noted now.
        let used = "SELECT count(*) FROM parallax.token WHERE last_used_at IS NOT NULL AND name = 'short'"
        try pipeline.connection.execute("BEGIN; SELECT FROM parallax.token FOR UPDATE")
        #expect(try HTTPClient.get(address, "/v1/views", Self.bearer(token)).status == 200)
        #expect(try pipeline.value(used) == 0)
        try pipeline.connection.execute("COMMIT")
        #expect(try becomesTrue { try pipeline.value(used) == 1 })
        #expect(becomesTrue { (try? HTTPClient.get(address, "/v1/views", Self.bearer(brief)).status) == 401 })
        #expect(try pipeline.run("token", "revoke", "1").output == "token 1 (short) is revoked\n")
        #expect(becomesTrue { (try? HTTPClient.get(address, "/v1/views", Self.bearer(token)).status) == 401 })
        #expect(try HTTPClient.get(address, "/v1/views").status == 401)
        #expect(try pipeline.run("token", "revoke", "1", expecting: 64).errors.contains("token 1 (short) is revoked already"))
        #expect(try pipeline.run("token", "revoke", "9", expecting: 64).errors.contains("there is no token 9"))
        let list = try pipeline.run("token", "list").output
        #expect(list.contains("revoked 2") && list.contains("expired 2"), "\(list)")
        // The name is free again.
        _ = try Self.make(pipeline, "--name", "short")
        #expect(try pipeline.run("token", "create", "--name", "short", expecting: 64).errors.contains("there is a token \"short\" already"))
    }

    @Test func anAddressThatOthersReachNeedsATokenFirst() throws {
        let pipeline = try Self.pipeline()
        let listen = ["PARALLAX_SERVE_LISTEN": "0.0.0.0:0"]
        let refused = try pipeline.run("serve", environment: listen, expecting: 78)
        #expect(
            refused.errors.contains("there is no valid token") && refused.errors.contains("parallax token create --pipeline"),
            "\(refused.errors)")
        let token = try Self.make(pipeline)
        let off = try pipeline.run("serve", "--set", "serve.auth=off", environment: listen, expecting: 78)
        #expect(off.errors.contains("serve.auth is off"))
        let process = try pipeline.start("serve", environment: listen)
        defer { process.kill(SIGKILL) }
        let address = try pipeline.address("api", of: process).replacing("0.0.0.0", with: "127.0.0.1")
        #expect(try HTTPClient.get(address, "/v1/views").status == 401)
        #expect(try HTTPClient.get(address, "/v1/views", Self.bearer(token)).status == 200)
    }

    @Test func offAsksNobody() throws {
        let pipeline = try Self.pipeline()
        _ = try Self.make(pipeline)
        let (process, address) = try pipeline.serve("serve", ["--set", "serve.auth=off"])
        defer { process.kill(SIGKILL) }
        #expect(try HTTPClient.get(address, "/v1/views").status == 200)
    }

    @Test func aTokenHasSoManyStreamsAndNoMore() throws {
        let pipeline = try Self.pipeline()
        let token = try Self.make(pipeline, "--scope", "runs")
        let (process, address) = try pipeline.serve("serve", ["--set", "serve.streams_per_token=2"])
        defer { process.kill(SIGKILL) }
        // A run that does not end by itself: its session has the source, and its state says that it is under way.
        let number = try pipeline.value(
            """
            INSERT INTO parallax.run (source_id, is_full, state, slice, base_run, base_slice) VALUES (1, false, 'computing', 99, 0, 1) RETURNING run_id
            """)
        try pipeline.connection.execute("UPDATE parallax.source SET active_run = \(number); SELECT pg_advisory_lock(\(LockClass.run), 1)")
        var clients: [HTTPClient] = []
        for _ in 0..<2 {
            let client = try HTTPClient(address)
            try client.send("GET", "/v1/runs/\(number)/progress", Self.bearer(token))
            #expect(try client.head().status == 200)
            clients.append(client)
        }
        let path = "/v1/runs/\(number)/progress"
        let refused = try HTTPClient.get(address, path, Self.bearer(token))
        #expect(refused.status == 429 && refused.code == "too_many_streams" && refused.headers["retry-after"] != nil, "\(refused.text)")
        // Whoever hangs up gives his place back.
        clients.removeLast()
        #expect(
            becomesTrue {
                guard let client = try? HTTPClient(address) else { return false }
                try? client.send("GET", path, Self.bearer(token))
                guard (try? client.head().status) == 200 else { return false }
                clients.append(client)
                return true
            })
    }

    @Test func wrongWordsMakeNoToken() throws {
        let pipeline = try Self.pipeline()
        for (arguments, words) in [
            (["--view", "totl"], "did you mean \"total\"?"), (["--source", "visit"], "--source needs --scope ingest or runs"),
            (["--scope", "ingest", "--source", "vist"], "did you mean \"visit\"?"), (["--scope", "everything"], "everything"),
            (["--scope", "runs", "--view", "total"], "--view needs --scope read"),
            (["--scope", "admin", "--view", "total"], "neither --view"),
            (["--expires", "soon"], "--expires takes"), (["--name", ""], "--name takes"),
        ] {
            let result = try Program.run(["token", "create", "--pipeline", pipeline.path] + arguments)
            #expect(result.status == 64 && result.errors.contains(words), "\(arguments): \(result.errors)")
        }
        #expect(try pipeline.value("SELECT count(*) FROM parallax.token") == 0)
    }
}
