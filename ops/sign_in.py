"""Through the door of a console with the demo in it, as a person goes."""

from playwright.sync_api import Page

from demo import sign_ins


def through(page: Page, email: str) -> None:
    """Sign in by the form; the demo's staff enter what their app shows."""
    page.goto("/login/")
    page.fill("input[name=login]", email)
    page.fill("input[name=password]", sign_ins.PASSWORD)
    page.press("input[name=password]", "Enter")
    page.wait_for_url(lambda url: not url.endswith("/login/"))
    if "/login/code/" in page.url:
        page.fill("input[name=code]", sign_ins.code())
        page.press("input[name=code]", "Enter")
    page.wait_for_url(lambda url: "/login/" not in url)
