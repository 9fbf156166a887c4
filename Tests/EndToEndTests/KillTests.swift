import Foundation
import ParallaxCore
import Postgres
import TestSupport
import Testing

/// A process killed at each named point, and then every command that a person or a timer may give: it works, or says truly what it found. Then a run,
/// and every row is the oracle's.
@Suite(.serialized) struct KillTests {
    private enum Next: String, CaseIterable, CustomTestStringConvertible {
        case run, fullRun, revert, publish, discard, apply, promote, abandon, status, acceptGap, load, list
        var testDescription: String { rawValue }
    }

    private static let sections =
        "SELECT tumble(event_time, '1 hour') AS hour, section, count(*) AS n FROM page_view LEFT JOIN info ON info.page = page_view.page GROUP BY hour, section"
    private static let sql =
        CrashTests.sql
        + "\nCREATE TABLE info (page text PRIMARY KEY, section text);\nCREATE MATERIALIZED VIEW sections AS \(sections);\n"

    /// A few of the pairs; all of them under PARALLAX_KILLS=all (`make test-kills`).
    @Test(arguments: [UInt64(20_261_126)])
    func I1_everyCommandWorksAfterAProcessWasKilledAtAnyPoint(seed: UInt64) throws {
        var pairs: [(fault: (command: [String], point: String), next: Next)] = []
        for fault in CrashTests.faultPoints { for next in Next.allCases { pairs.append((fault, next)) } }
        let environment = ProcessInfo.processInfo.environment
        let seed = environment["PARALLAX_KILLS_SEED"].flatMap { UInt64($0) } ?? seed
        if environment["PARALLAX_KILLS"] != "all" {
            print("kills: seed \(seed) (PARALLAX_KILLS_SEED)")
            var random = SeededGenerator(seed: seed)
            pairs.shuffle(using: &random)
            // Each command once.
            pairs = Next.allCases.compactMap { next in pairs.first { $0.next == next } }
        }
        let pipeline = try TestPipeline(sql: Self.sql, configuration: CrashTests.configuration)
        try pipeline.connection.execute("INSERT INTO dimension.info SELECT '/p' || i, 's' || i % 3 FROM generate_series(0, 50, 2) i")
        var random = SeededGenerator(seed: seed)
        func events(_ count: Int) throws {
            try pipeline.run(
                "generate", "page_view", "--count", "\(count)", "--seed", "\(random.next() % 1_000_000)", "--malformed", "0",
                "--duplicates", "0")
        }
        for _ in 0..<2 {
            try events(100)
            try pipeline.run("speed", "--until-caught-up")
            try pipeline.run("batch", "run")
        }
        for (number, (fault, next)) in pairs.enumerated() {
            let pair = "\(next) after \(fault.command.joined(separator: " ")) killed at \(fault.point)"
            try prepare(next, number, pipeline)
            try events(60)
            if fault.command[0] != "speed" { try pipeline.run("speed", "--until-caught-up") }
            let killed = try Program.run(fault.command + ["--pipeline", pipeline.path], environment: ["PARALLAX_FAULT": fault.point])
            #expect(killed.status == 137, "\(pair): \(killed.errors)")
            try give(next, pair, pipeline)
            if let text = try CrashTests.imbalance(pipeline.connection) { Issue.record("\(pair): \(text)") }
            try pipeline.run("speed", "--until-caught-up")
            try pipeline.run("batch", "run")
            #expect(try pipeline.compare(CrashTests.views) == [], "\(pair)")
            let merged = Oracle.lines(try pipeline.connection.query("SELECT hour, section, n FROM serving.sections"))
            try pipeline.run("batch", "run", "--full")
            #expect(Oracle.lines(try pipeline.connection.query("SELECT hour, section, n FROM serving.sections")) == merged, "\(pair)")
            #expect(
                try pipeline.value("SELECT count(*) FROM parallax.run WHERE state IN ('requested', 'archiving', 'computing', 'staged')")
                    == 0)
        }
    }

    /// What the command is about, before the process dies.
    private func prepare(_ next: Next, _ number: Int, _ pipeline: TestPipeline) throws {
        guard [.promote, .abandon].contains(next) else { return }
        try pipeline.define(
            Self.sql.replacing("count(*) AS n FROM page_view", with: "count(*) + \(number) - \(number) AS n FROM page_view"))
        try pipeline.run("apply", "--yes", "--hold")
    }

    private func give(_ next: Next, _ pair: String, _ pipeline: TestPipeline) throws {
        func run(_ arguments: String..., expecting statuses: Set<Int32> = [0], says words: String...) throws {
            let result = try Program.run(arguments + ["--pipeline", pipeline.path])
            #expect(statuses.contains(result.status), "\(pair): \(result.status) \(result.output)\(result.errors)")
            for word in words { #expect((result.output + result.errors).contains(word), "\(pair): \(result.output)\(result.errors)") }
        }
        let newest = try pipeline.value("SELECT max(run_id) FROM parallax.run")
        switch next {
        case .run: try run("batch", "run")
        case .fullRun: try run("batch", "run", "--full")
        case .revert:
            let kept = try pipeline.connection.query(
                "SELECT run_id FROM parallax.publication WHERE run_id < (SELECT run FROM parallax.published) ORDER BY run_id DESC LIMIT 1")
            try run("batch", "revert", try #require(kept.rows.first?[0]), says: "shows the publication of run")
        case .publish: try run("batch", "publish", "\(newest)", expecting: [64], says: "run \(newest) is not held: it is")
        case .discard: try run("batch", "discard", "\(newest)", expecting: [64], says: "run \(newest) is not held: it is")
        case .apply:
            // There and back again.
            let lines = Self.sql.replacing(
                "sum(amount) AS revenue, avg(duration_ms) AS average_ms FROM",
                with: "sum(amount) AS revenue, avg(duration_ms) + 0 AS average_ms FROM")
            let isChanged = try pipeline.value("SELECT count(*) FROM parallax.view_version WHERE select_text LIKE '%+ 0%'") > 0
            try pipeline.define(isChanged ? Self.sql : lines)
            try run("apply", "--yes")
        case .promote: try run("promote", "sections")
        case .abandon: try run("abandon", "sections")
        case .status: try run("status", says: "page_view")
        case .list: try run("batch", "list")
        case .acceptGap: try run("archive", "accept-gap", "page_view", says: "nothing is missing")
        case .load:
            try Data("page,section\n/p1,other\n".utf8).write(to: URL(fileURLWithPath: pipeline.path + "/info.csv"))
            try run("load", "info", pipeline.path + "/info.csv", "--upsert")
        }
        // Also where a run died, and nobody came after it yet, it is not said to be under way.
        let list = try pipeline.run("batch", "list").output
        for state in [" requested ", " archiving ", " computing ", " staged "] { #expect(!list.contains(state), "\(pair): \(list)") }
    }
}
