"""Working time: the arithmetic equals a count of minutes, on days when clocks move too."""

import random
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from support import working_time
from support.working_time import Hours

CASES = 10_000
MINUTE = timedelta(minutes=1)
LISBON = ZoneInfo("Europe/Lisbon")
OFFICE = ((time(9), time(12, 30)), (time(13, 30), time(18)))
WEEKDAYS = (OFFICE,) * 5 + ((), ())
# Around each of these days the clock of the zone moves, by an hour, half an hour or a day.
TURNS = [
    ("Europe/Lisbon", date(2026, 3, 29)),
    ("Europe/Lisbon", date(2026, 10, 25)),
    ("America/New_York", date(2026, 3, 8)),
    ("America/New_York", date(2026, 11, 1)),
    ("Australia/Lord_Howe", date(2026, 4, 5)),
    ("Australia/Lord_Howe", date(2026, 10, 4)),
    ("America/Santiago", date(2026, 9, 6)),
    ("Pacific/Apia", date(2011, 12, 30)),
    ("Asia/Kathmandu", date(2026, 7, 1)),
    ("UTC", date(2026, 12, 31)),
]


def counted(hours: Hours, start: datetime, minutes: int) -> list[bool]:
    """For each of the next minutes, whether the clock on the wall says it is worked."""
    zone, found = ZoneInfo(hours.timezone), []
    for number in range(minutes):
        local = (start + number * MINUTE).astimezone(zone)
        day, clock = local.date(), local.time()
        closed = day in hours.closures or day in hours.holidays
        found.append(
            not closed
            and any(
                opens <= clock and (clock < closes or closes == time(0))
                for opens, closes in hours.week[day.weekday()]
            )
        )
    return found


def some_hours(chance: random.Random) -> tuple[Hours, datetime]:
    """A calendar and a moment, at random; half of them where the clock moves."""
    zone, day = chance.choice(TURNS)
    if chance.random() < 0.5:
        day += timedelta(days=chance.randrange(-200, 200))
    week = tuple(_some_intervals(chance) for _day in range(7))
    around = [day + timedelta(days=number) for number in range(-1, 3)]
    hours = Hours(
        zone,
        week,
        holidays={chance.choice(around)} if chance.random() < 0.3 else frozenset(),
        closures={chance.choice(around)} if chance.random() < 0.3 else frozenset(),
    )
    start = datetime.combine(day, time(0), ZoneInfo(zone)).astimezone(UTC)
    return hours, start + chance.randrange(-24 * 60, 30 * 60) * MINUTE


def _some_intervals(chance: random.Random):
    """None to three intervals of a day; the last may end at midnight, two may overlap."""
    found = []
    for _one in range(chance.choice([0, 1, 1, 2, 3])):
        opens = chance.choice([0, chance.randrange(24 * 60 - 1)])
        closes = chance.choice([24 * 60, chance.randrange(opens + 1, 24 * 60 + 1)])
        found.append((_clock(opens), _clock(closes)))
    return tuple(found)


def _clock(minutes: int) -> time:
    return time(minutes // 60 % 24, minutes % 60)


def test_it_equals_a_count_of_minutes_in_ten_thousand_cases():
    chance, wrong, passed = random.Random(4), [], 0
    for case in range(CASES):
        hours, start = some_hours(chance)
        length = chance.randrange(1, 40 * 60)
        minutes = counted(hours, start, length)
        expected = sum(minutes)
        if working_time.worked(hours, start, start + length * MINUTE) != (
            expected * MINUTE
        ):
            wrong.append((case, "worked"))
        if expected:
            passed += 1
            wanted = chance.randrange(1, expected + 1)
            due = _nth(minutes, wanted)
            if (
                working_time.after(hours, start, wanted * MINUTE)
                != start + due * MINUTE
            ):
                wrong.append((case, "after"))

    assert wrong == []
    assert passed > CASES / 2


def _nth(minutes: list[bool], wanted: int) -> int:
    """How many minutes pass until so many of them were worked."""
    for number, works in enumerate(minutes, 1):
        wanted -= works
        if not wanted:
            return number
    raise AssertionError


def lisbon(*moment) -> datetime:
    return datetime(*moment, tzinfo=LISBON)


class TestADesk:
    """Portugal's: nine to half past twelve, half past one to six."""

    HOURS = Hours("Europe/Lisbon", WEEKDAYS, closures={date(2026, 12, 1)})

    @pytest.mark.parametrize(
        ("asked", "minutes", "due"),
        [
            (lisbon(2026, 11, 23, 9), 60, lisbon(2026, 11, 23, 10)),
            (lisbon(2026, 11, 23, 12), 60, lisbon(2026, 11, 23, 14)),
            (lisbon(2026, 11, 23, 17), 60, lisbon(2026, 11, 23, 18)),
            (lisbon(2026, 11, 23, 17, 30), 60, lisbon(2026, 11, 24, 9, 30)),
            (lisbon(2026, 11, 27, 17, 30), 60, lisbon(2026, 11, 30, 9, 30)),
            (lisbon(2026, 11, 30, 18), 480, lisbon(2026, 12, 2, 18)),
            (lisbon(2026, 11, 23, 3), 0, lisbon(2026, 11, 23, 3)),
        ],
    )
    def test_answers_within_its_hours(self, asked, minutes, due):
        assert working_time.after(self.HOURS, asked, minutes * MINUTE) == due

    def test_works_nothing_backwards(self):
        late, early = lisbon(2026, 11, 24, 12), lisbon(2026, 11, 23, 9)

        assert working_time.worked(self.HOURS, late, early) == timedelta()

    @pytest.mark.parametrize(
        ("at", "horizon"),
        [
            (lisbon(2026, 11, 23, 10), lisbon(2026, 11, 25, 10)),
            (lisbon(2026, 11, 26, 10), lisbon(2026, 11, 30, 10)),
            (lisbon(2026, 11, 27, 0), lisbon(2026, 12, 2, 0)),
            (lisbon(2026, 11, 28, 10), lisbon(2026, 12, 3, 0)),
            (lisbon(2026, 12, 1, 10), lisbon(2026, 12, 4, 0)),
        ],
    )
    def test_counts_business_days_over_weekends_and_closures(self, at, horizon):
        assert working_time.business_days_after(self.HOURS, at, 2) == horizon

    def test_two_business_days_never_end_sooner_for_being_counted_later(self):
        moments = [
            lisbon(2026, 11, 26) + number * MINUTE for number in range(0, 9000, 7)
        ]
        ends = [working_time.business_days_after(self.HOURS, at, 2) for at in moments]

        assert ends == sorted(ends)


def test_an_hour_over_the_spring_change_is_an_hour_that_passes():
    """A desk that never closes: at one in the night the clock is set to two."""
    always = Hours("Europe/Lisbon", (((time(0), time(0)),),) * 7)
    start = datetime(2026, 3, 29, 0, 30, tzinfo=UTC)

    assert working_time.after(always, start, 60 * MINUTE) == start + 60 * MINUTE
    assert working_time.worked(always, start, start + timedelta(days=1)) == timedelta(
        days=1
    )


def test_a_calendar_that_never_opens_promises_nothing():
    never = Hours("UTC", ((),) * 7)

    with pytest.raises(working_time.NeverOpen):
        working_time.after(never, datetime(2026, 11, 23, tzinfo=UTC), MINUTE)
