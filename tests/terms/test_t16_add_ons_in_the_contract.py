"""What an add-on costs, and where it shows: the contract bills it, My Apps only reads."""

from datetime import date
from decimal import Decimal

import pytest
from django.urls import reverse

from myapps import add_ons
from tests import factories
from tests.cases.company import Company

pytestmark = pytest.mark.django_db


@pytest.fixture
def company():
    """An app is installed; five units of an add-on of it are signed for."""
    company = Company(starts_on=date(2026, 1, 1))
    base = factories.PlanFactory(price=Decimal("10.00"))
    company.installation = company.installs(base, [company.admin])
    company.app = base.app
    add_on = factories.PlanFactory(app=base.app, add_on=True)
    company.add_on = company.signs(add_on, 5, "3.00")
    return company


@pytest.fixture
def switch_on(company, partner_user):
    company.app.partner.members.add(partner_user)

    def activate(quantity, line=None):
        return add_ons.activate(
            line or company.add_on, quantity=quantity, by=partner_user, on=company.day
        )

    return activate


def test_the_contract_bills_it_from_its_start_switched_on_or_not(company):
    assert company.billed(company.add_on) == ["PERIOD 5 × 31/31 = 15.00"]


def test_switched_off_it_is_billed_on(company, switch_on, partner_user):
    activation = switch_on(5)
    before = company.billed()

    add_ons.deactivate(activation, by=partner_user, on=company.day)

    assert add_ons.activated(company.add_on) == 0
    assert company.billed() == before


def test_my_apps_shows_it_and_has_nothing_to_press(company, switch_on, client_of):
    switch_on(2)
    address = reverse("myapps:add-ons", args=[company.app.slug])

    page = client_of(company.admin).get(address)

    shown = page.content.decode()
    assert company.add_on.plan.name in shown
    assert f'action="{address}' not in shown
    assert client_of(company.admin).post(address).status_code == 405
