"""The desk's queues: what is in each, how it is narrowed, sorted, shown and counted.

What presses first stands first: the earlier of what was promised and the term end. A
queue is a view, filters over it, columns and an order; a saved one keeps all four.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from django.contrib.postgres.expressions import ArraySubquery
from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import BooleanField, Exists, F, Func, Min, OuterRef, Q, Subquery
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from billing.models import Hold, RenewalChange
from support import searches
from support.models import Adjustment, Ticket, TicketQuerySet

DUE_DAYS = 30
"""A term end so near, or past, makes a ticket due."""

MOST = 10_000
"""So many of a queue are shown; to see others, narrow it."""

COUNTED = 1_000
"""Counts go so far and no further: they are asked again and again."""

_COUNTED = "(SELECT count(*) FROM ({}) AS held)"

WORKING = Q(state__in=["NEW", "OPEN", "WAITING", "PARTNER"])
STANDS = Q(merged_into=None)

SORTS = {
    "deadline": [F("presses_at").asc(nulls_last=True), "id"],
    "-deadline": [F("presses_at").desc(nulls_last=True), "-id"],
    "number": ["id"],
    "-number": ["-id"],
    "account": ["account__name", "id"],
    "-account": ["-account__name", "-id"],
    "opened": ["opened_at", "id"],
    "-opened": ["-opened_at", "-id"],
    "touched": ["touched_at", "id"],
    "-touched": ["-touched_at", "-id"],
    "priority": ["priority", "id"],
    "-priority": ["-priority", F("presses_at").asc(nulls_last=True), "id"],
    "assignee": [F("assignee__display_name").asc(nulls_last=True), "id"],
    "-assignee": [F("assignee__display_name").desc(nulls_last=True), "-id"],
    "term_end": [F("term_ends_on").asc(nulls_last=True), "id"],
    "-term_end": [F("term_ends_on").desc(nulls_last=True), "-id"],
    "held": [F("held_since").asc(nulls_last=True), "id"],
    "-held": [F("held_since").desc(nulls_last=True), "-id"],
}

COLUMNS = {
    "account": _("Account"),
    "state": _("State"),
    "deadline": _("Presses"),
    "term_end": _("Term ends after"),
    "held": _("Held for"),
    "priority": _("Priority"),
    "assignee": _("Assigned to"),
    "category": _("Category"),
    "app": _("App"),
    "requester": _("Asked by"),
    "origin": _("Came from"),
    "tags": _("Tags"),
    "opened": _("Opened"),
    "touched": _("Last change"),
}
USUAL_COLUMNS = [
    "account",
    "state",
    "deadline",
    "held",
    "priority",
    "assignee",
    "opened",
]


@dataclass(frozen=True)
class View:
    """A built-in queue: a name, a sign, and the words for when it is empty."""

    key: str
    label: str
    icon: str
    empty: str
    presses: bool = False
    sort: str = "deadline"


VIEWS = {
    view.key: view
    for view in [
        View("open", _("All open"), "inbox",
             _("Tickets come from customers, and by themselves when a term ends with a"
               " request undecided.")),
        View("mine", _("Mine"), "user-check",
             _("Take one of the unassigned, or wait until a colleague gives you one.")),
        View("approval", _("Waiting for my approval"), "writing-sign",
             _("Adjustments above the limit come here when they need a second person.")),
        View("unassigned", _("Unassigned"), "user-question",
             _("Every open ticket has somebody.")),
        View("due", _("Due before term end"), "calendar-due",
             _("No undecided term end comes within thirty days."), presses=True),
        View("held", _("Held"), "lock-dollar",
             _("Nothing is undecided past its term end, so nothing is held.")),
        View("parked", _("Parked lines"), "parking",
             _("The hourly run gets through every line."), presses=True),
        View("scheduled", _("Scheduled"), "calendar-check",
             _("Nothing that was approved waits for its term end.")),
        View("solved", _("Solved this week"), "circle-check",
             _("Nothing was solved since Monday."), sort="-touched"),
        View("done", _("All done"), "archive",
             _("Nothing was solved yet."), sort="-number"),
    ]
}  # fmt: skip


def tickets_of(view: str, user: User, *, on: date) -> TicketQuerySet:
    """A built-in queue's tickets, as somebody sees them on a day."""
    tickets = Ticket.objects.all()
    if view == "approval":
        waiting = Adjustment.objects.waiting_for(user)
        return tickets.filter(pk__in=waiting.values("ticket"))
    if view == "held":
        return _held(tickets.filter(WORKING))
    monday = on - timedelta(days=on.weekday())
    condition = {
        "open": WORKING,
        "mine": WORKING & Q(assignee=user),
        "unassigned": WORKING & Q(assignee=None),
        "due": WORKING & Q(term_ends_on__lte=on + timedelta(days=DUE_DAYS)),
        "parked": WORKING & Q(category=Ticket.Category.PARKED),
        "scheduled": Q(state=Ticket.State.SCHEDULED),
        "solved": STANDS & Q(state__in=Ticket.DONE, solved_at__gte=_midnight(monday)),
        "done": STANDS & Q(state__in=Ticket.DONE),
        "all": Q(),
    }[view]
    return tickets.filter(condition)


