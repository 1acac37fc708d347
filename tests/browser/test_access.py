"""Whoever reads by ear, by keyboard or much enlarged can use every page: WCAG 2.2 AA.

Every page of screenshots/pages.py is asked by axe-core in both themes, and laid out at
320 pixels, which is what 400 % of zoom leaves of a screen.
"""

import pytest
from playwright.sync_api import Page, expect

from ops.environment import ROOT
from screenshots.__main__ import open_page
from screenshots.pages import ADMINISTRATOR, PAGES, REFUSALS

pytestmark = pytest.mark.browser
AXE = ROOT / "node_modules/axe-core/axe.min.js"
# Swagger UI draws what is in #swagger-ui; the schema says the same in plain text.
ASK = """async () => {
  const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
  const asked = await axe.run({ exclude: "#swagger-ui" }, {
    runOnly: { type: "tag", values: tags },
    resultTypes: ["violations"],
  });
  return asked.violations.flatMap((rule) =>
    rule.nodes.map((node) => `${rule.id}: ${node.html.slice(0, 200)}`)
  );
}"""
CHOOSE = "theme => document.documentElement.setAttribute('data-bs-theme', theme)"
SIDEWAYS = "document.documentElement.scrollWidth > innerWidth"


@pytest.mark.parametrize("email", PAGES)
def test_every_page_is_for_all(visit, email):
    page = visit(email, answers=(403, 404), reduced_motion="reduce")
    axe, found = AXE.read_text("utf-8"), []
    for name, path in PAGES[email].items():
        assert open_page(page, path).status == REFUSALS.get(name, 200), name
        page.evaluate(axe)
        for theme in ("light", "dark"):
            page.evaluate(CHOOSE, theme)
            found += [f"{name}, {theme}: {said}" for said in page.evaluate(ASK)]
        page.set_viewport_size({"width": 320, "height": 800})
        if page.evaluate(SIDEWAYS):
            found.append(f"{name} scrolls sideways at 320 pixels")
        page.set_viewport_size({"width": 1440, "height": 900})

    assert found == []


def test_the_keyboard_goes_past_the_header_and_into_the_page(visit):
    page = visit(ADMINISTRATOR)
    page.goto("/people/")
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    assert _focused(page) == "main"


def test_a_dialog_keeps_the_focus_and_gives_it_back(visit):
    page = visit("sofia.santos@vendor.example")
    page.goto("/styleguide/")
    opener = page.get_by_role("link", name="Uninstall…")
    opener.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    for _step in range(8):
        page.keyboard.press("Tab")
        assert page.evaluate(
            "document.activeElement === document.body"
            " || !!document.activeElement.closest('dialog')"
        )
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(opener).to_be_focused()


def test_on_a_phone_the_menu_opens_by_keyboard_and_marks_where_one_is(visit):
    page = visit(ADMINISTRATOR, viewport={"width": 390, "height": 844})
    page.goto("/people/")
    menu = page.locator(".site-menu > summary")
    menu.focus()
    page.keyboard.press("Enter")
    current = page.get_by_role("link", name="People").and_(
        page.locator("[aria-current=page]")
    )
    expect(current).to_be_visible()
    page.keyboard.press("Escape")
    expect(current).to_be_hidden()


def test_a_message_takes_no_focus_and_waits_for_whoever_wants_no_motion(visit):
    page = visit(ADMINISTRATOR, reduced_motion="reduce")
    page.goto("/profile/")
    page.get_by_role("button", name="Save details").click()
    message = page.locator("#messages .notice")
    expect(message).to_be_visible()
    assert _focused(page) == ""
    expect(page.locator("#announcements")).not_to_be_empty()
    message.get_by_role("button", name="Dismiss").press("Enter")
    expect(message).to_have_count(0)
    assert _focused(page) == "main"


def test_density_and_theme_are_there_at_the_next_page(visit):
    page = visit(ADMINISTRATOR)
    page.goto("/profile/")
    page.get_by_role("radio", name="Compact").check()
    page.get_by_role("radio", name="Dark").first.check()
    page.goto("/people/")
    root = page.locator("html")
    expect(root).to_have_attribute("data-density", "compact")
    expect(root).to_have_attribute("data-bs-theme", "dark")


def _focused(page: Page) -> str:
    return page.evaluate("document.activeElement.id")
