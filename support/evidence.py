"""Evidence: what a billing ticket knew of a line when it was opened, and when it was
decided. Frozen, and its digest shows that nobody changed it since.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from django.db import connection
from django.db.models import Count
from django.utils.translation import gettext_lazy as _

from accounts import authority
from billing.models import Line, Order, RenewalChange, Term
from journal.models import Activity
from myapps.models import Installation
from support.models import Adjustment, Evidence, Ticket

EVENTS_KEPT = 50_000
DAY = timedelta(days=1)

_SEAT_EVENTS = """
    SELECT change, id, kind, user_id, by_id, "on", active, why, events, most FROM (
        SELECT asked.change, event.*,
               count(*) OVER (PARTITION BY asked.change) AS events,
               max(event.active) OVER (PARTITION BY asked.change) AS most,
               row_number() OVER (
                   PARTITION BY asked.change ORDER BY event.id DESC) AS newest
        FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::date[], %s::date[])
            AS asked(change, account, app, starts_on, ends_on)
        JOIN myapps_installation installation
            ON installation.account_id = asked.account
            AND installation.app_id = asked.app
        JOIN myapps_seatevent event
            ON event.installation_id = installation.id
            AND event.on >= asked.starts_on AND event.on < asked.ends_on
    ) events
    WHERE newest <= %s
    ORDER BY change, id
"""

_ACTIVE_BEFORE = """
    SELECT asked.change, max(before.active)
    FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::date[], %s::date[])
        AS asked(change, account, app, starts_on, ends_on)
    JOIN myapps_installation installation
        ON installation.account_id = asked.account AND installation.app_id = asked.app
    CROSS JOIN LATERAL (
        SELECT event.active FROM myapps_seatevent event
        WHERE event.installation_id = installation.id AND event.on < asked.starts_on
        ORDER BY event.on DESC, event.id DESC LIMIT 1
    ) before
    GROUP BY asked.change
"""


def digest(content: dict) -> str:
    """SHA-256 of a snapshot, written in one way."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def intact(evidence: Evidence) -> bool:
    """Whether a snapshot still is what was taken."""
    return digest(evidence.content) == evidence.digest


def take(
    tickets: Iterable[Ticket], *, moment: str, on: date,
    adjustment: Adjustment | None = None,
) -> None:  # fmt: skip
    """Freeze what is known now of the lines of tickets; once for each wish and decision.

    `adjustment` is the version that is decided. A ticket about no line has none. A
    constant number of queries for any number of tickets that carry a change.
    """
    line = adjustment and adjustment.line
    tickets = [one for one in tickets if one.change_id or one.line_id or line]
    contents = _of([_subject(ticket, on=on, line=line) for ticket in tickets])
    Evidence.objects.bulk_create(
        [
            Evidence(
                ticket=ticket,
                change=ticket.change,
                adjustment=adjustment,
                moment=moment,
                content=contents[ticket.pk],
                digest=digest(contents[ticket.pk]),
                taken_on=on,
            )
            for ticket in tickets
        ],
        ignore_conflicts=True,
    )


def now(ticket: Ticket, *, on: date, line: Line | None = None) -> dict:
    """What a snapshot of the ticket's line would hold on a local day. Writes nothing.

    `line`: of the charge in question, where the ticket names none.
    """
    return _of([_subject(ticket, on=on, line=line)])[ticket.pk]


@dataclass(frozen=True)
class _Subject:
    """What a snapshot is of: a line, the term it is about, and who asked for what."""

    key: int
    line: Line
    day: date
    asked: dict
    change: RenewalChange | None = None


def _subject(ticket: Ticket, *, on: date, line: Line | None) -> _Subject:
    change = ticket.change
    if change is not None:
        day = change.term_ends_on - DAY
        return _Subject(ticket.pk, change.line, day, _wish(change), change)
    first = ticket.evidence.filter(moment=Evidence.Moment.OPENED).first()
    asked = first.content["asked"] if first else _question(ticket)
    return _Subject(ticket.pk, ticket.line or line, on, asked)


def _wish(change: RenewalChange) -> dict:
    return {
        "kind": change.kind,
        "target_quantity": change.target_quantity,
        "target_plan": change.target_plan.name if change.target_plan else "",
        "by": change.asked_by_id,
        "on": change.asked_on.isoformat(),
        "reason": change.reason,
    }


def _question(ticket: Ticket) -> dict:
    """Who asked about a charge, and under which authority at that moment."""
    by = ticket.requester
    acting = authority.acting(by, authority.MANAGE) if by and by.account_id else ""
    return {
        "kind": ticket.category,
        "target_quantity": None,
        "target_plan": "",
        "by": ticket.requester_id,
        "on": ticket.opened_on.isoformat(),
        "authority": acting,
        "reason": "",
    }


def _of(subjects: list[_Subject]) -> dict[int, dict]:
    """Snapshots by ticket id: the line, its term, its use, who asked and how.

    People stand in it as ids, so that they can be forgotten. Of the seat events of the
    term the newest are kept where there are very many, and how many there were.
    """
    terms = _terms(subjects)
    active = active_seats([subject.line for subject in subjects])
    events, counts, most = _seat_events(subjects, terms)
    authorities = _authorities([one.change for one in subjects if one.change])
    found = {}
    for one in subjects:
        seats = active[one.line.account_id, one.line.plan_id]
        asked = dict(one.asked)
        if one.change:
            asked["authority"] = authorities.get(one.change.pk, "")
        found[one.key] = {
            "line": _line(one.line),
            "term": _term(terms.get(one.key)),
            "active": seats,
            "most_active": max(seats, most[one.key]),
            "seat_events": events[one.key],
            "seat_events_count": counts[one.key],
            "asked": asked,
        }
    return found


