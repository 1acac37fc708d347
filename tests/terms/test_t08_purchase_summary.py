"""The purchase summary is indicative: listed price × users, kept nowhere, no bill."""

from datetime import date
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from billing.models import Charge, Order
from myapps import summary
from tests import factories
from tests.cases.company import Company

pytestmark = pytest.mark.django_db

DAY = date(2026, 11, 23)


@pytest.fixture
def plan():
    return factories.PlanFactory(price=Decimal("10.00"))


def total(plan, *, seats, currency="USD", on=DAY):
    return summary.of(plan, seats=seats, currency=currency, on=on).total


def test_it_is_the_listed_price_for_the_chosen_users_and_no_more(plan):
    company = Company(starts_on=date(2026, 1, 1), frequency=12)
    company.signs(plan, 50, "7.25")

    assert total(plan, seats=15) == Decimal("150.00")


def test_it_is_by_the_month_whatever_the_contracts_frequency(plan):
    for frequency in (1, 3, 12):
        Company(starts_on=date(2026, 1, 1), frequency=frequency)

        assert total(plan, seats=2) == Decimal("20.00")


def test_a_plan_for_the_account_is_counted_once():
    plan = factories.PlanFactory(price=Decimal("99.00"), per_account=True)

    assert total(plan, seats=40) == Decimal("99.00")


def test_the_price_is_the_one_listed_that_day(plan):
    factories.ListPriceFactory(
        plan=plan, monthly_price=Decimal("12.00"), effective_from=date(2026, 12, 1),
        currency="EUR",
    )  # fmt: skip

    assert total(plan, seats=3, currency="EUR") is None
    after = date(2026, 12, 1)
    assert total(plan, seats=3, currency="EUR", on=after) == Decimal("36.00")


def test_making_one_writes_nothing(plan):
    with CaptureQueriesContext(
        connection,
    ) as queries:
        total(plan, seats=15)

    assert queries
    assert all(query["sql"].startswith("SELECT") for query in queries)


def test_the_page_calls_it_indicative_and_keeps_nothing(
    client_of, admin, account, plan, present
):
    factories.ContractFactory(account=account)
    factories.TermsVersionFactory()
    browser = client_of(admin)
    chosen = {"plan": plan.pk, "users": [admin.pk]}

    page = browser.get(f"/marketplace/{plan.app.slug}/install/", chosen)

    assert page.status_code == 200
    assert "indicative" in page.content.decode()
    assert not Order.objects.exists()
    assert not Charge.objects.exists()
