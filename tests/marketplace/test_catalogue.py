"""Apps are found by what they are called, do and cost, and by words nearly right."""

import datetime
from decimal import Decimal

import pytest

from marketplace import catalogue
from marketplace.models import App, SearchEntry
from tests.factories import AppFactory, ListPriceFactory, PlanFactory


@pytest.fixture
def apps(taken_in, real, supplement):
    """The real catalogue with its descriptions."""
    taken_in(real, supplement)
    return App.objects.listed()


def names(found):
    return [app.name for app in catalogue.ordered(found, catalogue.RELEVANCE)]


@pytest.mark.parametrize(
    ("words", "first"),
    [
        ("slack", "Slack"),
        ("SLA", "Slack"),
        ("sláck", "Slack"),
        ("copilot", "GitHub"),
        ("crm", "Salesforce"),
        ("gatehouse", "Okta"),
        ("latex", "Overleaf"),
        ("video meeting", "Zoom"),
        ("timesheets", "Clockify"),
    ],
)
def test_words_find_names_partners_categories_plans_and_descriptions(
    apps, words, first
):
    assert names(catalogue.matching(apps, words))[0] == first


def test_every_word_must_be_there(apps):
    assert "Slack" not in names(catalogue.matching(apps, "slack latex"))


def test_while_typing_the_apps_that_begin_so_come_first(apps):
    assert set(names(catalogue.matching(apps, "s"))[:3]) == {
        *("Salesforce", "Shopify", "Slack"),
    }


def test_an_app_called_so_comes_before_one_that_mentions_it(apps):
    found = names(catalogue.matching(apps, "slack"))

    assert found.index("Slack") < found.index("Salesforce")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("slak", "Slack"),
        ("evrnote", "Evernote"),
        ("microsft", "Microsoft 365 Business"),
        ("salesfroce", "Salesforce"),
        ("projct", "Jira"),
        ("projct", "Trello"),
        ("projct managment", "ClickUp"),
    ],
)
def test_words_nearly_right_find_what_was_meant(apps, words, expected):
    assert not catalogue.matching(apps, words).exists()
    assert expected in names(catalogue.near(apps, words))


@pytest.mark.parametrize(
    "words", ["", "   ", "'", "& | ! :*", "()", "\\", "%_", "'; --"]
)
def test_signs_alone_find_nothing_and_break_nothing(apps, words):
    assert names(catalogue.matching(apps, words)) == []
    assert names(catalogue.near(apps, words)) == []


@pytest.mark.parametrize("words", ["c++", "O'Brien & co:*", "a" * 100, "ไทย", "!slack"])
def test_odd_words_are_only_words(apps, words):
    list(catalogue.matching(apps, words))
    list(catalogue.near(apps, words))


def test_a_renamed_app_is_found_by_its_new_name(db):
    app = AppFactory(name="Chatterbox")
    app.name = "Quietude"
    app.save()

    assert not catalogue.matching(App.objects.all(), "chatterbox").exists()
    assert catalogue.matching(App.objects.all(), "quietude").get() == app


def test_a_renamed_partner_and_plan_are_found_too(db):
    plan = PlanFactory(name="Gold")
    app, partner = plan.app, plan.app.partner
    partner.name = "Northern Lights"
    partner.save()
    plan.name = "Platinum"
    plan.save()

    assert catalogue.matching(App.objects.all(), "northern platinum").get() == app
    assert not catalogue.matching(App.objects.all(), "gold").exists()


def test_a_removed_app_leaves_no_search_entry(db):
    plan = PlanFactory()
    plan.app.delete()

    assert not SearchEntry.objects.exists()


def test_only_what_can_be_bought_is_sold(db, today):
    bought = PlanFactory(price=Decimal("5.00")).app
    PlanFactory(price=Decimal("5.00"), price__currency="EUR")
    PlanFactory(price=Decimal("5.00"), on_request=True)
    PlanFactory(price=Decimal("5.00"), add_on=True)
    PlanFactory(price=Decimal("5.00"), listed=False)
    PlanFactory()
    ListPriceFactory(effective_from=today + datetime.timedelta(days=1))

    found = catalogue.sold(App.objects.all(), currency="USD", on=today)

    assert found.get() == bought


def test_charge_model_and_price_are_asked_of_one_plan(db, today):
    app = PlanFactory(price=Decimal("5.00")).app
    PlanFactory(app=app, per_account=True, price=Decimal("90.00"))

    def sold(**wish):
        return catalogue.sold(App.objects.all(), currency="USD", on=today, **wish)

    assert sold(charge_model="PER_ACCOUNT", price_from=Decimal(90)).exists()
    assert sold(charge_model="PER_SEAT", price_to=Decimal(5)).exists()
    assert not sold(charge_model="PER_ACCOUNT", price_to=Decimal("89.99")).exists()
    assert not sold(price_from=Decimal("5.01"), price_to=Decimal("89.99")).exists()


def test_a_card_says_the_lowest_price_and_the_lowest_that_is_paid(db, today):
    app = PlanFactory(price=Decimal(0)).app
    PlanFactory(app=app, price=Decimal("7.00"))
    PlanFactory(app=app, per_account=True, price=Decimal("6.00"))

    card = catalogue.priced(App.objects.all(), currency="USD", on=today).get()

    assert (card.from_price, card.paid_price) == (0, Decimal("6.00"))
    assert (card.paid_charge_model, card.price_currency) == ("PER_ACCOUNT", "USD")


def test_a_card_tells_on_request_other_currency_and_add_ons_apart(db, today):
    on_request = PlanFactory(on_request=True).app
    in_euro = PlanFactory(price=Decimal("5.00"), price__currency="EUR").app
    add_ons = PlanFactory(add_on=True).app

    cards = catalogue.priced(App.objects.all(), currency="USD", on=today)
    said = {card.pk: (card.has_plans, card.sold_elsewhere) for card in cards}

    assert said == {
        on_request.pk: (True, False),
        in_euro.pk: (True, True),
        add_ons.pk: (False, False),
    }


def test_without_a_contract_each_app_is_priced_in_its_own_currency(db, today):
    app = AppFactory(currency="EUR")
    PlanFactory(app=app, price=Decimal("5.00"), price__currency="EUR")

    card = catalogue.priced(App.objects.all(), currency=catalogue.OWN, on=today).get()

    assert (card.from_price, card.price_currency) == (Decimal("5.00"), "EUR")


def test_apps_come_by_name_price_or_age(db, today):
    dear = PlanFactory(price=Decimal(9), app=AppFactory(name="a dear one")).app
    cheap = PlanFactory(price=Decimal(1), app=AppFactory(name="B cheap")).app
    new = AppFactory(name="C new", listed_on=today)
    priced = catalogue.priced(App.objects.all(), currency="USD", on=today)

    assert list(catalogue.ordered(priced, catalogue.NAME)) == [dear, cheap, new]
    assert list(catalogue.ordered(priced, catalogue.PRICE)) == [cheap, dear, new]
    assert next(iter(catalogue.ordered(priced, catalogue.NEWEST))) == new


def test_categories_are_counted_also_after_a_search(apps):
    found = catalogue.matching(apps, "project management")

    assert catalogue.by_category(found)["Project management"] == 5
