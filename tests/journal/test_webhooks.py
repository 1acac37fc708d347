"""Webhooks arrive once, in order, signed, and after every failure there is."""

import itertools
import json
import threading
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime

import pytest
from django.core.exceptions import ValidationError
from django.db import connection, transaction
from standardwebhooks import Webhook

from journal import endpoints, outbox, signals, tasks, webhooks
from journal.calls import Answer
from journal.models import Activity, Attempt, Endpoint, Message
from tests import factories
from tests.journal.conftest import NOON, Listener

pytestmark = pytest.mark.django_db
TODAY = date(2026, 11, 23)
WHO = {"by": None, "on": TODAY, "at": NOON}


def refused_with(code):
    return pytest.raises(ValidationError, check=lambda refusal: refusal.code == code)


# What is promised


def test_without_an_endpoint_nothing_is_promised():
    outbox.webhook(
        key="k", partner_id=1, kind="app.installed", thread="t", data={}, at=NOON
    )

    assert not Message.objects.exists()


def test_the_same_key_is_the_same_webhook(promise, deliver, listener):
    promise(1)
    promise(1)

    assert deliver() == 1
    assert deliver() == 0
    assert listener.heard == [1]


def test_the_envelope_is_that_of_the_specification(promise, deliver, listener):
    promise(1)

    deliver()

    ((_address, said, headers),) = listener.calls
    assert said == {
        "type": "app.installed",
        "timestamp": "2026-11-23T12:00:00+00:00",
        "data": {"n": 1},
    }
    assert headers["webhook-id"].startswith("msg_")
    assert headers["content-type"].startswith("application/json")


def test_a_promise_rolled_back_was_none(promise):
    with transaction.atomic():
        promise(1)
        transaction.set_rollback(True)

    assert not Message.objects.exists()


