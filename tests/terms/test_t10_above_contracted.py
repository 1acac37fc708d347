"""Users above the contracted quantity are billed at once, at the contracted price."""

import pytest

from tests.billing.situations import (
    INCREASE,
    PERIOD,
    D,
    billed,
    buy,
    carry,
    day,
    plan_of,
    term,
)
from tests.factories import ContractFactory, LineFactory, UserFactory

pytestmark = pytest.mark.django_db

TODAY = "2026-11-23"


@pytest.fixture
def line(account):
    """Ten signed at 8.00 to the end of the year; the list says 10.00."""
    return LineFactory(
        contract=ContractFactory(account=account),
        plan=plan_of(price="10.00"),
        contracted=10,
        on=day(TODAY),
    )


@pytest.fixture
def activate(account, line):
    """Have so many users active."""
    buyer = UserFactory(account=account)
    return lambda users, on=TODAY: buy(account, line.plan, users, on=on, by=buyer)


def test_two_users_above_are_billed_for_the_rest_of_the_period(line, activate):
    activate(12)

    assert billed(line, INCREASE) == [
        ("2026-11-23", "2026-12-01", 2, D("4.27"))  # 2 × 8.00 × 8/30
    ]


def test_the_periods_to_come_bill_the_new_quantity(line, activate):
    activate(12)

    carry(line, to="2026-12-01")

    assert billed(line, PERIOD)[-1] == ("2026-12-01", "2027-01-01", 12, D(96))


def test_the_contracted_price_holds_also_when_the_list_is_cheaper(line, activate):
    line.plan.list_prices.update(monthly_price=D("1.00"))

    activate(12)

    assert billed(line, INCREASE)[0][-1] == D("4.27")


def test_up_to_the_contracted_quantity_nothing_is_billed(line, activate):
    _, effect = activate(10)

    assert effect.first_amount == 0
    assert not billed(line, INCREASE)


def test_removed_and_added_again_is_billed_once(line, activate):
    activate(12)
    activate(5)
    activate(12)

    assert len(billed(line, INCREASE)) == 1


def test_more_than_ever_bills_only_the_difference(line, activate):
    activate(12)
    activate(5)
    activate(15)

    assert [charge[2] for charge in billed(line, INCREASE)] == [2, 3]


def test_what_was_billed_carries_on_at_renewal(line, activate):
    activate(12)

    carry(line, to="2027-01-01")

    assert term(line).contracted == 12


def test_on_the_last_day_of_a_period_one_day_is_billed(line, activate):
    activate(11, on="2026-11-30")

    assert billed(line, INCREASE) == [
        ("2026-11-30", "2026-12-01", 1, D("0.27"))  # 8.00 × 1/30
    ]


def test_an_annual_contract_bills_the_rest_of_its_year(account):
    contract = ContractFactory(account=account, frequency_months=12)
    line = LineFactory(contract=contract, contracted=10, on=day(TODAY))

    buy(account, line.plan, 11, on=TODAY, by=UserFactory(account=account))

    assert billed(line, INCREASE) == [
        ("2026-11-23", "2027-01-01", 1, D("10.26"))  # 8.00 × 12 × 39/365
    ]
