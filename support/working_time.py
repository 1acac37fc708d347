"""Arithmetic on working time: when a desk works, and how much of it lies between moments.

No clock, no database, no Django. A week is a list of intervals for each weekday, as the
clock on the wall of one time zone shows them; public holidays and closures are closed all
day. Where that clock is set forward or back, the minutes that really pass are counted.
Moments are aware datetimes; what comes back is in UTC.
"""

from collections.abc import Container, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

DAY = timedelta(days=1)
MIDNIGHT = time(0)
FARTHEST = 20 * 366
"""Days that are looked through for working time, before a calendar is called empty."""


class NeverOpen(ValueError):
    """The calendar has no working time where some was looked for."""


@dataclass(frozen=True)
class Hours:
    """When a desk works. `week` has seven entries, Monday first; in each the intervals
    (opens, closes) of that weekday. Closing at 00:00 is the midnight that ends the day.
    """

    timezone: str
    week: tuple[tuple[tuple[time, time], ...], ...]
    holidays: Container[date] = frozenset()
    closures: Container[date] = frozenset()

    def works_on(self, day: date) -> bool:
        """Whether the desk works at all on a day of its calendar."""
        return bool(
            self.week[day.weekday()]
            and day not in self.closures
            and day not in self.holidays
        )


def worked(hours: Hours, start: datetime, end: datetime) -> timedelta:
    """The working time between two moments; none where the end is not the later one."""
    total = timedelta()
    if end <= start:
        return total
    for opens, closes in _stretches(hours, start, until=end):
        total += min(closes, end) - max(opens, start)
    return total


def after(hours: Hours, start: datetime, length: timedelta) -> datetime:
    """The first moment at which so much working time has passed since `start`.

    Nothing to pass is over at once. An hour promised one hour before the desk closes is
    due as it closes, not as it opens again. Raises NeverOpen for an empty calendar.
    """
    start = start.astimezone(UTC)
    if length <= timedelta():
        return start
    for opens, closes in _stretches(hours, start):
        opens = max(opens, start)
        if length <= closes - opens:
            return opens + length
        length -= closes - opens
    raise NeverOpen(hours.timezone)


def business_days_after(hours: Hours, start: datetime, days: int) -> datetime:
    """The same time of day so many business days later.

    A business day is one on which the desk works at all. From any other day it is
    counted as from the beginning of the next business day. Raises NeverOpen.
    """
    local = start.astimezone(ZoneInfo(hours.timezone))
    day, clock = local.date(), local.time()
    first = _business_day(hours, day)
    if first != day:
        day, clock = first, MIDNIGHT
    for _step in range(days):
        day = _business_day(hours, day + DAY)
    return datetime.combine(day, clock, ZoneInfo(hours.timezone)).astimezone(UTC)


def _business_day(hours: Hours, day: date) -> date:
    """The first day from the given one on that the desk works."""
    for later in range(FARTHEST):
        if hours.works_on(day + later * DAY):
            return day + later * DAY
    raise NeverOpen(hours.timezone)


def _stretches(
    hours: Hours, start: datetime, until: datetime | None = None
) -> Iterator[tuple[datetime, datetime]]:
    """Working stretches in UTC that end after a moment, in order, and without overlap."""
    zone = ZoneInfo(hours.timezone)
    day = start.astimezone(zone).date()
    last = until.astimezone(zone).date() if until else day + FARTHEST * DAY
    while day <= last:
        if hours.works_on(day):
            for opens, closes in _of_day(hours, day, zone):
                if closes > start and (until is None or opens < until):
                    yield opens, closes
        day += DAY


def _of_day(hours: Hours, day: date, zone: ZoneInfo) -> list:
    """A day's working stretches in UTC: as long as its wall clock is within an interval."""
    midnight = datetime.combine(day, MIDNIGHT)
    found = []
    for begins, ends, offset in _offsets(midnight, zone):
        for opens, closes in hours.week[day.weekday()]:
            opening = datetime.combine(day, opens)
            closing = datetime.combine(day if closes > opens else day + DAY, closes)
            stretch = (
                max((opening - offset).replace(tzinfo=UTC), begins),
                min((closing - offset).replace(tzinfo=UTC), ends),
            )
            if stretch[0] < stretch[1]:
                found.append(stretch)
    return _joined(sorted(found))


def _offsets(midnight: datetime, zone: ZoneInfo) -> list:
    """Around a local day, the stretches in UTC in which the wall clock keeps its offset."""
    begins = midnight.replace(tzinfo=UTC) - timedelta(hours=15)
    ends = begins + timedelta(hours=54)
    before, later = (one.astimezone(zone).utcoffset() for one in (begins, ends))
    if before == later:
        return [(begins, ends, before)]
    low, high = 0, int((ends - begins) / timedelta(minutes=1))
    while high - low > 1:
        middle = (low + high) // 2
        at = begins + timedelta(minutes=middle)
        if at.astimezone(zone).utcoffset() == before:
            low = middle
        else:
            high = middle
    turn = begins + timedelta(minutes=high)
    return [(begins, turn, before), (turn, ends, later)]


def _joined(stretches: list) -> list:
    """Stretches that overlap or touch, as one: no minute counts twice."""
    whole = []
    for opens, closes in stretches:
        if whole and opens <= whole[-1][1]:
            whole[-1] = (whole[-1][0], max(whole[-1][1], closes))
        else:
            whole.append((opens, closes))
    return whole