def test_one_transaction_nudges_once(promise, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks() as nudges:
        promise(1)
        promise(2)

    assert nudges == [tasks.nudge_webhooks]


# Signatures


def test_it_is_signed_so_that_the_official_library_verifies_it(
    endpoint, promise, listener
):
    now = datetime.now(UTC)
    promise("Zoë 東京", at=now)

    webhooks.deliver(now=lambda: now, send=listener)

    ((_address, said, headers),) = listener.calls
    body = Message.objects.get().body
    assert Webhook(endpoint.secret).verify(body, headers) == said


def test_each_attempt_is_signed_afresh_and_its_id_stays(
    promise, deliver, listener
):  # fmt: skip
    listener.fail()
    promise(1)

    deliver()
    deliver(timedelta(hours=1))

    first, second = [headers for _address, _said, headers in listener.calls]
    assert first["webhook-id"] == second["webhook-id"]
    assert int(second["webhook-timestamp"]) - int(first["webhook-timestamp"]) == 3600
    assert first["webhook-signature"] != second["webhook-signature"]


def test_the_stamp_may_differ_from_the_moment(promise, deliver, listener):
    promise(1)

    deliver(stamp=lambda: NOON + timedelta(days=1))

    assert listener.calls[0][2]["webhook-timestamp"] == str(
        int(NOON.timestamp()) + 86400
    )


def test_a_rotated_secret_signs_beside_the_old_one_for_a_day(
    endpoint, promise, deliver, listener
):
    endpoints.rotate(endpoint, **WHO)
    for n in (1, 2, 3):
        promise(n, thread=f"installation:{n}")
        deliver(timedelta(hours=12 * (n - 1)))

    signatures = [call[2]["webhook-signature"].split() for call in listener.calls]
    assert [len(each) for each in signatures] == [2, 2, 1]


# Order


def test_a_thread_is_told_in_order(promise, deliver, listener):
    for n in range(5):
        promise(n)

    deliver()

    assert listener.heard == [0, 1, 2, 3, 4]


def test_a_failing_one_holds_back_its_own_thread_alone(promise, deliver, listener):
    listener.fail(only=lambda said: said["data"]["n"] == 1)
    promise(1)
    promise(2)
    promise(3, thread="installation:2")

    deliver()

    assert sorted(listener.heard) == [1, 3]
    assert Message.objects.get(thread="installation:2").state == "DELIVERED"
    listener.recover()
    deliver(timedelta(seconds=10))
    assert listener.heard[-2:] == [1, 2]


def test_waiting_updates_of_a_thread_collapse_into_the_newest(
    promise, deliver, listener
):
    listener.fail()
    update = {"kind": "app.updated", "collapses": True}
    promise(1, **update)
    deliver()
    promise(2, **update)
    promise(3, **update)
    promise(4, thread="installation:2", **update)
    listener.recover()

    deliver(timedelta(seconds=10))

    assert sorted(listener.heard[1:]) == [3, 4]
    assert [m.state for m in Message.objects.order_by("pk")] == [
        "REPLACED", "REPLACED", "DELIVERED", "DELIVERED",
    ]  # fmt: skip


def test_what_does_not_collapse_keeps_its_place_among_what_does(
    promise, deliver, listener
):
    promise(1)
    promise(2, kind="app.updated", collapses=True)
    promise(3, kind="app.uninstalled")
    promise(4, kind="app.updated", collapses=True)

    deliver()

    assert listener.heard == [1, 3, 4]


def test_the_newest_collapses_nothing_that_is_on_its_way(promise, listener):
    """Somebody sends the first update right now: the next one waits for it."""
    promise(1, kind="app.updated", collapses=True)
    Message.objects.update(claimed_until=NOON + timedelta(minutes=1))
    promise(2, kind="app.updated", collapses=True)

    webhooks.deliver(now=lambda: NOON, send=listener)

    assert listener.calls == []
    assert not Message.objects.exclude(replaced_at=None).exists()


# Failures


@pytest.mark.parametrize("status", [301, 302, 307, 308, 400, 401, 404, 429, 500, 503])
def test_whatever_is_not_a_2xx_is_a_failure(promise, deliver, listener, status):
    listener.fail(status)
    promise(1)

    assert deliver() == 0

    message = Message.objects.get()
    assert (message.state, message.last_error) == (
        "WAITING",
        f"It answered {status}.",
    )


def test_the_schedule_is_the_promised_one_with_a_little_chance(
    promise, follow, listener
):
    """Of a webhook that fails while its endpoint takes others."""
    waits = [5, 5 * 60, 30 * 60, *(hours * 3600 for hours in (2, 5, 10, 14, 20, 24))]
    listener.fail()
    promise(1)
    moments = [NOON]
    while Message.objects.waiting().exists():
        webhooks.deliver(now=lambda: moments[-1], send=listener)
        Endpoint.objects.update(failing_since=None)  # others arrive all the time
        moments.append(Message.objects.get().due_at)

    found = [
        (later - earlier).total_seconds()
        for earlier, later in itertools.pairwise(moments)
    ][: len(waits)]
    assert len(listener.calls) == 10
    assert Message.objects.get().state == "FAILED"
    for wait, seconds in zip(waits, found, strict=True):
        assert wait <= seconds <= wait * 1.1
    assert found != waits


def test_given_up_it_lets_the_next_of_its_thread_go(promise, listener):
    listener.fail(only=lambda said: said["data"]["n"] == 1)
    promise(1)
    promise(2)
    at = NOON
    for n in range(10):
        promise(100 + n, thread=f"installation:{n + 5}", at=at)
        webhooks.deliver(now=lambda at=at: at, send=listener)
        at = Message.objects.order_by("pk").first().due_at

    webhooks.deliver(now=lambda: at, send=listener)

    states = {n: m.state for n, m in enumerate(Message.objects.order_by("pk")[:2], 1)}
    assert states == {1: "FAILED", 2: "DELIVERED"}


def test_five_days_without_an_arrival_disable_the_endpoint(
    endpoint, promise, follow, listener
):
    told = []

    def hear(**news):
        told.append(news["endpoint"])

    signals.endpoint_disabled.connect(hear)
    listener.fail()
    promise(1)

    moments = follow()

    endpoint.refresh_from_db()
    assert endpoint.state == "DISABLED"
    assert timedelta(days=5) <= moments[-1] - NOON <= timedelta(days=6, hours=3)
    assert endpoint.disabled_at == moments[-1]
    assert told == [endpoint]
    assert Activity.objects.get(verb="endpoint.disabled").actor_id is None


def test_one_arrival_in_between_begins_the_five_days_anew(endpoint, promise, listener):
    listener.fail(only=lambda said: said["data"]["n"] == "bad")
    promise("bad")
    for day in range(8):
        at = NOON + timedelta(days=day)
        promise(day, thread=f"installation:{day + 9}", at=at)
        webhooks.deliver(now=lambda at=at: at, send=listener)

    endpoint.refresh_from_db()
    assert endpoint.disabled_at is None


def test_what_waited_goes_out_in_order_when_the_endpoint_is_enabled_again(
    endpoint, promise, follow, listener
):
    listener.fail()
    for n in range(3):
        promise(n)
    end = follow()[-1]
    listener.recover()
    assert webhooks.deliver(now=lambda: end + timedelta(days=9), send=listener) == 0

    later = end + timedelta(days=10)
    endpoints.enable(endpoint, by=None, on=later.date(), at=later)
    webhooks.deliver(now=lambda: later, send=listener)

    assert listener.heard[-3:] == [0, 1, 2]
    endpoint.refresh_from_db()
    assert endpoint.state == "WORKING"


def test_a_disabled_endpoint_gets_nothing(endpoint, promise, deliver, listener):
    endpoints.disable(endpoint, because="We move.", **WHO)
    promise(1)

    deliver()

    assert listener.calls == []
    assert Message.objects.get().state == "WAITING"


def test_410_disables_at_once_and_loses_nothing(endpoint, promise, deliver, listener):
    listener.fail(410)
    promise(1)

    deliver()

    endpoint.refresh_from_db()
    assert endpoint.disabled_because == "It answered 410 Gone."
    assert Message.objects.get().state == "WAITING"


@pytest.mark.parametrize(
    ("asked", "wait"),
    [
        ("120", timedelta(minutes=2)),
        (format_datetime(NOON + timedelta(hours=1), usegmt=True), timedelta(hours=1)),
        ("999999999999", timedelta(hours=24)),
        (
            format_datetime(NOON + timedelta(days=400), usegmt=True),
            timedelta(hours=24),
        ),
        ("0", timedelta(seconds=5)),
        ("-5", timedelta(seconds=5)),
        ("soon", timedelta(seconds=5)),
        ("²", timedelta(seconds=5)),
        (format_datetime(NOON - timedelta(hours=1)), timedelta(seconds=5)),
        ("Mon, 99 Nov 2026 12:00:00 GMT", timedelta(seconds=5)),
        ("Mon, 23 Nov 99999999999999 12:00:00 GMT", timedelta(seconds=5)),
        ("Mon, 23 Nov 2026 12:00:00 +99999999999999999999", timedelta(seconds=5)),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_honoured_up_to_a_day(
    promise, deliver, listener, asked, wait, status
):
    listener.fail(status, {"Retry-After": asked})
    promise(1)

    deliver()

    waits = Message.objects.get().due_at - NOON
    assert wait <= waits <= max(wait, timedelta(seconds=5.5))


# Many at once


@pytest.mark.django_db(transaction=True)
def test_four_who_deliver_at_once_tell_each_thread_once_and_in_order():
    for partner in (1, 2, 3):
        factories.EndpointFactory(partner_id=partner)
    for n in range(10):
        for thread in range(6):
            outbox.webhook(
                key=f"{thread}:{n}", partner_id=thread % 3 + 1, kind="app.installed",
                thread=f"installation:{thread}", data={"n": (thread, n)}, at=NOON,
            )  # fmt: skip
    together, listener = threading.Barrier(4), Listener()

    def run():
        together.wait(10)
        webhooks.deliver(now=lambda: NOON, send=listener)
        connection.close()

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    webhooks.deliver(now=lambda: NOON, send=listener)

    heard = [tuple(pair) for pair in listener.heard]
    assert len(heard) == len(set(heard)) == 60
    for thread in range(6):
        assert [n for at, n in heard if at == thread] == list(range(10))


@pytest.mark.django_db(transaction=True)
def test_no_lock_is_held_while_a_partner_is_asked(listener):
    factories.EndpointFactory(partner_id=7)
    outbox.webhook(
        key="k", partner_id=7, kind="app.installed", thread="t", data={}, at=NOON
    )
    free = []

    def says(address, said):
        with transaction.atomic():
            free.extend(Message.objects.select_for_update(nowait=True))
            free.extend(Endpoint.objects.select_for_update(nowait=True))
        connection.close()
        return Answer(200, {}, "")

    listener.says = says

    assert webhooks.deliver(now=lambda: NOON, send=listener) == 1
    assert len(free) == 2


def test_a_slow_partner_takes_four_calls_and_leaves_the_rest_to_others(
    endpoint, promise, listener
):
    factories.EndpointFactory(partner_id=8)
    for n in range(20):
        promise(n, thread=f"installation:{n}")
    Message.objects.filter(thread__in=[f"installation:{n}" for n in range(4)]).update(
        claimed_until=NOON + timedelta(minutes=1)  # four are being asked right now
    )
    promise("quick", thread="installation:99", partner_id=8)

    webhooks.deliver(now=lambda: NOON, send=listener)

    assert listener.heard == ["quick"]


def test_what_a_killed_worker_had_in_hand_is_sent_by_the_next(promise, listener):
    promise(1)

    def die(address, body, headers):
        raise SystemExit

    with pytest.raises(SystemExit):
        webhooks.deliver(now=lambda: NOON, send=die)
    soon = NOON + timedelta(minutes=1)
    assert webhooks.deliver(now=lambda: soon, send=listener) == 0

    later = NOON + timedelta(minutes=2)
    assert webhooks.deliver(now=lambda: later, send=listener) == 1


def test_a_run_ends_after_half_a_minute(promise, listener):
    for n in range(10):
        promise(n)
    moments = iter(NOON + timedelta(seconds=seconds) for seconds in range(0, 1000, 10))

    webhooks.deliver(now=lambda: next(moments), send=listener)

    assert 0 < len(listener.calls) < 10


def test_an_email_does_not_wait_for_a_webhook(promise, deliver, mailoutbox):
    promise(1)
    outbox.email(key="mail", to="a@x.example", subject="s", body="b", at=NOON)

    assert outbox.deliver(at=NOON) == 1

    assert Message.objects.webhooks().get().state == "WAITING"


def test_delivering_takes_as_many_queries_for_one_as_for_many_threads_each(
    promise, deliver, django_assert_max_num_queries
):
    for n in range(20):
        promise(n, thread=f"installation:{n}")

    with django_assert_max_num_queries(20 * 8 + 60):
        deliver()


# What partners see and repeat


def test_every_attempt_is_kept_with_request_and_answer(promise, deliver, listener):
    listener.fail(503, {"Retry-After": "1", "Server": "theirs"})
    promise(1)
    deliver()
    listener.recover()
    deliver(timedelta(minutes=1))

    (message,) = webhooks.deliveries(7)
    second, first = message.tries.all()
    assert (first.number, first.status, first.answer) == (1, 503, "no")
    assert first.answer_headers["Server"] == "theirs"
    assert first.error == "It answered 503."
    assert first.headers["webhook-id"] == message.public_id
    assert (second.number, second.status, second.succeeded) == (2, 200, True)
    assert second.address == "https://hooks.partner.example/appconnect"


def test_deliveries_of_others_are_not_seen(promise):
    promise(1)

    assert list(webhooks.deliveries(8)) == []


def test_the_list_takes_a_constant_number_of_queries(
    promise, deliver, django_assert_num_queries
):
    for n in range(30):
        promise(n, thread=f"installation:{n}")
    deliver()

    with django_assert_num_queries(2):
        assert sum(len(m.tries.all()) for m in webhooks.deliveries(7)) == 30


def test_a_delivery_is_sent_again_with_its_id(promise, deliver, listener):
    promise(1)
    deliver()

    webhooks.replay(Message.objects.get(), **WHO)
    deliver()

    assert listener.heard == [1, 1]
    assert len(set(listener.ids)) == 1
    assert Activity.objects.get(verb="deliveries.replayed").data["count"] == 1


def test_all_since_a_moment_are_sent_again_in_order(promise, deliver, listener):
    for n in range(4):
        promise(n)
    deliver()
    Message.objects.filter(key__endswith=":0").update(
        created_at=NOON - timedelta(days=1)
    )

    assert webhooks.replay_since(7, since=NOON - timedelta(hours=1), **WHO) == 3
    deliver()

    assert listener.heard == [0, 1, 2, 3, 1, 2, 3]


def test_what_was_replaced_or_waits_is_not_among_them(promise, deliver, listener):
    promise(1, kind="app.updated", collapses=True)
    promise(2, kind="app.updated", collapses=True)
    deliver()
    promise(3, kind="app.updated", collapses=True)

    assert webhooks.replay_since(7, since=NOON - timedelta(days=9), **WHO) == 1


@pytest.mark.parametrize(
    ("state", "code"),
    [
        ({}, "waiting"),
        ({"replaced_at": NOON}, "replaced"),
        ({"delivered_at": NOON, "event": "endpoint.verify"}, "challenge"),
        ({"delivered_at": NOON, "body": ""}, "forgotten"),
    ],
)
def test_what_cannot_be_sent_again_says_why(promise, state, code):
    promise(1)
    Message.objects.update(**state or {"event": "app.installed"})

    with refused_with(code):
        webhooks.replay(Message.objects.get(), **WHO)


def test_to_a_disabled_endpoint_nothing_is_sent_again(endpoint, promise, deliver):
    promise(1)
    deliver()
    endpoints.disable(endpoint, because="We move.", **WHO)

    with refused_with("disabled"):
        webhooks.replay(Message.objects.get(), **WHO)
    with refused_with("disabled"):
        webhooks.replay_since(7, since=NOON, **WHO)
    with refused_with("unregistered"):
        webhooks.replay_since(8, since=NOON, **WHO)


def test_what_is_old_is_forgotten_and_what_waits_is_not(promise, deliver, listener):
    promise(1)
    deliver()
    promise(2, thread="installation:2")
    Message.objects.update(created_at=NOON - timedelta(days=31))

    webhooks.forget(before=NOON - timedelta(days=30))
    assert Attempt.objects.count() == 1  # it was made at noon
    assert webhooks.forget(before=NOON + timedelta(seconds=1)) == 1

    first, second = Message.objects.order_by("pk")
    assert (first.body, Attempt.objects.count()) == ("", 0)
    assert json.loads(second.body)["data"] == {"n": 2}
