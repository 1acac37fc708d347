"""Who leads the desk sets in the admin when it works and what it promises."""

import pytest
from django.urls import reverse

from support import promises
from support.models import Calendar, ServicePromise

pytestmark = pytest.mark.django_db


@pytest.fixture
def form():
    """A calendar that works on Mondays from nine, and is closed on a day of its own."""
    return {
        "name": "Night desk",
        "timezone": "America/New_York",
        "country": "us",
        "subdivision": "NY",
        "hours-TOTAL_FORMS": "1",
        "hours-INITIAL_FORMS": "0",
        "hours-0-weekday": "0",
        "hours-0-opens": "09:00",
        "hours-0-closes": "00:00",
        "closures-TOTAL_FORMS": "1",
        "closures-INITIAL_FORMS": "0",
        "closures-0-on": "2026-11-30",
        "closures-0-name": "Moving",
    }


def test_a_calendar_has_hours_holidays_and_closures(form, sales, client_of, today):
    answer = client_of(sales).post(reverse("admin:support_calendar_add"), form)

    assert answer.status_code == 302
    hours = promises.hours_of(Calendar.objects.get(name="Night desk"))
    assert hours.works_on(today)
    assert not hours.works_on(today.replace(day=24))
    assert not hours.works_on(today.replace(day=30))


@pytest.mark.parametrize(
    ("field", "value"),
    [("country", "XX"), ("subdivision", "ZZ"), ("timezone", "Mars/Base")],
)
def test_a_place_that_is_not_known_is_refused(form, sales, client_of, field, value):
    answer = client_of(sales).post(
        reverse("admin:support_calendar_add"), form | {field: value}
    )

    assert answer.status_code == 200
    assert answer.context["adminform"].form.errors.keys() == {field}


def test_promises_are_for_a_category_and_priority_once(sales, client_of):
    calendar = Calendar.objects.create(name="Desk", timezone="UTC")
    ServicePromise.objects.all().delete()
    form = {
        "category": "CHARGE",
        "priority": "2",
        "calendar": calendar.pk,
        "first_answer_minutes": "60",
        "next_answer_minutes": "60",
        "solution_minutes": "600",
    }
    address = reverse("admin:support_servicepromise_add")

    answers = [client_of(sales).post(address, form).status_code for _time in range(2)]

    assert answers == [302, 200]
    assert ServicePromise.objects.count() == 1


def test_support_without_the_admin_cannot(support, client_of):
    answer = client_of(support).get(reverse("admin:support_calendar_add"))

    assert answer.status_code == 302
