"""Canned replies: variables filled in and never evaluated, picked while typing."""

from datetime import date

import pytest
from django.core.exceptions import ValidationError
from django.urls import reverse

from support import canned_replies
from support.models import CannedReply
from tests.factories import LineFactory, TicketFactory

pytestmark = pytest.mark.usefixtures("present")
HTMX = {"HX-Request": "true"}


@pytest.fixture
def ticket(account, admin):
    line = LineFactory(account=account)
    return TicketFactory(
        account=account,
        requester=admin,
        app=line.plan.app,
        plan=line.plan,
        line=line,
        term_ends_on=date(2027, 1, 1),
    )


@pytest.fixture
def desk(client_of, support):
    return client_of(support)


def saved(body="Dear {{ customer }}", shortcut="dear", **about):
    return canned_replies.save(shortcut=shortcut, name="Greeting", body=body, **about)


def refused(code):
    return pytest.raises(ValidationError, check=lambda error: error.code == code)


def test_variables_are_filled_in_for_the_ticket(ticket, support, today):
    reply = saved(
        "Dear {{ customer }} of {{account}}, {{ app }} {{ plan }} ends before "
        "{{ term_end }} ({{ number }}, {{ today }}). {{ me }}"
    )

    text = canned_replies.rendered(reply, ticket=ticket, by=support, on=today)

    assert text == (
        f"Dear Alice Almeida of Harbour Lines, {ticket.app} {ticket.plan} ends before "
        f"1 Jan 2027 ({ticket.number}, 23 Nov 2026). Sofia Santos"
    )


@pytest.mark.parametrize(
    "body",
    [
        "{{ customr }}",
        "{{ ticket.requester.password }}",
        "{{ customer|safe }}",
        "{{ }}",
        "{{ customer }} {{ settings }}",
    ],
)
def test_a_variable_that_is_not_there_is_refused(body):
    with refused("unknown_variable"):
        saved(body)

    assert not CannedReply.objects.exists()


def test_nothing_in_it_is_a_template(ticket, support, today):
    body = "{% load i18n %}{# no #}{% include 'base.html' %} <b>{{ customer }}</b>"
    ticket.requester.display_name = "{{ me }} {% debug %}"

    text = canned_replies.rendered(saved(body), ticket=ticket, by=support, on=today)

    assert text == (
        "{% load i18n %}{# no #}{% include 'base.html' %} <b>{{ me }} {% debug %}</b>"
    )


def test_what_a_ticket_does_not_have_stays_to_be_filled_in(account, support, today):
    ticket = TicketFactory(account=account)

    text = canned_replies.rendered(
        saved("Until {{ term_end }}"), ticket=ticket, by=support, on=today
    )

    assert text == "Until {{ term_end }}"


def test_a_shortcut_names_one_reply():
    first = saved()
    with refused("taken"):
        saved()

    canned_replies.save(first, shortcut="dear", name="Renamed", body="Hello")
    assert CannedReply.objects.get().name == "Renamed"


def test_the_picker_offers_what_fits_filled_in_and_escaped(ticket, desk, admin):
    admin.display_name = 'Alice "<script>"'
    admin.save()
    saved()
    saved(shortcut="other", category="SALES")
    saved("Bye", shortcut="bye", category=ticket.category)
    address = reverse("support:canned-options", args=[ticket.pk])

    every = desk.get(address, headers=HTMX).content.decode()
    one = desk.get(address, {"q": "dea"}, headers=HTMX).content.decode()

    assert "::bye" in every
    assert "::other" not in every
    assert "::dear" in one
    assert "::bye" not in one
    assert 'role="option"' in one
    assert "Dear Alice &quot;&lt;script&gt;&quot;" in one


def test_without_a_script_a_link_puts_it_in_below_the_draft(ticket, desk, support):
    saved()
    page = desk.get(reverse("support:canned-options", args=[ticket.pk]))
    assert "?canned=dear#write" in page.content.decode()

    page = desk.get(reverse("support:ticket", args=[ticket.pk]), {"canned": "dear"})

    assert page.context["writing"]["reply"] == "Dear Alice Almeida"


class TestManaging:
    FORM = {"shortcut": "dear", "name": "Greeting", "body": "Dear {{ customer }}"}

    def test_adds_changes_and_deletes(self, desk):
        desk.post(reverse("support:new-canned-reply"), self.FORM)
        reply = CannedReply.objects.get()
        address = reverse("support:canned-reply", args=[reply.pk])
        desk.post(address, {**self.FORM, "name": "Hello"})
        listed = desk.get(reverse("support:canned-replies")).content.decode()
        assert "Hello" in listed
        delete = reverse("support:delete-canned-reply", args=[reply.pk])
        assert "Hello" in desk.get(delete).content.decode()

        desk.post(delete)

        assert not CannedReply.objects.exists()

    def test_says_which_variables_there_are(self, desk):
        answer = desk.post(
            reverse("support:new-canned-reply"), {**self.FORM, "body": "{{ nam }}"}
        )

        assert answer.status_code == 422
        assert "There is no variable nam." in answer.content.decode()
