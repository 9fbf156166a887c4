import Foundation
import ParallaxCore
import Postgres
import TestSupport
import Testing

/// What the world sends and what it does to disks: each with a message that says what, where and what to do, counted, and nothing lost.
@Suite struct BadInputTests {
    static let views = [
        (
            name: "per_page",
            select: "SELECT page, count(*) AS views, sum(amount) AS revenue, max(duration_ms) AS longest FROM page_view GROUP BY page",
            columns: "page, views, revenue, longest"
        ),
        (
            name: "per_minute", select: "SELECT tumble(event_time, '1 minute') AS minute, count(*) AS views FROM page_view GROUP BY minute",
            columns: "minute, views"
        ),
    ]
    static let sql = TestPipeline.pageViews(
        views: views.map { "CREATE MATERIALIZED VIEW \($0.name) AS \($0.select);" }.joined(separator: "\n"))
    static let configuration = "log:\n  partitions: 2\nbatch:\n  interval: 0\n"

    static func line(_ number: Int, _ fields: String, time: String = "2026-01-01T00:00:00Z") -> String {
        "{\"event_id\":\"00000000-0000-0000-0000-\(String(format: "%012d", number))\",\"event_time\":\"\(time)\"\(fields.isEmpty ? "" : ",")\(fields)}"
    }

    /// A line of JSON, and why it is rejected; nil where it is an event.
    static let hostile: [(line: [UInt8], reason: String?)] = {
        var lines: [(String, String?)] = [
            (line(1, "\"page\":\"/a\",\"amount\":12.5"), nil), (line(2, ""), nil), (line(3, "\"page\":null,\"amount\":null"), nil),
            (line(4, "\"unknown\":{\"deep\":[1,2,{\"x\":null}]},\"page\":\"/b\""), nil),
            (line(5, "\"page\":\"\\u00fc\\ud83d\\ude00\""), nil),
            (line(6, "\"page\":\"/a\",\"page\":\"/last\""), nil), (line(7, "\"amount\":\"7.005\""), nil),
            (line(8, "\"duration_ms\":9223372036854775807"), nil),
            (line(9, "\"page\":\"/old\"", time: "0001-01-01T00:00:00Z"), nil),
            (line(10, "\"page\":\"/new\"", time: "9999-12-31T23:59:59.999999Z"), nil),
            (line(11, "\"page\":\"/far\"", time: "4713-11-24 00:00:00+00 BC"), nil),
            ("", "empty_payload"), ("not json", "malformed_json"), ("{\"event_id\":", "malformed_json"),
            (line(20, "\"page\":\"/a\"") + "x", "malformed_json"),
            ("[1]", "not_an_object"), ("null", "not_an_object"), ("{}", "missing_value"), (line(21, "\"amount\":NaN"), "malformed_json"),
            (line(22, "\"amount\":\"NaN\""), "out_of_range"), (line(23, "\"amount\":\"Infinity\""), "out_of_range"),
            (line(24, "\"amount\":1e400000"), "out_of_range"),
            (line(25, "\"amount\":99999999999"), "out_of_range"), (line(26, "\"duration_ms\":9223372036854775808"), "out_of_range"),
            (line(27, "\"duration_ms\":1.5"), "wrong_type"), (line(28, "\"duration_ms\":\"many\""), "wrong_type"),
            (line(29, "\"page\":7"), "wrong_type"),
            (line(30, "\"page\":\"a\\u0000b\""), "nul_character"), (line(31, "\"page\":\"\\ud800\""), nil),
            (line(32, "\"page\":\"/a\"", time: "2026-02-30T00:00:00Z"), "out_of_range"),
            (line(33, "\"page\":\"/a\"", time: "soon"), "wrong_type"),
            (line(34, "\"nested\":" + String(repeating: "[", count: 10_000)), nil),
            ("{\"event_id\":null,\"event_time\":\"2026-01-01T00:00:00Z\"}", "missing_value"),
        ]
        // What is judged below by the oracle rather than by a reason here: whether it is an event, not how it is called.
        lines.append((line(40, "\"page\":\"" + String(repeating: "x", count: 10_000_000) + "\""), nil))
        return lines.map { (Array($0.0.utf8), $0.1) } + [
            (Array("{\"event_id\":\"".utf8) + [0xFF, 0xFE] + Array("\"}".utf8), "invalid_utf8")
        ]
    }()

