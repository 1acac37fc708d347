"""T7: the click is a signed order: who, by which role, when, seeing what, which terms."""

import re
from decimal import Decimal

import pytest
from django.db import DatabaseError, transaction
from django.urls import reverse

from accounts import authority, roles
from billing.models import Order
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def plan(account):
    factories.ContractFactory(account=account)
    return factories.PlanFactory(
        app__slug="box", app__name="Box", name="Business", price=Decimal("15.00")
    )


@pytest.fixture
def version():
    return factories.TermsVersionFactory()


@pytest.fixture
def order(client_of, admin, member, plan, version, present):
    """Alice installs Box for Bob, in her browser."""
    browser, address = client_of(admin), reverse("myapps:install", args=["box"])
    chosen = {"plan": plan.pk, "users": [member.pk]}
    page = browser.post(address, chosen | {"review": 1}).content.decode()
    carried = {
        name: re.search(rf'name="{name}" value="([^"]*)"', page)[1]
        for name in ("key", "agreed", "shown")
    }
    signed = {"accept_terms": version.pk, "confirm": 1}
    browser.post(address, chosen | carried | signed)
    return Order.objects.get()


def text(response):
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


def test_it_records_who_by_which_permission_and_role(order, admin):
    assert order.placed_by == admin
    assert (order.authority, order.role_name) == (authority.INSTALL, "Administrators")


def test_it_records_the_terms_version_the_day_and_the_address(order, version, today):
    assert (order.terms_version, order.terms_address) == (
        version.version,
        version.address,
    )
    assert order.placed_on == today
    assert order.from_address == "127.0.0.1"


def test_it_records_exactly_what_was_shown(order):
    assert order.summary == {
        "plan": "Business",
        "charge_model": "PER_SEAT",
        "seats": 1,
        "units": 1,
        "currency": "USD",
        "monthly_price": "15.000000",
        "total": "15.00",
    }
    assert order.effect["new_line"]["first"]["amount"] == "15.00"
    assert len(order.effect_digest) == 64


def test_it_can_be_opened_and_printed_later(order, client_of, admin):
    page = text(client_of(admin).get(reverse("myapps:order", args=[order.pk])))

    for words in (
        "Alice Almeida",
        "Install, by the role Administrators",
        "Version 2026-01",
        "$15.00 a month",
        "1 × $15.00, Nov 23",
        order.effect_digest,
        "exactly what was agreed to",
    ):
        assert words in page


def test_it_is_in_the_list_of_orders(order, client_of, admin):
    page = client_of(admin).get(reverse("myapps:orders"))

    assert reverse("myapps:order", args=[order.pk]) in page.content.decode()


def test_nobody_changes_it_afterwards(order):
    for attempt in (
        lambda: Order.objects.update(role_name="Somebody"),
        lambda: Order.objects.all().delete(),
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            attempt()


def test_colleagues_without_authority_and_strangers_do_not_see_it(
    order, client_of, member, stranger
):
    address = reverse("myapps:order", args=[order.pk])

    assert client_of(member).get(address).status_code == 403
    assert client_of(stranger).get(address).status_code == 404
    listed = client_of(stranger).get(reverse("myapps:orders"))
    assert address not in listed.content.decode()


def test_authority_taken_back_counts_on_the_next_request(
    order, client_of, admin, administrators, account, today
):
    browser = client_of(admin)
    address = reverse("myapps:install", args=["box"])
    keeper = factories.UserFactory(account=account)
    roles.join(administrators, [keeper], by=admin, on=today)

    roles.leave(administrators, [admin], by=keeper, on=today)

    assert browser.get(address).status_code == 403
    assert browser.post(address, {"confirm": 1}).status_code == 403


def test_the_list_asks_as_much_for_many_orders_as_for_one(
    order, client_of, admin, django_assert_max_num_queries
):
    browser, address = client_of(admin), reverse("myapps:orders")
    with django_assert_max_num_queries(25) as one:
        browser.get(address)
    for number in range(30):
        order.pk, order._state.adding = None, True
        order.idempotency_key = f"copy-{number}"
        order.save()
    with django_assert_max_num_queries(len(one)):
        assert "page=2" in browser.get(address).content.decode()
