"""Delivering webhooks: claimed, sent, recorded; in order within a thread.

A message is claimed in one short transaction, sent outside of any, and what came of it
recorded in another: a slow partner holds no lock, and what a killed worker had claimed
is taken up by another when the claim has run out.
"""

import email.utils
import json
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from datetime import UTC, date, datetime, timedelta
from random import SystemRandom

from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Window
from django.db.models.functions import RowNumber
from django.utils.translation import gettext as _

from journal import activities, endpoints, signals, signatures
from journal.calls import Answer
from journal.models import Attempt, Endpoint, Message

# How long to wait after each failed try; the first is at once.
SCHEDULE = [
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
]
JITTER = 0.1  # of each wait, added at most
LONGEST_WAIT = timedelta(hours=24)  # that a partner may ask for
CHALLENGES = 5  # tries of one challenge
FAILING_FOR = timedelta(days=5)  # until an endpoint is disabled
CLAIMED_FOR = timedelta(minutes=2)  # longer than any call takes
AT_ONCE, AT_ONCE_EACH = 32, 4  # calls under way: of one run, to one partner
RUN = timedelta(seconds=30)  # after which a run begins nothing more
GONE = 410

# `send(address, body, headers)`: journal.calls.post, with what it is allowed.
Send = Callable[[str, str, dict[str, str]], Answer]
_chance = SystemRandom()


# Delivery


def deliver(
    *,
    now: Callable[[], datetime],
    send: Send,
    stamp: Callable[[], datetime] | None = None,
    most: int = 500,
) -> int:
    """Send what is due, until nothing is, half a minute is over or `most` were tried.

    `now` tells the moment; signatures carry that of `stamp`, where it differs. Any
    number of these may run at once. Returns how many arrived.
    """
    began, arrived, tried = now(), 0, 0
    while tried < most and now() - began <= RUN:
        at = now()
        _collapse(at=at)
        claims = _claim(at=at, most=min(AT_ONCE, most - tried))
        if not claims:
            break
        arrived += _send_all(claims, send=send, at=at, stamp=stamp or now)
        tried += len(claims)
    return arrived


def _collapse(*, at: datetime) -> None:
    """Of waiting messages that carry the whole state, a thread's newest is enough."""
    newer = Message.objects.webhooks().waiting().filter(
        thread=OuterRef("thread"), event=OuterRef("event"), pk__gt=OuterRef("pk")
    )  # fmt: skip
    with transaction.atomic():
        waiting = _unclaimed(Message.objects.webhooks().waiting(), at=at)
        waiting = waiting.filter(Exists(newer), collapses=True)
        held = waiting.select_for_update(skip_locked=True).values_list("pk", flat=True)
        if pks := list(held):
            Message.objects.filter(pk__in=pks).update(replaced_at=at)


def _claim(*, at: datetime, most: int) -> list[tuple[Message, Endpoint]]:
    """Take the first due message of each thread: few of each partner, none twice."""
    busy = Message.objects.webhooks().waiting().filter(claimed_until__gt=at)
    busy = busy.order_by().values("partner_id").annotate(under_way=Count("pk"))
    full = busy.filter(under_way__gte=AT_ONCE_EACH).values_list("partner_id", flat=True)
    place = Window(
        RowNumber(), partition_by="partner_id", order_by=[F("due_at").asc(), "pk"]
    )
    first = _due(at=at).exclude(partner_id__in=list(full)).annotate(place=place)
    pks = first.filter(place__lte=AT_ONCE_EACH).order_by("due_at", "pk")
    pks = list(pks.values_list("pk", flat=True)[:most])
    if not pks:
        return []
    with transaction.atomic():
        claimed = list(
            _due(at=at)
            .filter(pk__in=pks)
            .select_for_update(skip_locked=True)
            .order_by("due_at", "pk")
        )
        for message in claimed:
            message.claimed_until = at + CLAIMED_FOR
            message.attempts += 1
        Message.objects.bulk_update(claimed, ["claimed_until", "attempts"])
    partners = {message.partner_id for message in claimed}
    found = Endpoint.objects.filter(partner_id__in=partners)
    by_partner = {endpoint.partner_id: endpoint for endpoint in found}
    return [(message, by_partner[message.partner_id]) for message in claimed]