    @Test func I7_everyHostileRecordIsKeptCountedAndNamed() throws {
        let pipeline = try TestPipeline(sql: Self.sql, configuration: Self.configuration)
        var bytes = Data()
        for (line, _) in Self.hostile { bytes += Data(line) + [UInt8(ascii: "\n")] }
        let file = pipeline.path + "/hostile.ndjson"
        try bytes.write(to: URL(fileURLWithPath: file))
        try pipeline.run("ingest", "page_view", file)
        try pipeline.run("speed", "--until-caught-up")

        // Live and exact alike: what is no event is counted by reason; the events are the oracle's. The page of ten million characters is an
        // event, but no index key: that view says so and goes without it.
        func check(_ layer: String) throws {
            let reasons = try pipeline.connection.query(
                "SELECT reason, sum(rejected)::bigint FROM parallax.rejected WHERE view_name = '' GROUP BY reason")
            var counted: [String: Int64] = [:]
            for row in reasons.rows { counted[try row.text(0)] = try row.int(1) }
            for reason in Set(Self.hostile.compactMap(\.reason)) {
                let expected = Self.hostile.filter { $0.reason == reason }.count
                #expect((counted[reason] ?? 0) >= Int64(expected), "\(layer): \(reason) \(counted)")
            }
            let events = try pipeline.value("SELECT coalesce(sum(views), 0)::bigint FROM serving.per_minute")
            #expect(events + counted.values.reduce(0, +) == Int64(Self.hostile.count), "\(layer): \(events) events, \(counted)")
            #expect(
                try pipeline.value("SELECT rejected FROM parallax.rejected WHERE view_name = 'per_page' AND reason = 'group_key_too_long'")
                    == 1)
        }
        try check("live")
        let views = [
            (
                name: "per_page",
                select: Self.views[0].select.replacingOccurrences(
                    of: "FROM page_view", with: "FROM page_view WHERE coalesce(length(page), 0) < 2000"), columns: Self.views[0].columns
            ),
            Self.views[1],
        ]
        #expect(try pipeline.compare(views) == [])
        try pipeline.run("batch", "run")
        try check("exact")
        #expect(try pipeline.compare(views) == [])

