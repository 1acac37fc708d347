"""What must still be told is told once, later, and again after a failure."""

import smtplib
import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.db import connection, transaction

from journal import outbox, tasks
from journal.models import Message

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
def promise(db):
    def write(key="k1", at=NOON, **fields):
        fields = {"to": "ana@x.example", "subject": "A\nB", "body": "Words."} | fields
        outbox.email(key=key, at=at, **fields)

    return write


class ClosedServer(EmailBackend):
    """A mail server that refuses everything."""

    def send_messages(self, messages):
        raise smtplib.SMTPServerDisconnected("closed")


@pytest.fixture
def closed_server(settings):
    settings.EMAIL_BACKEND = f"{__name__}.ClosedServer"


def test_a_message_is_sent_once(promise):
    promise(html="<p>Words.</p>")

    assert outbox.deliver(at=NOON) == 1
    assert outbox.deliver(at=NOON) == 0
    (sent,) = mail.outbox
    assert sent.subject == "A B"
    assert sent.to == ["ana@x.example"]
    assert sent.alternatives[0].content == "<p>Words.</p>"


def test_the_same_key_is_the_same_message(promise):
    promise(subject="First")
    promise(subject="Second")

    outbox.deliver(at=NOON)

    assert [sent.subject for sent in mail.outbox] == ["First"]


def test_what_is_not_due_waits(promise):
    promise(at=NOON + timedelta(seconds=1))

    assert outbox.deliver(at=NOON) == 0


def test_no_more_than_asked_are_sent(promise):
    for number in range(5):
        promise(key=str(number))

    assert outbox.deliver(at=NOON, most=3) == 3
    assert Message.objects.waiting().count() == 2


def test_a_failure_is_tried_again_later_and_given_up_in_the_end(promise, closed_server):
    promise()
    at, tries = NOON, 0

    while message := Message.objects.due(at=at).first():
        assert outbox.deliver(at=at) == 0
        tries += 1
        message.refresh_from_db()
        assert message.last_error == "closed"
        at = message.due_at
        if message.failed_at:
            break

    assert tries == message.attempts == len(outbox.RETRIES) + 1
    assert message.failed_at == at
    assert not Message.objects.waiting().exists()


def test_a_failing_message_holds_back_no_other(promise, closed_server, settings):
    promise(key="first")
    outbox.deliver(at=NOON)
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    promise(key="second")

    assert outbox.deliver(at=NOON) == 1


def test_a_message_rolled_back_was_never_promised(promise):
    with transaction.atomic():
        promise()
        transaction.set_rollback(True)

    assert not Message.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_four_who_deliver_at_once_send_each_message_once():
    for number in range(40):
        outbox.email(
            key=str(number), to="a@x.example", subject=str(number), body="", at=NOON
        )
    together, sent = threading.Barrier(4), []

    def deliver():
        together.wait(10)
        sent.append(outbox.deliver(at=NOON))
        connection.close()

    threads = [threading.Thread(target=deliver) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert sum(sent) == 40
    assert len({message.subject for message in mail.outbox}) == len(mail.outbox) == 40


def test_one_transaction_nudges_once(promise, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks() as nudges:
        promise(key="1")
        promise(key="2")

    assert nudges == [tasks.nudge]