def _due(*, at: datetime) -> QuerySet[Message]:
    """Due, first of its thread, claimed by nobody, to an endpoint that takes it."""
    earlier = (
        Message.objects.webhooks()
        .waiting()
        .filter(thread=OuterRef("thread"), pk__lt=OuterRef("pk"))
    )
    theirs = Endpoint.objects.filter(partner_id=OuterRef("partner_id"))
    asked = Q(event=endpoints.VERIFY) & Exists(theirs.exclude(asked_address=""))
    told = ~Q(event=endpoints.VERIFY) & Exists(theirs.taking())
    due = _unclaimed(Message.objects.webhooks().due(at=at), at=at)
    return due.filter(asked | told).filter(~Exists(earlier))


def _unclaimed(messages, *, at):
    return messages.filter(Q(claimed_until=None) | Q(claimed_until__lte=at))


def _send_all(claims, *, send, at, stamp) -> int:
    """Send side by side, and record each as it comes back: nobody waits for the slow."""
    arrived = 0
    with ThreadPoolExecutor(max_workers=len(claims)) as crew:
        under_way = {
            crew.submit(_send, message, endpoint, send=send, at=at, stamp=stamp): (
                message,
                endpoint,
            )
            for message, endpoint in claims
        }
        for done in as_completed(under_way):
            message, endpoint = under_way[done]
            arrived += _record(message, endpoint, *done.result(), at=at)
    return arrived


def _send(message, endpoint, *, send, at, stamp):
    """One call: where to, with which headers, and what was answered."""
    asked = message.event == endpoints.VERIFY
    address = endpoint.asked_address if asked else endpoint.address
    try:
        signed = signatures.headers(
            message.public_id,
            message.body,
            secrets=endpoint.secrets(at=at),
            at=stamp(),
        )
    except signatures.BadSecret:
        return address, {}, Answer(error="The endpoint's secret cannot sign.")
    headers = {
        "content-type": "application/json; charset=utf-8",
        "user-agent": "AppConnect-Webhooks/1",
        **signed,
    }
    return address, headers, send(address, message.body, headers)


@transaction.atomic
def _record(message, endpoint, address, headers, answer: Answer, *, at) -> bool:
    """Keep the attempt, and say what becomes of message and endpoint.

    The endpoint is locked before its messages, here and wherever both are written.
    """
    claimed_until = message.claimed_until
    endpoint = Endpoint.objects.select_for_update(no_key=True).get(pk=endpoint.pk)
    message = Message.objects.select_for_update(no_key=True).get(pk=message.pk)
    error = answer.error
    if message.event == endpoints.VERIFY and not error:
        error = _verify(message, endpoint, address, answer, at=at)
    Attempt.objects.create(
        message=message,
        number=message.attempts,
        address=address,
        at=at,
        headers=headers,
        status=answer.status,
        answer_headers=answer.headers,
        answer=answer.body,
        error=error[:400],
        took_ms=answer.took_ms,
    )
    if message.state != "WAITING":
        return False
    if not error:
        message.delivered_at, message.last_error = at, ""
        _failing_since(endpoint, None)
    elif message.claimed_until != claimed_until:  # somebody else tries it by now
        return False
    else:
        _postpone(message, endpoint, answer, error, at=at)
    message.claimed_until = None
    message.save()
    return not error


def _verify(message, endpoint, address, answer, *, at) -> str:
    """The challenge must come back, from the address that was asked for."""
    asked = json.loads(message.body)["data"]["challenge"]
    try:
        said = json.loads(answer.body)["challenge"]
    except (ValueError, KeyError, TypeError, RecursionError):  # nested too deeply
        said = None
    if said != asked:
        return "The answer did not carry the challenge."
    if not endpoints.verified(
        endpoint, address=address, challenge=asked, at=at, on=at.date()
    ):
        return "A newer challenge was sent."
    return ""


def _postpone(message, endpoint, answer, error, *, at) -> None:
    """Try again later, or give up: what fails although its endpoint takes others.

    While an endpoint takes nothing, its messages wait: for the next day, and once it is
    disabled until somebody enables it.
    """
    message.last_error = error
    waits = SCHEDULE[min(message.attempts, len(SCHEDULE)) - 1]
    waits *= 1 + _chance.uniform(0, JITTER)
    message.due_at = at + max(waits, _asked_wait(answer.headers, at=at))
    if message.event == endpoints.VERIFY:
        message.failed_at = at if message.attempts >= CHALLENGES else None
        return
    since = _failing_since(endpoint, endpoint.failing_since or at)
    if answer.status == GONE:
        endpoints.stop(endpoint, because="It answered 410 Gone.", at=at, on=at.date())
    elif since <= at - FAILING_FOR:
        because = "Nothing arrived for five days."
        endpoints.stop(endpoint, because=because, at=at, on=at.date())
    elif message.attempts > len(SCHEDULE) and since > at - sum(SCHEDULE, timedelta()):
        message.failed_at = at


