"""The present: the one place that knows what time it is.

Rules never call this. Views, tasks and commands do, and pass the day in.
"""

import zoneinfo
from contextvars import ContextVar
from datetime import date, datetime

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.signals import request_finished, request_started
from django.utils import timezone

from accounts.models import PinnedClock

# The moment this request goes by: None outside of a request, where nothing is kept.
_asked: ContextVar[dict | None] = ContextVar("clock_asked", default=None)


def now() -> datetime:
    """This moment, aware. Where the clock is settable, the moment it was set to."""
    return pinned() or timezone.now()


def pinned() -> datetime | None:
    """The moment that the clock was set to; None where it runs by itself."""
    if not settings.CLOCK_SETTABLE:
        return None
    asked = _asked.get()
    if asked is None:
        return _pinned()
    if "pinned" not in asked:
        asked["pinned"] = _pinned()
    return asked["pinned"]


def today(timezone: str) -> date:
    """The local calendar day in a time zone, as Europe/Lisbon."""
    return now().astimezone(zoneinfo.ZoneInfo(timezone)).date()


def set_to(moment: datetime | None) -> None:
    """Set the clock for web, worker and beat; None lets it run again.

    Refused where the setting CLOCK_SETTABLE is off, as in production (clock_fixed).
    """
    if not settings.CLOCK_SETTABLE:
        raise ValidationError(
            "The clock cannot be set here: CLOCK_SETTABLE is off.", code="clock_fixed"
        )
    if moment is None:
        PinnedClock.objects.all().delete()
    else:
        PinnedClock.objects.update_or_create(pk=1, defaults={"now": moment})
    forget()


def forget(**signal) -> None:
    """Ask the table again: another request begins."""
    if _asked.get() is not None or signal.get("signal") is request_started:
        _asked.set({})


def _leave(**signal):
    _asked.set(None)


def _pinned():
    return PinnedClock.objects.values_list("now", flat=True).first()


request_started.connect(forget, dispatch_uid="clock_forget")
request_finished.connect(_leave, dispatch_uid="clock_leave")
