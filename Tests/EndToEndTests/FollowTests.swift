import BatchWorker
import Catalog
import Foundation
import Glibc
import ParallaxCore
import Postgres
import TestSupport
import Testing
import ViewLanguage

@testable import SpeedWorker

/// I8: a program that took a view's rows once and reads only `serving.<view>_changes` from then on holds the view's rows.
@Suite(.serialized) struct FollowTests {
    typealias View = LayeredPipeline.View

    /// Every kind of window and key, values that come from both layers, rows that HAVING hides, and windows that leave.
    private static let views: [View] = [
        View(
            "minutes",
            """
            SELECT tumble(event_time, '1 minute') AS minute, page, count(*) AS n, sum(amount) AS revenue, avg(duration_ms) AS mean,
                   first(visitor, event_time) AS entry FROM page_view GROUP BY minute, page
            """),
        View(
            "hops",
            """
            SELECT hop(event_time, '30 seconds', '2 minutes') AS w, window_end AS until, ok, count(*) AS n, count(DISTINCT visitor) AS visitors
            FROM page_view GROUP BY w, ok HAVING count(*) > 3
            """),
        View(
            "days",
            "SELECT date_trunc('day', event_time, 'America/New_York') AS day, count(*) AS n, max(page) AS last FROM page_view GROUP BY day"),
        View(
            "totals",
            "SELECT page, ok, count(*) AS n, sum(score) AS score, sum(amount) AS amount FROM page_view GROUP BY page, ok HAVING count(*) > 2"
        ),
        View(
            "whole",
            "SELECT count(*) AS n, sum(amount) AS revenue, percentile_cont(0.5) WITHIN GROUP (ORDER BY duration_ms) AS middle FROM page_view"
        ),
        View(
            "recent",
            "SELECT tumble(event_time, '1 minute') AS minute, quantity, count(*) AS change, min(score) AS key FROM page_view GROUP BY 1, 2",
            options: "retention = '10 minutes'"),
        View("keys_only", "SELECT page, quantity FROM page_view GROUP BY page, quantity"),
        View(
            "spans",
            "SELECT tumble(event_time, '5 minutes') AS w, date_trunc('minute', event_time - timestamptz '2024-01-01 00:00:00+00') AS span, count(*) AS n FROM page_view GROUP BY 1, 2"
        ),
    ]
    private static let sessions = SessionTests.exact + [SessionTests.percentiles]

    /// The same view with another column, which is another version.
    private static func changed(_ views: [View], step: Int) -> [View] {
        views.map { view in
            guard view.name == "minutes" else { return view }
            var other = view
            other.select = view.select.replacing("count(*) AS n", with: "count(*) + \(step) AS n")
            return other
        }
    }

    /// Followers who ask at every step, and who sleep through several of them.
    private struct Followers {
        var all: [(follower: Follower, every: Int)] = []
        init(_ dsn: String, _ views: [View]) throws {
            for view in views { for every in [1, 4] { all.append((try Follower(dsn, view: view.name), every)) } }
        }
        func ask(_ step: Int, _ note: String) throws {
            for (follower, every) in all where step % every == 0 {
                if let wrong = try follower.follow() { Issue.record("\(note): \(wrong)") }
            }
        }
    }

    private enum Step: CaseIterable { case speed, speedTwice, run, fullRun, revert, runAlone, late, otherVersion, pause }

