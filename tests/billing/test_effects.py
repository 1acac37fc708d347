"""What a purchase does under the contract: computed, shown, and written as shown."""

import pytest
from django.core.exceptions import ValidationError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from billing import effects, renewals
from billing.models import Charge, Line, Order, RenewalChange
from tests.billing.examples import about
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
    total,
)
from tests.factories import AccountFactory, ContractFactory, LineFactory, UserFactory

pytestmark = pytest.mark.django_db

TODAY = "2026-11-23"
State = RenewalChange.State


@pytest.fixture
def contract(account):
    """A year at a time from 1 January, billed monthly in dollars."""
    return ContractFactory(account=account)


@pytest.fixture
def buyer(account):
    return UserFactory(account=account)


@pytest.fixture
def plan():
    return plan_of(price="10.00")


@pytest.fixture
def other(plan):
    """Another plan of the same app."""
    return plan_of(plan.app, price="30.00")


@pytest.fixture
def line(contract, plan):
    """Ten of the plan signed at 8.00, as the hourly run leaves it today."""
    return LineFactory(contract=contract, plan=plan, contracted=10, on=day(TODAY))


def effect_of(account, plan, units, *, on=TODAY):
    return effects.of(account, plan, units=units, on=day(on))


def refusal(account, plan, units=1, *, on=TODAY):
    with pytest.raises(ValidationError) as refused:
        effect_of(account, plan, units, on=on)
    return refused.value.code


class TestCovered:
    def test_up_to_the_contracted_quantity_nothing_is_billed(self, account, line):
        effect = effect_of(account, line.plan, 10)

        assert (effect.covered, effect.bills, effect.first_amount) == (10, False, 0)

    def test_growth_is_billed_from_the_day_to_the_periods_end(
        self, account, line, buyer
    ):
        buy(account, line.plan, 12, on=TODAY, by=buyer)

        assert billed(line, INCREASE) == [
            ("2026-11-23", "2026-12-01", 2, D("4.27"))  # 2 × 8.00 × 8/30
        ]

    def test_later_periods_bill_the_new_quantity(self, account, line, buyer):
        _, effect = buy(account, line.plan, 12, on=TODAY, by=buyer)

        carry(line, to="2026-12-01")

        growth = effect.growth
        assert billed(line, PERIOD)[-1] == ("2026-12-01", "2027-01-01", 12, D(96))
        assert (growth.later_from, growth.each_later_amount) == (day("2026-12-01"), 96)
        assert growth.later_amount == 16

    def test_what_was_removed_and_added_again_is_billed_once(
        self, account, line, buyer
    ):
        buy(account, line.plan, 15, on=TODAY, by=buyer)

        effect = effect_of(account, line.plan, 15)  # 10 → 15 → 5 → 15

        assert not effect.bills

    def test_several_signed_lines_cover_together_and_the_latest_grows(
        self, account, contract, line, buyer
    ):
        later = LineFactory(
            contract=contract, plan=line.plan, contracted=5, on=day(TODAY),
            monthly_unit_price=D("7.00"), starts_on=day("2026-03-01"),
        )  # fmt: skip

        covered = effect_of(account, line.plan, 15)
        grown, effect = buy(account, line.plan, 18, on=TODAY, by=buyer)

        assert not covered.bills
        assert (grown, effect.growth.to_quantity) == (later, 8)
        assert effect.growth.monthly_unit_price == 7

    def test_a_plan_for_the_account_is_one_however_many_seats(self, account, contract):
        plan = plan_of(price="100.00", per_account=True)
        LineFactory(contract=contract, plan=plan, on=day(TODAY))

        effect = effect_of(account, plan, plan.units(500))

        assert not effect.bills

    def test_periods_billed_elsewhere_ahead_are_owed_for_the_growth(
        self, account, buyer
    ):
        contract = ContractFactory(account=account, billed_until=day("2027-01-01"))
        line = LineFactory(contract=contract, contracted=1, on=day(TODAY))

        buy(account, line.plan, 2, on=TODAY, by=buyer)

        assert billed(line) == [
            ("2026-11-23", "2026-12-01", 1, D("2.13")),
            ("2026-12-01", "2027-01-01", 1, D(8)),
        ]

    def test_growth_needs_a_current_contract(self, account, line):
        contract = line.contract
        contract.ends_on = day("2026-11-01")
        contract.save()

        assert not effect_of(account, line.plan, 10).bills
        assert refusal(account, line.plan, 11) == "no_contract"


