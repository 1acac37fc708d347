"""A way out where nothing can be bought: ask sales, who answer under Help."""

import pytest
from django.urls import reverse

from accounts import authority, roles
from marketplace.models import App
from support import categories, tickets
from support.models import Ticket
from tests.factories import (
    AppFactory,
    ContractFactory,
    LineFactory,
    PlanFactory,
    RoleFactory,
    UserFactory,
)

pytestmark = pytest.mark.usefixtures("present")


@pytest.fixture
def plan(db):
    return PlanFactory(
        app=AppFactory(slug="box", name="Box"), code="top", name="Top", on_request=True
    )


@pytest.fixture
def customer(client_of, admin):
    ContractFactory(account=admin.account, currency="EUR")
    return client_of(admin)


def address(**query):
    there = reverse("support:new-request")
    return there, {"category": "SALES"} | query


def test_the_form_is_filled_in_as_far_as_the_page_knew(customer, plan):
    page = customer.get(*address(app="box", plan="top", people="40"))

    form = page.context["form"]
    assert form["people"].value() == "40"
    assert form["currency"].value() == "EUR"
    assert "Box" in form["body"].value()
    assert "Top" in form["body"].value()


def test_what_is_sent_stands_in_the_queue_of_sales(customer, plan):
    there, asked = address(
        app="box", plan="top", people="40", currency="EUR", body="An offer, please."
    )

    answer = customer.post(there, asked)

    ticket = Ticket.objects.get()
    assert answer.url == reverse("support:request", args=[ticket.pk])
    assert (ticket.category, ticket.app, ticket.plan) == ("SALES", plan.app, plan)
    said = ticket.messages.public().get().body
    assert said.startswith("An offer, please.")
    assert "40" in said
    assert "EUR" in said
    assert ticket.category in categories.in_queue("sales")


def test_the_customer_reads_the_answer_under_help(customer, plan, sales, today):
    there, asked = address(app="box", people="2", currency="USD", body="An offer?")
    customer.post(there, asked)
    ticket = Ticket.objects.get()

    tickets.reply(ticket, "It is 9.00 a seat.", by=sales, on=today)

    page = customer.get(reverse("support:request", args=[ticket.pk]))
    assert "It is 9.00 a seat." in page.content.decode()


@pytest.mark.parametrize("permission", [authority.INSTALL, authority.MANAGE])
def test_everybody_with_purchasing_authority_may_ask(
    client_of, account, plan, today, permission
):
    role = RoleFactory(account=account)
    authority.grant(role, permission, by=None, on=today, delegates=True)
    user = UserFactory(account=account)
    roles.join(role, [user], by=None, on=today)

    assert client_of(user).get(*address(app="box")).status_code == 200


def test_somebody_without_authority_is_led_to_ask_their_own_company(
    client_of, member, plan
):
    client = client_of(member)

    answer = client.get(*address(app="box", plan="top"))

    assert answer.url == reverse("myapps:request-app", args=["box"])
    assert client.get(*address()).status_code == 403
    assert client.post(*address(body="Hello", app="box")).status_code == 403
    assert not Ticket.objects.exists()


def test_a_draft_app_is_not_named_by_its_address(customer, plan):
    hidden = AppFactory(slug="secret", name="Project Nightjar", state=App.State.DRAFT)
    PlanFactory(app=hidden, code="top", name="Nest")

    for category in ("SALES", "INSTALL"):
        page = customer.get(
            reverse("support:new-request"),
            {"category": category, "app": "secret", "plan": "top"},
        )
        assert "Nightjar" not in page.content.decode()
        assert "Nest" not in page.content.decode()


def test_a_plan_that_is_not_listed_is_named_to_whom_it_is_contracted_alone(
    customer, client_of, stranger, admin, today, plan
):
    old = PlanFactory(app=plan.app, code="old", name="Nestor", listed=False)
    contract = admin.account.contracts.get()
    LineFactory(contract=contract, plan=old)
    asked = {"category": "INSTALL", "app": "box", "plan": "old"}
    there = reverse("support:new-request")

    assert "Nestor" in customer.get(there, asked).content.decode()
    assert "Nestor" not in client_of(stranger).get(there, asked).content.decode()
