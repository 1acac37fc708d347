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
from django.urls import reverse

from accounts import authority
from billing import charges
from billing.models import Line, RenewalChange, Term
from journal import notices, outbox
from myapps import usage
from support import evidence, wishes
from support.models import TermNotice

LATE = 3
"""A notice may be so many days late, after a stop; then the next one tells."""

State = RenewalChange.State
Kind = RenewalChange.Kind

_TELL = """
    INSERT INTO support_termnotice (account_id, line_id, term_ends_on, days, told_on)
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
    """Tell those who hold Manage of the ends due on a local day; returns how many
    notices. Who chose so is mailed the whole of it at once.

    `marks` are days before the end, as 30, 7 and 1; `places` the names and addresses
    that mails give; `most` accounts go in a transaction. Each line is told of once for
    each term end and mark; lines of one account that end on one day share a notice.
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
    told = TermNotice.objects.filter(
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
        sent += _say(
            people.get(account.pk, []), lines, ends_on=ends_on, mark=mark, on=on,
            at=at, places=places,
        )  # fmt: skip
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


def _say(people, entries, *, ends_on, mark, on, at, places) -> int:
    account = entries[0].line.account
    context = {
        "account": account,
        "entries": entries,
        "first": entries[0].line.plan,
        "more": len(entries) - 1,
        "ends_on": ends_on,
        "days": (ends_on - on).days,
    }
    key = f"{entries[0].line.pk}:{ends_on}:{mark}"

    def letter(user, notice_id):
        words = {
            **context,
            "person": user,
            "link": places["public"] + reverse("accounts:notice", args=[notice_id]),
            "choices": places["public"] + reverse("accounts:notice-choices"),
            "VENDOR_NAME": places["vendor"],
            "TERMS_ADDRESS": places["terms"],
            "SUPPORT_ADDRESS": places["support"],
        }
        outbox.email(
            key=f"notice:{key}:{user.pk}",
            to=user.email,
            subject=render_to_string("support/notices/term_ends_title.txt", words),
            body=render_to_string("support/mails/term_ends.txt", words),
            html=render_to_string("support/mails/term_ends.html", words),
            headers={"List-Unsubscribe": f"<{words['choices']}>"},
            account=account,
            at=at,
        )

    return notices.tell(
        people, kind="term_end", key=f"term:{key}", words="support/notices/term_ends",
        context=context, address=reverse("myapps:renewals"), account=account, at=at,
        letter=letter,
    )  # fmt: skip
