"""A Per Account plan is charged once for the account, however many seats are active."""

import pytest

from tests.billing.situations import D, billed, buy, carry, day, plan_of
from tests.factories import ContractFactory, LineFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def contract(account):
    return ContractFactory(account=account)


@pytest.fixture
def plan():
    """100.00 a month for the whole account."""
    return plan_of(price="100.00", per_account=True)


@pytest.mark.parametrize("users", [1, 2, 250])
def test_it_is_charged_once(account, contract, plan, users):
    line, _ = buy(
        account, plan, plan.units(users), on="2026-11-01",
        by=UserFactory(account=account),
    )  # fmt: skip

    assert billed(line) == [("2026-11-01", "2026-12-01", 1, D(100))]


def test_more_users_cost_nothing_more(account, contract, plan):
    buyer = UserFactory(account=account)
    line, _ = buy(account, plan, plan.units(2), on="2026-11-01", by=buyer)

    _, effect = buy(account, plan, plan.units(500), on="2026-11-16", by=buyer)

    assert not effect.bills
    assert len(billed(line)) == 1


def test_a_signed_one_covers_every_user(account, contract, plan):
    line = LineFactory(contract=contract, plan=plan, on=day("2026-11-23"))

    buy(account, plan, plan.units(80), on="2026-11-23", by=UserFactory(account=account))
    carry(line, to="2026-12-01")

    assert [charge[2] for charge in billed(line)] == [1] * 12


def test_leaving_seats_for_the_account_bills_one(account, contract, plan):
    seats = plan_of(plan.app, price="9.00")
    LineFactory(contract=contract, plan=seats, contracted=10, on=day("2026-11-23"))

    new, _ = buy(
        account, plan, plan.units(10), on="2026-11-23", by=UserFactory(account=account)
    )

    assert billed(new) == [("2026-11-23", "2026-12-01", 1, D("26.67"))]


def test_leaving_the_account_for_seats_bills_each_user(account, contract, plan):
    LineFactory(contract=contract, plan=plan, on=day("2026-11-23"))
    seats = plan_of(plan.app, price="9.00")

    new, _ = buy(
        account, seats, seats.units(10), on="2026-11-23",
        by=UserFactory(account=account),
    )  # fmt: skip

    assert billed(new) == [("2026-11-23", "2026-12-01", 10, D(24))]
