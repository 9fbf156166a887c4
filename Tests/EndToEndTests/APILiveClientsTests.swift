import Foundation
import Postgres
import TestSupport
import Testing

/// Who may follow, how many, and what becomes of those who are slow.
@Suite(.serialized) struct APILiveClientsTests {
    /// What a flush costs is the same for one subscriber and for 200.
    @Test func twoHundredSubscribersCostOneLookAFlush() throws {
        let count = ProcessInfo.processInfo.environment["PARALLAX_SUBSCRIBERS"].flatMap { Int($0) } ?? 200
        let live = try LivePipeline()
        // Looks at beats would be counted as well.
        try live.serve("serve", [LivePipeline.metrics, "serve.heartbeat=1h"])
        var subscribers = [try live.follower()]
        /// Looks, and whatever else requests and looks had PostgreSQL do.
        func work() throws -> (looks: Double, jobs: Double) {
            try (live.figure("parallax_live_looks_total") ?? 0, live.figure("parallax_pool_jobs_total") ?? 0)
        }
        var marks = 0.0
        /// What is gathered for the metrics is believed for a second: so a request that asks PostgreSQL nothing is seen in them first.
        func settled() throws -> (looks: Double, jobs: Double) {
            marks += 1
            #expect(try live.get("/openapi.json").status == 200)
            #expect(
                becomesTrue {
                    (try? live.figure("parallax_http_requests_total{operation=\"getOpenAPI\",status=\"200\"}")) == marks
                })
            return try work()
        }
        func flushes() throws -> (looks: Double, jobs: Double) {
            let before = try settled()
            for _ in 0..<3 {
                try live.flush(10) { 20 + $0 % 2 }
                let now = try live.number()
                for subscriber in subscribers { try subscriber.read(to: now) }
            }
            let after = try settled()
            return (after.looks - before.looks, after.jobs - before.jobs)
        }
        for subscriber in subscribers { try subscriber.read(to: live.number()) }
        let one = try flushes()
        let began = ContinuousClock.now
        for _ in 1..<count { subscribers.append(try live.follower()) }
        for subscriber in subscribers { try subscriber.read(to: live.number()) }
        print("\(count) subscribers began in \(ContinuousClock.now - began)")
        let many = try flushes()
        print("three flushes: \(one) with one subscriber, \(many) with \(count)")
        // One for each flush (there are two, where one has not taken all), and one where it was announced again in the meantime.
        #expect(many.looks >= 3 && many.looks <= 12 && many.jobs <= 12, "\(one) with one subscriber, \(many) with \(count)")
        let expected = try live.truth()
        #expect(subscribers.allSatisfy { $0.rows == expected && $0.resets == ["begin"] })
        #expect(try live.figure("parallax_live_ended_total{reason=\"failed\"}") == 0)
    }

    /// Looks stand in no line with requests.
    @Test func whoeverFollowsHearsOfFlushesWhileRequestsHoldAllConnections() throws {
        let live = try LivePipeline()
        try live.serve("serve", ["serve.connections=1", "serve.request_timeout=1h"])
        let follower = try live.follower()
        try follower.read(to: live.number())
        let table = try live.pipeline.connection.query(
            "SELECT v.state_table FROM parallax.view w JOIN parallax.view_version v ON v.version_id = w.active_version_id WHERE w.name = 'by_k'"
        ).rows[0].text(0)
        let holder = try Connection(live.pipeline.dsn)
        try holder.execute("BEGIN; LOCK TABLE batch.\(Connection.quoteIdentifier(table)) IN ACCESS EXCLUSIVE MODE")
        let reader = try HTTPClient(live.address)
        try reader.send("GET", "/v1/views/by_k/rows")
        let waiting = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'parallax serve' AND wait_event_type = 'Lock'"
        #expect(try becomesTrue { try live.pipeline.value(waiting) == 1 })
        try live.flush(10) { 20 + $0 % 2 }
        try follower.read(to: live.number())
        #expect(try follower.rows == live.truth() && live.pipeline.value(waiting) == 1)
        try holder.execute("COMMIT")
        #expect(try reader.answer().status == 200)
    }

    /// A client that takes its time gets fewer of them, and none that is stale.
    @Test func aSlowClientGetsTheLatestRows() throws {
        let live = try LivePipeline()
        try live.serve("serve", ["serve.write_timeout=1h", LivePipeline.metrics])
        let (quick, slow) = (try live.follower(), try live.follower(receiveBuffer: 65_536))
        for follower in [quick, slow] { try follower.read(to: live.number()) }
        // More than sockets hold (4 MB), of the same rows again and again.
        for _ in 0..<9 {
            try live.flush(4_000) { 20 + $0 % 4_000 }
            try quick.read(to: live.number())
        }
        try slow.read(to: live.number())
        let expected = try live.truth()
        #expect(quick.rows == expected && slow.rows == expected)
        print("rows of changes: \(quick.rowsOfChanges) for the quick client, \(slow.rowsOfChanges) for the slow one")
        #expect(slow.rowsOfChanges < quick.rowsOfChanges && slow.resets == ["begin"])
        for follower in [quick, slow] { follower.hangUp() }
        #expect(becomesTrue { (try? live.figure("parallax_live_followers{view=\"v\"}")) == 0 })
    }

    /// It holds a bounded number of bytes, and not for long; others do not notice.
    @Test func aClientThatStopsReadingIsLetGo() throws {
        let live = try LivePipeline()
        try live.serve("serve", ["serve.write_timeout=700ms", "serve.max_streams=2", LivePipeline.metrics])
        let reader = try live.follower()
        try reader.read(to: live.number())
        var stalled: HTTPClient? = try HTTPClient(live.address, receiveBuffer: 2_048)
        try stalled?.send("GET", LivePipeline.live)
        #expect(try stalled?.head().status == 200)
        let third = try live.get(LivePipeline.live)
        #expect(third.status == 503 && third.code == "too_many_streams" && third.headers["retry-after"] != nil)
        func poll() throws -> Int { try live.get("\(LivePipeline.changes)?since=\(try live.number())&live=true&wait=10ms").status }
        #expect(try poll() == 503)
        // It never reads; as long as the sockets take what comes, nobody can tell.
        let isFree = try becomesTrue(within: .seconds(120)) {
            try live.flush(2_000) { 20 + $0 % 1_300 }
            try reader.read(to: live.number())
            return try poll() == 200
        }
        #expect(isFree)
        #expect(try reader.rows == live.truth())
        #expect(becomesTrue { (try? live.figure("parallax_http_clients_stalled_total")) == 1 })
        stalled = nil
        // A slot comes free when a client hangs up, too.
        let second = try live.follower()
        #expect(try poll() == 503)
        second.hangUp()
        #expect(becomesTrue { (try? poll()) == 200 })
    }

    @Test func aShutdownEndsStreamsAtOnce() throws {
        let live = try LivePipeline()
        // More than sockets hold.
        try live.flush(40_000) { 20 + $0 % 8_001 }
        // Nothing that would end them by itself comes in time.
        try live.serve("serve", ["serve.write_timeout=1h", "serve.heartbeat=1h"])
        let follower = try live.follower()
        let now = try live.number()
        try follower.read(to: now)
        let waiting = try HTTPClient(live.address)
        try waiting.send("GET", "\(LivePipeline.changes)?since=\(now)&live=true")
        // It has not taken its rows, and will not take the end.
        let stalled = try HTTPClient(live.address, receiveBuffer: 2_048)
        try stalled.send("GET", LivePipeline.live)
        #expect(try stalled.head().status == 200)
        live.process?.kill(SIGTERM)
        // In order, so that it is known for whole.
        #expect(try follower.next() == nil && follower.endedInOrder)
        #expect(live.process?.wait().status == 0)
        withExtendedLifetime((waiting, stalled)) {}
    }

    @Test func aTokenFollowsWhatItMayReadForAsLongAsItIsValid() throws {
        let live = try LivePipeline()
        try live.serve("serve", ["serve.streams_per_token=2", "serve.heartbeat=200ms", LivePipeline.metrics])
        let anonymous = try live.follower()
        try anonymous.read(to: live.number())
        func make(_ arguments: String...) throws -> [String: String] {
            let result = try Program.run(["token", "create", "--pipeline", live.pipeline.path] + arguments)
            #expect(result.status == 0, "\(result.errors)")
            return ["Authorization": "Bearer \(result.output.trimmingCharacters(in: .newlines))"]
        }
        let (reader, other) = (try make("--view", "v", "--name", "page"), try make("--view", "by_k", "--name", "other"))
        // Once tokens are needed, nobody goes on without one.
        while try anonymous.next() != nil {}
        #expect(becomesTrue { (try? live.get(LivePipeline.live).status) == 401 })
        for path in [LivePipeline.live, LivePipeline.changes, "\(LivePipeline.changes)?since=\(try live.number())&live=true"] {
            let answer = try live.get(path, other)
            #expect(answer.status == 404 && answer.code == "not_found" && !answer.text.contains("\"v\"?"), "\(answer.text)")
        }
        func follow() throws -> LiveClient {
            try LiveClient(live.address, LivePipeline.live, columns: LivePipeline.columns, headers: reader)
        }
        let (first, second) = (try follow(), try follow())
        for follower in [first, second] { try follower.read(to: live.number()) }
        let poll = "\(LivePipeline.changes)?since=\(try live.number())&live=true&wait=10ms"
        for path in [LivePipeline.live, poll] {
            let third = try live.get(path, reader)
            #expect(third.status == 429 && third.code == "too_many_streams" && third.headers["retry-after"] != nil, "\(third.text)")
        }
        // Another token is another's.
        #expect(try live.get(poll.replacing("/v/", with: "/by_k/"), other).status == 200)
        second.hangUp()
        #expect(becomesTrue { (try? live.get(poll, reader).status) == 200 })
        let mine = try live.get("\(LivePipeline.changes)?since=\(try live.followedFrom())", reader)
        #expect(mine.headers["cache-control"] == "no-store" && mine.headers["vary"]?.contains("Authorization") == true)
        try live.flush(5) { 20 + $0 % 2 }
        try first.read(to: live.number())
        #expect(try first.rows == live.truth())
        try live.pipeline.run("token", "revoke", "1")
        // It ends with a beat; what comes meanwhile comes.
        while try first.next() != nil {}
        #expect(becomesTrue { (try? live.get(LivePipeline.live, reader).status) == 401 })
        // Those who asked before the server knew of it, too.
        let ended = "parallax_live_ended_total{reason=\"token_ended\"}"
        #expect(becomesTrue { (try? live.figure(ended)) ?? 0 >= 2 }, "\(String(describing: try? live.figure(ended)))")
    }
}
