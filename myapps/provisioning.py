"""The handshake with a partner: installing → active, or failed and paid back (3.20)."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from accounts.models import User
from billing import contracts, reversals
from journal import activities
from marketplace.models import Plan
from myapps import endings, partner_events, signals
from myapps.models import Installation, SeatEvent

log = logging.getLogger(__name__)
State = Installation.State


@transaction.atomic
def confirm(
    installation: Installation, *, by: User | None, on: date, answer: str = ""
) -> Installation:
    """The partner has set the app up (3.20). Refuses a late answer (code answered)."""
    installation = _waiting(installation, on=on)
    installation.state = State.ACTIVE
    _answer(installation, answer)
    _record("app.confirmed", installation, by=by, on=on, answer=answer)
    return installation


@transaction.atomic
def refuse(
    installation: Installation, *, by: User | None, on: date, reason: str
) -> Installation:
    """The partner cannot set the app up: all of it is paid back (3.20).

    Refuses a late answer (code answered) and one without a reason (no_reason).
    """
    if not reason.strip():
        raise ValidationError(
            _("Say why: the administrator reads it."), code="no_reason"
        )
    installation = _waiting(installation, on=on)
    _fail(installation, answer=reason, by=by, on=on)
    return installation


@dataclass(frozen=True)
class Wish:
    """For whom an installation was asked: people, and roles (True: with Auto Install)."""

    plan: Plan
    users: list[int]
    roles: dict[int, bool]


def wished(installation: Installation) -> Wish:
    """Whom a failed installation was for, so that trying again asks nobody twice (3.20).

    People whom a role brought come with the role.
    """
    activated = installation.activations.filter(ended_on=installation.closed_on)
    roles = dict(
        activated.filter(role__isnull=False).values_list("role", "auto_install")
    )
    freed = SeatEvent.objects.filter(
        installation=installation, kind=SeatEvent.Kind.REMOVED, why="failed"
    )
    users = User.objects.active().filter(
        account=installation.account_id, pk__in=freed.values("user_id")
    )
    alone = users.exclude(groups__role__in=roles).order_by("pk")
    return Wish(installation.plan, list(alone.values_list("pk", flat=True)), roles)


def unanswered(*, by: date, zone: str) -> list[int]:
    """Installations whose seven days are over without an answer."""
    return list(
        Installation.objects.standing()
        .filter(state=State.INSTALLING, confirm_by__lte=by, account__timezone=zone)
        .order_by("pk")
        .values_list("pk", flat=True)
    )


@transaction.atomic
def expire(pk: int, *, on: date) -> bool:
    """Silence for seven local days is a failure (3.20). Safe to repeat."""
    row = Installation.objects.select_related("account").get(pk=pk)
    contracts.locked(row.account, on=on)
    installation = Installation.objects.locked(pk)
    if (
        installation.state != State.INSTALLING
        or installation.closed_on
        or installation.confirm_by > on
    ):
        return False
    _fail(installation, answer="", by=None, on=installation.confirm_by)
    partner_events.ended(installation, on=on)
    return True


def expire_all(*, on: Callable[[str], date]) -> int:
    """Fail what no partner answered in time, each by its account's local day.

    `on` tells the local day of a time zone. An installation that cannot be paid back is
    logged and left to the next tick. Returns how many failed.
    """
    installing = Installation.objects.standing().filter(state=State.INSTALLING)
    zones = installing.order_by().values_list("account__timezone", flat=True).distinct()
    failed = 0
    for zone in list(zones):
        today = on(zone)
        for pk in unanswered(by=today, zone=zone):
            try:
                failed += expire(pk, on=today)
            except Exception:
                log.exception("Installation %s is not paid back", pk)
    return failed


def _waiting(installation: Installation, *, on: date) -> Installation:
    contracts.locked(installation.account, on=on)
    row = Installation.objects.locked(installation.pk)
    if row.state != State.INSTALLING or row.closed_on or row.confirm_by <= on:
        raise ValidationError(
            _("This installation has been answered, or its seven days are over."),
            code="answered",
        )
    return row


def _fail(installation: Installation, *, answer: str, by, on: date) -> None:
    installation.state = State.FAILED
    installation.closed_on = on
    _answer(installation, answer)
    endings.clear(installation, on=on, why="failed")
    reversals.undo(
        installation.account,
        installation.app,
        first_order=installation.order,
        by=by,
        on=on,
    )
    _record("app.failed", installation, by=by, on=on, answer=answer)
    signals.not_set_up.send(Installation, installation=installation)


def _answer(installation: Installation, answer: str) -> None:
    installation.answer = answer
    installation.answered_at = Now()
    installation.save(update_fields=["state", "closed_on", "answer", "answered_at"])
    installation.refresh_from_db(fields=["answered_at"])


def _record(verb, installation, *, by, on, **data) -> None:
    activities.record(
        verb,
        account=installation.account,
        by=by,
        on=on,
        subject=installation,
        app=installation.app.slug,
        name=installation.app.name,
        **data,
    )
