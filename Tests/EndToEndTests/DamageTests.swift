import EmbeddedLog
import Foundation
import ParallaxCore
import Postgres
import Testing
import TestSupport

/// Bytes of the log and the archive that are not what was written, through the program: what it shows is exact, or it says that it may not be.
@Suite(.serialized) struct DamageTests {
    private static let sql = TestPipeline.pageViews(
        views:
            "CREATE MATERIALIZED VIEW per_minute AS SELECT tumble(event_time, '1 minute') AS minute, count(*) AS views FROM page_view GROUP BY minute;"
    )

    /// One event a second, ten minutes of them, in frames of 30: each minute is two frames.
    private func makePipeline() throws -> TestPipeline {
        let pipeline = try TestPipeline(
            sql: Self.sql,
            configuration: """
                log:
                  partitions: 1
                  bytes_per_segment: 16KiB
                archive:
                  records_per_segment: 120
                speed:
                  flush_interval: 20ms
                batch:
                  interval: 0
                """)
        try append(0..<600, to: pipeline)
        return pipeline
    }

    private func append(_ seconds: Range<Int>, to pipeline: TestPipeline) throws {
        var limits = EmbeddedLogLimits()
        limits.bytesPerSegment = 16 << 10
        let log = try EmbeddedLog(directory: pipeline.path + "/.parallax/log", source: "page_view", partitions: 1, limits: limits)
        for start in stride(from: seconds.lowerBound, to: seconds.upperBound, by: 30) {
            let records = (start..<start + 30).map { second in
                let time = "00:\(second / 60 < 10 ? "0" : "")\(second / 60):\(second % 60 < 10 ? "0" : "")\(second % 60)"
                let text =
                    #"{"event_id":"00000000-0000-0000-0000-\#(String(second + 100_000_000_000))","event_time":"2026-01-01T\#(time)Z","visitor":"v"}"#
                return NewRecord(key: nil, payload: Array(text.utf8))
            }
            try log.append(records, to: nil)
        }
    }

    private func flip(_ path: String, at position: Int) throws {
        var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        bytes[position] ^= 0x5A
        try bytes.write(to: URL(fileURLWithPath: path))
    }

    /// Flips a byte in the payload of the record.
    private func damageLog(_ pipeline: TestPipeline, second: Int) throws {
        let folder = pipeline.path + "/.parallax/log/page_view/0"
        let needle = Data("0000-\(String(second + 100_000_000_000))".utf8)
        for name in try files(folder, ".log") {
            let bytes = try Data(contentsOf: URL(fileURLWithPath: name))
            if let place = bytes.range(of: needle) { return try flip(name, at: place.lowerBound) }
        }
        Issue.record("no file of the log holds event \(second)")
    }

