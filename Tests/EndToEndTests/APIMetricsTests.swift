import Foundation
import Glibc
import TestSupport
import Testing

/// `/metrics`, and the alerts on it.
@Suite(.serialized) struct APIMetricsTests {
    /// Debian's package prometheus brings both.
    private static let promtool = "/usr/bin/promtool"
    private static let prometheus = "/usr/bin/prometheus"
    private static let isInstalled = [promtool, prometheus].allSatisfy(FileManager.default.isExecutableFile)

    private static let rules: URL = {
        var root = URL(fileURLWithPath: #filePath)
        for _ in 0..<3 { root.deleteLastPathComponent() }
        return root.appendingPathComponent("compose/prometheus")
    }()

    private static func run(_ program: String, _ arguments: [String], input: String = "", in folder: URL? = nil) throws -> (
        status: Int32, output: String
    ) {
        let place = try TemporaryFolder("promtool")
        try input.write(toFile: place.path("in"), atomically: true, encoding: .utf8)
        _ = FileManager.default.createFile(atPath: place.path("out"), contents: nil)
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        process.currentDirectoryURL = folder
        process.standardInput = try FileHandle(forReadingFrom: URL(fileURLWithPath: place.path("in")))
        let output = try FileHandle(forWritingTo: URL(fileURLWithPath: place.path("out")))
        process.standardOutput = output
        process.standardError = output
        try process.run()
        process.waitUntilExit()
        return (process.terminationStatus, try String(contentsOfFile: place.path("out"), encoding: .utf8))
    }

    /// The value of one sample; nil where there is none.
    private static func value(_ text: String, _ sample: String) -> Double? {
        text.split(separator: "\n").first { $0.hasPrefix(sample + " ") }.flatMap { Double($0.dropFirst(sample.count + 1)) }
    }

    private static func pipeline() throws -> TestPipeline {
        let pipeline = try APIControlTests.pipeline()
        try pipeline.ingest("visit", CLIChangeTests.lines(0..<600) + "[1]\nno json\n{\"id\":\"a \\\"quoted\\\" one\"}\n")
        return pipeline
    }

    @Test func figuresAreWhatTheCatalogAndThisProcessKnow() throws {
        let pipeline = try Self.pipeline()
        let (process, address) = try pipeline.serve("up", ["--set", "serve.metrics_listen=127.0.0.1:0"])
        defer { process.kill(SIGKILL) }
        let metrics = try pipeline.address("metrics", of: process)
        let processed = "SELECT sum(next_offset)::bigint FROM parallax.partition_position"
        #expect(try becomesTrue { try pipeline.value(processed) == 603 })
        #expect(try pipeline.value("SELECT sum(n)::bigint FROM serving.by_page") == 600)
        try pipeline.run("batch", "run")
        for _ in 0..<3 { _ = try HTTPClient.get(address, "/v1/views/by_page/rows") }
        // Nothing that a client makes up becomes a label.
        #expect(try HTTPClient.get(address, "/v1/made/up?by=me").status == 404)
        var text = ""
        #expect(
            becomesTrue {
                text = (try? HTTPClient.get(metrics, "/metrics").text) ?? ""
                return Self.value(text, "parallax_published_run{source=\"visit\"}") == 1
                    && Self.value(text, "parallax_http_requests_total{operation=\"getRows\",status=\"200\"}") == 3
            }, "\(text)")
        let answer = try HTTPClient.get(metrics, "/metrics")
        #expect(answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8")
        text = answer.text
        for (sample, expected) in [
            ("parallax_source_events_total{source=\"visit\"}", 600.0), ("parallax_source_lag_records{source=\"visit\"}", 0),
            ("parallax_source_partitions{source=\"visit\"}", 2), ("parallax_source_unowned_partitions{source=\"visit\"}", 0),
            ("parallax_database_up", 1), ("parallax_run_held{source=\"visit\"}", 0), ("parallax_run_last_failed{source=\"visit\"}", 0),
            ("parallax_rejected_records{source=\"visit\",view=\"\",reason=\"malformed_json\"}", 1),
            ("parallax_drift_differing_groups{source=\"visit\",view=\"by_page\",output=\"n\"}", 0), ("parallax_speed_partitions_owned", 2),
            ("parallax_http_request_duration_seconds_count{operation=\"getRows\"}", 3), ("parallax_speed_fenced_flushes_total", 0),
            ("parallax_http_requests_total{operation=\"none\",status=\"404\"}", 1),
        ] { #expect(Self.value(text, sample) == expected, "\(sample)\n\(text)") }
        #expect((Self.value(text, "parallax_speed_flushes_total") ?? 0) > 0)
        #expect((Self.value(text, "parallax_run_last_duration_seconds{source=\"visit\"}") ?? 0) > 0)
        #expect(Self.value(text, "parallax_source_watermark_timestamp_seconds{source=\"visit\"}").map { $0 > 1.7e9 && $0 < 1.71e9 } == true)
        #expect(!text.contains("made/up"), "\(text)")
        #expect(try HTTPClient.get(metrics, "/").status == 404)
        if Self.isInstalled {
            // Names, units and texts as Prometheus wants them.
            let checked = try Self.run(Self.promtool, ["check", "metrics"], input: text)
            #expect(checked.status == 0, "\(checked.output)")
        }
    }

    /// Without PostgreSQL there are figures all the same, and they say so.
    @Test func aDatabaseThatIsAwayIsAFigure() throws {
        let pipeline = try Self.pipeline()
        let (process, _) = try pipeline.serve("serve", ["--set", "serve.metrics_listen=127.0.0.1:0"])
        defer { process.kill(SIGKILL) }
        let metrics = try pipeline.address("metrics", of: process)
        try pipeline.server.stop(force: true)
        #expect(
            becomesTrue {
                (try? HTTPClient.get(metrics, "/metrics").text).flatMap { Self.value($0, "parallax_database_up") } == 0
            })
        _ = try pipeline.server.acquire()
    }

