"""An endpoint is proved by a challenge, shows its secret once, and is switched by hand
or by itself.
"""

import json
from datetime import date, timedelta

import pytest
from django.core.exceptions import ValidationError

from journal import endpoints, webhooks
from journal.calls import Answer
from journal.models import Activity, Endpoint, Message
from tests.journal.conftest import NOON

pytestmark = pytest.mark.django_db
TODAY = date(2026, 11, 23)
WHO = {"by": None, "on": TODAY, "at": NOON}
ADDRESS = "https://hooks.partner.example/in"
OTHER = "https://hooks.partner.example/moved"


def refused_with(code):
    return pytest.raises(ValidationError, check=lambda refusal: refusal.code == code)


def echo(address, said):
    return Answer(200, {}, json.dumps({"challenge": said["data"].get("challenge")}))


@pytest.fixture
def registered():
    endpoint, _secret = endpoints.register(7, address=ADDRESS, **WHO)
    return endpoint


def test_registered_it_waits_for_its_challenge(registered):
    assert registered.state == "UNVERIFIED"
    assert not endpoints.expected(7)


def test_it_is_told_the_challenge_and_echoes_it(registered, listener, deliver):
    listener.says = echo

    assert deliver() == 1

    ((address, said, headers),) = listener.calls
    assert (address, said["type"]) == (ADDRESS, "endpoint.verify")
    assert len(said["data"]["challenge"]) >= 40
    assert "v1," in headers["webhook-signature"]
    registered.refresh_from_db()
    assert (registered.state, registered.address) == ("WORKING", ADDRESS)
    assert endpoints.expected(7)


@pytest.mark.parametrize(
    "body",
    [
        *("", "{}", "[]", "null", '{"challenge": "another"}', '{"challenge": 5}'),
        "[" * 16_000,
    ],
)
def test_an_answer_without_it_proves_nothing(registered, listener, deliver, body):
    listener.says = lambda address, said: Answer(200, {}, body)

    assert deliver() == 0

    registered.refresh_from_db()
    assert registered.state == "UNVERIFIED"
    assert Message.objects.get().last_error == "The answer did not carry the challenge."


def test_a_challenge_is_tried_five_times(registered, listener, follow):
    listener.fail()

    follow()

    assert len(listener.calls) == 5
    assert Message.objects.get().state == "FAILED"
    registered.refresh_from_db()
    assert (registered.failing_since, registered.disabled_at) == (None, None)


def test_it_is_sent_again_when_asked(registered, listener, follow, deliver):
    listener.fail()
    follow()
    listener.says = echo

    endpoints.challenge(registered, **WHO)
    deliver()

    registered.refresh_from_db()
    assert registered.state == "WORKING"
    with refused_with("verified"):
        endpoints.challenge(registered, **WHO)


def test_until_it_has_answered_nothing_else_is_sent(
    registered, promise_to, listener, deliver
):
    listener.fail(only=lambda said: said["type"] == "endpoint.verify")
    promise_to(7)

    deliver()
    assert [said["type"] for _a, said, _h in listener.calls] == ["endpoint.verify"]

    listener.says = echo
    deliver(timedelta(seconds=10))
    assert listener.calls[-1][1]["type"] == "app.installed"


@pytest.fixture
def promise_to():
    def write(partner):
        endpoints.outbox.webhook(
            key="k", partner_id=partner, kind="app.installed", thread="t", data={},
            at=NOON,
        )  # fmt: skip

    return write


def test_another_address_is_used_once_it_has_answered(
    endpoint, promise_to, listener, deliver
):
    before = endpoint.address
    listener.fail(only=lambda said: said["type"] == "endpoint.verify")
    endpoints.move(endpoint, address=OTHER, **WHO)
    promise_to(7)

    deliver()
    assert {address for address, *_rest in listener.calls} == {before, OTHER}
    endpoint.refresh_from_db()
    assert endpoint.address == before

    listener.says = echo
    deliver(timedelta(seconds=10))
    endpoint.refresh_from_db()
    assert (endpoint.address, endpoint.asked_address) == (OTHER, "")


