"""An email as it arrived, read whatever it is: who, about what, which words, which files.

No email is refused for its form: what cannot be read is left out. Pure: no database.
"""

import email
import email.policy
import hashlib
import re
from dataclasses import dataclass, field
from email.errors import MessageError
from email.message import EmailMessage
from email.utils import getaddresses

import html2text
import nh3
from mailparser_reply import EmailReplyParser

LONGEST = 20_000
LONGEST_HEADER = 300
"""Of the lines that stand above what is quoted, as: On Monday Sofia wrote:"""
MOST_FILES = 20
LANGUAGES = ["en", "pt", "es", "de"]
AUTOMATIC_SUBJECT = re.compile(
    r"^\s*(auto(matic)?[ -]?(reply|response)|automatische antwort|abwesenheits"
    r"|respuesta automática|resposta automática|out of (the )?office"
    r"|undeliver|delivery status notification|mail delivery failed|returned mail)",
    re.IGNORECASE,
)
UNSEEN = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]"
)
SCRIPTLESS = {"style", "script", "head", "title", "template", "noscript"}


@dataclass(frozen=True)
class Letter:
    """What an email says, safe to keep and to show."""

    mail_id: str
    sender: str
    to: str
    subject: str
    thread: str
    body: str
    automatic: bool
    files: list[tuple[str, bytes]] = field(default_factory=list)
    left_out: int = 0


def read(raw: bytes) -> Letter:
    """Read an email. Never fails: an unreadable part is an empty one."""
    message = email.message_from_bytes(raw, policy=email.policy.default)
    files, left_out = _files(message)
    return Letter(
        mail_id=_mail_id(message, raw),
        sender=_sender(message),
        to=" ".join(
            _header(message, name)
            for name in ("Delivered-To", "X-Original-To", "To", "Cc")
        ),
        subject=" ".join(_header(message, "Subject").split())[:200],
        thread=f"{_header(message, 'References')} {_header(message, 'In-Reply-To')}",
        body=_body(message),
        automatic=_automatic(message),
        files=files,
        left_out=left_out,
    )


def _header(message: EmailMessage, name: str) -> str:
    """All headers of a name as text; a malformed one as it stands, if at all."""
    found = []
    for key, raw in message.raw_items():
        if key.lower() == name.lower():
            try:
                value = str(message.policy.header_fetch_parse(key, raw))
            except (MessageError, ValueError, LookupError, TypeError, AttributeError):
                value = str(raw)
            except Exception:  # the standard library's parser has many ways to fail
                value = str(raw)
            found.append(_clean(value))
    return " ".join(found)


def _clean(text: str) -> str:
    text = text.encode("utf-8", "replace").decode("utf-8")
    return UNSEEN.sub(" ", text.replace("\r\n", "\n").replace("\r", "\n"))


def _mail_id(message, raw: bytes) -> str:
    """Its Message-ID, or the digest of all of it where there is none to go by."""
    name = _header(message, "Message-ID").strip()
    if 3 <= len(name) <= 250 and name.isprintable():
        return name
    return f"sha256:{hashlib.sha256(raw).hexdigest()}"


def _sender(message) -> str:
    """The one address in From; of several or none, nobody."""
    addresses = [
        address.strip().lower()
        for _name, address in getaddresses([_header(message, "From")])
        if "@" in address
    ]
    one = addresses[0] if len(set(addresses)) == 1 else ""
    return one if len(one) <= 254 and one.isprintable() else ""


def _automatic(message) -> bool:
    """Sent by a machine: it must not be answered, nor wake anybody (RFC 3834)."""
    submitted = _header(message, "Auto-Submitted").strip().lower()
    if submitted and not submitted.startswith("no"):
        return True
    if _header(message, "Precedence").strip().lower() in {
        "bulk", "junk", "list", "auto_reply", "auto-reply",
    }:  # fmt: skip
        return True
    marks = ("X-Autoreply", "X-Autorespond", "X-Auto-Response-Suppress", "List-Id")
    if any(_header(message, name).strip() for name in marks):
        return True
    if _header(message, "Return-Path").strip() == "<>":
        return True
    if message.get_content_type() in {"multipart/report", "message/delivery-status"}:
        return True
    return bool(AUTOMATIC_SUBJECT.match(_header(message, "Subject")))


def _body(message) -> str:
    """What the sender wrote, without what they quoted; HTML as safe plain text."""
    plain, html = "", ""
    for part in _leaves(message):
        if part.get_filename() or part.get_content_disposition() == "attachment":
            continue
        kind = part.get_content_type()
        if kind == "text/plain" and not plain.strip():
            plain = _text(part)
        elif kind == "text/html" and not html.strip():
            html = _text(part)
    text = plain if plain.strip() else _of_html(html)
    text = _clean(text)[:LONGEST]
    return (_newest(text) or text).strip()


def _of_html(html: str) -> str:
    if not html.strip():
        return ""
    safe = nh3.clean(html[: LONGEST * 10], clean_content_tags=SCRIPTLESS - {"head"})
    reader = html2text.HTML2Text(bodywidth=0)
    reader.ignore_images = reader.ignore_emphasis = True
    reader.ignore_links = reader.single_line_break = False
    return reader.handle(safe)


def _newest(text: str) -> str:
    """What stands above the quotes. The library's patterns take minutes over long lines
    and many empty ones, so each long line is a short word to it, and they are few.
    """
    if len(text) > LONGEST:
        return text
    lines = [line.rstrip() for line in text.replace("\ue000", "").split("\n")]
    long = {
        f"\ue000{number}\ue000": line
        for number, line in enumerate(lines)
        if len(line) > LONGEST_HEADER
    }
    words = {line: word for word, line in long.items()}
    short = "\n".join(words.get(line, line) for line in lines)
    short = re.sub(r"\n{3,}", "\n\n", short)
    newest = EmailReplyParser(languages=LANGUAGES).parse_reply(short) or ""
    return re.sub("\ue000[0-9]+\ue000", lambda word: long[word[0]], newest)


def _files(message) -> tuple[list[tuple[str, bytes]], int]:
    """Attached files by name, and how many more there were."""
    found = []
    for part in _leaves(message):
        name = _filename(part)
        if not name and part.get_content_disposition() != "attachment":
            continue
        found.append((_clean(name or "file.txt"), _bytes(part)))
    return found[:MOST_FILES], max(0, len(found) - MOST_FILES)


def _leaves(message, depth: int = 0):
    """The parts that hold something, however deep; a mail in a mail is one of them."""
    if message.is_multipart() and message.get_content_maintype() == "multipart":
        if depth < 20:
            for part in message.get_payload():
                yield from _leaves(part, depth + 1)
    else:
        yield message


def _filename(part) -> str:
    try:
        return part.get_filename() or ""
    except Exception:  # a malformed header: the standard library fails in many ways
        return ""


def _bytes(part) -> bytes:
    try:
        if part.get_content_type() == "message/rfc822":
            return part.get_payload(0).as_bytes()
        return part.get_payload(decode=True) or b""
    except Exception:  # a malformed part: the standard library fails in many ways
        return b""


def _text(part) -> str:
    content = _bytes(part)
    charset = part.get_content_charset() or "utf-8"
    try:
        return content.decode(charset, "replace")
    except (LookupError, ValueError):
        return content.decode("utf-8", "replace")
