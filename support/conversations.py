"""What is said on a ticket: replies that can be taken back for a while, and notes.

To the customer goes a reply, which leaves after `UNDO`; among staff stays a note. What
a customer may read has one door: `Message.objects.public()`.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.contrib.postgres.expressions import ArraySubquery
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import Max, OuterRef, Prefetch, Q
from django.utils.translation import gettext as _

from accounts import authority
from accounts.models import User
from journal import notices, outbox
from support import attachments, canned_replies, drafts, merges, signals, tickets
from support.models import Message, Ticket

UNDO = timedelta(seconds=10)
"""How long a sent reply waits, and can be taken back."""

MENTION = re.compile(r"(?<![\w@.])@([a-z0-9][\w.+-]*)", re.IGNORECASE)
"""Somebody of staff in a note: @ and what their address has before its own @."""


_TOLD = (
    User.objects.filter(mentioned_in=OuterRef("pk"))
    .order_by("display_name")
    .values("display_name")
)


@dataclass(frozen=True)
class Conversation:
    """The newest of what was said, oldest first; `older` is where the rest begins."""

    said: list[Message]
    older: int | None
    newest: int


@transaction.atomic
def send(
    ticket: Ticket, body: str, *, by: User, at: datetime, on: date,
    wait: bool = False, wakes_on: date | None = None, seen: int | None = None, channel: str = Message.Channel.PAGE,
) -> Message:  # fmt: skip
    """Send a reply to the customer. It leaves ten seconds after `at`, its mails with it.

    `seen` is the newest message its author has read. Refuses what `tickets.reply`
    refuses, a variable that was not filled in (code unfilled), and, once, a reply to a
    conversation that went on since (overtaken). The author's draft of it is discarded.
    """
    left = canned_replies.variables(body)
    if left:
        raise ValidationError(
            _("Fill in what is still a variable: %(names)s."),
            code="unfilled",
            params={"names": ", ".join(left)},
        )
    tickets.locked(ticket)
    if seen is not None and (newer := since(ticket, seen, by=by)):
        raise ValidationError(
            _("%(name)s wrote while you did. Read it, then send yours again."),
            code="overtaken",
            params={"name": newer[-1].author or _("The calendar")},
        )
    message = tickets.reply(
        ticket, body, by=by, on=on, at=at, wait=wait, wakes_on=wakes_on,
        channel=channel, leaves_at=at + UNDO,
    )  # fmt: skip
    attachments.send(message)
    drafts.discard(ticket, internal=False, by=by)
    return message


@transaction.atomic
def note(ticket: Ticket, body: str, *, by: User, on: date) -> Message:
    """Save an internal note. Staff named in it with @ follow the ticket from then on,
    and are told by email.

    Refuses what `tickets.note` refuses. The author's draft of it is discarded.
    """
    message = tickets.note(ticket, body, by=by, on=on)
    people = [one for one in mentioned(body) if one.pk != by.pk]
    if people:
        message.mentions.set(people)
        ticket.followers.add(*people)
        signals.mentioned.send(Message, message=message, people=people)
    attachments.send(message)
    drafts.discard(ticket, internal=True, by=by)
    return message


@transaction.atomic
def take_back(message: Message, *, by: User, at: datetime, on: date) -> Ticket:
    """Undo a reply before it leaves: its text is a draft again, and the ticket stands
    where it stood.

    Only its author may (PermissionDenied). Refuses what has left already (code left).
    """
    if message.author_id != by.pk:
        raise PermissionDenied
    ticket = tickets.locked(message.ticket)
    message = Message.objects.select_for_update().filter(pk=message.pk).first()
    gone = message is None or message.leaves_at is None or message.leaves_at <= at
    if gone or not outbox.take_back(mails_of(message)):
        raise ValidationError(
            _("It has left already. Write another reply to set things right."),
            code="left",
        )
    notices.take_back(mails_of(message), at=message.leaves_at)
    earlier = drafts.of(ticket, by).get(False)
    words = [message.body, earlier.body if earlier else ""]
    message.attachments.update(message=None)
    drafts.save(ticket, "\n\n".join(filter(None, words)), internal=False, by=by)
    moved = ticket.state in {Ticket.State.OPEN, Ticket.State.WAITING}
    state = message.state_before if moved else ""
    message.delete()
    return tickets.unsay(ticket, state=state, by=by, on=on, at=at)


def mails_of(message: Message) -> str:
    """How the keys of a reply's emails begin, and the key of its notices."""
    return f"reply:{message.pk}:"


def recipients(ticket: Ticket, followers: Iterable[User] | None = None) -> list[User]:
    """Whom a reply goes to, the first of them to be greeted by name: who asked, or, where
    the calendar or staff did, those who manage the account's apps; and the followers
    who work for the account, as far as they are not at hand already.
    """
    if ticket.internal:
        return []
    people = {}
    asked = ticket.requester
    if asked and asked.is_active and asked.account_id == ticket.account_id:
        people[asked.pk] = asked
    else:
        holders = authority.holders(ticket.account, authority.MANAGE)
        people |= {one.pk: one for one in holders.order_by("display_name", "pk")}
    if followers is None:
        followers = ticket.followers.order_by("display_name", "pk")
    for one in followers:
        if one.is_active and one.account_id == ticket.account_id:
            people[one.pk] = one
    return list(people.values())


def staff():
    """Everybody of Support and sales operations who is active."""
    return User.objects.active().filter(kind__in=tickets.STAFF)


def handle(user: User) -> str:
    """How a note names somebody of staff after its @."""
    return user.email.partition("@")[0]


def mentioned(body: str) -> list[User]:
    """The staff whom a note names: @sofia.santos is who signs in as sofia.santos@…"""
    handles = {handle.rstrip(".").lower() for handle in MENTION.findall(body)}
    wanted = Q()
    for handle in handles:
        wanted |= Q(email__istartswith=f"{handle}@")
    return list(staff().filter(wanted).order_by("pk")) if handles else []


def of(
    ticket: Ticket, *, most: int, before: int | None = None, joined: bool = True
) -> Conversation:
    """What staff read of a conversation: its newest `most` messages, notes and replies
    about to leave among them, and, where some were `joined`, what was said on tickets
    merged into it; `before` turns back to older ones.
    """
    files = attachments.listed()
    said = (
        (merges.said(ticket) if joined else ticket.messages)
        .select_related("author", "ticket")
        .annotate(told=ArraySubquery(_TOLD))
        .prefetch_related(Prefetch("attachments", files))
    )
    if before is not None:
        said = said.filter(pk__lt=before)
    newest = list(said.order_by("-pk")[: most + 1])
    shown = newest[:most][::-1]
    return Conversation(
        said=shown,
        older=shown[0].pk if len(newest) > most else None,
        newest=shown[-1].pk if shown else 0,
    )


def newest(ticket: Ticket) -> int:
    """The newest message, as a form names what its author has read."""
    return ticket.messages.aggregate(newest=Max("pk"))["newest"] or 0


def since(ticket: Ticket, seen: int, *, by: User) -> list[Message]:
    """What others said to the customer, or the customer said, after message `seen`."""
    return list(
        ticket.messages.filter(pk__gt=seen, internal=False)
        .exclude(author=by)
        .select_related("author")
        .order_by("pk")
    )


def leaving(talk: Conversation, *, by: User, at: datetime) -> Message | None:
    """The reply that somebody can still take back, if it is in sight."""
    for message in reversed(talk.said):
        if message.author_id == by.pk and message.leaves_at and message.leaves_at > at:
            return message
    return None
