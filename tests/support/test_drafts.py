"""Drafts: kept while somebody writes, one reply and one note each, gone once sent."""

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from support import conversations, drafts
from support.models import Draft
from tests.factories import TicketFactory

pytestmark = pytest.mark.usefixtures("present")
HTMX = {"HX-Request": "true"}


@pytest.fixture
def ticket(account, admin):
    return TicketFactory(account=account, requester=admin)


@pytest.fixture
def desk(client_of, support):
    return client_of(support)


def test_what_is_written_is_there_again_in_another_browser(
    ticket, desk, client_of, support
):
    form = {"body": "Half a sent", "to": "customer"}
    kept = desk.post(reverse("support:draft", args=[ticket.pk]), form, headers=HTMX)
    page = client_of(support).get(reverse("support:ticket", args=[ticket.pk]))

    assert kept.status_code == 200
    assert "Draft from" in kept.content.decode()
    assert page.context["writing"]["reply"] == "Half a sent"
    saved_at = Draft.objects.get().saved_at
    assert f"Draft from {saved_at:%H:%M}" in page.content.decode()


def test_a_reply_and_a_note_are_two_drafts(ticket, support):
    drafts.save(ticket, "To you", internal=False, by=support)
    drafts.save(ticket, "Among us", internal=True, by=support)
    drafts.save(ticket, "To you, again", internal=False, by=support)

    found = drafts.of(ticket, support)

    assert (found[False].body, found[True].body) == ("To you, again", "Among us")


def test_a_draft_is_its_authors_alone(ticket, desk, sales):
    drafts.save(ticket, "Simon's secret", internal=False, by=sales)

    page = desk.get(reverse("support:ticket", args=[ticket.pk]))

    assert "Simon's secret" not in page.content.decode()
    assert page.context["writing"]["reply"] == ""


def test_nothing_is_no_draft(ticket, support):
    drafts.save(ticket, "Something", internal=False, by=support)
    drafts.save(ticket, "  \n", internal=False, by=support)

    assert not Draft.objects.exists()


def test_discarded_it_is_gone(ticket, desk, support):
    drafts.save(ticket, "Hm", internal=True, by=support)
    drafts.save(ticket, "Dear", internal=False, by=support)

    desk.post(reverse("support:discard-draft", args=[ticket.pk]), {"to": "note"})

    assert set(drafts.of(ticket, support)) == {False}


def test_what_was_sent_does_not_come_back_as_a_draft(ticket, support):
    """The page saves by itself, and may be late: its words are sent already."""
    conversations.send(
        ticket, "Sent words", by=support, at=timezone.now(), on=ticket.opened_on
    )

    drafts.save(ticket, "Sent words", internal=False, by=support, seen=0)
    assert not Draft.objects.exists()

    drafts.save(ticket, "Other words", internal=False, by=support, seen=0)
    assert Draft.objects.exists()


def test_a_refused_reply_stays_in_its_field(ticket, desk):
    answer = desk.post(
        reverse("support:say", args=[ticket.pk]),
        {"body": "Dear {{ term_end }}", "to": "customer"},
    )

    assert answer.status_code == 422
    assert answer.context["writing"]["reply"] == "Dear {{ term_end }}"
    assert "Dear {{ term_end }}" in answer.content.decode()


def test_the_database_keeps_one_for_each_kind(ticket, support):
    drafts.save(ticket, "One", internal=False, by=support)

    with (
        pytest.raises(IntegrityError, match="one_draft_per_author_and_kind"),
        transaction.atomic(),
    ):
        Draft.objects.create(ticket=ticket, author=support, body="Two")
