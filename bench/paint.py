"""How soon a page shows something, in a browser whose processor is four times slower."""

import statistics

from playwright.sync_api import Page, sync_playwright

from ops import chromium, console, sign_in
from screenshots.__main__ import ARGUMENTS, open_page
from screenshots.pages import ADMINISTRATOR, PAGES

SLOWER = 4
TIMES = 3
SHOWN = [
    "overview",
    "my-apps",
    "users",
    "marketplace",
    "install",
    "spending",
    "charges",
    "renewals",
    "what-if",
    "statements",
    "people",
    "help",
    "profile",
]
AIM = 1000  # milliseconds
FIRST_PAINT = """() => {
  const [paint] = performance.getEntriesByName("first-contentful-paint");
  return paint ? paint.startTime : null;
}"""


def main() -> None:
    with (
        console.running("appconnect_bench_paints") as running,
        sync_playwright() as play,
    ):
        browser = play.chromium.launch(executable_path=chromium.path(), args=ARGUMENTS)
        page = browser.new_page(base_url=running.url)
        sign_in.through(page, ADMINISTRATOR)
        slower = page.context.new_cdp_session(page)
        slower.send("Network.setCacheDisabled", {"cacheDisabled": True})
        slower.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
        for name in SHOWN:
            took = statistics.median(_paint(page, name) for _ in range(TIMES))
            late = "" if took < AIM else f"   above the aim of {AIM} ms"
            print(f"  {name:<28}{took:>8.0f} ms{late}")
        browser.close()


def _paint(page: Page, name: str) -> float:
    """Milliseconds from the click to the first content, nothing cached."""
    open_page(page, PAGES[ADMINISTRATOR][name])
    page.wait_for_load_state("load")
    page.wait_for_function(FIRST_PAINT)
    return page.evaluate(FIRST_PAINT)


if __name__ == "__main__":
    main()