def narrowed(filters: Mapping, user: User, *, on: date) -> TicketQuerySet:
    """The tickets of a view that pass every filter, `filters` as a saved queue has them.

    A filter there is not, or a value it cannot have, is as if it were not said.
    """
    view = filters.get("view", "open")
    tickets = tickets_of(
        view if view in VIEWS or view == "all" else "open", user, on=on
    )
    for name, narrow in _FILTERS.items():
        if filters.get(name):
            tickets = narrow(tickets, filters[name], user, on)
    return tickets


def sorted_by(tickets: TicketQuerySet, sort: str) -> TicketQuerySet:
    """In an order of SORTS; an unknown one is the deadline's."""
    if sort.removeprefix("-") == "held":
        tickets = tickets.annotate(held_since=_held_since())
    return tickets.order_by(*SORTS.get(sort, SORTS["deadline"]))


def shown(tickets: TicketQuerySet) -> TicketQuerySet:
    """With what the columns need, so that a page asks once."""
    return tickets.select_related(
        "account", "app", "assignee", "requester", "merged_into"
    )


def counted(queues: Mapping[str, TicketQuerySet]) -> dict[str, int]:
    """How many each holds, up to COUNTED, all in one query: each count stops there."""
    if not queues:
        return {}
    parts, parameters = [], []
    for tickets in queues.values():
        some = tickets.order_by().values("pk")[:COUNTED]
        try:
            sql, values = some.query.sql_with_params()
        except EmptyResultSet:
            sql, values = "SELECT 1 WHERE false", ()
        parts.append(_COUNTED.format(sql))
        parameters += values
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(parts)}", parameters)
        return dict(zip(queues, cursor.fetchone(), strict=True))


def held_since(tickets: Iterable[Ticket]) -> dict[int, date]:
    """Since when something of a ticket is held and undecided, by the ticket's id (3.14)."""
    by_change = {one.change_id: one.pk for one in tickets if one.change_id}
    if not by_change:
        return {}
    since = (
        Hold.objects.filter(
            change__in=by_change, change__state=RenewalChange.State.UNDECIDED
        )
        .values_list("change")
        .annotate(since=Min("starts_on"))
    )
    return {by_change[change]: day for change, day in since}


def _held(tickets: TicketQuerySet) -> TicketQuerySet:
    return tickets.filter(
        Exists(Hold.objects.filter(change=OuterRef("change"))),
        change__state=RenewalChange.State.UNDECIDED,
    )


def _held_since() -> Subquery:
    undecided = Hold.objects.filter(
        change=OuterRef("change"), change__state=RenewalChange.State.UNDECIDED
    )
    return Subquery(undecided.order_by("starts_on").values("starts_on")[:1])


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(0), UTC)


def _among(field: str, known: Iterable):
    known = {str(value) for value in known}

    def narrow(tickets, values, user, on):
        values = [value for value in map(str, values) if value in known]
        return tickets.filter(**{f"{field}__in": values}) if values else tickets

    return narrow


def _assigned(tickets, value, user, on):
    if value == "me":
        return tickets.filter(assignee=user)
    if value == "nobody":
        return tickets.filter(assignee=None)
    return tickets.filter(assignee=int(value)) if str(value).isdecimal() else tickets


def _of_account(tickets, words, user, on):
    for word in str(words).split():
        tickets = tickets.filter(account__name__icontains=word)
    return tickets


def _with_words(tickets, words, user, on):
    """The newest that match, found first: whatever else is asked is asked of these."""
    newest = searches.matching(str(words)).order_by("-ticket").values("ticket")[:MOST]
    among = Func(
        F("pk"), ArraySubquery(newest), arg_joiner=" = ANY (",
        template="(%(expressions)s))", output_field=BooleanField(),
    )  # fmt: skip
    return tickets.filter(among)


def _older(tickets, days, user, on):
    return tickets.filter(opened_on__lte=on - timedelta(days=int(days)))


def _held_for(tickets, days, user, on):
    since = Hold.objects.filter(
        change=OuterRef("change"), starts_on__lte=on - timedelta(days=int(days))
    )
    undecided = Q(change__state=RenewalChange.State.UNDECIDED)
    return tickets.filter(Exists(since), undecided)


_FILTERS = {
    "q": _with_words,
    "state": _among("state", Ticket.State.values),
    "category": _among("category", Ticket.Category.values),
    "priority": _among("priority", Ticket.Priority.values),
    "origin": _among("origin", Ticket.Origin.values),
    "assignee": _assigned,
    "account": _of_account,
    "app": lambda tickets, slug, user, on: tickets.filter(app__slug=slug),
    "tag": lambda tickets, tag, user, on: tickets.filter(
        tags__contains=[str(tag).strip().lower()]
    ),
    "older": _older,
    "held": _held_for,
}
