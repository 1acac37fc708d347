"""docs/webhooks.md: its code verifies what we send, its numbers are the code's."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from journal import calls, endpoints, signatures, webhooks

TEXT = (Path(__file__).parents[2] / "docs/webhooks.md").read_text()
CODE = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
SECRET = endpoints.new_secret()
BODY = '{"type":"app.installed","data":{"name":"Zoë"}}'


def run(block):
    names = {}
    exec(block, names)
    return names


@pytest.fixture
def headers():
    return signatures.headers(
        "msg_1", BODY, secrets=[SECRET, endpoints.new_secret()], at=datetime.now(UTC)
    )


def test_the_sample_with_the_library_reads_ours_and_nothing_else(headers):
    event = run(CODE[0])["event"]

    assert event(SECRET, BODY.encode(), headers)["type"] == "app.installed"
    assert event(SECRET, BODY.encode() + b" ", headers) is None
    assert event(endpoints.new_secret(), BODY.encode(), headers) is None
    assert event(SECRET, b"\xff", headers) is None


def test_the_sample_without_it_reads_ours_and_nothing_else(headers):
    is_genuine = run(CODE[1])["is_genuine"]
    old = signatures.headers(
        "msg_1", BODY, secrets=[SECRET], at=datetime.now(UTC) - timedelta(minutes=6)
    )

    assert is_genuine(SECRET, BODY.encode(), headers)
    assert not is_genuine(SECRET, BODY.encode() + b" ", headers)
    assert not is_genuine(SECRET, BODY.encode(), headers | {"webhook-id": "msg_2"})
    assert not is_genuine(SECRET, BODY.encode(), old)


def test_the_waits_are_those_of_the_schedule():
    (said,) = re.findall(r"again after (.*?), each", TEXT)
    units = {"s": "seconds", "min": "minutes", "h": "hours"}
    waits = [
        timedelta(**{units[unit]: int(number)})
        for number, unit in re.findall(r"(\d+) (s|min|h)\b", said)
    ]

    assert waits == webhooks.SCHEDULE


def test_the_bounds_are_those_of_the_code(settings):
    assert f"within {calls.ALL} seconds" in TEXT
    assert f"read {calls.MOST // 1024} KB" in TEXT
    assert f"first {calls.KEPT // 1024} KB, {settings.WEBHOOK_DAYS_KEPT} days" in TEXT
    assert webhooks.CHALLENGES == 5
    assert timedelta(days=5) == webhooks.FAILING_FOR
    assert timedelta(hours=24) == endpoints.BOTH_VALID_FOR
