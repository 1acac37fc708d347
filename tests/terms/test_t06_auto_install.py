"""Auto Install: joining an activated role gives a seat, and bills what is not covered."""

from datetime import date
from decimal import Decimal

import pytest

from myapps.models import Seat
from tests import factories
from tests.cases.company import Company

pytestmark = pytest.mark.django_db


@pytest.fixture
def company():
    """Ten days of March are left; two seats are signed at 7.00, one is taken."""
    company = Company(starts_on=date(2026, 1, 1))
    plan = factories.PlanFactory(price=Decimal("10.00"))
    company.signs(plan, 2, "7.00")
    company.installation = company.installs(plan, [company.admin])
    company.until(date(2026, 3, 22))
    return company


@pytest.fixture
def agents(company):
    """A role activated with Auto Install."""
    role = company.role()
    company.activates(company.installation, role, auto=True)
    return role


def test_whom_the_contracted_quantity_covers_costs_nothing(company, agents):
    (user,) = company.hires(1)
    before = company.total()

    company.joins(agents, user)

    assert Seat.objects.filter(user=user).exists()
    assert company.total() == before


def test_whom_it_does_not_cover_is_added_to_the_contract(company, agents):
    company.joins(agents, *company.hires(3))

    assert company.billed()[-1] == "INCREASE 2 × 10/31 = 4.52"
    company.until(date(2026, 4, 1))
    assert company.billed()[-1] == "PERIOD 4 × 30/30 = 28.00"


def test_a_role_without_auto_install_gives_no_seat_to_joiners(company):
    role = company.role()
    company.activates(company.installation, role, auto=False)

    company.joins(role, *company.hires(1))

    assert company.installation.seats.count() == 1


def test_a_role_that_is_not_activated_gives_none_either(company):
    company.joins(company.role(), *company.hires(1))

    assert company.installation.seats.count() == 1
