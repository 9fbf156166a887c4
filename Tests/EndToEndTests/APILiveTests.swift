import Foundation
import Postgres
import TestSupport
import Testing

/// `/live` and `/changes`: whoever follows a view over HTTP holds its rows.
@Suite(.serialized) struct APILiveTests {
    private enum Step: CaseIterable { case flush, flushes, old, run, revert, definition, lost, hangUp, stop, crash }

    @Test(arguments: [UInt64(7), 8])
    func I8_followersOverHTTPHoldTheViewsRows(seed: UInt64) throws {
        print("live seed \(seed)")
        var random = SeededGenerator(seed: seed)
        let live = try LivePipeline()
        try live.serve()
        let followers = try (0..<3).map { _ in try live.follower() }
        let poller = PollClient(live.address, LivePipeline.changes, columns: LivePipeline.columns, limit: 3)
        let keyed = PollClient(live.address, "/v1/views/by_k/changes", columns: ["k", "events"], limit: 1_000)
        var (minute, runs, definitions) = (20, 1, 0)
        // Each kind of step, and then whatever comes.
        let steps = Step.allCases + (0..<6).map { _ in Step.allCases.randomElement(using: &random) ?? .flush }
        for (place, step) in steps.enumerated() {
            let note = "seed \(seed), step \(place) (\(step))"
            switch step {
            case .flush, .flushes, .old:
                for _ in 0..<(step == .flushes ? 3 : 1) {
                    let now = minute
                    try live.flush(Int.random(in: 1..<12, using: &random)) { step == .old ? $0 % 20 : now + $0 % 2 }
                    minute += Int.random(in: 0..<3, using: &random)
                }
            case .run:
                try live.pipeline.run("batch", "run")
                runs += 1
            case .revert:
                // It may be refused, in words.
                let result = try live.pipeline.run("batch", "revert", "\(max(1, runs - 1))", expecting: nil)
                #expect(result.status != 70, "\(note): \(result.errors)")
            case .definition:
                definitions += 1
                let other = LivePipeline.sql.replacing("sum(n) AS total", with: "sum(n) + \(definitions) AS total")
                try live.pipeline.define(other)
                try live.pipeline.run("apply", "--yes")
                try live.pipeline.run("speed", "--until-caught-up")
                try live.pipeline.run("batch", "run")
                runs += 1
            case .lost:
                // All of the server's sessions, the listening one too.
                try live.pipeline.connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'parallax serve%'")
                try live.flush(5) { 20 + $0 % 2 }
            case .hangUp:
                // At some point in the middle of what comes, and what comes next it does not see.
                for _ in 0..<Int.random(in: 0..<3, using: &random) where followers[1].id ?? 0 < (try live.number()) {
                    _ = try followers[1].next()
                }
                followers[1].hangUp()
                try live.flush(5) { 20 + $0 % 2 }
                try followers[1].connect()
            case .stop, .crash:
                // They come back to the next server with what they have.
                try live.flush(5) { 20 + $0 % 2 }
                try live.restart(step == .stop ? SIGTERM : SIGKILL)
                try live.flush(5) { 20 + $0 % 2 }
                for follower in followers { follower.address = live.address }
                for poller in [poller, keyed] { poller.address = live.address }
            }
            let now = try live.number()
            let expected = try live.truth()
            #expect(try expected.values.sorted() == live.viewRows(), "\(note)")
            for (index, follower) in followers.enumerated() where index != 2 || place % 3 == 2 || place == steps.count - 1 {
                try follower.read(to: now)
                #expect(follower.rows == expected, "\(note), follower \(index)")
            }
            try poller.read(to: now)
            #expect(poller.rows == expected, "\(note), poller")
            try keyed.read(to: try live.number("by_k"))
            #expect(try keyed.rows == live.truth("by_k", ["k", "events"]), "\(note), by_k")
        }
        let (counts, resets) = (followers[0].counts, followers[0].resets)
        print("seed \(seed): \(counts), \(resets), \(poller.resets) resets of the poller, \(followers[0].closed.count) windows closed")
        #expect(counts["change"] ?? 0 > 3 && poller.resets > 0, "\(counts)")
        // One snapshot in the beginning, and one for each definition; neither runs nor restarts need one.
        #expect(resets.first == "begin" && resets.dropFirst().allSatisfy { $0 == "changes_not_kept" })
        #expect(resets.count <= 1 + 2 * steps.count { $0 == .definition || $0 == .revert }, "\(resets)")
        #expect(followers[0].published.contains(2) && !followers[0].closed.isEmpty)
        #expect(followers[0].closed.count == Set(followers[0].closed).count, "a window is told once: \(followers[0].closed)")
    }

