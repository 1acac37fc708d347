"""What the run without partners asks of its database: clicks, minutes, the verdict."""

import json
import os
import random
import sys
from datetime import timedelta

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.conf import settings  # noqa: E402
from django.db.models import F  # noqa: E402
from django.test import Client  # noqa: E402
from django.urls import reverse  # noqa: E402
from django.utils import timezone  # noqa: E402

from accounts import api_keys, clock  # noqa: E402
from accounts.models import ApiKey, User  # noqa: E402
from config.celery import app  # noqa: E402
from demo import cast  # noqa: E402
from journal.models import Endpoint, Message  # noqa: E402
from myapps.models import Installation  # noqa: E402

# Apps of the partners that have an endpoint, and who has them in the demo.
APPS = ["figma", "postman", "canva"]
CLICKS = 3  # on each of them in a minute


def use() -> str:
    """A minute of use by real requests. Returns how many of them failed."""
    settings.ALLOWED_HOSTS = ["testserver"]
    bad = 0
    for installation in Installation.objects.standing().filter(app__slug__in=APPS):
        bad += sum(status >= 400 for status in _use(installation))
    return str(bad)


def _use(installation: Installation):
    """Whoever may, gives a seat, takes one, uninstalls and keeps the app after all."""
    admin = cast.administrator(installation.account)
    pages = Client()
    pages.force_login(admin)
    slug = installation.app.slug
    for _ in range(CLICKS):
        yield pages.get(reverse("myapps:users", args=[slug])).status_code
        yield from _seats(installation, admin)
    asked = {"reason": "We try without.", "ticket": "term_end"}
    yield pages.post(reverse("myapps:uninstall", args=[slug]), asked).status_code
    yield pages.post(reverse("myapps:keep", args=[slug])).status_code


def _seats(installation, admin):
    """Somebody's seat, taken and given again, by the account's software."""
    call = _software(admin)
    path = f"/api/v1/installations/{installation.pk}/seats/"
    holder = User.objects.filter(seats__installation=installation).order_by("?").first()
    yield call(f"{path}remove/", {"users": [holder.pk]}).status_code
    effect = call(f"{path}effect/", {"users": [holder.pk]})
    yield effect.status_code
    if effect.status_code == 200:
        again = {
            "users": [holder.pk],
            "effect_digest": effect.json()["effect"]["digest"],
        }
        yield call(path, again).status_code


def _software(admin):
    """What posts JSON with a key of an administrator, a new one for each call's rate."""
    at = timezone.now()
    name = f"Faults {random.getrandbits(64):x}"
    _key, secret = api_keys.create(
        audience=ApiKey.Audience.ACCOUNT, name=name, scopes=["apps:read", "apps:write"],
        by=admin, at=at, on=clock.today("UTC"),
    )  # fmt: skip
    client = Client(headers={"Authorization": f"Bearer {secret}"})

    def call(path, body):
        key = f"{random.getrandbits(128):x}"
        return client.post(
            path, body, "application/json", headers={"Idempotency-Key": key}
        )

    return call


def let_pass(minutes: str) -> str:
    """Move what waits so many minutes back: the same as waiting for it."""
    past = timedelta(minutes=int(minutes))
    waiting = Message.objects.webhooks().waiting()
    waiting.update(due_at=F("due_at") - past, claimed_until=F("claimed_until") - past)
    failing = Endpoint.objects.exclude(failing_since=None)
    failing.update(failing_since=F("failing_since") - past)
    return minutes


def waiting() -> str:
    return str(Message.objects.webhooks().waiting().count())


def tick() -> str:
    app.send_task("journal.tasks.deliver_webhooks", expires=60)
    return "sent"


def verdict() -> str:
    """Whether the partners know what happened, from what they have taken on stdin."""
    taken = [one for each in json.load(sys.stdin).values() for one in each]
    promised = Message.objects.webhooks().exclude(event="endpoint.verify")
    began = Message.objects.filter(event="endpoint.verify").latest("pk").pk
    promised = promised.filter(pk__gt=began)
    heard = {one["id"] for one in taken}
    silent = promised.exclude(delivered_at=None).exclude(public_id__in=heard).count()
    wrong = {
        "events given up": promised.exclude(failed_at=None).count(),
        "events that did not arrive": silent,
        "events replaced by none": _replaced_by_none(promised),
        "installations told out of order": _out_of_order(taken),
        "installations whose partner does not know the last": _behind(taken),
        "installations nothing happened to": len(APPS) - len(_versions(taken)),
    }
    found = [f"{count} {name}" for name, count in wrong.items() if count]
    return "; ".join(found) or f"good: {promised.count()} events, each told, in order"


def _replaced_by_none(promised) -> int:
    """Only a newer one of the same kind and thread, which arrived, may replace one."""
    replaced = promised.exclude(replaced_at=None)
    arrived = promised.exclude(delivered_at=None)
    return sum(
        not arrived.filter(
            thread=one.thread, event=one.event, pk__gt=one.pk, collapses=True
        ).exists()
        for one in replaced
    )


def _versions(taken) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for one in taken:
        if installation := one["data"].get("installation"):
            found.setdefault(installation["id"], []).append(installation["version"])
    return found


def _out_of_order(taken) -> int:
    return sum(each != sorted(each) for each in _versions(taken).values())


def _behind(taken) -> int:
    last = {pk: versions[-1] for pk, versions in _versions(taken).items()}
    known = Installation.objects.in_bulk(last)
    return sum(known[pk].version != version for pk, version in last.items())


if __name__ == "__main__":
    _, question, *arguments = sys.argv
    print(globals()[question](*arguments))
