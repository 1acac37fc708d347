"""Add-on plans cannot be bought here: sales sells them, the partner activates them."""

from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError

from billing import effects
from marketplace import catalogue, offers
from marketplace.models import App
from tests.factories import ContractFactory, PlanFactory


@pytest.fixture
def app(present, account):
    """Meetings: one base plan, and Large Meetings to add to it."""
    ContractFactory(account=account)
    app = PlanFactory(name="Basic", price=Decimal("10.00")).app
    PlanFactory(app=app, add_on=True, name="Large Meetings", price=Decimal("50.00"))
    return app


@pytest.fixture
def add_on(app):
    return app.plans.add_ons().get()


def test_the_page_shows_add_ons_apart_as_sold_by_sales(app, client_of, admin):
    page = client_of(admin).get(f"/marketplace/{app.slug}/").content.decode()

    _plans, _, add_ons = page.partition('<section class="card">')
    assert "Large Meetings" not in _plans
    assert "Large Meetings" in add_ons
    assert "Sold by sales, activated by the partner" in add_ons


def test_the_page_has_no_way_to_choose_one(app, add_on, client_of, admin):
    page = client_of(admin).get(f"/marketplace/{app.slug}/").content.decode()
    main = page.partition("<main")[2].partition("</main>")[0]

    assert "<input" not in main
    assert "<form" not in main
    assert add_on.code not in main


def test_an_add_on_is_never_among_the_plans_to_choose_from(app, add_on, account):
    assert add_on not in offers.choosable(app, account)
    assert not offers.available(add_on, account)


def test_an_add_on_cannot_be_offered_to_an_account(add_on, account, support, today):
    add_on.listed = False
    add_on.save()

    with pytest.raises(ValidationError) as refusal:
        offers.offer(add_on, account=account, by=support, on=today)

    assert refusal.value.code == "add_on"


def test_billing_refuses_one_whoever_asks(add_on, account, today):
    with pytest.raises(ValidationError) as refusal:
        effects.of(account, add_on, units=1, on=today)

    assert refusal.value.code == "add_on"


def test_an_app_of_add_ons_alone_cannot_be_bought(app, client_of, admin, today):
    alone = PlanFactory(add_on=True, price=Decimal("2.00")).app

    sold = catalogue.sold(App.objects.all(), currency="USD", on=today)
    assert list(sold) == [app]
    page = client_of(admin).get(f"/marketplace/{alone.slug}/").content.decode()
    assert "has add-on plans alone" in page
    assert f"/marketplace/{alone.slug}/install/" not in page


def test_the_price_of_an_add_on_is_not_the_price_of_its_app(app, today):
    card = catalogue.priced(App.objects.all(), currency="USD", on=today).get(pk=app.pk)

    assert card.from_price == Decimal("10.00")
