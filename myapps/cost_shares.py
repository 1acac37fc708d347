"""Who charges were paid for: each divided over the roles, or the teams, whose people had
the seats (ADR 30).

A charge is divided by seat-days: of its own days, each seat counts for those on which it
was active on the charge's plan, and each unit that was paid and had nobody counts as not
used. What is not paid by the seat, a Per Account plan or an add-on, is divided over
everybody who had a seat in the app. The parts of a charge add up to it exactly. Days to
come count as the last known day does. Questions only, set-based: their number is
constant, and what is read grows with days and groups, not with seats or charges.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from itertools import pairwise
from operator import attrgetter
from typing import NamedTuple

from django.db.models import Case, F, Sum, Value, When
from django.db.models.functions import Greatest
from django.utils.translation import gettext as _

from accounts.models import Account
from billing import prices
from billing.models import Charge, ChargeQuerySet, Order, RenewalChange
from marketplace.models import Plan
from myapps.models import SeatEvent

FIELDS = {"role": "role_name", "team": "team"}


class Group(NamedTuple):
    """Whom a part of a charge was paid for.

    kind: NAMED (a role or team), NONE (by hand, or in no team), UNKNOWN (not recorded
    then), UNUSED (paid, and nobody had it).
    """

    kind: str
    name: str = ""

    @property
    def role(self) -> str:
        """What a table of roles calls it."""
        words = {
            "NONE": _("No role: chosen by name"),
            "UNKNOWN": _("Not recorded"),
            "UNUSED": _("Not used"),
        }
        return self.name or words.get(self.kind, "")


UNUSED = Group("UNUSED")
_EVERYBODY = Group("NAMED")


@dataclass(frozen=True)
class Share:
    """A part of what fell due in a month for a plan, in one currency."""

    app_id: int
    plan_id: int
    currency: str
    month: date
    group: Group
    amount: Decimal


class Steps:
    """A whole number that changes on some days, summed over days."""

    def __init__(self, changes: dict[int, int]):
        self.days = sorted(changes)
        self.levels, self.sums = [], []
        level = total = 0
        for day, then in pairwise([*self.days, self.days[-1] if self.days else 0]):
            level += changes[day]
            self.levels.append(level)
            self.sums.append(total)
            total += level * (then - day)

    def on(self, day: int) -> int:
        at = bisect_right(self.days, day) - 1
        return self.levels[at] if at >= 0 else 0

    def until(self, day: int) -> int:
        """The sum over all days before a day."""
        at = bisect_right(self.days, day) - 1
        return self.sums[at] + self.levels[at] * (day - self.days[at]) if at >= 0 else 0

    def between(self, start: int, end: int) -> int:
        return self.until(end) - self.until(start)


@dataclass
class _History:
    """What is needed to divide: seats by app and group, plans by day, units paid."""

    seats: dict[int, dict[Group, Steps]]
    plans: dict[int, list[tuple[int, int]]]
    paid: dict[int, dict[int, int]]
    _weighed: dict

    def weights(self, plan: Plan, start: int, end: int) -> dict[Group, int]:
        """Seat-days of each group over days of a plan's charge; what is left is unused."""
        groups = self.seats.get(plan.app_id, {})
        whole = [(start, end)] if not plan.is_base else self.days_on(plan, start, end)
        found = {
            group: sum(steps.between(*days) for days in whole)
            for group, steps in groups.items()
        }
        found = {group: used for group, used in found.items() if used > 0}
        if plan.is_base and not plan.per_account:
            unused = self.available(plan).between(start, end) - sum(found.values())
            found |= {UNUSED: unused} if unused > 0 else {}
        return found or {UNUSED: 1}

    def days_on(self, plan: Plan, start: int, end: int) -> list[tuple[int, int]]:
        """The days within [start, end) on which the app was on this plan."""
        changes = self.plans.get(plan.app_id)
        if not changes:
            return [(start, end)]
        ranges = pairwise([*changes, (None, 10**9)])
        found = []
        for at, ((since, pk), (then, _next)) in enumerate(ranges):
            first = start if at == 0 else max(since, start)
            last = min(10**9 if then is None else then, end)
            if pk == plan.pk and first < last:
                found.append((first, last))
        return found

    def available(self, plan: Plan) -> Steps:
        """Units paid or seats active on a plan, whichever are more, by day."""
        if plan.pk not in self._weighed:
            paid = Steps(self.paid.get(plan.pk, {}))
            groups = self.seats.get(plan.app_id, {}).values()
            days = {day for steps in groups for day in steps.days} | set(paid.days)
            days |= {day for day, _pk in self.plans.get(plan.app_id, [])}
            changes, before = {}, 0
            seats = self._total(plan.app_id)
            for day in sorted(days):
                here = bool(self.days_on(plan, day, day + 1))
                most = max(paid.on(day), seats.on(day) if here else 0)
                changes[day], before = most - before, most
            self._weighed[plan.pk] = Steps(changes)
        return self._weighed[plan.pk]

    def _total(self, app_id: int) -> Steps:
        changes: dict[int, int] = defaultdict(int)
        for steps in self.seats.get(app_id, {}).values():
            before = 0
            for day, level in zip(steps.days, steps.levels, strict=True):
                changes[day] += level - before
                before = level
        return Steps(changes)


def of(account: Account, charges: ChargeQuerySet, *, by: str = "") -> list[Share]:
    """Charges of an account, divided by "role" or "team"; by nothing: used and not used.

    They add up to the charges in each month, plan and currency. Six queries.
    """
    return each(account, charges, by)[by]


