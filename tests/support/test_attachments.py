"""Files on a ticket: taken by what is in them, kept apart by for whom they are."""

import io
import zipfile

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from support import answers, attachments, conversations
from support.models import Attachment, Message, Ticket
from tests.factories import AppFactory, TicketFactory

pytestmark = pytest.mark.usefixtures("present")

PNG = b"\x89PNG\r\n\x1a\n" + b"\x00\x00\x00\rIHDR" + b"\x00" * 40
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + b"\x00" * 40
GIF = b"GIF89a" + b"\x00" * 40
WEBP = b"RIFF\x24\x00\x00\x00WEBPVP8 " + b"\x00" * 40
PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n" + b" " * 40
EXECUTABLE = b"MZ\x90\x00" + b"\x00" * 200


def packed(*names) -> bytes:
    """A zip file with these names in it."""
    kept = io.BytesIO()
    with zipfile.ZipFile(kept, "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    return kept.getvalue()


@pytest.fixture
def ticket(account, admin):
    return TicketFactory(account=account, requester=admin, category="INSTALL")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("shot.png", PNG),
        ("photo.JPG", JPEG),
        ("photo.jpeg", JPEG),
        ("loop.gif", GIF),
        ("small.webp", WEBP),
        ("bill.pdf", PDF),
        ("letter.docx", packed("[Content_Types].xml", "word/document.xml")),
        ("seats.xlsx", packed("[Content_Types].xml", "xl/workbook.xml")),
        ("talk.pptx", packed("ppt/presentation.xml")),
        ("letter.odt", packed("mimetype", "content.xml")),
        ("seats.ods", packed("mimetype", "content.xml")),
        ("all.zip", packed("a.txt")),
        ("none.zip", packed()),
        ("seats.csv", "name;número\r\n".encode()),
        ("old.txt", "número".encode("latin-1")),
        ("answer.json", b'{"a": 1}'),
    ],
)
def test_what_it_says_it_is_is_taken(ticket, admin, name, content):
    kept = attachments.add(ticket, name=name, content=content, by=admin)

    assert (kept.name, kept.size) == (name, len(content))
    assert kept.content_type in attachments.KINDS.values()


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("shot.png", b"", "empty"),
        ("shot.png", b"x" * (attachments.LARGEST + 1), "too_large"),
        ("page.html", b"<script>", "kind"),
        ("picture.svg", b"<svg>", "kind"),
        ("setup.exe", EXECUTABLE, "kind"),
        ("no ending", b"text", "kind"),
        ("shot.png.exe", PNG, "kind"),
        ("shot.png", EXECUTABLE, "not_what_it_says"),
        ("shot.png", b"<html><script>", "not_what_it_says"),
        ("shot.png", JPEG, "not_what_it_says"),
        ("bill.pdf", packed("a"), "not_what_it_says"),
        ("letter.docx", packed("xl/workbook.xml"), "not_what_it_says"),
        ("all.zip", b"PK\x03\x04 and then nothing", "not_what_it_says"),
        ("words.txt", EXECUTABLE, "not_what_it_says"),
        ("words.csv", "=SUM".encode("utf-16"), "not_what_it_says"),
    ],
)
def test_anything_else_is_refused_in_words(ticket, admin, name, content, code):
    with pytest.raises(ValidationError) as refusal:
        attachments.add(ticket, name=name, content=content, by=admin)

    assert refusal.value.code == code
    assert refusal.value.messages[0]
    assert not Attachment.objects.exists()


def test_ten_megabytes_are_taken(ticket, admin):
    content = b"a" * attachments.LARGEST

    assert attachments.add(ticket, name="a.log", content=content, by=admin).size


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("../../etc/passwd.txt", "passwd.txt"),
        ("C:\\Users\\me\\bill.txt", "bill.txt"),
        ("a\r\nSet-Cookie: x.txt", "aSet-Cookie: x.txt"),
        ("gpj.\u202etxt.exe\u202c.txt", "gpj.txt.exe.txt"),
        (" .hidden.txt", "hidden.txt"),
        ("n" * 300 + ".txt", "n" * 120 + ".txt"),
        ("número \u202fdois.txt", "número \u202fdois.txt"),
    ],
)
def test_a_name_is_only_a_name(ticket, admin, name, kept):
    assert attachments.add(ticket, name=name, content=b"text", by=admin).name == kept


