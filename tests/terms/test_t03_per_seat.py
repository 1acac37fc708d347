"""A Per Seat plan is charged for each activated user."""

import pytest

from tests.billing.situations import D, billed, buy, plan_of
from tests.factories import ContractFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def plan(account):
    ContractFactory(account=account)
    return plan_of(price="10.00")


@pytest.mark.parametrize("users", [1, 2, 250])
def test_each_user_is_charged(account, plan, users):
    line, _ = buy(
        account, plan, plan.units(users), on="2026-11-01",
        by=UserFactory(account=account),
    )  # fmt: skip

    assert billed(line) == [("2026-11-01", "2026-12-01", users, D(10 * users))]


def test_each_user_more_is_charged_too(account, plan):
    buyer = UserFactory(account=account)
    line, _ = buy(account, plan, 2, on="2026-11-01", by=buyer)

    buy(account, plan, plan.units(5), on="2026-11-16", by=buyer)

    assert billed(line)[-1] == ("2026-11-16", "2026-12-01", 3, D(15))