class TestMonthToMonth:
    def test_a_new_app_is_billed_month_to_month_from_the_day(
        self, account, contract, plan, buyer
    ):
        line, effect = buy(account, plan, 3, on="2026-01-31", by=buyer)
        carry(line, to="2026-03-01")

        assert effect.new_line.month_to_month
        assert billed(line) == [
            ("2026-01-31", "2026-02-28", 3, D(30)),
            ("2026-02-28", "2026-03-31", 3, D(30)),
        ]
        assert line.ends_on is None

    def test_growth_bills_at_the_price_it_was_bought_at(
        self, account, contract, plan, buyer
    ):
        buy(account, plan, 3, on="2026-11-01", by=buyer)
        plan.list_prices.update(monthly_price=D(99))

        _, effect = buy(account, plan, 4, on="2026-11-16", by=buyer)

        assert effect.growth.first.amount == D("5.00")  # 1 × 10.00 × 15/30

    def test_a_free_plan_bills_nothing_and_runs(self, account, contract, buyer):
        line, effect = buy(account, plan_of(price="0"), 3, on=TODAY, by=buyer)

        assert effect.first_amount == 0
        assert not line.charges.exists()
        assert term(line).contracted == 3


class TestAnotherPlan:
    def test_all_units_are_billed_at_list_price_on_the_contracts_own_term(
        self, account, line, other, buyer
    ):
        new, effect = buy(account, other, 10, on=TODAY, by=buyer)

        assert not effect.new_line.month_to_month
        assert (new.anchor_on, new.term_months) == (line.anchor_on, 12)
        assert term(new).ends_on == day("2027-01-01")
        assert billed(new) == [("2026-11-23", "2026-12-01", 10, D(80))]

    def test_a_quarterly_contract_bills_the_rest_of_its_quarter(
        self, account, plan, other, buyer
    ):
        contract = ContractFactory(account=account, frequency_months=3)
        LineFactory(contract=contract, plan=plan, contracted=10, on=day(TODAY))

        new, effect = buy(account, other, 1, on=TODAY, by=buyer)

        assert billed(new) == [
            ("2026-11-23", "2027-01-01", 1, D("38.15"))  # 90.00 × 39/92
        ]
        assert effect.new_line.later_from == day("2027-01-01")

    def test_the_replaced_line_never_renews_and_its_end_is_proposed(
        self, account, line, other, buyer
    ):
        new, _ = buy(account, other, 10, on=TODAY, by=buyer)

        (change,) = standing(line)
        assert (change.kind, change.effective_on) == ("REPLACED", day(TODAY))
        assert change.new_line == new
        carry(line, to="2027-01-01")
        line.refresh_from_db()
        assert line.ends_on == day("2027-01-01")

    def test_both_outcomes_are_known_before_the_click(self, account, line, other):
        (left,) = effect_of(account, other, 10).replaced

        assert left.credit == D("21.33")  # 10 × 8.00 × 8/30
        assert left.still_to_bill == 80  # December

    def test_approved_it_ends_on_the_day_with_the_credit_that_was_shown(
        self, account, line, other, buyer
    ):
        _, effect = buy(account, other, 10, on=TODAY, by=buyer)

        renewals.decide(standing(line).get(), approve=True, by=buyer, on=day(TODAY))

        line.refresh_from_db()
        assert line.ends_on == day(TODAY)
        assert billed(line, CREDIT) == [
            ("2026-11-23", "2026-12-01", 10, -effect.credit)
        ]

    def test_the_credit_is_capped_by_the_new_charge(self, account, line, plan, buyer):
        cheap = plan_of(plan.app, price="1.00")

        _, effect = buy(account, cheap, 10, on=TODAY, by=buyer)
        renewals.decide(standing(line).get(), approve=True, by=buyer, on=day(TODAY))

        credit = line.charges.get(reason=CREDIT)
        assert (effect.credit, credit.amount) == (D("2.67"), D("-2.67"))
        assert credit.capped_at == D("2.67")

    def test_lines_given_up_together_share_the_cap(
        self, account, contract, line, plan, buyer
    ):
        second = LineFactory(contract=contract, plan=plan, contracted=5, on=day(TODAY))
        cheap = plan_of(plan.app, price="5.00")  # 15 × 5.00 × 8/30 = 20.00

        new, effect = buy(account, cheap, 15, on=TODAY, by=buyer)
        for one in (line, second):
            renewals.decide(standing(one).get(), approve=True, by=buyer, on=day(TODAY))

        assert effect.credit == total(new) == D("20.00")
        given = Charge.objects.filter(reason=CREDIT).total()
        assert given == D("-20.00")

    def test_periods_billed_while_undecided_are_credited_too(
        self, account, line, other, buyer
    ):
        new, _ = buy(account, other, 10, on=TODAY, by=buyer)
        carry(line, new, to="2026-12-05")

        renewals.decide(
            standing(line).get(), approve=True, by=buyer, on=day("2026-12-05")
        )

        assert [amount for *_, amount in billed(line, CREDIT)] == [
            D("-21.33"), D(-80),
        ]  # fmt: skip

    def test_decided_after_the_term_end_the_credit_is_the_same(
        self, account, line, other, buyer
    ):
        new, _ = buy(account, other, 10, on=TODAY, by=buyer)
        carry(line, new, to="2027-01-20")

        renewals.decide(
            standing(line).get(), approve=True, by=buyer, on=day("2027-01-20")
        )

        assert [amount for *_, amount in billed(line, CREDIT)] == [
            D("-21.33"), D(-80),
        ]  # fmt: skip

    def test_declined_it_runs_to_its_term_end(self, account, line, other, buyer):
        buy(account, other, 10, on=TODAY, by=buyer)

        renewals.decide(standing(line).get(), approve=False, by=buyer, on=day(TODAY))
        carry(line, to="2027-02-01")

        assert billed(line, PERIOD)[-1][0] == "2026-12-01"
        assert not line.charges.filter(reason=CREDIT).exists()

    def test_an_approved_wish_for_the_old_plan_is_no_longer_needed(
        self, account, line, other, buyer
    ):
        wish = renewals.lower(line, to=4, by=buyer, on=day(TODAY))
        renewals.decide(wish, approve=True, by=buyer, on=day(TODAY))

        buy(account, other, 10, on=TODAY, by=buyer)

        wish.refresh_from_db()
        assert wish.state == State.MOOT
        assert standing(line).get().kind == "REPLACED"

    def test_a_free_line_is_replaced_without_a_proposal(
        self, account, contract, plan, other, buyer
    ):
        free = LineFactory(
            contract=contract, plan=plan, monthly_unit_price=D(0), on=day(TODAY)
        )

        buy(account, other, 1, on=TODAY, by=buyer)

        assert not standing(free).exists()
        free.refresh_from_db()
        assert free.replaced_by is not None

    def test_from_seats_to_the_account_and_back(self, account, line, buyer):
        whole = plan_of(line.app, price="50.00", per_account=True)

        new, _ = buy(account, whole, whole.units(10), on=TODAY, by=buyer)
        back = effect_of(account, line.plan, 12, on="2026-11-24")

        assert billed(new) == [("2026-11-23", "2026-12-01", 1, D("13.33"))]
        assert (back.covered, back.growth.to_quantity) == (10, 12)
        assert [left.line_id for left in back.replaced] == [new.pk]

    def test_another_plan_of_a_self_serve_app_stays_month_to_month(
        self, account, contract, plan, other, buyer
    ):
        buy(account, plan, 2, on="2026-11-10", by=buyer)

        new, effect = buy(account, other, 2, on=TODAY, by=buyer)

        assert effect.new_line.month_to_month
        assert new.anchor_on == day("2026-11-10")
        assert billed(new) == [("2026-11-23", "2026-12-10", 2, D(34))]


