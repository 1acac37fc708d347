"""Files on a ticket: their type read off the content, a few kinds, served as downloads."""

import hashlib
import re
import unicodedata
import zipfile
from collections.abc import Iterable
from io import BytesIO
from pathlib import PurePath

import puremagic
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from accounts.models import User
from support.models import Attachment, Message, Ticket

LARGEST = 10 * 1024 * 1024
MOST = 20
"""Files of one author that wait for their message, and files of one email."""

KINDS = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".webp": "image/webp",
    ".pdf": "application/pdf",
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".pptx": (
        "application/vnd.openxmlformats-officedocument.presentationml.presentation"
    ),
    ".odt": "application/vnd.oasis.opendocument.text",
    ".ods": "application/vnd.oasis.opendocument.spreadsheet",
    ".zip": "application/zip",
    ".txt": "text/plain",
    ".log": "text/plain",
    ".csv": "text/csv",
    ".json": "application/json",
    ".eml": "message/rfc822",
}
"""What may be attached, by the ending of its name."""

ENDINGS = ",".join(KINDS)
"""What a file dialog offers."""

TEXT = {".txt", ".log", ".csv", ".json", ".eml"}
SAME = {".jpg": {".jpg", ".jpeg", ".jfif"}, ".jpeg": {".jpg", ".jpeg", ".jfif"}}
HOLDS = {
    ".zip": "",
    ".docx": "word/",
    ".xlsx": "xl/",
    ".pptx": "ppt/",
    ".odt": "content.xml",
    ".ods": "content.xml",
}
"""What a zipped file of an ending has inside it: a name that begins so."""


@transaction.atomic
def add(
    ticket: Ticket, *, name: str, content: bytes, by: User | None,
    message: Message | None = None, internal: bool = False,
) -> Attachment:  # fmt: skip
    """Keep a file with a ticket: with a message, or until its author sends one; what was
    uploaded for a note (`internal`) never leaves with a reply.

    Refuses an empty file (code empty), one above 10 MB (too_large), a kind that is not
    taken (kind), one whose content is not what its name says (not_what_it_says), and
    the twenty-first that waits for its message (too_many).
    """
    name = _clean(name)
    ending = PurePath(name).suffix.lower()
    if not content:
        raise ValidationError(
            _("“%(name)s” is empty."), code="empty", params={"name": name}
        )
    if len(content) > LARGEST:
        raise ValidationError(
            _("“%(name)s” is larger than 10 MB. Send a part of it."),
            code="too_large",
            params={"name": name},
        )
    if ending not in KINDS:
        raise ValidationError(
            _("“%(name)s”: attach pictures, PDF, office files, text or ZIP."),
            code="kind",
            params={"name": name},
        )
    if not _is(content, ending):
        raise ValidationError(
            _("“%(name)s” is not what its name says. Save it again and attach that."),
            code="not_what_it_says",
            params={"name": name},
        )
    internal = message.internal if message else internal
    beside = Attachment.objects.filter(
        ticket=ticket, message=message, added_by=by, internal=internal
    )
    if beside.count() >= MOST:
        raise ValidationError(_("Attach at most twenty files."), code="too_many")
    return Attachment.objects.create(
        ticket=ticket,
        message=message,
        internal=internal,
        name=name,
        content_type=KINDS[ending],
        size=len(content),
        digest=hashlib.sha256(content).hexdigest(),
        content=content,
        added_by=by,
    )


@transaction.atomic
def add_all(
    ticket: Ticket, files: Iterable[tuple[str, bytes]], *, by: User | None, **where
) -> list[Attachment]:
    """Keep all of some files, or none: a name and a content each.

    Refuses as `add` does, with a sentence for each file that it does not take.
    """
    kept, refused = [], []
    for name, content in files:
        try:
            kept.append(add(ticket, name=name, content=content, by=by, **where))
        except ValidationError as refusal:
            refused.append(refusal)
            if refusal.code == "too_many":
                break
    if refused:
        raise ValidationError(refused)
    return kept


def send(message: Message) -> None:
    """What its author uploaded for a message belongs to it now."""
    Attachment.objects.filter(
        ticket=message.ticket_id,
        message=None,
        added_by=message.author_id,
        internal=message.internal,
    ).update(message=message)


def discard(attachment: Attachment, *, by: User) -> None:
    """Take back a file that was not sent yet; its author alone can (code sent)."""
    gone, _rows = Attachment.objects.filter(
        pk=attachment.pk, message=None, added_by=by
    ).delete()
    if not gone:
        raise ValidationError(_("It is sent already."), code="sent")


def waiting(ticket: Ticket, *, by: User):
    """What somebody uploaded and did not send yet; without the contents."""
    return listed().filter(ticket=ticket, message=None, added_by=by)


def listed():
    """Files in their order, without the contents, as lists show them."""
    return Attachment.objects.defer("content").order_by("pk")


def visible(ticket: Ticket, *, by: User):
    """The files of a ticket that somebody of staff may open: what was sent or noted,
    and their own that wait.
    """
    mine = Q(message=None, added_by=by)
    return Attachment.objects.filter(Q(message__isnull=False) | mine, ticket=ticket)


def _clean(name: str) -> str:
    """The last part of a name, without what a file system or a header could mistake."""
    name = unicodedata.normalize("NFC", name.replace("\\", "/")).rpartition("/")[2]
    name = "".join(
        letter for letter in name if unicodedata.category(letter)[0] != "C"
    ).strip(" .")
    stem, dot, ending = name.rpartition(".")
    if not dot or not re.fullmatch(r"\w{1,10}", ending):
        return name[:120] or "file"
    return f"{stem[:120] or 'file'}.{ending}"


def _is(content: bytes, ending: str) -> bool:
    if ending in TEXT:
        return _is_text(content)
    if ending in HOLDS:
        return _is_zip(content, holding=HOLDS[ending])
    try:
        found = {match.extension for match in puremagic.magic_string(content[:65536])}
    except (puremagic.PureError, ValueError, IndexError):
        return False
    return bool(found & SAME.get(ending, {ending}))


def _is_zip(content: bytes, *, holding: str) -> bool:
    """Its list of names is read, never what it packs."""
    if not content.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return False
    try:
        names = zipfile.ZipFile(BytesIO(content)).namelist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, UnicodeDecodeError):
        return False
    return not holding or any(name.startswith(holding) for name in names)


def _is_text(content: bytes) -> bool:
    if b"\x00" in content:
        return False
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return all(byte >= 32 or byte in b"\t\n\r\f" for byte in content)
    return True
