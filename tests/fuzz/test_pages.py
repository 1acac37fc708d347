"""Every page of the console with whatever somebody writes into its address and its form:
a page may refuse, but never break.

FUZZ_CASES says how many times all pages are tried, a hundred for one; FUZZ_SEED which.
Names are those that the code reads and the forms show, so that a new one is tried too.
"""

import logging
import os
import random
import re
import traceback
from pathlib import Path
from urllib.parse import quote

import pytest
from django.conf import settings as django_settings
from django.core.signals import got_request_exception
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse

from myapps.launch_pages import LaunchThrottle
from tests.test_permission_matrix import ADMIN, EVERYBODY, PLACES, SUPPORT, World

ROUNDS = max(1, int(os.environ.get("FUZZ_CASES", "100")) // 100)
SEED = int(os.environ.get("FUZZ_SEED", "3"))
ROOMS = ("accounts", "marketplace", "myapps", "config", "support")
READ = re.compile(r"request\.(?:GET|POST)(?:\.get(?:list)?\(|\[)\s*\"(\w+)\"")
FIELDS = re.compile(r"<(?:input|select|textarea|button)\b[^>]*?\bname=\"([\w-]+)\"")
VALUES = [
    *("", " ", "0", "1", "2", "-1", "1.5", "01", "true", "on", "None", "all"),
    *("²", "٣", "1_000", "NaN", "-Infinity", "1e999", "9" * 19, "9" * 5000),
    *("2026-11", "2026-11-23", "0001-01-01", "9999-12-31", "9999-12", "2026-02-30"),
    *("0000-00", "٢٠٢٦-١١", "2026-W47-1", "20261123", "csv", "xlsx", "pdf", "name"),
    *("-name", "pk__gt", "password", "a\x00b", "\u202eevil", "=1+1", "'\"<b>"),
    *("%", "%s%n", "_", "\\", "../../etc/passwd", "https://evil.example", "//evil"),
    *("\r\nSet-Cookie: a=1", "x" * 10_000, "{}", "[]", "[[]]", "{{ 1 }}", "alice@"),
    *("meetings", "boards", "pro", "business", "seat", "charge", "money", "digest"),
]

pytestmark = [pytest.mark.slow, pytest.mark.django_db]


@pytest.fixture
def world(present, monkeypatch):
    """One of everything; nobody waits between launches."""
    monkeypatch.setattr(LaunchThrottle, "THROTTLE_RATES", {"launch": "100000/min"})
    logging.disable(logging.CRITICAL)
    yield World()
    logging.disable(logging.NOTSET)


def names() -> list[str]:
    """What any page reads from an address or a form by name."""
    found = set()
    for room in ROOMS:
        for file in sorted((Path(django_settings.BASE_DIR) / room).rglob("*.py")):
            found.update(READ.findall(file.read_text()))
    return sorted(found)


@pytest.mark.parametrize("who", [ADMIN, SUPPORT])
def test_no_page_breaks(world, client_of, who):
    dice, browser = random.Random(SEED), client_of(world.people[who])
    browser.raise_request_exception = False
    known, failures, tried = names(), {}, 0

    for place, (thing, may, _stranger) in PLACES.items():
        if who not in may or (who != ADMIN and may >= EVERYBODY):
            continue
        address = reverse(place, kwargs=world.arguments[thing])
        shown = fields_of(browser, address)
        for _each in range(ROUNDS):
            asked = guess(dice, known, shown)
            for method in ("get", "post"):
                tried += 1
                said = broken(browser, method, address, asked)
                if said:
                    failures.setdefault(said, f"{method} {place}: {asked}")

    assert "q" in known
    assert tried > 100
    assert not failures, "\n\n".join(
        f"{asked[:800]}\n{said}" for said, asked in failures.items()
    )


DOORS = {
    "login": ("login", "password", "company", "next"),
    "mfa_login_webauthn": ("credential", "next"),
    "mfa_authenticate": ("code",),
    "password_reset": ("email",),
    "accounts:language": ("language", "next"),
    "account_reauthenticate": ("password", "next"),
    "mfa_activate_totp": ("code",),
    "mfa_add_webauthn": ("name", "credential"),
    "password_change": ("oldpassword", "password1", "password2"),
}
IN_ADDRESSES = [
    *(
        "/login/?next={}",
        "/login/company/{0}/",
        "/login/company/{0}/callback/?state={0}",
    ),
    *("/reset/{0}/{0}/", "/calendar/{}.ics", "/install/{}/", "/security/?next={}"),
    *("/statements/{}/", "/activity/?before={}", "/people/picker/?role={}"),
]


def test_no_door_breaks(present, client, client_of, admin):
    inside = client_of(admin)
    broken_at = []
    some = random.Random(SEED).sample(VALUES, 5)
    tried = VALUES if ROUNDS > 1 else ["a\x00b", "²", "9" * 5000, *some]

    for browser in (client, inside):
        browser.raise_request_exception = False
        for value in tried:
            for place, fields in DOORS.items():
                form = dict.fromkeys(fields, value)
                if broken(browser, "post", reverse(place), form):
                    broken_at.append((place, value[:40]))
            for pattern in IN_ADDRESSES:
                address = pattern.format(quote(value[:6000], safe=""))
                if broken(browser, "get", address, None):
                    broken_at.append((pattern, value[:40]))

    assert broken_at == []


def test_no_language_breaks_a_page(present, client):
    said = "de;q=0.1," * 1200 + "x-" * 500 + ",\x7f;q=NaN"
    client.cookies["django_language"] = "../" * 900

    answer = client.get(reverse("login"), headers={"accept-language": said})

    assert answer.status_code == 200


def guess(dice: random.Random, known: list[str], shown: list[str]) -> dict:
    """Most of what the page's forms show, and some of what any page reads."""
    asked = [name for name in shown if dice.random() < 0.8]
    asked += dice.sample(known, 12)
    return {name: dice.choices(VALUES, k=dice.choice((1, 1, 1, 2))) for name in asked}


def fields_of(browser: Client, address: str) -> list[str]:
    with transaction.atomic():
        answer = browser.get(address)
        text = "" if answer.streaming else answer.content.decode(errors="ignore")
        transaction.set_rollback(True)
    return sorted(set(FIELDS.findall(text)) - {"csrfmiddlewaretoken"})


def broken(browser: Client, method: str, address: str, asked: dict) -> str:
    """Why an answer is none, or nothing; what it wrote is taken back."""
    raised = []

    def note(sender, **signal):
        raised.append(traceback.format_exc(limit=-4))

    got_request_exception.connect(note)
    try:
        with transaction.atomic():
            answer = getattr(browser, method)(address, asked)
            if answer.streaming:
                b"".join(answer.streaming_content)
            connection.check_constraints()
            transaction.set_rollback(True)
    except Exception:  # what a stream, or the database at the end, does not take
        return traceback.format_exc(limit=-4)
    finally:
        got_request_exception.disconnect(note)
    if answer.status_code >= 500:
        return f"{answer.status_code} {''.join(raised)}"
    return ""
