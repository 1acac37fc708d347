"""Requests for apps: a user without authority asks, those with Install answer (ADR 38).

A seat answers a request by itself, through whatever door it comes: `granted` is called
where seats are written.
"""

from collections.abc import Iterable
from datetime import date, datetime

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts.models import User
from journal import activities
from marketplace.models import App
from myapps.models import AppRequest, Installation, Seat
from myapps.signals import app_answered, app_asked

State = AppRequest.State


@transaction.atomic
def ask(app: App, *, reason: str, by: User, on: date, at: datetime) -> AppRequest:
    """Ask for a seat in an app, with a reason. Those with Install are told.

    Refuses no reason (code no_reason), somebody who has a seat (has_seat) and a second
    open request for the same app (asked).
    """
    if not reason.strip():
        raise ValidationError(_("Say what you need it for."), code="no_reason")
    seats = Seat.objects.filter(user=by, installation__app=app)
    if seats.filter(installation__in=Installation.objects.standing()).exists():
        raise ValidationError(_("You have a seat in this app."), code="has_seat")
    try:
        with transaction.atomic():
            request = AppRequest.objects.create(
                account_id=by.account_id,
                app=app,
                user=by,
                reason=reason.strip(),
                asked_on=on,
                asked_at=at,
            )
    except IntegrityError:
        raise ValidationError(
            _("You have asked for this app already."), code="asked"
        ) from None
    _record("request.asked", app, by=by, on=on, subject=request)
    app_asked.send(AppRequest, request=request, on=on)
    return request


@transaction.atomic
def withdraw(request: AppRequest, *, by: User, on: date) -> AppRequest:
    """Take one's own request back. Refuses one that was answered (code decided)."""
    request = _locked([request])[0]
    if request.user_id != by.pk:
        raise PermissionDenied
    _close([request], State.WITHDRAWN, by=by, on=on)
    _record("request.withdrawn", request.app, by=by, on=on, subject=request)
    return request


@transaction.atomic
def refuse(
    requests: Iterable[AppRequest], *, word: str, by: User, on: date
) -> list[AppRequest]:
    """Refuse requests for one app with a word, which those who asked are told.

    Refuses no word (code no_word), nobody (nobody), requests for several apps
    (several_apps), and what was answered meanwhile (decided); then nothing is refused.
    """
    if not word.strip():
        raise ValidationError(_("Say why. Those who asked read it."), code="no_word")
    requests = _locked(requests)
    if len({one.app_id for one in requests}) > 1:
        raise ValidationError(_("Refuse one app at a time."), code="several_apps")
    _close(requests, State.REFUSED, by=by, on=on, word=word.strip())
    _record(
        "request.refused", requests[0].app, by=by, on=on, subject=requests[0],
        users=[one.user for one in requests],
    )  # fmt: skip
    app_answered.send(AppRequest, requests=requests, on=on)
    return requests


def granted(
    installation: Installation, users: Iterable[int], *, by: User, on: date
) -> list[AppRequest]:
    """Answer the requests of those who got a seat just now; they are told."""
    found = (
        AppRequest.objects.open()
        .filter(app=installation.app_id, account=installation.account_id)
        .select_for_update(no_key=True, of=["self"])
        .select_related("app", "user", "account")
        .order_by("pk")
    )
    users = set(users)
    requests = [one for one in found if one.user_id in users]
    if not requests:
        return []
    _close(requests, State.APPROVED, by=by, on=on)
    _record(
        "request.approved", requests[0].app, by=by, on=on, subject=installation,
        users=[one.user for one in requests],
    )  # fmt: skip
    app_answered.send(AppRequest, requests=requests, on=on)
    return requests


MOST_SHOWN = 12


def shown_to(user: User) -> list[AppRequest]:
    """One's own requests that wait or were refused, the newest of each app."""
    newest = user.app_requests.order_by("app", "-id").distinct("app").values("pk")
    return list(
        AppRequest.objects.filter(pk__in=newest, state__in=[State.OPEN, State.REFUSED])
        .select_related("app")
        .order_by("-id")[:MOST_SHOWN]
    )


def _locked(requests: Iterable[AppRequest]) -> list[AppRequest]:
    pks = [one.pk for one in requests]
    if not pks:
        raise ValidationError(_("Tick whom to answer first."), code="nobody")
    found = (
        AppRequest.objects.filter(pk__in=pks)
        .select_for_update(no_key=True, of=["self"])
        .select_related("app", "user", "account")
        .order_by("pk")
    )
    found = list(found)
    if any(one.state != State.OPEN for one in found):
        raise ValidationError(
            _("Some of this was answered meanwhile. Look at it again."), code="decided"
        )
    return found


def _close(requests, state, *, by: User, on: date, word: str = "") -> None:
    AppRequest.objects.filter(pk__in=[one.pk for one in requests]).update(
        state=state, decided_by=by, decided_on=on, word=word
    )
    for one in requests:
        one.state, one.decided_by, one.decided_on, one.word = state, by, on, word


def _record(verb, app: App, *, by, on, subject, **data) -> None:
    activities.record(
        verb,
        account=subject.account,
        by=by,
        on=on,
        subject=subject,
        app=app.slug,
        name=app.name,
        **data,
    )
