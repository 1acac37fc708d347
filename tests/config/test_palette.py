"""Search everywhere: each finds what they may see, and nothing else."""

from decimal import Decimal

import pytest
from allauth.mfa.models import Authenticator
from django.urls import reverse

from accounts import authority, roles
from tests import factories

pytestmark = pytest.mark.django_db
MOST_QUERIES = 25
HTMX = {"HX-Request": "true"}


@pytest.fixture
def day(today, present):
    return today


@pytest.fixture
def box(admin, account, day):
    """Box, listed and installed by Alice; Slack, listed alone."""
    plan = factories.PlanFactory(
        app=factories.AppFactory(slug="box", name="Box"), price=Decimal(10)
    )
    factories.PlanFactory(
        app=factories.AppFactory(slug="slack", name="Slack"), price=Decimal(5)
    )
    contract = factories.ContractFactory(account=account)
    return factories.LineFactory(contract=contract, plan=plan)


@pytest.fixture
def found(client_of):
    """What somebody finds, by group."""

    def find(user, words):
        page = client_of(user).get(reverse("search"), {"q": words}, headers=HTMX)
        assert page.status_code == 200
        return {
            group.label: [one.title for one in group.found]
            for group in page.context["groups"]
        }

    return find


@pytest.fixture(autouse=True)
def second_factor(support):
    """Staff sign in with one."""
    Authenticator.objects.get_or_create(
        user=support, type=Authenticator.Type.TOTP, defaults={"data": {}}
    )


@pytest.fixture
def manager(account, today):
    user = factories.UserFactory(account=account, display_name="Mia Manager")
    role = factories.RoleFactory(account=account, name="Managers")
    authority.grant(role, authority.MANAGE, by=None, on=today, delegates=True)
    roles.join(role, [user], by=None, on=today)
    return user


def test_an_administrator_finds_apps_people_and_what_to_do(box, admin, member, found):
    assert found(admin, "slack")["Marketplace"] == ["Slack"]
    assert found(admin, "slack")["Actions"] == ["Install Slack"]
    assert found(admin, "brito")["People"] == ["Bob Brito"]
    assert "Activity" in found(admin, "activ")["Go to"]


def test_nearly_right_words_find_people_and_apps_too(box, admin, member, found):
    assert found(admin, "slakc").get("Marketplace") == ["Slack"]
    assert found(admin, "Alise Almeida").get("People") == ["Alice Almeida"]


def test_a_member_finds_no_people_no_orders_and_nothing_to_buy(
    box, member, admin, found
):
    assert "People" not in found(member, "alice")
    assert set(found(member, "box")) <= {"Marketplace", "Go to", "My apps"}
    assert "Charges" not in found(member, "").get("Go to", [])


def test_who_manages_apps_alone_finds_no_people(box, manager, admin, found):
    assert "People" not in found(manager, "alice")
    assert "Actions" not in found(manager, "slack")


def test_a_stranger_finds_nothing_of_another_account(
    box, stranger, admin, member, account, found
):
    factories.TicketFactory(account=account, requester=admin, subject="Box is slow")

    assert "People" not in found(stranger, "alice")
    assert "Tickets" not in found(stranger, "slow")
    assert "My Apps" not in found(stranger, "box")
    assert "Orders" not in found(stranger, "box")


def test_a_customer_finds_no_ticket_that_is_kept_from_them(account, admin, found):
    factories.TicketFactory(account=account, subject="Looks odd", internal=True)

    assert "Tickets" not in found(admin, "odd")


def test_a_member_finds_their_own_requests_alone(account, admin, member, found):
    factories.TicketFactory(account=account, requester=admin, subject="Slow today")
    mine = factories.TicketFactory(
        account=account, requester=member, subject="Slow again"
    )

    assert found(member, "slow")["Tickets"] == [mine.subject]
    assert len(found(admin, "slow")["Tickets"]) == 2


def test_staff_find_tickets_accounts_and_apps_and_no_people(
    box, account, admin, support, found
):
    factories.TicketFactory(account=account, requester=admin, subject="Box is slow")

    assert found(support, "slow")["Tickets"] == ["Box is slow"]
    assert found(support, "harbour")["Accounts"] == ["Harbour Lines"]
    assert found(support, "slack")["Apps"] == ["Slack"]
    assert "People" not in found(support, "alice")


def test_a_partner_finds_their_own_listings_alone(box, partner_user, found):
    assert "Listings" not in found(partner_user, "box")
    assert "Accounts" not in found(partner_user, "harbour")

    partner_user.partners.add(box.plan.app.partner)

    assert found(partner_user, "box")["Listings"] == ["Box"]


@pytest.mark.parametrize(
    "words", ["", " ", "%", "'", "\0", "\\", "a" * 500, "T-1", "陳"]
)
def test_whatever_is_typed_is_answered(box, admin, support, partner_user, found, words):
    for user in (admin, support, partner_user):
        found(user, words)


def test_eight_of_a_sort_are_enough(account, admin, found):
    for number in range(12):
        factories.UserFactory(account=account, display_name=f"Zoe {number:02}")

    assert len(found(admin, "zoe")["People"]) == 8


def test_it_takes_as_many_queries_for_many(
    box, account, admin, client_of, django_assert_max_num_queries
):
    for number in range(12):
        factories.UserFactory(account=account, display_name=f"Box {number}")
        factories.TicketFactory(account=account, requester=admin, subject="Box")

    browser = client_of(admin)
    with django_assert_max_num_queries(MOST_QUERIES):
        browser.get(reverse("search"), {"q": "box"}, headers=HTMX)


def test_without_javascript_it_is_a_page(box, admin, client_of):
    page = client_of(admin).get(reverse("search"), {"q": "slack"}).content.decode()

    assert "<h1>Search</h1>" in page
    assert 'href="/marketplace/slack/"' in page
    assert f'href="{reverse("search")}" data-palette-open' in page


def test_who_is_not_signed_in_is_led_to_sign_in(client, db):
    assert client.get(reverse("search"), {"q": "box"}).status_code == 302
