"""What the desk's managers look at: how old what is open is, whether promises were kept,
how long before the term end was decided, and what was decided in money.

Each is a table, counted by the database alone: the page draws it, and CSV has the same.
Weeks begin on Monday; days are UTC's, as the desk's are.
"""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from django.db.models import (
    Aggregate,
    Avg,
    Count,
    DateField,
    F,
    FloatField,
    Func,
    Q,
    Sum,
)
from django.db.models.functions import TruncWeek
from django.utils.translation import gettext as _

from billing.models import RenewalChange
from journal.charts import Column, Table
from support.models import Adjustment, Rating, Ticket
from support.queues import WORKING

AGES = [(0, 1), (2, 3), (4, 7), (8, 14), (15, 30), (31, None)]
"""Days since it was opened, from and to, inclusive."""

BEFORE = [(31, None), (8, 30), (1, 7), (None, 0)]
"""Days from the decision to the term end."""

APPROVED = ["APPROVED", "SCHEDULED", "APPLIED"]


def tables(*, on: date, weeks: int) -> list[Table]:
    """All of them, the last of each currency there is; a constant number of queries."""
    return [
        open_by_age(on=on),
        promises_kept(on=on, weeks=weeks),
        decided_before(on=on, weeks=weeks),
        rated(on=on, weeks=weeks),
        *adjusted(on=on, weeks=weeks),
    ]


def open_by_age(*, on: date) -> Table:
    """Open tickets of each kind, by the days since they were opened."""
    counts = {
        f"age_{n}": Count("pk", filter=_opened_between(oldest, newest, on=on))
        for n, (newest, oldest) in enumerate(AGES)
    }
    found = (
        Ticket.objects.filter(WORKING)
        .values("category")
        .annotate(**counts, all=Count("pk"))
        .order_by("-all", "category")
    )
    return Table(
        key="open",
        title=_("Open by age and kind"),
        first=_("Kind"),
        columns=[Column(_age(*bounds)) for bounds in AGES]
        + [Column(_("All"), drawn=False)],
        rows=[
            (
                str(Ticket.Category(row["category"]).label).rpartition("> ")[2],
                *(row[name] for name in counts),
                row["all"],
            )
            for row in found
        ],
        chart="lying",
    )


def promises_kept(*, on: date, weeks: int) -> Table:
    """Of what was solved in a week and had a promise: the parts in time, in percent."""
    since = datetime.combine(_weeks(on, weeks)[0], time(0), UTC)
    solved = (
        Ticket.objects.filter(
            solved_at__gte=since, merged_into=None, solution_due_at__isnull=False
        )
        .annotate(week=TruncWeek("solved_at", output_field=DateField()))
        .values("week")
        .annotate(
            solved=Count("pk"),
            answered_in_time=Count("pk", filter=Q(late_answers=0)),
            solved_in_time=Count("pk", filter=Q(solved_at__lte=F("solution_due_at"))),
        )
    )
    by_week = {row["week"]: row for row in solved}
    return Table(
        key="sla",
        title=_("Promises kept"),
        first=_("Week of"),
        columns=[
            Column(_("Every answer in time"), "%"),
            Column(_("Solved in time"), "%"),
            Column(_("Solved"), drawn=False),
        ],
        rows=[
            (
                week,
                _percent(by_week.get(week), "answered_in_time"),
                _percent(by_week.get(week), "solved_in_time"),
                by_week[week]["solved"] if week in by_week else 0,
            )
            for week in _weeks(on, weeks)
        ],
        chart="lines",
    )


def decided_before(*, on: date, weeks: int) -> Table:
    """Decisions of a week by the days that were left until the term end."""
    days = _days("term_ends_on", "decided_on")
    counts = {
        f"before_{n}": Count("pk", filter=_between("days_left", *bounds))
        for n, bounds in enumerate(BEFORE)
    }
    decided = (
        RenewalChange.objects.filter(
            decided_on__gte=_weeks(on, weeks)[0],
            decided_by__isnull=False,
            tickets__isnull=False,
        )
        .annotate(
            week=TruncWeek("decided_on", output_field=DateField()), days_left=days
        )
        .values("week")
        .annotate(**counts, median=_Median("days_left"))
    )
    by_week = {row["week"]: row for row in decided}
    return Table(
        key="decisions",
        title=_("Time from the decision to the term end"),
        first=_("Week of"),
        columns=[Column(_left(*bounds)) for bounds in BEFORE]
        + [Column(_("Median days before"), "days", drawn=False)],
        rows=[
            (
                week,
                *(by_week.get(week, {}).get(name, 0) for name in counts),
                by_week.get(week, {}).get("median"),
            )
            for week in _weeks(on, weeks)
        ],
    )