def test_the_challenge_of_another_address_counts_for_nothing(endpoint, listener):
    """The first address is asked; before it answers, a second one is asked for."""
    endpoints.move(endpoint, address=OTHER, **WHO)
    third = "https://hooks.partner.example/third"

    def says(address, said):
        if address == OTHER:
            endpoints.move(endpoint, address=third, **WHO)
        return echo(address, said)

    # Sent side by side, in a thread that does not see this test's transaction.
    claims = webhooks._claim(at=NOON, most=1)
    ((message, row),) = claims
    answer = says(OTHER, json.loads(message.body))
    assert webhooks._record(message, row, OTHER, {}, answer, at=NOON) is False

    endpoint.refresh_from_db()
    assert endpoint.asked_address == third
    assert endpoint.address == "https://hooks.partner.example/appconnect"


def test_one_partner_has_one_endpoint(registered):
    with refused_with("registered"):
        endpoints.register(7, address=OTHER, **WHO)


@pytest.mark.parametrize(
    "address", ["http://hooks.partner.example/", "https://10.0.0.1/", "", "x"]
)
def test_an_address_that_may_not_be_asked_is_refused(endpoint, address):
    with refused_with("address"):
        endpoints.register(8, address=address, **WHO)
    with refused_with("address"):
        endpoints.move(endpoint, address=address, **WHO)
    assert not Message.objects.exists()


def test_the_secret_is_shown_once_and_new_with_each_rotation(registered):
    first = registered.secret

    second = endpoints.rotate(registered, **WHO)

    registered.refresh_from_db()
    assert second != first
    assert registered.secrets(at=NOON) == [second, first]
    assert registered.secrets(at=NOON + timedelta(hours=24)) == [second]
    for record in Activity.objects.all():
        assert first not in str(record.data)
        assert second not in str(record.data)


def test_a_second_rotation_waits_until_the_first_has_run_out(registered):
    endpoints.rotate(registered, **WHO)

    with refused_with("rotating"):
        endpoints.rotate(registered, **WHO)
    later = WHO | {"at": NOON + timedelta(hours=24)}
    assert endpoints.rotate(registered, **later)


def test_it_is_switched_off_and_on_by_hand(endpoint):
    endpoints.disable(endpoint, because="We move.", **WHO)
    assert Endpoint.objects.get().state == "DISABLED"
    assert endpoints.expected(7)  # what is bought meanwhile waits
    with refused_with("disabled"):
        endpoints.disable(endpoint, because="", **WHO)

    endpoints.enable(endpoint, **WHO)
    assert Endpoint.objects.get().state == "WORKING"
    with refused_with("enabled"):
        endpoints.enable(endpoint, **WHO)


def test_a_test_event_is_told(endpoint, listener, deliver):
    message = endpoints.test(endpoint, **WHO)

    deliver()

    message.refresh_from_db()
    assert message.state == "DELIVERED"
    assert listener.calls[0][1]["type"] == "endpoint.test"


def test_a_test_event_needs_an_endpoint_that_takes_it(registered, endpoint_off):
    with refused_with("unverified"):
        endpoints.test(registered, **WHO)
    with refused_with("disabled"):
        endpoints.test(endpoint_off, **WHO)


@pytest.fixture
def endpoint_off():
    return Endpoint.objects.create(
        partner_id=9, address=ADDRESS, secret="whsec_YQ==", disabled_at=NOON
    )


def test_everything_done_to_it_is_on_record(endpoint, partner_user):
    who = WHO | {"by": partner_user}
    endpoints.disable(endpoint, because="We move.", **who)
    endpoints.enable(endpoint, **who)
    endpoints.rotate(endpoint, **who)
    endpoints.move(endpoint, address=OTHER, **who)
    endpoints.challenge(endpoint, **who)
    endpoints.test(endpoint, **who)

    verbs = Activity.objects.order_by("pk").values_list("verb", flat=True)
    assert [verb.partition(".")[2] for verb in verbs] == [
        "disabled", "enabled", "rotated", "moved", "challenged", "tested",
    ]  # fmt: skip
    assert set(Activity.objects.values_list("actor_id", flat=True)) == {partner_user.pk}
