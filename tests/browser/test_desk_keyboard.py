"""The desk without a mouse, and what happens while somebody writes."""

import re

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

SOFIA = "sofia.santos@vendor.example"
SIMON = "simon.stone@vendor.example"
CUSTOMER = "user001@harbour-lines.example"
ZOOM = "two more Zoom users"


def press_until(page: Page, key: str, words: str) -> None:
    """Press a key until what has the focus says the words."""
    for _press in range(60):
        page.keyboard.press(key)
        said = page.evaluate(
            "document.activeElement.textContent || document.activeElement.value || ''"
        )
        if re.search(words, said):
            return
    pytest.fail(f"{words} never had the focus")


def open_ticket(page: Page, words: str) -> str:
    page.goto("/desk/")
    press_until(page, "j", words)
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/desk/T-\d+/$"))
    return re.search(r"T-\d+", page.url).group()


@pytest.fixture
def aids(console):
    """A canned reply and two macros, there once."""
    console.manage(
        "shell",
        "-c",
        "from datetime import date;"
        "from support import canned_replies as c, macros as m;"
        "from support.models import CannedReply, Macro;"
        "CannedReply.objects.all().delete(); Macro.objects.all().delete();"
        "c.save(shortcut='thanks', name='Thanks', body='Thank you, {{ customer }}.');"
        "m.save(name='Press', changes={'priority': 4}, on=date(2026, 11, 23));"
        "m.save(name='Let rest', changes={'priority': 1}, on=date(2026, 11, 23))",
    )


def test_from_the_queue_to_the_approval_by_keyboard_alone(visit):
    page = visit(SOFIA)
    page.goto("/desk/")
    press_until(page, "j", "Slack")
    page.keyboard.press("k")
    page.keyboard.press("j")
    page.keyboard.press("o")
    page.wait_for_url(re.compile(r"/desk/T-\d+/$"))

    page.keyboard.press("e")
    evidence = page.locator("[data-key-for=evidence]")
    expect(evidence).to_be_focused()
    expect(evidence).to_contain_text("SHA-256")
    page.keyboard.press("p")
    expect(page.locator("[data-key-for=proposal]")).to_be_focused()
    page.keyboard.press("a")
    page.wait_for_url(re.compile("/approve/"))
    press_until(page, "Tab", r"^\s*(Approve|Apply)")
    page.keyboard.press("Enter")

    page.wait_for_url(re.compile(r"/desk/T-\d+/"))
    expect(page.get_by_role("link", name=re.compile("^Approve"))).to_have_count(0)
    page.keyboard.press("u")
    page.wait_for_url(re.compile("/desk/$"))


def test_a_sent_reply_is_undone_by_a_key(visit):
    page = visit(SOFIA)
    number = open_ticket(page, ZOOM)
    page.keyboard.press("r")
    page.keyboard.type("Sent much too soon")
    page.keyboard.press("Control+Enter")

    toast = page.locator("[data-leaves-in]")
    expect(toast).to_contain_text("Your reply leaves")
    page.keyboard.press("z")
    expect(page.locator("#reply-body")).to_have_value("Sent much too soon")
    expect(toast).to_have_count(0)
    expect(page.locator(".talk")).not_to_contain_text("Sent much too soon")

    customer = visit(CUSTOMER)
    customer.goto(f"/help/{number}/")
    expect(customer.get_by_role("main")).not_to_contain_text("Sent much too soon")
    page.locator(".composer-reply").get_by_role("button", name="Discard").click()


def test_a_draft_survives_closing_the_browser(visit):
    page = visit(SOFIA)
    number = open_ticket(page, ZOOM)
    page.keyboard.press("n")
    expect(page.get_by_role("textbox", name=re.compile("colleagues"))).to_be_focused()
    page.keyboard.type("Ask sales whether this is what they signed")
    expect(page.locator("#note-draft")).to_contain_text("Draft from")
    page.context.close()

    again = visit(SOFIA)
    again.goto(f"/desk/{number}/")
    again.keyboard.press("n")
    field = again.locator("#note-body")
    expect(field).to_have_value("Ask sales whether this is what they signed")
    again.locator(".composer-note").get_by_role("button", name="Discard").click()
    again.keyboard.press("n")
    expect(again.locator("#note-body")).to_have_value("")


def test_two_colons_put_in_a_canned_reply(visit, aids):
    page = visit(SOFIA)
    open_ticket(page, ZOOM)
    page.keyboard.press("r")
    field = page.locator("#reply-body")
    field.press_sequentially("Hello. ::tha")
    option = page.get_by_role("option", name=re.compile("Thanks"))
    expect(option).to_have_attribute("aria-selected", "true")
    expect(field).to_have_attribute("role", "combobox")
    expect(field).to_have_attribute("aria-activedescendant", option.get_attribute("id"))
    page.keyboard.press("Enter")

    expect(field).to_have_value(re.compile(r"^Hello\. Thank you, [^{]+\.$"))
    expect(page.get_by_role("listbox")).to_be_hidden()
    expect(field).to_be_focused()
    field.fill("")


