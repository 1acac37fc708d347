"""When an endpoint is disabled by itself, everybody at the partner is told."""

from datetime import UTC, date, datetime, timedelta

import pytest

from journal import endpoints, outbox, webhooks
from journal.calls import Answer
from journal.models import Message
from tests import factories

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
def partner(partner_user):
    partner = factories.PartnerFactory(name="Box & Sons")
    gone = factories.UserFactory(account=None, kind="PARTNER", is_active=False)
    partner.members.add(partner_user, gone)
    return partner


@pytest.fixture
def endpoint(partner):
    return factories.EndpointFactory(partner_id=partner.pk)


def fail(endpoint, *, at, status=500):
    outbox.webhook(
        key=str(at), partner_id=endpoint.partner_id, kind="app.installed",
        thread=str(at), data={}, at=at,
    )  # fmt: skip
    webhooks.deliver(
        now=lambda: at, send=lambda *asked: Answer(status, error=f"It was {status}.")
    )


def test_after_five_days_its_people_get_a_letter_each(
    endpoint, partner_user, mailoutbox
):
    fail(endpoint, at=NOON)
    fail(endpoint, at=NOON + timedelta(days=5))

    outbox.deliver(at=NOON + timedelta(days=5))

    (letter,) = mailoutbox
    assert letter.to == [partner_user.email]
    assert letter.subject == "Webhooks to Box & Sons are off"
    assert "Nothing arrived for five days." in letter.body
    assert "Box & Sons" in letter.body
    assert "/partner/webhooks/" in letter.body
    assert "Box &amp; Sons" in letter.alternatives[0].content


def test_410_tells_them_at_once_and_once(endpoint):
    fail(endpoint, at=NOON, status=410)
    endpoints.stop(endpoint, because="Again.", at=NOON, on=date(2026, 11, 23))

    assert Message.objects.emails().count() == 1


def test_switched_off_by_hand_nobody_needs_a_letter(endpoint, partner_user):
    endpoints.disable(
        endpoint, because="We move.", by=partner_user, on=date(2026, 11, 23), at=NOON
    )

    assert not Message.objects.emails().exists()