    /// Nobody waits for anybody: events come, flushes, runs and clients go on as they like.
    @Test(arguments: [UInt64(21)]) func I8_followersHoldTheRowsOfAViewThatIsFedAllTheTime(seed: UInt64) throws {
        print("fed seed \(seed)")
        var random = SeededGenerator(seed: seed)
        let live = try LivePipeline()
        try live.serve("up")
        let followers = try (0..<4).map { _ in try live.follower() }
        let poller = PollClient(live.address, LivePipeline.changes, columns: LivePipeline.columns, limit: 5)
        var minute = 20
        for round in 0..<30 {
            let now = minute
            try live.ingest(Int.random(in: 1..<40, using: &random)) { $0 % 7 == 0 ? $0 % 20 : now + $0 % 3 }
            minute += Int.random(in: 0..<2, using: &random)
            if round % 8 == 5 { try live.pipeline.run("batch", "run") }
            guard let follower = followers.randomElement(using: &random) else { continue }
            switch Int.random(in: 0..<4, using: &random) {
            case 0:
                follower.hangUp()
                try follower.connect()
            case 1: _ = try follower.next()
            case 2: try follower.read(to: live.number())
            default: try poller.read(to: live.number())
            }
        }
        let count = Int64(live.id)
        #expect(becomesTrue { (try? live.pipeline.value("SELECT sum(events)::bigint FROM serving.v")) == count })
        try live.pipeline.run("batch", "run")
        let now = try live.number()
        let expected = try live.truth()
        #expect(try expected.values.sorted() == live.viewRows())
        for follower in followers {
            try follower.read(to: now)
            // Whoever hung up in the midst of the first snapshot took another; nobody had to later.
            #expect(follower.rows == expected && follower.resets.allSatisfy { $0 == "begin" }, "seed \(seed): \(follower.resets)")
        }
        try poller.read(to: now)
        #expect(poller.rows == expected && poller.resets == 0, "seed \(seed)")
    }