    private func files(_ folder: String, _ ending: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix(ending) }.sorted().map { folder + "/" + $0 }
    }

    private func archived(_ pipeline: TestPipeline) throws -> [String] {
        try files(pipeline.path + "/.parallax/archive/page_view/p=0", ".parquet")
    }

    private func minutes(_ pipeline: TestPipeline) throws -> [String] {
        Oracle.lines(
            try pipeline.connection.query("SELECT extract(minute FROM minute)::int, views, is_exact FROM serving.per_minute ORDER BY 1"))
    }

    private static func expected(_ changed: [Int: String]) -> [String] { (0..<10).map { changed[$0] ?? "\($0)|60|t" }.sorted() }

    /// Damage that nobody has read or archived yet.
    @Test func aDamagedStretchOfTheLogIsGivenUpByItself() throws {
        let pipeline = try makePipeline()
        try damageLog(pipeline, second: 305)
        for command in [["speed", "--until-caught-up"], ["archive", "--until-caught-up"]] {
            let refused = try Program.run(command + ["--pipeline", pipeline.path])
            #expect(refused.status == 65 && refused.errors.contains("offsets 300 up to, not including, 330"), "\(command): \(refused)")
        }
        #expect(try pipeline.value("SELECT next_offset FROM parallax.partition_position") == 300)
        // What is good before it is in the live rows.
        #expect(try minutes(pipeline).prefix(5) == Self.expected([:]).prefix(5))

        let asked = try pipeline.run("archive", "accept-gap", "page_view", expecting: 65)
        #expect(
            asked.errors.contains("offsets 300 up to, not including, 330") && asked.errors.contains("--yes")
                && asked.errors.contains("bytes "), "\(asked.errors)")
        #expect(try pipeline.run("status").output.contains("GIVEN UP") == false)
        let accepted = try pipeline.run(
            "archive", "accept-gap", "page_view", "--yes", "--events-from", "2026-01-01T00:05:00Z", "--events-until", "2026-01-01T00:05:30Z"
        )
        #expect(accepted.output.contains("offsets 300 up to, not including, 330 are given up"), "\(accepted.output)")
        #expect(try pipeline.run("archive", "accept-gap", "page_view").output == "page_view: nothing is missing\n")
        #expect(FileManager.default.fileExists(atPath: pipeline.path + "/.parallax/log/page_view/0/damaged-300-330"))

        // Twice: the second worker reads its duplicate horizon over the damage.
        for _ in 0..<2 { try pipeline.run("speed", "--until-caught-up") }
        #expect(try minutes(pipeline) == Self.expected([5: "5|30|f"]))
        for full in [[], ["--full"]] {
            let run = try Program.run(["batch", "run"] + full + ["--pipeline", pipeline.path])
            #expect(run.status == 0, "\(run.errors)")
            #expect(try minutes(pipeline) == Self.expected([5: "5|30|f"]))
        }
        #expect(try pipeline.run("status").output.contains("GIVEN UP"))
    }

    /// Damage behind everybody: the archive has the records, and a worker that begins anew needs them for its horizon only.
    /// The newest archived record's, too: it is what the log is known by.
    @Test(arguments: [100, 599]) func damageBelowThePositionStopsNobody(second: Int) throws {
        let pipeline = try makePipeline()
        try pipeline.run("speed", "--until-caught-up")
        try pipeline.run("batch", "run")
        try damageLog(pipeline, second: second)
        try append(600..<630, to: pipeline)
        try pipeline.run("speed", "--until-caught-up")
        try pipeline.run("archive", "--until-caught-up")
        #expect(try pipeline.value("SELECT next_offset FROM parallax.partition_position") == 630)
        #expect(try pipeline.run("archive", "accept-gap", "page_view").output == "page_view: nothing is missing\n")
        try pipeline.run("batch", "run", "--full")
        #expect(try minutes(pipeline) == (Self.expected([:]) + ["10|30|t"]).sorted())
    }

    /// Damage that is archived, in front of a speed layer that has not come so far: a run carries it over.
    @Test func aRunCarriesTheLiveRowsOverDamageThatIsArchived() throws {
        let pipeline = try makePipeline()
        try pipeline.run("archive", "--until-caught-up")
        try damageLog(pipeline, second: 305)
        #expect(try pipeline.run("speed", "--until-caught-up", expecting: 65).errors.contains("offsets 300 up to, not including, 330"))
        #expect(try pipeline.run("archive", "accept-gap", "page_view").output == "page_view: nothing is missing\n")
        try pipeline.run("batch", "run")
        try append(600..<630, to: pipeline)
        try pipeline.run("speed", "--until-caught-up")
        #expect(try minutes(pipeline) == (Self.expected([:]) + ["10|30|t"]).sorted())
    }

    /// A segment of the archive is damaged or gone. The log has its records: it is written again. It does not: they are given up, with the event times that
    /// the manifest knows.
    @Test(arguments: [false, true]) func aDamagedSegmentOfTheArchiveIsWrittenAgainOrGivenUp(isGone: Bool) throws {
        let pipeline = try makePipeline()
        try pipeline.run("speed", "--until-caught-up")
        try pipeline.run("batch", "run")
        func damage(_ segment: Int) throws {
            let path = try archived(pipeline)[segment]
            if isGone { try FileManager.default.removeItem(atPath: path) } else { try flip(path, at: 700) }
        }
        try damage(2)
        #expect(try pipeline.run("batch", "run", "--full", expecting: nil).status != 0)
        let written = try pipeline.run("archive", "accept-gap", "page_view")
        #expect(
            written.output.contains("is written again, from the log") && written.output.contains("nothing is missing"), "\(written.output)")
        try pipeline.run("batch", "run", "--full")
        #expect(try minutes(pipeline) == Self.expected([:]))
        // The line that was written again counts in a backup, in the place of the first.
        let backups = pipeline.path + "-backups"
        defer { try? FileManager.default.removeItem(atPath: backups) }
        let made = try pipeline.run("backup", backups).output
        #expect(made.contains("archived to 600") && !made.contains("damaged"), "\(made)")

        // Offsets 240 up to 360: minutes 4 and 5.
        try damage(2)
        try damageLog(pipeline, second: 250)
        let asked = try pipeline.run("archive", "accept-gap", "page_view", expecting: 65)
        #expect(asked.errors.contains("offsets 240 up to, not including, 360") && asked.errors.contains("120 records"), "\(asked.errors)")
        let accepted = try pipeline.run("archive", "accept-gap", "page_view", "--yes")
        #expect(accepted.output.contains("offsets 240 up to, not including, 360 are given up"), "\(accepted.output)")
        // A fifth of history is gone: somebody has to say so once more.
        let held = try pipeline.run("batch", "run", "--full", expecting: 1).output
        #expect(held.contains("HELD") && held.contains("480") && held.contains("600"), "\(held)")
        let number = try #require(held.firstMatch(of: /run (\d+)/)?.1)
        try pipeline.run("batch", "publish", String(number))
        #expect(try minutes(pipeline) == Self.expected([4: "", 5: ""]).filter { !$0.isEmpty })
        let marked = try #require(try pipeline.run("status", "--json").output.range(of: "2026-01-01T00:04:00Z"))
        #expect(!marked.isEmpty)
        #expect(try archived(pipeline).count == 5)
    }

    /// Bytes anywhere in both, then every command: a row that says exact is; whatever is not there was named.
    @Test(arguments: [4_711, 694_529, 445_073, UInt64.random(in: 0..<1_000_000)]) func I7_flippedBytesAreExactOrSaid(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let pipeline = try makePipeline()
        let isArchived = Bool.random(using: &random)
        if isArchived { try pipeline.run("archive", "--until-caught-up") }
        if Bool.random(using: &random) { _ = try pipeline.run("speed", "--until-caught-up", expecting: nil) }
        var targets = try files(pipeline.path + "/.parallax/log/page_view/0", ".log") + [pipeline.path + "/.parallax/log/page_view/0/end"]
        if isArchived { targets += try archived(pipeline) }
        var flipped: [String] = []
        for _ in 0..<Int.random(in: 1...3, using: &random) {
            let path = targets.randomElement(using: &random) ?? targets[0]
            let size = try Data(contentsOf: URL(fileURLWithPath: path)).count
            let position = Int.random(in: 0..<size, using: &random)
            try flip(path, at: position)
            flipped.append("\(path.suffix(30))@\(position)")
        }
        let note = "seed \(seed), flipped \(flipped)"
        for command in [["speed", "--until-caught-up"], ["archive", "--until-caught-up"], ["batch", "run"]] {
            let result = try Program.run(command + ["--pipeline", pipeline.path])
            #expect(result.status == 0 || result.status == 65 || result.status == 66, "\(note): \(command): \(result)")
            for row in try minutes(pipeline) where row.hasSuffix("|t") {
                let minute = row.split(separator: "|")
                // Live rows stop at the damage: the minute in which they stop is short, and the frontier says where.
                let processed = try pipeline.value("SELECT next_offset FROM parallax.partition_position")
                let whole = min(60, max(0, processed - (Int64(minute[0]) ?? 0) * 60))
                #expect(Int64(minute[1]) == whole || Int64(minute[1]) == 60, "\(note): after \(command): \(row)")
            }
        }
        try pipeline.run("archive", "accept-gap", "page_view", "--yes")
        try pipeline.run("speed", "--until-caught-up")
        try pipeline.run("batch", "run", "--full")
        let lost = try pipeline.value("SELECT coalesce(sum(next_offset - first_offset), 0)::bigint FROM parallax.accepted_gap")
        #expect(try pipeline.value("SELECT sum(views)::bigint FROM serving.per_minute") == 600 - lost, "\(note)")
        for row in try minutes(pipeline) where row.hasSuffix("|t") { #expect(row.contains("|60|"), "\(note): \(row)") }
    }
}
