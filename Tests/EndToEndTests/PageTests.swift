import Foundation
import TestSupport
import Testing

/// The dashboard over HTTP, and in a real browser.
@Suite(.serialized) struct PageTests {
    @Test func thePageComesWithItsPolicyAndItsFilesMayBeKept() throws {
        let pipeline = try LivePipeline(events: 1)
        try pipeline.serve()
        let page = try HTTPClient.get(pipeline.address, "/")
        #expect(page.status == 200 && page.headers["content-type"] == "text/html; charset=utf-8")
        let policy = try #require(page.headers["content-security-policy"])
        #expect(
            policy.hasPrefix("default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';") && !policy.contains("unsafe"))
        #expect(policy.contains("frame-ancestors 'none'"))
        #expect(page.headers["x-content-type-options"] == "nosniff" && page.headers["referrer-policy"] == "no-referrer")
        #expect(page.headers["cache-control"] == "no-cache")
        #expect(try HTTPClient.get(pipeline.address, "/", ["If-None-Match": page.headers["etag"] ?? ""]).status == 304)

        let script = try #require(page.text.firstMatch(of: /src="(\/assets\/([0-9a-f]{16})\/app\.js)"/))
        let file = try HTTPClient.get(pipeline.address, String(script.1))
        #expect(file.status == 200 && file.headers["content-type"] == "text/javascript; charset=utf-8")
        #expect(file.headers["cache-control"] == "public, max-age=31536000, immutable" && file.headers["content-security-policy"] == policy)
        #expect(try HTTPClient.get(pipeline.address, String(script.1), method: "HEAD").headers["content-length"] == "\(file.body.count)")
        for path in [
            "/assets/0000000000000000/app.js", "/assets/\(script.2)/nothing.js", "/assets/\(script.2)/index.html",
            "/assets/\(script.2)/..%2Fapp.js", "/assets",
        ] {
            #expect(try HTTPClient.get(pipeline.address, path).status == 404, "\(path)")
        }
        #expect(try HTTPClient.get(pipeline.address, "/", method: "POST").status == 405)
        // It is for people: the text for programs does not have it.
        #expect(try !HTTPClient.get(pipeline.address, "/openapi.json").text.contains("/assets"))
    }

    @Test(.enabled(if: Browser.trouble == nil, "\(Browser.trouble ?? "")"))
    func theChartAndTheTableMoveWhenEventsArrive() throws {
        let pipeline = try LivePipeline()
        try pipeline.serve("up")
        try Browser.run(
            #"""
            show("#/view/v?range=all&group=k")
            until("document.querySelector('.chart canvas') && document.querySelectorAll('table.rows tbody tr').length === 20")
            lines = "[...document.querySelectorAll('.chart canvas')].map((canvas) => canvas.toDataURL()).join()"
            before = page.evaluate(lines)
            def events(first, count):
                post("ev", [{"id": 100000 + first + i, "t": "2026-01-10T03:00:30Z", "k": "zz", "n": 1, "x": 1} for i in range(count)])
            row = "document.querySelector('table.rows tbody tr')?.innerText.replace(/\\s+/g, ' ')"
            legend = "document.querySelector('.legend')?.innerText.replace(/\\s+/g, ' ')"
            events(0, 50)
            until(f"{row}?.includes('zz 50 50')")
            until(f"{legend}?.includes('zz 50')")
            assert page.evaluate(lines) != before, "the chart has not moved"
            # A person's focus stays where it is while rows come.
            page.locator("table.rows th button").first.focus()
            events(50, 7)
            until(f"{row}?.includes('zz 57 57') && {legend}?.includes('zz 57')")
            assert page.evaluate("document.activeElement.className") == "sort"
            # Sorted by total, the smallest first; and the address says so.
            page.get_by_role("button", name="total").click()
            page.get_by_role("button", name="total").click()
            until("document.querySelector('th[aria-sort=ascending]')?.innerText.startsWith('total')")
            assert "order=total" in page.url and cell(1, 4) == "57", cell(1, 4)
            """#, address: pipeline.address)
    }

    /// Source, group values, and what a comparison quotes: all of it comes from outside.
    @Test(.enabled(if: Browser.trouble == nil, "\(Browser.trouble ?? "")"))
    func whatEventsSayStaysText() throws {
        let pipeline = try LivePipeline(events: 1)
        let evil = "<img src=x onerror=\"window.hit=1\"><script>window.hit=2</script>'\"`${window.hit=3}"
        try pipeline.ingest(40, key: evil) { $0 % 3 }
        try pipeline.ingest(3, key: String(repeating: "long", count: 400)) { $0 % 3 }
        try pipeline.serve("up")
        try Browser.run(
            #"""
            show("#/view/v?range=all&group=k")
            until("document.querySelector('.legend')?.innerText.includes('<img src=x') && document.querySelector('table.rows')?.innerText.includes('<script>window.hit=2')")
            page.locator(".value", has_text="<img").first.click()
            until("document.querySelector('.chip')?.innerText.includes('<script>')")
            # Names out of the address, too.
            page.goto(f"http://{address}/#/view/%3Cimg%20src%3Dx%20onerror%3D%22window.hit%3D4%22%3E")
            until("document.querySelector('.notice')?.innerText.includes('<img src=x')")
            show("#/view/v/comparison")
            assert page.evaluate("window.hit") is None
            assert page.evaluate("document.querySelectorAll('main img, main script').length") == 0
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
            expected.append("404")
            """#, address: pipeline.address, width: 390)
    }

    /// axe-core, on each page in both themes.
    @Test(.enabled(if: Browser.trouble == nil, "\(Browser.trouble ?? "")"), arguments: ["light", "dark"])
    func axeFindsNothing(theme: String) throws {
        let pipeline = try LivePipeline()
        try pipeline.serve("up")
        try Browser.run(
            #"""
            from axe_playwright_python.sync_playwright import Axe
            for place in ("#/", "#/view/v?range=all&group=k", "#/view/newest", "#/view/by_k", "#/view/v/comparison", "#/runs"):
                show(place)
                until("document.querySelector('main h1') && !document.querySelector('.loading')")
                for details in page.locator("details").all(): details.evaluate("(it) => { it.open = true; }")
                found = Axe().run(page)
                assert found.violations_count == 0, place + ": " + found.generate_report()
            """#, address: pipeline.address, theme: theme)
    }

    @Test(.enabled(if: Browser.trouble == nil, "\(Browser.trouble ?? "")"))
    func aTokenIsAskedForKeptInTheTabAndSent() throws {
        let pipeline = try LivePipeline(events: 10)
        func token(_ arguments: String...) throws -> String {
            try Program.run(["token", "create", "--pipeline", pipeline.pipeline.path] + arguments).output.trimmingCharacters(in: .newlines)
        }
        let (reader, admin) = (try token("--scope", "read", "--name", "reader"), try token("--scope", "admin", "--name", "ada"))
        try pipeline.serve()
        try Browser.run(
            #"""
            reader, admin = "\#(reader)", "\#(admin)"
            expected += ["401", "403"]
            def give(text):
                page.locator("dialog input").fill(text)
                page.get_by_role("button", name="Use it").click()
            page.goto(f"http://{address}/#/")
            until("document.querySelector('dialog')?.innerText.includes('A token is needed')")
            give("plx_wrong")
            until("document.querySelector('dialog')?.innerText.includes('not valid')")
            give(reader)
            # Views, and why there is no more.
            until("document.querySelector('main h1')?.innerText.includes('this token may read')")
            assert page.locator("table.views tbody tr").count() == 3
            page.get_by_role("button", name="Forget token").click()
            until("document.querySelector('dialog')")
            give(admin)
            page.wait_for_selector(".flow")
            # A stream is asked for with the token, too.
            with page.expect_response(lambda response: "/live" in response.url) as live: page.goto(f"http://{address}/#/view/v?range=all")
            assert live.value.status == 200
            assert admin not in page.url and page.evaluate("localStorage.length") == 0
            """#, address: pipeline.address)
    }

    @Test(.enabled(if: Browser.trouble == nil, "\(Browser.trouble ?? "")"))
    func aServerThatIsAwayIsSaidAndWhatWasThereStays() throws {
        let pipeline = try LivePipeline(events: 10)
        try pipeline.serve()
        let process = try #require(pipeline.process)
        try Browser.run(
            #"""
            import signal, subprocess
            expected += ["ERR_", "Failed to load"]
            show("#/")
            page.wait_for_selector("table.views")
            os.kill(\#(process.process.processIdentifier), signal.SIGKILL)
            until("document.querySelector('#state')?.innerText.includes('API down: this is') && document.body.classList.contains('stale')")
            assert page.locator("table.views tbody tr").count() == 3
            program = subprocess.Popen([r"""\#(Program.path)""", "serve", "--pipeline", r"""\#(pipeline.pipeline.path)""", "--set", f"serve.listen={address}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try: page.wait_for_selector("#state .pill.good")
            finally: program.terminate(); program.wait()
            """#, address: pipeline.address)
    }

    @Test(.enabled(if: Browser.trouble == nil, "\(Browser.trouble ?? "")"))
    func aRunThatIsHeldIsPublishedAfterAQuestion() throws {
        let pipeline = try APIControlTests.pipeline(" WITH (max_drift = '5%')")
        try pipeline.ingest("visit", CLIChangeTests.lines(10_000..<10_600))
        try pipeline.run("speed", "--until-caught-up")
        // More than an hour behind: left to the batch layer.
        try pipeline.ingest("visit", CLIChangeTests.lines(0..<98))
        try pipeline.run("speed", "--until-caught-up")
        try pipeline.run("batch", "run", expecting: 1)
        let (process, address) = try pipeline.serve()
        defer { process.kill(SIGKILL) }
        try Browser.run(
            #"""
            show("#/")
            assert "is held" in page.locator("main").inner_text()
            show("#/runs")
            page.get_by_role("button", name="Publish", exact=True).click()
            assert "Publish run 1?" in page.locator("dialog").inner_text()
            page.get_by_role("button", name="Leave it").click()
            until("!document.querySelector('dialog') && document.querySelector('.pill.warn')?.innerText === 'held'")
            page.get_by_role("button", name="Publish", exact=True).click()
            page.get_by_role("button", name="Publish it").click()
            until("document.querySelector('.said').innerText.includes('Run 1 is published.') && !document.querySelector('.pill.warn')")
            """#, address: address)
        #expect(try pipeline.value("SELECT count(*) FROM parallax.run WHERE state = 'published'") == 1)
    }
}