    @Test(arguments: [(seed: UInt64(81), partitions: 1), (seed: 82, partitions: 3), (seed: 83, partitions: 2), (seed: 84, partitions: 3)])
    func I8_aFollowerHoldsTheViewsRows(seed: UInt64, partitions: Int) throws {
        print("follower seed \(seed)")
        let views = seed % 2 == 0 ? Self.views : Self.sessions
        let pipeline = try LayeredPipeline(partitions: partitions, views: views)
        var random = SeededGenerator(seed: seed)
        var traffic = MeasuredTraffic(seed: seed)
        var tardy = MeasuredTraffic(seed: seed + 1_000, named: "late")
        let followers = try Followers(pipeline.dsn, views)
        var published: [RunNumber] = []
        for step in 0..<40 {
            let kind = step == 0 ? .speed : Step.allCases.randomElement(using: &random) ?? .speed
            let note = "step \(step) (\(kind)), seed \(seed)"
            traffic.pace = [0.3, 1, 2, 40].randomElement(using: &random) ?? 1
            switch kind {
            case .speed, .speedTwice:
                for _ in 0..<(kind == .speed ? 1 : 2) {
                    try traffic.produce(Int.random(in: 1..<40, using: &random), into: pipeline.log)
                    try pipeline.speed()
                }
            case .run, .fullRun:
                published.append(RunNumber(try pipeline.batch(full: kind == .fullRun).run))
            case .runAlone:
                // The run takes over what the speed layer has not read.
                try traffic.produce(Int.random(in: 1..<20, using: &random), into: pipeline.log)
                published.append(RunNumber(try pipeline.batch().run))
            case .revert:
                // Records that only later runs have counted are in its way, now and then.
                if let to = published.suffix(3).randomElement(using: &random) {
                    do { try pipeline.revert(to: to) } catch let error as ParallaxError {
                        #expect(error.code != .internalInconsistency, "\(note): \(error)")
                    }
                }
            case .late:
                traffic.clock += 7_200
                try traffic.produce(5, into: pipeline.log)
                try pipeline.speed()
                tardy.clock = traffic.clock - 7_100 - Double.random(in: 0..<600, using: &random)
                try tardy.produce(3, into: pipeline.log)
                try pipeline.speed()
            case .otherVersion:
                guard views.contains(where: { $0.name == "minutes" }) else { continue }
                try pipeline.apply(try LayeredPipeline.compiled(Self.changed(views, step: step)), partitions: partitions)
                try pipeline.speed()
            case .pause:
                try traffic.produce(1, into: pipeline.log)
            }
            try followers.ask(step, note)
        }
        // A run over what the speed layer has read can be taken back, whatever the walk did.
        try pipeline.speed()
        let earlier = RunNumber(try pipeline.batch().run)
        try traffic.produce(30, into: pipeline.log)
        try pipeline.speed()
        try pipeline.batch()
        try followers.ask(0, "before the revert, seed \(seed)")
        try pipeline.revert(to: earlier)
        for every in followers.all { if let wrong = try every.follower.follow() { Issue.record("at the end, seed \(seed): \(wrong)") } }
        let (upserts, deletes) = followers.all.reduce((0, 0)) { ($0.0 + $1.follower.upserts, $0.1 + $1.follower.deletes) }
        let snapshots = followers.all.reduce(0) { $0 + $1.follower.snapshots }
        print("seed \(seed): \(upserts) upserts, \(deletes) deletes, \(snapshots) snapshots of \(followers.all.count) followers")
        #expect(upserts > 500 && deletes > 0, "seed \(seed): the walk changes little")
        #expect(snapshots < followers.all.count * 20, "seed \(seed): followers are told to begin anew at every turn")
    }

