"""What happened to a ticket: who changed which field, from what, to what."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from accounts.models import User
from journal import activities
from journal.models import Activity
from support import fields
from support.models import Ticket

SHOWN = 200
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Difference:
    """One field that somebody changed; `by` is None where the calendar did."""

    field: str
    label: str
    before: str
    after: str
    by: User | None
    at: datetime


@dataclass(frozen=True)
class Entry:
    """One line of a ticket's history: a sentence, and the fields that it changed.

    `at` is the moment where that is one of the day it was done for, else None.
    """

    verb: str
    sentence: str
    by: User | None
    on: date
    at: datetime | None
    differences: list[Difference]


def of(ticket: Ticket, *, most: int = SHOWN) -> list[Entry]:
    """A ticket's history, newest first. Two queries."""
    found = list(_of(ticket).order_by("-id")[:most])
    people = _people(found)
    names = {pk: str(person) for pk, person in people.items()}
    return [
        Entry(
            verb=activity.verb,
            sentence=activities.sentence(activity, names),
            by=people.get(activity.actor_id),
            on=activity.on,
            at=activity.at if abs(activity.at.date() - activity.on) <= DAY else None,
            differences=_differences(activity, people, names),
        )
        for activity in found
    ]


def since(ticket: Ticket, version: int) -> list[Difference]:
    """What was changed after a version, field by field: its value then, and the newest
    one with who wrote it. A field that was changed and changed back is there too.
    """
    found = list(_of(ticket).filter(data__version__gt=version).order_by("id"))
    people = _people(found)
    names = {pk: str(person) for pk, person in people.items()}
    folded = {}
    for activity in found:
        for later in _differences(activity, people, names):
            first = folded.get(later.field, later)
            folded[later.field] = Difference(
                field=later.field,
                label=later.label,
                before=first.before,
                after=later.after,
                by=later.by,
                at=later.at,
            )
    return list(folded.values())


def before(ticket: Ticket, version: int) -> dict:
    """The fields that were changed after a version, with their values at it, as the
    journal keeps them.
    """
    found = _of(ticket).filter(data__version__gt=version).order_by("-id")
    values = {}
    for activity in found:
        for name, (was, _is) in activity.data.get("changes", {}).items():
            values[name] = was
    return values


def _of(ticket: Ticket):
    return Activity.objects.filter(
        subject=activities.reference(ticket), verb__startswith="ticket."
    )


def _differences(activity, people, names) -> list[Difference]:
    """In the order of the fields, which the database does not keep."""
    changes = activity.data.get("changes", {})
    return [
        Difference(
            field=name,
            label=str(label),
            before=fields.said(name, changes[name][0], names),
            after=fields.said(name, changes[name][1], names),
            by=people.get(activity.actor_id),
            at=activity.at,
        )
        for name, label in fields.LABELS.items()
        if name in changes
    ]


def _people(found: Iterable[Activity]) -> dict[int, User]:
    wanted = activities.people(found)
    for activity in found:
        wanted |= set(activity.data.get("changes", {}).get("assignee", []))
    return User.objects.in_bulk(wanted - {None})
