"""Staff are told of money that is held too long because nobody decides (3.14)."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from billing.models import Hold, RenewalChange
from journal import days, outbox
from support import proposals, wishes
from support.models import HeldAlert, Message, Ticket

MOST = 200
"""Tickets in one transaction."""


def tell(
    *, zone: str, on: date, marks: Iterable[int], at: datetime, places: dict,
    most: int = MOST,
) -> int:  # fmt: skip
    """Write a note and an email for each ticket that has held money for so many days.

    `marks` are days since the term end, as 7 and 30: each is told of once, and after a
    stop the greatest alone. `places` are the names and addresses that mails give. Safe
    to repeat, to run late and to race. Returns how many were told of.
    """
    told = 0
    for mark in sorted(marks, reverse=True):
        while rows := _batch(zone, mark=mark, on=on, at=at, places=places, most=most):
            told += rows
    return told


def due(*, zone: str, mark: int, on: date):
    """Open tickets that hold money since so many days, and were not told of."""
    told = HeldAlert.objects.filter(ticket=OuterRef("pk"), days__gte=mark)
    held = Hold.objects.filter(change=OuterRef("change"))
    return Ticket.objects.open().filter(
        Exists(held),
        ~Exists(told),
        account__timezone=zone,
        change__state=RenewalChange.State.UNDECIDED,
        term_ends_on__lte=on - timedelta(days=mark),
    )


@transaction.atomic
def _batch(zone: str, *, mark: int, on, at, places: dict, most: int) -> int:
    tickets = list(
        due(zone=zone, mark=mark, on=on)
        .select_for_update(no_key=True, skip_locked=True, of=["self"])
        .select_related(
            "account", "assignee", "change__line__plan__app", "change__target_plan",
            "change__granted_plan", "change__new_line",
        )
        .order_by("id")[:most]
    )  # fmt: skip
    priced = proposals.of_all([ticket.change for ticket in tickets], on=on)
    HeldAlert.objects.bulk_create(
        HeldAlert(ticket=ticket, days=mark, told_on=on) for ticket in tickets
    )
    notes = []
    for ticket in tickets:
        proposal = priced[ticket.change_id]
        words = _words(ticket, proposal)
        notes.append(Message(ticket=ticket, internal=True, body=words, on=on))
        _write(ticket, words, mark=mark, at=at, places=places)
    Message.objects.bulk_create(notes)
    return len(tickets)


def _words(ticket: Ticket, proposal: proposals.Proposal) -> str:
    held = proposal.held
    return _(
        "Held for %(days)s days, since %(day)s: %(amount)s for %(quantity)s units. "
        "Approve or decline it: until then it is not billed."
    ) % {
        "days": held.days,
        "day": days.said(held.since),
        "amount": wishes.sum_of(held.amount, proposal.currency),
        "quantity": held.quantity,
    }


def _write(ticket: Ticket, words: str, *, mark: int, at, places: dict) -> None:
    """To whom the ticket is assigned, else to the desk's own address."""
    about = {"ticket": ticket, "words": words, "places": places}
    to = ticket.assignee.email if ticket.assignee else places["support"]
    outbox.email(
        key=f"held:{ticket.pk}:{mark}",
        to=to,
        subject=_("%(number)s holds money: %(subject)s")
        % {"number": ticket.number, "subject": ticket.subject},
        body=render_to_string("support/mail/held.txt", about),
        html=render_to_string("support/mail/held.html", about),
        at=at,
    )
