import Foundation
import Glibc
import ParallaxCore
import TestSupport
import Testing

/// Push through other people's programs: nginx in front of the server, and a Python client of server-sent events.
@Suite(.serialized) struct APIProxyTests {
    /// nginx with the settings that docs/operations.md has.
    private final class Nginx {
        /// Debian's package nginx-light brings it.
        static let path = "/usr/sbin/nginx"
        static let isInstalled = FileManager.default.isExecutableFile(atPath: path)

        let address: String
        /// Another one, that only says `proxy_pass`.
        let plainAddress: String
        private let folder: TemporaryFolder
        private let process = Process()

        init(_ upstream: String) throws {
            folder = try TemporaryFolder("nginx")
            (address, plainAddress) = ("127.0.0.1:\(try freePort())", "127.0.0.1:\(try freePort())")
            var root = URL(fileURLWithPath: #filePath)
            for _ in 0..<3 { root.deleteLastPathComponent() }
            let document = try String(contentsOf: root.appendingPathComponent("docs/operations.md"), encoding: .utf8)
            let settings = try #require(
                document.components(separatedBy: "```nginx\n").dropFirst().first?.components(separatedBy: "```").first
            )
            .replacing("127.0.0.1:8321", with: upstream).replacing("127.0.0.1:8080", with: address)
            .replacing("/var/cache/nginx/parallax", with: folder.path("cache"))
            let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map { "\($0)_temp_path \(folder.path($0));\n" }.joined()
            let text = """
                \(geteuid() == 0 ? "user root;" : "")
                worker_processes 1; daemon off; pid \(folder.path("pid")); error_log \(folder.path("error.log"));
                events { worker_connections 4096; }
                http {
                \(temporary)
                log_format cache '$upstream_cache_status $status'; access_log \(folder.path("access.log")) cache;
                \(settings)
                server { listen \(plainAddress); location / { proxy_pass http://\(upstream); } }
                }
                """
            try text.write(toFile: folder.path("nginx.conf"), atomically: true, encoding: .utf8)
            process.executableURL = URL(fileURLWithPath: Self.path)
            process.arguments = ["-p", folder.path, "-c", folder.path("nginx.conf"), "-e", folder.path("error.log")]
            process.standardError = FileHandle.nullDevice
            try process.run()
            guard becomesTrue({ (try? HTTPClient(plainAddress)) != nil && (try? HTTPClient(address)) != nil }) else {
                throw HTTPClientError(
                    "nginx did not come up: \((try? String(contentsOfFile: folder.path("error.log"), encoding: .utf8)) ?? "")")
            }
        }

        /// How each request was answered: from the cache (HIT), by the server (MISS, EXPIRED), or not by a cached place ("-").
        func log() throws -> [Substring] { try String(contentsOfFile: folder.path("access.log"), encoding: .utf8).split(separator: "\n") }

        deinit {
            Glibc.kill(process.processIdentifier, SIGTERM)
            process.waitUntilExit()
        }
    }

    private static let clientTrouble = Python.trouble(importing: "sseclient")

