"""A file of people: dropped, checked, begun, left and come back to; for all at each step."""

import pytest
from playwright.sync_api import expect

from screenshots.pages import ADMINISTRATOR
from tests.browser.test_access import ASK, AXE

pytestmark = pytest.mark.browser
FILE = """account,email,display_name,roles,team,active
harbour-lines,noor@harbour-lines.example,نور الهاشمي,,Night,true
harbour-lines,not an address,Nobody,,Night,true
"""


def test_a_file_is_checked_begun_left_and_come_back_to(visit, console):
    page = visit(ADMINISTRATOR)
    page.goto("/people/import/")
    page.get_by_label("File of people").set_input_files(
        {"name": "night.csv", "mimeType": "text/csv", "buffer": FILE.encode()}
    )
    expect(page.locator(".drop-name")).to_have_text("night.csv")
    page.get_by_role("button", name="Check the file").click()
    expect(page.get_by_role("main")).to_contain_text("is not an email address")
    assert _problems(page) == []
    page.get_by_role("button", name="Import one person").click()
    expect(page.get_by_role("progressbar")).to_be_visible()
    assert _problems(page) == []

    page.goto("/people/")
    console.manage("work_jobs")
    page.goto("/jobs/")
    page.get_by_role("link", name="night.csv").first.click()

    expect(page.get_by_role("main")).to_contain_text("Finished")
    assert _problems(page) == []
    page.goto("/people/?q=noor")
    expect(page.get_by_role("main")).to_contain_text("نور الهاشمي")


def _problems(page) -> list[str]:
    page.evaluate(AXE.read_text("utf-8"))
    return page.evaluate(ASK)
