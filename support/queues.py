"""The desk's queue: its built-in views, what they count and how they are searched."""

import re
from dataclasses import dataclass
from datetime import date, timedelta

from django.db.models import Count, F, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from support.models import Ticket, TicketQuerySet

DUE_DAYS = 30
"""A term end so near, or past, makes a ticket due."""

WORKING = Q(state__in=["NEW", "OPEN", "WAITING", "PARTNER"])

SORTS = {
    "deadline": [F("term_ends_on").asc(nulls_last=True), "id"],
    "-deadline": [F("term_ends_on").desc(nulls_last=True), "-id"],
    "number": ["id"],
    "-number": ["-id"],
    "account": ["account__name", "id"],
    "-account": ["-account__name", "-id"],
    "opened": ["opened_on", "id"],
    "-opened": ["-opened_on", "-id"],
}


@dataclass(frozen=True)
class View:
    """A built-in view of the queue: a name, how many it holds, and whether it presses."""

    key: str
    label: str
    count: int
    active: bool
    presses: bool


LABELS = {
    "open": _("All open"),
    "mine": _("Mine"),
    "unassigned": _("Unassigned"),
    "due": _("Due before term end"),
    "parked": _("Parked lines"),
    "scheduled": _("Scheduled"),
    "done": _("Done"),
}


def views(user: User, *, on: date, current: str) -> list[View]:
    """Every view with its count, in one query."""
    counts = Ticket.objects.aggregate(
        **{
            f"in_{key}": Count("pk", filter=condition)
            for key, condition in _conditions(user, on=on).items()
        }
    )
    return [
        View(
            key,
            label,
            counts[f"in_{key}"],
            active=key == current,
            presses=key in {"due", "parked"} and counts[f"in_{key}"] > 0,
        )
        for key, label in LABELS.items()
    ]


def found(user: User, *, view: str, words: str, sort: str, on: date) -> TicketQuerySet:
    """A view's tickets, searched by number, account, app, person or subject.

    A ticket's number is looked for in every view.
    """
    tickets = Ticket.objects.select_related("account", "app", "assignee", "requester")
    order = SORTS.get(sort, SORTS["deadline"])
    number = re.fullmatch(r"\s*(?:T-?)?0*(\d{1,18})\s*", words, re.IGNORECASE)
    if number:
        return tickets.filter(pk=int(number[1])).order_by(*order)
    tickets = tickets.filter(_conditions(user, on=on)[view])
    for word in words.split():
        tickets = tickets.filter(
            Q(account__name__icontains=word)
            | Q(app__name__icontains=word)
            | Q(subject__icontains=word)
            | Q(requester__display_name__icontains=word)
        )
    return tickets.order_by(*order)


def _conditions(user: User, *, on: date) -> dict[str, Q]:
    return {
        "open": WORKING,
        "mine": WORKING & Q(assignee=user),
        "unassigned": WORKING & Q(assignee=None),
        "due": WORKING & Q(term_ends_on__lte=on + timedelta(days=DUE_DAYS)),
        "parked": WORKING & Q(category=Ticket.Category.PARKED),
        "scheduled": Q(state=Ticket.State.SCHEDULED),
        "done": Q(state__in=Ticket.DONE),
    }
