"""Prices are monthly equivalents; another frequency is charged in proportion."""

import pytest

from tests.billing.situations import D, billed, buy, carry, day, plan_of
from tests.factories import ContractFactory, LineFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("months", "amount"), [(1, "29"), (3, "87"), (6, "174"), (12, "348")]
)
def test_a_period_is_charged_the_monthly_price_for_each_of_its_months(months, amount):
    contract = ContractFactory(frequency_months=months)
    line = LineFactory(contract=contract, contracted=4, monthly_unit_price=D("7.25"))

    carry(line, to="2026-01-01")

    assert [charge[-1] for charge in billed(line)] == [D(amount)]


def test_the_list_price_of_another_plan_is_charged_in_proportion_too(account):
    contract = ContractFactory(
        account=account, starts_on=day("2026-11-23"), frequency_months=3
    )
    plan = plan_of(price="10.00")
    LineFactory(contract=contract, plan=plan, on=day("2026-11-23"))

    new, _ = buy(
        account, plan_of(plan.app, price="20.00"), 2, on="2026-11-23",
        by=UserFactory(account=account),
    )  # fmt: skip

    assert billed(new) == [("2026-11-23", "2027-02-23", 2, D(120))]


@pytest.mark.parametrize(
    ("currency", "amount"), [("JPY", "9"), ("USD", "8.99"), ("KWD", "8.991")]
)
def test_an_amount_is_rounded_once_to_what_the_currency_has(currency, amount):
    contract = ContractFactory(currency=currency, frequency_months=3)
    line = LineFactory(contract=contract, contracted=3, monthly_unit_price=D("0.999"))

    carry(line, to="2026-01-01")

    assert billed(line)[0][-1] == D(amount)  # 3 × 0.999 × 3 = 8.991


def test_a_part_of_a_period_is_charged_by_its_days_over_the_periods(account):
    contract = ContractFactory(account=account, frequency_months=12)

    line = LineFactory(contract=contract, starts_on=day("2026-12-01"))
    carry(line, to="2026-12-01")

    assert billed(line)[0][-1] == D("8.15")  # 8.00 × 12 × 31/365