    @Test func whoeverComesBackGetsWhatWasMissedOrANewSnapshotThatSaysSo() throws {
        let live = try LivePipeline()
        try live.serve("serve", [LivePipeline.metrics])
        let (gone, there) = (try live.follower(), try live.follower())
        for follower in [gone, there] { try follower.read(to: live.number()) }
        gone.hangUp()
        func publications(_ count: Int) throws {
            for number in 0..<count {
                try live.flush(6) { 20 + number + $0 % 2 }
                try live.pipeline.run("batch", "run")
            }
        }
        // The feed has kept for a moment what the database has not.
        try publications(5)
        try there.read(to: live.number())
        let missed = try #require(gone.id)
        #expect(try live.followedFrom() > missed)
        try gone.connect()
        try gone.read(to: live.number())
        #expect(try gone.rows == live.truth() && gone.resets == ["begin"])
        #expect(try live.figure("parallax_live_beginnings_total{from=\"feed\"}") == 1)
        #expect(try live.figure("parallax_live_beginnings_total{from=\"snapshot\"}") == 2)
        #expect(try live.figure("parallax_live_followers{view=\"v\"}") == 2)
        #expect(try live.figure("parallax_live_listening") == 1)

        // Nothing was missed: it says so at once.
        gone.hangUp()
        try gone.connect()
        #expect(try gone.next()?.name == "progress")
        gone.hangUp()
        there.hangUp()

        // Another process has the changes from the database,
        try live.flush(6) { 25 + $0 % 2 }
        try live.pipeline.run("batch", "run")
        try live.restart(SIGKILL)
        there.address = live.address
        try there.connect()
        try there.read(to: live.number())
        #expect(try there.rows == live.truth() && there.resets == ["begin"])

        // or all rows, where they are not kept.
        try publications(5)
        let left = try #require(gone.id)
        #expect(try live.followedFrom() > left)
        try live.restart(SIGKILL)
        let poll = try live.get("\(LivePipeline.changes)?since=\(left)&live=true")
        let followedFrom = try live.followedFrom()
        #expect(poll.status == 410 && poll.code == "changes_not_kept" && poll.object["followed_from"] as? Int64 == followedFrom)
        gone.address = live.address
        try gone.connect()
        let reset = try #require(try gone.next())
        #expect(reset.name == "reset" && reset.object["since"] as? Int64 == left && reset.object["reason"] as? String == "changes_not_kept")
        try gone.read(to: live.number())
        #expect(try gone.rows == live.truth() && gone.resets == ["begin", "changes_not_kept"])

        // Whoever was cut off in a snapshot begins anew, wherever its address would have it begin.
        let client = try HTTPClient(live.address)
        try client.send("GET", "\(LivePipeline.live)?since=\(try live.number())", ["Last-Event-ID": "snapshot"])
        #expect(try client.head().status == 200)
        var text = ""
        while !text.contains("\"last\":true") { text += String(decoding: try #require(try client.chunk()), as: UTF8.self) }
        #expect(text.hasPrefix("retry: 2000\n\nevent: reset\nid: snapshot\ndata: "), "\(text.prefix(200))")
        // Only the last part of the rows has a number.
        let last = "event: snapshot\nid: \(try live.number())\n"
        #expect(text.components(separatedBy: "\nid: ").count == 3 && text.contains(last))
    }

    @Test func filtersAndColumnsAreTheClients() throws {
        let live = try LivePipeline()
        try live.serve()
        let path =
            "/v1/views/v/live?columns=k,events&filter.k=%E6%97%A5%E6%9C%AC&filter.k=a&from=2026-01-10T00:10:00Z&to=2026-01-10T01:25:00%2B01:00"
        let some = try live.follower(path, columns: ["k", "events"])
        // Rows come into it and go out of it.
        let large = try live.follower("/v1/views/v/live?filter.events=2", columns: ["k", "events"])
        let condition = "k IN ('a', '日本') AND minute >= '2026-01-10 00:10Z' AND minute < '2026-01-10 00:25Z'"
        func check(_ note: String) throws {
            let now = try live.number()
            for (client, condition) in [(some, condition), (large, "events = 2")] {
                try client.read(to: now)
                let rows = try live.pipeline.connection.query(
                    "SELECT k || '|' || events FROM serving.v WHERE \(condition) ORDER BY 1"
                ).texts(0)
                #expect(client.rows.values.sorted() == rows.sorted() && !rows.isEmpty, "\(note): \(condition)")
            }
        }
        try live.flush(40) { 12 + $0 % 4 }
        try check("at first")
        try live.flush(30) { 15 + $0 % 15 }
        try check("after a flush")
        try live.pipeline.run("batch", "run")
        try check("after a run")
        let shown = try HTTPClient(live.address)
        try shown.send("GET", path)
        #expect(try shown.head().status == 200)
        var text = ""
        while !text.contains("\"last\":true") { text += String(decoding: try #require(try shown.chunk()), as: UTF8.self) }
        #expect(text.contains("\"row\":{\"k\":\"日本\",\"events\":") && !text.contains("\"total\""))

        for (path, status, code, says) in [
            ("/v1/views/by_k/live?filter.x=1", 400, "invalid_request", "numeric"),
            ("/v1/views/newest/live", 400, "invalid_request", "on top"),
            ("/v1/views/nope/live", 404, "not_found", "no view"), ("/v1/views/v/live?columns=nope", 400, "unknown_column", ""),
            ("/v1/views/v/live?filter.events=x", 400, "invalid_value", "x"),
            ("/v1/views/by_k/live?from=2026-01-01", 400, "invalid_request", "window"),
            ("/v1/views/v/live?order=k", 400, "unknown_parameter", ""), ("/v1/views/v/changes?live=true", 400, "invalid_request", "since"),
            ("/v1/views/v/changes?since=1", 410, "changes_not_kept", "snapshot"),
            ("/v1/views/newest/changes", 400, "invalid_request", "on top"),
            ("/v1/views/v/changes?since=9000000000000000000&live=true", 410, "changes_not_kept", ""),
            ("/v1/views/nope/changes?since=1&live=true", 404, "not_found", "no view"),
        ] {
            let answer = try live.get(path)
            #expect(
                answer.status == status && answer.code == code && (says.isEmpty || answer.text.contains(says)),
                "\(path): \(answer.status) \(answer.text)")
        }
        let wrong = try live.get(LivePipeline.live, ["Last-Event-ID": "x"])
        #expect(wrong.status == 400 && wrong.text.contains("Last-Event-ID"))
        #expect(try live.get(LivePipeline.live, method: "HEAD").status == 200)
    }

    @Test func pollersAskOneAddressAndACacheMayAnswer() throws {
        let live = try LivePipeline()
        try live.serve()
        let all = try live.get(LivePipeline.changes)
        #expect(
            all.object["reset"] as? Bool == true && all.headers["cache-control"] == "no-store" && all.object["frontier"] is [String: Any])
        let since = try #require(all.object["next"] as? Int64)
        #expect(try since == live.number())
        // Nothing new: no cache keeps that, or those who wait would ask it in circles.
        let path = "\(LivePipeline.changes)?since=\(since)&live=true"
        let nothing = try live.get(path + "&wait=50ms")
        #expect(nothing.object["next"] as? Int64 == since && nothing.headers["cache-control"] == "no-store", "\(nothing.text)")
        // With a turn the next address is another one.
        let turn = try live.get(path + "&wait=50ms&turn=3")
        #expect(turn.object["turn"] as? Int64 == 4 && turn.headers["cache-control"] == "public, max-age=2", "\(turn.text)")
        #expect(turn.headers["link"]?.contains("turn=4") == true)
        // Many wait, and one flush answers them all with the same.
        let waiting = try (0..<20).map { _ in try HTTPClient(live.address) }
        for client in waiting { try client.send("GET", path) }
        try live.flush(10) { 20 + $0 % 2 }
        let answers = try waiting.map { try $0.answer() }
        for answer in answers {
            #expect(answer.status == 200 && answer.headers["cache-control"] == "public, max-age=2", "\(answer.headers)")
            #expect((answer.object["changes"] as? [Any])?.isEmpty == false)
        }
        // A connection serves the next poll, too.
        let next = try #require(answers[0].object["next"] as? Int64)
        try waiting[0].send("GET", "\(LivePipeline.changes)?since=\(next)&live=true&wait=50ms")
        #expect(try waiting[0].answer().status == 200)
        let again = try live.get(path)
        #expect(try live.get(path, ["If-None-Match": again.headers["etag"] ?? ""]).status == 304)
        let lines = try live.get("\(LivePipeline.changes)?since=\(since)", ["Accept": "application/x-ndjson"])
        #expect(lines.headers["parallax-next"] == again.headers["parallax-next"] && lines.headers["parallax-frontier"] != nil)
        #expect(lines.text.split(separator: "\n").count == (again.object["changes"] as? [Any])?.count)
        #expect(again.headers["link"]?.contains("since=\(again.object["next"] as? Int64 ?? 0)") == true)
        #expect(try live.get(path, ["Accept": "text/csv"]).status == 406)
    }
}
