"""Pictures of each page of the dashboard, at 1440 and 390 pixels, dark and light: screenshots.py ADDRESS FOLDER VIEW. Ends with 1 where a page complains."""
import os
import sys

from playwright.sync_api import sync_playwright

address, folder, view = sys.argv[1:4]
pages = {
    "overview": "#/",
    "view": f"#/view/{view}?range=15m&group=page",
    "estimates": f"#/view/{view}?range=15m&measure=visitors",
    "comparison": f"#/view/{view}/comparison",
    "runs": "#/runs",
}
os.makedirs(folder, exist_ok=True)
complaints = []
with sync_playwright() as playwright:
    browser = playwright.chromium.launch(executable_path=os.environ.get("PARALLAX_CHROMIUM", "/usr/bin/chromium"), args=["--no-sandbox"])
    for theme in ("light", "dark"):
        for width, height in ((1440, 900), (390, 844)):
            context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=theme)
            page = context.new_page()
            page.on("console", lambda message: complaints.append(message.text) if message.type in ("error", "warning") else None)
            page.on("pageerror", lambda error: complaints.append(str(error)))
            for name, place in pages.items():
                page.goto(f"http://{address}/{place}")
                page.wait_for_selector("#state .pill.good", timeout=60000)
                page.wait_for_timeout(4000)
                page.screenshot(path=f"{folder}/{name}-{width}-{theme}.png", full_page=True)
                wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
                if wide > 0:
                    complaints.append(f"{name} at {width}: {wide} pixels wider than the screen")
            context.close()
    browser.close()
print("\n".join(sorted(set(complaints))))
sys.exit(1 if complaints else 0)
