"""`make screenshots`: every page with the demo in it, and with an account of 60 apps and
40,000 people, wide and narrow, light and dark.

They go to var/screenshots; the few that README and docs show go to docs/pictures. An
error in the browser's console, or a page that does not answer, fails the walk. Names
of pages (`make screenshots ONLY="styleguide orders"`) keep the walk to these; of the
style guide each component is a picture of its own.
"""

import itertools
import sys

from playwright.sync_api import Browser, Page, sync_playwright

from demo.sign_ins import PASSWORD
from ops import chromium, console, sign_in
from ops.console import Console
from ops.environment import ROOT
from screenshots.pages import LARGE, PAGES, REFUSALS, Link

FOLDER = ROOT / "var/screenshots"
PICTURES = ROOT / "docs/pictures"
SIZES = {"wide": (1440, 900), "phone": (390, 844)}
SCHEMES = ["light", "dark"]
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]

TOP = {"x": 0, "y": 0, "width": 1440, "height": 1100}
SHOWN = {
    (name, "wide", "light")
    for name in ("overview", "my-apps", "install", "renewals", "statement")
}
FILL = f"from bench import large; large.fill(password={PASSWORD!r})"


def main() -> int:
    complaints: list[str] = []
    FOLDER.mkdir(parents=True, exist_ok=True)
    PICTURES.mkdir(parents=True, exist_ok=True)
    walks = {
        email: wanted
        for email, pages in (PAGES | LARGE).items()
        if (wanted := _wanted(pages, sys.argv[1:]))
    }
    with (
        console.running("appconnect_screenshots") as running,
        sync_playwright() as play,
    ):
        if LARGE.keys() & walks.keys():
            running.manage("shell", "--verbosity", "0", "--command", FILL)
        browser = play.chromium.launch(executable_path=chromium.path(), args=ARGUMENTS)
        for email, wanted in walks.items():
            complaints += _walk(browser, running, email, wanted)
        browser.close()
    print(f"{len(list(FOLDER.glob('*.png')))} pictures in {FOLDER.relative_to(ROOT)}")
    for complaint in complaints:
        print(complaint)
    return bool(complaints)


def _wanted(pages: dict, only: list[str]) -> dict:
    return {name: path for name, path in pages.items() if not only or name in only}


def _walk(browser: Browser, running: Console, email: str, pages: dict) -> list[str]:
    complaints: list[str] = []
    place = browser.new_context(base_url=running.url, reduced_motion="reduce")
    page = place.new_page()
    if email:
        sign_in.through(page, email)
    for (name, path), size in itertools.product(pages.items(), SIZES):
        errors: list[str] = []
        listener = _listener(errors)
        page.on("console", listener)
        width, height = SIZES[size]
        page.set_viewport_size({"width": width, "height": height})
        answer = open_page(page, path)
        _choose(page, name)
        page.wait_for_load_state("networkidle")
        wanted = REFUSALS.get(name, 200)
        if answer.status != wanted:
            complaints.append(f"{path} answered {answer.status}, not {wanted}")
        overflow = "document.documentElement.scrollWidth > innerWidth + 1"
        if page.evaluate(overflow):
            complaints.append(f"{path} is wider than a {size} screen")
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme)
            _take(page, name, size, scheme)
        if name not in REFUSALS:
            complaints += [f"{path}: {error}" for error in errors]
        page.remove_listener("console", listener)
    place.close()
    return complaints


def _listener(errors: list[str]):
    def listen(said) -> None:
        if said.type == "error":
            errors.append(said.text)

    return listen


def open_page(page: Page, path: str | Link):
    """Go to a page of the list, if need be by the page that links to it."""
    if isinstance(path, Link):
        page.goto(path.on)
        path = page.locator(path.first).first.get_attribute("href") + path.then
    return page.goto(path)


def _choose(page: Page, name: str) -> None:
    """A page that asks for a choice is shown with one made."""
    if name == "install":
        page.locator("input[name=plan]").nth(2).check()
    if name in {"install", "add-users"}:
        for nth in range(3):
            page.locator("input[name=users]:not(:disabled)").nth(nth).check()
        page.wait_for_timeout(900)


def _take(page: Page, name: str, size: str, scheme: str) -> None:
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    page.wait_for_load_state("networkidle")
    page.evaluate("scrollTo(0, 0)")
    page.screenshot(path=FOLDER / f"{name}-{size}-{scheme}.png", full_page=True)
    if name == "styleguide":
        _take_components(page, size, scheme)
    if (name, size, scheme) in SHOWN:
        page.screenshot(path=PICTURES / f"{name}.png", full_page=True, clip=TOP)


def _take_components(page: Page, size: str, scheme: str) -> None:
    folder = FOLDER / "components"
    folder.mkdir(exist_ok=True)
    for part in page.locator("[data-component]").all():
        name = part.get_attribute("data-component")
        part.screenshot(path=folder / f"{name}-{size}-{scheme}.png")


if __name__ == "__main__":
    sys.exit(main())