        // Each with its place, for people: a sample with message, partition and offset.
        let sample = try pipeline.connection.query(
            "SELECT message, column_name, record_offset FROM parallax.rejected_record WHERE reason = 'wrong_type' AND column_name = 'duration_ms' ORDER BY message"
        )
        #expect(sample.rows.contains { $0[0]?.contains("many") == true })
        let status = try pipeline.run("status")
        #expect(status.output.contains("malformed_json"), "\(status.output)")
    }

    @Test func aDamagedSegmentIsRefusedByNameAndNothingIsPublished() throws {
        let pipeline = try TestPipeline(sql: Self.sql, configuration: Self.configuration)
        try pipeline.run("generate", "page_view", "--count", "500", "--seed", "3")
        try pipeline.run("batch", "run")
        let before = try pipeline.connection.query("SELECT run FROM parallax.published").rows[0][0]
        let folder = pipeline.path + "/.parallax/archive/page_view/p=0"
        let segment = try #require(try FileManager.default.contentsOfDirectory(atPath: folder).first { $0.hasSuffix(".parquet") })
        let url = URL(fileURLWithPath: folder + "/" + segment)
        var bytes = try Data(contentsOf: url)
        bytes[bytes.count / 2] ^= 1
        try bytes.write(to: url)
        let run = try pipeline.run("batch", "run", "--full", expecting: nil)
        #expect(run.status != 0)
        #expect(run.errors.contains(segment), "\(run.errors)")
        #expect(run.errors.contains("HINT") || run.errors.lowercased().contains("hint"), "\(run.errors)")
        #expect(try pipeline.connection.query("SELECT run FROM parallax.published").rows[0][0] == before)
        bytes[bytes.count / 2] ^= 1
        try bytes.write(to: url)
        try pipeline.run("batch", "run", "--full")
    }

    /// A disk that fills under the log: what was acknowledged is there, the rest is refused with the reason, and with space again it goes on.
    /// I6: a source whose log cannot be read keeps no other from the archive.
    @Test func aDamagedLogKeepsNoOtherSourceFromTheArchive() throws {
        let columns =
            "(event_id uuid, event_time timestamptz, page text) SERVER parallax OPTIONS (event_id 'event_id', event_time 'event_time')"
        let sql = ["alpha", "beta"].map { "CREATE FOREIGN TABLE \($0) \(columns);" }.joined(separator: "\n")
        let pipeline = try TestPipeline(sql: sql, configuration: "log:\n  partitions: 1\nbatch:\n  interval: 0\n")
        for source in ["alpha", "beta"] { try pipeline.run("generate", source, "--count", "300", "--malformed", "0") }
        let folder = pipeline.path + "/.parallax/log/alpha"
        var damaged = 0
        for name in FileManager.default.enumerator(atPath: folder)?.compactMap({ $0 as? String }) ?? [] {
            guard var bytes = FileManager.default.contents(atPath: "\(folder)/\(name)"), bytes.count > 10_000 else { continue }
            bytes.replaceSubrange(5_000..<5_100, with: Data(repeating: 0xEE, count: 100))
            try bytes.write(to: URL(fileURLWithPath: "\(folder)/\(name)"))
            damaged += 1
        }
        #expect(damaged > 0)
        let result = try pipeline.run("archive", "--until-caught-up", expecting: nil)
        #expect(result.status != 0 && result.errors.contains("alpha"), "\(result)")
        let archived =
            "SELECT coalesce(sum(archived_offset), 0)::bigint FROM parallax.partition_position JOIN parallax.source USING (source_id)"
        #expect(try pipeline.value("\(archived) WHERE name = 'beta'") == 300)
    }

    @Test func aFullDiskRefusesAppendsAndLosesNothing() throws {
        if let trouble = SmallVolume.trouble {
            print("skipped: \(trouble)")
            return
        }
        let pipeline = try TestPipeline(sql: Self.sql, configuration: Self.configuration)
        let log = URL(fileURLWithPath: pipeline.path + "/.parallax/log")
        // The log that the source is bound to, on a small disk of its own.
        let former = URL(fileURLWithPath: pipeline.path + "/.parallax/former-log")
        try FileManager.default.moveItem(at: log, to: former)
        let volume = try SmallVolume(log.path, kilobytes: 2_048)
        defer { volume.unmount() }
        try FileManager.default.copyItem(at: former.appendingPathComponent("page_view"), to: log.appendingPathComponent("page_view"))
        let full = try pipeline.run("generate", "page_view", "--count", "20000", "--seed", "4", expecting: nil)
        #expect(full.status == 74, "\(full.status) \(full.errors)")
        #expect(full.errors.contains("space"), "\(full.errors)")
        // What is there is whole: both layers count the same, which is what the oracle counts.
        try pipeline.run("speed", "--until-caught-up")
        let live = try pipeline.value("SELECT sum(views)::bigint FROM serving.per_minute")
        #expect(live > 0)
        try pipeline.run("batch", "run")
        #expect(try pipeline.compare(Self.views) == [])
    }

    @Test func aSourceThatDoesNotExistIsNamedWithThoseThatDo() throws {
        let pipeline = try TestPipeline(sql: Self.sql, configuration: Self.configuration)
        for command in [["ingest", "page_veiw", "-"], ["generate", "page_veiw", "--count", "1"], ["batch", "run", "page_veiw"]] {
            let result = try Program.run(command + ["--pipeline", pipeline.path])
            #expect(result.status == 64 || result.status == 65, "\(command) \(result.status)")
            #expect(result.errors.contains("page_veiw") && result.errors.contains("page_view"), "\(result.errors)")
        }
    }
}
