"""Files on the desk and on the help pages: uploaded, sent, downloaded, refused."""

from urllib.parse import quote

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from config import uploads
from support import attachments, conversations, drafts, merges
from support.models import Attachment, Message, Ticket
from tests import factories

pytestmark = pytest.mark.usefixtures("present")
TEXT, OTHER = b"What we see", b"MZ\x90\x00 and so on"


def text(name="seen.txt", content=TEXT):
    return SimpleUploadedFile(name, content)


@pytest.fixture
def ticket(account, admin):
    return factories.TicketFactory(account=account, requester=admin, category="INSTALL")


@pytest.fixture
def desk(client_of, support):
    return client_of(support)


@pytest.fixture
def customer(client_of, admin):
    return client_of(admin)


def of(ticket, place, *more):
    return reverse(f"support:{place}", args=[ticket.pk, *more])


def sent(ticket, by, today, name="seen.txt"):
    """A file that left with a reply, a minute ago."""
    kept = attachments.add(ticket, name=name, content=TEXT, by=by)
    at = timezone.now() - conversations.UNDO
    conversations.send(ticket, "Look", by=by, on=today, at=at)
    return kept


def noted(ticket, by, today):
    """A file of an internal note."""
    kept = attachments.add(ticket, name="n.txt", content=TEXT, by=by, internal=True)
    conversations.note(ticket, "For us", by=by, on=today)
    return kept


def test_a_request_takes_several_files(customer, account):
    app = factories.AppFactory()
    form = {"category": "INSTALL", "app": app.slug, "body": "Help"}

    answer = customer.post(
        reverse("support:new-request"), form | {"files": [text(), text("b.csv")]}
    )

    assert answer.status_code == 302
    message = Ticket.objects.get().messages.get()
    assert [one.name for one in message.attachments.order_by("pk")] == [
        "seen.txt",
        "b.csv",
    ]


def test_one_bad_file_sends_nothing_and_keeps_the_text(customer):
    app = factories.AppFactory()
    form = {"category": "INSTALL", "app": app.slug, "body": "My long story"}

    answer = customer.post(
        reverse("support:new-request"),
        form | {"files": [text(), text("setup.exe", OTHER), text("a.png", OTHER)]},
    )

    page = answer.content.decode()
    assert answer.status_code == 422
    assert "My long story" in page
    assert "setup.exe" in page
    assert "a.png" in page
    assert not Ticket.objects.exists()
    assert not Attachment.objects.exists()


def test_an_answer_takes_files_or_is_not_sent(ticket, customer):
    bad = {"body": "My answer", "files": [text(), text("a.png", OTHER)]}
    answer = customer.post(of(ticket, "reply"), bad)

    assert answer.status_code == 422
    assert "My answer" in answer.content.decode()
    assert not Message.objects.exists()

    customer.post(of(ticket, "reply"), {"body": "My answer", "files": [text()]})
    assert Message.objects.get().attachments.get().name == "seen.txt"
    assert "seen.txt" in customer.get(of(ticket, "request")).content.decode()


def test_staff_send_what_they_attached_and_what_they_chose(ticket, desk):
    desk.post(
        of(ticket, "attach"), {"to": "customer", "body": "Begun", "files": [text()]}
    )
    page = desk.get(of(ticket, "ticket")).content.decode()
    assert "Begun" in page
    assert "seen.txt" in page

    desk.post(
        of(ticket, "say"), {"to": "customer", "body": "Done", "files": [text("b.txt")]}
    )

    assert {one.name for one in Message.objects.get().attachments.all()} == {
        "seen.txt",
        "b.txt",
    }


def test_a_bad_file_sends_no_reply_and_keeps_the_text(ticket, desk):
    answer = desk.post(
        of(ticket, "say"),
        {"to": "customer", "body": "My reply", "files": [text(), text("x.exe")]},
    )

    assert answer.status_code == 422
    assert "My reply" in answer.content.decode()
    assert not Message.objects.exists()
    assert not Attachment.objects.exists()


def test_a_note_keeps_its_files_apart(ticket, desk, support):
    desk.post(of(ticket, "attach"), {"to": "note", "files": [text("secret.txt")]})

    desk.post(of(ticket, "say"), {"to": "customer", "body": "Hello"})
    assert not Message.objects.get().attachments.exists()

    desk.post(of(ticket, "say"), {"to": "note", "body": "For us"})
    assert Message.objects.get(internal=True).attachments.get().name == "secret.txt"