def rated(*, on: date, weeks: int) -> Table:
    """What customers said of a week's answers, from 5 (very good) to 1 (poor)."""
    since = datetime.combine(_weeks(on, weeks)[0], time(0), UTC)
    scores = [5, 4, 3, 2, 1]
    said = (
        Rating.objects.filter(at__gte=since)
        .annotate(week=TruncWeek("at", output_field=DateField()))
        .values("week")
        .annotate(
            mean=Avg("score"),
            **{f"of_{n}": Count("pk", filter=Q(score=n)) for n in scores},
        )
    )
    by_week = {row["week"]: row for row in said}
    return Table(
        key="ratings",
        title=_("What customers rated"),
        first=_("Week of"),
        columns=[Column(_("%(score)s of 5") % {"score": n}) for n in scores]
        + [Column(_("Mean"), drawn=False)],
        rows=[
            (
                week,
                *(by_week.get(week, {}).get(f"of_{n}", 0) for n in scores),
                round(Decimal(by_week[week]["mean"]), 1) if week in by_week else None,
            )
            for week in _weeks(on, weeks)
        ],
    )


def adjusted(*, on: date, weeks: int) -> list[Table]:
    """What adjustments decided in a week were worth, a table for each currency."""
    found = (
        Adjustment.objects.filter(
            decided_on__gte=_weeks(on, weeks)[0], state__in=[*APPROVED, "DECLINED"]
        )
        .annotate(week=TruncWeek("decided_on", output_field=DateField()))
        .values("currency", "week")
        .annotate(
            approved=Sum("weight", filter=Q(state__in=APPROVED)),
            declined=Sum("weight", filter=Q(state="DECLINED")),
            count=Count("pk"),
        )
        .order_by("currency")
    )
    by_currency: dict[str, dict] = {}
    for row in found:
        by_currency.setdefault(row["currency"], {})[row["week"]] = row
    return [
        Table(
            key=f"adjustments-{currency.lower()}",
            title=_("Adjustments decided, in %(currency)s") % {"currency": currency},
            first=_("Week of"),
            columns=[
                Column(_("Approved"), currency),
                Column(_("Declined"), currency),
                Column(_("Adjustments"), drawn=False),
            ],
            rows=[
                (
                    week,
                    rows.get(week, {}).get("approved") or Decimal(0),
                    rows.get(week, {}).get("declined") or Decimal(0),
                    rows.get(week, {}).get("count", 0),
                )
                for week in _weeks(on, weeks)
            ],
        )
        for currency, rows in by_currency.items()
    ]


def newest(tables: list[Table], key: str) -> tuple | None:
    """The last week of a table that has something to say: its Monday and its figures."""
    rows = next(table.rows for table in tables if table.key == key)
    return next((row for row in reversed(rows) if row[-1] and row[1] is not None), None)


def _weeks(on: date, weeks: int) -> list[date]:
    """The Mondays of the weeks up to a day's, the oldest first."""
    monday = on - timedelta(days=on.weekday())
    return [monday - timedelta(weeks=back) for back in reversed(range(weeks))]


def _opened_between(oldest: int | None, newest: int, *, on: date) -> Q:
    since = Q() if oldest is None else Q(opened_on__gte=on - timedelta(days=oldest))
    return since & (
        Q(opened_on__lte=on - timedelta(days=newest)) if newest else Q(pk__isnull=False)
    )


def _between(name: str, least: int | None, most: int | None) -> Q:
    above = Q() if least is None else Q(**{f"{name}__gte": least})
    return above & (Q() if most is None else Q(**{f"{name}__lte": most}))


def _percent(row: dict | None, name: str) -> Decimal | None:
    if not row:
        return None
    return round(Decimal(100 * row[name]) / row["solved"], 1)


def _age(newest: int, oldest: int | None) -> str:
    if oldest is None:
        return _("over %(days)d days") % {"days": newest - 1}
    if newest == 0:
        return _("up to a day")
    return _("%(from)d to %(to)d days") % {"from": newest, "to": oldest}


def _left(least: int | None, most: int | None) -> str:
    if least is None:
        return _("on the term end or after")
    if most is None:
        return _("over %(days)d days before") % {"days": least - 1}
    return _("%(from)d to %(to)d days before") % {"from": least, "to": most}


def _days(later: str, earlier: str) -> Func:
    """Whole days from one day column to another: PostgreSQL subtracts days so."""
    return Func(
        F(later),
        F(earlier),
        template="(%(expressions)s)",
        arg_joiner=" - ",
        output_field=FloatField(),
    )


class _Median(Aggregate):
    """The median, which lies between two where their number is even."""

    function = "PERCENTILE_CONT"
    template = "%(function)s(0.5) WITHIN GROUP (ORDER BY %(expressions)s)"
    output_field = FloatField()
