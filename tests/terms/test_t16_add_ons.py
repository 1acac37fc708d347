"""T16: the partner activates add-ons, on contracted terms only; My Apps cannot."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError

from billing.models import Charge
from journal.models import Activity
from myapps import add_ons
from myapps.models import Installation
from tests import factories
from tests.cases.company import Company

pytestmark = pytest.mark.django_db


@pytest.fixture
def contract(account):
    return factories.ContractFactory(account=account, starts_on=date(2026, 1, 31))


@pytest.fixture
def base():
    return factories.PlanFactory(app__name="Box", name="Business", price=Decimal(15))


@pytest.fixture
def line(contract, base):
    """Four units of an add-on of Box, from the contract's start."""
    add_on = factories.PlanFactory(app=base.app, add_on=True, name="Shield")
    return factories.LineFactory(contract=contract, plan=add_on, contracted=4)


@pytest.fixture
def installed(account, contract, base, admin, today):
    """Box is installed, as far as an add-on asks."""
    order = signed_order(account, contract, base, admin, today)
    return Installation.objects.create(
        account=account, contract=contract, app=base.app, plan=base, order=order,
        state="ACTIVE", installed_by=admin, installed_on=today,
    )  # fmt: skip


def signed_order(account, contract, plan, by, on):
    return account.orders.create(
        contract=contract, app=plan.app, plan=plan, kind="INSTALL", placed_by=by,
        authority="accounts.install_apps", role_name="Administrators",
        terms_version="2026-01", terms_address="https://vendor.example/terms",
        placed_on=on, summary={}, effect={}, effect_digest="", idempotency_key="one",
        body_digest="",
    )  # fmt: skip


def refused_with(code):
    return pytest.raises(ValidationError, check=lambda refusal: refusal.code == code)


def test_up_to_the_contracted_quantity_in_any_steps(
    line, installed, partner_user, today
):
    add_ons.activate(line, quantity=3, by=partner_user, on=today)
    add_ons.activate(line, quantity=1, by=partner_user, on=today)

    assert add_ons.activated(line) == 4
    with refused_with("over_quantity"):
        add_ons.activate(line, quantity=1, by=partner_user, on=today)


@pytest.mark.parametrize("quantity", [0, -1, 5])
def test_no_other_quantity(line, installed, partner_user, today, quantity):
    with refused_with("over_quantity"):
        add_ons.activate(line, quantity=quantity, by=partner_user, on=today)


def test_switched_off_they_can_be_switched_on_again(
    line, installed, partner_user, today
):
    activation = add_ons.activate(line, quantity=4, by=partner_user, on=today)

    add_ons.deactivate(activation, by=partner_user, on=today)

    assert add_ons.activated(line) == 0
    add_ons.activate(line, quantity=4, by=partner_user, on=today)
    with refused_with("not_active"):
        add_ons.deactivate(activation, by=partner_user, on=today)


def test_switching_moves_no_money(line, installed, partner_user, today):
    before = Charge.objects.count()

    activation = add_ons.activate(line, quantity=4, by=partner_user, on=today)
    add_ons.deactivate(activation, by=partner_user, on=today)

    assert Charge.objects.count() == before


def test_not_before_the_line_starts_nor_after_it_ended(
    line, installed, partner_user, today
):
    with refused_with("not_running"):
        add_ons.activate(
            line, quantity=1, by=partner_user, on=line.starts_on - timedelta(days=1)
        )
    line.ends_on = today
    line.save()
    with refused_with("not_running"):
        add_ons.activate(line, quantity=1, by=partner_user, on=today)


def test_not_without_the_app_itself(line, partner_user, today):
    with refused_with("not_installed"):
        add_ons.activate(line, quantity=1, by=partner_user, on=today)


def test_an_app_that_has_add_ons_alone_needs_no_installation(
    contract, partner_user, today
):
    alone = factories.LineFactory(
        contract=contract, plan=factories.PlanFactory(add_on=True), contracted=2
    )

    add_ons.activate(alone, quantity=2, by=partner_user, on=today)

    assert add_ons.activated(alone) == 2


def test_a_base_plan_is_no_add_on(contract, base, partner_user, today):
    signed = factories.LineFactory(contract=contract, plan=base)

    with refused_with("base_plan"):
        add_ons.activate(signed, quantity=1, by=partner_user, on=today)


def test_what_nobody_contracted_is_refused(
    account, contract, base, line, partner_user, today
):
    other = factories.PlanFactory(app=base.app, add_on=True)

    assert add_ons.contracted(account, line.plan, on=today) == line
    for somebody in (account, None):
        with refused_with("not_contracted"):
            add_ons.contracted(somebody, other, on=today)
    with refused_with("base_plan"):
        add_ons.contracted(account, base, on=today)
    line.terms.update(contracted=0, peak=0)
    with refused_with("not_contracted"):
        add_ons.activate(line, quantity=1, by=partner_user, on=today)


def test_of_several_lines_the_one_with_units_left_is_used(
    account, contract, line, installed, partner_user, today
):
    second = factories.LineFactory(contract=contract, plan=line.plan, contracted=2)
    add_ons.activate(line, quantity=4, by=partner_user, on=today)

    assert add_ons.contracted(account, line.plan, on=today) == second


def test_what_is_on_stays_on_when_another_line_carries_on():
    """A successor contract: the add-on renews into it with its units."""
    company = Company(starts_on=date(2026, 1, 1), term=1)
    alone = company.signs(factories.PlanFactory(add_on=True), 3, "2.00")
    petra = factories.UserFactory(account=None, kind="PARTNER")
    add_ons.activate(alone, quantity=2, by=petra, on=company.day)
    company.signs_contract(starts_on=date(2026, 2, 1), frequency=12)

    company.until(date(2026, 2, 2))

    (continued,) = alone.continued_by.all()
    assert add_ons.activated(continued) == 2
    assert add_ons.activated(alone) == 0


def test_who_did_it_is_recorded(line, installed, partner_user, today):
    add_ons.activate(line, quantity=2, by=partner_user, on=today)

    activity = Activity.objects.get(verb="add_on.activated")
    assert activity.actor_id == partner_user.pk
    assert activity.data["quantity"] == 2
