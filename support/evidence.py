"""Evidence: what a billing ticket knew of a line when it was opened, and when it was
decided. Frozen, and its digest shows that nobody changed it since.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from django.db import connection
from django.db.models import Count

from billing.models import Line, Order, RenewalChange, Term
from journal.models import Activity
from myapps.models import Installation
from support.models import Evidence, Ticket

EVENTS_KEPT = 1_000

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


def take(tickets: Iterable[Ticket], *, moment: str, on: date) -> None:
    """Freeze what is known now of the lines of billing tickets; once for each wish.

    A constant number of queries for any number of tickets.
    """
    tickets = list(tickets)
    contents = of([ticket.change for ticket in tickets])
    Evidence.objects.bulk_create(
        [
            Evidence(
                ticket=ticket,
                change=ticket.change,
                moment=moment,
                content=contents[ticket.change_id],
                digest=digest(contents[ticket.change_id]),
                taken_on=on,
            )
            for ticket in tickets
        ],
        ignore_conflicts=True,
    )


def of(changes: Iterable[RenewalChange]) -> dict[int, dict]:
    """Snapshots by change id: the line, its term, its use, who asked and how.

    People stand in it as ids, so that they can be forgotten. Of the seat events of the
    term the newest thousand are kept, and how many there were.
    """
    changes = list(changes)
    terms = _terms(changes)
    active = active_seats([change.line for change in changes])
    events, counts, most = _seat_events(changes, terms)
    authorities = _authorities(changes)
    return {
        change.pk: {
            "line": _line(change.line),
            "term": _term(terms.get(change.pk)),
            "active": active[change.line.account_id, change.line.plan_id],
            "most_active": max(
                active[change.line.account_id, change.line.plan_id], most[change.pk]
            ),
            "seat_events": events[change.pk],
            "seat_events_count": counts[change.pk],
            "asked": {
                "kind": change.kind,
                "target_quantity": change.target_quantity,
                "target_plan": change.target_plan.name if change.target_plan else "",
                "by": change.asked_by_id,
                "on": change.asked_on.isoformat(),
                "authority": authorities.get(change.pk, ""),
                "reason": change.reason,
            },
        }
        for change in changes
    }


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


def _terms(changes) -> dict[int, Term]:
    """The term that each change is the end of."""
    found = {
        (term.line_id, term.ends_on): term
        for term in Term.objects.filter(
            line__in=[change.line_id for change in changes],
            ends_on__in={change.term_ends_on for change in changes},
        )
    }
    return {
        change.pk: found[change.line_id, change.term_ends_on]
        for change in changes
        if (change.line_id, change.term_ends_on) in found
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


def _seat_events(changes, terms) -> tuple[dict, dict, dict]:
    """The newest events of each term, how many there were, and the most active seats."""
    rows = [
        (change.pk, change.line.account_id, change.line.app_id, term.starts_on, term.ends_on)
        for change in changes
        if (term := terms.get(change.pk))
    ]  # fmt: skip
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
    ("Plan", ("line", "plan"), "text"),
    ("Monthly price of a unit", ("line", "monthly_unit_price"), "price"),
    ("Billed", ("line", "frequency_months"), "frequency"),
    ("Term", ("line", "term_months"), "months"),
    ("Contracted quantity", ("term", "contracted"), "count"),
    ("Billed quantity", ("term", "billed"), "count"),
    ("Seats active", ("active",), "count"),
    ("Most seats active in the term", ("most_active",), "count"),
    ("Changes of seats in the term", ("seat_events_count",), "count"),
]


def rows(then: dict, now: dict) -> list[Row]:
    """A snapshot beside another, fact by fact."""
    return [
        Row(label, _at(then, path), _at(now, path), form) for label, path, form in _ROWS
    ]


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
