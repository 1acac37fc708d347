"""One journey in each language: choose it, browse, see what a purchase does, read a
statement. And names of every script and length, wherever they stand.
"""

import pytest
from django.utils.translation import gettext, override
from playwright.sync_api import Page, expect

from screenshots.pages import ADMINISTRATOR

pytestmark = pytest.mark.browser
LANGUAGES = ["pt", "es", "de"]
HEADINGS = "h1, h2, h3, th, legend, .stat-label"
SIDEWAYS = "document.documentElement.scrollWidth > innerWidth"
NAMES = [
    "عبد الرحمن بن محمد بن عبد العزيز الهاشمي القرشي",
    "สมศักดิ์ศรีเจริญพรวัฒนาอนันต์กุลวงศ์ศิริประเสริฐ",
    "Wolfeschlegelsteinhausenbergerdorffwelchevoralternwarengewissenhaftschaferswesse",
]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_journey_stays_in_its_language(visit, language):
    page = visit(ADMINISTRATOR)
    _speak(page, language)
    try:
        with override(language):
            _travel(page, language)
    finally:
        _speak(page, "en")


def test_names_of_every_script_and_length_stay_in_the_page(visit):
    page = visit(ADMINISTRATOR)
    for nth, name in enumerate(NAMES):
        page.goto("/people/add/")
        page.fill("[name=email]", f"script{nth}@harbour-lines.example")
        page.fill("[name=display_name]", name)
        page.locator("main form button.btn-primary").click()
        expect(page.locator("h1")).to_have_text(name)
    broken = []
    for width in (320, 1440):
        page.set_viewport_size({"width": width, "height": 800})
        for path in (
            "/people/?q=script",
            "/activity/",
            "/apps/zoom/users/add/?q=script",
        ):
            page.goto(path)
            expect(page.get_by_role("main")).to_contain_text(NAMES[2])
            if page.evaluate(SIDEWAYS):
                broken.append(f"{path} at {width}")

    assert broken == []
    page.goto("/people/?q=script")
    named = page.get_by_role("main").get_by_text(NAMES[0]).first
    assert named.evaluate("one => !!one.closest('[dir=auto], bdi')")


def _travel(page: Page, language: str) -> None:
    page.goto("/marketplace/?q=wrike")
    _is_all_in(page, language, says=gettext("Marketplace"))
    page.locator("main a[href='/marketplace/wrike/']").first.click()
    page.locator("main a[href$='/wrike/install/']").first.click()
    page.locator("input[name=plan]").nth(1).check()
    page.locator("input[name=users]:not(:disabled)").first.check()
    expect(page.locator("#install-panels .panel-effect")).to_contain_text("9,80")
    _is_all_in(page, language, says=gettext("Purchase summary, indicative"))
    page.goto("/statements/")
    _is_all_in(page, language, says=gettext("Statements"))
    page.locator("main tbody a").first.click()
    _is_all_in(page, language, says=gettext("Totals by app"))


def _speak(page: Page, language: str) -> None:
    page.goto("/profile/")
    page.locator(f"footer button[name=language][value={language}]").click()
    expect(page.locator("html")).to_have_attribute("lang", language)


def _is_all_in(page: Page, language: str, *, says: str) -> None:
    """The page says it is in the language, says so much, and no heading is English."""
    expect(page.locator("html")).to_have_attribute("lang", language)
    expect(page.get_by_role("main")).to_contain_text(says)
    headings = [words.strip() for words in page.locator(HEADINGS).all_inner_texts()]
    assert [words for words in headings if words and gettext(words) != words] == []
