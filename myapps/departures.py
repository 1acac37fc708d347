"""People who leave a role or the account: which seats go, which stay; no bill changes
(3.22)."""

from collections.abc import Iterable
from datetime import date

from django.db import transaction

from accounts.models import Account, Role, User
from billing import contracts
from myapps import coverage, partner_events, role_activations, seats
from myapps.models import Installation, JoinEvent, RoleActivation, Seat


@transaction.atomic
def left_role(
    account: Account, role: Role, users: Iterable[User], *, deleted: bool, by, on: date
) -> None:
    """Seats stay, marked "no longer in the role"; joins that wait are superseded.

    A user with another activated role keeps an unmarked seat. A deleted role's
    activations stop.
    """
    users = [user.pk for user in users]
    JoinEvent.objects.filter(
        activation__role=role, user__in=users, outcome__in=["", "QUEUED"]
    ).update(outcome=JoinEvent.Outcome.SUPERSEDED, reason="left_role", decided_on=on)
    given = Seat.objects.filter(account=account, role=role, user__in=users)
    for installation in set(given.values_list("installation_id", flat=True)):
        _mark(given.filter(installation=installation), installation, role, on=on)
    if deleted:
        for activation in RoleActivation.objects.standing().filter(role=role):
            role_activations.stop(activation, by=by, on=on)


def _mark(given, installation: int, role: Role, *, on: date) -> None:
    others = (
        RoleActivation.objects.standing()
        .filter(installation=installation, role__isnull=False)
        .exclude(role=role)
        .values("role")
    )
    still = User.objects.filter(groups__role__in=others).values("pk")
    given.exclude(user__in=still).update(left_role_on=on)


@transaction.atomic
def deactivated(
    account: Account, users: Iterable[User], *, by: User | None, on: date
) -> None:
    """Seats of deactivated users are freed; the bill does not change (3.22).

    A term end that came before is carried out with the seats of its day.
    """
    users = list(users)
    held = Seat.objects.filter(account=account, user__in=users)
    seated = list(held.order_by().values_list("installation_id", flat=True).distinct())
    if seated:
        contracts.locked(account, on=on)
    installations = Installation.objects.filter(pk__in=seated).select_related("app")
    locked = installations.order_by("pk").select_for_update(no_key=True, of=["self"])
    for installation in locked:
        coverage.bring_forward(account, installation.app, on=on)
        gone = seats.free(installation, users, by=by, on=on, why="deactivated")
        partner_events.seats_removed(installation, gone, on=on)
    JoinEvent.objects.filter(
        account=account, user__in=users, outcome__in=["", "QUEUED"]
    ).update(outcome=JoinEvent.Outcome.REFUSED, reason="inactive", decided_on=on)
