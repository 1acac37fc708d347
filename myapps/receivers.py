"""News from accounts, billing and the journal, heard inside the transaction that made it."""

from urllib.parse import urlencode

from django.dispatch import receiver
from django.urls import reverse

from accounts import authority, clock
from accounts.signals import joined_role, left_role, user_deactivated
from billing.models import RenewalChange
from billing.renewals import Rolled
from billing.signals import add_ons_contracted, decrease_settled, install_links_asked
from journal import notices
from journal.signals import endpoint_disabled
from myapps import (
    departures,
    endings,
    install_links,
    joins,
    mails,
    partner_events,
    purchases,
    signals,
)
from myapps.models import JoinEvent


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


@receiver(signals.app_asked, dispatch_uid="myapps_app_asked")
def _app_asked(sender, *, request, **news):
    """Those who install apps are told who asks for which (each request once)."""
    _tell(
        authority.holders(request.account, authority.INSTALL),
        "request",
        f"app-request:{request.pk}:asked",
        "app_asked",
        reverse("myapps:app-request", args=[request.app.slug]),
        besides=request.user_id,
        account=request.account,
        request=request,
    )


@receiver(signals.app_answered, dispatch_uid="myapps_app_answered")
def _app_answered(sender, *, requests, **news):
    """Those who asked are told the answer, which is one for all of them; who gave a seat
    to themselves knows.
    """
    first = requests[0]
    approved = first.state == first.State.APPROVED
    _tell(
        [request.user for request in requests],
        "request",
        f"app-request:{first.pk}:answered",
        "app_approved" if approved else "app_refused",
        reverse("myapps:launcher")
        if approved
        else reverse("myapps:app", args=[first.app.slug]),
        besides=first.decided_by_id,
        account=first.account,
        request=first,
    )


@receiver(signals.approval_asked, dispatch_uid="myapps_approval_asked")
def _approval_asked(sender, *, waiting, **news):
    """Those who may decide are told, never who asked."""
    _tell(
        purchases.seconds(waiting.account, waiting.authority, beside=waiting.asked_by),
        "approval",
        f"approval:{waiting.pk}:asked",
        "approval_asked",
        reverse("myapps:approval", args=[waiting.pk]),
        account=waiting.account,
        waiting=waiting,
    )


@receiver(signals.approval_answered, dispatch_uid="myapps_approval_answered")
def _approval_answered(sender, *, waiting, **news):
    """Who asked is told, unless they took it back themselves."""
    if waiting.state == waiting.State.WITHDRAWN:
        return
    _tell(
        [waiting.asked_by],
        "approval",
        f"approval:{waiting.pk}:answered",
        "approval_answered",
        reverse("myapps:approval", args=[waiting.pk]),
        account=waiting.account,
        waiting=waiting,
    )


@receiver(signals.not_set_up, dispatch_uid="myapps_not_set_up")
def _not_set_up(sender, *, installation, **news):
    """Who installed it and those who manage apps are told that it failed."""
    _tell(
        [
            installation.order.placed_by,
            *authority.holders(installation.account, authority.MANAGE),
        ],
        "provisioning",
        f"failed:{installation.pk}",
        "failed",
        reverse("myapps:app", args=[installation.app.slug]),
        account=installation.account,
        installation=installation,
    )


@receiver(signals.queued, dispatch_uid="myapps_queued")
def _queued(sender, *, installation, reason, **news):
    """Those who manage apps are told once, until somebody decided on the first in line."""
    waiting = JoinEvent.objects.queued().filter(installation=installation)
    first = waiting.order_by("pk").values_list("pk", flat=True).first()
    _tell(
        authority.holders(installation.account, authority.MANAGE),
        "limit",
        f"queued:{installation.pk}:{first}",
        "limit",
        reverse("myapps:roles", args=[installation.app.slug]),
        account=installation.account,
        installation=installation,
        reason=reason,
    )


@receiver(signals.seats_bought, dispatch_uid="myapps_seats_bought")
def _seats_bought(sender, *, installation, users, effect, **news):
    """Those who manage apps are told of the first charge of the day, once an app."""
    account, slug = installation.account, installation.app.slug
    today = clock.today(account.timezone)
    _tell(
        authority.holders(account, authority.MANAGE),
        "auto_install",
        f"auto-install:{installation.pk}:{today}",
        "auto_install",
        f"{reverse('myapps:charges')}?{urlencode({'app': slug})}",
        account=account,
        installation=installation,
        seated=len(users),
        effect=effect,
    )


@receiver(signals.link_used, dispatch_uid="myapps_link_used")
def _link_used(sender, *, link, **news):
    """The others who manage apps are told."""
    _tell(
        authority.holders(link.account, authority.MANAGE),
        "install_link",
        f"link:{link.pk}",
        "link_used",
        reverse("myapps:app", args=[link.line.app.slug]),
        besides=link.recipient_id,
        account=link.account,
        link=link,
    )


def _tell(users, kind, key, words, address, *, account, besides=None, **context):
    notices.tell(
        [user for user in users if user.is_active and user.pk != besides],
        kind=kind,
        key=key,
        words=f"myapps/notices/{words}",
        context=context,
        address=address,
        account=account,
        at=clock.now(),
    )
