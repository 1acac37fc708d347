"""Tickets that belong together: linked by hand, or one split off another; and who follows
a ticket.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from accounts.models import User
from support import promises, tickets
from support.models import Attachment, Message, Ticket, TicketLink

Kind = TicketLink.Kind


@dataclass(frozen=True)
class Relation:
    """Another ticket, and how it belongs to this one."""

    link: TicketLink
    ticket: Ticket
    words: str


@transaction.atomic
def link(ticket: Ticket, other: Ticket, *, by: User, on: date) -> TicketLink:
    """Say that two tickets belong together.

    Refuses a ticket and itself (code same), and two that are linked already (linked).
    """
    if ticket.pk == other.pk:
        raise ValidationError(_("Choose another ticket than this one."), code="same")
    for one in sorted((ticket, other), key=lambda row: row.pk):
        tickets.locked(one)
    if _between(ticket, other).exists():
        raise ValidationError(
            _("%(number)s is linked already."),
            code="linked",
            params={"number": other.number},
        )
    made = TicketLink.objects.create(ticket=ticket, other=other, by=by)
    _tell("ticket.linked", ticket, other, by=by, on=on)
    return made


@transaction.atomic
def unlink(ticket: Ticket, other: Ticket, *, by: User, on: date) -> None:
    """Remove what links two tickets.

    Refuses two that are not linked (code not_linked), and a ticket and what was split
    off it: that is where its history begins (split).
    """
    found = _between(ticket, other).select_for_update().first()
    if found is None:
        raise ValidationError(_("They are not linked."), code="not_linked")
    if found.kind == Kind.SPLIT:
        raise ValidationError(
            _("One was split off the other: that link stays."), code="split"
        )
    found.delete()
    _tell("ticket.unlinked", ticket, other, by=by, on=on)


@transaction.atomic
def split(
    ticket: Ticket, messages: Collection[Message], *, subject: str, by: User, on: date,
    at: datetime | None = None,
) -> Ticket:  # fmt: skip
    """Make a ticket of its own of a message or more; the original keeps its history.

    The messages stand on both, with their attachments. The new one is about the same
    app and line, but carries no change at renewal: it is a question then. It is asked
    by the customer whose words begin it, and for staff alone where only notes go along.
    Refuses none (code nothing_chosen), another ticket's messages (not_its), and a reply
    that can still be taken back (leaving).
    """
    ticket = tickets.locked(ticket)
    moment = tickets.moment(ticket, on=on, at=at)
    messages = sorted(messages, key=lambda message: message.pk)
    _refuse(ticket, messages, at=moment)
    made = tickets.open(
        ticket.account,
        category=_category(ticket),
        subject=subject,
        by=_requester(ticket, messages),
        on=on,
        origin=Ticket.Origin.STAFF,
        internal=ticket.internal or all(message.internal for message in messages),
        at=moment,
        app_id=ticket.app_id,
        plan_id=ticket.plan_id,
        line_id=ticket.line_id,
        contract_id=None,
    )
    _copy(messages, to=made)
    promises.unanswered(made)
    tickets.write(tickets.locked(made), {}, by=by, on=on, at=moment)
    TicketLink.objects.create(ticket=ticket, other=made, kind=Kind.SPLIT, by=by)
    _tell("ticket.split", ticket, made, by=by, on=on)
    return made


def of(ticket: Ticket) -> list[Relation]:
    """What belongs to a ticket, newest first; one query."""
    found = (
        TicketLink.objects.filter(Q(ticket=ticket) | Q(other=ticket))
        .select_related("ticket__account", "other__account")
        .order_by("-id")
    )
    return [
        Relation(
            link=one,
            ticket=one.other if one.ticket_id == ticket.pk else one.ticket,
            words=_words(one, ticket),
        )
        for one in found
    ]


@transaction.atomic
def follow(ticket: Ticket, *, by: User, on: date) -> None:
    """Be told of what happens on a ticket. Only staff follow (code not_staff)."""
    if by.kind not in tickets.STAFF:
        raise ValidationError(_("Only staff follow tickets."), code="not_staff")
    ticket = tickets.locked(ticket)
    if not ticket.followers.filter(pk=by.pk).exists():
        ticket.followers.add(by)
        tickets.record(
            "ticket.followed", ticket, by=by, on=on, private=True, users=[by]
        )


@transaction.atomic
def unfollow(ticket: Ticket, *, by: User, on: date) -> None:
    """Be told no more. Who does not follow is left alone."""
    ticket = tickets.locked(ticket)
    if ticket.followers.filter(pk=by.pk).exists():
        ticket.followers.remove(by)
        tickets.record(
            "ticket.unfollowed", ticket, by=by, on=on, private=True, users=[by]
        )


def _refuse(ticket: Ticket, messages: list[Message], *, at: datetime) -> None:
    if not messages:
        raise ValidationError(
            _("Choose the messages that become a ticket of their own."),
            code="nothing_chosen",
        )
    if any(message.ticket_id != ticket.pk for message in messages):
        raise ValidationError(
            _("Choose messages of this ticket alone."), code="not_its"
        )
    if any(message.leaves_at and message.leaves_at > at for message in messages):
        raise ValidationError(
            _("A reply is still leaving. Wait ten seconds."), code="leaving"
        )


def _category(ticket: Ticket) -> str:
    billing = ticket.category in {*Ticket.BILLING, Ticket.Category.PARKED}
    return Ticket.Category.CHARGE if billing else ticket.category


def _requester(ticket: Ticket, messages: list[Message]) -> User | None:
    authors = [message.author for message in messages if message.author_id]
    return next((one for one in authors if one.account_id), ticket.requester)


def _copy(messages: list[Message], *, to: Ticket) -> None:
    copies = Message.objects.bulk_create(
        Message(
            ticket=to,
            author_id=message.author_id,
            internal=message.internal,
            body=message.body,
            channel=message.channel,
            on=message.on,
        )
        for message in messages
    )
    for copy, message in zip(copies, messages, strict=True):
        copy.at = message.at
    Message.objects.bulk_update(copies, ["at"])
    files = Attachment.objects.filter(message__in=messages)
    of_message = {
        message.pk: copy for message, copy in zip(messages, copies, strict=True)
    }
    Attachment.objects.bulk_create(
        Attachment(
            ticket=to,
            message=of_message[one.message_id],
            name=one.name,
            content_type=one.content_type,
            size=one.size,
            digest=one.digest,
            content=one.content,
            added_by_id=one.added_by_id,
        )
        for one in files
    )


def _between(ticket: Ticket, other: Ticket):
    return TicketLink.objects.filter(
        Q(ticket=ticket, other=other) | Q(ticket=other, other=ticket)
    )


def _words(link: TicketLink, ticket: Ticket) -> str:
    if link.kind == Kind.RELATED:
        return _("Related")
    return _("Split off this") if link.ticket_id == ticket.pk else _("Split off from")


def _tell(verb: str, ticket: Ticket, other: Ticket, *, by, on: date) -> None:
    """In the history of both."""
    tickets.record(verb, ticket, by=by, on=on, private=True, other=other.number)
    if verb == "ticket.split":
        verb = "ticket.linked"
    tickets.record(verb, other, by=by, on=on, private=True, other=ticket.number)
