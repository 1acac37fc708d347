"""News from accounts and billing, heard inside the transaction that made it."""

from django.dispatch import receiver

from accounts.signals import joined_role, left_role, user_deactivated
from billing.models import RenewalChange
from billing.renewals import Rolled
from billing.signals import decrease_settled
from myapps import departures, endings, joins


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


@receiver(decrease_settled, dispatch_uid="myapps_decrease_settled")
def _settled(sender, *, change, **news):
    """Another plan from a renewal on, also where it was approved after it (3.14)."""
    applied = change.state == RenewalChange.State.APPLIED
    if applied and change.kind == RenewalChange.Kind.PLAN:
        boundary, plan = change.term_ends_on, change.target_plan
        endings.follow([Rolled(change.line_id, boundary, plan=plan)])
