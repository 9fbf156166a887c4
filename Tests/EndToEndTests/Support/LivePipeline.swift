import Foundation
import Glibc
import ParallaxCore
import Postgres
import TestSupport

/// A pipeline whose views are followed over HTTP, and a server of it.
final class LivePipeline {
    static let sql = """
        CREATE FOREIGN TABLE ev (id bigint, t timestamptz, k text, n bigint, x numeric(30,2)) SERVER parallax
        OPTIONS (event_id 'id', event_time 't', out_of_orderness '0 seconds', lateness '70000 hours');
        CREATE MATERIALIZED VIEW v AS
        SELECT tumble(t, '1 minute') AS minute, k, count(*) AS events, sum(n) AS total FROM ev GROUP BY minute, k;
        CREATE MATERIALIZED VIEW by_k AS SELECT k, count(*) AS events, sum(x) AS x FROM ev GROUP BY k HAVING count(*) > 1;
        CREATE VIEW newest AS SELECT minute, k, events FROM v WHERE events > 1;
        """
    static let keys = ["a", "b", "é, \"q\"", "日本", "👩‍👩‍👧"]
    static let columns = ["k", "events", "total"]
    static let live = "/v1/views/v/live"
    static let changes = "/v1/views/v/changes"

    let pipeline: TestPipeline
    private(set) var process: Program.Running?
    private(set) var address = ""
    /// Of the next event.
    private(set) var id = 0

    /// The first events are published.
    init(events: Int = 60) throws {
        pipeline = try TestPipeline(
            sql: Self.sql,
            configuration: "log:\n  partitions: 2\nspeed:\n  flush_interval: 20ms\nbatch:\n  interval: 0\n  keep_publications: 3\n")
        try ingest(events) { $0 % 20 }
        try pipeline.run("speed", "--until-caught-up")
        try pipeline.run("batch", "run")
    }

    deinit { process?.kill(SIGKILL) }

    /// - Parameter settings: `serve.write_timeout=700ms` and the like.
    func serve(_ command: String = "serve", _ settings: [String] = []) throws {
        (process, address) = try pipeline.serve(command, settings.flatMap { ["--set", $0] })
    }

    /// Another server, at another address.
    ///
    /// - Parameter address: nil: another one.
    func restart(_ signal: Int32, at address: String? = nil) throws {
        process?.kill(signal)
        _ = process?.wait()
        try serve("serve", address.map { ["serve.listen=\($0)"] } ?? [])
    }

    static func line(_ id: Int, minute: Int, key: String? = nil) -> String {
        let (hour, rest) = (minute / 60, minute % 60)
        let time = "2026-01-\(10 + hour / 24)T\(hour % 24 < 10 ? "0" : "")\(hour % 24):\(rest < 10 ? "0" : "")\(rest):30Z"
        return "{\"id\":\(id),\"t\":\"\(time)\",\"k\":\(jsonQuoted(key ?? keys[id % keys.count])),\"n\":\(id),\"x\":\(id).25}"
    }

    func ingest(_ count: Int, key: String? = nil, minute: (Int) -> Int) throws {
        let text = (id..<(id + count)).map { Self.line($0, minute: minute($0), key: key) }.joined(separator: "\n")
        id += count
        try pipeline.ingest("ev", text)
    }

    /// A flush of so many events.
    func flush(_ count: Int, minute: (Int) -> Int) throws {
        try ingest(count, minute: minute)
        try pipeline.run("speed", "--until-caught-up")
    }

    func number(_ view: String = "v") throws -> Int64 {
        try pipeline.connection.query("SELECT parallax.change($1)", [.text(view)]).rows[0].int(0)
    }

    /// Before it, nothing can be followed.
    func followedFrom() throws -> Int64 {
        try pipeline.value("SELECT followed_from FROM parallax.followed_view WHERE view = 'v'")
    }

    /// By key, as the view has it.
    func truth(_ view: String = "v", _ columns: [String] = columns) throws -> [String: String] {
        let list = columns.map(Connection.quoteIdentifier).joined(separator: ", ")
        let rows = try pipeline.connection.query(
            "SELECT key, \(list) FROM serving.\(Connection.quoteIdentifier(view + "_changes")) WHERE change IS NULL"
        ).rows
        return try Dictionary(
            uniqueKeysWithValues: rows.map { (try $0.text(0), $0.values.dropFirst().map { $0 ?? "null" }.joined(separator: "|")) })
    }

    /// What the view itself says, without keys: the two must be the same rows.
    func viewRows() throws -> [String] {
        try pipeline.connection.query("SELECT concat_ws('|', k, events, total) FROM serving.v").texts(0).sorted()
    }

    func follower(_ path: String = live, columns: [String] = columns, receiveBuffer: Int32? = nil) throws -> LiveClient {
        try LiveClient(address, path, columns: columns, receiveBuffer: receiveBuffer)
    }

    func get(_ path: String, _ headers: [String: String] = [:], method: String = "GET") throws -> HTTPClient.Answer {
        try HTTPClient.get(address, path, headers, method: method)
    }

    /// A figure of the server's, which was asked to tell them.
    func figure(_ sample: String) throws -> Double? {
        guard let process else { throw HTTPClientError("no server") }
        let metrics = try pipeline.address("metrics", of: process)
        return try HTTPClient.get(metrics, "/metrics").text.split(separator: "\n").first { $0.hasPrefix(sample + " ") }
            .flatMap { Double($0.dropFirst(sample.count + 1)) }
    }

    static let metrics = "serve.metrics_listen=127.0.0.1:0"
}