class TestGoingBack:
    def test_the_signed_line_covers_again_and_its_end_is_withdrawn(
        self, account, line, other, buyer
    ):
        buy(account, other, 10, on=TODAY, by=buyer)
        change = standing(line).get()

        back, effect = buy(account, line.plan, 10, on="2026-11-25", by=buyer)

        change.refresh_from_db()
        line.refresh_from_db()
        assert back == line
        assert (change.state, line.replaced_by) == (State.WITHDRAWN, None)
        assert not effect.bills
        carry(line, to="2027-01-01")
        assert term(line).ends_on == day("2028-01-01")

    def test_after_an_approved_credit_it_resumes_at_the_contracted_price(
        self, account, line, other, buyer
    ):
        buy(account, other, 10, on=TODAY, by=buyer)
        renewals.decide(standing(line).get(), approve=True, by=buyer, on=day(TODAY))

        new, _ = buy(account, line.plan, 12, on="2026-11-25", by=buyer)

        assert new.continues == line
        assert (new.monthly_unit_price, term(new).contracted, term(new).peak) == (
            8, 10, 12,
        )  # fmt: skip
        assert billed(new) == [("2026-11-25", "2026-12-01", 12, D("19.2"))]
        assert term(new).ends_on == day("2027-01-01")

    def test_two_credited_lines_resume_as_they_were_signed(
        self, account, contract, line, other, buyer
    ):
        second = LineFactory(
            contract=contract, plan=line.plan, contracted=5, on=day(TODAY),
            monthly_unit_price=D("7.00"), starts_on=day("2026-03-01"),
        )  # fmt: skip
        buy(account, other, 15, on=TODAY, by=buyer)
        for one in (line, second):
            renewals.decide(standing(one).get(), approve=True, by=buyer, on=day(TODAY))

        _, effect = buy(account, line.plan, 15, on="2026-11-25", by=buyer)

        resumed = Line.objects.filter(continues__in=[line, second])
        assert sorted(
            (one.monthly_unit_price, term(one).billed) for one in resumed
        ) == [(7, 5), (8, 10)]
        assert effect.first_amount == sum(total(one) for one in resumed)

    def test_a_plan_taken_in_between_ends_and_may_be_credited(
        self, account, line, other, buyer
    ):
        between, _ = buy(account, other, 10, on=TODAY, by=buyer)

        buy(account, line.plan, 10, on="2026-11-25", by=buyer)

        between.refresh_from_db()
        assert between.replaced_by == line
        assert standing(between).get().kind == "REPLACED"