def test_what_is_attached_is_removed_again_and_the_text_stays(ticket, desk, support):
    desk.post(of(ticket, "attach"), {"to": "customer", "files": [text()]})
    kept = Attachment.objects.get()

    desk.post(of(ticket, "discard-file", kept.pk), {"to": "customer", "body": "More"})

    assert not Attachment.objects.exists()
    assert drafts.of(ticket, support)[False].body == "More"


def test_nobody_removes_what_was_sent(ticket, desk, support, today):
    kept = sent(ticket, support, today)

    answer = desk.post(of(ticket, "discard-file", kept.pk), follow=True)

    assert "sent already" in answer.content.decode()
    assert Attachment.objects.filter(pk=kept.pk).exists()


@pytest.mark.parametrize(
    ("who", "place"), [("support", "file"), ("admin", "request-file")]
)
def test_a_file_comes_as_a_download_and_runs_nothing(
    who, place, request, client_of, ticket, support, today
):
    kept = sent(ticket, support, today, name="Número “7”; a.txt")

    answer = client_of(request.getfixturevalue(who)).get(of(ticket, place, kept.pk))

    assert answer.content == TEXT
    assert answer.headers["Content-Disposition"] == (
        f"attachment; filename*=utf-8''{quote('Número “7”; a.txt')}"
    )
    assert answer.headers["Content-Type"] == "text/plain"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"].startswith("sandbox")
    assert "no-store" in answer.headers["Cache-Control"]


def test_customers_get_what_has_left_alone(ticket, customer, support, today):
    note = noted(ticket, support, today)
    waiting = attachments.add(ticket, name="w.txt", content=TEXT, by=support)
    status = {}
    for kept in (note, waiting):
        status[kept.name] = customer.get(
            of(ticket, "request-file", kept.pk)
        ).status_code
    conversations.send(ticket, "Soon", by=support, on=today, at=timezone.now())
    leaving = customer.get(of(ticket, "request-file", waiting.pk)).status_code
    page = customer.get(of(ticket, "request")).content.decode()
    Message.objects.filter(body="Soon").update(leaves_at=timezone.now())
    left = customer.get(of(ticket, "request-file", waiting.pk)).status_code

    assert status == {"n.txt": 404, "w.txt": 404}
    assert (leaving, left) == (404, 200)
    assert "n.txt" not in page
    assert "w.txt" not in page


def test_nor_through_another_ticket_of_theirs(
    ticket, account, admin, customer, client_of, stranger, member, support, today
):
    kept = sent(ticket, support, today)
    other = factories.TicketFactory(account=account, requester=admin)

    assert customer.get(of(other, "request-file", kept.pk)).status_code == 404
    for person, status in ((stranger, 404), (member, 403), (support, 403)):
        got = client_of(person).get(of(ticket, "request-file", kept.pk))
        assert got.status_code == status


def test_a_merged_request_brings_its_files(
    ticket, account, admin, customer, support, today
):
    kept = sent(ticket, support, today)
    into = factories.TicketFactory(account=account, requester=admin, category="INSTALL")
    merges.merge(ticket, into=into, by=support, on=today)

    assert "seen.txt" in customer.get(of(into, "request")).content.decode()
    assert customer.get(of(into, "request-file", kept.pk)).status_code == 200


def test_what_a_colleague_has_not_sent_is_theirs(ticket, desk, sales):
    kept = attachments.add(ticket, name="his.txt", content=TEXT, by=sales)

    assert desk.get(of(ticket, "file", kept.pk)).status_code == 404
    assert "his.txt" not in desk.get(of(ticket, "ticket")).content.decode()


def test_a_request_larger_than_any_message_is_refused(customer, ticket, monkeypatch):
    monkeypatch.setattr(uploads, "MOST", 100)

    answer = customer.post(
        of(ticket, "reply"), {"body": "x", "files": [text(content=b"a" * 200)]}
    )

    assert answer.status_code == 400
    assert not Message.objects.exists()


def test_files_cost_no_query_each(
    ticket, support, customer, desk, today, django_assert_max_num_queries
):
    for number in range(5):
        sent(ticket, support, today, name=f"{number}.txt")

    with django_assert_max_num_queries(25):
        assert "4.txt" in customer.get(of(ticket, "request")).content.decode()
    with django_assert_max_num_queries(25):
        assert "4.txt" in desk.get(of(ticket, "ticket")).content.decode()
