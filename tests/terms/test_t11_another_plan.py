"""Another plan than the contracted one is billed for all users, at the price listed."""

import pytest

from billing import renewals
from tests.billing.situations import (
    CREDIT,
    D,
    billed,
    buy,
    carry,
    day,
    plan_of,
    standing,
    term,
)
from tests.factories import ContractFactory, LineFactory, UserFactory

pytestmark = pytest.mark.django_db

TODAY = "2026-11-23"


@pytest.fixture
def buyer(account):
    return UserFactory(account=account)


@pytest.fixture
def line(account):
    """Ten signed on Pro at 8.00, to the end of the year."""
    return LineFactory(
        contract=ContractFactory(account=account),
        plan=plan_of(price="10.00", name="Pro"),
        contracted=10,
        on=day(TODAY),
    )


@pytest.fixture
def better(line):
    """Business, listed at 30.00."""
    return plan_of(line.app, price="30.00", name="Business")


def test_every_user_is_billed_at_the_price_listed_that_day(
    account, line, better, buyer
):
    new, _ = buy(account, better, 10, on=TODAY, by=buyer)

    assert billed(new) == [("2026-11-23", "2026-12-01", 10, D(80))]


def test_it_is_under_the_current_term(account, line, better, buyer):
    new, _ = buy(account, better, 10, on=TODAY, by=buyer)

    assert term(new).ends_on == term(line).ends_on == day("2027-01-01")


def test_the_contracted_plan_does_not_renew(account, line, better, buyer):
    new, _ = buy(account, better, 10, on=TODAY, by=buyer)

    carry(line, new, to="2027-01-01")

    line.refresh_from_db()
    assert line.ends_on == day("2027-01-01")
    assert billed(new)[-1][:3] == ("2027-01-01", "2027-02-01", 10)


def test_when_support_approves_its_unused_days_come_back(account, line, better, buyer):
    buy(account, better, 10, on=TODAY, by=buyer)

    renewals.decide(standing(line).get(), approve=True, by=buyer, on=day(TODAY))

    assert billed(line, CREDIT) == [
        ("2026-11-23", "2026-12-01", 10, D("-21.33"))  # 80.00 × 8/30
    ]


def test_no_more_comes_back_than_the_new_plan_costs(account, line, buyer):
    cheaper = plan_of(line.app, price="2.00")
    new, _ = buy(account, cheaper, 10, on=TODAY, by=buyer)

    renewals.decide(standing(line).get(), approve=True, by=buyer, on=day(TODAY))

    assert billed(line, CREDIT)[0][-1] == -billed(new)[0][-1] == D("-5.33")


def test_when_support_declines_it_is_billed_to_its_term_end(
    account, line, better, buyer
):
    buy(account, better, 10, on=TODAY, by=buyer)

    renewals.decide(standing(line).get(), approve=False, by=buyer, on=day(TODAY))
    carry(line, to="2027-01-15")

    assert billed(line)[-1] == ("2026-12-01", "2027-01-01", 10, D(80))


def test_both_outcomes_are_told_before_the_click(account, line, better, buyer):
    _, effect = buy(account, better, 10, on=TODAY, by=buyer)

    (left,) = effect.replaced
    assert (left.credit, left.still_to_bill) == (D("21.33"), D(80))


def test_back_on_the_contracted_plan_nothing_more_is_billed(
    account, line, better, buyer
):
    buy(account, better, 10, on=TODAY, by=buyer)

    back, effect = buy(account, line.plan, 10, on="2026-11-25", by=buyer)

    assert (back, effect.bills) == (line, False)


def test_another_plan_already_at_the_first_install_is_the_same(
    account, line, better, buyer
):
    new, effect = buy(account, better, 3, on=TODAY, by=buyer)

    assert billed(new)[0][2] == 3
    assert effect.replaced[0].line_id == line.pk