    /// PostgreSQL answers, with an error: it is not away, and somebody reads why figures are missing.
    @Test func aCatalogThatCannotBeReadIsSaid() throws {
        let pipeline = try Self.pipeline()
        let (process, _) = try pipeline.serve("serve", ["--set", "serve.metrics_listen=127.0.0.1:0"])
        let metrics = try pipeline.address("metrics", of: process)
        try pipeline.connection.execute("ALTER TABLE parallax.trouble RENAME TO trouble_of_before")
        let text = try HTTPClient.get(metrics, "/metrics").text
        #expect(text.contains("parallax_build_info") && !text.contains("parallax_source_"), "\(text)")
        #expect(Self.value(text, "parallax_database_up") == 1, "\(text)")
        process.kill(SIGTERM)
        let said = process.wait().errors
        #expect(said.contains("the catalog's figures cannot be had") && said.contains("parallax.trouble"), "\(said)")
    }

    @Test(.enabled(if: isInstalled, "needs Debian's package prometheus")) func alertsAreWhatTheirTestsSay() throws {
        for arguments in [
            ["check", "rules", "parallax.rules.yml"], ["check", "config", "prometheus.yml"], ["test", "rules", "parallax.rules.test.yml"],
        ] {
            let result = try Self.run(Self.promtool, arguments, in: Self.rules)
            #expect(result.status == 0, "\(result.output)")
        }
    }

    /// No alert waits for a metric that nobody tells.
    @Test func everyAlertReadsMetricsThatThereAre() throws {
        let text = try String(contentsOf: Self.rules.appendingPathComponent("parallax.rules.yml"), encoding: .utf8)
        let sources = try ["Sources/parallax/Services/Pipeline+Metrics.swift", "serving/ServingAPI/Metrics/APIServer+Metrics.swift"].map {
            try String(contentsOf: Self.rules.appendingPathComponent("../../\($0)").standardizedFileURL, encoding: .utf8)
        }.joined()
        let used = Set(text.matches(of: /parallax_[a-z_]+/).map { String($0.0) })
        #expect(used.count >= 10)
        for name in used { #expect(sources.contains("\"\(name)\""), "\(name)") }
        for part in ["what:", "why:", "next:"] {
            #expect(text.components(separatedBy: part).count == text.components(separatedBy: "- alert:").count, "\(part)")
        }
    }

    @Test(.enabled(if: isInstalled, "needs Debian's package prometheus")) func aRealPrometheusScrapesItAndEvaluatesTheAlerts() throws {
        let pipeline = try Self.pipeline()
        let (process, _) = try pipeline.serve("serve", ["--set", "serve.metrics_listen=127.0.0.1:0"])
        defer { process.kill(SIGKILL) }
        let metrics = try pipeline.address("metrics", of: process)
        let folder = try TemporaryFolder("prometheus")
        let configuration = try String(contentsOf: Self.rules.appendingPathComponent("prometheus.yml"), encoding: .utf8)
            .replacing("127.0.0.1:9321", with: metrics).replacing("15s", with: "1s")
        try configuration.write(toFile: folder.path("prometheus.yml"), atomically: true, encoding: .utf8)
        try FileManager.default.copyItem(
            at: Self.rules.appendingPathComponent("parallax.rules.yml"), to: URL(fileURLWithPath: folder.path("parallax.rules.yml")))
        let port = try freePort()
        let prometheus = Process()
        prometheus.executableURL = URL(fileURLWithPath: Self.prometheus)
        prometheus.arguments = [
            "--config.file=\(folder.path("prometheus.yml"))", "--storage.tsdb.path=\(folder.path("data"))",
            "--web.listen-address=127.0.0.1:\(port)",
        ]
        prometheus.standardOutput = FileHandle.nullDevice
        prometheus.standardError = FileHandle.nullDevice
        try prometheus.run()
        defer {
            Glibc.kill(prometheus.processIdentifier, SIGKILL)
            prometheus.waitUntilExit()
        }
        func query(_ expression: String) -> [[String: Any]] {
            let escaped = expression.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
            let answer = try? HTTPClient.get("127.0.0.1:\(port)", "/api/v1/query?query=\(escaped)").object["data"] as? [String: Any]
            return answer?["result"] as? [[String: Any]] ?? []
        }
        #expect(
            becomesTrue { ((query("up").first?["value"] as? [Any])?.last as? String) == "1" },
            "\(query("up"))")
        // Nobody runs a speed worker: the alert waits for its time.
        #expect(
            becomesTrue {
                ((query("ALERTS{alertname=\"ParallaxNotRead\"}").first?["metric"] as? [String: Any])?["alertstate"] as? String) == "pending"
            })
        #expect(query("parallax_source_partitions").count == 1)
    }
}
