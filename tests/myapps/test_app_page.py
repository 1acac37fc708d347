"""An app's page: what each plan costs, how it would be billed here, and the way on."""

import datetime
import re
from decimal import Decimal

import pytest

from marketplace import offers
from marketplace.models import App
from myapps.models import Installation
from tests.factories import (
    AppFactory,
    ContractFactory,
    LineFactory,
    ListPriceFactory,
    PlanFactory,
)


@pytest.fixture
def app(present):
    """Chat: Pro at 8.75 and Max at 15.00, for each user."""
    app = AppFactory(slug="chat", name="Chat", tagline="Talk", description="Team chat")
    PlanFactory(app=app, code="pro", name="Pro", price=Decimal("8.75"))
    PlanFactory(app=app, code="max", name="Max", price=Decimal("15.00"))
    return app


@pytest.fixture
def pro(app):
    return app.plans.get(code="pro")


@pytest.fixture
def contract(account):
    """A year from 1 January, billed quarterly."""
    return ContractFactory(account=account, frequency_months=3)


@pytest.fixture
def read(client_of, app):
    """The words of the page as somebody reads them: read(user)."""

    def words(user, slug="chat"):
        response = client_of(user).get(f"/marketplace/{slug}/")
        assert response.status_code == 200
        html = response.content.decode().partition("<main")[2].partition("</main>")[0]
        return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", html))

    return words


def links(client_of, user, slug="chat"):
    html = client_of(user).get(f"/marketplace/{slug}/").content.decode()
    return set(re.findall(r'href="([^"]*)"', html.replace("&amp;", "&")))


def test_without_a_line_every_plan_is_month_to_month(read, contract, admin):
    words = read(admin)

    assert "$8.75 a month for each active user" in words
    assert words.count("Month to month, from the day you install it.") == 2
    assert "quarterly" not in words


def test_the_signed_plan_is_covered_and_the_others_take_its_frequency(
    read, contract, pro, admin, today
):
    LineFactory(contract=contract, plan=pro, contracted=40, on=today)

    words = read(admin)

    assert "Covered by your contract: 40 contracted." in words
    assert "Billed quarterly; this term ends on Dec 31, 2026." in words
    assert (
        "Instead of Pro: billed quarterly, to the end of your term on Dec 31, 2026."
        " $45.00 for each user and 3 months." in words
    )
    assert "Month to month" not in words


def test_two_signed_lines_of_a_plan_cover_together(read, contract, pro, admin, today):
    LineFactory(contract=contract, plan=pro, contracted=40, on=today)
    LineFactory(contract=contract, plan=pro, contracted=10, on=today)

    assert "Covered by your contract: 50 contracted." in read(admin)


def test_a_plan_bought_self_serve_stays_month_to_month(
    read, contract, pro, admin, today
):
    LineFactory(
        contract=contract,
        plan=pro,
        basis="SELF_SERVE",
        frequency_months=1,
        term_months=1,
        anchor_on=today,
        starts_on=today,
    )

    words = read(admin)

    assert "You have this plan. Billed month to month." in words
    assert "Instead of Pro, month to month." in words


def test_a_line_that_starts_later_is_announced(read, contract, pro, admin):
    LineFactory(
        contract=contract, plan=pro, starts_on=datetime.date(2026, 12, 1), began_on=None
    )

    assert "Pro is signed for your company and starts on Dec 1, 2026." in read(admin)


def test_a_price_to_come_is_announced(read, contract, pro, admin):
    day = datetime.date(2027, 1, 15)
    pro.list_prices.update(effective_until=day)
    ListPriceFactory(plan=pro, effective_from=day, monthly_price=Decimal("9.50"))

    words = read(admin)

    assert "Listed at $9.50 from Jan 15, 2027." in words
    assert "To come" in words


def test_a_price_on_request_leads_to_sales(read, contract, app, admin, client_of):
    PlanFactory(app=app, code="grid", name="Grid", on_request=True)

    assert "Price on request" in read(admin)
    assert "/help/new/?category=SALES&app=chat&plan=grid" in links(client_of, admin)


