"""Ranges of local days, counted from an anchor. No clock, no database, no Django.

Period n of frequency f on anchor A runs from A + n·f months up to, and without,
A + (n + 1)·f months. Each end is counted from A itself and clamped to its month:
31 January, 28 February, 31 March. Terms are periods too; nothing chains from the
previous date.

All days are `date`s of the account's time zone and all frequencies whole months.
A wrong type is refused with TypeError, a wrong value with ValueError.
"""

from calendar import monthrange
from datetime import MAXYEAR, MINYEAR, date, datetime, timedelta
from itertools import pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo


class Period(NamedTuple):
    """The local days from `start` up to, and without, `end`."""

    start: date
    end: date


def add_months(anchor: date, months: int) -> date:
    """The anchor's day so many months on, or the last day of a shorter month (T1).

    `months` may be negative. Refuses a result outside the years 1 to 9999.
    """
    _check_days(anchor=anchor)
    _check_whole(months=months)
    year, month = divmod(anchor.year * 12 + anchor.month - 1 + months, 12)
    if not MINYEAR <= year <= MAXYEAR:
        raise ValueError(f"{months} months from {anchor} leave the years 1 to 9999")
    return date(year, month + 1, min(anchor.day, monthrange(year, month + 1)[1]))


def period(anchor: date, frequency: int, n: int) -> Period:
    """Period n of the anchor, the first being 0 (T1).

    `frequency` in months. Refuses n below 0, a frequency below 1 and a period that
    leaves the years 1 to 9999.
    """
    _check_whole(frequency=frequency, least=1)
    _check_whole(n=n, least=0)
    return Period(
        add_months(anchor, n * frequency), add_months(anchor, (n + 1) * frequency)
    )


def index_on(anchor: date, frequency: int, day: date) -> int:
    """The n of the period that holds this local day, however far away it is (T1).

    `frequency` in months. Refuses a day before the anchor and a frequency below 1.
    """
    _check_days(anchor=anchor, day=day)
    _check_whole(frequency=frequency, least=1)
    if day < anchor:
        raise ValueError(f"{day} is before the anchor {anchor}")
    months = (day.year - anchor.year) * 12 + day.month - anchor.month
    n = months // frequency
    return n if add_months(anchor, n * frequency) <= day else n - 1


def period_on(anchor: date, frequency: int, day: date) -> Period:
    """The whole period that holds this local day (T1).

    `frequency` in months. Refuses what `index_on` and `period` refuse.
    """
    return period(anchor, frequency, index_on(anchor, frequency, day))


def periods(anchor: date, frequency: int, *, start: date, end: date) -> list[Period]:
    """The anchor's periods cut to the local days [start, end), in order (T1).

    The first and the last may be parts of a period; no days give no periods.
    `frequency` in months. Refuses a start before the anchor, an end before the
    start and a frequency below 1.
    """
    _check_days(end=end)
    first = index_on(anchor, frequency, start)
    if end < start:
        raise ValueError(f"the end {end} is before the start {start}")
    if end == start:
        return []
    last = index_on(anchor, frequency, end - timedelta(days=1))
    starts = [add_months(anchor, n * frequency) for n in range(first + 1, last + 1)]
    return [Period(*days) for days in pairwise([start, *starts, end])]


def local_day(instant: datetime, timezone: str) -> date:
    """The calendar day that a moment falls on in a time zone, as "Europe/Lisbon" (T19).

    Refuses a naive datetime, an unknown zone and a day outside the years 1 to 9999.
    """
    if not isinstance(instant, datetime):
        raise TypeError(f"instant must be a datetime, not {_kind(instant)}")
    if instant.utcoffset() is None:
        raise ValueError(f"{instant} is naive: an instant says its offset from UTC")
    try:
        return instant.astimezone(_zone(timezone)).date()
    except OverflowError as error:
        raise ValueError(f"{instant} leaves the years 1 to 9999") from error


def _zone(name: str) -> ZoneInfo:
    if not isinstance(name, str):
        raise TypeError(f"timezone must be a str, not {_kind(name)}")
    try:
        return ZoneInfo(name)
    except (LookupError, OSError, ValueError) as error:
        raise ValueError(f"{name!r} is not a known time zone") from error


def _check_days(**days: object) -> None:
    """A datetime is a date to Python, but here it is a moment and no day."""
    for name, day in days.items():
        if not isinstance(day, date) or isinstance(day, datetime):
            raise TypeError(f"{name} must be a date, not {_kind(day)}")


def _check_whole(*, least: int | None = None, **numbers: object) -> None:
    """A bool is an int to Python, but it counts nothing here."""
    for name, number in numbers.items():
        if not isinstance(number, int) or isinstance(number, bool):
            raise TypeError(f"{name} must be an int, not {_kind(number)}")
        if least is not None and number < least:
            raise ValueError(f"{name} must be {least} or more, not {number}")


def _kind(thing: object) -> str:
    return type(thing).__name__
