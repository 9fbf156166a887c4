import Foundation
import TestSupport

/// Debian's Chromium, driven by playwright: the dashboard as its readers get it.
enum Browser {
    /// `PARALLAX_CHROMIUM` names another one.
    static let executable = ProcessInfo.processInfo.environment["PARALLAX_CHROMIUM"] ?? "/usr/bin/chromium"

    /// Why tests in a browser are skipped; nil where they can run.
    static let trouble: String? =
        FileManager.default.isExecutableFile(atPath: executable)
        ? Python.trouble(importing: "playwright.sync_api, axe_playwright_python") : "there is no \(executable)"

    /// Runs a script that has `page`, of an empty tab, `show(place)`, `post(source, events)`, `until(words)` (JavaScript that is true in the end) and
    /// `cell(row, column)`. Whatever the browser complains of (errors, warnings, what the page's policy forbids) fails it, but for what `expected` names.
    ///
    /// - Returns: what the script printed.
    @discardableResult
    static func run(_ script: String, address: String, theme: String = "light", width: Int = 1_440) throws -> String {
        try Python.run(prelude + script + "\nend()\n", [address, executable, theme, "\(width)"])
    }

    private static let prelude = #"""
        import json, os, sys, time, urllib.request
        from playwright.sync_api import sync_playwright
        address, executable, theme, width = sys.argv[1:5]
        complaints, expected = [], []
        playwright = sync_playwright().start()
        # Root has no sandbox of Chromium's.
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"] if os.geteuid() == 0 else [])
        context = browser.new_context(viewport={"width": int(width), "height": 900}, color_scheme=theme)
        # A wait for a state, on a machine that is busy with other tests.
        context.set_default_timeout(180000)
        context.add_init_script("window.addEventListener('securitypolicyviolation', (e) => console.error('policy: ' + e.violatedDirective + ' ' + e.sourceFile))")
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text) if message.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))

        def show(place):
            page.goto(f"http://{address}/{place}")
            page.wait_for_selector("#state .pill.good")

        # Playwright's own wait for a function evaluates strings in the page, which its policy forbids.
        def until(words):
            latest = time.monotonic() + 180
            while not page.evaluate(words):
                if time.monotonic() > latest:
                    sys.exit(f"it did not become true: {words}\n{page.locator('body').inner_text()[:3000]}\n" + "\n".join(complaints))
                page.wait_for_timeout(50)

        def cell(row, column):
            return page.locator(f"table.rows tbody tr:nth-child({row}) td:nth-child({column})").inner_text()

        def post(source, events):
            body = "\n".join(json.dumps(event) for event in events).encode()
            urllib.request.urlopen(urllib.request.Request(f"http://{address}/v1/sources/{source}/events", data=body, headers={"Content-Type": "application/x-ndjson"})).read()

        def end():
            rest = [text for text in complaints if not any(part in text for part in expected)]
            browser.close()
            playwright.stop()
            if rest: sys.exit("the browser complained:\n" + "\n".join(rest))

        """#
}
