"""Through the door with a second factor and with a passkey, by keyboard alone."""

import pytest

from demo import sign_ins
from demo.sign_ins import ADMINISTRATOR

pytestmark = pytest.mark.browser

AGENT = "user009@harbour-lines.example"
SOFIA = "sofia.santos@vendor.example"
AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


def confirm(page, address):
    """Go to a page that asks for the password first."""
    page.goto(address)
    page.locator("input[name=password]").press_sequentially(sign_ins.PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{address}")


def test_staff_come_in_by_password_and_code(visit):
    assert "/desk/" in visit(SOFIA).url


def test_an_app_is_added_and_removed_by_keyboard(visit):
    page = visit(ADMINISTRATOR)
    confirm(page, "/security/app/add/")
    key = page.locator(".qr-key").inner_text()

    page.locator("input[name=code]").press_sequentially(sign_ins.code(key=key))
    page.keyboard.press("Enter")
    page.wait_for_url("**/security/codes/")

    assert page.locator(".codes li").count() == 10
    page.goto("/security/app/remove/")
    page.locator("main form .btn-danger").press("Enter")
    page.wait_for_url("**/security/")
    assert page.get_by_role("link", name="Add an authenticator app").is_visible()


def test_a_passkey_signs_in_by_itself(visit, console):
    page = visit(AGENT, base_url=console.url.replace("127.0.0.1", "localhost"))
    browser = page.context.new_cdp_session(page)
    browser.send("WebAuthn.enable")
    browser.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
    confirm(page, "/security/passkeys/add/")
    page.fill("input[name=name]", "Laptop")
    page.locator("[data-passkey=add]").press("Enter")
    page.wait_for_url("**/security/codes/")

    page.context.clear_cookies()
    page.goto("/login/?next=/profile/")
    page.locator("[data-passkey=sign-in]").press("Enter")
    page.wait_for_url(lambda address: "/login/" not in address)
    assert page.url.endswith("/profile/")

    page.goto("/security/")
    assert page.get_by_role("rowheader", name="Laptop").is_visible()

    # Other journeys of this person begin without one.
    page.locator("a[href*='/security/passkeys/'][href$='/remove/']").first.click()
    page.wait_for_load_state()
    if page.locator("input[name=password]").is_visible():
        page.locator("input[name=password]").fill(sign_ins.PASSWORD)
        page.keyboard.press("Enter")
    page.get_by_role("button", name="Remove the passkey").click()
    page.wait_for_url(lambda address: "/remove/" not in address)
    assert page.get_by_role("rowheader", name="Laptop").count() == 0
