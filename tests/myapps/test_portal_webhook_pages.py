"""The portal's webhooks: one endpoint, and every delivery with request and answer."""

import re
from datetime import UTC, datetime

import pytest
from django.urls import reverse

from journal.models import Attempt, Endpoint, Message
from tests import factories

pytestmark = pytest.mark.django_db
AT = datetime(2026, 11, 23, 9, tzinfo=UTC)


@pytest.fixture
def partner(partner_user):
    partner = factories.PartnerFactory(slug="ironwood", name="Ironwood")
    partner.members.add(partner_user)
    return partner


@pytest.fixture
def browser(client_of, partner_user, partner, present):
    return client_of(partner_user)


@pytest.fixture
def endpoint(partner):
    return factories.EndpointFactory(partner_id=partner.pk)


@pytest.fixture
def message(partner):
    return said(partner, 1)


def said(partner, number, **fields):
    return Message.objects.create(
        kind="WEBHOOK", key=f"k{number}", partner_id=partner.pk,
        public_id=f"msg_{number}", event="app.updated", thread="installation:7",
        body='{"type":"app.updated","data":{"who":"Żaneta"}}', due_at=AT, **fields,
    )  # fmt: skip


def there(name, *args):
    return reverse(f"myapps:portal-{name}", args=args)


def text(response):
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


def test_registering_shows_the_secret_once(browser, partner):
    page = text(browser.get(there("webhooks")))
    assert "None yet: your apps are active the moment" in page

    bad = browser.post(there("address", "ironwood"), {"address": "https://10.0.0.1/"})
    made = browser.post(
        there("address", "ironwood"), {"address": "https://hooks.ironwood.example/in"}
    )

    assert bad.status_code == 422
    secret = Endpoint.objects.get().secret
    assert secret in made.content.decode()
    assert "no-store" in made["Cache-Control"]
    page = browser.get(there("webhooks"))
    assert secret not in page.content.decode()
    assert "Not verified" in text(page)
    assert Message.objects.get().event == "endpoint.verify"


def test_rotating_shows_the_new_secret_once(browser, endpoint):
    made = browser.post(there("rotate", "ironwood"))
    endpoint.refresh_from_db()

    assert endpoint.secret in made.content.decode()
    again = browser.post(there("rotate", "ironwood"), follow=True)
    assert "still in use" in text(again)
    assert "two, until" in text(browser.get(there("webhooks")))


def test_moving_testing_and_switching_off_and_on(browser, endpoint):
    browser.post(there("address", "ironwood"), {"address": "https://new.example/in"})
    endpoint.refresh_from_db()
    assert endpoint.asked_address == "https://new.example/in"
    browser.post(there("challenge", "ironwood"))
    browser.post(there("test", "ironwood"))
    assert Message.objects.filter(event="endpoint.test").count() == 1

    browser.post(there("disable", "ironwood"))
    page = text(browser.get(there("webhooks")))
    assert "Disabled" in page
    assert "Send a test event" not in page
    browser.post(there("enable", "ironwood"))
    endpoint.refresh_from_db()
    assert endpoint.disabled_at is None


def test_a_delivery_shows_its_body_and_every_try(browser, message):
    Attempt.objects.create(
        message=message, number=1, address="https://partner.example/hooks", at=AT,
        headers={"webhook-id": "msg_1"}, status=503,
        answer_headers={"retry-after": "5"}, answer="<b>Busy</b>", error="It said 503.",
    )  # fmt: skip

    page = browser.get(there("delivery", "msg_1"))

    html = page.content.decode()
    assert "Żaneta" in html
    assert "webhook-id: msg_1" in html
    assert "retry-after: 5" in html
    assert "&lt;b&gt;Busy&lt;/b&gt;" in html
    assert "It said 503." in html


def test_one_or_all_since_a_moment_are_sent_again(browser, partner, endpoint):
    one, two = said(partner, 1, delivered_at=AT), said(partner, 2, delivered_at=AT)

    browser.post(there("replay", one.public_id))
    one.refresh_from_db()
    two.refresh_from_db()
    assert (one.state, two.state) == ("WAITING", "DELIVERED")

    bad = browser.post(there("replay-since", "ironwood"), {"since": "x"}, follow=True)
    assert "Write since when" in text(bad)
    answer = browser.post(
        there("replay-since", "ironwood"), {"since": "2020-01-01T00:00"}, follow=True
    )
    two.refresh_from_db()
    assert "1 delivery is sent again" in text(answer)
    assert two.state == "WAITING"


def test_ten_thousand_deliveries_are_paged_and_filtered(
    browser, partner, endpoint, django_assert_max_num_queries
):
    Message.objects.bulk_create(
        [
            Message(
                kind="WEBHOOK", key=f"k{n}", partner_id=partner.pk, due_at=AT,
                public_id=f"msg_{n}", event="app.updated", body="{}",
                thread=f"installation:{n % 100}",
                delivered_at=AT if n % 2 else None,
            )
            for n in range(10_000)
        ],
        batch_size=5000,
    )  # fmt: skip

    def shown(**asked):
        with django_assert_max_num_queries(25):
            page = browser.get(there("webhooks"), asked)
        assert page.status_code == 200
        return page.context["page"]

    assert shown().paginator.count == 10_000
    assert len(shown(page=200)) == 50
    assert shown(state="waiting").paginator.count == 5_000
    assert shown(q="7").paginator.count == 100
    assert shown(q="msg_8").paginator.count == 1
    assert shown(event="endpoint.test").paginator.count == 0
    assert "No delivery is like that" in text(
        browser.get(there("webhooks"), {"event": "endpoint.test"})
    )


def test_another_partners_endpoint_and_deliveries_do_not_exist(
    client_of, endpoint, message, present
):
    stranger = factories.UserFactory(account=None, kind="PARTNER")
    factories.PartnerFactory().members.add(stranger)
    browser = client_of(stranger)

    assert browser.get(there("delivery", "msg_1")).status_code == 404
    assert browser.post(there("replay", "msg_1")).status_code == 404
    for name in ("address", "rotate", "challenge", "test", "disable", "enable",
                 "replay-since"):  # fmt: skip
        assert browser.post(there(name, "ironwood")).status_code == 404
    assert "msg_1" not in browser.get(there("webhooks")).content.decode()
