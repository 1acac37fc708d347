"""Asking a colleague: for an app, and for the second name under a purchase."""

import re

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

FIRST = "user001@northgate-utilities.example"
SECOND = "user002@northgate-utilities.example"
ADMIN = "user001@harbour-lines.example"
AGENT = "user009@harbour-lines.example"


def test_two_people_buy_what_nobody_buys_alone(visit):
    asker = visit(FIRST)
    asker.goto("/approvals/")
    asker.get_by_role("link", name=re.compile("Canva")).first.click()
    expect(asker.get_by_text("It waits for somebody else")).to_be_visible()
    expect(asker.get_by_role("button", name="Approve and purchase")).to_have_count(0)

    second = visit(SECOND)
    second.goto("/approvals/")
    second.get_by_role("link", name=re.compile("Canva")).first.click()
    expect(second.get_by_text("safety posters")).to_be_visible()
    terms = second.locator("input[name=accept_terms]")
    if terms.count():
        terms.check()
    second.get_by_role("button", name="Approve and purchase").click()

    expect(second.get_by_role("heading", name=re.compile("Order"))).to_be_visible()
    expect(second.get_by_text("Approved by", exact=True)).to_be_visible()
    asker.reload()
    expect(asker.get_by_text("It is bought.")).to_be_visible()


def test_a_user_asks_and_an_administrator_refuses_with_a_word(visit):
    agent = visit(AGENT)
    agent.goto("/marketplace/clockify/")
    agent.get_by_role("link", name="Ask for this app").click()
    agent.get_by_label("What you need it for").fill("To note my hours")
    agent.get_by_role("button", name="Send the request").click()
    expect(agent.get_by_text("You have asked for this app.")).to_be_visible()

    admin = visit(ADMIN)
    admin.goto("/requests/clockify/")
    expect(admin.get_by_text("To note my hours")).to_be_visible()
    admin.get_by_label("Why not").fill("The ship's log does that.")
    admin.get_by_role("button", name="Refuse and say why").click()

    agent.reload()
    expect(agent.get_by_text("The ship's log does that.")).to_be_visible()