class TestRefused:
    def test_no_units(self, account, line):
        assert refusal(account, line.plan, 0) == "no_users"

    def test_an_add_on(self, account, contract):
        assert refusal(account, plan_of(add_on=True)) == "add_on"

    def test_no_contract(self, account, plan):
        assert refusal(account, plan) == "no_contract"

    def test_another_accounts_contract_does_not_help(self, account, plan):
        ContractFactory(account=AccountFactory())

        assert refusal(account, plan) == "no_contract"

    def test_a_plan_that_is_not_listed(self, account, contract):
        assert refusal(account, plan_of(listed=False)) == "not_listed"

    def test_a_price_on_request_even_where_it_had_one(self, account, contract):
        plan = plan_of(price="5.00", price_on_request=True)

        assert refusal(account, plan) == "on_request"

    def test_a_plan_not_sold_in_the_contracts_currency(self, account, contract):
        assert refusal(account, plan_of(currency="EUR")) == "currency"

    def test_an_app_whose_lines_are_not_brought_up_to_the_day(self, account, contract):
        line = LineFactory(contract=contract)

        assert refusal(account, line.plan) == "behind"

    def test_a_contracted_plan_that_is_not_listed_is_covered_all_the_same(
        self, account, contract
    ):
        plan = plan_of(price=None, listed=False)
        LineFactory(contract=contract, plan=plan, contracted=10, on=day(TODAY))

        assert effect_of(account, plan, 11).growth.first.quantity == 1


class TestTheClick:
    def test_equal_effects_have_equal_digests(self, account, line):
        one, same = (effect_of(account, line.plan, 12) for _ in range(2))

        assert one.digest == same.digest

    @pytest.mark.parametrize("change", ["price", "day", "colleague"])
    def test_whatever_changes_the_effect_changes_the_digest(
        self, account, contract, plan, buyer, change
    ):
        shown = effect_of(account, plan, 12)
        on = TODAY
        if change == "price":
            plan.list_prices.update(monthly_price=D(11))
        elif change == "day":
            on = "2026-11-24"
        else:
            buy(account, plan, 2, on=TODAY, by=buyer)

        assert effect_of(account, plan, 12, on=on).digest != shown.digest

    def test_an_order_keeps_the_effect_and_gives_it_back(
        self, account, line, other, buyer
    ):
        _, effect = buy(account, other, 12, on=TODAY, by=buyer)

        order = Order.objects.get()
        assert effects.loaded(order.effect) == effect
        assert effects.loaded(order.effect).digest == order.effect_digest


@given(data=st.data())
@settings(
    max_examples=about(60), suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_what_is_charged_is_what_was_shown(db, data):
    contract = ContractFactory(
        starts_on=data.draw(st.sampled_from([day("2026-01-31"), day("2024-02-29")])),
        frequency_months=data.draw(st.sampled_from([1, 3, 12])),
        currency=data.draw(st.sampled_from(["USD", "JPY", "KWD"])),
    )
    account, buyer = contract.account, UserFactory(account=contract.account)
    prices = st.decimals(0, 500, places=6)
    plans = [plan_of(price=data.draw(prices), currency=contract.currency)]
    plans.append(
        plan_of(
            plans[0].app,
            price=data.draw(prices),
            currency=contract.currency,
            per_account=data.draw(st.booleans()),
        )
    )
    on = data.draw(st.dates(day("2026-02-01"), day("2026-06-30")))
    for _ in range(data.draw(st.integers(0, 2))):
        LineFactory(
            contract=contract,
            plan=plans[0],
            contracted=data.draw(st.integers(1, 30)),
            monthly_unit_price=data.draw(prices),
            on=on,
        )
    for _ in range(3):
        plan = data.draw(st.sampled_from(plans))
        units = plan.units(data.draw(st.integers(1, 40)))
        before = Charge.objects.of(account).total()
        _, effect = buy(account, plan, units, on=on, by=buyer)
        after = Charge.objects.of(account).total()
        assert after - before == effect.first_amount
