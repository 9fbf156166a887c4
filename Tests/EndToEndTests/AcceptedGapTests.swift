import EmbeddedLog
import Foundation
import ParallaxCore
import Postgres
import Testing
import TestSupport

/// I7: what a log lost, and a person gave up, is in every answer as what it is: missing.
@Suite(.serialized) struct AcceptedGapTests {
    private static let overlay =
        "CREATE VIEW by_page AS SELECT page, sum(views) AS views, bool_and(is_exact) AS is_exact FROM per_minute GROUP BY page;"

    /// One event a second, ten minutes of them from 2026-01-01 on, in one partition.
    private func makePipeline() throws -> TestPipeline {
        let pipeline = try TestPipeline(
            sql: CrashTests.sql + Self.overlay,
            configuration: "log:\n  partitions: 1\n  bytes_per_segment: 16KiB\nspeed:\n  flush_interval: 20ms\nbatch:\n  interval: 0\n")
        let lines = (0..<600).map { second in
            let minute = second / 60 < 10 ? "0\(second / 60)" : "\(second / 60)"
            let rest = second % 60 < 10 ? "0\(second % 60)" : "\(second % 60)"
            return """
                {"event_id":"00000000-0000-0000-0000-\(String(second + 100_000_000_000))","event_time":"2026-01-01T00:\(minute):\(rest)Z",\
                "visitor":"v","page":"/","country":"DE","amount":1.00,"duration_ms":5}
                """
        }
        // In small appends: the log gives up whole files, and begins one only between two appends.
        let log = try Self.openLog(pipeline)
        for start in stride(from: 0, to: 600, by: 30) {
            try log.append(lines[start..<start + 30].map { NewRecord(key: nil, payload: Array($0.utf8)) }, to: nil)
        }
        return pipeline
    }

    private static func openLog(_ pipeline: TestPipeline) throws -> EmbeddedLog {
        var limits = EmbeddedLogLimits()
        limits.bytesPerSegment = 16 << 10
        return try EmbeddedLog(directory: pipeline.path + "/.parallax/log", source: "page_view", partitions: 1, limits: limits)
    }

    /// The log loses what it can before anyone has read it, as retention would. Returns where it begins now.
    private func lose(_ pipeline: TestPipeline, below: Int64) throws -> Offset {
        let log = try Self.openLog(pipeline)
        try log.trim(below: Cut([Partition(0): Offset(below)]))
        return try log.bounds(of: Partition(0)).lowerBound
    }

    @Test func I7_whatAPersonGaveUpIsMarkedInEveryAnswer() throws {
        let pipeline = try makePipeline()
        let begins = try lose(pipeline, below: 150)
        #expect(begins > Offset(0) && begins <= Offset(150))
        let refused = try pipeline.run("archive", "--until-caught-up", expecting: nil)
        #expect(
            refused.status != 0 && refused.errors.contains("offsets 0 up to, not including, \(begins) of partition 0"), "\(refused.errors)")
        #expect(try pipeline.run("archive", "accept-gap", "page_view", "--events-from", "yesterday", expecting: nil).status == 64)
        let accepted = try pipeline.run(
            "archive", "accept-gap", "page_view", "--events-from", "2026-01-01T00:00:00Z", "--events-until", "2026-01-01T00:02:30Z")
        #expect(accepted.output == "page_view: partition 0: offsets 0 up to, not including, \(begins) are given up\n")
        #expect(try pipeline.run("archive", "accept-gap", "page_view").output == "page_view: nothing is missing\n")

        try pipeline.run("speed", "--until-caught-up")
        try checkAnswers(pipeline, begins, isLeftOut: false)
        try pipeline.run("batch", "run")
        try checkAnswers(pipeline, begins)
        try pipeline.run("batch", "run", "--full")
        try checkAnswers(pipeline, begins)
        #expect(try pipeline.compare(CrashTests.views) == [])