def _line(line) -> dict:
    return {
        "id": line.pk,
        "app": line.plan.app.name,
        "plan": line.plan.name,
        "charge_model": line.plan.charge_model,
        "basis": line.basis,
        "currency": line.currency,
        "monthly_unit_price": format(line.monthly_unit_price.normalize(), "f"),
        "frequency_months": line.frequency_months,
        "term_months": line.term_months,
        "starts_on": line.starts_on.isoformat(),
        "replaced": line.replaced_by_id is not None,
    }


def _term(term: Term | None) -> dict:
    if term is None:
        return {}
    return {
        "starts_on": term.starts_on.isoformat(),
        "ends_on": term.ends_on.isoformat(),
        "contracted": term.contracted,
        "peak": term.peak,
        "billed": term.billed,
    }


def _terms(subjects: list[_Subject]) -> dict[int, Term]:
    """The term that each subject is about: the one its day is in."""
    found = defaultdict(list)
    first = min((one.day for one in subjects), default=date.max)
    terms = Term.objects.filter(line__in={one.line.pk for one in subjects})
    for term in terms.filter(ends_on__gt=first):
        found[term.line_id].append(term)
    return {
        one.key: term
        for one in subjects
        for term in found[one.line.pk]
        if term.starts_on <= one.day < term.ends_on
    }


def active_seats(lines: Iterable[Line]) -> dict[tuple[int, int], int]:
    """Seats active on each line's plan now, by account and plan."""
    lines = list(lines)
    counted = (
        Installation.objects.standing()
        .filter(
            account__in={line.account_id for line in lines},
            plan__in={line.plan_id for line in lines},
        )
        .values_list("account", "plan")
        .annotate(active=Count("seats"))
    )
    found = defaultdict(int)
    for account, plan, active in counted:
        found[account, plan] += active
    return found


def _seat_events(subjects, terms) -> tuple[dict, dict, dict]:
    """The newest events of each term, how many there were, and the most active seats."""
    rows = [
        (one.key, one.line.account_id, one.line.app_id, term.starts_on, term.ends_on)
        for one in subjects
        if (term := terms.get(one.key))
    ]
    events, counts, mosts = defaultdict(list), defaultdict(int), defaultdict(int)
    if not rows:
        return events, counts, mosts
    with connection.cursor() as cursor:
        columns = [list(column) for column in zip(*rows, strict=True)]
        cursor.execute(_SEAT_EVENTS, [*columns, EVENTS_KEPT])
        for change, pk, kind, user, by, day, active, why, count, most in cursor:
            counts[change], mosts[change] = count, most
            events[change].append(
                {
                    "id": pk,
                    "kind": kind,
                    "user": user,
                    "by": by,
                    "on": day.isoformat(),
                    "active": active,
                    "why": why,
                }
            )
        cursor.execute(_ACTIVE_BEFORE, columns)
        for change, active in cursor.fetchall():
            mosts[change] = max(mosts[change], active)
    return events, counts, mosts


def _authorities(changes) -> dict[int, str]:
    """The permission and role that each asker acted under, as it was recorded then."""
    subjects = {f"renewalchange:{change.pk}": change.pk for change in changes}
    found = {
        subjects[subject]: authority
        for subject, authority in Activity.objects.filter(
            subject__in=list(subjects), verb="renewal.asked"
        ).values_list("subject", "authority")
    }
    replaced = {
        change.new_line.order_id: change.pk
        for change in changes
        if change.kind == RenewalChange.Kind.REPLACED and change.new_line.order_id
    }
    orders = Order.objects.filter(pk__in=list(replaced)) if replaced else []
    for order in orders:
        permission = order.authority.removeprefix("accounts.")
        found[replaced[order.pk]] = f"{permission}: {order.role_name}"
    return found


@dataclass(frozen=True)
class Row:
    """One fact of a line, as it was and as it is. `form` says how it is written."""

    label: str
    then: object
    now: object
    form: str

    @property
    def differs(self) -> bool:
        return self.then != self.now


_ROWS = [
    (_("Plan"), ("line", "plan"), "text"),
    (_("Monthly price of a unit"), ("line", "monthly_unit_price"), "price"),
    (_("Billed"), ("line", "frequency_months"), "frequency"),
    (_("Term"), ("line", "term_months"), "months"),
    (_("Term began"), ("term", "starts_on"), "day"),
    (_("Term ends before"), ("term", "ends_on"), "day"),
    (_("Contracted quantity"), ("term", "contracted"), "count"),
    (_("Billed quantity"), ("term", "billed"), "count"),
    (_("Seats active"), ("active",), "count"),
    (_("Most seats active in the term"), ("most_active",), "count"),
    (_("Changes of seats in the term"), ("seat_events_count",), "count"),
]


def rows(then: dict, later: dict) -> list[Row]:
    """A snapshot beside another, fact by fact."""
    return [
        Row(label, _value(then, path, form), _value(later, path, form), form)
        for label, path, form in _ROWS
    ]


def _value(content: dict, path: tuple, form: str):
    value = _at(content, path)
    return date.fromisoformat(value) if form == "day" and value else value


def _at(content: dict, path: tuple):
    for name in path:
        content = content.get(name) if isinstance(content, dict) else None
    return content


def people(*contents: dict) -> set[int]:
    """Ids of everybody a snapshot names."""
    found = set()
    for content in contents:
        found.add(content["asked"]["by"])
        for event in content["seat_events"]:
            found |= {event["user"], event["by"]}
    return found - {None}
