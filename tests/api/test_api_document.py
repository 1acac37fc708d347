"""docs/api.md does what it says: its commands, in its order, against a real console."""

import os
import re
import signal
import socket
import subprocess
import threading
from pathlib import Path

import pytest

from ops import console as consoles
from ops import variables

PAGE = Path(__file__).parents[2] / "docs" / "api.md"
ADMINISTRATOR = "user001@harbour-lines.example"
PREPARE = """
from datetime import date
from decimal import Decimal
from accounts import api_keys, clock
from accounts.models import User
from marketplace.models import App, ListPrice, Partner, Plan

def key(user, audience):
    return api_keys.create(
        audience=audience, name="First hour", scopes=api_keys.SCOPES[audience],
        by=user, at=clock.now(), on=clock.today("UTC"),
    )[1]

partner = Partner.objects.create(slug="first-hour", name="First Hour")
person = User.objects.create_user(
    "dev@first-hour.example", kind="PARTNER", display_name="Dev"
)
partner.members.add(person)
app = App.objects.create(
    partner=partner, slug="first-app", name="First App", category="Analytics",
    currency="USD", listed_on=date(2026, 1, 1),
)
plan = Plan.objects.create(app=app, code="team", name="Team", charge_model="PER_SEAT")
for currency in ("USD", "EUR", "GBP"):
    ListPrice.objects.create(
        plan=plan, currency=currency, monthly_price=Decimal(9),
        effective_from=date(2020, 1, 1),
    )
print("KEYS", key(person, "PARTNER"), key(User.objects.get(email=%r), "ACCOUNT"))
"""

pytestmark = pytest.mark.slow


def blocks() -> list[tuple[str, str]]:
    """Each block of the page that is run or kept: what it is, and its text."""
    kinds = r"sh(?: settings)?|python \S+"
    return re.findall(rf"^```({kinds})\n(.*?)^```$", PAGE.read_text(), re.M | re.S)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


@pytest.fixture
def port():
    return free_port()


@pytest.fixture
def console(port, worker_id, monkeypatch):
    """The demo, where this page's receiver may be reached on this machine."""
    monkeypatch.setenv("WEBHOOK_LOOPBACK_ALLOWED", f"127.0.0.1:{port}")
    with consoles.running(f"appconnect_api_page_{worker_id}") as running:
        yield running


@pytest.fixture
def deliveries(console):
    """What the worker does all the time: send what is due, until the test is over."""
    over = threading.Event()

    def deliver():
        while not over.is_set():
            console.manage("deliver_outbox")

    worker = threading.Thread(target=deliver)
    worker.start()
    yield
    over.set()
    worker.join()


def test_the_first_hour_ends_with_an_active_installation(
    console, deliveries, port, tmp_path
):
    said = console.manage("shell", "-c", PREPARE % ADMINISTRATOR)
    partner_key, account_key = re.search(r"KEYS (\S+) (\S+)", said).groups()
    given = {
        "API": f"{console.url}/api/v1",
        "KEY": partner_key,
        "RECEIVER": f"http://127.0.0.1:{port}/hooks",
        "PORT": str(port),
        "ACCOUNT_KEY": account_key,
        "APP": "first-app",
        "PLAN": "team",
    }
    named = dict(blocks())["sh settings"]
    assert set(re.findall(r"\b([A-Z_]+)=", named)) == set(given)
    for kind, text in blocks():
        if kind.startswith("python "):
            (tmp_path / kind.removeprefix("python ")).write_text(text)
    script = "\n".join(text for kind, text in blocks() if kind == "sh")

    try:
        done = run(script, given, tmp_path)
    finally:
        stop(tmp_path / "receiver.pid")

    assert done.returncode == 0, done.stderr + done.stdout
    lines = done.stdout.split("\n")[:-1]
    assert lines[0] == "PUBLISHED"
    assert lines[1].startswith("msg_")
    assert lines[2:5] == ["INSTALLING", "installing", "user009@harbour-lines.example"]
    assert lines[5:9] == ["active", "active", "409", "answered"]
    assert lines[9:11] == ["1", "EXTRA"] or lines[9:11] == ["1", "MISSING"]
    assert lines[12:] == ["0"]
    state = console.manage(
        "shell", "-c",
        "from myapps.models import Installation as I;"
        "print('STATE', I.objects.get(app__slug='first-app').state)",
    )  # fmt: skip
    assert "STATE ACTIVE" in state


def run(script: str, given: dict, folder: Path) -> subprocess.CompletedProcess:
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        env=variables.environment() | given,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=240,
    )


def stop(pid: Path) -> None:
    """End the page's receiver, where the page did not come to it."""
    if pid.exists():
        try:
            os.kill(int(pid.read_text()), signal.SIGTERM)
        except ProcessLookupError:
            return
