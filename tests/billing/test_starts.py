"""The day a signed line starts for an app already bought self-serve (3.5)."""

import pytest

from billing import order_forms, renewals, starts
from tests.billing.situations import (
    CREDIT,
    INCREASE,
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

START = "2026-12-01"


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
def monthly(account, contract, plan, buyer):
    """Fifteen bought self-serve on 20 November."""
    line, _ = buy(account, plan, 15, on="2026-11-20", by=buyer)
    return line


@pytest.fixture
def signed(contract, plan, monthly):
    """Ten signed at 7.25 from 1 December."""
    return LineFactory(
        contract=contract, plan=plan, contracted=10, monthly_unit_price=D("7.25"),
        starts_on=day(START), began_on=None,
    )  # fmt: skip


def begin(line, *, active):
    starts.begin(line, active=active)
    line.refresh_from_db()


def test_those_above_the_signed_quantity_are_billed_at_the_signed_price(signed):
    begin(signed, active=15)

    assert billed(signed) == [
        ("2026-12-01", "2027-01-01", 10, D("72.5")),
        ("2026-12-01", "2027-01-01", 5, D("36.25")),
    ]


def test_the_self_serve_line_ends_at_its_months_end(signed, monthly):
    begin(signed, active=15)

    carry(monthly, signed, to="2027-02-01")

    monthly.refresh_from_db()
    assert monthly.ends_on == day("2026-12-20")
    assert len(billed(monthly)) == 1
    assert billed(signed, PERIOD)[-1] == ("2027-02-01", "2027-03-01", 15, D("108.75"))


def test_its_unused_days_are_proposed_as_a_credit(signed, monthly, buyer):
    begin(signed, active=15)

    change = standing(monthly).get()
    assert (change.kind, change.asked_by) == ("REPLACED", None)
    renewals.decide(change, approve=True, by=buyer, on=day(START))
    assert billed(monthly, CREDIT) == [
        ("2026-12-01", "2026-12-20", 15, D("-66.66"))  # capped: 72.50 and 36.25 × 19/31
    ]


def test_begun_twice_it_changes_nothing_more(signed):
    begin(signed, active=15)

    begin(signed, active=99)

    assert len(billed(signed)) == 2


def test_active_users_within_the_signed_quantity_cost_nothing(signed):
    begin(signed, active=9)

    assert billed(signed) == [("2026-12-01", "2027-01-01", 10, D("72.5"))]


def test_begun_late_it_writes_the_same_records(plan):
    on_time, late = (_bought_then_signed(plan) for _ in range(2))
    for on in ["2026-12-01", "2026-12-20", "2027-01-01", "2027-02-01", "2027-03-10"]:
        begin(on_time[1], active=15)
        carry(*on_time, to=on)

    begin(late[1], active=15)  # on 10 March, and no hourly run since November
    carry(*late, to="2027-03-10")

    for one, other in zip(on_time, late, strict=True):
        assert billed(one) == billed(other)
        assert _terms(one) == _terms(other)
    assert standing(late[0]).get().effective_on == day(START)


def _bought_then_signed(plan):
    contract = ContractFactory()
    monthly, _ = buy(
        contract.account, plan, 15, on="2026-11-20",
        by=UserFactory(account=contract.account),
    )  # fmt: skip
    signed = LineFactory(
        contract=contract, plan=plan, contracted=10, starts_on=day(START), began_on=None
    )
    return monthly, signed


def _terms(line):
    names = ["starts_on", "ends_on", "contracted", "peak", "billed_until", "outcome"]
    return list(line.terms.order_by("starts_on").values_list(*names))


def test_a_month_that_ends_on_the_start_is_simply_not_renewed(
    account, contract, plan, buyer
):
    monthly, _ = buy(account, plan, 15, on="2026-11-01", by=buyer)
    signed = LineFactory(
        contract=contract, plan=plan, contracted=10, starts_on=day(START), began_on=None
    )

    begin(signed, active=15)
    carry(monthly, signed, to=START)

    monthly.refresh_from_db()
    assert monthly.ends_on == day(START)
    assert not standing(monthly).exists()


def test_a_month_that_was_not_carried_to_the_start_is_carried_first(
    account, contract, plan, buyer
):
    monthly, _ = buy(account, plan, 15, on="2026-10-20", by=buyer)
    signed = LineFactory(
        contract=contract, plan=plan, contracted=10, starts_on=day(START), began_on=None
    )

    begin(signed, active=15)

    assert [start for start, *_ in billed(monthly)] == ["2026-10-20", "2026-11-20"]
    assert term(monthly).ends_on == day("2026-12-20")


def test_two_signed_lines_cover_together(signed, contract, plan):
    second = LineFactory(
        contract=contract, plan=plan, contracted=4, starts_on=day(START), began_on=None
    )

    begin(signed, active=15)
    begin(second, active=15)

    assert not billed(signed, INCREASE)
    assert billed(second, INCREASE) == [("2026-12-01", "2027-01-01", 1, D(8))]


def test_a_form_recorded_after_its_start_waits_for_the_seats(monthly, account, plan):
    form = order_forms.record(
        account, number="OF-9", signed_on=day("2026-11-25"), signed_by="",
        install_link_to="", content={}, by=None, on=day("2026-12-10"),
        entries=[
            {
                "plan": plan,
                "quantity": 10,
                "monthly_unit_price": "7.25",
                "starts_on": day(START),
            }
        ],
    )  # fmt: skip

    (signed,) = starts.due(by=day("2026-12-10"), zone="UTC")
    begin(signed, active=15)

    assert signed.order_form == form
    assert [quantity for *_, quantity, _ in billed(signed)] == [10, 5]
    assert starts.due(by=day("2026-12-10"), zone="UTC") == []


def test_without_self_serve_lines_a_form_begins_when_recorded(contract, plan):
    form = order_forms.record(
        contract.account, number="OF-9", signed_on=day("2026-11-25"), signed_by="",
        install_link_to="", content={}, by=None, on=day("2026-12-10"),
        entries=[
            {
                "plan": plan,
                "quantity": 10,
                "monthly_unit_price": "7.25",
                "starts_on": day(START),
            }
        ],
    )  # fmt: skip

    (line,) = form.lines.all()
    assert line.began_on == day(START)
    assert len(billed(line)) == 1


def test_a_replaced_plan_that_runs_covers_beside_a_signed_one(
    account, contract, plan, buyer
):
    LineFactory(contract=contract, plan=plan, contracted=15, on=day("2026-11-23"))
    other = plan_of(plan.app, price="20.00")
    buy(account, other, 15, on="2026-11-23", by=buyer)
    signed = LineFactory(
        contract=contract,
        plan=other,
        contracted=10,
        starts_on=day(START),
        began_on=None,
    )

    begin(signed, active=15)

    assert not billed(signed, INCREASE)
