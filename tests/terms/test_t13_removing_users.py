"""Removing users changes no bill; a lower quantity at renewal takes a billing ticket."""

from datetime import date
from decimal import Decimal

import pytest

from billing.models import RenewalChange
from support import tickets
from support.models import Ticket
from tests import factories
from tests.cases.company import Company

pytestmark = pytest.mark.django_db


@pytest.fixture
def company():
    """Five seats signed at 7.00 to the end of the year, all taken; it is October."""
    company = Company(starts_on=date(2026, 1, 1))
    plan = factories.PlanFactory(price=Decimal("10.00"))
    company.signs(plan, 5, "7.00")
    company.people = company.hires(4)
    company.installation = company.installs(plan, [company.admin, *company.people])
    company.until(date(2026, 10, 5))
    return company


def test_no_bill_changes_not_even_at_the_renewal(company):
    company.removes(company.installation, company.people[:3])

    company.until(date(2027, 1, 1))

    assert not RenewalChange.objects.exists()
    assert company.billed()[-1] == "PERIOD 5 × 31/31 = 35.00"


def test_asked_for_and_approved_the_renewal_bills_fewer(company, support):
    company.removes(company.installation, company.people[:3], lower=True)
    company.until(date(2026, 12, 31))
    assert not Ticket.objects.exists()

    company.until(date(2027, 1, 1))
    ticket = Ticket.objects.get()
    assert ticket.category == "REDUCTION"
    tickets.decide(ticket, approve=True, by=support, on=company.day)

    assert company.change().target_quantity == 2
    assert company.billed()[-1] == "PERIOD 2 × 31/31 = 14.00"


def test_the_administrator_can_have_the_ticket_at_once(company):
    company.removes(
        company.installation, company.people[:1], lower=True, ticket_wanted=True
    )

    assert Ticket.objects.get().opened_on == company.day


def test_never_fewer_are_billed_than_are_active_at_the_renewal(company, support):
    company.removes(company.installation, company.people[:3], lower=True)
    company.support_decides(company.change(), approve=True)
    company.adds(company.installation, company.people[:2])

    company.until(date(2027, 1, 1))

    assert company.billed()[-1] == "PERIOD 4 × 31/31 = 28.00"


def test_the_page_says_so_before_the_click_and_offers_it(company, client_of, present):
    browser = client_of(company.admin)
    address = f"/apps/{company.installation.app.slug}/users/remove/"

    page = browser.get(address, {"users": company.people[0].pk})

    assert "The bill does not change" in page.content.decode()
    assert 'name="lower"' in page.content.decode()
    browser.post(address, {"users": company.people[0].pk, "confirmed": "1"})
    assert not RenewalChange.objects.exists()
    browser.post(
        address, {"users": company.people[1].pk, "confirmed": "1", "lower": "on"}
    )
    assert company.change().target_quantity == 3