def test_the_twenty_first_is_refused(ticket, admin):
    for number in range(attachments.MOST):
        attachments.add(ticket, name=f"{number}.txt", content=b"text", by=admin)

    with pytest.raises(ValidationError) as refusal:
        attachments.add(ticket, name="one.txt", content=b"text", by=admin)

    assert refusal.value.code == "too_many"


def test_all_are_kept_or_none(ticket, admin):
    files = [("a.txt", b"text"), ("b.exe", b"x"), ("c.png", b"x"), ("d.txt", b"text")]

    with pytest.raises(ValidationError) as refusal:
        attachments.add_all(ticket, files, by=admin)

    assert len(refusal.value.messages) == 2
    assert not Attachment.objects.exists()


def test_a_file_for_a_note_never_leaves_with_a_reply(ticket, support, today):
    secret = attachments.add(
        ticket, name="note.txt", content=b"text", by=support, internal=True
    )
    shown = attachments.add(ticket, name="reply.txt", content=b"text", by=support)

    reply = conversations.send(ticket, "Look", by=support, on=today, at=timezone.now())
    note = conversations.note(ticket, "For us", by=support, on=today)

    assert list(reply.attachments.all()) == [shown]
    assert list(note.attachments.all()) == [secret]


def test_nor_somebody_elses(ticket, support, sales, today):
    attachments.add(ticket, name="hers.txt", content=b"text", by=sales)

    reply = conversations.send(ticket, "Look", by=support, on=today, at=timezone.now())

    assert not reply.attachments.exists()


def test_a_reply_taken_back_leaves_its_files_with_the_draft(ticket, support, today):
    attachments.add(ticket, name="reply.txt", content=b"text", by=support)
    at = timezone.now()
    reply = conversations.send(ticket, "Look", by=support, on=today, at=at)

    conversations.take_back(reply, by=support, at=at, on=today)

    assert attachments.waiting(ticket, by=support).count() == 1


def test_only_its_author_takes_back_what_is_not_sent(ticket, support, sales, today):
    kept = attachments.add(ticket, name="a.txt", content=b"text", by=support)

    with pytest.raises(ValidationError, match="sent already"):
        attachments.discard(kept, by=sales)
    attachments.discard(kept, by=support)
    sent = attachments.add(ticket, name="a.txt", content=b"text", by=support)
    conversations.note(ticket, "x", by=support, on=today)
    attachments.add(ticket, name="b.txt", content=b"text", by=support, internal=True)
    conversations.note(ticket, "x", by=support, on=today)
    gone = Attachment.objects.get(name="b.txt")
    with pytest.raises(ValidationError) as refusal:
        attachments.discard(gone, by=support)

    assert refusal.value.code == "sent"
    assert Attachment.objects.filter(pk=sent.pk).exists()


def test_a_request_with_a_bad_file_is_not_sent(account, admin, today):
    app = AppFactory()
    asked = {"category": "INSTALL", "body": "Help", "app": app}
    files = [("a.txt", b"text"), ("b.exe", EXECUTABLE)]

    with pytest.raises(ValidationError):
        answers.submit(
            account, files=files, by=admin, on=today, at=timezone.now(), **asked
        )
    assert not Ticket.objects.exists()

    ticket = answers.submit(
        account, files=files[:1], by=admin, on=today, at=timezone.now(), **asked
    )
    assert [one.name for one in ticket.messages.get().attachments.all()] == ["a.txt"]


def test_an_answer_with_a_bad_file_is_not_sent(ticket, admin, today):
    with pytest.raises(ValidationError):
        answers.reply(
            ticket, "Here", files=[("b.exe", b"x")], by=admin, on=today,
            at=timezone.now(),
        )  # fmt: skip

    assert not Message.objects.exists()
