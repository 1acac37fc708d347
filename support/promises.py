"""What Support promised for a ticket, and when it presses: its service level and the
term end.

Three clocks run in the working time of the promise's calendar: the first answer and the
next answer, from when the customer asked, and the solution, from the opening. They rest
while a ticket waits, is scheduled or is done, and go on where they stopped. What is due
stands on the ticket as moments, kept with every change of it. Without a promise for its
kind a ticket has no such clock; the term end it always has.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from functools import cache, cached_property
from zoneinfo import ZoneInfo

import holidays
from django.db.models import Q

from billing.models import Term
from support import working_time
from support.models import Calendar, Message, ServicePromise, Ticket

State = Ticket.State
RUNNING = {State.NEW, State.OPEN}
BUSINESS_DAYS = 2
"""So many business days before it is due, a ticket presses."""
EVERY_WEEKDAY = working_time.Hours(
    "UTC", tuple(((time(0), time(0)),) if day < 5 else () for day in range(7))
)
"""Business days where nobody entered a calendar."""


@dataclass(frozen=True)
class Promised:
    """How soon, in the working time of one calendar."""

    hours: working_time.Hours
    first_answer: timedelta
    next_answer: timedelta
    solution: timedelta


@dataclass(frozen=True)
class Clock:
    """One deadline of a ticket: what is due (answer, solution or term_end) and when.

    It runs, rests while the ticket waits or is scheduled, or is over (done); `late` says
    that it passed, `presses` that little is left.
    """

    kind: str
    due_at: datetime
    runs: bool
    late: bool
    presses: bool
    first: bool = False


class Book:
    """Every promise and its calendar, read at once: three queries, then none."""

    @cached_property
    def promised(self) -> dict[tuple[str, int], Promised]:
        rows = list(
            ServicePromise.objects.select_related("calendar")
            .prefetch_related("calendar__hours", "calendar__closures")
            .order_by("id")
        )
        calendars = {
            row.calendar_id: hours_of(row.calendar)
            for row in {row.calendar_id: row for row in rows}.values()
        }
        return {
            (row.category, row.priority): Promised(
                hours=calendars[row.calendar_id],
                first_answer=timedelta(minutes=row.first_answer_minutes),
                next_answer=timedelta(minutes=row.next_answer_minutes),
                solution=timedelta(minutes=row.solution_minutes),
            )
            for row in rows
            if any(calendars[row.calendar_id].week)
        }

    def of(self, ticket: Ticket) -> Promised | None:
        """The promise for its category and priority, else the one for all categories."""
        return self.promised.get(
            (ticket.category, ticket.priority),
            self.promised.get(("", ticket.priority)),
        )

    def presses(self, ticket: Ticket, *, at: datetime) -> bool:
        """Whether at most two business days are left, by its own calendar."""
        if ticket.presses_at is None:
            return False
        promised = self.of(ticket)
        return ticket.presses_at <= horizon(promised and promised.hours, at=at)

    def pressing(self, *, at: datetime) -> Q:
        """The same as a condition on tickets, for queues and their counts."""
        by_horizon = defaultdict(Q)
        ends = {key: horizon(one.hours, at=at) for key, one in self.promised.items()}
        usual = horizon(None, at=at)
        for priority in Ticket.Priority.values:
            own = [name for name, level in ends if level == priority and name]
            for name in own:
                by_horizon[ends[name, priority]] |= Q(category=name, priority=priority)
            by_horizon[ends.get(("", priority), usual)] |= Q(priority=priority) & ~Q(
                category__in=own
            )
        if len(by_horizon) == 1:
            return Q(presses_at__lte=next(iter(by_horizon)))
        found = Q(pk__in=[])
        for end, kinds in by_horizon.items():
            found |= kinds & Q(presses_at__lte=end)
        return found


def horizon(hours: working_time.Hours | None, *, at: datetime) -> datetime:
    """What is due by then presses at a moment: two business days on (inclusive)."""
    try:
        return working_time.business_days_after(
            hours or EVERY_WEEKDAY, at, BUSINESS_DAYS
        )
    except working_time.NeverOpen:
        return working_time.business_days_after(EVERY_WEEKDAY, at, BUSINESS_DAYS)


def clocks(ticket: Ticket, *, at: datetime, zone: str | None = None) -> list[Clock]:
    """The deadlines of a ticket that is not done, the promised ones first. `zone` is its
    term's, where that is known.
    """
    if ticket.is_done:
        return []
    zones = {(ticket.line_id, ticket.term_ends_on): zone} if zone else None
    book, runs = Book(), ticket.state in RUNNING
    promised = book.of(ticket)
    end = horizon(promised and promised.hours, at=at)

    def clock(kind, due_at, *, runs, **more) -> Clock:
        return Clock(
            kind, due_at, runs, runs and due_at < at, runs and due_at <= end, **more
        )

    found = []
    if ticket.answer_due_at:
        first = ticket.first_answered_at is None
        found.append(clock("answer", ticket.answer_due_at, runs=runs, first=first))
    if ticket.solution_due_at:
        found.append(clock("solution", ticket.solution_due_at, runs=runs))
    if ticket.term_ends_on:
        waits = ticket.state != State.SCHEDULED
        found.append(clock("term_end", term_end_at(ticket, zones), runs=waits))
    return found


def begin(tickets: Iterable[Ticket]) -> None:
    """Start the clocks of tickets about to be written, from their `opened_at`.

    Somebody waits for an answer where a customer asked and may read it; what staff or
    the calendar opened waits for its solution alone.
    """
    tickets, book = list(tickets), Book()
    for ticket in tickets:
        asked = ticket.requester and ticket.requester.account_id
        if asked and not ticket.internal:
            ticket.asked_at = ticket.opened_at
    _keep(tickets, book=book)


def follow(tickets: Iterable[Ticket], *, at: datetime) -> None:
    """Bring the clocks of tickets up to what they are now; the caller saves them.

    What begins to rest keeps its due moments, for when it goes on.
    """
    tickets, book = list(tickets), Book()
    for ticket in tickets:
        _rest_or_go_on(ticket, book.of(ticket), at=at)
    _keep(tickets, book=book)


def asked(ticket: Ticket, *, at: datetime) -> None:
    """The customer said something: an answer is due, if none was before."""
    if ticket.asked_at is None:
        ticket.asked_at, ticket.answer_rest = at, timedelta()


def answered(ticket: Ticket, *, at: datetime) -> None:
    """Support answered: nobody waits for an answer now."""
    if ticket.asked_at and ticket.answer_due_at and at > ticket.answer_due_at:
        ticket.late_answers += 1
    ticket.asked_at, ticket.answer_rest = None, timedelta()
    ticket.first_answered_at = ticket.first_answered_at or at


def unanswered(ticket: Ticket) -> None:
    """An answer was taken back: who asked before it waits again, since then.

    Read off the conversation that is left. The caller follows and saves.
    """
    said = ticket.messages.filter(internal=False, author__isnull=False).order_by("id")
    answers = said.filter(author__account=None)
    first, last = answers.first(), answers.last()
    waiting = said.exclude(author__account=None)
    if last:
        waiting = waiting.filter(pk__gt=last.pk)
    question = waiting.first()
    ticket.first_answered_at = first and first.at
    ticket.asked_at = question and _asked_at(ticket, question, answered=last)


def _asked_at(ticket: Ticket, question: Message, *, answered) -> datetime:
    """What opened a ticket was asked as it was opened."""
    return question.at if answered else min(ticket.opened_at, question.at)


def _rest_or_go_on(ticket: Ticket, promised: Promised | None, *, at: datetime) -> None:
    runs = ticket.state in RUNNING and ticket.merged_into_id is None
    if not runs and ticket.rests_since is None:
        ticket.rests_since = at
    elif runs and ticket.rests_since is not None:
        if promised:
            since = ticket.rests_since
            ticket.solution_rest += working_time.worked(promised.hours, since, at)
            if ticket.asked_at:
                ticket.answer_rest += working_time.worked(
                    promised.hours, max(since, ticket.asked_at), at
                )
        ticket.rests_since = None


def _keep(tickets: list[Ticket], *, book: Book) -> None:
    zones = _zones(tickets)
    for ticket in tickets:
        promised = book.of(ticket)
        ticket.solution_due_at = promised and working_time.after(
            promised.hours, ticket.opened_at, promised.solution + ticket.solution_rest
        )
        ticket.answer_due_at = promised and _answer_due(ticket, promised)
        ticket.presses_at = _presses_at(ticket, zones)


def _answer_due(ticket: Ticket, promised: Promised) -> datetime | None:
    if ticket.asked_at is None:
        return None
    first = ticket.first_answered_at is None
    soon = promised.first_answer if first else promised.next_answer
    return working_time.after(
        promised.hours, ticket.asked_at, soon + ticket.answer_rest
    )


def _presses_at(ticket: Ticket, zones) -> datetime | None:
    """Nothing presses once it is decided; what waits still has its term end."""
    merged = ticket.merged_into_id is not None
    if merged or ticket.is_done or ticket.state == State.SCHEDULED:
        return None
    due = [term_end_at(ticket, zones)]
    if ticket.state in RUNNING:
        due += [ticket.answer_due_at, ticket.solution_due_at]
    return min(filter(None, due), default=None)


def term_end_at(ticket: Ticket, zones=None) -> datetime | None:
    """The local midnight at which the term is over, by the zone the term keeps."""
    if ticket.term_ends_on is None:
        return None
    zones = _zones([ticket]) if zones is None else zones
    zone = zones.get((ticket.line_id, ticket.term_ends_on), ticket.account.timezone)
    return datetime.combine(ticket.term_ends_on, time(0), ZoneInfo(zone))


def _zones(tickets: list[Ticket]) -> dict:
    """The time zone of each ticket's term: a term keeps the one it was opened in."""
    lines = {ticket.line_id for ticket in tickets if ticket.term_ends_on}
    if not lines:
        return {}
    days = {ticket.term_ends_on for ticket in tickets if ticket.term_ends_on}
    found = Term.objects.filter(line__in=lines, ends_on__in=days)
    return {
        (line, day): zone
        for line, day, zone in found.values_list("line", "ends_on", "timezone")
    }


def hours_of(calendar: Calendar) -> working_time.Hours:
    """When the desk works, by a calendar."""
    week = [[] for _day in range(7)]
    for one in calendar.hours.all():
        week[one.weekday].append((one.opens, one.closes))
    return working_time.Hours(
        timezone=calendar.timezone,
        week=tuple(tuple(sorted(day)) for day in week),
        holidays=_holidays(calendar.country, calendar.subdivision),
        closures=frozenset(one.on for one in calendar.closures.all()),
    )


@cache
def _holidays(country: str, subdivision: str):
    """The public holidays of a country or a part of it, counted once by each process."""
    if not country:
        return frozenset()
    return holidays.country_holidays(
        country, subdiv=subdivision or None, years=range(2020, 2061)
    )