    @Test(.enabled(if: Nginx.isInstalled, "needs Debian's package nginx-light"))
    func I8_streamsComeThroughNginxAsTheyAre() throws {
        let live = try LivePipeline()
        try live.serve("serve", ["serve.heartbeat=500ms", LivePipeline.metrics])
        let nginx = try Nginx(live.address)
        let followers = try [nginx.address, nginx.plainAddress].map {
            try LiveClient($0, LivePipeline.live, columns: LivePipeline.columns, isProxied: true)
        }
        for _ in 0..<4 {
            // Each is there before anything follows it: nothing is held back.
            try live.flush(5) { 20 + $0 % 2 }
            for follower in followers { try follower.read(to: live.number()) }
        }
        followers[0].hangUp()
        try live.flush(5) { 20 + $0 % 2 }
        try live.pipeline.run("batch", "run")
        try followers[0].connect()
        for follower in followers {
            try follower.read(to: live.number())
            #expect(try follower.rows == live.truth() && follower.resets == ["begin"])
        }
        // A beat comes through alone, too.
        var quiet: HTTPClient? = try HTTPClient(nginx.plainAddress)
        try quiet?.send("GET", "\(LivePipeline.live)?since=\(try live.number())")
        #expect(try quiet?.head().status == 200)
        var text = ""
        while !text.contains("\n:\n\n") { text += String(decoding: try #require(try quiet?.chunk()), as: UTF8.self) }
        // Who goes is seen to go, behind a proxy, too.
        for follower in followers { follower.hangUp() }
        quiet = nil
        #expect(becomesTrue { (try? live.figure("parallax_live_followers{view=\"v\"}")) == 0 })
    }

    @Test(.enabled(if: Nginx.isInstalled, "needs Debian's package nginx-light"))
    func nginxMakesOneRequestOfAnyNumberOfPollers() throws {
        let live = try LivePipeline()
        try live.serve("serve", [LivePipeline.metrics])
        let nginx = try Nginx(live.address)
        let pollers = try (0..<100).map { _ in try HTTPClient(nginx.address) }
        var path = "\(LivePipeline.changes)?wait=1s&live=true&turn=0&since=\(try live.number())"
        /// All ask; how often nginx asked the server for it.
        func round(_ note: String, meanwhile: () throws -> Void = {}) throws -> [String: Any] {
            let before = try nginx.log().count
            for poller in pollers { try poller.send("GET", path) }
            try meanwhile()
            let answers = try pollers.map { try $0.answer() }
            #expect(answers.allSatisfy { $0.status == 200 && $0.headers["cache-control"] == "public, max-age=2" }, "\(note)")
            #expect(becomesTrue { (try? nginx.log().count) == before + pollers.count })
            let asked = try nginx.log().dropFirst(before).count { $0 != "HIT 200" }
            print("\(note): \(asked) requests of \(pollers.count)")
            // One; a slow machine may let an answer grow old before all have it.
            #expect(asked > 0 && asked <= pollers.count / 4, "\(note): \(asked)")
            path = try String(#require(answers[0].headers["link"]?.firstMatch(of: /<([^>]+)>; rel="next"/)).1)
            return answers[0].object
        }
        // Nothing comes: they ask turn by turn.
        for turn in Int64(1)...2 { #expect(try round("quiet")["turn"] as? Int64 == turn) }
        // Something comes while all wait, and all get it.
        path = path.replacing("wait=1s", with: "wait=25s")
        let found = try round("a flush") { try live.flush(10) { 20 + $0 % 2 } }
        #expect(found["turn"] as? Int64 == 0 && (found["changes"] as? [Any])?.isEmpty == false && path.contains("turn=0"))
        // Whoever comes late gets the same from the cache, or the same from the server.
        try live.flush(1) { _ in 20 }
        #expect(((try round("another flush"))["changes"] as? [Any])?.isEmpty == false)
    }

    /// Bytes come one by one, characters in parts, and the line is cut at any of them.
    @Test(.enabled(if: clientTrouble == nil, "\(clientTrouble ?? "")"), arguments: [UInt64(3)])
    func I8_aPythonClientThatIsCutOffAtAnyByteHoldsTheViewsRows(seed: UInt64) async throws {
        print("python seed \(seed)")
        let live = try LivePipeline()
        // About 80 kB.
        try live.flush(400) { 20 + $0 % 400 }
        try live.serve("up", ["serve.heartbeat=200ms"])
        let address = live.address
        let folder = try TemporaryFolder("python-client")
        let hasRows = folder.path("has-rows")
        async let printed = onOwnThread(name: "python") { try Python.run(Self.client, [address, "\(seed)", hasRows]) }
        #expect(becomesTrue(within: .seconds(60)) { FileManager.default.fileExists(atPath: hasRows) })
        for round in 0..<40 {
            try live.ingest(30) { round % 3 == 0 ? $0 % 20 : 20 + $0 % 50 }
            if round % 4 == 3 { try live.pipeline.run("batch", "run") }
        }
        // The last one of all.
        let count = Int64(live.id)
        #expect(becomesTrue { (try? live.pipeline.value("SELECT sum(events)::bigint FROM serving.v")) == count })
        try live.ingest(1, key: "the end") { _ in 30 }
        let found = try JSONSerialization.jsonObject(with: Data(try await printed.utf8)) as? [String: Any]
        let expected = try live.truth()
        #expect(found?["rows"] as? [String: String] == expected)
        print("python: \(found?["cuts"] ?? 0) cuts, \(found?["resets"] ?? [])")
        #expect(found?["cuts"] as? Int ?? 0 >= 6, "\(found?["cuts"] ?? "none")")
        // A snapshot that was cut off is taken anew; what came after one is not.
        #expect((found?["resets"] as? [String])?.allSatisfy { $0 == "begin" } == true)
    }

    /// The page of the guide, in Node: it comes back after the server was away, and holds the view's rows.
    @Test(.enabled(if: Node.trouble == nil, "\(Node.trouble ?? "")")) func theGuidesPageHoldsTheViewsRows() async throws {
        let guide = try APIDocumentationTests.text("docs/guide.md")
        let page = try #require(
            guide.components(separatedBy: "```js\n").dropFirst().first { $0.contains("new EventSource") }?.components(separatedBy: "```")
                .first)
        let live = try LivePipeline()
        try live.serve()
        let folder = try TemporaryFolder("node-client")
        let (address, hasRows) = (live.address, folder.path("has-rows"))
        let script = """
            const EventSource = require("eventsource");
            \(page.replacing("127.0.0.1:8321", with: address).replacing("/traffic_by_page/", with: "/v/"))
            setInterval(() => {
              if (rows.size > 0) require("fs").writeFileSync("\(hasRows)", "");
              if (![...rows.values()].some((row) => row.k === "the end")) return;
              console.log(JSON.stringify([...rows].map(([key, row]) => [key, `${row.k}|${row.events}|${row.total}`])));
              process.exit(0);
            }, 20);
            """
        async let printed = onOwnThread(name: "node") { try Node.run(script) }
        #expect(becomesTrue(within: .seconds(60)) { FileManager.default.fileExists(atPath: hasRows) })
        try live.flush(30) { 20 + $0 % 5 }
        // The same address, so that the page finds it again.
        try live.restart(SIGKILL, at: address)
        try live.flush(30) { 20 + $0 % 7 }
        try live.ingest(1, key: "the end") { _ in 30 }
        try live.pipeline.run("speed", "--until-caught-up")
        let found = try JSONSerialization.jsonObject(with: Data(try await printed.utf8)) as? [[String]]
        let rows = Dictionary(uniqueKeysWithValues: (found ?? []).map { ($0[0], $0[1]) })
        #expect(try rows == live.truth())
    }

    private static let client = """
        import json, random, sys, urllib.request
        import sseclient

        address, seed, has_rows = sys.argv[1], int(sys.argv[2]), sys.argv[3]
        random = random.Random(seed)
        rows, last, cuts, resets, done = {}, None, 0, [], False

        class Cut(Exception):
            pass

        class Line:
            # A few bytes at a time, and so many in all.
            def __init__(self, answer, left):
                self.answer, self.left = answer, left

            def __iter__(self):
                while chunk := self.answer.read1(random.randint(1, 7)):
                    if self.left is not None:
                        self.left -= len(chunk)
                        if self.left < 0:
                            raise Cut
                    yield chunk

            def close(self):
                self.answer.close()

        def take(changes):
            for change in changes:
                if change["operation"] == "delete":
                    rows.pop(change["key"], None)
                else:
                    row = change["row"]
                    rows[change["key"]] = "|".join(str(row[name]) for name in ("k", "events", "total"))

        while not done:
            headers = {"Last-Event-ID": last} if last else {}
            with urllib.request.urlopen(urllib.request.Request(f"http://{address}/v1/views/v/live", headers=headers)) as answer:
                # Four times in the midst of the first rows, and then in the midst of what changes.
                if cuts < 4:
                    left = random.randint(200, 5_000)
                elif cuts < 16 and last.isdigit():
                    left = random.randint(200, 4_000)
                else:
                    left = None
                line = Line(answer, left)
                try:
                    for event in sseclient.SSEClient(line).events():
                        body = json.loads(event.data)
                        if event.event == "reset":
                            rows = {}
                            resets.append(body["reason"])
                        elif event.event in ("snapshot", "change"):
                            take(body["rows" if event.event == "snapshot" else "changes"])
                        if event.id is not None:
                            last = event.id
                            if last.isdigit():
                                open(has_rows, "w").close()
                                # The connection that brought the first rows is cut behind them, too.
                                if line.left is None and cuts < 16:
                                    line.left = random.randint(200, 4_000)
                        done = last.isdigit() and any(row.startswith("the end|") for row in rows.values())
                        if done:
                            break
                except Cut:
                    cuts += 1
        print(json.dumps({"rows": rows, "cuts": cuts, "resets": resets}))
        """
}
