"""The edges of the calendar: clamped months, half-open periods, local days."""

from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from time import perf_counter

import pytest

from billing import periods
from billing.periods import Period

LAST_OF_JANUARY = date(2027, 1, 31)
LEAP_DAY = date(2028, 2, 29)


class Offsetless(tzinfo):
    """Says that it is a time zone and then does not know its offset."""

    def utcoffset(self, moment):
        return None


@pytest.mark.parametrize(
    ("anchor", "months", "day"),
    [
        (date(2027, 3, 15), 0, date(2027, 3, 15)),
        (date(2027, 3, 15), 1, date(2027, 4, 15)),
        (date(2027, 3, 15), 10, date(2028, 1, 15)),
        (date(2027, 3, 15), -3, date(2026, 12, 15)),
        (date(2027, 12, 15), 1, date(2028, 1, 15)),
        (date(2027, 12, 15), 12, date(2028, 12, 15)),
        (LAST_OF_JANUARY, 1, date(2027, 2, 28)),
        (LAST_OF_JANUARY, 2, date(2027, 3, 31)),
        (LAST_OF_JANUARY, 3, date(2027, 4, 30)),
        (LAST_OF_JANUARY, 13, date(2028, 2, 29)),
        (LAST_OF_JANUARY, -2, date(2026, 11, 30)),
        (LAST_OF_JANUARY, -11, date(2026, 2, 28)),
        (date(2027, 1, 29), 1, date(2027, 2, 28)),
        (LEAP_DAY, 12, date(2029, 2, 28)),
        (LEAP_DAY, 48, date(2032, 2, 29)),
        (LEAP_DAY, 72 * 12, date(2100, 2, 28)),
        (LEAP_DAY, -28 * 12, date(2000, 2, 29)),
        (date(2027, 2, 28), 1, date(2027, 3, 28)),
        (date(1, 1, 1), 0, date(1, 1, 1)),
        (date(1, 1, 31), 9999 * 12 - 1, date(9999, 12, 31)),
        (date(9999, 12, 31), -(9999 * 12 - 1), date(1, 1, 31)),
    ],
)
def test_months_are_counted_from_the_anchor_and_clamped(anchor, months, day):
    assert periods.add_months(anchor, months) == day


@pytest.mark.parametrize(
    ("anchor", "months"),
    [
        (date(9999, 12, 1), 1),
        (date(1, 1, 31), -1),
        (date(2027, 1, 1), 10**30),
        (date(2027, 1, 1), -(10**30)),
    ],
)
def test_months_that_leave_the_calendar_are_refused(anchor, months):
    with pytest.raises(ValueError, match="years 1 to 9999"):
        periods.add_months(anchor, months)


@pytest.mark.parametrize(
    ("anchor", "frequency", "n", "start", "end"),
    [
        (LAST_OF_JANUARY, 1, 0, LAST_OF_JANUARY, date(2027, 2, 28)),
        (LAST_OF_JANUARY, 1, 1, date(2027, 2, 28), date(2027, 3, 31)),
        (LAST_OF_JANUARY, 3, 1, date(2027, 4, 30), date(2027, 7, 31)),
        (LEAP_DAY, 12, 0, LEAP_DAY, date(2029, 2, 28)),
        (LEAP_DAY, 12, 3, date(2031, 2, 28), date(2032, 2, 29)),
        (date(2027, 5, 10), 6, 2, date(2028, 5, 10), date(2028, 11, 10)),
        (date(2027, 5, 10), 36, 1, date(2030, 5, 10), date(2033, 5, 10)),
    ],
)
def test_a_period_is_half_open_and_counted_from_the_anchor(
    anchor, frequency, n, start, end
):
    assert periods.period(anchor, frequency, n) == Period(start, end)


def test_a_period_unpacks_into_its_two_days():
    start, end = periods.period(date(2027, 5, 10), 1, 0)

    assert (end - start).days == 31


