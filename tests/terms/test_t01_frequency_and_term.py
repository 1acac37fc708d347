"""A purchase takes the billing frequency and the term of the account's contract."""

import pytest

from tests.billing.situations import billed, buy, carry, day, plan_of, term
from tests.factories import ContractFactory, LineFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def contract(account):
    """Two years from 1 March 2026, billed every six months."""
    return ContractFactory(
        account=account, starts_on=day("2026-03-01"), term_months=24, frequency_months=6
    )


@pytest.fixture
def line(contract):
    """Ten users signed at 8.00 a month."""
    return LineFactory(contract=contract, contracted=10)


def test_a_signed_line_is_billed_as_often_as_the_contract_says(line):
    carry(line, to="2027-02-28")

    assert [period[:2] for period in billed(line)] == [
        ("2026-03-01", "2026-09-01"),
        ("2026-09-01", "2027-03-01"),
    ]


def test_its_term_is_the_contracts(line):
    assert term(line).ends_on == day("2028-03-01")


def test_it_renews_for_the_same_length(line):
    carry(line, to="2028-03-01")

    assert term(line).ends_on == day("2030-03-01")


def test_a_line_that_starts_later_ends_with_the_contracts_term(contract):
    later = LineFactory(contract=contract, starts_on=day("2026-05-20"))

    carry(later, to="2026-09-01")

    assert term(later).ends_on == day("2028-03-01")
    assert [period[:2] for period in billed(later)] == [
        ("2026-05-20", "2026-09-01"),
        ("2026-09-01", "2027-03-01"),
    ]


def test_another_plan_of_a_contracted_app_is_billed_on_the_same_days(account, contract):
    plan = plan_of(price="10.00")
    LineFactory(contract=contract, plan=plan, on=day("2026-11-23"))
    other = plan_of(plan.app, price="20.00")

    new, _ = buy(account, other, 1, on="2026-11-23", by=UserFactory(account=account))

    assert billed(new)[0][:2] == ("2026-11-23", "2027-03-01")
    assert term(new).ends_on == day("2028-03-01")


@pytest.mark.parametrize(
    ("starts", "second"),
    [("2026-01-31", "2026-02-28"), ("2024-02-29", "2024-03-29")],
)
def test_a_month_ends_on_its_last_day_where_the_anchors_day_is_missing(
    account, starts, second
):
    line = LineFactory(contract=ContractFactory(account=account, starts_on=day(starts)))

    carry(line, to=second)

    assert billed(line)[1][0] == second
