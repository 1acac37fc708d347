"""What an administrator sees drawn: spend by app, seats against what is contracted, and
what was paid and not used. Each is a table, by calendar month, equal to the ledger to the
cent; a constant number of queries.
"""

from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal

from django.db.models import Case, Q, Sum, Value, When
from django.db.models.functions import Greatest, TruncMonth
from django.utils.translation import gettext as _

from accounts.models import Account
from billing import periods, spending
from billing.models import Line, Term
from journal.charts import Column, Table
from marketplace.models import App
from myapps import cost_shares, foresight
from myapps.models import SeatEvent

PAST = 12
AHEAD = 12
NAMED = 8
"""So many apps have a series of their own, the others one together."""

ZERO = Decimal(0)


def tables(account: Account, *, on: date) -> list[Table]:
    """All of them; of money one for each currency."""
    return [
        *spend(account, on=on, to_come=foresight.committed(account, on=on)),
        *seats(account, on=on),
        *unused(account, on=on),
    ]


def months(on: date, *, back: int = 0, ahead: int = 0) -> list[date]:
    """First days of months around a day's, which is one of them."""
    first = on.replace(day=1)
    return [periods.add_months(first, n) for n in range(-back, ahead + 1)]


def spend(account: Account, *, on: date, to_come) -> list[Table]:
    """Charged in each of twelve months, and what is committed in those to come.

    The month of the day has two rows where both is so; what comes after a year is one.
    """
    past = months(on, back=PAST - 1)
    found: dict[str, dict] = defaultdict(
        lambda: defaultdict(lambda: defaultdict(Decimal))
    )
    for one in spending.by_month_and_app(account, start=past[0]):
        month = min(one.month, past[-1])
        found[one.currency][month, False][one.app_id] += one.amount
    ahead = months(on, ahead=AHEAD)
    for one in to_come:
        month = max(one.due_on.replace(day=1), ahead[0])
        month = month if month <= ahead[-1] else None
        found[one.currency][month, True][one.line.app_id] += one.amount
    wanted = {app for rows in found.values() for row in rows.values() for app in row}
    names = dict(App.objects.filter(pk__in=wanted).values_list("pk", "name"))
    keys = [(month, False) for month in past]
    keys += [(month, True) for month in [*ahead, None]]
    return [
        _spend(currency, rows, keys, names) for currency, rows in sorted(found.items())
    ]


def _spend(currency: str, rows: dict, keys: list, names: dict[int, str]) -> Table:
    sums: dict[int, Decimal] = defaultdict(Decimal)
    for row in rows.values():
        for app, amount in row.items():
            sums[app] += amount
    first = sorted(sums, key=lambda app: (-sums[app], names[app]))
    named, others = first[:NAMED], first[NAMED:]
    last = max(
        (at for at, key in enumerate(keys) if key[1] and key in rows), default=-1
    )
    shown = [key for at, key in enumerate(keys) if not key[1] or at <= last]
    if shown[PAST:] and shown[PAST] not in rows:
        del shown[PAST]  # nothing more falls due this month
    columns = [Column(names[app], currency) for app in named]
    columns += [Column(_("Other apps"), currency)] if others else []
    columns += [Column(_("All apps"), currency, drawn=False)]
    lines = []
    for month, later in shown:
        row = rows.get((month, later), {})
        figures = [row.get(app, ZERO) for app in named]
        figures += [sum((row.get(app, ZERO) for app in others), ZERO)] if others else []
        lines.append((_named(month), *figures, sum(row.values(), ZERO)))
    return Table(
        key=f"spend-{currency.lower()}",
        title=_("Spend by month and app, in %(currency)s") % {"currency": currency},
        subtitle=_("Charged until now, and paler what is committed to the term ends."),
        first=_("Month"),
        columns=columns,
        rows=lines,
        by_month=True,
        to_come=sum(later for _month, later in shown),
    )


def _named(month: date | None):
    return month or _("Later")


def seats(account: Account, *, on: date) -> list[Table]:
    """Seats on Per Seat plans against what is contracted and billed for them, at the end
    of each month; of this one, today.
    """
    past = months(on, back=PAST - 1)
    ends = [*(day - timedelta(days=1) for day in past[1:]), on]
    changed = (
        SeatEvent.objects.filter(account=account, on__lte=on)
        .filter(installation__plan__charge_model="PER_SEAT")
        .order_by()
        .values(month=TruncMonth(Greatest("on", Value(past[0] - timedelta(days=1)))))
        .annotate(more=Sum(Case(When(kind="ADDED", then=1), default=-1)))
        .values_list("month", "more")
    )
    changed = dict(changed)
    active, level = [], changed.get(periods.add_months(past[0], -1), 0)
    for month in past:
        level += changed.get(month, 0)
        active.append(level)
    sums = Term.objects.filter(
        account=account, line__plan__charge_model="PER_SEAT", line__plan__kind="BASE"
    ).aggregate(
        **{f"contracted_{n}": _on(end, "contracted") for n, end in enumerate(ends)},
        **{f"billed_{n}": _on(end, "billed") for n, end in enumerate(ends)},
    )
    return [
        Table(
            key="seats",
            title=_("Seats by month"),
            subtitle=_(
                "On Per Seat plans, at the end of each month; this month, today."
            ),
            first=_("Month"),
            columns=[Column(_("Active")), Column(_("Contracted")), Column(_("Billed"))],
            rows=[
                (month, active[n], sums[f"contracted_{n}"], sums[f"billed_{n}"])
                for n, month in enumerate(past)
            ],
            chart="lines",
            by_month=True,
        )
    ]


def _on(day: date, name: str) -> Sum:
    """The units of terms that hold a day; contracted are those of signed lines alone."""
    holding = Q(starts_on__lte=day, ends_on__gt=day) & (
        Q(line__ends_on=None) | Q(line__ends_on__gt=day)
    )
    if name == "contracted":
        holding &= ~Q(line__basis=Line.Basis.SELF_SERVE)
    return Sum(name, filter=holding, default=0)


def unused(account: Account, *, on: date) -> list[Table]:
    """Of what was charged in each month: used, and paid while nobody had it (ADR 30)."""
    past = months(on, back=PAST - 1)
    found: dict[str, dict] = defaultdict(lambda: defaultdict(Decimal))
    charges = spending.ledger(account, start=past[0])
    for share in cost_shares.of(account, charges):
        idle = share.group == cost_shares.UNUSED
        found[share.currency][min(share.month, past[-1]), idle] += share.amount
    return [
        Table(
            key=f"unused-{currency.lower()}",
            title=_("Paid and not used, in %(currency)s") % {"currency": currency},
            subtitle=_(
                "Of what was charged in each month, by the days seats were active."
            ),
            first=_("Month"),
            columns=[
                Column(_("Used"), currency),
                Column(_("Not used"), currency),
                Column(_("Charged"), currency, drawn=False),
            ],
            rows=[
                (
                    month,
                    rows.get((month, False), ZERO),
                    rows.get((month, True), ZERO),
                    rows.get((month, False), ZERO) + rows.get((month, True), ZERO),
                )
                for month in past
            ],
            by_month=True,
        )
        for currency, rows in sorted(found.items())
    ]
