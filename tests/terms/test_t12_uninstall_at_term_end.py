"""Uninstalling takes effect at the term end, and billing stops only through a ticket."""

from datetime import date
from decimal import Decimal

import pytest

from billing.models import Line, RenewalChange
from myapps.models import Installation, Seat
from support import tickets
from support.models import Ticket
from tests import factories
from tests.cases.company import Company

pytestmark = pytest.mark.django_db


@pytest.fixture
def company():
    """Three seats signed at 7.00 to the end of the year; it is October."""
    company = Company(starts_on=date(2026, 1, 1))
    plan = factories.PlanFactory(price=Decimal("10.00"))
    company.line = company.signs(plan, 3, "7.00")
    company.installation = company.installs(plan, [company.admin])
    company.until(date(2026, 10, 5))
    return company


def works(company):
    return Installation.objects.working(on=company.day).exists()


def test_until_the_term_ends_it_works_and_is_billed(company):
    company.uninstalls(company.installation)

    company.until(date(2026, 12, 31))

    assert works(company)
    assert Seat.objects.exists()
    assert company.billed()[-1] == "PERIOD 3 × 31/31 = 21.00"


def test_at_the_term_end_it_stops_and_the_ticket_is_there(company):
    company.uninstalls(company.installation)
    company.until(date(2027, 1, 1))

    assert not works(company)
    assert not Seat.objects.exists()
    ticket = Ticket.objects.get()
    assert (ticket.category, ticket.term_ends_on) == ("CANCELLATION", date(2027, 1, 1))


def test_the_administrator_can_have_the_ticket_at_once(company):
    company.uninstalls(company.installation, ticket_wanted=True)

    assert Ticket.objects.get().opened_on == company.day


def test_approved_billing_stops(company, support):
    company.uninstalls(company.installation, ticket_wanted=True)
    tickets.decide(Ticket.objects.get(), approve=True, by=support, on=company.day)

    company.until(date(2027, 3, 1))

    assert Line.objects.get().ends_on == date(2027, 1, 1)
    assert company.total() == 12 * 21


def test_declined_it_goes_on_paid_and_a_re_install_costs_nothing(company, support):
    company.uninstalls(company.installation, ticket_wanted=True)
    tickets.decide(Ticket.objects.get(), approve=False, by=support, on=company.day)
    company.until(date(2027, 3, 1))
    assert company.total() == 14 * 21 + 21

    company.installs(company.line.plan, company.hires(3))

    assert company.total() == 15 * 21


def test_without_a_decision_nothing_more_is_billed_but_it_is_not_forgotten(
    company, support
):
    company.uninstalls(company.installation)
    company.until(date(2027, 3, 1))
    assert company.total() == 12 * 21

    tickets.decide(Ticket.objects.get(), approve=False, by=support, on=company.day)

    assert company.total() == 15 * 21
    assert company.change().state == RenewalChange.State.DECLINED
