"""Decreases: asked for, decided once, held over the boundary while undecided."""

import pytest
from django.core.exceptions import ValidationError

from billing import effects, lines, order_forms, renewals, signals
from billing.models import Contract, Hold, RenewalChange, Term
from tests.billing.situations import (
    HELD,
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

TODAY = day("2026-11-23")
BOUNDARY = "2027-01-01"
State = RenewalChange.State


@pytest.fixture
def contract(account):
    return ContractFactory(account=account)


@pytest.fixture
def buyer(account):
    return UserFactory(account=account)


@pytest.fixture
def line(contract):
    """Ten at 8.00 a month, to the first of January."""
    plan = plan_of(price="10.00")
    return LineFactory(contract=contract, plan=plan, contracted=10, on=TODAY)


@pytest.fixture
def monthly(account, contract, buyer):
    """Ten at 10.00, bought self-serve on 10 November: its term is its month."""
    line, _ = buy(account, plan_of(price="10.00"), 10, on="2026-11-10", by=buyer)
    return line


@pytest.fixture
def news():
    """What billing told, as (signal, change)."""
    heard = []

    def asked(sender, change, **more):
        heard.append(("asked", change.pk))

    def settled(sender, change, **more):
        heard.append(("settled", change.pk))

    signals.decrease_asked.connect(asked)
    signals.decrease_settled.connect(settled)
    yield heard
    signals.decrease_asked.disconnect(asked)
    signals.decrease_settled.disconnect(settled)


def lower(line, to, *, by, on=TODAY):
    return renewals.lower(line, to=to, by=by, on=on)


def end(line, *, by, on=TODAY):
    return renewals.end(line, by=by, on=on)


def decide(change, *, approve, by, on, active=0):
    change = renewals.decide(change, approve=approve, by=by, on=day(on), active=active)
    change.refresh_from_db()
    return change


def code_of(function, *args, **kwargs):
    with pytest.raises(ValidationError) as refused:
        function(*args, **kwargs)
    return refused.value.code


class TestAsking:
    def test_a_wish_stands_for_the_term_end_and_is_told(self, line, buyer, news):
        change = lower(line, 4, by=buyer)

        assert (change.state, change.term_ends_on) == (State.UNDECIDED, day(BOUNDARY))
        assert news == [("asked", change.pk)]

    @pytest.mark.parametrize("to", [0, 10, 11])
    def test_only_less_than_is_billed_is_lower(self, line, buyer, to):
        assert code_of(lower, line, to, by=buyer) == "not_lower"

    def test_a_later_wish_takes_the_place_of_an_undecided_one(self, line, buyer):
        first = lower(line, 4, by=buyer)

        second = end(line, by=buyer)

        first.refresh_from_db()
        assert first.state == State.SUPERSEDED
        assert standing(line).get() == second

    def test_what_support_approved_is_taken_back_first(self, line, buyer):
        first = decide(
            lower(line, 4, by=buyer), approve=True, by=buyer, on="2026-11-24"
        )

        assert code_of(end, line, by=buyer) == "decided"
        renewals.withdraw(first, by=buyer, on=TODAY)
        assert end(line, by=buyer).state == State.UNDECIDED

    def test_a_free_line_needs_nobody(self, contract, buyer, news):
        line = LineFactory(contract=contract, monthly_unit_price=D(0), on=TODAY)

        end(line, by=buyer)
        carry(line, to=BOUNDARY)

        line.refresh_from_db()
        assert line.ends_on == day(BOUNDARY)
        assert "asked" not in [told for told, _ in news]

    def test_a_line_that_ends_anyway_has_nothing_to_lower(self, account, buyer):
        contract = ContractFactory(
            account=account, auto_renews=False, ends_on=day(BOUNDARY)
        )
        line = LineFactory(contract=contract, contracted=10, on=TODAY)

        assert code_of(lower, line, 4, by=buyer) == "not_renewing"

    @pytest.mark.parametrize(
        ("plan", "code"),
        [("add_on", "add_on"), ("foreign", "foreign_plan"), ("same", "same_plan")],
    )
    def test_another_plan_at_renewal_is_a_base_plan_of_the_app(
        self, line, buyer, plan, code
    ):
        to = {
            "add_on": lambda: plan_of(line.app, add_on=True),
            "foreign": plan_of,
            "same": lambda: line.plan,
        }[plan]()

        assert code_of(renewals.switch, line, to=to, by=buyer, on=TODAY) == code

    def test_taken_back_the_line_renews(self, line, buyer, news):
        change = end(line, by=buyer)

        renewals.withdraw(change, by=buyer, on=TODAY)
        carry(line, to=BOUNDARY)

        assert term(line).contracted == 10
        assert news[-1] == ("settled", change.pk)


class TestDecidedBeforeTheTermEnd:
    @pytest.mark.parametrize(("active", "quantity"), [(0, 4), (4, 4), (7, 7)])
    def test_approved_it_is_lowered_but_never_below_what_is_active(
        self, line, buyer, active, quantity
    ):
        change = decide(
            lower(line, 4, by=buyer), approve=True, by=buyer, on="2026-12-01"
        )

        carry(line, to=BOUNDARY, active=active)

        change.refresh_from_db()
        assert (change.state, change.applied_on) == (State.APPLIED, day(BOUNDARY))
        assert billed(line, PERIOD)[-1][2] == quantity

    def test_approved_an_end_ends_the_line_there(self, line, buyer):
        decide(end(line, by=buyer), approve=True, by=buyer, on="2026-12-01")

        (rolled,) = carry(line, to="2027-02-01")

        line.refresh_from_db()
        assert (line.ends_on, rolled.ended) == (day(BOUNDARY), True)
        assert term(line).outcome == Term.Outcome.ENDED

    def test_declined_it_renews_for_the_same_length_and_price(self, line, buyer, news):
        change = decide(end(line, by=buyer), approve=False, by=buyer, on="2026-12-01")

        carry(line, to=BOUNDARY)

        assert (term(line).contracted, term(line).ends_on) == (10, day("2028-01-01"))
        assert news == [("asked", change.pk), ("settled", change.pk)]

    def test_it_is_decided_once(self, line, buyer):
        change = decide(end(line, by=buyer), approve=False, by=buyer, on="2026-12-01")

        assert (
            code_of(decide, change, approve=True, by=buyer, on="2026-12-02")
            == "decided"
        )

    def test_another_plan_starts_at_the_price_listed_at_the_term_end(self, line, buyer):
        other = plan_of(line.app, price="30.00")
        change = renewals.switch(line, to=other, by=buyer, on=TODAY)
        decide(change, approve=True, by=buyer, on="2026-12-01")
        other.list_prices.update(monthly_price=D("33.00"))

        (rolled,) = carry(line, to="2027-01-10", active=6)

        new = line.continued_by.get()
        assert (rolled.plan, rolled.continued_by) == (other, new.pk)
        assert new.basis == "REPLACEMENT"
        assert billed(new) == [("2027-01-01", "2027-02-01", 6, D(198))]
        assert not line.charges.filter(starts_on__gte=day(BOUNDARY)).exists()

    def test_another_plan_without_a_price_then_is_moot(self, line, buyer):
        other = plan_of(line.app, price=None)
        change = renewals.switch(line, to=other, by=buyer, on=TODAY)
        decide(change, approve=True, by=buyer, on="2026-12-01")

        carry(line, to=BOUNDARY)

        change.refresh_from_db()
        assert change.state == State.MOOT
        assert term(line).contracted == 10


class TestUndecidedOverTheTermEnd:
    def test_the_undisputed_part_is_billed_and_the_rest_is_held(self, line, buyer):
        change = lower(line, 4, by=buyer)

        carry(line, to=BOUNDARY, active=6)

        assert billed(line, PERIOD)[-1][2:] == (6, D(48))
        hold = change.holds.get()
        assert (hold.quantity, hold.starts_on) == (4, day(BOUNDARY))

    def test_of_an_end_all_is_held(self, line, buyer):
        change = end(line, by=buyer)

        carry(line, to=BOUNDARY)

        assert not line.charges.filter(starts_on__gte=day(BOUNDARY)).exists()
        assert change.holds.get().quantity == 10

    def test_it_cannot_be_taken_back_any_more(self, line, buyer):
        change = end(line, by=buyer)
        carry(line, to=BOUNDARY)

        assert code_of(renewals.withdraw, change, by=buyer, on=day(BOUNDARY)) == "held"

    def test_approved_later_nothing_of_it_is_billed(self, line, buyer):
        change = lower(line, 4, by=buyer)
        carry(line, to="2027-02-05")

        decide(change, approve=True, by=buyer, on="2027-02-05")
        carry(line, to="2027-03-01")

        assert [quantity for *_, quantity, _ in billed(line)[-3:]] == [4, 4, 4]
        assert not billed(line, HELD)

    def test_declined_later_every_period_since_is_billed(self, line, buyer):
        change = lower(line, 4, by=buyer)
        carry(line, to="2027-02-05")

        decide(change, approve=False, by=buyer, on="2027-02-05")
        carry(line, to="2027-03-01")

        assert billed(line, HELD) == [
            ("2027-01-01", "2027-02-01", 6, D(48)),
            ("2027-02-01", "2027-03-01", 6, D(48)),
        ]
        assert billed(line, PERIOD)[-1] == ("2027-03-01", "2027-04-01", 10, D(80))

    def test_an_end_approved_later_counts_from_the_term_end(self, line, buyer):
        change = end(line, by=buyer)
        carry(line, to="2027-02-05")

        decide(change, approve=True, by=buyer, on="2027-02-05")
        carry(line, to="2028-03-01")

        line.refresh_from_db()
        assert line.ends_on == day(BOUNDARY)
        assert not line.charges.filter(starts_on__gte=day(BOUNDARY)).exists()

    def test_a_self_serve_line_is_held_as_many_months_as_it_takes(self, monthly, buyer):
        change = end(monthly, by=buyer)

        carry(monthly, to="2027-03-01")

        assert [hold.quantity for hold in change.holds.all()] == [10, 10, 10]
        assert len(billed(monthly)) == 1

    def test_three_held_months_declined_are_billed_and_it_goes_on(self, monthly, buyer):
        change = end(monthly, by=buyer)
        carry(monthly, to="2027-03-01")

        decide(change, approve=False, by=buyer, on="2027-03-01")
        carry(monthly, to="2027-03-10")

        assert billed(monthly, HELD) == [
            ("2026-12-10", "2027-01-10", 10, D(100)),
            ("2027-01-10", "2027-02-10", 10, D(100)),
            ("2027-02-10", "2027-03-10", 10, D(100)),
        ]
        assert billed(monthly, PERIOD)[-1] == ("2027-03-10", "2027-04-10", 10, D(100))

    def test_three_held_months_approved_end_at_the_first_of_them(self, monthly, buyer):
        change = end(monthly, by=buyer)
        carry(monthly, to="2027-03-01")

        change = decide(change, approve=True, by=buyer, on="2027-03-01")
        carry(monthly, to="2027-06-01")

        monthly.refresh_from_db()
        assert monthly.ends_on == day("2026-12-10")
        assert change.state == State.APPLIED
        assert len(billed(monthly)) == 1

    def test_users_who_come_back_are_billed_and_no_longer_held(
        self, account, line, buyer
    ):
        change = end(line, by=buyer)
        carry(line, to="2027-01-05")

        buy(account, line.plan, 4, on="2027-01-16", by=buyer)
        decide(change, approve=False, by=buyer, on="2027-01-20")
        carry(line, to="2027-02-01")

        assert billed(line)[-4:] == [
            ("2027-01-01", "2027-01-16", 10, D("38.71")),  # held, 80.00 × 15/31
            ("2027-01-16", "2027-02-01", 4, D("16.52")),  # back, 32.00 × 16/31
            ("2027-01-16", "2027-02-01", 6, D("24.77")),  # held, 48.00 × 16/31
            ("2027-02-01", "2027-03-01", 10, D(80)),
        ]

    def test_with_users_back_an_approved_end_keeps_what_is_active(
        self, account, line, buyer
    ):
        change = end(line, by=buyer)
        carry(line, to="2027-01-05")
        buy(account, line.plan, 4, on="2027-01-16", by=buyer)

        decide(change, approve=True, by=buyer, on="2027-01-20")
        carry(line, to="2027-02-01")

        line.refresh_from_db()
        assert line.ends_on is None
        assert billed(line, PERIOD)[-1][2] == 4

    def test_users_back_beyond_what_was_held_end_the_hold(self, account, line, buyer):
        change = end(line, by=buyer)
        carry(line, to=BOUNDARY)

        buy(account, line.plan, 12, on=BOUNDARY, by=buyer)

        assert not change.holds.exists()
        assert term(line).billed == 12

    def test_another_wish_at_the_next_term_end_is_held_beside_it(self, monthly, buyer):
        first = lower(monthly, 6, by=buyer)
        carry(monthly, to="2026-12-10")
        second = lower(monthly, 2, by=buyer, on=day("2026-12-11"))

        carry(monthly, to="2027-01-10")
        held = list(
            Hold.objects.filter(ends_on=day("2027-02-10")).values_list(
                "change", "quantity"
            )
        )
        decide(first, approve=False, by=buyer, on="2027-01-15")
        decide(second, approve=True, by=buyer, on="2027-01-15")

        assert sorted(held) == [(first.pk, 4), (second.pk, 4)]
        assert billed(monthly, HELD) == [
            ("2026-12-10", "2027-01-10", 4, D(40)),
            ("2027-01-10", "2027-02-10", 4, D(40)),
        ]

    def test_an_end_approved_while_an_older_wish_is_held_lets_all_go(
        self, monthly, buyer
    ):
        first = lower(monthly, 6, by=buyer)
        carry(monthly, to="2026-12-10")
        second = end(monthly, by=buyer, on=day("2026-12-11"))
        carry(monthly, to="2027-01-10")

        decide(second, approve=True, by=buyer, on="2027-01-15")
        decide(first, approve=False, by=buyer, on="2027-01-16")
        carry(monthly, to="2027-03-15")

        assert billed(monthly, HELD) == [("2026-12-10", "2027-01-10", 4, D(40))]
        assert billed(monthly, PERIOD)[-1][0] == "2026-12-10"

    def test_another_plan_approved_late_is_billed_from_the_term_end(self, line, buyer):
        other = plan_of(line.app, price="30.00")
        change = renewals.switch(line, to=other, by=buyer, on=TODAY)
        carry(line, to="2027-02-05", active=6)

        decide(change, approve=True, by=buyer, on="2027-02-05", active=6)
        new = line.continued_by.get()
        carry(line, new, to="2027-02-05")

        line.refresh_from_db()
        assert line.ends_on == day(BOUNDARY)
        assert line.charges.filter(starts_on__gte=day(BOUNDARY)).total() == 0
        assert billed(new) == [
            ("2027-01-01", "2027-02-01", 6, D(180)),
            ("2027-02-01", "2027-03-01", 6, D(180)),
        ]

    def test_from_the_account_to_seats_late_bills_the_active_seats(
        self, contract, buyer
    ):
        whole = plan_of(price="50.00", per_account=True)
        seats = plan_of(whole.app, price="5.00")
        line = LineFactory(contract=contract, plan=whole, on=TODAY)
        change = renewals.switch(line, to=seats, by=buyer, on=TODAY)
        carry(line, to="2027-01-05", active=7)

        decide(change, approve=True, by=buyer, on="2027-01-05", active=7)

        assert term(line.continued_by.get()).contracted == 7

    def test_another_plan_that_had_no_price_then_is_refused(self, line, buyer):
        change = renewals.switch(
            line, to=plan_of(line.app, price=None), by=buyer, on=TODAY
        )
        carry(line, to=BOUNDARY)

        refused = code_of(decide, change, approve=True, by=buyer, on=BOUNDARY)

        assert refused == "no_price"

    def test_what_is_held_goes_along_into_a_successor_contract(self, line, buyer):
        change = lower(line, 4, by=buyer)
        order_forms.record_contract(
            line.account, currency="USD", starts_on=day(BOUNDARY), term_months=12,
            frequency_months=3, auto_renews=True, billed_until=None, by=None, on=TODAY,
        )  # fmt: skip

        carry(line, to="2027-02-05")
        decide(change, approve=False, by=buyer, on="2027-02-05")
        new = line.continued_by.get()
        carry(new, to="2027-04-01")

        assert billed(new) == [
            ("2027-01-01", "2027-04-01", 4, D(96)),
            ("2027-01-01", "2027-04-01", 6, D(144)),
            ("2027-04-01", "2027-07-01", 10, D(240)),
        ]


class TestEnds:
    def test_a_contract_that_does_not_renew_makes_open_wishes_moot(
        self, account, line, buyer, news
    ):
        change = lower(line, 4, by=buyer)
        Contract.objects.update(auto_renews=False, ends_on=day(BOUNDARY))

        carry(line, to=BOUNDARY)

        change.refresh_from_db()
        line.refresh_from_db()
        assert (change.state, line.ends_on) == (State.MOOT, day(BOUNDARY))
        assert news[-1] == ("settled", change.pk)

    def test_a_self_serve_line_goes_on_without_a_contract(self, account, monthly):
        Contract.objects.update(auto_renews=False, ends_on=day("2026-12-01"))

        carry(monthly, to="2027-01-15")

        assert len(billed(monthly)) == 3

    def test_what_was_held_of_a_line_replaced_since_is_still_decided(
        self, account, monthly, buyer
    ):
        change = lower(monthly, 6, by=buyer)
        carry(monthly, to="2026-12-10", active=6)
        other = plan_of(monthly.app, price="20.00")
        new, _ = buy(account, other, 6, on="2026-12-15", by=buyer)
        carry(monthly, new, to="2027-01-20")

        change.refresh_from_db()
        assert change.state == State.UNDECIDED
        decide(change, approve=False, by=buyer, on="2027-01-20")
        assert billed(monthly, HELD) == [("2026-12-10", "2027-01-10", 4, D(40))]


def test_a_line_without_a_term_on_the_day_is_refused(line, buyer):
    assert code_of(lines.term_on, line, day("2027-02-01")) == "no_term"
    assert code_of(lower, line, 4, by=buyer, on=day("2027-02-01")) == "no_term"


def test_back_on_the_plan_after_a_declined_early_end_the_line_renews(
    account, line, buyer
):
    other = plan_of(line.app, price="30.00")
    new, _ = buy(account, other, 10, on=TODAY, by=buyer)
    decide(standing(line).get(), approve=False, by=buyer, on="2026-11-24")

    buy(account, line.plan, 10, on="2026-11-25", by=buyer)
    carry(line, new, to="2027-01-05")

    assert term(line).ends_on == day("2028-01-01")
    assert not effects.of(account, line.plan, units=10, on=day("2027-01-05")).bills
