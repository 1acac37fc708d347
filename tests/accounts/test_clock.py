"""The present: set for all, refused in production, asked once a request."""

from datetime import UTC, date, datetime

import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.core.signals import request_finished, request_started

from accounts import clock
from accounts.models import PinnedClock

LATE = datetime(2026, 11, 29, 10, 59, tzinfo=UTC)


@pytest.fixture
def settable(db, settings):
    settings.CLOCK_SETTABLE = True


@pytest.fixture
def request_runs():
    clock.forget(signal=request_started)
    yield
    clock._leave(signal=request_finished)


@pytest.mark.usefixtures("settable")
def test_the_day_is_the_time_zones_own():
    clock.set_to(LATE)

    assert clock.today("Pacific/Auckland") == date(2026, 11, 29)
    clock.set_to(LATE.replace(hour=11, minute=0))
    assert clock.today("Pacific/Auckland") == date(2026, 11, 30)
    assert clock.today("America/New_York") == date(2026, 11, 29)


@pytest.mark.usefixtures("settable")
def test_a_cleared_clock_runs():
    clock.set_to(LATE)
    clock.set_to(None)

    assert abs((clock.now() - datetime.now(UTC)).total_seconds()) < 5


def test_a_clock_that_is_not_settable_ignores_the_row(settings, db):
    settings.CLOCK_SETTABLE = False
    PinnedClock.objects.create(pk=1, now=LATE)

    assert clock.now() != LATE
    with pytest.raises(ValidationError) as refusal:
        clock.set_to(LATE)
    assert refusal.value.code == "clock_fixed"


@pytest.mark.usefixtures("settable", "request_runs")
def test_a_request_asks_once(django_assert_num_queries):
    with django_assert_num_queries(1):
        clock.now()
        clock.today("UTC")


@pytest.mark.usefixtures("settable")
def test_outside_of_requests_nothing_is_kept(django_assert_num_queries):
    with django_assert_num_queries(2):
        clock.now()
        clock.now()


@pytest.mark.usefixtures("settable", "request_runs")
def test_the_next_request_asks_again():
    clock.now()
    PinnedClock.objects.create(pk=1, now=LATE)

    clock.forget(signal=request_started)

    assert clock.now() == LATE


@pytest.mark.usefixtures("settable")
class TestTheCommand:
    def test_sets_the_day_for_everybody(self):
        call_command("set_today", "2026-12-01")

        assert clock.today("Europe/Lisbon") == date(2026, 12, 1)

    def test_lets_the_clock_run_again(self):
        call_command("set_today", "2026-12-01")
        call_command("set_today", "--clear")

        assert not PinnedClock.objects.exists()

    def test_says_how_a_day_is_written(self):
        with pytest.raises(CommandError, match="2026-12-01"):
            call_command("set_today", "tomorrow")

    def test_is_refused_where_the_clock_is_not_settable(self, settings):
        settings.CLOCK_SETTABLE = False

        with pytest.raises(CommandError, match="CLOCK_SETTABLE"):
            call_command("set_today", "2026-12-01")
