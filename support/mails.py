"""Letters of the desk: written here, and left in the outbox with what they tell of."""

from datetime import datetime

from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from journal import notices, outbox
from support import conversations, threads
from support.models import Message


def reply(message: Message) -> None:
    """Tell those it is addressed to what staff said, when it leaves for good; who chose
    so is mailed the words, in the thread of the ticket.
    """
    ticket = message.ticket
    words = {"message": message, "ticket": ticket}
    place = reverse("support:request", args=[ticket.pk])
    at = message.leaves_at or timezone.now()

    def letter(user, _notice):
        _letter(
            "reply",
            key=f"{conversations.mails_of(message)}{user.pk}",
            to=user,
            link=place,
            account=ticket.account,
            at=at,
            headers=_thread(message, user),
            **words,
        )

    notices.tell(
        conversations.recipients(ticket), kind="ticket",
        key=conversations.mails_of(message), words="support/notices/reply",
        context=words, address=place, account=ticket.account, at=at, letter=letter,
    )  # fmt: skip


def mention(message: Message, people: list[User]) -> None:
    """Tell staff that a note names them. The note itself stays on the desk."""
    for user in people:
        _letter(
            "mention",
            key=f"mention:{message.pk}:{user.pk}",
            to=user,
            link=reverse("support:ticket", args=[message.ticket_id]),
            at=timezone.now(),
            message=message,
            ticket=message.ticket,
        )


def _thread(message: Message, to: User) -> dict[str, str]:
    """What makes an answer to this email find its ticket, and a mail program keep the
    emails of a ticket together. An automatic answer shall not come (RFC 3834).
    """
    desk, ticket = settings.SUPPORT_ADDRESS, message.ticket_id
    first = threads.first_mail_id(ticket, to.pk, desk=desk)
    return {
        "Message-ID": threads.mail_id(ticket, message.pk, to.pk, desk=desk),
        "In-Reply-To": first,
        "References": first,
        "Reply-To": threads.reply_address(ticket, to.pk, desk=desk),
        "X-Auto-Response-Suppress": "OOF, AutoReply",
    }


def _letter(
    letter: str, *, key: str, to: User, link: str, at: datetime, account=None,
    headers=None, **words,
) -> None:  # fmt: skip
    words |= {
        "person": to,
        "link": settings.PUBLIC_ADDRESS + link,
        "VENDOR_NAME": settings.VENDOR_NAME,
        "TERMS_ADDRESS": settings.TERMS_ADDRESS,
        "SUPPORT_ADDRESS": settings.SUPPORT_ADDRESS,
    }
    folder = "support/mails"
    outbox.email(
        key=key,
        to=to.email,
        subject=render_to_string(f"{folder}/{letter}_subject.txt", words),
        body=render_to_string(f"{folder}/{letter}.txt", words),
        html=render_to_string(f"{folder}/{letter}.html", words),
        headers=headers,
        account=account,
        at=at,
    )
