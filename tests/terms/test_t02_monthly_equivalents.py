"""Listed prices are monthly equivalents; another frequency is charged in proportion."""

from decimal import Decimal

import pytest

from billing import prices
from tests.factories import ContractFactory, LineFactory, PlanFactory


@pytest.fixture
def contract(account):
    """A year, billed quarterly."""
    return ContractFactory(account=account, frequency_months=3)


@pytest.mark.parametrize(
    ("months", "price"), [(1, "8.75"), (3, "26.25"), (6, "52.50"), (12, "105.00")]
)
def test_a_period_costs_the_monthly_price_for_each_of_its_months(months, price):
    assert prices.for_months(Decimal("8.75"), months=months) == Decimal(price)


def test_the_marketplace_lists_what_a_month_costs_whatever_the_contract(
    present, contract, client_of, admin
):
    plan = PlanFactory(price=Decimal("8.75"))

    catalogue = client_of(admin).get("/marketplace/").content.decode()
    page = client_of(admin).get(f"/marketplace/{plan.app.slug}/").content.decode()

    assert "$8.75" in catalogue
    assert "$8.75" in page
    assert "monthly equivalents" in page
    assert "$26.25" not in catalogue + page


def test_a_plan_under_a_quarterly_contract_says_its_price_for_three_months(
    present, contract, client_of, admin, today
):
    signed = PlanFactory(price=Decimal("5.00"))
    LineFactory(contract=contract, plan=signed, on=today)
    PlanFactory(app=signed.app, price=Decimal("8.75"))

    page = client_of(admin).get(f"/marketplace/{signed.app.slug}/").content.decode()

    assert "$26.25" in page
    assert "for each user and 3 months" in page
