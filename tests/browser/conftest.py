"""A real console and a real browser. Nothing here touches the tests' own database."""

import os
import shutil
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import sync_playwright

from ops import console as consoles
from ops import sign_in
from ops.console import Console

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


@pytest.fixture(scope="session")
def console(worker_id) -> Console:
    """A web server over a database with the demo, its clock at 23 November 2026."""
    beside = urlsplit(os.environ.get("DATABASE_URL", "")).path.strip("/")
    with consoles.running(f"appconnect_browser_{beside}_{worker_id}") as running:
        yield running


@pytest.fixture(scope="session")
def chromium():
    # Playwright's loop lives in this thread as long as the browser does. The tests that
    # come after in the same process are as synchronous as before.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    program = os.environ.get("CHROMIUM") or shutil.which("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        yield browser
        browser.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def visit(chromium, console):
    """Open a page as somebody: visit("user001@…"). Any console error fails the test, but
    for the answers that are meant: `answers`, by their status.
    """
    opened, complaints = [], []

    def visitor(email: str, *, answers: tuple[int, ...] = (409,), **context):
        def listen(said):
            meant = any(f"status of {answer} " in said.text for answer in answers)
            if said.type == "error" and not meant:
                complaints.append(said.text)

        place = chromium.new_context(
            base_url=context.pop("base_url", console.url),
            viewport=context.pop("viewport", {"width": 1440, "height": 900}),
            **context,
        )
        place.set_default_timeout(15_000)
        page = place.new_page()
        page.on("console", listen)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        opened.append(place)
        if not email:
            return page
        page.goto("/login/")
        sign_in.through(page, email)
        return page

    yield visitor
    for place in opened:
        place.close()
    assert complaints == []
