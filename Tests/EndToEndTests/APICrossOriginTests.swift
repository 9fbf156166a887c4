import Foundation
import Glibc
import TestSupport
import Testing

/// Pages of other sites (CORS): none, but those whose origin is named. Programs enforce nothing of it, so the fields are looked at; a real browser enforces all.
@Suite(.serialized) struct APICrossOriginTests {
    private static let page = "https://app.example.com"
    private static let rows = "/v1/views/total/rows"
    private static let events = "/v1/sources/visit/events"
    private static let ndjson = ["Content-Type": "application/x-ndjson"]

    private static func pipeline() throws -> TestPipeline {
        let pipeline = try APIIngestTests.pipeline()
        try pipeline.ingest("visit", CLIChangeTests.lines(0..<60))
        try pipeline.run("speed", "--until-caught-up")
        return pipeline
    }

    private static func preflight(_ address: String, _ path: String, _ method: String, from origin: String = page) throws
        -> HTTPClient.Answer
    {
        let headers = [
            "Origin": origin, "Access-Control-Request-Method": method, "Access-Control-Request-Headers": "authorization,content-type",
        ]
        return try HTTPClient.get(address, path, headers, method: "OPTIONS")
    }

    private static func list(_ text: String?) -> Set<String> {
        Set((text ?? "").split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces).lowercased() })
    }

    private static func crossOriginFields(_ answer: HTTPClient.Answer) -> [String] {
        answer.headers.keys.filter { $0.hasPrefix("access-control-") }.sorted()
    }

    @Test func withoutTheSettingNoPageIsLetIn() throws {
        let pipeline = try Self.pipeline()
        let (process, address) = try pipeline.serve()
        defer { process.kill(SIGKILL) }
        let refused = try Self.preflight(address, Self.rows, "GET")
        #expect(refused.status == 405 && refused.headers["allow"] == "GET, HEAD", "\(refused.text)")
        let answer = try HTTPClient.get(address, Self.rows, ["Origin": Self.page])
        #expect(answer.status == 200 && answer.headers["vary"] == "Accept, Authorization")
        for answer in [refused, answer] { #expect(Self.crossOriginFields(answer) == []) }
    }

    @Test func aNamedOriginMayAskAndSeeTheAnswers() throws {
        let pipeline = try Self.pipeline()
        let (process, address) = try pipeline.serve("serve", ["--set", "serve.cors_origins=http://localhost:3000, \(Self.page)"])
        defer { process.kill(SIGKILL) }
        let own = ["Origin": Self.page]

        // The browser asks first, for what is there.
        for (path, methods) in [
            (Self.rows, "GET, HEAD"), (Self.events, "POST"), ("/v1/runs", "GET, HEAD, POST"), ("/v1/views/nothing/live", "GET, HEAD"),
        ] {
            let answer = try Self.preflight(address, path, "GET")
            #expect(
                answer.status == 204 && Self.list(answer.headers["access-control-allow-methods"]) == Self.list(methods),
                "\(path): \(answer)")
            #expect(answer.headers["access-control-allow-origin"] == Self.page && answer.headers["vary"] == "Origin")
            let fields = Self.list(answer.headers["access-control-allow-headers"])
            #expect(
                fields.isSuperset(of: ["authorization", "content-type", "content-encoding", "if-none-match", "last-event-id"]), "\(fields)")
            #expect(answer.headers["access-control-max-age"] == "600" && answer.headers["content-length"] == nil)
            #expect(answer.headers["access-control-allow-credentials"] == nil)
        }
        #expect(try Self.preflight(address, "/v1/nothing", "GET").status == 404)
        // Without the question of a browser it is a method like others.
        #expect(try HTTPClient.get(address, Self.rows, own, method: "OPTIONS").status == 405)

        // Answers of all kinds are for the page, and what is in their fields.
        let found = try HTTPClient.get(address, Self.rows, own)
        let tag = try #require(found.headers["etag"])
        for (name, answer, status) in [
            ("rows", found, 200), ("unchanged", try HTTPClient.get(address, Self.rows, own.merging(["If-None-Match": tag]) { $1 }), 304),
            ("CSV", try HTTPClient.get(address, Self.rows + "?format=csv", own), 200),
            ("changes", try HTTPClient.get(address, "/v1/views/total/changes", own), 200),
            ("an error", try HTTPClient.get(address, "/v1/views/nothing/rows", own), 404),
            ("no route", try HTTPClient.get(address, "/nothing", own), 404),
            ("HEAD", try HTTPClient.get(address, Self.rows, own, method: "HEAD"), 200),
            ("a stale one", try HTTPClient.get(address, Self.rows + "?max_staleness=0s", own), 503),
            (
                "events",
                try HTTPClient.get(
                    address, Self.events, own.merging(Self.ndjson) { $1 }, method: "POST", body: Data(APIIngestTests.line(1_001).utf8)), 200
            ),
        ] {
            #expect(answer.status == status && answer.headers["access-control-allow-origin"] == Self.page, "\(name): \(answer.headers)")
            #expect(answer.headers["access-control-allow-credentials"] == nil)
            let exposed = Self.list(answer.headers["access-control-expose-headers"])
            // What always may be read, and what is no page's business.
            let rest: Set = [
                "content-type", "content-length", "cache-control", "date", "vary", "transfer-encoding", "connection",
                "x-content-type-options",
            ]
            let fields = Set(answer.headers.keys.filter { !$0.hasPrefix("access-control-") }).subtracting(rest)
            #expect(fields.isSubset(of: exposed), "\(name): \(fields.subtracting(exposed)) not exposed")
            #expect(exposed.isSuperset(of: ["etag", "x-request-id", "parallax-frontier", "parallax-next", "retry-after", "link"]))
            #expect(Self.list(answer.headers["vary"]).contains("origin"), "\(name)")
        }
        let client = try HTTPClient(address)
        try client.send("GET", "/v1/views/total/live", own.merging(["Accept": "text/event-stream"]) { $1 })
        let stream = try client.head()
        #expect(stream.status == 200 && stream.headers["access-control-allow-origin"] == Self.page && stream.headers["vary"] == "Origin")

        // Other origins, also those that look alike: a program gets its answer, a browser's page nothing, and it changes nothing.
        for other in [
            "https://evil.example", "http://app.example.com", "https://app.example.com:8443", "https://app.example.com.evil.example",
            "null", "",
        ] {
            let answer = try HTTPClient.get(address, Self.rows, ["Origin": other])
            #expect(
                answer.status == 200 && Self.crossOriginFields(answer) == [] && answer.headers["vary"]?.hasSuffix("Origin") == true,
                "\(other)")
            let asked = try Self.preflight(address, Self.events, "POST", from: other)
            #expect(asked.status == 403 && asked.code == "cross_origin" && Self.crossOriginFields(asked) == [], "\(other): \(asked.text)")
            let posted = try HTTPClient.get(
                address, Self.events, ["Origin": other].merging(Self.ndjson) { $1 }, method: "POST",
                body: Data(APIIngestTests.line(1_002).utf8))
            #expect(posted.status == 403 && posted.code == "cross_origin", "\(other): \(posted.text)")
        }
        #expect(try APIIngestTests.recordCount(pipeline) == 61)
        // The name that a request is sent to is another matter.
        let renamed = try HTTPClient.get(address, Self.rows, ["Origin": Self.page, "Host": "evil.example"])
        #expect(renamed.status == 403 && renamed.code == "cross_origin")
    }

    /// A browser's question has no token; the request has, and a page sees why it was refused.
    @Test func tokensAreNeededAsEver() throws {
        let pipeline = try Self.pipeline()
        let made = try Program.run(["token", "create", "--pipeline", pipeline.path])
        let token = ["Authorization": "Bearer " + made.output.trimmingCharacters(in: .newlines)]
        let (process, address) = try pipeline.serve("serve", ["--set", "serve.cors_origins=\(Self.page)"])
        defer { process.kill(SIGKILL) }
        #expect(try Self.preflight(address, Self.rows, "GET").status == 204)
        let refused = try HTTPClient.get(address, Self.rows, ["Origin": Self.page])
        #expect(refused.status == 401 && refused.headers["access-control-allow-origin"] == Self.page)
        #expect(Self.list(refused.headers["access-control-expose-headers"]).contains("www-authenticate"))
        let answer = try HTTPClient.get(address, Self.rows, token.merging(["Origin": Self.page]) { $1 })
        #expect(answer.status == 200 && answer.headers["access-control-allow-origin"] == Self.page)
    }

    @Test func whatNoBrowserSaysIsNoOrigin() throws {
        let pipeline = try TestPipeline(sql: APIIngestTests.views, configuration: "batch:\n  interval: off\n")
        for (text, says) in [
            ("*", "sites that nobody has named"), ("https://*.example.com", "sites that nobody has named"),
            ("https://a.example, null", "\"null\""),
            ("https://app.example.com/", "write https://app.example.com\n"), ("app.example.com", "is no origin"),
        ] {
            let refused = try pipeline.run("serve", "--set", "serve.cors_origins=\(text)", expecting: 78)
            #expect(refused.errors.contains("serve.cors_origins: ") && refused.errors.contains(says), "\(text): \(refused.errors)")
        }
    }

    // MARK: a real browser

    private static let chromium: String? = ["/usr/bin/chromium", "/usr/bin/chromium-browser"].first {
        FileManager.default.isExecutableFile(atPath: $0)
    }

    /// Rows with a token, an ETag, an error, events, and a stream: the page gets all of it where its origin is named, and nothing where it is not.
    @Test(.enabled(if: chromium != nil, "Debian's chromium is not installed")) func aBrowserLetsTheNamedPageIn() throws {
        let pipeline = try Self.pipeline()
        let port = try freePort()
        let named = ["--set", "serve.cors_origins=http://127.0.0.1:\(port)"]
        let (open, anybodys) = try pipeline.serve("serve", named + ["--set", "serve.auth=off"])
        defer { open.kill(SIGKILL) }
        let made = try Program.run(["token", "create", "--scope", "read", "--scope", "ingest", "--pipeline", pipeline.path])
        let (closed, guarded) = try pipeline.serve("serve", named)
        defer { closed.kill(SIGKILL) }
        let said = try Python.run(
            Self.browserScript,
            ["\(port)", Self.chromium ?? "", anybodys, guarded, made.output.trimmingCharacters(in: .newlines), APIIngestTests.line(2_001)])
        let lines = said.split(separator: "\n").map(String.init)
        #expect(
            lines.first
                == "127.0.0.1: rows 1, tag true, request true, again 304, csv frontier true, code not_found, without 401, accepted 1, event reset",
            "\(said)")
        #expect(lines.last == "localhost: rows TypeError, post TypeError, live closed", "\(said)")
        #expect(try APIIngestTests.recordCount(pipeline) == 61)
    }

    /// Serves the page under two names of this machine, opens it in the browser under each, and prints what it tells.
    private static let browserScript = #"""
        import http.server, shutil, subprocess, sys, tempfile, threading
        port, chromium, anybodys, guarded, token, line = int(sys.argv[1]), *sys.argv[2:]
        page = """<!doctype html><meta charset="utf-8"><script type="module">
        const anybodys = "http://ANYBODYS", guarded = "http://GUARDED", said = [];
        const bearer = { Authorization: "Bearer TOKEN" };
        const rows = guarded + "/v1/views/total/rows";
        const name = (error) => error.name;
        const post = (address, headers) => fetch(address + "/v1/sources/visit/events", {
          method: "POST", headers: { ...headers, "Content-Type": "application/x-ndjson" }, body: LINE });
        const stream = () => new Promise((done) => {
          const events = new EventSource(anybodys + "/v1/views/total/live");
          events.addEventListener("reset", () => { events.close(); done("event reset"); });
          events.onerror = () => { if (events.readyState === EventSource.CLOSED) done("live closed"); };
        });
        if (location.hostname === "127.0.0.1") {
          const first = await fetch(rows, { headers: bearer });
          const tag = first.headers.get("etag");
          said.push("rows " + (await first.json()).rows.length, "tag " + !!tag, "request " + !!first.headers.get("x-request-id"));
          said.push("again " + (await fetch(rows, { headers: { ...bearer, "If-None-Match": tag }, cache: "no-store" })).status);
          said.push("csv frontier " + !!(await fetch(rows + "?format=csv", { headers: bearer })).headers.get("parallax-frontier"));
          said.push("code " + (await (await fetch(guarded + "/v1/views/nothing/rows", { headers: bearer })).json()).code);
          said.push("without " + (await fetch(rows)).status);
          said.push("accepted " + (await (await post(guarded, bearer)).json()).accepted);
        } else {
          said.push("rows " + await fetch(anybodys + "/v1/views/total/rows").catch(name), "post " + await post(anybodys, {}).catch(name));
        }
        said.push(await stream());
        await fetch("/said", { method: "POST", body: location.hostname + ": " + said.join(", ") });
        </script>"""
        page = page.replace("ANYBODYS", anybodys).replace("GUARDED", guarded).replace("TOKEN", token).replace("LINE", repr(line))
        told = threading.Event()
        class Site(http.server.BaseHTTPRequestHandler):
            def answer(self, text):
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.end_headers()
                self.wfile.write(text.encode())
            def do_GET(self): self.answer(page)
            def do_POST(self):
                print(self.rfile.read(int(self.headers["Content-Length"])).decode(), flush=True)
                self.answer("")
                told.set()
            def log_message(self, *words): pass
        server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Site)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        for host in ["127.0.0.1", "localhost"]:
            told.clear()
            profile = tempfile.mkdtemp()
            browser = subprocess.Popen(
                [chromium, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--user-data-dir=" + profile, f"http://{host}:{port}/"],
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            if not told.wait(300): print(host + ": nothing", flush=True)
            browser.kill()
            browser.wait()
            shutil.rmtree(profile, ignore_errors=True)
        """#
}