@pytest.mark.parametrize(
    ("anchor", "frequency", "day", "n"),
    [
        (LAST_OF_JANUARY, 1, LAST_OF_JANUARY, 0),
        (LAST_OF_JANUARY, 1, date(2027, 2, 27), 0),
        (LAST_OF_JANUARY, 1, date(2027, 2, 28), 1),
        (LAST_OF_JANUARY, 1, date(2027, 3, 30), 1),
        (LAST_OF_JANUARY, 1, date(2027, 3, 31), 2),
        (LAST_OF_JANUARY, 1, date(2028, 2, 28), 12),
        (LAST_OF_JANUARY, 1, date(2028, 2, 29), 13),
        (LAST_OF_JANUARY, 3, date(2027, 4, 29), 0),
        (LAST_OF_JANUARY, 3, date(2027, 4, 30), 1),
        (LEAP_DAY, 12, date(2029, 2, 27), 0),
        (LEAP_DAY, 12, date(2029, 2, 28), 1),
        (LEAP_DAY, 12, date(2032, 2, 28), 3),
        (LEAP_DAY, 12, date(2032, 2, 29), 4),
        (date(2027, 5, 10), 1, date(2027, 6, 9), 0),
        (date(2027, 5, 10), 1, date(2027, 6, 10), 1),
        (date(2027, 5, 10), 10**30, date(9999, 12, 31), 0),
        (date(1, 1, 1), 1, date(9999, 12, 31), 9999 * 12 - 1),
    ],
)
def test_the_index_is_that_of_the_period_which_holds_the_day(anchor, frequency, day, n):
    assert periods.index_on(anchor, frequency, day) == n


def test_finding_the_index_takes_no_longer_for_a_far_day():
    def seconds(day):
        began = perf_counter()
        for _ in range(200):
            periods.index_on(date(1, 1, 31), 1, day)
        return perf_counter() - began

    near = min(seconds(date(1, 3, 1)) for _ in range(5))
    far = min(seconds(date(9999, 12, 31)) for _ in range(5))

    assert far < 20 * near  # walking 120,000 periods would take thousands of times


def test_the_period_on_a_day_holds_that_day():
    assert periods.period_on(LAST_OF_JANUARY, 1, date(2027, 3, 30)) == Period(
        date(2027, 2, 28), date(2027, 3, 31)
    )


@pytest.mark.parametrize("question", [periods.index_on, periods.period_on])
def test_a_day_before_the_anchor_has_no_period(question):
    with pytest.raises(ValueError, match="2027-01-30 is before the anchor"):
        question(LAST_OF_JANUARY, 1, date(2027, 1, 30))


def test_a_period_below_0_is_refused():
    with pytest.raises(ValueError, match="n must be 0 or more"):
        periods.period(LAST_OF_JANUARY, 1, -1)


def test_a_period_that_leaves_the_calendar_is_refused():
    with pytest.raises(ValueError, match="years 1 to 9999"):
        periods.period_on(date(2027, 1, 15), 1, date(9999, 12, 20))


def test_the_grid_is_cut_to_the_days_asked_for():
    grid = periods.periods(
        LAST_OF_JANUARY, 1, start=date(2027, 2, 10), end=date(2027, 4, 5)
    )

    assert grid == [
        Period(date(2027, 2, 10), date(2027, 2, 28)),
        Period(date(2027, 2, 28), date(2027, 3, 31)),
        Period(date(2027, 3, 31), date(2027, 4, 5)),
    ]


def test_a_grid_on_the_boundaries_holds_whole_periods_only():
    grid = periods.periods(LEAP_DAY, 12, start=LEAP_DAY, end=date(2030, 2, 28))

    assert grid == [periods.period(LEAP_DAY, 12, 0), periods.period(LEAP_DAY, 12, 1)]


def test_days_within_one_period_are_one_cut_period():
    days = Period(date(2027, 3, 1), date(2027, 3, 2))

    grid = periods.periods(LAST_OF_JANUARY, 1, start=days.start, end=days.end)

    assert grid == [days]


@pytest.mark.parametrize("day", [LAST_OF_JANUARY, date(2027, 2, 28), date.max])
def test_no_days_have_no_periods(day):
    assert periods.periods(LAST_OF_JANUARY, 1, start=day, end=day) == []


def test_the_grid_reaches_the_last_day_of_the_calendar():
    grid = periods.periods(
        date(2027, 1, 15), 1, start=date(9999, 11, 20), end=date(9999, 12, 31)
    )

    assert grid == [
        Period(date(9999, 11, 20), date(9999, 12, 15)),
        Period(date(9999, 12, 15), date(9999, 12, 31)),
    ]


@pytest.mark.parametrize("end", [date(2027, 1, 30), date(2027, 3, 1)])
def test_a_grid_that_starts_before_the_anchor_is_refused(end):
    with pytest.raises(ValueError, match="before the anchor"):
        periods.periods(LAST_OF_JANUARY, 1, start=date(2027, 1, 30), end=end)


def test_a_grid_that_ends_before_it_starts_is_refused():
    with pytest.raises(ValueError, match="before the start"):
        periods.periods(
            LAST_OF_JANUARY, 1, start=date(2027, 3, 2), end=date(2027, 3, 1)
        )


