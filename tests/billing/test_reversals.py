"""An installation that never worked: all it was charged goes back, in full (3.20)."""

import pytest

from billing import renewals, reversals
from billing.models import Charge, Order, RenewalChange
from tests.billing.situations import (
    PERIOD,
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
def contract(account):
    return ContractFactory(account=account)


@pytest.fixture
def buyer(account):
    return UserFactory(account=account)


@pytest.fixture
def plan():
    return plan_of(price="10.00")


@pytest.fixture
def line(contract, plan):
    """Ten signed at 8.00, to the end of the year."""
    return LineFactory(contract=contract, plan=plan, contracted=10, on=day(TODAY))


def undo(account, app, *, on):
    first = account.orders.order_by("pk").first()
    reversals.undo(account, app, first_order=first, by=None, on=day(on))


def test_a_self_serve_line_is_as_if_it_had_never_been(account, contract, plan, buyer):
    line, _ = buy(account, plan, 3, on=TODAY, by=buyer)
    buy(account, plan, 5, on="2026-11-25", by=buyer)

    undo(account, plan.app, on="2026-11-30")
    carry(line, to="2027-03-01")

    line.refresh_from_db()
    assert line.ends_on == line.starts_on
    assert line.charges.total() == 0
    assert line.charges.filter(reason="REVERSAL").count() == 2


def test_each_charge_is_reversed_once(account, contract, plan, buyer):
    line, _ = buy(account, plan, 3, on=TODAY, by=buyer)

    undo(account, plan.app, on="2026-11-30")
    undo(account, plan.app, on="2026-11-30")

    assert line.charges.filter(reason="REVERSAL").count() == 1


def test_growth_is_taken_back_once(account, line, buyer):
    buy(account, line.plan, 12, on=TODAY, by=buyer)

    undo(account, line.app, on="2026-11-30")
    undo(account, line.app, on="2026-11-30")

    assert term(line).billed == 10
    assert line.charges.total() == 11 * 80


def test_a_signed_line_stays_and_its_peak_is_as_before(account, line, buyer):
    buy(account, line.plan, 12, on=TODAY, by=buyer)

    undo(account, line.app, on="2026-11-30")
    carry(line, to="2026-12-01")

    assert (term(line).contracted, term(line).billed) == (10, 10)
    assert line.charges.total() == 12 * 80


def test_periods_billed_with_the_growth_are_corrected(account, line, buyer):
    buy(account, line.plan, 12, on="2026-11-28", by=buyer)
    carry(line, to="2026-12-01")

    undo(account, line.app, on="2026-12-05")

    assert line.charges.total() == 12 * 80
    corrected = line.charges.get(starts_on=day("2026-12-01"), quantity=10)
    assert corrected.cause.startswith("corrected:")


def test_a_term_that_renewed_with_the_growth_is_corrected_too(account, line, buyer):
    carry(line, to="2026-12-28")
    buy(account, line.plan, 12, on="2026-12-28", by=buyer)
    carry(line, to="2027-01-02")

    undo(account, line.app, on="2027-01-04")
    carry(line, to="2027-02-01")

    assert term(line).billed == 10
    assert line.charges.total() == 14 * 80
    assert billed(line, PERIOD)[-1][2] == 10


def test_the_plan_it_replaced_goes_on(account, line, plan, buyer):
    other = plan_of(plan.app, price="30.00")
    new, _ = buy(account, other, 10, on=TODAY, by=buyer)

    undo(account, plan.app, on="2026-11-30")
    carry(line, new, to="2027-01-01")

    line.refresh_from_db()
    assert line.replaced_by is None
    assert not standing(line).exists()
    assert term(line).ends_on == day("2028-01-01")
    assert new.charges.total() == 0


def test_a_plan_that_was_credited_meanwhile_resumes_when_it_is_taken_again(
    account, line, plan, buyer
):
    buy(account, plan_of(plan.app, price="30.00"), 10, on=TODAY, by=buyer)
    renewals.decide(standing(line).get(), approve=True, by=buyer, on=day("2026-11-24"))

    undo(account, plan.app, on="2026-11-30")
    again, _ = buy(account, plan, 10, on="2026-11-30", by=buyer)

    assert (again.continues, again.monthly_unit_price) == (line, 8)


def test_a_wish_for_a_line_that_is_undone_is_moot(account, contract, plan, buyer):
    line, _ = buy(account, plan, 3, on=TODAY, by=buyer)
    wish = renewals.lower(line, to=1, by=buyer, on=day(TODAY))

    undo(account, plan.app, on="2026-11-30")

    wish.refresh_from_db()
    assert wish.state == RenewalChange.State.MOOT


def test_growth_before_the_first_order_stays(account, line, buyer):
    buy(account, line.plan, 11, on="2026-11-23", by=buyer)
    first = Order.objects.get()
    buy(account, line.plan, 14, on="2026-11-24", by=buyer)
    second = Order.objects.exclude(pk=first.pk).get()

    reversals.undo(account, line.app, first_order=second, by=None, on=day("2026-11-30"))

    assert term(line).billed == 11
    assert Charge.objects.filter(order=first).total() == D("2.13")
