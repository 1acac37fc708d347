"""Listings: drafted by partners, published by sales operations, unseen until then."""

import datetime
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.urls import reverse

from journal.models import Activity
from marketplace import catalogue, list_prices, listings, offers
from marketplace.models import App, Plan
from tests import factories

pytestmark = pytest.mark.django_db
DETAILS = {
    "name": "Deep Listen",
    "category": "Analytics",
    "currency": "USD",
    "tagline": "Hears what callers mean",
    "description": "Reads every call and says why people called.",
}


@pytest.fixture
def partner(partner_user):
    partner = factories.PartnerFactory()
    partner.members.add(partner_user)
    return partner


@pytest.fixture
def draft(partner, partner_user, today):
    return listings.draft(partner, details=DETAILS, by=partner_user, on=today)


@pytest.fixture
def complete(draft, partner_user, today):
    """A draft with one plan that has a price from a day to come on."""
    plan = listings.add_plan(
        draft, code="team", details={"name": "Team", "charge_model": "PER_SEAT"},
        by=partner_user, on=today,
    )  # fmt: skip
    list_prices.announce(
        plan, currency="USD", monthly_price=Decimal(9), by=partner_user, on=today,
        effective_from=today + datetime.timedelta(days=5),
    )  # fmt: skip
    return draft


@pytest.fixture
def published(complete, partner_user, sales, today):
    listings.submit(complete, by=partner_user, on=today)
    return listings.publish(complete, by=sales, on=today)


def refused_with(code):
    return pytest.raises(ValidationError, check=lambda refusal: refusal.code == code)


def test_a_draft_gets_an_address_from_its_name(draft, partner):
    assert (draft.slug, draft.state, draft.partner) == (
        "deep-listen",
        "DRAFT",
        partner,
    )


def test_an_address_belongs_to_one_app(draft, partner, partner_user, today):
    with refused_with("slug_taken"):
        listings.draft(partner, details=DETAILS, by=partner_user, on=today)
    with refused_with("no_name"):
        listings.draft(partner, details={"name": "…"}, by=partner_user, on=today)


def test_nobody_meets_a_draft_or_what_is_in_review(
    complete, partner_user, admin, client_of, present, today
):
    browser = client_of(admin)
    plan = complete.plans.get()

    for _ in range(2):
        assert complete not in App.objects.listed()
        assert not offers.available(plan, admin.account)
        assert not offers.choosable(complete, admin.account).exists()
        for address in ("myapps:app", "myapps:install"):
            there = reverse(address, args=[complete.slug])
            assert browser.get(there).status_code == 404
        found = browser.get(reverse("marketplace:catalogue"), {"q": "Deep Listen"})
        assert reverse("myapps:app", args=[complete.slug]) not in str(found.content)
        if complete.state == "DRAFT":
            complete = listings.submit(complete, by=partner_user, on=today)


def test_published_it_is_found(published, admin, client_of, present):
    there = reverse("myapps:app", args=[published.slug])

    assert client_of(admin).get(there).status_code == 200
    assert published in catalogue.matching(App.objects.listed(), "deep")


@pytest.mark.parametrize("name", listings.NEEDED)
def test_what_is_not_complete_stays_a_draft(complete, partner_user, today, name):
    App.objects.filter(pk=complete.pk).update(**{name: ""})

    with refused_with("incomplete"):
        listings.submit(complete, by=partner_user, on=today)
    complete.refresh_from_db()
    assert complete.state == "DRAFT"


def test_a_plan_without_a_price_is_not_complete(draft, partner_user, today):
    with refused_with("incomplete"):
        listings.submit(draft, by=partner_user, on=today)
    plan = listings.add_plan(
        draft, code="team", details={"name": "Team", "charge_model": "PER_SEAT"},
        by=partner_user, on=today,
    )  # fmt: skip
    with refused_with("incomplete"):
        listings.submit(draft, by=partner_user, on=today)
    listings.revise_plan(
        plan, details={"price_on_request": True}, by=partner_user, on=today
    )

    assert listings.submit(draft, by=partner_user, on=today).state == "IN_REVIEW"


def test_in_review_nothing_is_edited_until_it_is_taken_back(
    complete, partner_user, today
):
    who = {"by": partner_user, "on": today}
    listings.submit(complete, **who)
    plan = complete.plans.get()

    for edit in (
        lambda: listings.revise(complete, details={"tagline": "x"}, **who),
        lambda: listings.revise_plan(plan, details={"name": "x"}, **who),
        lambda: listings.add_plan(complete, code="x", details={}, **who),
        lambda: listings.drop_plan(plan, **who),
        lambda: listings.submit(complete, **who),
    ):
        with refused_with("in_review"):
            edit()
    listings.take_back(complete, **who)
    listings.revise(complete, details={"tagline": "Hears more"}, **who)

    assert App.objects.get().tagline == "Hears more"
    with refused_with("not_in_review"):
        listings.take_back(complete, **who)


