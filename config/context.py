"""What every page may say of the vendor and of the demo."""

import json
import time

from django.conf import settings
from django.utils.functional import SimpleLazyObject

from accounts import clock, second_factors
from journal.models import Notice
from support import keys


def vendor(request):
    """The vendor's name and the addresses that stay one click away (T18)."""
    return {
        "VENDOR_NAME": settings.VENDOR_NAME,
        "TERMS_ADDRESS": settings.TERMS_ADDRESS,
        "SUPPORT_ADDRESS": settings.SUPPORT_ADDRESS,
    }


def desk(request):
    """The keys of the desk, for the staff who live there."""
    user = getattr(request, "user", None)
    if getattr(user, "kind", "") not in {"SUPPORT", "SALES"}:
        return {}
    return {
        "keys": {
            "places": keys.PLACES,
            "off": request.COOKIES.get(keys.COOKIE) == "off",
        }
    }


def notices(request):
    """How many notices the signed-in person has not read, as far as a hundred."""
    user = getattr(request, "user", None)
    if not getattr(user, "account_id", None):
        return {}
    return {"unread_notices": SimpleLazyObject(lambda: _unread(user))}


def _unread(user):
    return Notice.objects.of(user, at=clock.now()).unread()[:100].count()


def demo(request):
    """The day a demo stands at, and who may sign in to it; nothing of both elsewhere."""
    return {
        "pinned_today": clock.pinned(),
        "demo_sign_ins": SimpleLazyObject(_sign_ins),
        "demo_code": SimpleLazyObject(_code),
    }


def _code():
    """What the authenticator app of the demo's staff shows now."""
    keys = {person.get("key") for person in _sign_ins()} - {None, ""}
    return second_factors.code(keys.pop(), at=time.time()) if keys else ""


def _sign_ins():
    """What load_demo wrote down: name, what (who that is), username, password."""
    if settings.DEMO and settings.DEMO_SIGN_INS.is_file():
        return json.loads(settings.DEMO_SIGN_INS.read_text("utf-8"))
    return []
