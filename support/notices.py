"""Notices that a term comes to its end: what renews, at what cost, what is unused (3.23)."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import groupby

from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts import authority
from accounts.models import User
from billing import charges
from billing.models import Line, RenewalChange, Term
from journal import outbox
from myapps import usage
from support import evidence, wishes
from support.models import Notice

LATE = 3
"""A notice may be so many days late, after a stop; then the next one tells."""

State = RenewalChange.State
Kind = RenewalChange.Kind

_TELL = """
    INSERT INTO support_notice (account_id, line_id, term_ends_on, days, told_on)
    SELECT account_id, line_id, ends_on, %s, %s FROM billing_term
    WHERE id = ANY(%s) ORDER BY id
    ON CONFLICT DO NOTHING
    RETURNING line_id
"""


@dataclass(frozen=True)
class Entry:
    """One line in a notice: what the term end does to it."""

    line: Line
    active: int
    billed: int
    quantity: int
    amount: Decimal
    unused: int
    change: RenewalChange | None

    @property
    def ends(self) -> bool:
        return self.quantity == 0

    @property
    def wish(self) -> str:
        """What was asked for, in plain words."""
        return wishes.title(self.change) if self.change else ""

    @property
    def waits(self) -> bool:
        """A wish that Support has not decided."""
        return self.change is not None and self.change.state == State.UNDECIDED


def send(
    *, zone: str, on: date, marks: Iterable[int], at: datetime, places: dict,
    most: int = 200,
) -> int:  # fmt: skip
    """Write the emails of a local day to those who hold Manage; returns how many.

    `marks` are days before the end, as 30, 7 and 1; `places` the names and addresses
    that mails give; `most` accounts go in a transaction. Each line is told of once for
    each term end and mark; lines of one account that end on one day share an email.
    """
    sent = 0
    for mark in sorted(marks):
        while accounts := _accounts(zone=zone, mark=mark, on=on, most=most):
            with transaction.atomic():
                sent += _tell(accounts, zone, mark=mark, on=on, at=at, places=places)
    return sent


def due(*, zone: str, mark: int, on: date):
    """Terms to tell of: longer than a month, or with a change that may still act."""
    changed = RenewalChange.objects.standing().filter(
        line=OuterRef("line"), term_ends_on=OuterRef("ends_on")
    )
    told = Notice.objects.filter(
        line=OuterRef("line"), term_ends_on=OuterRef("ends_on"), days=mark
    )
    return (
        Term.objects.open()
        .filter(
            timezone=zone,
            ends_on__lte=on + timedelta(days=mark),
            ends_on__gt=on + timedelta(days=max(mark - LATE, 0)),
            line__monthly_unit_price__gt=0,
        )
        .filter(Q(line__term_months__gt=1) | Exists(changed))
        .filter(~Exists(told))
    )


def _accounts(*, zone: str, mark: int, on: date, most: int) -> list[int]:
    found = due(zone=zone, mark=mark, on=on).order_by("account").distinct()
    return list(found.values_list("account", flat=True)[:most])


def _tell(accounts, zone, *, mark: int, on: date, at: datetime, places: dict) -> int:
    terms = list(
        due(zone=zone, mark=mark, on=on)
        .filter(account__in=accounts)
        .select_related("line__plan__app", "line__account")
        .order_by("account", "ends_on", "line__plan__app__name", "line_id")
    )
    with connection.cursor() as cursor:
        cursor.execute(_TELL, [mark, on, [term.pk for term in terms]])
        told = {pk for (pk,) in cursor.fetchall()}
    terms = [term for term in terms if term.line_id in told]
    entries = _entries(terms)
    people = authority.holders_by_account(accounts, authority.MANAGE)
    sent = 0
    for (account, ends_on), some in groupby(
        terms, key=lambda term: (term.line.account, term.ends_on)
    ):
        lines = [entries[term.line_id] for term in some]
        for user in people.get(account.pk, []):
            _write(user, lines, ends_on=ends_on, mark=mark, on=on, at=at, places=places)
            sent += 1
    return sent


def _entries(terms: list[Term]) -> dict[int, Entry]:
    """What each line's term end does, in a constant number of queries."""
    changes = {
        (change.line_id, change.term_ends_on): change
        for change in RenewalChange.objects.standing()
        .filter(line__in=[term.line_id for term in terms])
        .select_related("target_plan", "line__plan__app")
    }
    left = _units(terms)
    kept = _kept(terms)
    entries = {}
    for term in terms:
        line = term.line
        plan = line.account_id, line.plan_id
        used = min(left[plan], term.billed)
        left[plan] -= used
        change = changes.get((line.pk, term.ends_on))
        quantity = _quantity(line, term, change, active=kept.get(line.pk, 0))
        entries[line.pk] = Entry(
            line=line,
            active=used,
            billed=term.billed,
            quantity=quantity,
            amount=charges.per_period(line, quantity),
            unused=term.billed - used,
            change=change,
        )
    return entries


def _kept(terms: list[Term]) -> dict[int, int]:
    """Units that no decrease goes below at the term end, as the hourly run asks."""
    by_end = defaultdict(list)
    for term in terms:
        by_end[term.ends_on].append(term.line_id)
    kept = {}
    for ends_on, lines in by_end.items():
        kept |= usage.active_on(lines, on=ends_on)
    return kept


def _units(terms: list[Term]) -> dict[tuple[int, int], int]:
    """Active units by account and plan: several lines of one plan share them."""
    seats = evidence.active_seats(term.line for term in terms)
    left: dict[tuple[int, int], int] = defaultdict(int)
    for term in terms:
        plan = term.line.account_id, term.line.plan_id
        left[plan] = term.line.plan.units(seats[plan]) if seats[plan] else 0
    return left


def _quantity(line: Line, term: Term, change: RenewalChange | None, *, active: int):
    """What renews as things stand: nothing where the line ends by itself (3.13, 3.16)."""
    if line.replaced_by_id or (line.ends_on and line.ends_on <= term.ends_on):
        return 0
    if change and change.state == State.APPROVED and change.kind != Kind.PLAN:
        return min(max(change.target_quantity, active), term.billed)
    return term.billed


def _write(user: User, entries, *, ends_on, mark, on, at, places) -> None:
    days = (ends_on - on).days
    subject = ngettext(
        "%(what)s: the term ends in %(days)d day",
        "%(what)s: the term ends in %(days)d days",
        days,
    ) % {"what": _what(entries), "days": days}
    words = {
        "user": user,
        "account": entries[0].line.account,
        "entries": entries,
        "ends_on": ends_on,
        "last_day": days.said(ends_on - timedelta(days=1)),
        "day": days.said(ends_on),
        "days": days,
        "places": places,
    }
    outbox.email(
        key=f"notice:{entries[0].line.pk}:{ends_on}:{mark}:{user.pk}",
        to=user.email,
        subject=subject,
        body=render_to_string("support/mail/term_ends.txt", words),
        html=render_to_string("support/mail/term_ends.html", words),
        account=entries[0].line.account,
        at=at,
    )


def _what(entries: list[Entry]) -> str:
    first = entries[0].line.plan
    if len(entries) == 1:
        return f"{first.app.name} {first.name}"
    return _("%(app)s and %(more)d more") % {
        "app": first.app.name,
        "more": len(entries) - 1,
    }
