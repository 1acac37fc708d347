"""A new app that no order form was signed for is billed month to month."""

import pytest
from django.core.exceptions import ValidationError

from billing import effects, renewals
from tests.billing.situations import D, billed, buy, carry, day, plan_of, term
from tests.factories import ContractFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def contract(account):
    """Two years, billed once a year."""
    return ContractFactory(account=account, term_months=24, frequency_months=12)


@pytest.fixture
def buyer(account):
    return UserFactory(account=account)


@pytest.fixture
def plan():
    return plan_of(price="10.00")


@pytest.fixture
def line(account, contract, plan, buyer):
    """Three users, bought self-serve on 31 October."""
    line, _ = buy(account, plan, 3, on="2026-10-31", by=buyer)
    return line


def test_the_first_month_is_billed_on_the_day_of_purchase(line):
    assert billed(line) == [("2026-10-31", "2026-11-30", 3, D(30))]


def test_each_month_is_counted_from_that_day_whatever_the_contract_says(line):
    carry(line, to="2027-02-28")

    assert [start for start, *_ in billed(line)] == [
        "2026-10-31", "2026-11-30", "2026-12-31", "2027-01-31", "2027-02-28",
    ]  # fmt: skip


def test_it_goes_on_until_it_is_ended(account, line, buyer):
    carry(line, to="2026-12-05")
    wish = renewals.end(line, by=buyer, on=day("2026-12-05"))
    renewals.decide(wish, approve=True, by=buyer, on=day("2026-12-06"))

    carry(line, to="2027-03-01")

    line.refresh_from_db()
    assert line.ends_on == day("2026-12-31")
    assert len(billed(line)) == 2


def test_its_term_is_its_month(line):
    assert term(line).ends_on == day("2026-11-30")


def test_the_price_is_the_one_listed_on_the_day_and_stays(line, plan):
    plan.list_prices.update(monthly_price=D("99.00"))

    carry(line, to="2026-11-30")

    assert billed(line)[-1][-1] == D(30)


def test_without_a_current_contract_nothing_new_is_bought(account, contract, plan):
    contract.ends_on = day("2026-11-01")
    contract.save()

    with pytest.raises(ValidationError, match="no current contract"):
        effects.of(account, plan, units=1, on=day("2026-11-23"))


def test_it_goes_on_when_the_contract_has_ended(contract, line):
    contract.ends_on = day("2026-11-15")
    contract.save()

    carry(line, to="2026-12-31")

    assert len(billed(line)) == 3


def test_only_plans_with_a_price_in_the_contracts_currency_are_bought(
    account, contract
):
    for plan in (plan_of(currency="EUR"), plan_of(price_on_request=True)):
        with pytest.raises(ValidationError, match="Ask sales"):
            effects.of(account, plan, units=1, on=day("2026-11-23"))