def by_group(shares: list[Share]) -> list[Share]:
    """Shares of one time summed over plans, by currency: the dearest group first."""
    return _summed(shares, "currency", "group")


def by_app_and_group(shares: list[Share]) -> list[Share]:
    """Shares of one time summed over the plans of each app, by currency."""
    return _summed(shares, "currency", "app_id", "group")


def _summed(shares: list[Share], *keys: str) -> list[Share]:
    found: dict[tuple, Share] = {}
    for one in shares:
        key = tuple(getattr(one, name) for name in keys)
        known = found.get(key)
        found[key] = replace(one, amount=one.amount + known.amount) if known else one
    dearest = sorted(found.values(), key=lambda one: (-one.amount, one.group))
    return sorted(dearest, key=attrgetter(*keys[:-1]))


def each(
    account: Account, charges: ChargeQuerySet, *ways: str
) -> dict[str, list[Share]]:
    """The same in several ways, for one query more each. What is not used is the same
    in all of them.
    """
    sums = list(
        charges.order_by()
        .values(
            *("line__plan_id", "currency", "starts_on", "ends_on", "billed_on"),
            digits=F("line__digits"),
        )
        .annotate(total=Sum("amount"))
        .order_by("line__plan_id", "currency", "billed_on", "starts_on", "ends_on")
    )
    if not sums:
        return {way: [] for way in ways}
    plans = Plan.objects.in_bulk({row["line__plan_id"] for row in sums})
    apps = {plan.app_id for plan in plans.values()}
    since = min(row["starts_on"] for row in sums)
    until = max(row["ends_on"] for row in sums)
    changes = _plans(account, apps)
    paid = _paid(account, plans, since=since, until=until)
    return {
        way: _divided(
            sums,
            plans,
            _History(_seats(account, apps, since=since, by=way), changes, paid, {}),
        )
        for way in ways
    }


def _divided(sums: list[dict], plans: dict[int, Plan], history: _History):
    """Each sum over the groups; what is not used comes last, so that its rounding does
    not depend on the groups.
    """
    found: dict[tuple, Decimal] = defaultdict(Decimal)
    for row in sums:
        plan = plans[row["line__plan_id"]]
        weights = history.weights(
            plan, row["starts_on"].toordinal(), row["ends_on"].toordinal()
        )
        groups = sorted(weights)
        parts = prices.divided(
            row["total"], weights=[weights[one] for one in groups], digits=row["digits"]
        )
        month = row["billed_on"].replace(day=1)
        for group, amount in zip(groups, parts, strict=True):
            found[plan.app_id, plan.pk, row["currency"], month, group] += amount
    return [Share(*key, amount) for key, amount in found.items()]


def _seats(account, apps: Iterable[int], *, since: date, by: str):
    """Seats by app and group as they changed by day; what was before is the first."""
    field = FIELDS.get(by)
    day = Greatest("on", Value(since))
    events = (
        SeatEvent.objects.filter(account=account, installation__app__in=apps)
        .order_by()
        .values(
            "installation__app_id", day=day, **({"name": F(field)} if field else {})
        )
        .annotate(more=Sum(Case(When(kind="ADDED", then=1), default=-1)))
    )
    changes: dict[int, dict[Group, dict[int, int]]] = defaultdict(
        lambda: defaultdict(lambda: defaultdict(int))
    )
    for row in events:
        group = _group(row["name"]) if field else _EVERYBODY
        app = changes[row["installation__app_id"]]
        app[group][row["day"].toordinal()] += row["more"]
    return {
        app: {group: Steps(days) for group, days in groups.items()}
        for app, groups in changes.items()
    }


def _group(name: str | None) -> Group:
    if name is None:
        return Group("UNKNOWN")
    return Group("NAMED", name) if name else Group("NONE")


def _plans(account, apps: Iterable[int]) -> dict[int, list[tuple[int, int]]]:
    """From which day on each app was on which plan: as ordered, or changed at renewal."""
    ordered = (
        Order.objects.filter(
            account=account, app__in=apps, kind__in=["INSTALL", "PLAN"]
        )
        .values_list("app_id", "placed_on", "plan_id")
        .order_by("pk")
    )
    renewed = (
        RenewalChange.objects.of(account)
        .filter(kind="PLAN", state="APPLIED", line__app__in=apps)
        .select_related("line")
        .order_by("term_ends_on", "pk")
    )
    changes = [
        (one.line.app_id, one.term_ends_on, one.granted_plan_id or one.target_plan_id)
        for one in renewed
    ]
    found: dict[int, dict[int, int]] = defaultdict(dict)
    for app, day, plan in [*changes, *ordered]:
        found[app][day.toordinal()] = plan
    return {app: sorted(days.items()) for app, days in found.items()}


def _paid(account, plans: dict[int, Plan], *, since: date, until: date):
    """Units paid on each Per Seat plan as they changed by day; reversed ones are not."""
    by_seat = [
        pk for pk, plan in plans.items() if plan.is_base and not plan.per_account
    ]
    charged = (
        Charge.objects.of(account)
        .filter(line__plan__in=by_seat, starts_on__lt=until, ends_on__gt=since)
        .filter(reason__in=["PERIOD", "INCREASE", "HELD"], reversed_by=None)
        .order_by()
        .values_list("line__plan_id", "starts_on", "ends_on")
        .annotate(units=Sum("quantity"))
    )
    found: dict[int, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    for plan, starts_on, ends_on, units in charged:
        found[plan][starts_on.toordinal()] += units
        found[plan][ends_on.toordinal()] -= units
    return found
