"""The main job in a browser: install, use, grow, shrink, term end, ticket."""

import re

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

ADMINISTRATOR = "user001@harbour-lines.example"
SUPERVISOR = "user003@harbour-lines.example"
AGENT = "user009@harbour-lines.example"
VEGA = "user001@vega-logistics.example"
SUPPORT = "sofia.santos@vendor.example"
PARTNER = "petra.park@ironwood-tools.example"


def choose_people(page: Page, *words: str) -> None:
    """Search for somebody and tick them, one after the other."""
    for word in words:
        with page.expect_response(re.compile("picker|options")):
            page.get_by_role("searchbox", name=re.compile("people|seat", re.I)).fill(
                word
            )
        page.get_by_role("checkbox", name=re.compile(word, re.I)).first.check()


def test_an_administrator_finds_installs_and_reads_the_order(visit):
    page = visit(ADMINISTRATOR)
    page.goto("/marketplace/")
    page.get_by_role("searchbox").fill("evernot")
    page.get_by_role("link", name="Evernote").first.click()
    page.get_by_role("link", name=re.compile("Install")).first.click()

    page.get_by_role("radio", name=re.compile("^Teams")).check()
    choose_people(page, "user010", "user011")
    panels = page.locator("#install-panels")
    expect(panels).to_contain_text("2 people × 24,99")
    expect(panels.locator(".panel-effect")).to_contain_text("month to month")
    expect(panels.locator(".panel-effect")).to_contain_text("49,98")
    page.get_by_role("button", name="Install and purchase").click()

    expect(page).to_have_url(re.compile("/apps/evernote/"))
    expect(page.get_by_role("main")).to_contain_text("user010@harbour-lines.example")
    page.goto("/orders/")
    page.get_by_role("row", name=re.compile("Evernote")).get_by_role(
        "link"
    ).first.click()
    expect(page.get_by_role("main")).to_contain_text("Administrators")
    expect(page.get_by_role("main")).to_contain_text("49,98")


def test_users_are_added_above_the_contract_and_removed_without_a_smaller_bill(visit):
    page = visit(ADMINISTRATOR)
    page.goto("/apps/zoom/users/add/")
    choose_people(page, "user040", "user041", "user042")
    effect = page.locator("#click .panel-effect")
    expect(effect).to_contain_text("2 more on Business")
    page.locator("#click").get_by_role("button").click()

    expect(page).to_have_url(re.compile("/apps/zoom/users/$"))
    page.get_by_role("searchbox", name="Search users").fill("user041")
    page.get_by_role("searchbox", name="Search users").press("Enter")
    expect(page.get_by_role("main")).to_contain_text("user041@harbour-lines.example")
    page.get_by_role("link", name="Remove").first.click()
    expect(page.get_by_role("main")).to_contain_text("The bill does not change")
    page.get_by_role("checkbox", name=re.compile("Lower the quantity")).check()
    page.get_by_role("button", name=re.compile("Remove 1")).click()

    page.goto("/apps/zoom/billing/")
    expect(page.get_by_role("main")).to_contain_text("Waiting for Support")


def test_what_changed_under_the_reader_is_shown_again_before_anything_is_bought(visit):
    page, colleague = visit(ADMINISTRATOR), visit(ADMINISTRATOR)
    for one in (page, colleague):
        one.goto("/apps/trello/users/add/")
    choose_people(page, "user050")
    choose_people(colleague, "user051")
    colleague.locator("#click").get_by_role("button").click()
    expect(colleague).to_have_url(re.compile("/apps/trello/users/$"))

    page.locator("#click").get_by_role("button").click()

    expect(page.get_by_role("main")).to_contain_text("Nothing was bought")
    page.locator("#click").get_by_role("button").click()
    expect(page).to_have_url(re.compile("/apps/trello/users/$"))


def test_both_outcomes_of_a_plan_change_stand_there_before_the_click(visit):
    page = visit(ADMINISTRATOR)
    page.goto("/apps/slack/plan/business-plus/")
    main = page.get_by_role("main")
    expect(main).to_contain_text("If Support approves the early end")
    expect(main).to_contain_text("If Support declines it")
    expect(main).to_contain_text("Change at renewal")
    page.get_by_role("button", name="Change at renewal").click()

    page.goto("/apps/slack/billing/")
    expect(main).to_contain_text("Pro becomes Business Plus")


def test_an_uninstalled_app_works_until_its_term_ends_and_can_be_kept(visit):
    page = visit(ADMINISTRATOR)
    page.goto("/apps/jira/uninstall/")
    page.get_by_role("button", name="Uninstall at term end").click()
    page.goto("/apps/jira/uninstall/")
    page.get_by_role("button", name="Keep Jira").click()
    page.goto("/apps/")
    expect(page.get_by_role("row", name=re.compile("Jira"))).to_contain_text("Active")


