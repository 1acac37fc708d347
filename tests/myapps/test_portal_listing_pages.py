"""The portal's listings: drafted, proposed, priced, previewed; never another partner's."""

import re
from datetime import timedelta
from decimal import Decimal

import pytest
from django.urls import reverse

from marketplace import listings
from marketplace.models import App, ListPrice, Plan
from tests import factories

pytestmark = pytest.mark.django_db
DRAFT = {
    "name": "Deep Listen",
    "category": "Analytics",
    "tagline": "Hears callers",
    "description": "Reads every call.",
    "currency": "USD",
    "tags": "calls\nspeech",
}
PLAN = {"name": "Team", "code": "team", "kind": "BASE", "charge_model": "PER_SEAT",
        "listed": "on"}  # fmt: skip


@pytest.fixture
def partner(partner_user):
    partner = factories.PartnerFactory(slug="ironwood", name="Ironwood")
    partner.members.add(partner_user)
    return partner


@pytest.fixture
def browser(client_of, partner_user, partner, present):
    return client_of(partner_user)


@pytest.fixture
def published(partner):
    app = factories.AppFactory(
        partner=partner, slug="box", name="Box", tagline="Files", description="Files."
    )
    factories.PlanFactory(app=app, code="team", name="Team", price=Decimal("9.00"))
    return app


def there(name, *args):
    return reverse(f"myapps:portal-{name}", args=args)


def text(response):
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


def test_from_nothing_to_review(browser, partner, today):
    assert "No apps yet" in text(browser.get(there("listings")))
    assert browser.post(there("add-listing"), DRAFT | {"name": ""}).status_code == 422
    browser.post(there("add-listing"), DRAFT)
    app = App.objects.get()
    assert (app.slug, app.state, app.tags) == (
        "deep-listen",
        "DRAFT",
        ["calls", "speech"],
    )
    page = text(browser.get(there("listing", app.slug)))
    assert "It still needs: a plan" in page

    browser.post(there("add-plan", app.slug), PLAN)
    page = text(browser.get(there("listing", app.slug)))
    assert "a list price for Team" in page
    price = {"currency": "USD", "monthly_price": "9.50"}
    address = there("announce-price", app.slug, "team")
    past = browser.post(address, price | {"effective_from": today})
    assert past.status_code == 422
    assert "Nothing was announced" in text(past)
    browser.post(address, price | {"effective_from": today + timedelta(days=3)})
    assert ListPrice.objects.get().monthly_price == Decimal("9.50")

    browser.post(there("submit", app.slug))
    app.refresh_from_db()
    assert app.state == "IN_REVIEW"
    page = text(browser.get(there("listing", app.slug)))
    assert "Take it back to edit" in page
    assert "Add a plan" not in page
    browser.post(there("take-back", app.slug))
    app.refresh_from_db()
    assert app.state == "DRAFT"
    browser.post(there("drop-plan", app.slug, "team"))
    assert not Plan.objects.exists()


def test_an_address_that_is_taken_is_said_at_the_name(browser, published):
    answer = browser.post(there("add-listing"), DRAFT | {"name": "Box"})

    assert answer.status_code == 422
    assert "Another app has the address box" in text(answer)


def test_what_is_published_is_proposed_previewed_and_dropped(
    browser, published, client_of, admin, sales
):
    form = DRAFT | {"name": "Box", "tagline": "All your files"}
    browser.post(there("edit-listing", "box"), form)
    browser.post(there("plan", "box", "team"), {"name": "Crew", "listed": "on"})

    customer = client_of(admin).get(reverse("myapps:app", args=["box"]))
    assert "All your files" not in text(customer)
    assert "Crew" not in text(customer)
    for reader in (browser, client_of(sales)):
        seen = text(reader.get(there("preview", "box")))
        assert "All your files" in seen
        assert "Crew" in seen
    page = text(browser.get(there("listing", "box")))
    assert "Changes not submitted" in page
    assert client_of(admin).get(there("preview", "box")).status_code == 403

    browser.post(there("discard", "box"))
    published.refresh_from_db()
    assert published.proposed == {}


def test_a_published_plan_keeps_how_it_is_counted(browser, published):
    page = browser.get(there("plan", "box", "team")).content.decode()

    assert 'name="charge_model"' not in page
    assert 'name="code"' not in page
    browser.post(there("plan", "box", "team"), PLAN | {"charge_model": "PER_ACCOUNT"})
    assert Plan.objects.get().charge_model == "PER_SEAT"


def test_what_sales_said_is_read(browser, published, partner_user, sales, today):
    listings.revise(published, details={"tagline": "New"}, by=partner_user, on=today)
    listings.submit(published, by=partner_user, on=today)
    listings.send_back(published, reason="Say for whom", by=sales, on=today)

    page = text(browser.get(there("listing", "box")))

    assert "“Say for whom”" in page


def test_a_price_to_come_is_taken_back(browser, published, today):
    coming = factories.ListPriceFactory(
        plan=published.plans.get(), currency="EUR",
        effective_from=today + timedelta(days=9),
    )  # fmt: skip

    browser.post(there("withdraw-price", coming.pk))
    refused = browser.post(
        there("withdraw-price", ListPrice.objects.get().pk), follow=True
    )

    assert "what was listed stays listed" in text(refused)
    assert ListPrice.objects.count() == 1


def test_somebody_of_two_partners_says_for_which(browser, partner, partner_user):
    other = factories.PartnerFactory(name="Alder")
    other.members.add(partner_user)

    assert browser.post(there("add-listing"), DRAFT).status_code == 422
    browser.post(there("add-listing"), DRAFT | {"partner": other.pk})

    assert App.objects.get().partner == other
    stranger = factories.PartnerFactory()
    answer = browser.post(
        there("add-listing"), DRAFT | {"name": "X", "partner": stranger.pk}
    )
    assert answer.status_code == 422


def test_somebody_of_no_partner_is_told(client_of, partner_user, present):
    browser = client_of(partner_user)

    for name in ("add-listing", "webhooks"):
        assert "You work for no partner yet" in text(browser.get(there(name)))


def test_listings_of_other_partners_do_not_exist(client_of, published, present):
    stranger = factories.UserFactory(account=None, kind="PARTNER")
    factories.PartnerFactory().members.add(stranger)
    browser = client_of(stranger)
    price = ListPrice.objects.get()

    for name, *args in [
        ("listing", "box"), ("edit-listing", "box"), ("preview", "box"),
        ("add-plan", "box"), ("plan", "box", "team"),
    ]:  # fmt: skip
        assert browser.get(there(name, *args)).status_code == 404
    for name, *args in [
        ("submit", "box"), ("take-back", "box"), ("discard", "box"),
        ("edit-listing", "box"), ("plan", "box", "team"), ("drop-plan", "box", "team"),
        ("announce-price", "box", "team"), ("withdraw-price", price.pk),
    ]:  # fmt: skip
        assert browser.post(there(name, *args), PLAN).status_code == 404


def test_pages_ask_as_much_for_many_plans_as_for_few(
    browser, published, django_assert_max_num_queries
):
    def queries():
        total = 0
        for address in [there("listings"), there("listing", "box"),
                        there("preview", "box")]:  # fmt: skip
            with django_assert_max_num_queries(25) as captured:
                assert browser.get(address).status_code == 200
            total += len(captured)
        return total

    few = queries()
    for _ in range(6):
        factories.PlanFactory(app=published, price=Decimal(1))

    assert queries() == few
