"""What was bought by signed order form is covered: nothing more is charged for it."""

import pytest

from billing import effects, order_forms
from tests.billing.situations import INCREASE, D, billed, buy, carry, day, plan_of
from tests.factories import ContractFactory, UserFactory

pytestmark = pytest.mark.django_db

TODAY = "2026-11-23"


@pytest.fixture
def plan():
    """Listed at 10.00 a user and month."""
    return plan_of(price="10.00")


@pytest.fixture
def sign(account, plan):
    """Record an order form: so many users, at a price, from a day."""
    ContractFactory(account=account)

    def sign(quantity, *, at, starts="2026-11-01", number="OF-1", of=plan):
        form = order_forms.record(
            account, number=number, signed_on=day("2026-10-28"),
            signed_by="ana@harbour.example", install_link_to="", content={}, by=None,
            on=day(TODAY),
            entries=[
                {
                    "plan": of,
                    "quantity": quantity,
                    "monthly_unit_price": at,
                    "starts_on": day(starts),
                }
            ],
        )  # fmt: skip
        return form.lines.get()

    return sign


@pytest.fixture
def buyer(account):
    return UserFactory(account=account)


def test_the_order_form_itself_is_charged_at_its_price(sign):
    line = sign(10, at="7.25")

    assert billed(line) == [("2026-11-01", "2026-12-01", 10, D("72.5"))]
    assert line.charges.get().origin == "ORDER_FORM"


def test_installing_up_to_the_contracted_quantity_costs_nothing(
    account, plan, sign, buyer
):
    line = sign(10, at="7.25")

    covering, effect = buy(account, plan, 10, on=TODAY, by=buyer)

    assert covering == line
    assert (effect.covered, effect.first_amount) == (10, 0)


def test_more_users_are_billed_under_the_same_terms(account, plan, sign, buyer):
    line = sign(10, at="7.25")

    buy(account, plan, 12, on=TODAY, by=buyer)

    assert billed(line, INCREASE) == [
        ("2026-11-23", "2026-12-01", 2, D("3.87"))  # 2 × 7.25 × 8/30
    ]


def test_two_forms_for_one_plan_cover_together(account, plan, sign, buyer):
    sign(10, at="7.25")
    later = sign(5, at="7.00", number="OF-2")

    covered = effects.of(account, plan, units=15, on=day(TODAY))
    grown, effect = buy(account, plan, 16, on=TODAY, by=buyer)

    assert not covered.bills
    assert (grown, effect.growth.monthly_unit_price) == (later, 7)


def test_a_form_that_starts_later_covers_from_its_start(account, plan, sign):
    sign(10, at="7.25", starts="2026-12-01")

    before = effects.of(account, plan, units=1, on=day(TODAY))

    assert before.new_line.month_to_month


def test_a_plan_that_is_not_listed_is_covered_like_any_other(account, sign, buyer):
    kept = plan_of(price=None, listed=False)
    line = sign(10, at="14.10", of=kept)

    covering, effect = buy(account, kept, 10, on=TODAY, by=buyer)

    assert (covering, effect.bills) == (line, False)


def test_what_was_billed_elsewhere_is_not_billed_again(account, plan, sign):
    contract = account.contracts.get()
    contract.billed_until = day("2027-01-01")
    contract.save()
    line = sign(10, at="7.25")

    carry(line, to="2027-01-01")

    assert billed(line) == [("2027-01-01", "2027-02-01", 10, D("72.5"))]
