"""What must still be told: messages written with the change, delivered afterwards."""

import hashlib
import json
import secrets
from datetime import datetime, timedelta

from django.core.mail import EmailMultiAlternatives
from django.db import models, transaction

from journal import signals
from journal.models import Endpoint, Message

# How long to wait after each failed attempt. After the last one we give up.
RETRIES = [
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=6),
    timedelta(hours=12),
    timedelta(hours=24),
]


def email(
    *,
    key: str,
    to: str,
    subject: str,
    body: str,
    html: str = "",
    headers: dict[str, str] | None = None,
    account: models.Model | None = None,
    at: datetime,
) -> None:
    """Promise an email, due at a moment. The same key is the same message: it is sent
    once, as it was first written. `headers` go with it, as Reply-To.
    """
    message = Message(
        kind=Message.Kind.EMAIL,
        key=key,
        recipient=to,
        subject=" ".join(subject.split())[:300],
        body=body,
        html=html,
        headers=headers or {},
        account_id=account and account.pk,
        due_at=at,
    )
    Message.objects.bulk_create([message], ignore_conflicts=True)
    signals.promised.send(Message, kind=Message.Kind.EMAIL)


def webhook(
    *,
    key: str,
    partner_id: int,
    kind: str,
    thread: str,
    data: dict,
    at: datetime,
    account: models.Model | None = None,
    collapses: bool = False,
) -> None:
    """Promise a webhook to a partner's endpoint; without an endpoint, do nothing.

    `kind` is its type, as app.installed; within a `thread`, as installation:12, they
    arrive in order. One that `collapses` carries the whole state: while it waits, a
    newer one of its thread and kind replaces it. `data` is what `json` can write. The
    body is the envelope of Standard Webhooks, and stays as it was first written.
    """
    endpoint = Endpoint.objects.filter(partner_id=partner_id).first()
    if endpoint is None:
        return
    envelope = {"type": kind, "timestamp": at.isoformat(), "data": data}
    message = Message(
        kind=Message.Kind.WEBHOOK,
        key=key,
        partner_id=partner_id,
        public_id=f"msg_{secrets.token_hex(16)}",
        event=kind,
        thread=thread,
        collapses=collapses,
        recipient=str(endpoint),
        body=json.dumps(envelope, ensure_ascii=False, separators=(",", ":")),
        account_id=account and account.pk,
        due_at=at,
    )
    Message.objects.bulk_create([message], ignore_conflicts=True)
    signals.promised.send(Message, kind=Message.Kind.WEBHOOK)


def promised_since(beginning: str, *, at: datetime) -> int:
    """How many messages whose keys begin so were promised for then or later."""
    return Message.objects.filter(key__startswith=beginning, due_at__gte=at).count()


@transaction.atomic
def take_back(beginning: str) -> bool:
    """Drop the messages whose keys begin so, unless one of them has left already.

    Waits for a delivery under way. Says whether nothing has left.
    """
    messages = list(
        Message.objects.select_for_update().filter(key__startswith=beginning)
    )
    if any(message.attempts or message.delivered_at for message in messages):
        return False
    Message.objects.filter(pk__in=[message.pk for message in messages]).delete()
    return True


@transaction.atomic
def forget(address: str) -> None:
    """Drop the emails to an address: those that wait are never sent; of those that left
    only that they did is kept.
    """
    emails = Message.objects.emails().filter(recipient__iexact=address)
    emails.waiting().delete()
    _empty(emails)


def forget_words(*, before: datetime) -> int:
    """Keep of emails delivered before a moment only that they were; says how many.

    Their keys stay: what was said once is not said again.
    """
    emails = Message.objects.emails().filter(delivered_at__lt=before)
    return _empty(emails.exclude(recipient=""))


def _empty(messages) -> int:
    return messages.update(
        recipient="", subject="", body="", html="", headers={}, payload={}
    )


def deliver(*, at: datetime, most: int = 100) -> int:
    """Send emails that are due, each in a transaction of its own; say how many left.

    Any number of these may run at once: a message held by one is skipped by the
    others. One that fails is tried again over two days, then given up and kept.
    """
    sent = tried = 0
    while tried < most and (outcome := _deliver_next(at)) is not None:
        sent += outcome
        tried += 1
    return sent


@transaction.atomic
def _deliver_next(at):
    message = (
        Message.objects.due(at=at)
        .emails()
        .select_for_update(skip_locked=True)
        .order_by("due_at", "id")
        .first()
    )
    if message is None:
        return None
    message.attempts += 1
    try:
        _send(message)
    except OSError as failure:  # smtplib's errors and refused connections
        _postpone(message, str(failure), at=at)
    else:
        message.delivered_at = at
        message.last_error = ""
    message.save()
    return message.delivered_at is not None


def _send(message):
    mail = EmailMultiAlternatives(
        message.subject,
        message.body,
        to=[message.recipient],
        headers={"Message-ID": f"<{_digest(message.key)}@outbox>"} | message.headers,
    )
    if message.html:
        mail.attach_alternative(message.html, "text/html")
    mail.send()


def _postpone(message, failure, *, at):
    message.last_error = failure
    if message.attempts > len(RETRIES):
        message.failed_at = at
    else:
        message.due_at = at + RETRIES[message.attempts - 1]


def _digest(key):
    return hashlib.sha256(key.encode()).hexdigest()[:40]