        // A catalog that forgot (a new database over an old archive) learns it again before it publishes.
        try pipeline.connection.execute("DELETE FROM parallax.accepted_gap")
        try pipeline.run("batch", "run")
        try checkAnswers(pipeline, begins)
    }

    private func checkAnswers(_ pipeline: TestPipeline, _ begins: Offset, isLeftOut: Bool = true) throws {
        let minutes = try pipeline.connection.query(
            "SELECT string_agg(extract(minute FROM minute)::text, ',' ORDER BY minute) FROM serving.per_minute WHERE NOT is_exact")
        // The windows that may lack records, those that still have some: the third begins before half past two.
        #expect(minutes.rows[0][0] == (begins.rawValue < 60 ? "0,1,2" : begins.rawValue < 120 ? "1,2" : "2"))
        #expect(try pipeline.value("SELECT count(*) FROM serving.per_minute WHERE is_exact") == 7)
        #expect(try pipeline.value("SELECT count(*) FROM serving.total WHERE is_exact") == 0)
        #expect(try pipeline.value("SELECT given_up_offsets FROM parallax.frontier") == begins.rawValue)
        #expect(try pipeline.value("SELECT views FROM serving.total") == 600 - begins.rawValue)

        let status = try pipeline.run("status").output
        try Self.expectGivenUp(pipeline, begins, isLeftOut)
        #expect(status.contains("; windows from 2026-01-01T00:00:00Z to 2026-01-01T00:02:30Z are not exact"), "\(status)")
        let report = try pipeline.run("status", "--json").output
        #expect(report.contains("\"left_out\": \(isLeftOut)"), "\(report)")
        #expect(report.contains("\"given_up\"") && report.contains("\"events_until\": \"2026-01-01T00:02:30Z\""), "\(report)")

        // A view on top of a view carries the note too; a statement that reads neither does not.
        let note = "note: \(begins) offsets of source page_view were lost and given up"
        for view in ["total", "by_page", "PER_MINUTE"] {
            #expect(try pipeline.run("query", "SELECT count(*) FROM \(view)").errors.contains(note), "\(view)")
        }
        #expect(try pipeline.run("query", "SELECT 1").errors.isEmpty)
        let answer = try pipeline.run("query", "--frontier", "--format", "json", "SELECT views, is_exact FROM total")
        struct Answer: Decodable {
            struct Row: Decodable { var views: Int64, is_exact: Bool }
            struct Frontier: Decodable { var source: String, next_offset: Int64, given_up_offsets: Int64, waiting_records: Int64 }
            var rows: [Row]
            var frontier: [Frontier]
        }
        let decoded = try JSONDecoder().decode(Answer.self, from: Data(answer.output.utf8))
        #expect(decoded.rows.count == 1 && decoded.rows[0].views == 600 - begins.rawValue && !decoded.rows[0].is_exact)
        #expect(
            decoded.frontier.count == 1 && decoded.frontier[0].next_offset == 600 && decoded.frontier[0].given_up_offsets == begins.rawValue
        )
    }

    /// Status says whether rows may still count what was given up.
    private static func expectGivenUp(
        _ pipeline: TestPipeline, _ begins: Offset, _ isLeftOut: Bool, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let status = try pipeline.run("status").output
        let words = isLeftOut ? "in no answer, by" : "in no answer from the next batch run on (until then, rows may count them), by"
        #expect(
            status.contains("GIVEN UP    partition 0, offsets 0 up to \(begins): \(words) a decision of "), "\(status)",
            sourceLocation: sourceLocation)
    }

    /// Records that the base publication had counted, and that nothing can be computed from again: they leave every view with the next run, whether it is
    /// full or not.
    @Test func I7_whatIsGivenUpBelowTheCutLeavesAllViewsAtOnce() throws {
        let pipeline = try makePipeline()
        try pipeline.run("speed", "--until-caught-up")
        try pipeline.run("batch", "run")
        #expect(try pipeline.value("SELECT sum(views)::bigint FROM serving.per_minute") == 600)
        try FileManager.default.removeItem(atPath: pipeline.path + "/.parallax/archive/page_view")
        let begins = try lose(pipeline, below: 150)
        #expect(try pipeline.run("batch", "run", expecting: nil).status != 0)
        try pipeline.run(
            "archive", "accept-gap", "page_view", "--events-from", "2026-01-01T00:00:00Z", "--events-until", "2026-01-01T00:02:30Z")
        // Their rows are still there, and status does not say otherwise.
        #expect(try pipeline.value("SELECT sum(views)::bigint FROM serving.per_minute") == 600)
        try Self.expectGivenUp(pipeline, begins, false)
        let report = try pipeline.run("batch", "run").output
        #expect(
            report.contains("per_minute: everything (history_changed)") && report.contains("total: everything (history_changed)"),
            "\(report)")
        try checkAnswers(pipeline, begins)
        // Back at the first publication, they are counted again; the next run leaves them out again.
        try pipeline.run("batch", "revert", "1")
        #expect(try pipeline.value("SELECT sum(views)::bigint FROM serving.per_minute") == 600)
        try Self.expectGivenUp(pipeline, begins, false)
        try pipeline.run("batch", "run")
        try checkAnswers(pipeline, begins)
        #expect(try pipeline.value("SELECT sum(views)::bigint FROM serving.per_minute") == 600 - begins.rawValue)
        #expect(try pipeline.compare(CrashTests.views) == [])
        let full = try pipeline.run("batch", "run", "--full").output
        #expect(full.components(separatedBy: "+0 −0 rows").count == 3, "\(full)")
        // Once.
        #expect(try pipeline.run("batch", "run").output.contains("per_minute: 0 windows"))
    }

    /// A person's word gave them up, and whoever reads is asked once more before a good part of history is gone.
    @Test func aRunWithoutWhatWasGivenUpIsHeldWhereThatIsMuch() throws {
        let pipeline = try makePipeline()
        try pipeline.run("speed", "--until-caught-up")
        try pipeline.run("batch", "run")
        try FileManager.default.removeItem(atPath: pipeline.path + "/.parallax/archive/page_view")
        let begins = try lose(pipeline, below: 250).rawValue
        try #require(begins >= 100)
        try pipeline.run(
            "archive", "accept-gap", "page_view", "--events-from", "2026-01-01T00:00:00Z", "--events-until", "2026-01-01T00:04:10Z")
        let held = try pipeline.run("batch", "run", expecting: 1).output
        #expect(
            held.contains("held: source page_view: \(600 - begins) events below this run's cut, where publication 1 had 600"), "\(held)")
        #expect(held.contains("\(begins) offsets are given up") && held.contains(" batch publish"), "\(held)")
        #expect(try pipeline.value("SELECT views FROM serving.total") == 600)
        try pipeline.run("batch", "publish", "2")
        #expect(try pipeline.value("SELECT views FROM serving.total") == 600 - begins)
        #expect(try pipeline.run("batch", "run", "--full").output.contains("+0 −0 rows"))
    }

    /// The records come back, with the archive's folder or with the log: the next run counts them, and nothing is marked any more. Back at a publication
    /// from before, they are missing again, and marked.
    @Test(arguments: [false, true]) func I7_whatWasGivenUpAndComesBackIsCountedAgain(inLog: Bool) throws {
        let pipeline = try makePipeline()
        try pipeline.run("speed", "--until-caught-up")
        try pipeline.run("batch", "run")
        let folders = ["archive", "log"].map { pipeline.path + "/.parallax/\($0)/page_view" }
        for folder in folders { try FileManager.default.copyItem(atPath: folder, toPath: folder + ".backup") }
        try FileManager.default.removeItem(atPath: folders[0])
        let begins = try lose(pipeline, below: 150)
        try pipeline.run(
            "archive", "accept-gap", "page_view", "--events-from", "2026-01-01T00:00:00Z", "--events-until", "2026-01-01T00:02:30Z")
        try pipeline.run("batch", "run")
        try checkAnswers(pipeline, begins)
        let stays = try pipeline.run("archive", "accept-gap", "page_view", "--undo").output
        #expect(stays.contains("stay given up: the log does not have all of them"), "\(stays)")

        let back = folders[inLog ? 1 : 0]
        try FileManager.default.removeItem(atPath: back)
        try FileManager.default.moveItem(atPath: back + ".backup", toPath: back)
        try FileManager.default.removeItem(atPath: folders[inLog ? 0 : 1] + ".backup")
        let undone = try pipeline.run("archive", "accept-gap", "page_view", "--undo").output
        #expect(undone.contains(inLog ? "offsets 0 up to, not including, \(begins) are archived" : "lacks nothing"), "\(undone)")
        // Not before their rows are there.
        #expect(try pipeline.value("SELECT given_up_offsets FROM parallax.frontier") == begins.rawValue)
        #expect(try pipeline.value("SELECT count(*) FROM serving.total WHERE is_exact") == 0)
        try checkWhole(pipeline, inLog)
        try pipeline.run("batch", "revert", "2")
        #expect(try pipeline.value("SELECT views FROM serving.total") == 600 - begins.rawValue)
        #expect(try pipeline.value("SELECT count(*) FROM serving.total WHERE is_exact") == 0)
        #expect(try pipeline.value("SELECT given_up_offsets FROM parallax.frontier") == begins.rawValue)
        try checkWhole(pipeline, inLog)
    }

    private func checkWhole(_ pipeline: TestPipeline, _ inLog: Bool) throws {
        let report = try pipeline.run("batch", "run").output
        #expect(report.contains("per_minute: everything (history_changed)"), "\(report)")
        #expect(try pipeline.value("SELECT views FROM serving.total WHERE is_exact") == 600)
        #expect(try pipeline.value("SELECT count(*) FROM serving.per_minute WHERE is_exact") == 10)
        #expect(try pipeline.value("SELECT given_up_offsets FROM parallax.frontier") == 0)
        #expect(try pipeline.run("status").output.contains("GIVEN UP") == false)
        // The oracle reads the log.
        if inLog { #expect(try pipeline.compare(CrashTests.views) == []) }
    }

    /// Without a word about event times, whatever began before the decision may lack something; what begins later does not.
    @Test func I7_withoutEventTimesAllWindowsBeforeTheDecisionAreMarked() throws {
        let pipeline = try makePipeline()
        _ = try lose(pipeline, below: 150)
        try pipeline.run("archive", "accept-gap", "page_view")
        let future = """
            {"event_id":"00000000-0000-0000-0000-000000000001","event_time":"2200-01-01T00:00:00Z","page":"/","amount":1.00,"duration_ms":5}
            """
        try Data(future.utf8).write(to: URL(fileURLWithPath: pipeline.path + "/future.ndjson"))
        try pipeline.run("ingest", "page_view", pipeline.path + "/future.ndjson")
        try pipeline.run("batch", "run")
        #expect(try pipeline.value("SELECT count(*) FROM serving.per_minute WHERE is_exact") == 1)
        #expect(try pipeline.value("SELECT count(*) FROM serving.per_minute WHERE is_exact AND minute = '2200-01-01Z'") == 1)
        #expect(try pipeline.run("status").output.contains("; windows before 20"))
    }
}
