"""The desk's queues, search, bulk jobs and figures in a browser."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.test_journeys import SUPPORT

pytestmark = pytest.mark.browser


def test_a_queue_is_filtered_saved_and_found_again(visit):
    page = visit(SUPPORT)
    page.goto("/desk/")
    page.get_by_text("Filter", exact=True).click()
    page.get_by_role("checkbox", name="Urgent").check()
    page.get_by_role("button", name="Show these").click()
    expect(page.get_by_role("main")).to_contain_text("Calls are not logged")
    page.get_by_text("Save", exact=True).click()
    page.get_by_label("Name").fill("Urgent ones")
    page.get_by_role("button", name="Save as a queue").click()

    queues = page.get_by_role("navigation", name="Queues")
    expect(
        queues.get_by_role("link", name=re.compile("Urgent ones"))
    ).to_have_attribute("aria-current", "page")
    queues.get_by_role("link", name=re.compile("All open")).click()
    expect(page.get_by_role("main")).to_contain_text("Slack for eight people")


def test_counts_come_again_by_themselves(visit):
    page = visit(SUPPORT)
    page.goto("/desk/")
    with page.expect_response(re.compile("/desk/counts/")) as answered:
        page.evaluate("window.dispatchEvent(new Event('focus'))")

    assert answered.value.status == 200
    expect(page.get_by_role("navigation", name="Queues")).to_have_count(1)


def test_many_are_changed_after_a_preview(visit, console):
    page = visit(SUPPORT)
    page.goto("/desk/?category=INSTALL&category=CANCELLATION")
    for name in ("Brand kit is gone", "End Notion Plus"):
        row = page.get_by_role("row", name=re.compile(name))
        row.get_by_role("checkbox").check()
    expect(page.locator("[data-count-of=ticket]")).to_have_text("2")
    page.get_by_role("button", name="Change those chosen").click()
    page.get_by_label("State").select_option("SOLVED")
    page.get_by_role("button", name="Preview").click()
    main = page.get_by_role("main")
    expect(main).to_contain_text("closing a billing ticket is deciding it")
    page.get_by_role("button", name="Change one ticket").click()
    console.manage(
        "shell", "-c", "from support.tasks import work_bulk_jobs; work_bulk_jobs()"
    )

    expect(main).to_contain_text("Finished")
    expect(main).to_contain_text("State: Open → Solved")


def test_words_that_were_said_are_found_and_marked(visit):
    page = visit(SUPPORT)
    page.goto("/desk/")
    page.get_by_role("searchbox", name="Search all tickets").fill(
        "tidied empty folders"
    )
    page.keyboard.press("Enter")
    expect(page.get_by_role("main")).to_contain_text("No ticket matches")
    page.get_by_role("searchbox").fill("empty team fold")
    page.keyboard.press("Enter")

    expect(page.locator("mark").first).to_have_text(
        re.compile("folders|fold|empty", re.I)
    )
    expect(page.get_by_role("main")).to_contain_text("Dropbox folders are empty")


def test_figures_are_drawn_from_their_tables(visit):
    page = visit(SUPPORT)
    page.goto("/figures/")
    first = page.locator("figure").first

    expect(first.locator("canvas")).to_be_visible()
    expect(first.get_by_role("table")).to_be_hidden()
    first.get_by_text("The figures as a table").click()
    expect(first.get_by_role("table")).to_be_visible()


def test_without_javascript_the_tables_stand_open(visit):
    page = visit(SUPPORT, java_script_enabled=False)
    page.goto("/figures/")

    expect(page.locator("figure").first.get_by_role("table")).to_be_visible()
