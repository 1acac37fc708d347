"""The catalogue page: what a customer sees first, and what the address asks for."""

import re
from decimal import Decimal

import pytest

from marketplace.models import App
from tests.factories import AppFactory, ContractFactory, ListPriceFactory, PlanFactory

HERE = "/marketplace/"
HTMX = {"HTTP_HX_REQUEST": "true"}


@pytest.fixture
def apps(taken_in, real, supplement, present):
    taken_in(real, supplement)


@pytest.fixture
def contract(account):
    return ContractFactory(account=account, currency="USD")


@pytest.fixture
def page(client_of, admin, contract):
    """Read the catalogue as the administrator: page(q="slack") gives the HTML."""
    client = client_of(admin)

    def read(**query):
        response = client.get(HERE, query)
        assert response.status_code == 200
        return response.content.decode()

    return read


def names(html):
    return re.findall(r'<a class="stretched" href="[^"]*">([^<]*)</a>', html)


def count(html):
    return re.search(r"<strong>(\d+) apps?</strong>", html)[1]


def test_at_first_it_shows_what_our_contract_can_buy(apps, page):
    html = page()

    assert count(html) == "33"
    assert "Okta" not in names(html)
    assert "Dropbox" not in names(html)


def test_all_apps_are_one_choice_away(apps, page):
    html = page(show="all", page="2")

    assert count(html) == "37"


def test_each_card_says_what_the_app_costs_us(apps, page):
    assert "Not sold in USD" in page(show="all", q="canva")
    assert "Sold by sales" in page(show="all", q="okta")
    assert re.search(
        r"Free, or from</span>\s*<span class=\"money\">\$8.75", page(q="slack")
    )


def test_a_word_nearly_right_finds_it_and_says_so(apps, page):
    html = page(q="slak")

    assert names(html) == ["Slack"]
    assert "nearest to “slak”" in html


def test_filters_work_together_and_are_listed_with_a_way_back(apps, page):
    html = page(
        category=["Design", "Analytics"], charge_model="PER_SEAT", price_to="20"
    )

    assert names(html) == ["Figma"]
    assert "?category=Analytics&amp;charge_model=PER_SEAT&amp;price_to=20" in html
    assert "?category=Design&amp;category=Analytics&amp;price_to=20" in html


def test_categories_say_how_many_apps_they_would_show(apps, page):
    html = page(category="Design", price_to="20")

    counts = re.findall(
        r'<span>([^<]+)</span>\s*<span id="category-count[^>]*>(\d+)', html
    )
    assert dict(counts)["Design"] == "2"
    assert dict(counts)["Voice and messaging"] == "4"


def test_apps_are_sorted_by_the_lowest_price_in_our_currency(apps, page):
    found = names(page(sort="price", page="2"))

    assert found[-1] == "Deskera"
    assert found.index("Quip") < found.index("Box")


def test_another_currency_shows_its_prices(apps, page):
    html = page(currency="EUR", show="all")

    assert count(html) == "8"
    assert "€8.05" in html


def test_nothing_found_says_why_and_what_to_do(apps, page):
    html = page(q="zzzz")

    assert "No app matches" in html
    assert "?q=zzzz&amp;show=all" in html


@pytest.mark.parametrize(
    "query",
    [
        {"price_from": "20", "price_to": "10"},
        {"price_from": "-1"},
        {"price_from": "nan"},
        {"category": "Nonsense"},
        {"sort": "nonsense"},
        {"currency": "XXX"},
        {"charge_model": "FREE"},
        {"q": "x" * 101},
        {"show": "1"},
    ],
)
def test_a_filter_that_makes_no_sense_is_pointed_at(apps, page, query):
    assert 'class="notice notice-bad"' in page(**query)


@pytest.mark.parametrize("query", [{"page": "99"}, {"page": "x"}, {"q": "\0"}])
def test_an_odd_address_still_shows_a_page(apps, page, query):
    page(**query)


def test_htmx_gets_the_results_alone_with_counts_and_a_clean_address(
    apps, client_of, admin, contract
):
    response = client_of(admin).get(
        HERE, {"q": "slak", "category": "", "x": "1"}, **HTMX
    )
    html = response.content.decode()

    assert "<html" not in html
    assert names(html) == ["Slack"]
    assert html.count("hx-swap-oob") == 18
    assert "1 app found" in html
    assert response["HX-Replace-Url"] == "/marketplace/?q=slak"
    assert "HX-Request" in response["Vary"]


def test_going_back_in_the_browser_gets_the_whole_page(
    apps, client_of, admin, contract
):
    response = client_of(admin).get(
        HERE, {"q": "slak"}, **HTMX, HTTP_HX_HISTORY_RESTORE_REQUEST="true"
    )

    assert "<html" in response.content.decode()


def test_a_draft_is_not_in_the_catalogue(present, page):
    PlanFactory(app=AppFactory(state=App.State.DRAFT), price=Decimal(1))

    assert count(page()) == "0"


def test_without_a_contract_everything_is_shown_and_nothing_bought(
    apps, client_of, admin
):
    html = client_of(admin).get(HERE).content.decode()

    assert "has no contract today" in html
    assert count(html) == "37"


@pytest.mark.parametrize("who", ["support", "sales", "partner_user", "member"])
def test_everybody_who_signed_in_may_look(apps, client_of, request, who):
    user = request.getfixturevalue(who)

    assert client_of(user).get(HERE).status_code == 200


def test_a_stranger_signs_in_first(client, db):
    assert client.get(HERE).status_code == 302


def test_a_customer_of_another_currency_sees_their_own(apps, client_of, stranger):
    ContractFactory(account=stranger.account, currency="EUR")

    html = client_of(stranger).get(HERE).content.decode()

    assert names(html) == [
        *("Canva", "Dropbox", "GitHub", "Notion"),
        *("Slack", "Trello", "Wrike", "Zoom"),
    ]


def test_300_apps_take_as_many_questions_as_three(
    present, client_of, admin, contract, django_assert_num_queries
):
    def questions(query):
        client = client_of(admin)
        with django_assert_num_queries(13) as asked:
            assert client.get(HERE, query).status_code == 200
        return len(asked)

    def grow(number):
        for plan in PlanFactory.create_batch(number, price=Decimal(3)):
            ListPriceFactory(plan=plan, currency="EUR")

    grow(3)
    few = questions({"q": "app", "sort": "price"})
    grow(297)

    assert questions({"q": "app", "sort": "price"}) == few
