"""Where the desk's mail arrives: a Maildir folder, or an IMAP mailbox.

An email is marked as read after it was taken; one that was taken and not marked is taken
again, which changes nothing.
"""

import imaplib
import mailbox
from collections.abc import Callable
from urllib.parse import unquote, urlsplit

from django.core.exceptions import ValidationError

MOST = 500
LARGEST = 30 * 1024 * 1024
TIMEOUT = 30
PORTS = {"imap": 143, "imaps": 993}


def read(url: str, take: Callable[[bytes], object]) -> int:
    """Hand each unread email to `take`, and mark it; returns how many.

    maildir:///folder, imap://user:password@host/INBOX or imaps://… Refuses another
    address (code mailbox). An email on which `take` fails stays unread.
    """
    parts = urlsplit(url)
    if parts.scheme == "maildir":
        return _from_folder(unquote(parts.path), take)
    if parts.scheme in PORTS:
        return _from_imap(parts, take)
    raise ValidationError(
        "Name the mailbox as maildir:///folder or imaps://user:password@host/INBOX.",
        code="mailbox",
    )


def _from_folder(path: str, take) -> int:
    folder = mailbox.Maildir(path, create=True)
    folder.lock()
    try:
        unread = [
            key for key, mail in folder.iteritems() if "S" not in mail.get_flags()
        ]
        for key in unread[:MOST]:
            take(folder.get_bytes(key))
            mail = folder[key]
            mail.set_subdir("cur")
            mail.add_flag("S")
            folder[key] = mail
        return len(unread[:MOST])
    finally:
        folder.unlock()
        folder.close()


def _from_imap(parts, take) -> int:
    secure = parts.scheme == "imaps"
    connect = imaplib.IMAP4_SSL if secure else imaplib.IMAP4
    port = parts.port or PORTS[parts.scheme]
    with connect(parts.hostname, port, timeout=TIMEOUT) as server:
        server.login(unquote(parts.username or ""), unquote(parts.password or ""))
        box = unquote(parts.path.lstrip("/")) or "INBOX"
        _good(server.select(f'"{box}"'))
        (found,) = _good(server.uid("SEARCH", None, "UNSEEN"))
        numbers = found.split()[:MOST]
        for number in numbers:
            # PEEK: it is marked by us, after it was taken.
            raw = _content(_good(server.uid("FETCH", number, "(BODY.PEEK[])")))
            take(raw[:LARGEST])
            _good(server.uid("STORE", number, "+FLAGS", r"(\Seen)"))
        return len(numbers)


def _good(answer):
    kind, data = answer
    if kind != "OK":
        raise OSError(f"The mailbox answered {kind}: {data!r}")
    return data


def _content(data) -> bytes:
    return next((part[1] for part in data if isinstance(part, tuple)), b"")
