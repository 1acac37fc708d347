"""Search everywhere, by keyboard alone."""

import pytest

pytestmark = pytest.mark.browser
ADMIN = "user001@harbour-lines.example"


def test_ctrl_k_finds_and_opens_by_keyboard_alone(visit):
    page = visit(ADMIN)
    page.keyboard.press("Control+k")
    field = page.get_by_role("combobox", name="Search everywhere")
    field.wait_for()
    page.keyboard.type("activity")
    page.locator("#palette-list [role=option]", has_text="Activity").first.wait_for()
    first = page.locator('#palette-list [role=option][aria-selected="true"]')
    first.wait_for()

    assert field.get_attribute("aria-activedescendant") == first.get_attribute("id")
    assert "result" in page.locator("#palette-count").inner_text()

    page.keyboard.press("Enter")
    page.wait_for_url("**/activity/")


def test_arrows_go_round_and_escape_gives_the_focus_back(visit):
    page = visit(ADMIN)
    opener = page.locator("[data-palette-open]")
    opener.focus()
    page.keyboard.press("Enter")
    options = page.locator("#palette-list [role=option]")
    options.first.wait_for()
    page.locator('#palette-list [aria-selected="true"]').wait_for()
    page.keyboard.press("ArrowUp")

    assert options.last.get_attribute("aria-selected") == "true"

    page.keyboard.press("Escape")

    assert not page.locator("#palette").is_visible()
    assert opener.evaluate("it => it === document.activeElement")


def test_the_desks_own_keys_are_let_be(visit):
    page = visit("sofia.santos@vendor.example")
    page.keyboard.press("Control+k")
    page.locator("#palette-list [role=option]").first.wait_for()
    page.keyboard.type("u?")

    assert page.get_by_role("combobox", name="Search everywhere").input_value() == "u?"
    assert not page.locator("#keys").is_visible()


def test_without_javascript_the_button_leads_to_a_page(visit):
    page = visit(ADMIN, java_script_enabled=False)
    page.locator("[data-palette-open]").click()
    page.wait_for_url("**/search/")
    page.fill("main input[name=q]", "zoom")
    page.press("main input[name=q]", "Enter")

    assert page.locator("main").get_by_role("link", name="Zoom").count()
