"""What customers write to Support, with their files: all of it is sent, or nothing."""

from collections.abc import Iterable
from datetime import date, datetime

from django.db import transaction

from accounts.models import Account, User
from support import attachments, tickets
from support.models import Message, Ticket


@transaction.atomic
def submit(
    account: Account, *, files: Iterable[tuple[str, bytes]], by: User, on: date,
    at: datetime, **asked,
) -> Ticket:  # fmt: skip
    """Submit a request with its files, each a name and a content.

    Refuses what `tickets.submit` and `attachments.add` refuse; then nothing was sent.
    """
    ticket = tickets.submit(account, by=by, on=on, at=at, **asked)
    said = ticket.messages.public().filter(author=by).order_by("-pk").first()
    attachments.add_all(said.ticket, files, by=by, message=said)
    return ticket


@transaction.atomic
def reply(
    ticket: Ticket, body: str, *, files: Iterable[tuple[str, bytes]], by: User,
    on: date, at: datetime,
) -> Message:  # fmt: skip
    """Answer Support, with files; on a merged request, where that goes on.

    Refuses what `tickets.reply` and `attachments.add` refuse; then nothing was sent.
    """
    message = tickets.reply(ticket, body, by=by, on=on, at=at)
    attachments.add_all(message.ticket, files, by=by, message=message)
    return message
