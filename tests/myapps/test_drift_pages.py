"""Drift is shown to both sides, with one click that sends the truth again (T9)."""

import re

import pytest
from django.urls import reverse
from django.utils import timezone

from journal.models import Message
from myapps import drift
from myapps.models import Installation, Seat
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def installation(install, plan, people, contract, app, partner_user, present):
    app.partner.members.add(partner_user)
    return install(plan, people(2))


@pytest.fixture
def drifted(installation, partner_user, on):
    drift.report(
        installation, emails=["ghost@nowhere.example"], ids=[], by=partner_user, on=on,
        at=timezone.now(),
    )  # fmt: skip
    return installation


def text(response):
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


def test_the_administrator_is_told_on_every_page_of_the_app(drifted, client_of, admin):
    browser = client_of(admin)

    news = text(browser.get(reverse("myapps:users", args=["box"])))
    index = text(browser.get(reverse("myapps:index")))
    page = text(browser.get(reverse("myapps:differences", args=["box"])))

    assert "differs from My Apps in 3 users" in news
    assert "3 differ" in index
    assert "ghost@nowhere.example" in page
    assert "Nobody of this account" in page
    for seat in Seat.objects.select_related("user"):
        assert seat.user.email in page


def test_one_click_sends_the_truth_and_changes_no_seat(
    drifted, app, client_of, admin, partner_user
):
    factories.EndpointFactory(partner_id=app.partner_id)
    before = set(Seat.objects.values_list("user", flat=True))

    for person, there in [
        (admin, reverse("myapps:repair", args=["box"])),
        (partner_user, reverse("myapps:portal-repair", args=[drifted.pk])),
    ]:
        said = text(client_of(person).post(there, follow=True))
        assert "again" in said

    assert Message.objects.filter(event="app.updated").count() == 2
    assert set(Seat.objects.values_list("user", flat=True)) == before


def test_without_an_endpoint_there_is_no_button_that_does_nothing(
    drifted, client_of, admin, partner_user
):
    page = client_of(admin).get(reverse("myapps:differences", args=["box"]))
    portal = client_of(partner_user).get(
        reverse("myapps:portal-differences", args=[drifted.pk])
    )

    assert "Send the list again" not in text(page)
    assert "Send me the list again" not in text(portal)
    refused = client_of(admin).post(reverse("myapps:repair", args=["box"]), follow=True)
    assert "takes no events" in text(refused)


def test_the_partner_sees_who_differs_and_filters_by_it(
    drifted, client_of, partner_user
):
    browser = client_of(partner_user)

    index = text(browser.get(reverse("myapps:portal"), {"state": "differs"}))
    page = text(browser.get(reverse("myapps:portal-differences", args=[drifted.pk])))

    assert "3 differ" in index
    assert "ghost@nowhere.example" in page


def test_when_nothing_differs_both_are_told_so(
    drifted, client_of, admin, partner_user, on
):
    seats = Seat.objects.filter(installation=drifted)
    drift.report(
        drifted, emails=seats.values_list("user__email", flat=True), ids=[],
        by=partner_user, on=on, at=timezone.now(),
    )  # fmt: skip

    page = text(client_of(admin).get(reverse("myapps:differences", args=["box"])))
    assert "Nothing differs" in page
    browser = client_of(partner_user)
    index = text(browser.get(reverse("myapps:portal"), {"state": "differs"}))
    assert "No installation is like that" in index
    assert Installation.objects.count() == 1
