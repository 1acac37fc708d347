"""What a page may cost whoever opens it for the first time: bytes, and jumps."""

import pytest
from playwright.sync_api import CDPSession

from screenshots.__main__ import open_page
from screenshots.pages import PAGES

pytestmark = pytest.mark.browser
MOST = 150_000  # bytes on the wire, nothing cached
STEADY = 0.05
NOT_COUNTED = "chart.js"  # loads when a chart is seen
WATCH = """() => {
  window.jumped = 0;
  new PerformanceObserver((list) => {
    for (const jump of list.getEntries()) {
      if (!jump.hadRecentInput) window.jumped += jump.value;
    }
  }).observe({ type: "layout-shift", buffered: true });
}"""


@pytest.mark.parametrize("email", PAGES)
def test_a_page_is_light_and_does_not_jump(visit, email):
    page = visit(email, answers=(403, 404))
    page.add_init_script(f"({WATCH})()")
    browser = page.context.new_cdp_session(page)
    browser.send("Network.enable")
    browser.send("Network.setCacheDisabled", {"cacheDisabled": True})
    heavy = []
    for name, path in PAGES[email].items():
        wire = _Wire(browser)
        open_page(page, path)
        page.wait_for_load_state("networkidle")
        jumped = page.evaluate("window.jumped")
        if name != "api-docs" and wire.bytes > MOST:
            heavy.append(f"{name}: {wire.bytes:,} bytes, most {wire.heaviest()}")
        if jumped > STEADY:
            heavy.append(f"{name}: jumps by {jumped:.3f}")
        wire.close()

    assert heavy == []


class _Wire:
    """What came over the wire since it was opened, by address."""

    def __init__(self, browser: CDPSession):
        self.browser, self.of, self.took = browser, {}, {}
        browser.on("Network.responseReceived", self._begun)
        browser.on("Network.loadingFinished", self._finished)

    def close(self):
        self.browser.remove_listener("Network.responseReceived", self._begun)
        self.browser.remove_listener("Network.loadingFinished", self._finished)

    @property
    def bytes(self) -> int:
        return sum(self.took.values())

    def heaviest(self) -> str:
        return ", ".join(
            f"{address} {size:,}"
            for address, size in sorted(self.took.items(), key=lambda one: -one[1])[:4]
        )

    def _begun(self, news):
        if news["type"] == "Document":  # a page on the way to the one that is meant
            self.took.clear()
        self.of[news["requestId"]] = news["response"]["url"]

    def _finished(self, news):
        address = self.of.get(news["requestId"], "")
        if NOT_COUNTED not in address:
            self.took[address] = news["encodedDataLength"]
