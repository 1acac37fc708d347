"""Installations that stop: at their term end, or with the lines that paid for them.

Access ended by its date already; this closes the rows (3.14–3.16).
"""

from collections.abc import Iterable
from datetime import date

from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from billing.models import Line
from billing.renewals import Rolled
from journal import activities
from myapps import partner_events
from myapps.models import (
    AddOnActivation,
    Installation,
    JoinEvent,
    RoleActivation,
    Seat,
    SeatEvent,
)


def due(*, on: date):
    """Standing installations whose end has come, or which no running line pays for."""
    paid = Line.objects.running(on=on).filter(
        account=OuterRef("account"), plan=OuterRef("plan")
    )
    return Installation.objects.standing().filter(
        Q(ends_on__lte=on) | (Q(ends_on=None) & ~Exists(paid))
    )


def close_due(*, zone: str, on: date) -> int:
    """Close what ended in accounts of a time zone. Safe to repeat. Returns how many."""
    pks = list(
        due(on=on)
        .filter(account__timezone=zone)
        .order_by("pk")
        .values_list("pk", flat=True)
    )
    return sum(close(pk, on=on) for pk in pks)


@transaction.atomic
def close(pk: int, *, on: date) -> bool:
    """Close one installation if its end has come: its seats go, its bill does not."""
    installation = due(on=on).select_for_update(no_key=True, of=["self"]).filter(pk=pk)
    installation = installation.select_related("account", "app").first()
    if installation is None:
        return False
    day = installation.ends_on or on
    installation.closed_on = day
    installation.save(update_fields=["closed_on"])
    clear(installation, on=day, why="ended")
    partner_events.ended(installation, on=day)
    activities.record(
        "app.ended",
        account=installation.account,
        by=None,
        on=day,
        subject=installation,
        app=installation.app.slug,
        name=installation.app.name,
    )
    return True


def clear(installation: Installation, *, on: date, why: str) -> None:
    """Free every seat and stop every role activation of an installation."""
    freed = Seat.objects.filter(installation=installation).values_list(
        "user_id", "role_name", "team"
    )
    SeatEvent.objects.bulk_create(
        SeatEvent(
            account_id=installation.account_id,
            installation=installation,
            user_id=user,
            kind=SeatEvent.Kind.REMOVED,
            on=on,
            why=why,
            role_name=None if team is None else role_name,
            team=team,
            active=0,
        )
        for user, role_name, team in freed
    )
    Seat.objects.filter(installation=installation).delete()
    RoleActivation.objects.filter(installation=installation, ended_on=None).update(
        ended_on=on
    )
    JoinEvent.objects.filter(
        installation=installation, outcome__in=["", "QUEUED"]
    ).update(outcome=JoinEvent.Outcome.SUPERSEDED, reason=why, decided_on=on)


def close_ended(account, app, *, on: date) -> None:
    """Close the account's installation of an app if its end has come, before another."""
    for pk in due(on=on).filter(account=account, app=app).values_list("pk", flat=True):
        close(pk, on=on)


@transaction.atomic
def follow(rolled: Iterable[Rolled]) -> None:
    """Put installations on the plan that a change at renewal chose for them, and add-ons
    that are active on the line that carries theirs on.
    """
    for one in rolled:
        if one.plan is not None:
            _change_plan(one)
        elif one.continued_by is not None:
            AddOnActivation.objects.filter(
                line=one.line_id, deactivated_on=None
            ).update(line=one.continued_by)


def _change_plan(one: Rolled) -> None:
    line = Line.objects.get(pk=one.line_id)
    standing = (
        Installation.objects.standing()
        .filter(account=line.account_id, plan=line.plan_id)
        .exclude(plan=one.plan)
    )
    for installation in standing.select_for_update(no_key=True, of=["self"]):
        before = installation.plan
        installation.plan = one.plan
        installation.save(update_fields=["plan"])
        partner_events.plan_changed(installation, before, on=one.boundary)
