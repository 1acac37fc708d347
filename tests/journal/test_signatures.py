"""Our signatures by the official library's eyes, and theirs by ours."""

import json
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from journal import endpoints, signatures

SECRET, OTHER = endpoints.new_secret(), endpoints.new_secret()
BODY = '{"type":"app.installed","data":{"name":"Zoë 東京 – ×"}}'


@pytest.fixture
def now():
    return datetime.now(UTC)


def test_what_we_sign_the_official_library_verifies(now):
    headers = signatures.headers("msg_1", BODY, secrets=[SECRET], at=now)

    assert Webhook(SECRET).verify(BODY, headers) == json.loads(BODY)


def test_what_the_official_library_signs_we_read(now):
    headers = {
        "Webhook-Id": "msg_1",
        "Webhook-Timestamp": str(int(now.timestamp())),
        "Webhook-Signature": Webhook(SECRET).sign("msg_1", now, BODY),
    }

    said = signatures.read(BODY.encode(), sent=headers, secrets=[SECRET])

    assert said == json.loads(BODY)


def test_it_is_the_example_of_the_specification():
    """The vector that the specification's own libraries are tested with."""
    headers = signatures.headers(
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        '{"test": 2432232314}',
        secrets=["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
        at=datetime.fromtimestamp(1614265330, UTC),
    )

    assert headers["webhook-signature"] == (
        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    )


def test_a_moment_of_another_zone_is_the_same_moment(now):
    there = now.astimezone(ZoneInfo("Asia/Tokyo"))

    headers = signatures.headers("msg_1", BODY, secrets=[SECRET], at=there)

    assert Webhook(SECRET).verify(BODY, headers)


def test_during_a_rotation_either_secret_verifies(now):
    headers = signatures.headers("msg_1", BODY, secrets=[SECRET, OTHER], at=now)

    for secret in (SECRET, OTHER):
        assert Webhook(secret).verify(BODY, headers)
        assert signatures.read(BODY.encode(), sent=headers, secrets=[secret])
    with pytest.raises(WebhookVerificationError):
        Webhook(endpoints.new_secret()).verify(BODY, headers)


@pytest.mark.parametrize("minutes", [-6, 6])
def test_what_was_signed_long_ago_or_ahead_is_refused(now, minutes):
    at = now + timedelta(minutes=minutes)
    headers = signatures.headers("msg_1", BODY, secrets=[SECRET], at=at)

    with pytest.raises(signatures.Forged):
        signatures.read(BODY.encode(), sent=headers, secrets=[SECRET])


@pytest.mark.parametrize(
    "changed",
    [
        {"webhook-signature": ""},
        {"webhook-signature": "v1"},
        {"webhook-signature": "v1,"},
        {"webhook-signature": "v1,a,b"},
        {"webhook-signature": "v1,not base64"},
        {"webhook-signature": "v1,ü"},
        {"webhook-signature": "v2,AAAA"},
        {"webhook-timestamp": ""},
        {"webhook-timestamp": "nan"},
        {"webhook-timestamp": "9" * 40},
        {"webhook-id": ""},
        {"webhook-id": "msg_2"},
    ],
    ids=str,
)
def test_every_error_of_the_library_is_one_refusal(now, changed):
    headers = signatures.headers("msg_1", BODY, secrets=[SECRET], at=now)

    with pytest.raises(signatures.Forged):
        signatures.read(BODY.encode(), sent=headers | changed, secrets=[SECRET])


@pytest.mark.parametrize("spelling", ["{}.0", "{}.5", " {}", "+{}", "{}e0", "0{}x"])
def test_a_moment_has_one_spelling(now, spelling):
    headers = signatures.headers("msg_1", BODY, secrets=[SECRET], at=now)
    seconds = headers["webhook-timestamp"]
    headers["webhook-timestamp"] = spelling.format(seconds)

    with pytest.raises(signatures.Forged):
        signatures.read(BODY.encode(), sent=headers, secrets=[SECRET])


@pytest.mark.parametrize("body", [b"\xff\xfe", b"[1]", b"nothing", b""])
def test_a_body_that_is_no_object_is_refused_even_when_signed(now, body):
    text = body.decode(errors="replace")
    headers = signatures.headers("msg_1", text, secrets=[SECRET], at=now)

    with pytest.raises(signatures.Forged):
        signatures.read(body, sent=headers, secrets=[SECRET])


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_a", "whsec_é"])
def test_a_secret_that_cannot_sign_says_so(now, secret):
    with pytest.raises(signatures.BadSecret):
        signatures.headers("msg_1", BODY, secrets=[secret], at=now)
