"""Periods are charged as they begin and terms renew, by the grid and never by "now"."""

from datetime import date, timedelta

import pytest
from django.db import connection
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from billing import order_forms, periods, prices, terms
from billing.models import Charge, Term
from tests.billing.examples import about
from tests.billing.situations import D, billed, carry, day, plan_of, term
from tests.factories import AccountFactory, ContractFactory, LineFactory

pytestmark = pytest.mark.django_db

days = st.dates(date(2000, 1, 1), date(2060, 12, 31))


@given(days, st.integers(0, 20_000))
@example(date(2024, 1, 31), 28)
@example(date(2024, 1, 31), 29)
@example(date(2024, 2, 29), 365)
@settings(
    max_examples=about(300), suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_postgresql_counts_months_as_the_calculator_does(db, anchor, after):
    later = anchor + timedelta(days=after)

    with connection.cursor() as cursor:
        cursor.execute("SELECT months_between(%s, %s)", [anchor, later])
        (months,) = cursor.fetchone()

    assert months == periods.index_on(anchor, 1, later)


anchors = st.one_of(
    st.dates(date(2022, 1, 1), date(2025, 12, 31)),
    st.sampled_from(
        [date(2023, 1, 31), date(2024, 2, 29), date(2023, 11, 30), date(2024, 8, 31)]
    ),
)
grids = st.sampled_from([(1, 1), (1, 12), (3, 6), (3, 12), (6, 12), (12, 12), (12, 24)])
money = st.decimals("0.000001", "9999.999999", places=6)


@given(
    anchor=anchors,
    grid=grids,
    price=money,
    quantity=st.integers(1, 500),
    currency=st.sampled_from(["JPY", "EUR", "KWD"]),
    into=st.integers(0, 400),
    ran=st.integers(0, 900),
    elsewhere=st.none() | st.integers(0, 800),
)
@example(date(2024, 1, 31), (1, 12), D("7.25"), 40, "EUR", 0, 400, None)
@example(date(2024, 2, 29), (12, 12), D("0.005"), 1, "KWD", 0, 800, None)
@example(date(2024, 2, 29), (1, 1), D("1.5"), 1, "JPY", 30, 500, 333)
@settings(
    max_examples=about(60), suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_every_period_and_term_is_as_the_calculator_says(
    db, anchor, grid, price, quantity, currency, into, ran, elsewhere
):
    frequency, length = grid
    starts = anchor + timedelta(days=into)
    today = starts + timedelta(days=ran)
    since = starts if elsewhere is None else anchor + timedelta(days=elsewhere)
    contract = ContractFactory(
        starts_on=anchor,
        frequency_months=frequency,
        term_months=length,
        currency=currency,
        billed_until=None if elsewhere is None else since,
    )

    line = LineFactory(
        contract=contract,
        starts_on=starts,
        contracted=quantity,
        monthly_unit_price=price,
        on=today,
    )

    until = periods.period_on(anchor, length, max(today, starts)).end
    known = [(t.starts_on, t.ends_on) for t in line.terms.order_by("starts_on")]
    assert known == periods.periods(anchor, length, start=starts, end=until)
    since = max(since, starts)
    end = periods.period_on(anchor, frequency, today).end
    due = []
    if since <= today:
        due = periods.periods(anchor, frequency, start=since, end=end)
    assert [
        (c.starts_on, c.ends_on, c.quantity, c.amount, c.billed_on)
        for c in line.charges.order_by("starts_on")
    ] == [
        (
            cut.start,
            cut.end,
            quantity,
            _amount(anchor, frequency, price, quantity, cut, line.digits),
            cut.start,
        )
        for cut in due
    ]


def _amount(anchor, frequency, price, quantity, cut, digits):
    whole = periods.period_on(anchor, frequency, cut.start)
    return prices.prorated(
        prices.for_months(price, months=frequency),
        quantity=quantity,
        days=(cut.end - cut.start).days,
        period_days=(whole.end - whole.start).days,
        digits=digits,
    )


@pytest.fixture
def line():
    """Ten at 8.00 a month from 31 January, a year at a time."""
    contract = ContractFactory(starts_on=day("2026-01-31"))
    return LineFactory(contract=contract, contracted=10)


def test_periods_of_31_january_end_with_their_month(line):
    carry(line, to="2026-05-15")

    starts = [start for start, *_ in billed(line)]
    assert starts == ["2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30"]


def test_a_29_february_comes_back_in_a_leap_year():
    contract = ContractFactory(starts_on=day("2024-02-29"), frequency_months=12)
    line = LineFactory(contract=contract)

    carry(line, to="2028-03-01")

    starts = [start for start, *_ in billed(line)]
    assert starts == [
        "2024-02-29", "2025-02-28", "2026-02-28", "2027-02-28", "2028-02-29",
    ]  # fmt: skip


def test_run_twice_it_writes_nothing_more(line):
    carry(line, to="2027-03-15")
    before = (billed(line), list(line.terms.values()))

    carry(line, to="2027-03-15")

    assert (billed(line), list(line.terms.values())) == before


def test_run_late_it_writes_the_same_records(line):
    late = LineFactory(contract=line.contract, contracted=10)
    on = day("2026-01-31")
    while on < day("2027-04-02"):
        terms.advance([line.pk], active={}, on=on)
        on += timedelta(days=1)

    carry(late, to="2027-04-01")

    assert _records(late) == _records(line)


def _records(line):
    left = ["id", "line_id", "term_id", "order_id", "created_at", "cause"]
    charges = [
        {name: value for name, value in row.items() if name not in left}
        for row in line.charges.order_by("starts_on").values()
    ]
    kept = ["starts_on", "ends_on", "contracted", "peak", "billed_until", "outcome"]
    return charges, list(line.terms.order_by("starts_on").values(*kept))


def test_nothing_is_charged_before_its_day(line):
    carry(line, to="2026-01-30")

    assert billed(line) == []


def test_the_billed_quantity_carries_on_into_the_next_term(line, unreconciled):
    Term.objects.filter(line=line).update(peak=14)

    carry(line, to="2027-01-31")

    assert (term(line).contracted, term(line).peak) == (14, 0)


def test_a_free_line_renews_and_leaves_no_charge():
    line = LineFactory(
        contract=ContractFactory(starts_on=day("2026-01-01"), term_months=1),
        monthly_unit_price=D(0),
    )

    carry(line, to="2026-03-10")

    assert line.terms.count() == 3
    assert not line.charges.exists()


def test_a_term_keeps_its_zone_until_it_renews(line):
    line.account.timezone = "Pacific/Auckland"
    line.account.save()

    carry(line, to="2027-01-31")

    zones = list(line.terms.order_by("starts_on").values_list("timezone", flat=True))
    assert zones == ["UTC", "Pacific/Auckland"]


def test_what_was_billed_elsewhere_is_not_billed_again_in_any_term():
    contract = ContractFactory(
        starts_on=day("2024-01-01"), billed_until=day("2025-03-10")
    )
    line = LineFactory(contract=contract, contracted=3)

    carry(line, to="2025-04-05")

    assert billed(line) == [
        ("2025-03-10", "2025-04-01", 3, D("17.03")),  # 3 × 8.00 × 22/31
        ("2025-04-01", "2025-05-01", 3, D(24)),
    ]


def test_a_contract_that_does_not_renew_ends_its_lines():
    contract = ContractFactory(auto_renews=False, ends_on=day("2027-01-01"))
    line = LineFactory(contract=contract)

    carry(line, to="2027-02-01")

    line.refresh_from_db()
    assert line.ends_on == day("2027-01-01")
    assert term(line).outcome == Term.Outcome.ENDED
    assert not line.charges.filter(starts_on__gte=day("2027-01-01")).exists()


def _succeed(contract, **conditions):
    return order_forms.record_contract(
        contract.account,
        by=None,
        on=day("2026-11-23"),
        **{
            "currency": contract.currency,
            "starts_on": day("2027-01-01"),
            "term_months": 12,
            "frequency_months": 3,
            "auto_renews": True,
            "billed_until": None,
        }
        | conditions,
    )


@pytest.mark.parametrize("renewing", [True, False])
def test_lines_renew_into_a_successor_with_another_frequency(renewing):
    ends = {} if renewing else {"auto_renews": False, "ends_on": day("2027-01-01")}
    contract = ContractFactory(account=AccountFactory(), **ends)
    line = LineFactory(contract=contract, contracted=10)
    carry(line, to="2026-11-23")
    successor = _succeed(contract)

    (rolled,) = carry(line, to="2027-02-01")

    new = line.continued_by.get()
    assert rolled.continued_by == new.pk
    assert (new.contract, new.frequency_months) == (successor, 3)
    assert billed(new) == [("2027-01-01", "2027-04-01", 10, D(240))]
    assert not line.charges.filter(starts_on__gte=day("2027-01-01")).exists()


def test_lines_renew_into_another_currency_at_its_list_price():
    contract = ContractFactory()
    plan = plan_of(price="9.00", currency="EUR")
    line = LineFactory(contract=contract, plan=plan, contracted=10)
    _succeed(contract, currency="EUR", frequency_months=1)

    carry(line, to="2027-01-10")

    new = line.continued_by.get()
    assert (new.currency, new.monthly_unit_price) == ("EUR", D(9))


def test_a_line_ends_when_the_successors_currency_has_no_price_for_it():
    contract = ContractFactory()
    line = LineFactory(contract=contract)
    _succeed(contract, currency="EUR")

    (rolled,) = carry(line, to="2027-01-10")

    assert (rolled.ended, rolled.stranded) == (True, True)


def test_a_line_signed_after_its_successor_contract_follows_too():
    contract = ContractFactory()
    _succeed(contract)
    contract.refresh_from_db()
    line = LineFactory(contract=contract, starts_on=day("2026-06-01"))

    carry(line, to="2027-01-10")

    assert line.continued_by.get().starts_on == day("2027-01-01")


def test_lines_are_due_in_their_own_zone_and_locked(line):
    Term.objects.filter(line=line).update(timezone="Asia/Tokyo")

    assert terms.due(zone="UTC", on=day("2026-02-01"), most=10) == []
    assert terms.due(zone="Asia/Tokyo", on=day("2026-02-01"), most=10) == [line.pk]


def test_a_parked_line_is_left_alone(line):
    line.parked_at = "2026-02-01T00:00Z"
    line.save()

    assert terms.due(zone="UTC", on=day("2026-02-01"), most=10) == []


def test_one_period_of_a_line_is_charged_once(line):
    carry(line, to="2026-02-01")
    Term.objects.filter(line=line).update(billed_until=line.starts_on)

    carry(line, to="2026-02-01")

    assert Charge.objects.filter(line=line).count() == 1