    /// Two workers flush at once, runs publish, connections are cut: numbers become visible in their order.
    @Test(arguments: [UInt64(91), 92])
    func I8_aFollowerOfTwoWorkersMissesNothing(seed: UInt64) throws {
        let views = Self.views.filter { ["minutes", "totals", "whole"].contains($0.name) } + [SessionTests.exact[0]]
        let pipeline = try LayeredPipeline(partitions: 4, views: views)
        var random = SeededGenerator(seed: seed)
        var traffic = MeasuredTraffic(seed: seed)
        // Nothing is kept of what was before the first publication.
        try traffic.produce(30, into: pipeline.log)
        try pipeline.speed()
        try pipeline.batch()
        let followers = try Followers(pipeline.dsn, views)
        let workers = [pipeline.worker(1), pipeline.worker(2)]
        let ended = DispatchGroup()
        for worker in workers {
            ended.enter()
            Thread.detachNewThread {
                do { try worker.work(.untilStopped) } catch { Issue.record("seed \(seed): \(error)") }
                ended.leave()
            }
        }
        defer { for worker in workers { worker.stop() } }
        for round in 0..<60 {
            try traffic.produce(Int.random(in: 1..<60, using: &random), into: pipeline.log)
            if round % 15 == 9 { try pipeline.batch() }
            if round % 7 == 3 {
                try pipeline.connection.query(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'parallax speed'"
                )
            }
            try followers.ask(round, "round \(round), seed \(seed)")
        }
        for worker in workers { worker.stop() }
        #expect(ended.wait(timeout: .now() + 60) == .success, "the workers did not end")
        try pipeline.speed()
        try followers.ask(0, "at the end, seed \(seed)")
        let known =
            try pipeline.rows("SELECT kind, count(*), min(change), max(change) FROM parallax.change GROUP BY kind")
            + pipeline.rows("SELECT view, change, followed_from FROM parallax.followed_view")
        #expect(
            followers.all.allSatisfy { $0.follower.snapshots == 1 }, "seed \(seed): nothing happened that asks for a new snapshot: \(known)"
        )
        try pipeline.expectEqualToOracle("seed \(seed)", only: ["totals", "by_page"])
    }

    @Test func I8_aChangeThatIsNotKeptIsAnErrorAndARow() throws {
        let pipeline = try LayeredPipeline(partitions: 1, views: [Self.views[0]])
        var traffic = MeasuredTraffic(seed: 5)
        func now() throws -> Int64 { try pipeline.connection.query("SELECT parallax.change('minutes')").rows[0].int(0) }
        func state(_ since: Int64, of view: String = "minutes") throws -> String? {
            do { _ = try pipeline.connection.query("SELECT parallax.can_follow($1, $2)", [.text(view), .int(since)]) } catch {
                return error.sqlState
            }
            return nil
        }
        func operations(_ since: Int64) throws -> Set<String> {
            Set(try pipeline.rows("SELECT DISTINCT operation FROM serving.minutes_changes WHERE change > \(since)"))
        }
        try traffic.produce(50, into: pipeline.log)
        try pipeline.speed()
        let first = try now()
        #expect(try state(first) == nil && operations(first) == [])
        for _ in 0..<6 {
            try traffic.produce(5, into: pipeline.log)
            try pipeline.speed()
            try pipeline.batch()
        }
        #expect(try state(first) == "PLX01")
        #expect(try operations(first).contains("reset"))
        let second = try now()
        #expect(try state(second) == nil && operations(second) == [])
        #expect(try state(second + 1) == "PLX01", "a change that is still to come")
        #expect(try state(0, of: "minute") == "42P01")

        // No run takes anything away: the limit does.
        let catalog = Catalog(pipeline.connection)
        for _ in 0..<4 {
            try traffic.produce(1, into: pipeline.log)
            try pipeline.speed()
        }
        try catalog.limitChanges(ofSource: try catalog.source(named: "page_view").id, keep: 2)
        #expect(try state(second) == "PLX01")
        #expect(try operations(second).contains("reset"))
        #expect(try pipeline.rows("SELECT count(*) FROM parallax.change") == ["2"])
        #expect(try pipeline.rows("SELECT count(*) FROM parallax.flushed_window") == ["2"])
        #expect(try state(now()) == nil)
        #expect(
            try pipeline.rows("SELECT parallax.newest_record('minutes') = max(newest_appended_at) FROM parallax.partition_position") == [
                "t"
            ])
        #expect(try pipeline.rows("SELECT parallax.freshness('minutes') > '0'") == ["t"])
    }

    @Test func flushesAndPublicationsAreAnnounced() throws {
        let long = String(repeating: "m", count: 50)
        let views = [Self.views[0], View(long, "SELECT ok, count(*) AS n FROM page_view WHERE page = '/nowhere' GROUP BY ok")]
        let pipeline = try LayeredPipeline(partitions: 1, views: views)
        let listener = try Connection(pipeline.dsn)
        defer { listener.close() }
        let channels = try pipeline.rows("SELECT channel FROM parallax.followed_view ORDER BY view")
        #expect(channels == ["serving.minutes", "serving.\(long)"])
        let source = try pipeline.rows("SELECT parallax.channel('parallax', repeat('s', 63))")[0]
        #expect(source.wholeMatch(of: /parallax\.[0-9a-f]{32}/) != nil, "\(source)")
        for channel in channels + ["parallax.page_view"] { try listener.listen(channel) }
        func heard() throws -> [String: [String]] {
            var kinds: [String: [String]] = [:]
            while let notification = try listener.waitForNotification(timeout: .zero) {
                let values = try #require(try JSONSerialization.jsonObject(with: Data(notification.payload.utf8)) as? [String: Any])
                #expect(Set(values.keys.filter { $0 != "view" && $0 != "source" }) == ["kind", "change", "run", "slice", "watermark"])
                kinds[notification.channel, default: []].append(try #require(values["kind"] as? String))
            }
            return kinds
        }
        var traffic = MeasuredTraffic(seed: 6)
        try traffic.produce(20, into: pipeline.log)
        try pipeline.speed()
        _ = try listener.query("SELECT 1")
        let flushes = try heard()
        // No row of the other view was touched.
        #expect(Set(flushes.keys) == ["serving.minutes", "parallax.page_view"])
        #expect(flushes.values.allSatisfy { Set($0) == ["flush"] }, "\(flushes)")
        let run = RunNumber(try pipeline.batch().run)
        try traffic.produce(20, into: pipeline.log)
        try pipeline.speed()
        try pipeline.batch()
        try pipeline.revert(to: run)
        _ = try listener.query("SELECT 1")
        let all = try heard()
        for channel in channels + ["parallax.page_view"] {
            #expect(all[channel]?.contains("publication") == true && all[channel]?.last == "revert", "\(channel): \(all)")
        }
        // The changes of a view whose name is that long.
        #expect(try pipeline.rows("SELECT count(*) FROM serving.\(long)_changes") == ["1"])
    }
}
