"""A private address for a calendar of term ends."""

import pytest
from django.urls import reverse
from icalendar import Calendar

from accounts import authority
from journal.models import Activity
from myapps.models import CalendarFeed

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("present")]


@pytest.fixture
def browser(admin, client_of):
    return client_of(admin)


@pytest.fixture
def make(browser):
    return lambda: browser.post(reverse("myapps:calendar")).context["address"]


def test_it_has_each_term_end_and_the_days_ahead_of_it(line, make, client):
    line()

    answer = client.get(make())

    events = Calendar.from_ical(answer.content).events
    assert answer["Content-Type"].startswith("text/calendar")
    assert sorted(str(one.start) for one in events) == [
        "2027-01-01", "2027-01-24", "2027-01-30", "2027-01-31",
    ]  # fmt: skip
    assert len({one.uid for one in events}) == 4


def test_what_did_not_change_is_not_sent_again(line, make, client):
    line()
    address = make()
    first = client.get(address)

    again = client.get(address, headers={"If-None-Match": first["ETag"]})

    assert (again.status_code, again.content) == (304, b"")
    assert "private" in first["Cache-Control"]


def test_only_a_digest_is_kept_and_the_journal_tells_of_it(make):
    token = make().rpartition("/")[2].removesuffix(".ics")

    assert CalendarFeed.objects.get().digest != token
    assert Activity.objects.filter(verb="calendar.made").count() == 1


def test_another_address_ends_the_one_before(make, client):
    before = make()

    assert client.get(make()).status_code == 200
    assert client.get(before).status_code == 404


def test_revoked_it_is_not_found(make, browser, client):
    address = make()

    browser.post(reverse("myapps:revoke-calendar"))

    assert client.get(address).status_code == 404


def test_it_ends_with_the_authority(make, admin, administrators, today, client):
    address = make()

    authority.revoke(administrators, authority.MANAGE, by=None, on=today)

    assert client.get(address).status_code == 404


def test_it_ends_with_the_person(make, admin, client):
    address = make()
    admin.is_active = False
    admin.save()

    assert client.get(address).status_code == 404


def test_a_guessed_address_is_not_found(client, db):
    assert client.get("/calendar/" + "x" * 43 + ".ics").status_code == 404