def test_an_at_sign_mentions_a_colleague_in_a_note_alone(visit):
    page = visit(SOFIA)
    open_ticket(page, ZOOM)
    page.keyboard.press("r")
    page.locator("#reply-body").press_sequentially("@rav")
    expect(page.locator("#composer-options")).to_be_hidden()
    page.locator("#reply-body").fill("")
    page.keyboard.press("Escape")
    page.keyboard.press("n")
    page.locator("#note-body").press_sequentially("What do you think, @rav")
    expect(page.locator("#composer-options")).to_contain_text("Ravi Menon")
    page.keyboard.press("Enter")
    expect(page.locator("#note-body")).to_have_value("What do you think, @ravi.menon ")
    page.keyboard.press("Control+Enter")

    said = page.locator(".talk-one", has_text="What do you think")
    expect(said).to_contain_text("Ravi Menon")
    expect(said).to_contain_text("Internal note")


def test_who_saves_over_a_colleagues_change_is_shown_both(visit, aids):
    sofia, simon = visit(SOFIA), visit(SIMON)
    number = open_ticket(sofia, ZOOM)
    simon.goto(f"/desk/{number}/")
    simon.keyboard.press("m")
    press_until(simon, "Tab", "Press")
    simon.keyboard.press("Enter")
    expect(simon.get_by_role("main")).to_contain_text("was applied")

    sofia.keyboard.press("m")
    press_until(sofia, "Tab", "Let rest")
    sofia.keyboard.press("Enter")
    main = sofia.get_by_role("main")
    expect(main).to_contain_text("Somebody changed this ticket while you did")
    expect(main).to_contain_text("Simon Stone")
    expect(main).to_contain_text("Urgent")
    press_until(sofia, "Tab", "Put mine on top")
    sofia.keyboard.press("Enter")

    expect(main).to_contain_text("was applied")


def test_who_replies_to_a_conversation_that_went_on_is_warned_once(visit):
    staff, customer = visit(SOFIA), visit(CUSTOMER)
    number = open_ticket(staff, ZOOM)
    customer.goto(f"/help/{number}/")
    customer.get_by_role("textbox").first.fill("Wait, I found it myself.")
    customer.get_by_role("button", name=re.compile("Send")).click()
    expect(customer.get_by_role("main")).to_contain_text("found it myself")

    staff.keyboard.press("r")
    staff.keyboard.type("A long answer")
    staff.keyboard.press("Control+Enter")
    main = staff.get_by_role("main")
    expect(main).to_contain_text("wrote while you did")
    expect(main).to_contain_text("found it myself")
    field = staff.locator("#reply-body")
    expect(field).to_have_value("A long answer")
    field.focus()
    staff.keyboard.press("Control+Enter")

    expect(staff.locator(".talk")).to_contain_text("A long answer")


def test_two_at_one_ticket_see_each_other_write(visit):
    sofia, simon = visit(SOFIA), visit(SIMON)
    number = open_ticket(sofia, ZOOM)
    sofia.keyboard.press("r")
    sofia.keyboard.type("Let me")
    expect(sofia.locator("#reply-draft")).to_contain_text("Draft from")
    simon.goto(f"/desk/{number}/")
    expect(simon.locator("#presence")).to_contain_text("Sofia Santos")
    expect(simon.locator("#presence")).to_contain_text("is writing", timeout=25_000)
    expect(sofia.locator("#presence")).to_contain_text(
        "Simon Stone is here too", timeout=15_000
    )
    sofia.locator("#reply-body").fill("")


def test_a_question_mark_shows_the_keys_and_letters_can_be_turned_off(visit):
    page = visit(SOFIA)
    open_ticket(page, ZOOM)
    page.keyboard.press("?")
    keys = page.get_by_role("dialog", name="Keys")
    expect(keys).to_contain_text("Reply to the customer")
    press_until(page, "Tab", "Turn single keys off")
    page.keyboard.press("Enter")
    page.wait_for_load_state()
    expect(page.locator("#keys")).to_have_attribute("data-keys", "off")

    page.keyboard.press("r")
    expect(page.locator("#reply-body")).not_to_be_focused()
    page.keyboard.press("?")
    expect(keys).to_be_hidden()

    page.goto("/desk/keys/")
    page.get_by_role("main").get_by_role("button", name="Turn single keys on").click()
    expect(page.locator("#keys")).to_have_attribute("data-keys", "on")
    page.keyboard.press("?")
    expect(keys).to_be_visible()


def test_letters_typed_into_a_field_or_with_ctrl_are_no_keys(visit):
    page = visit(SOFIA)
    open_ticket(page, ZOOM)
    here = page.url
    page.keyboard.press("n")
    page.keyboard.type("a u r e j ? z")

    expect(page.locator("#note-body")).to_have_value("a u r e j ? z")
    page.keyboard.press("Escape")
    page.keyboard.press("Control+u")
    assert page.url == here
    page.locator("#note-body").fill("")


def test_a_note_and_an_undo_work_without_a_script(visit):
    page = visit(SOFIA, java_script_enabled=False)
    page.goto("/desk/")
    page.get_by_role("link", name=re.compile(ZOOM)).first.click()
    page.locator("#reply-body").fill("Without a script")
    page.get_by_role("button", name=re.compile("Send to customer")).click()
    page.get_by_role("button", name="Undo").click()

    expect(page.locator("#reply-body")).to_have_value("Without a script")
    page.get_by_role("button", name="Discard").click()
    page.locator(".composer-kind-note").click()
    page.locator("#note-body").fill("Among us, without a script")
    page.get_by_role("button", name="Save internal note").click()
    expect(page.locator(".talk")).to_contain_text("Among us, without a script")
