"""How many units are active: the only number billing ever hears of seats."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date

from django.db.models import Count, Q

from billing import renewals
from billing.models import Line, RenewalChange, Term
from myapps.models import Installation, Seat


def active(installation: Installation) -> int:
    """Seats active now."""
    return installation.seats.count()


def active_of(account, plans: Iterable[int], *, on: date) -> dict[int, int]:
    """Seats active by plan id, for one account, on installations that go on that day."""
    return dict(
        Installation.objects.of(account)
        .standing()
        .filter(plan__in=list(plans))
        .filter(Q(ends_on=None) | Q(ends_on__gt=on))
        .annotate(active=Count("seats"))
        .values_list("plan_id", "active")
    )


def active_on(lines: Iterable[int], *, on: date) -> dict[int, int]:
    """Units that each line with a renewal change must go on covering (3.11, 3.14).

    Several lines of one plan cover together: what the others go on covering is taken
    off, and what is missing is put on the first line that would be lowered. A constant
    number of queries for any number of lines.
    """
    changes = list(
        RenewalChange.objects.standing()
        .filter(line__in=list(lines))
        .exclude(kind=RenewalChange.Kind.REPLACED)
        .select_related("line__plan")
        .order_by("line__starts_on", "line_id")
    )
    if not changes:
        return {}
    wishes = {change.line_id: change for change in changes}
    pairs = {(change.line.account_id, change.line.plan_id) for change in changes}
    seats = _seats(pairs, on=on)
    capacity = _capacity(pairs, on=on)
    found: dict[int, int] = {}
    done = set()
    for change in changes:
        pair = (change.line.account_id, change.line.plan_id)
        if pair in done:
            continue
        done.add(pair)
        found |= renewals.shares(
            change.line.plan, wishes, seats.get(pair, 0), capacity[pair]
        )
    return found


def _seats(pairs, *, on: date) -> dict[tuple[int, int], int]:
    accounts = {account for account, _ in pairs}
    plans = {plan for _, plan in pairs}
    counted = (
        Seat.objects.filter(
            installation__account__in=accounts,
            installation__plan__in=plans,
            installation__closed_on=None,
        )
        .filter(Q(installation__ends_on=None) | Q(installation__ends_on__gt=on))
        .values_list("installation__account", "installation__plan")
        .annotate(seats=Count("id"))
    )
    return {(account, plan): seats for account, plan, seats in counted}


def _capacity(pairs, *, on: date) -> dict[tuple[int, int], dict[int, int]]:
    """Units billed on each line that goes on, by account and plan."""
    accounts = {account for account, _ in pairs}
    plans = {plan for _, plan in pairs}
    terms = (
        Term.objects.open()
        .filter(line__account__in=accounts, line__plan__in=plans)
        .filter(line__in=Line.objects.running(on=on).renewing())
        .order_by("line__starts_on", "line_id")
        .values_list("line__account_id", "line__plan_id", "line_id", "billed")
    )
    found: dict[tuple[int, int], dict[int, int]] = defaultdict(dict)
    for account, plan, line, billed in terms:
        found[account, plan][line] = billed
    return found
