"""Sales operations announce list prices; what was listed they can only read."""

import datetime
from decimal import Decimal

import pytest

from marketplace.models import ListPrice
from tests.factories import ListPriceFactory, PartnerFactory, PlanFactory

ADD = "/admin/marketplace/listprice/add/"


@pytest.fixture
def plan(present):
    return PlanFactory(price=Decimal("9.00"))


@pytest.fixture
def client(client_of, sales):
    return client_of(sales)


def announced(client, plan, day, **fields):
    wanted = {
        "plan": plan.pk,
        "currency": "USD",
        "monthly_price": "12.50",
        "effective_from": day,
    }
    return client.post(ADD, wanted | fields)


def test_a_price_for_a_day_to_come_is_announced(client, plan):
    assert announced(client, plan, "2027-01-01").status_code == 302

    past, coming = plan.list_prices.order_by("effective_from")
    assert past.effective_until == coming.effective_from == datetime.date(2027, 1, 1)
    assert coming.monthly_price == Decimal("12.50")


def test_a_day_counts_as_come_where_it_begins_first(client, plan):
    """At noon of the 23rd in UTC it is the 24th in Kiritimati."""
    response = announced(client, plan, "2026-11-24")

    assert response.status_code == 200
    assert "Choose a day after 2026-11-24" in response.content.decode()
    assert announced(client, plan, "2026-11-25").status_code == 302


@pytest.mark.parametrize(
    "fields",
    [
        {"currency": "DOL"},
        {"monthly_price": "-1"},
        {"effective_from": ""},
        {"monthly_price": ""},
    ],
)
def test_what_cannot_be_listed_is_pointed_at(client, plan, fields):
    assert announced(client, plan, "2027-01-01", **fields).status_code == 200
    assert plan.list_prices.count() == 1


def test_what_is_listed_cannot_be_changed_or_deleted(client, plan):
    price = plan.list_prices.get()
    here = f"/admin/marketplace/listprice/{price.pk}/"

    assert client.post(f"{here}change/", {"monthly_price": "1"}).status_code == 403
    assert client.post(f"{here}delete/", {"post": "yes"}).status_code == 403
    assert ListPrice.objects.get().monthly_price == Decimal("9.00")


def test_a_price_to_come_can_be_taken_back(client, plan):
    announced(client, plan, "2027-01-01")
    coming = plan.list_prices.get(effective_from="2027-01-01")

    client.post(f"/admin/marketplace/listprice/{coming.pk}/delete/", {"post": "yes"})

    assert plan.list_prices.get().effective_until is None


def test_plans_are_taken_off_the_list_not_deleted(client, plan):
    address = f"/admin/marketplace/plan/{plan.pk}/delete/"

    assert client.post(address, {"post": "yes"}).status_code == 403


@pytest.mark.parametrize(
    "page", ["partner", "app", "plan", "listprice", "offer", "listprice/?plan=1"]
)
def test_every_list_opens(client, plan, page):
    ListPriceFactory(plan=plan, currency="EUR")
    PartnerFactory()
    page = page if "?" in page else f"{page}/"

    assert client.get(f"/admin/marketplace/{page}").status_code == 200


def test_an_app_opens_with_its_plans(client, plan):
    html = client.get(f"/admin/marketplace/app/{plan.app_id}/change/").content.decode()

    assert f"{ADD}?plan={plan.pk}" in html


def test_a_plan_shows_its_prices_and_they_are_not_changed_there(client, plan):
    announced(client, plan, "2027-01-01")
    address = f"/admin/marketplace/plan/{plan.pk}/change/"

    page = client.get(address).content.decode()

    assert "12.500000" in page
    assert "9.000000" in page
    assert "list_prices-0-monthly_price" not in page
    assert client.get("/admin/marketplace/plan/add/").status_code == 200