@pytest.mark.parametrize("frequency", [0, -1])
def test_a_frequency_below_one_month_is_refused(frequency):
    day = LAST_OF_JANUARY
    for ask in (
        lambda: periods.period(day, frequency, 0),
        lambda: periods.index_on(day, frequency, day),
        lambda: periods.period_on(day, frequency, day),
        lambda: periods.periods(day, frequency, start=day, end=day),
    ):
        with pytest.raises(ValueError, match="frequency must be 1 or more"):
            ask()


@pytest.mark.parametrize("number", [1.0, True, "1", None])
def test_only_ints_are_whole_numbers(number):
    day = LAST_OF_JANUARY
    for ask in (
        lambda: periods.add_months(day, number),
        lambda: periods.period(day, number, 1),
        lambda: periods.period(day, 1, number),
        lambda: periods.index_on(day, number, day),
        lambda: periods.period_on(day, number, day),
        lambda: periods.periods(day, number, start=day, end=day),
    ):
        with pytest.raises(TypeError, match="must be an int"):
            ask()


@pytest.mark.parametrize(
    "wrong",
    [
        datetime(2027, 1, 31),
        datetime(2027, 1, 31, tzinfo=UTC),
        "2027-01-31",
        20270131,
        None,
    ],
)
def test_only_dates_are_days(wrong):
    day = LAST_OF_JANUARY
    for ask in (
        lambda: periods.add_months(wrong, 1),
        lambda: periods.period(wrong, 1, 0),
        lambda: periods.index_on(wrong, 1, day),
        lambda: periods.index_on(day, 1, wrong),
        lambda: periods.period_on(wrong, 1, day),
        lambda: periods.period_on(day, 1, wrong),
        lambda: periods.periods(wrong, 1, start=day, end=day),
        lambda: periods.periods(day, 1, start=wrong, end=day),
        lambda: periods.periods(day, 1, start=day, end=wrong),
    ):
        with pytest.raises(TypeError, match="must be a date"):
            ask()


@pytest.mark.parametrize(
    ("instant", "zone", "day"),
    [
        (datetime(2026, 11, 29, 10, 59, tzinfo=UTC), "Pacific/Auckland", 29),
        (datetime(2026, 11, 29, 11, 0, tzinfo=UTC), "Pacific/Auckland", 30),
        (datetime(2026, 11, 29, 7, 59, tzinfo=UTC), "America/Los_Angeles", 28),
        (datetime(2026, 11, 29, 8, 0, tzinfo=UTC), "America/Los_Angeles", 29),
        (datetime(2026, 11, 29, 18, 29, tzinfo=UTC), "Asia/Kolkata", 29),
        (datetime(2026, 11, 29, 18, 30, tzinfo=UTC), "Asia/Kolkata", 30),
        (
            datetime(2026, 11, 29, 23, 0, tzinfo=timezone(timedelta(hours=-1))),
            "UTC",
            30,
        ),
    ],
)
def test_an_instant_falls_on_the_day_of_the_zone(instant, zone, day):
    assert periods.local_day(instant, zone) == date(2026, 11, day)


def test_a_local_day_is_a_day_and_no_moment():
    day = periods.local_day(datetime(2027, 1, 31, tzinfo=UTC), "Europe/Lisbon")

    assert type(day) is date


@pytest.mark.parametrize(
    "instant", [datetime(2027, 1, 31), datetime(2027, 1, 31, tzinfo=Offsetless())]
)
def test_a_naive_datetime_is_no_instant(instant):
    with pytest.raises(ValueError, match="naive"):
        periods.local_day(instant, "Europe/Lisbon")


@pytest.mark.parametrize("instant", [LAST_OF_JANUARY, "2027-01-31T00:00Z", 0, None])
def test_only_a_datetime_is_an_instant(instant):
    with pytest.raises(TypeError, match="instant must be a datetime"):
        periods.local_day(instant, "Europe/Lisbon")


@pytest.mark.parametrize("zone", ["", "Mars/Olympus", "Europe", "../etc/passwd"])
def test_an_unknown_zone_is_refused(zone):
    with pytest.raises(ValueError, match="not a known time zone"):
        periods.local_day(datetime(2027, 1, 31, tzinfo=UTC), zone)


@pytest.mark.parametrize("zone", [UTC, None, 1])
def test_a_zone_is_given_by_its_name(zone):
    with pytest.raises(TypeError, match="timezone must be a str"):
        periods.local_day(datetime(2027, 1, 31, tzinfo=UTC), zone)


@pytest.mark.parametrize(
    ("instant", "zone"),
    [
        (datetime.max.replace(tzinfo=UTC), "Pacific/Auckland"),
        (datetime.min.replace(tzinfo=UTC), "America/Los_Angeles"),
    ],
)
def test_a_local_day_outside_the_calendar_is_refused(instant, zone):
    with pytest.raises(ValueError, match="years 1 to 9999"):
        periods.local_day(instant, zone)