def test_a_plan_of_another_currency_says_so(read, account, admin, client_of):
    ContractFactory(account=account, currency="EUR")

    words = read(admin)

    assert words.count("Not sold in EUR") == 2
    assert words.count("Listed in USD alone.") == 2
    assert "No plan can be bought here." in words
    assert "/marketplace/chat/install/" not in links(client_of, admin)


def test_a_signed_plan_can_be_installed_whatever_its_price(
    read, contract, app, admin, client_of, today
):
    app.plans.all().delete()
    plan = PlanFactory(app=app, name="Grid", on_request=True)
    LineFactory(contract=contract, plan=plan, contracted=5, on=today)

    assert "Covered by your contract: 5 contracted." in read(admin)
    assert "/marketplace/chat/install/" in links(client_of, admin)


def test_a_contracted_plan_that_is_not_listed_leads_to_support(
    read, contract, app, admin, client_of, support, account, today
):
    legacy = PlanFactory(app=app, name="Legacy", listed=False)
    LineFactory(contract=contract, plan=legacy, contracted=5, on=today)
    way = "/help/new/?category=INSTALL&app=chat"

    assert "Legacy is in your contract, but it is not listed." in read(admin)
    assert way in links(client_of, admin)

    offers.offer(legacy, account=account, by=support, on=today)
    words = read(admin)
    assert "Covered by your contract: 5 contracted." in words
    assert "not listed." not in words


def test_a_plan_that_is_not_listed_is_not_shown_to_others(read, contract, app, admin):
    PlanFactory(app=app, name="Legacy", listed=False)

    assert "Legacy" not in read(admin)


def test_who_may_install_gets_the_button_and_others_the_names(
    read, contract, admin, member, client_of
):
    assert "/marketplace/chat/install/" in links(client_of, admin)
    assert "/marketplace/chat/install/" not in links(client_of, member)
    assert "In your company these people install: Alice Almeida." in read(member)


def test_an_installed_app_leads_to_my_apps(
    read, contract, pro, admin, client_of, today
):
    order = pro.orders.model.objects.create(
        account=contract.account,
        contract=contract,
        app=pro.app,
        plan=pro,
        kind="INSTALL",
        placed_by=admin,
        placed_on=today,
        summary={},
        effect={},
        idempotency_key="a",
    )
    Installation.objects.create(
        account=contract.account,
        contract=contract,
        app=pro.app,
        plan=pro,
        order=order,
        state="ACTIVE",
        installed_by=admin,
        installed_on=today,
    )

    assert "Installed" in read(admin)
    assert "/apps/chat/" in links(client_of, admin)
    assert "/marketplace/chat/install/" not in links(client_of, admin)


def test_without_a_contract_nothing_can_be_bought(read, admin, client_of):
    assert "has no contract today" in read(admin)
    assert "/marketplace/chat/install/" not in links(client_of, admin)


@pytest.mark.parametrize("who", ["support", "sales", "partner_user"])
def test_those_without_an_account_see_the_listing_alone(read, request, who):
    words = read(request.getfixturevalue(who))

    assert "$8.75" in words
    assert "contract" not in words
    assert "Install Chat" not in words


def test_a_draft_is_nobodys_page(client_of, admin, app):
    App.objects.update(state=App.State.DRAFT)

    assert client_of(admin).get("/marketplace/chat/").status_code == 404


def test_features_beyond_three_are_folded(read, contract, pro, admin):
    pro.features = [f"Feature {n}" for n in range(1, 9)]
    pro.save()

    assert "Show all 8" in read(admin)


def test_many_plans_take_as_many_questions_as_two(
    contract, app, admin, client_of, django_assert_num_queries, today
):
    def questions(most):
        client = client_of(admin)
        with django_assert_num_queries(most, exact=False) as asked:
            assert client.get("/marketplace/chat/").status_code == 200
        return len(asked)

    few = questions(20)
    for plan in PlanFactory.create_batch(30, app=app, price=Decimal(1)):
        ListPriceFactory(plan=plan, currency="EUR")
    PlanFactory.create_batch(10, app=app, add_on=True, price=Decimal(1))

    assert questions(20) == few