def test_installing_works_without_javascript(visit):
    page = visit(ADMINISTRATOR, java_script_enabled=False)
    page.goto("/marketplace/postman/install/")
    page.get_by_role("radio", name=re.compile("^Basic")).check()
    page.get_by_role("checkbox").first.check()
    page.get_by_role("button", name="Review what this does").click()
    expect(page.get_by_role("main")).to_contain_text("month to month")
    page.get_by_role("button", name="Install and purchase").click()

    expect(page).to_have_url(re.compile("/apps/postman/"))


def test_support_reads_the_evidence_and_approves_once(visit):
    page = visit(SUPPORT)
    page.goto("/desk/")
    page.get_by_role("link", name=re.compile("Notion Plus")).first.click()
    main = page.get_by_role("main")
    expect(main).to_contain_text("Evidence")
    expect(main).to_contain_text("If approved")
    page.get_by_role("link", name="Approve with a word…").click()
    page.get_by_role("textbox").first.fill("Done as you asked.")
    page.get_by_role("button", name=re.compile("Apply at renewal|Approve")).click()

    expect(main).to_contain_text("Done as you asked.")
    expect(page.get_by_role("link", name=re.compile("^Approve"))).to_have_count(0)


def test_an_internal_note_reaches_no_customer(visit):
    staff, customer = visit(SUPPORT), visit(ADMINISTRATOR)
    staff.goto("/desk/")
    staff.get_by_role("link", name=re.compile("two more Zoom users")).first.click()
    number = re.search(r"T-\d+", staff.url).group()
    staff.get_by_text("Internal note", exact=True).click()
    staff.get_by_role("textbox", name=re.compile("colleagues alone")).fill(
        "canary: a note among us"
    )
    staff.get_by_role("button", name="Save internal note").click()
    expect(staff.get_by_role("main")).to_contain_text("canary: a note among us")

    customer.goto(f"/help/{number}/")
    expect(customer.get_by_role("main")).to_contain_text("two more Zoom users")
    expect(customer.get_by_role("main")).not_to_contain_text("canary")


def test_an_agent_sees_their_apps_and_is_refused_what_buys(visit):
    page = visit(AGENT)
    page.goto("/")
    expect(page.get_by_role("main")).to_contain_text("ClickUp")
    assert page.request.get("/apps/").status == 403
    assert page.request.get("/marketplace/quip/install/").status == 403


def test_a_supervisor_without_authority_is_told_who_may_install(visit):
    page = visit(SUPERVISOR)
    page.goto("/marketplace/quip/")
    expect(page.get_by_role("main")).not_to_contain_text("Install and purchase")
    assert page.request.get("/orders/").status == 403


def test_a_contracted_plan_that_is_not_listed_leads_to_support_and_back(visit, console):
    console.manage(
        "shell",
        "-c",
        "from accounts.models import User;"
        "u = User.objects.get(email='user001@aster-bank.example');"
        "u.set_password('demo-console'); u.save()",
    )
    customer, staff = visit("user001@aster-bank.example"), visit(SUPPORT)
    customer.goto("/marketplace/zoom/")
    customer.get_by_role("link", name=re.compile("Ask Support")).first.click()
    assert "category=INSTALL" in customer.url
    staff.goto("/desk/")
    staff.get_by_role("link", name=re.compile("Zoom plan we contracted")).first.click()
    staff.get_by_role("button", name=re.compile("available")).first.click()

    customer.goto("/marketplace/zoom/install/")
    customer.get_by_role("radio", name=re.compile("2023")).check()
    customer.get_by_role("checkbox").first.check()
    expect(customer.locator(".panel-effect")).to_contain_text(
        "Covered by your contract"
    )


def test_a_partner_confirms_an_installation(visit):
    page = visit(PARTNER)
    page.goto("/partner/")
    page.get_by_role("link", name=re.compile("Zapier|Harbour Lines")).first.click()
    page.get_by_role("button", name=re.compile("Confirm")).first.click()
    expect(page.get_by_role("main")).to_contain_text("Active")


def test_the_term_ends_and_the_desk_has_its_tickets(visit, console):
    console.manage("end_terms", "--on", "2026-11-30", "--zone", "Pacific/Auckland")
    page = visit(SUPPORT)
    page.goto("/desk/?q=jira")
    expect(page.get_by_role("main")).to_contain_text("Jira Premium")
    page.goto("/desk/?view=done&q=clockify")
    expect(page.get_by_role("main")).to_contain_text("Clockify")
    console.manage("reconcile")
