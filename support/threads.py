"""How an email finds its ticket: message ids of ours, and a signed reply address.

Both carry a signature, so that whoever knows a ticket's number cannot write on it.
Pure: the secret comes from Django's signing, the desk's address is passed in.
"""

import re
from dataclasses import dataclass

from django.utils.crypto import constant_time_compare, salted_hmac

SIGNATURE = 20
_REPLY_TO = re.compile(r"\+t(\d{1,18})-(\d{1,18})-([0-9a-f]{20})@", re.IGNORECASE)
_MAIL_ID = re.compile(r"<t(\d{1,18})\.(\d{1,18})\.(\d{1,18})\.([0-9a-f]{20})@[^<>\s]*>")


@dataclass(frozen=True)
class Thread:
    """The ticket that an email belongs to, and to whom we had written."""

    ticket: int
    user: int


def reply_address(ticket: int, user: int, *, desk: str) -> str:
    """Where an answer of this person to this ticket goes: support+t12-7-…@vendor."""
    name, _at, domain = desk.rpartition("@")
    return f"{name}+t{ticket}-{user}-{_sign('address', ticket, user)}@{domain}"


def mail_id(ticket: int, message: int, user: int, *, desk: str) -> str:
    """The Message-ID of the email that tells one person of one message."""
    domain = desk.rpartition("@")[2]
    signature = _sign("mail", ticket, message, user)
    return f"<t{ticket}.{message}.{user}.{signature}@{domain}>"


def first_mail_id(ticket: int, user: int, *, desk: str) -> str:
    """The id that all emails of a ticket to one person refer to, so that they stand
    together in a mail program.
    """
    return mail_id(ticket, 0, user, desk=desk)


def by_headers(headers: str) -> Thread | None:
    """The thread that In-Reply-To or References name, if the id is really ours."""
    for ticket, message, user, signature in reversed(_MAIL_ID.findall(headers)):
        if _good(signature, "mail", ticket, message, user):
            return Thread(int(ticket), int(user))
    return None


def by_address(addresses: str) -> Thread | None:
    """The thread that a signed plus address names."""
    for ticket, user, signature in _REPLY_TO.findall(addresses):
        if _good(signature.lower(), "address", ticket, user):
            return Thread(int(ticket), int(user))
    return None


def is_ours(mail_id: str) -> bool:
    """Whether an email's own id is one that we gave: it has come back to us."""
    return by_headers(mail_id) is not None


def _good(signature: str, *parts) -> bool:
    kind, *numbers = parts
    return constant_time_compare(signature, _sign(kind, *map(int, numbers)))


def _sign(kind: str, *numbers: int) -> str:
    text = ".".join(map(str, numbers))
    mac = salted_hmac(f"support.threads.{kind}", text, algorithm="sha256")
    return mac.hexdigest()[:SIGNATURE]