def _failing_since(endpoint, moment):
    """Since when nothing has arrived; None when something just has."""
    if endpoint.failing_since != moment:
        endpoint.failing_since = moment
        endpoint.save(update_fields=["failing_since"])
    return moment


def _asked_wait(headers, *, at) -> timedelta:
    """How long Retry-After asks to wait, in seconds or until a moment; a day at most."""
    asked = {name.lower(): value for name, value in headers.items()}.get("retry-after")
    wait = timedelta()
    if asked and asked.strip().isdecimal() and asked.isascii():
        wait = timedelta(seconds=min(int(asked), 10**6))
    elif asked:
        try:
            moment = email.utils.parsedate_to_datetime(asked)
        except (ValueError, OverflowError):  # a year, or a zone, that no day has
            return wait
        wait = moment.replace(tzinfo=moment.tzinfo or UTC) - at
    return max(timedelta(), min(wait, LONGEST_WAIT))


# What partners see and repeat


def deliveries(partner_id: int) -> QuerySet[Message]:
    """Every webhook to a partner, newest first, with its attempts as `tries`."""
    tries = models.Prefetch("tries", Attempt.objects.order_by("-pk"))
    found = Message.objects.to_partner(partner_id)
    return found.prefetch_related(tries).order_by("-pk")


@transaction.atomic
def replay(
    message: Message, *, by: models.Model | None, on: date, at: datetime
) -> Message:
    """Send one again, with its id and body. Refuses what still waits (code waiting),
    what a newer one replaced (replaced), a challenge (challenge), what is too old to be
    kept (forgotten), and a disabled endpoint (disabled).
    """
    endpoint = _enabled(message.partner_id)
    message = Message.objects.select_for_update(no_key=True).get(pk=message.pk)
    if message.state == "WAITING":
        raise ValidationError(_("This still waits to be sent."), code="waiting")
    if message.state == "REPLACED":
        raise ValidationError(
            _("A newer one, which carries the whole state, replaced this."),
            code="replaced",
        )
    if message.event == endpoints.VERIFY:
        raise ValidationError(_("A challenge is sent once."), code="challenge")
    if not message.body:
        raise ValidationError(_("This is too old to be sent again."), code="forgotten")
    _again(Message.objects.filter(pk=message.pk), endpoint, by=by, on=on, at=at)
    message.refresh_from_db()
    return message


@transaction.atomic
def replay_since(
    partner_id: int, *, since: datetime, by: models.Model | None, on: date, at: datetime
) -> int:
    """Send all again that were written since a moment, in order; those that wait, that
    were replaced or are too old stay as they are. Returns how many.

    Refuses a disabled endpoint (code disabled) and none at all (unregistered).
    """
    endpoint = _enabled(partner_id)
    sent = Message.objects.to_partner(partner_id).filter(created_at__gte=since)
    sent = sent.settled().filter(replaced_at=None).exclude(body="")
    return _again(
        sent.exclude(event=endpoints.VERIFY), endpoint, by=by, on=on, at=at
    )  # fmt: skip


def forget(*, before: datetime) -> int:
    """Drop attempts older than a moment, and the bodies of webhooks as old that nobody
    tries any more: they name people. Returns how many attempts.
    """
    dropped, _kinds = Attempt.objects.filter(at__lt=before).delete()
    old = Message.objects.webhooks().settled().filter(created_at__lt=before)
    old.exclude(body="").update(body="")
    return dropped


def _enabled(partner_id) -> Endpoint:
    found = Endpoint.objects.select_for_update(no_key=True)
    endpoint = found.filter(partner_id=partner_id).first()
    if endpoint is None:
        raise ValidationError(_("Register an endpoint first."), code="unregistered")
    if endpoint.disabled_at:
        raise ValidationError(_("Enable the endpoint first."), code="disabled")
    return endpoint


def _again(messages: Iterable, endpoint, *, by, on, at) -> int:
    count = messages.update(
        delivered_at=None, failed_at=None, claimed_until=None, attempts=0, due_at=at,
        last_error="",
    )  # fmt: skip
    if count:
        activities.record(
            "deliveries.replayed",
            account=None,
            by=by,
            on=on,
            subject=endpoint,
            address=str(endpoint),
            count=count,
        )
        signals.promised.send(Message, kind=Message.Kind.WEBHOOK)
    return count
