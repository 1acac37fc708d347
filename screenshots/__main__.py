"""`make screenshots`: every page with the demo in it, wide and narrow, light and dark.

They go to var/screenshots; the few that README and docs show go to docs/pictures. An
error in the browser's console, or a page that does not answer, fails the walk.
"""

import itertools
import sys

from playwright.sync_api import Browser, Page, sync_playwright

from demo.sign_ins import PASSWORD
from ops import chromium, console
from ops.console import Console
from ops.environment import ROOT

FOLDER = ROOT / "var/screenshots"
PICTURES = ROOT / "docs/pictures"
SIZES = {"wide": (1440, 900), "phone": (390, 844)}
SCHEMES = ["light", "dark"]
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]

ADMINISTRATOR = "user001@harbour-lines.example"
PAGES = {
    ADMINISTRATOR: {
        "my-apps": "/apps/",
        "marketplace": "/marketplace/",
        "marketplace-search": "/marketplace/?q=projct",
        "marketplace-empty": "/marketplace/?q=qqqqqq",
        "app": "/marketplace/slack/",
        "app-add-ons-only": "/marketplace/okta/",
        "install": "/marketplace/wrike/install/",
        "users": "/apps/slack/users/",
        "add-users": "/apps/zoom/users/add/",
        "app-roles": "/apps/clickup/roles/",
        "plan": "/apps/zoom/plan/",
        "change-plan": "/apps/zoom/plan/business-plus/",
        "billing": "/apps/slack/billing/",
        "add-ons": "/apps/zoom/add-ons/",
        "activity": "/apps/slack/activity/",
        "uninstall": "/apps/trello/uninstall/",
        "orders": "/orders/",
        "order": "/orders/1/",
        "charges": "/charges/",
        "account-activity": "/activity/",
        "people": "/people/",
        "directory": "/people/directory/",
        "roles": "/roles/",
        "help": "/help/",
        "new-request": "/help/new/",
        "profile": "/profile/",
        "api-keys": "/keys/",
        "make-api-key": "/keys/add/",
        "api-docs": "/api/v1/docs/",
        "not-found": "/apps/nothing-of-that-name/",
    },
    "user009@harbour-lines.example": {
        "launcher": "/launcher/",
        "refused": "/apps/",
    },
    "sofia.santos@vendor.example": {
        "queue": "/desk/",
        "search": "/desk/search/?q=zoom",
        "figures": "/figures/",
        "bulk-new": "/desk/bulk/new/?all=1&query=view%3Dopen",
        "ticket": "/desk/T-000031/",
        "decide": "/desk/T-000031/approve/",
        "put-in": "/desk/T-000031/canned/",
        "canned-replies": "/desk/canned/",
        "canned-reply": "/desk/canned/1/",
        "macros": "/desk/macros/",
        "macro": "/desk/macros/1/",
        "keys": "/desk/keys/",
        "desk-accounts": "/desk/accounts/",
        "styleguide": "/styleguide/",
    },
    "petra.park@ironwood-tools.example": {
        "portal": "/partner/",
        "portal-add-ons": "/partner/add-ons/",
        "portal-listings": "/partner/listings/",
        "portal-new-listing": "/partner/new-listing/",
        "portal-webhooks": "/partner/webhooks/",
    },
}
REFUSALS = {"not-found": 404, "refused": 403}
TOP = {"x": 0, "y": 0, "width": 1440, "height": 1100}
SHOWN = {("my-apps", "wide", "light"), ("install", "wide", "light")}


def main() -> int:
    complaints: list[str] = []
    FOLDER.mkdir(parents=True, exist_ok=True)
    PICTURES.mkdir(parents=True, exist_ok=True)
    with (
        console.running("appconnect_screenshots") as running,
        sync_playwright() as play,
    ):
        browser = play.chromium.launch(executable_path=chromium.path(), args=ARGUMENTS)
        for (size, scheme), email in itertools.product(
            itertools.product(SIZES, SCHEMES), PAGES
        ):
            complaints += _walk(browser, running, email, size, scheme)
        browser.close()
    print(f"{len(list(FOLDER.glob('*.png')))} pictures in {FOLDER.relative_to(ROOT)}")
    for complaint in complaints:
        print(complaint)
    return bool(complaints)


def _walk(
    browser: Browser, running: Console, email: str, size: str, scheme: str
) -> list[str]:
    complaints: list[str] = []
    width, height = SIZES[size]
    place = browser.new_context(
        base_url=running.url,
        viewport={"width": width, "height": height},
        color_scheme=scheme,
        reduced_motion="reduce",
    )
    page = place.new_page()
    _sign_in(page, email)
    for name, path in PAGES[email].items():
        errors: list[str] = []
        listener = _listener(errors)
        page.on("console", listener)
        answer = page.goto(path)
        _choose(page, name)
        page.wait_for_load_state("networkidle")
        wanted = REFUSALS.get(name, 200)
        if answer.status != wanted:
            complaints.append(f"{path} answered {answer.status}, not {wanted}")
        if name not in REFUSALS:
            complaints += [f"{path}: {error}" for error in errors]
        overflow = "document.documentElement.scrollWidth > innerWidth + 1"
        if page.evaluate(overflow):
            complaints.append(f"{path} is wider than a {size} screen")
        _take(page, name, size, scheme)
        page.remove_listener("console", listener)
    place.close()
    return complaints


def _listener(errors: list[str]):
    def listen(said) -> None:
        if said.type == "error":
            errors.append(said.text)

    return listen


def _sign_in(page: Page, email: str) -> None:
    page.goto("/login/")
    page.fill("input[name=username]", email)
    page.fill("input[name=password]", PASSWORD)
    page.press("input[name=password]", "Enter")
    page.wait_for_url(lambda url: "/login/" not in url)


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
    if (name, size, scheme) in SHOWN:
        page.screenshot(path=PICTURES / f"{name}.png", full_page=True, clip=TOP)


if __name__ == "__main__":
    sys.exit(main())
