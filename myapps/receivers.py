"""News from accounts, billing and the journal, heard inside the transaction that made it."""

from django.dispatch import receiver

from accounts import clock
from accounts.signals import joined_role, left_role, user_deactivated
from billing.models import RenewalChange
from billing.renewals import Rolled
from billing.signals import add_ons_contracted, decrease_settled, install_links_asked
from journal.signals import endpoint_disabled
from myapps import departures, endings, install_links, joins, mails, partner_events


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
        boundary, plan = change.term_ends_on, change.to_plan
        endings.follow([Rolled(change.line_id, boundary, plan=plan)])


@receiver(install_links_asked, dispatch_uid="myapps_install_links_asked")
def _links_asked(sender, *, form, by, on, **news):
    """Email a link for each line that one can install now, or refuse the form (T14)."""
    for line in install_links.opened_by(form, on=on):
        to = mails.recipient(line)
        mails.install_link(line, to=to, by=by, at=clock.now(), on=on)


@receiver(add_ons_contracted, dispatch_uid="myapps_add_ons_contracted")
def _contracted(sender, *, lines, on, **news):
    partner_events.contracted(lines, on=on)


@receiver(endpoint_disabled, dispatch_uid="myapps_endpoint_disabled")
def _disabled(sender, *, endpoint, at, **news):
    mails.endpoint_disabled(endpoint, at=at)
