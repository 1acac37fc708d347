"""Another plan at renewal, approved after the renewal: the users are on it, too."""

from datetime import date
from decimal import Decimal

import pytest

from billing.models import Line
from myapps import plans
from tests import factories
from tests.cases.company import Company

pytestmark = pytest.mark.django_db


@pytest.fixture
def company():
    """Three seats on Pro, signed at 8.00 for four to the end of 2026."""
    company = Company(starts_on=date(2026, 1, 1))
    company.pro = factories.PlanFactory(name="Pro", price=Decimal("10.00"))
    company.business = factories.PlanFactory(
        app=company.pro.app, name="Business", price=Decimal("20.00")
    )
    company.signs(company.pro, 4, "8.00")
    company.installation = company.installs(
        company.pro, [company.admin, *company.hires(2)]
    )
    company.until(date(2026, 11, 2))
    plans.change_at_renewal(
        company.installation, company.business, by=company.admin, on=company.day
    )
    return company


@pytest.mark.parametrize("decided", [date(2026, 12, 1), date(2027, 2, 10)])
def test_once_approved_the_installation_is_on_the_new_plan(company, decided):
    company.until(decided)
    company.support_decides(company.change(kind="PLAN"), approve=True)
    company.until(date(2027, 2, 10))

    company.installation.refresh_from_db()
    new = Line.objects.get(plan=company.business)
    assert company.installation.plan == company.business
    assert company.billed(new) == [
        "PERIOD 3 × 31/31 = 60.00",
        "PERIOD 3 × 28/28 = 60.00",
    ]
    old = Line.objects.get(plan=company.pro)
    assert old.ends_on == date(2027, 1, 1)
    assert old.charges.filter(starts_on__gte=old.ends_on).total() == 0
