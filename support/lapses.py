"""What time alone does to tickets: those that wait wake, those that are solved close.

Found in the table by their day, in sets, a transaction a batch, `SKIP LOCKED`: safe to
repeat, to run late and to race.
"""

from collections import defaultdict
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models.functions import Now

from journal import activities
from support import fields, promises, tickets
from support.models import Ticket

MOST = 1_000
"""Tickets in one transaction."""
WRITTEN = [
    "state", "wakes_on", "version", "solved_at", "answer_due_at", "solution_due_at",
    "rests_since", "answer_rest", "solution_rest", "presses_at", "touched_at",
]  # fmt: skip


def wake(*, zone: str, on: date, most: int = MOST) -> int:
    """Open the tickets of a time zone's accounts that wake by a local day again.

    Their promises go on from the midnight at which they wake, however late this runs.
    Returns how many woke.
    """
    asleep = Ticket.objects.filter(
        state__in=Ticket.ASLEEP, wakes_on__lte=on, account__timezone=zone
    ).order_by("wakes_on", "id")
    woken = 0
    while rows := _batch(asleep, {"state": Ticket.State.OPEN}, on=on, most=most):
        woken += rows
    return woken


def close(*, zone: str, solved_by: datetime, on: date, most: int = MOST) -> int:
    """Close the tickets of a time zone's accounts that were solved by a moment.

    Returns how many closed.
    """
    solved = Ticket.objects.filter(
        state=Ticket.State.SOLVED, solved_at__lte=solved_by, account__timezone=zone
    ).order_by("solved_at", "id")
    closed = 0
    while rows := _batch(solved, {"state": Ticket.State.CLOSED}, on=on, most=most):
        closed += rows
    return closed


@transaction.atomic
def _batch(due, values: dict, *, on: date, most: int) -> int:
    rows = list(
        due.select_for_update(
            no_key=True, skip_locked=True, of=["self"]
        ).select_related("account", "app", "requester")[:most]
    )
    before, by_day = {}, defaultdict(list)
    for ticket in rows:
        before[ticket.pk] = {
            name: fields.plain(getattr(ticket, name)) for name in ("state", "wakes_on")
        }
        by_day[ticket.wakes_on or on].append(ticket)
        ticket.state, ticket.wakes_on = values["state"], None
        ticket.version += 1
        ticket.touched_at = Now()
    for day, some in by_day.items():
        zone = ZoneInfo(some[0].account.timezone)
        promises.follow(some, at=datetime.combine(day, time(0), zone))
    Ticket.objects.bulk_update(rows, WRITTEN, batch_size=500)
    activities.record_all(
        tickets.draft(
            "ticket.revised", ticket, by=None, on=on, private=True,
            version=ticket.version, changes=_changes(before[ticket.pk], ticket),
        )
        for ticket in rows
    )  # fmt: skip
    return len(rows)


def _changes(before: dict, ticket: Ticket) -> dict:
    after = {name: fields.plain(getattr(ticket, name)) for name in before}
    return {
        name: [was, after[name]] for name, was in before.items() if was != after[name]
    }
