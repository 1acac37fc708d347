"""A partner that listens: what it was told, and what it answers."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from journal import outbox, webhooks
from journal.calls import Answer
from journal.models import Message
from tests import factories

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


class Listener:
    """Stands where the network is. `says` answers one call; by default it is taken."""

    def __init__(self):
        self.calls = []
        self.says = lambda address, said: Answer(200, {}, "{}")

    def __call__(self, address, body, headers):
        said = json.loads(body)
        self.calls.append((address, said, headers))
        return self.says(address, said)

    @property
    def heard(self):
        return [said["data"].get("n") for _address, said, _headers in self.calls]

    @property
    def ids(self):
        return [headers["webhook-id"] for _address, _said, headers in self.calls]

    def fail(self, status=500, headers=None, *, only=lambda said: True):
        def says(address, said):
            if only(said):
                return Answer(status, headers or {}, "no", f"It answered {status}.")
            return Answer(200, {}, "{}")

        self.says = says

    def recover(self):
        self.says = lambda address, said: Answer(200, {}, "{}")


@pytest.fixture
def listener():
    return Listener()


@pytest.fixture
def endpoint(db):
    partner = factories.PartnerFactory(pk=7)
    return factories.EndpointFactory(partner_id=partner.pk)


@pytest.fixture
def promise(endpoint):
    """Promise a webhook: promise(3, thread="installation:1") is told as n=3."""

    def write(n, *, thread="installation:1", kind="app.installed", at=NOON, **more):
        outbox.webhook(
            key=f"{kind}:{thread}:{n}", thread=thread, kind=kind, at=at,
            data={"n": n}, **{"partner_id": endpoint.partner_id} | more,
        )  # fmt: skip

    return write


@pytest.fixture
def deliver(listener):
    """Deliver what is due so long after noon; the listener is told."""

    def run(after=timedelta(), **more):
        return webhooks.deliver(now=lambda: NOON + after, send=listener, **more)

    return run


@pytest.fixture
def follow(listener):
    """Deliver whenever a message is tried again, as long as any is: the moments."""

    def run():
        moments, waiting = [], Message.objects.webhooks().waiting()
        at, asked = NOON, -1
        while asked < len(listener.calls):
            asked = len(listener.calls)
            webhooks.deliver(now=lambda at=at: at, send=listener)
            moments.append(at)
            later = waiting.filter(due_at__gt=at).order_by("due_at").first()
            at = later.due_at if later else at
        return moments[:-1]

    return run