def test_sent_back_its_partner_reads_why(complete, partner_user, sales, today):
    listings.submit(complete, by=partner_user, on=today)

    with refused_with("no_reason"):
        listings.send_back(complete, reason=" ", by=sales, on=today)
    back = listings.send_back(complete, reason="Say who it is for", by=sales, on=today)

    assert (back.state, back.sent_back_because) == ("DRAFT", "Say who it is for")
    assert listings.submit(complete, by=partner_user, on=today).sent_back_because == ""


def test_what_is_published_changes_when_it_is_published_again(
    published, partner_user, sales, today
):
    who = {"by": partner_user, "on": today}
    plan = published.plans.get()
    listings.revise(published, details={"tagline": "Hears it all"}, **who)
    listings.revise_plan(plan, details={"name": "Crew"}, **who)
    new = listings.add_plan(
        published, code="firm",
        details={"name": "Firm", "charge_model": "PER_ACCOUNT", "price_on_request": True},
        **who,
    )  # fmt: skip

    seen = App.objects.get()
    assert seen.state == "PUBLISHED"
    assert seen.tagline == DETAILS["tagline"]
    assert Plan.objects.get(code="team").name == "Team"
    assert not Plan.objects.get(code="firm").listed
    assert listings.app_as_proposed(seen).tagline == "Hears it all"

    listings.submit(published, **who)
    listings.publish(published, by=sales, on=today)

    seen = App.objects.get()
    assert (seen.tagline, seen.proposed, seen.proposed_state) == (
        "Hears it all",
        {},
        "",
    )
    assert Plan.objects.get(code="team").name == "Crew"
    new.refresh_from_db()
    assert new.listed


def test_proposing_what_is_published_already_proposes_nothing(
    published, partner_user, today
):
    who = {"by": partner_user, "on": today}
    listings.revise(published, details={"tagline": "Another"}, **who)
    listings.revise(published, details={"tagline": DETAILS["tagline"]}, **who)

    assert App.objects.get().proposed == {}
    with refused_with("nothing_new"):
        listings.submit(published, **who)


def test_what_was_sold_keeps_how_it_is_counted(published, partner_user, today):
    plan = published.plans.get()

    for name, value in [
        ("charge_model", "PER_ACCOUNT"),
        ("kind", "ADD_ON"),
        ("price_on_request", True),
    ]:
        with refused_with("published"):
            listings.revise_plan(plan, details={name: value}, by=partner_user, on=today)
    with refused_with("published"):
        listings.drop_plan(plan, by=partner_user, on=today)


def test_a_proposal_is_dropped_with_its_new_plans(published, partner_user, today):
    who = {"by": partner_user, "on": today}
    listings.revise(published, details={"tagline": "Another"}, **who)
    new = listings.add_plan(
        published, code="firm", details={"name": "Firm", "charge_model": "PER_SEAT"},
        **who,
    )  # fmt: skip
    listings.drop_plan(new, **who)
    listings.add_plan(
        published, code="club", details={"name": "Club", "charge_model": "PER_SEAT"},
        **who,
    )  # fmt: skip

    listings.discard(published, **who)

    assert [plan.code for plan in Plan.objects.all()] == ["team"]
    assert App.objects.get().proposed == {}
    with refused_with("nothing_new"):
        listings.discard(published, **who)


def test_each_step_is_in_the_journal(published, partner_user, sales):
    said = Activity.objects.filter(verb__startswith="listing").order_by("pk")

    assert list(said.values_list("verb", "actor_id")) == [
        ("listing.drafted", partner_user.pk),
        ("listing.revised", partner_user.pk),
        ("listing.submitted", partner_user.pk),
        ("listing.published", sales.pk),
    ]


def test_sales_publish_and_send_back_in_the_admin(
    complete, partner_user, sales, client_of, present, today
):
    browser = client_of(sales)
    listings.submit(complete, by=partner_user, on=today)

    def act(action, **more):
        form = {"action": action, "_selected_action": [complete.pk]} | more
        browser.post("/admin/marketplace/app/", form)
        complete.refresh_from_db()
        return complete.state

    assert act("send_back", said="") == "IN_REVIEW"
    assert act("send_back", said="Say who it is for") == "DRAFT"
    assert complete.sent_back_because == "Say who it is for"
    assert act("publish") == "DRAFT"
    listings.submit(complete, by=partner_user, on=today)
    assert act("publish") == "PUBLISHED"
    listings.revise(complete, details={"tagline": "More"}, by=partner_user, on=today)
    page = browser.get(f"/admin/marketplace/app/{complete.pk}/change/")
    assert "More" in page.content.decode()
