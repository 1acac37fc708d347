"""Another plan: now with both outcomes, or from the renewal on."""

from datetime import date
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError

from billing.models import Charge, Line, RenewalChange
from marketplace import list_prices, offers
from myapps import plans
from tests import factories
from tests.cases.company import Company

pytestmark = pytest.mark.django_db
Reason = Charge.Reason


@pytest.fixture
def app():
    return factories.AppFactory()


@pytest.fixture
def pro(app):
    return factories.PlanFactory(app=app, name="Pro", price=Decimal("10.00"))


@pytest.fixture
def business(app):
    return factories.PlanFactory(app=app, name="Business", price=Decimal("20.00"))


@pytest.fixture
def company():
    """Under contract from 1 January 2026, a year at a time, billed monthly."""
    return Company(starts_on=date(2026, 1, 1))


@pytest.fixture
def installation(company, pro):
    """Four signed at 8.00, three taken; it is 16 February, 13 of 28 days are left."""
    company.signs(pro, 4, "8.00")
    installation = company.installs(pro, [company.admin, *company.hires(2)])
    company.until(date(2026, 2, 16))
    return installation


def refused(code):
    return pytest.raises(ValidationError, check=lambda refusal: refusal.code == code)


def test_the_new_plan_bills_everybody_at_todays_price_for_the_days_left(
    company, installation, business
):
    company.changes_plan(installation, business)

    new = Line.objects.get(plan=business)
    assert company.billed(new) == ["PERIOD 3 × 13/28 = 27.86"]
    assert new.terms.get().ends_on == date(2027, 1, 1)
    assert installation.plan == business


def test_both_outcomes_are_known_before_the_click(company, installation, business):
    effect = plans.effect(installation, business, on=company.day)

    (left,) = effect.replaced
    assert left.credit == Decimal("14.86")  # 4 × 8.00 × 13 ÷ 28
    assert left.still_to_bill == 10 * Decimal("32.00")


def test_approved_what_was_shown_comes_back(company, installation, business):
    shown = plans.effect(installation, business, on=company.day).credit
    company.changes_plan(installation, business)

    company.support_decides(company.change(kind="REPLACED"), approve=True)

    old = Line.objects.get(plan__name="Pro")
    assert old.charges.get(reason=Reason.CREDIT).amount == -shown
    assert old.ends_on == company.day


def test_declined_the_old_line_costs_what_was_shown(company, installation, business):
    shown = plans.effect(installation, business, on=company.day).replaced[0]
    old = Line.objects.get()
    company.changes_plan(installation, business)
    charged = old.charges.total()

    company.support_decides(company.change(kind="REPLACED"), approve=False)
    company.until(date(2027, 2, 1))

    assert old.charges.total() - charged == shown.still_to_bill
    old.refresh_from_db()
    assert old.ends_on == date(2027, 1, 1)


def test_a_double_click_changes_once(company, installation, business):
    signed = company.signature()
    for _click in range(2):
        plans.change(installation, business, signed=signed, on=company.day)

    assert Line.objects.filter(plan=business).count() == 1


def test_back_on_the_signed_plan_nothing_more_is_billed(
    company, installation, pro, business
):
    company.changes_plan(installation, business)

    effect = plans.effect(installation, pro, on=company.day)
    company.changes_plan(installation, pro)

    assert not effect.bills
    signed = Line.objects.get(plan=pro)
    assert signed.replaced_by is None
    assert company.change(line=signed).state == RenewalChange.State.WITHDRAWN


def test_per_seat_to_per_account_bills_one_unit(company, installation, app):
    site = factories.PlanFactory(app=app, per_account=True, price=Decimal("50.00"))

    company.changes_plan(installation, site)

    assert company.billed(Line.objects.get(plan=site)) == ["PERIOD 1 × 13/28 = 23.21"]


def test_at_renewal_nothing_is_charged_and_the_price_of_that_day_counts(
    company, installation, pro, business
):
    before = company.total()
    list_prices.announce(
        business, currency="USD", monthly_price=Decimal("25.00"),
        effective_from=date(2026, 12, 1), by=None, on=company.day,
    )  # fmt: skip

    (wish,) = plans.change_at_renewal(
        installation, business, by=company.admin, on=company.day
    )
    assert company.total() == before
    company.support_decides(wish, approve=True)
    company.until(date(2027, 1, 1))

    installation.refresh_from_db()
    assert installation.plan == business
    assert company.billed(Line.objects.get(plan=business)) == [
        "PERIOD 3 × 31/31 = 75.00"
    ]


def test_at_renewal_several_lines_become_one(company, installation, pro, business):
    company.signs(pro, 2, "7.50", starts_on=company.day)
    company.hourly_run()

    plans.change_at_renewal(installation, business, by=company.admin, on=company.day)

    kinds = RenewalChange.objects.standing().order_by("line__id")
    assert list(kinds.values_list("kind", flat=True)) == ["END", "PLAN"]


def test_what_cannot_be_chosen_is_refused(company, installation, pro, app):
    elsewhere = factories.PlanFactory(price=Decimal("1.00"))
    unlisted = factories.PlanFactory(app=app, listed=False)
    on_request = factories.PlanFactory(app=app, on_request=True)
    in_euros = factories.PlanFactory(app=app, price=Decimal(9), price__currency="EUR")
    add_on = factories.PlanFactory(app=app, add_on=True, price=Decimal("5.00"))

    for plan, code in [
        (pro, "same_plan"),
        (elsewhere, "foreign_plan"),
        (unlisted, "not_listed"),
        (on_request, "on_request"),
        (in_euros, "currency"),
        (add_on, "add_on"),
    ]:
        with refused(code):
            company.changes_plan(installation, plan)
    assert Line.objects.count() == 1


def test_a_plan_that_support_made_available_can_be_chosen_where_it_has_a_line(
    company, installation, app
):
    hidden = factories.PlanFactory(app=app, listed=False)
    company.signs(hidden, 3, "6.00", starts_on=company.day)
    company.hourly_run()
    with refused("not_listed"):
        company.changes_plan(installation, hidden)

    offers.offer(hidden, account=company.account, by=company.admin, on=company.day)
    order = company.changes_plan(installation, hidden)

    assert order.effect["covered"] == 3
    assert order.effect["new_line"] is None


def test_while_an_end_is_pending_the_plan_stays(company, installation, business):
    company.uninstalls(installation)

    with refused("ending"):
        company.changes_plan(installation, business)
    with refused("ending"):
        plans.change_at_renewal(
            installation, business, by=company.admin, on=company.day
        )
