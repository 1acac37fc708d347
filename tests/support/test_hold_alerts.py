"""Staff are told of money that is held too long: once for each mark."""

from datetime import UTC, date, datetime

import pytest
from django.core.management import call_command

from journal.models import Message as Letter
from support import hold_alerts, tickets
from support.models import HeldAlert, Ticket
from tests import factories
from tests.cases.company import Company

pytestmark = pytest.mark.django_db
TERM_END = date(2027, 1, 1)
MARKS = [7, 30]
PLACES = {
    "vendor": "AppConnect",
    "terms": "https://vendor.example/terms",
    "support": "desk@vendor.example",
    "public": "https://console.example",
}


@pytest.fixture
def ticket():
    """Seven units at 8.00 asked to end, undecided when their term ended."""
    company = Company(starts_on=date(2026, 1, 1))
    installation = company.installs(_signed(company), company.hires(1))
    company.until(date(2026, 12, 1))
    company.uninstalls(installation)
    company.until(TERM_END)
    return Ticket.objects.get()


def _signed(company):
    plan = factories.PlanFactory()
    company.signs(plan, 7, "8.00")
    return plan


def tell(day, **places):
    at = datetime.combine(day, datetime.min.time(), UTC)
    return hold_alerts.tell(
        zone="UTC", on=day, marks=MARKS, at=at, places=PLACES | places
    )


def notes(ticket):
    return list(ticket.messages.filter(internal=True).values_list("body", flat=True))


def test_not_before_the_days_are_over(ticket):
    assert tell(date(2027, 1, 7)) == 0


def test_a_note_says_how_much_and_since_when(ticket):
    assert tell(date(2027, 1, 8)) == 1

    (note,) = notes(ticket)
    assert "7 days" in note
    assert "$56.00" in note


def test_the_desk_gets_an_email(ticket):
    tell(date(2027, 1, 8))

    letter = Letter.objects.get(recipient=PLACES["support"])
    assert ticket.number in letter.subject
    assert f"/desk/{ticket.number}/" in letter.body


def test_who_it_is_assigned_to_gets_it_instead(ticket, support):
    tickets.assign(ticket, support, by=support, on=TERM_END)

    tell(date(2027, 1, 8))

    assert Letter.objects.filter(
        recipient=support.email, key__startswith="held:"
    ).exists()
    assert not Letter.objects.filter(recipient=PLACES["support"]).exists()


def test_each_mark_is_told_of_once(ticket):
    told = [tell(date(2027, 1, 8)), tell(date(2027, 1, 9)), tell(date(2027, 1, 31))]

    assert told == [1, 0, 1]
    assert tell(date(2027, 3, 1)) == 0


def test_after_a_stop_the_greatest_mark_alone_is_told(ticket):
    assert tell(date(2027, 3, 1)) == 1
    assert list(HeldAlert.objects.values_list("days", flat=True)) == [30]


def test_what_is_decided_is_not_told_of(ticket, support):
    tickets.decide(ticket, approve=False, by=support, on=TERM_END)

    assert tell(date(2027, 3, 1)) == 0


def test_no_customer_reads_it(ticket):
    tell(date(2027, 1, 8))

    assert not ticket.messages.public().filter(body__contains="Held for").exists()


def test_by_hand_for_a_day(ticket, capsys):
    call_command("tell_of_holds", "--on", "2027-01-08")

    assert "Told of 1 ticket." in capsys.readouterr().out
