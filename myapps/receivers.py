"""News from accounts, heard inside the transaction that made it."""

from django.dispatch import receiver

from accounts.signals import joined_role, left_role, user_deactivated
from myapps import departures, joins


@receiver(joined_role, dispatch_uid="myapps_joined_role")
def _joined(sender, *, role, users, on, **news):
    """Seat at once what fits in a request; larger imports are settled by the task."""
    for installation in joins.record(role, users, on=on):
        if len(users) <= joins.AT_ONCE:
            joins.settle_all(installation)


@receiver(left_role, dispatch_uid="myapps_left_role")
def _left(sender, *, account, role, users, deleted, by, on, **news):
    departures.left_role(account, role, users, deleted=deleted, by=by, on=on)


@receiver(user_deactivated, dispatch_uid="myapps_user_deactivated")
def _deactivated(sender, *, account, users, by, on, **news):
    departures.deactivated(account, users, by=by, on=on)
