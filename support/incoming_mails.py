"""Answers that come by email: each is taken once, and finds its ticket or is kept aside.

A customer's answer is a reply on the ticket; one from staff is an internal note, because
a mail that goes to a customer by mistake cannot be taken back. Nothing is ever answered
by a machine.
"""

import hashlib
from collections.abc import Callable
from datetime import date, datetime, timedelta

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from accounts import authority
from accounts.models import User
from support import attachments, letters, links, threads, tickets
from support.letters import Letter
from support.models import IncomingMail, Message, Ticket

Outcome = IncomingMail.Outcome
SO_MANY, IN = 20, timedelta(hours=1)
"""More emails of one person on one ticket within an hour are a loop of machines."""


@transaction.atomic
def take(
    raw: bytes, *, desk: str, at: datetime, on: Callable[[str], date]
) -> IncomingMail:
    """Take an email in, and say what became of it. The same email again changes nothing.

    `desk` is the desk's own address, `on` tells the local day of a time zone. An answer is matched by the ids of ours that it
    refers to, then by the signed address it was sent to; its sender must be somebody who
    may see that ticket, and of staff the one to whom that id or address was given: From
    is easily forged. Mail about no ticket, or about one that is closed, opens one for
    a customer we know.
    """
    letter = letters.read(raw)
    mail, new = _once(letter)
    if not new:
        return mail
    mail.outcome, mail.ticket, mail.words = _settle(
        letter, desk=desk, kept=mail.mail_id, at=at, on=on
    )
    mail.save()
    return mail


def give_up(raw: bytes, *, words: str) -> IncomingMail:
    """Keep aside an email on which `take` failed, so that it is not tried for ever."""
    letter = letters.read(raw)
    mail, _new = _once(letter, words=words[:300])
    return mail


def forget(address: str) -> None:
    """Keep of the emails from an address only what became of them."""
    IncomingMail.objects.filter(sender__iexact=address).update(sender="", subject="")


def _once(letter: Letter, **said) -> tuple[IncomingMail, bool]:
    """The email as it is kept, and whether it is new. An id is its sender's: nobody keeps
    another's email out by sending one with its id before.
    """
    known = {"sender": letter.sender, "subject": letter.subject}
    known |= {"outcome": Outcome.REFUSED} | said
    mail, new = IncomingMail.objects.get_or_create(
        mail_id=letter.mail_id[:300], defaults=known
    )
    if not new and mail.sender != letter.sender:
        named = f"{letter.mail_id}\n{letter.sender}".encode()
        mail, new = IncomingMail.objects.get_or_create(
            mail_id=f"sha256:{hashlib.sha256(named).hexdigest()}", defaults=known
        )
    return mail, new


def _settle(
    letter: Letter, *, desk: str, kept: str, at: datetime, on: Callable[[str], date]
):
    if threads.is_ours(letter.mail_id) or letter.sender == desk.lower():
        return Outcome.LOOP, None, ""
    thread = threads.by_headers(letter.thread) or threads.by_address(letter.to)
    ticket = thread and _ticket(thread.ticket)
    if letter.automatic:
        return Outcome.AUTOMATIC, ticket, ""
    sender = (
        User.objects.active()
        .select_related("account")
        .filter(email=letter.sender)
        .first()
    )
    if sender is None:
        return Outcome.UNKNOWN, ticket, ""
    if ticket and not may_answer(sender, ticket):
        return Outcome.UNKNOWN, None, _("They may not see the ticket it names.")
    if ticket and sender.kind in tickets.STAFF and thread.user != sender.pk:
        return Outcome.UNKNOWN, ticket, _("From staff, by an id given to another.")
    if _too_many(ticket, letter.sender, at=at):
        return Outcome.LOOP, ticket, _("Too many within an hour.")
    try:
        with transaction.atomic():
            return _keep(letter, ticket, sender, kept=kept, at=at, on=on)
    except ValidationError as refusal:
        return Outcome.REFUSED, ticket, " ".join(refusal.messages)[:300]


def _keep(letter: Letter, ticket: Ticket | None, sender: User, *, kept: str, at, on):
    body = letter.body or _("(No text.)")
    email = Message.Channel.EMAIL
    outcome = Outcome.REPLY
    closed = ticket if ticket and ticket.state == Ticket.State.CLOSED else None
    if ticket is None or (closed and sender.account_id):
        if sender.account_id is None:
            return Outcome.UNKNOWN, None, _("From staff or a partner, about no ticket.")
        day = on(sender.account.timezone)
        ticket = tickets.open(
            sender.account,
            category=Ticket.Category.INSTALL,
            subject=letter.subject or _("By email"),
            by=sender,
            on=day,
            at=at,
            body=body,
        )
        message = ticket.messages.get()
        outcome = Outcome.OPENED
        if closed:
            links.link(ticket, closed, by=sender, on=day)
    elif sender.kind in tickets.STAFF:
        day = on(ticket.account.timezone)
        message = tickets.note(ticket, body, by=sender, on=day)
    else:
        day = on(ticket.account.timezone)
        message = tickets.reply(ticket, body, by=sender, on=day, at=at, channel=email)
    Message.objects.filter(pk=message.pk).update(mail_id=kept, channel=email)
    refused = _attach(letter, ticket, message, by=sender)
    return outcome, ticket, refused[:300]


def may_answer(user: User, ticket: Ticket) -> bool:
    """Whether a person may speak on a ticket: staff; who asked; who manages the account's
    apps; and whom staff made a follower.
    """
    if user.kind in tickets.STAFF:
        return True
    if ticket.internal or user.account_id != ticket.account_id:
        return False
    return (
        ticket.requester_id == user.pk
        or authority.held(user, authority.MANAGE)
        or ticket.followers.filter(pk=user.pk).exists()
    )


def _ticket(pk: int) -> Ticket | None:
    """The ticket; one that was merged leads to where it went."""
    ticket = (
        Ticket.objects.select_related("account", "merged_into__account")
        .filter(pk=pk)
        .first()
    )
    if ticket and ticket.merged_into_id:
        return ticket.merged_into
    return ticket


def _too_many(ticket: Ticket | None, sender: str, *, at: datetime) -> bool:
    """Of one person within an hour: answers on a ticket, or tickets that they open."""
    earlier = IncomingMail.objects.filter(sender=sender, at__gt=at - IN)
    opens = ticket is None or ticket.state == Ticket.State.CLOSED
    which = {"outcome": Outcome.OPENED} if opens else {"ticket": ticket}
    return earlier.filter(**which).count() >= SO_MANY


def _attach(letter: Letter, ticket: Ticket, message: Message, *, by: User) -> str:
    """Keep the files that may be kept; returns words about the others."""
    refused = []
    for name, content in letter.files:
        try:
            attachments.add(ticket, name=name, content=content, by=by, message=message)
        except ValidationError as refusal:
            refused += refusal.messages
    if letter.left_out:
        refused.append(
            _("%(number)s more files were left out.") % {"number": letter.left_out}
        )
    return " ".join(refused)
