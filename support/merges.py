"""Merging: one ticket goes on in another, both keep what was said on them, and it can be
undone.

The one that goes on shows both conversations in the order of time; the other is closed
and leads there. Nothing is moved between them.
"""

from datetime import date, datetime

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User
from billing.models import RenewalChange
from support import promises, tickets
from support.models import Merge, Message, MessageQuerySet, Ticket


@transaction.atomic
def merge(
    ticket: Ticket, *, into: Ticket, by: User, on: date, at: datetime | None = None
) -> Merge:
    """Let a ticket go on in another one of its account.

    Refuses a ticket and itself (code same), tickets of two accounts (other_account) or
    asked by two people, who would read each other's words (other_requester), a
    customer's request into one for staff alone (internal), a ticket that is merged
    already (merged) or one into such a one (into_merged), a ticket with a change at
    renewal that stands, because ending it is deciding it (carries_change), work on a
    line that is parked (parked), and one that is open into one that is done
    (into_done).
    """
    if ticket.pk == into.pk:
        raise ValidationError(_("Choose another ticket than this one."), code="same")
    rows = {row.pk: row for row in _locked(ticket, into)}
    ticket, into = rows[ticket.pk], rows[into.pk]
    _refuse(ticket, into)
    done = Merge.objects.create(
        ticket=ticket, into=into, state_before=ticket.state, by=by, on=on
    )
    moment = tickets.moment(ticket, on=on, at=at)
    _take_question(ticket, into)
    ticket.merged_into = into
    tickets.write(ticket, {"state": Ticket.State.CLOSED}, by=by, on=on, at=moment)
    tickets.write(into, {}, by=by, on=on, at=moment)
    _tell("ticket.merged", ticket, by=by, on=on, into=into.number)
    _tell("ticket.received", into, by=by, on=on, other=ticket.number)
    return done


@transaction.atomic
def undo(ticket: Ticket, *, by: User, on: date, at: datetime | None = None) -> Ticket:
    """Take a merge back: the ticket stands again where it stood before.

    What was said on the other one since then stays there. Refuses a ticket that is not
    merged (code not_merged).
    """
    standing = Merge.objects.filter(ticket=ticket, undone_at=None).first()
    if standing is None:
        raise ValidationError(
            _("This ticket is not merged into another."), code="not_merged"
        )
    rows = {row.pk: row for row in _locked(ticket, standing.into)}
    ticket, into = rows[standing.ticket_id], rows[standing.into_id]
    standing = Merge.objects.select_for_update().get(pk=standing.pk)
    if standing.undone_at is not None:
        raise ValidationError(
            _("This ticket is not merged into another."), code="not_merged"
        )
    moment = tickets.moment(ticket, on=on, at=at)
    standing.undone_by, standing.undone_at = by, moment
    standing.save(update_fields=["undone_by", "undone_at"])
    ticket.merged_into = None
    tickets.write(ticket, {"state": standing.state_before}, by=by, on=on, at=moment)
    promises.unanswered(into)
    tickets.write(into, {}, by=by, on=on, at=moment)
    _tell("ticket.unmerged", ticket, by=by, on=on, into=into.number)
    return ticket


def family(ticket: Ticket) -> list[int]:
    """The ids of a ticket and of all that go on in it, directly or over another."""
    newest = [one.pk for one in ticket.merged.all()]
    found = [ticket.pk, *newest]
    while newest:
        newest = list(
            Ticket.objects.filter(merged_into__in=newest).values_list("pk", flat=True)
        )
        found += newest
    return found


def said(ticket: Ticket) -> MessageQuerySet:
    """Everything said on a ticket and on those that go on in it."""
    return Message.objects.filter(ticket__in=family(ticket))


def _refuse(ticket: Ticket, into: Ticket) -> None:
    if ticket.account_id != into.account_id:
        raise ValidationError(
            _("%(number)s is another account's."),
            code="other_account",
            params={"number": into.number},
        )
    if ticket.merged_into_id:
        raise ValidationError(_("It is merged into another already."), code="merged")
    if into.merged_into_id:
        raise ValidationError(
            _("%(number)s was merged itself. Choose the ticket it goes on in."),
            code="into_merged",
            params={"number": into.number},
        )
    if ticket.change_id and ticket.change.state in RenewalChange.STANDING:
        raise ValidationError(
            _(
                "It carries a change at renewal: ending this ticket is deciding it. "
                "Merge the other one into this, or decide first."
            ),
            code="carries_change",
        )
    if ticket.category == Ticket.Category.PARKED and ticket.line.parked_at:
        raise ValidationError(
            _("The line is still parked. Put it back first."), code="parked"
        )
    if into.internal and not ticket.internal:
        raise ValidationError(
            _("The customer would lose sight of it: the other is for staff alone."),
            code="internal",
        )
    people = {ticket.requester_id, into.requester_id} - {None}
    if len(people) > 1 and not (ticket.internal or into.internal):
        raise ValidationError(
            _(
                "Two people asked, and would read each other's words. Link the tickets "
                "instead."
            ),
            code="other_requester",
        )
    if into.is_done and not ticket.is_done:
        raise ValidationError(
            _("%(number)s is done. Open it again first."),
            code="into_done",
            params={"number": into.number},
        )


def _take_question(ticket: Ticket, into: Ticket) -> None:
    """Who waits for an answer on the one waits for it on the other."""
    if ticket.asked_at and not ticket.is_done:
        waits = filter(None, [ticket.asked_at, into.asked_at])
        into.asked_at = min(waits)


def _locked(*some: Ticket) -> list[Ticket]:
    """Both rows, locked by ascending id."""
    return [tickets.locked(one) for one in sorted(some, key=lambda one: one.pk)]


def _tell(verb: str, ticket: Ticket, *, by, on: date, **data) -> None:
    tickets.record(verb, ticket, by=by, on=on, private=True, **data)
