import Foundation
import ParallaxCore
import TestSupport
import Testing

/// Sources that come, go and fail, through the binary.
@Suite(.serialized) struct CLISourceTests {
    private static let visits =
        CLIChangeTests.source("id uuid, at timestamptz, page text") + "CREATE MATERIALIZED VIEW by_page AS \(CLIChangeTests.byPage);\n"
    private static let sales = visits.replacing("visit", with: "sale").replacing("by_page", with: "sold")

    @Test func aSourceThatIsDroppedLeavesItsRawEventsAndComesBackWithThem() throws {
        let pipeline = try TestPipeline(sql: Self.visits + Self.sales, configuration: CLIChangeTests.configuration)
        let speed = try pipeline.start("speed")
        for source in ["visit", "sale"] { try pipeline.ingest(source, CLIChangeTests.lines(0..<300)) }
        try waitUntil("the first events") {
            try pipeline.value("SELECT sum(next_offset)::bigint FROM parallax.partition_position") == 600
        }
        try pipeline.run("batch", "run")
        try pipeline.define(Self.visits)
        let refused = try pipeline.run("apply", expecting: 65)
        let log = pipeline.path + "/.parallax/log/sale"
        let archive = pipeline.path + "/.parallax/archive/sale"
        #expect(
            refused.output.contains(
                """
                - source sale, with its views, positions, runs and publications
                    its log stays: \(log)
                    its archive stays: \(archive)
                    they are read again where the source comes back; to remove them, when this is applied: rm -r \(log) \(archive)

                """), "\(refused.output)")
        #expect(refused.output.contains("- view sold, with its rows") && refused.errors.contains("- source sale"))
        #expect(try pipeline.value("SELECT count(*) FROM parallax.source") == 2)
        #expect(try pipeline.run("apply", "--yes").output.hasSuffix("applied\n"))
        #expect(try pipeline.value("SELECT count(*) FROM parallax.source") == 1)
        #expect(try pipeline.value("SELECT count(*) FROM pg_tables WHERE schemaname IN ('batch', 'speed')") == 2)
        #expect(try pipeline.run("apply").output == "nothing to change\n")
        #expect(try !pipeline.run("status").output.contains("sale"))
        // The worker goes on with the other.
        try pipeline.ingest("visit", CLIChangeTests.lines(300..<400))
        try waitUntil("more visits") { try pipeline.value("SELECT sum(n)::bigint FROM serving.by_page") == 400 }

        // Back again: from the log that has stayed, and a run over the archive that has.
        try pipeline.define(Self.visits + Self.sales)
        try pipeline.run("apply")
        try waitUntil("the sales") { try pipeline.value("SELECT sum(n)::bigint FROM serving.sold") == 300 }
        try pipeline.run("batch", "run")
        #expect(try pipeline.value("SELECT sum(n)::bigint FROM serving.sold") == 300)
        #expect(try pipeline.run("batch", "run", "--full").output.contains("sold: everything (asked), +0 −0 rows"))
        speed.kill(SIGTERM)
        let ended = speed.wait()
        #expect(ended.status == 0, "\(ended.errors)")
    }

    /// The schedule goes through the sources in the order of their names: the first one's trouble is its own.
    @Test func aSourceThatFailsKeepsNoOtherFromItsScheduledRuns() throws {
        let columns =
            "(event_id uuid, event_time timestamptz, page text) SERVER parallax OPTIONS (event_id 'event_id', event_time 'event_time')"
        let sql = ["alpha", "beta"].map {
            "CREATE FOREIGN TABLE \($0) \(columns); CREATE MATERIALIZED VIEW of_\($0) AS SELECT page, count(*) AS n FROM \($0) GROUP BY page;"
        }.joined(separator: "\n")
        let pipeline = try TestPipeline(sql: sql, configuration: "log:\n  partitions: 1\nbatch:\n  interval: 1s\n")
        for source in ["alpha", "beta"] { try pipeline.run("generate", source, "--count", "300", "--malformed", "0") }
        try pipeline.run("speed", "--until-caught-up")
        // Something to do for both, and a log that cannot be opened for one.
        let folder = pipeline.path + "/.parallax/log/alpha"
        for name in FileManager.default.enumerator(atPath: folder)?.compactMap({ $0 as? String }) ?? [] {
            guard var bytes = FileManager.default.contents(atPath: "\(folder)/\(name)"), bytes.count > 10_000 else { continue }
            bytes.replaceSubrange(5_000..<5_100, with: Data(repeating: 0xEE, count: 100))
            try bytes.write(to: URL(fileURLWithPath: "\(folder)/\(name)"))
        }
        try pipeline.run("up", "--detach", "--yes")
        func published(_ source: String) throws -> Int64 {
            try pipeline.value("SELECT run FROM parallax.published JOIN parallax.source USING (source_id) WHERE name = '\(source)'")
        }
        try waitUntil("a publication of beta") { try published("beta") > 0 }
        let first = try published("beta")
        try pipeline.run("generate", "beta", "--count", "100", "--malformed", "0", "--seed", "2")
        try waitUntil("the next one") { try published("beta") > first }
        #expect(try published("alpha") == 0)
        let log = try String(contentsOfFile: pipeline.path + "/.parallax/up.log", encoding: .utf8)
        #expect(log.contains("the batch layer failed; it is tried again") && log.contains("source=alpha"), "\(log)")
    }
}
