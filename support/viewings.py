"""Seeing an account's console as its customer sees it: read-only, for a reason, bannered,
recorded page by page, and over after half an hour.

The rule alone: config.viewing turns each request of a viewing into one of the customer,
in a transaction that PostgreSQL lets nobody write in.
"""

from datetime import date, datetime, timedelta

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import Count
from django.utils.translation import gettext as _

from accounts import authority
from accounts.models import Account, User
from journal import activities
from support.models import ViewedPage, Viewing

LASTS = timedelta(minutes=30)
STAFF = {User.Kind.SUPPORT, User.Kind.SALES}


@transaction.atomic
def begin(
    account: Account, *, seen_as: User, reason: str, by: User, at: datetime, on: date
) -> Viewing:
    """Begin to see an account as one of its administrators does; the account can read
    who did, and why. An earlier viewing of the same person of staff ends.

    Only Support and sales operations may (PermissionDenied). Refuses an empty reason
    (code no_reason) and anybody but an active administrator of the account
    (not_an_administrator): never staff, partners or another account's people.
    """
    if not by.is_active or by.kind not in STAFF:
        raise PermissionDenied
    reason = " ".join(reason.split())[:300]
    if not reason:
        raise ValidationError(
            _("Say why you open this account: its people can read it."),
            code="no_reason",
        )
    if not administrators(account).filter(pk=seen_as.pk).exists():
        raise ValidationError(
            _("Choose somebody who manages the apps of this account."),
            code="not_an_administrator",
        )
    Viewing.objects.filter(staff=by, left_at=None, ends_at__gt=at).update(left_at=at)
    viewing = Viewing.objects.create(
        account=account, staff=by, seen_as=seen_as, reason=reason,
        begun_at=at, ends_at=at + LASTS,
    )  # fmt: skip
    activities.record(
        "account.entered", account=account, by=by, on=on, subject=viewing, reason=reason
    )
    return viewing


def end(viewing: Viewing, *, at: datetime) -> None:
    """Leave. A second time changes nothing, nor does it after the half hour."""
    Viewing.objects.filter(pk=viewing.pk, left_at=None, ends_at__gt=at).update(
        left_at=at
    )


def standing(pk: int, *, by: User, at: datetime) -> Viewing | None:
    """A viewing that still goes on: its half hour runs, whose it is may view, and whom
    it shows still manages apps of the account.
    """
    if not by.is_authenticated or by.kind not in STAFF:
        return None
    found = (
        Viewing.objects.filter(pk=pk, staff=by, left_at=None, ends_at__gt=at)
        .select_related("account", "staff", "seen_as__account")
        .first()
    )
    if found is None or not found.seen_as.is_active:
        return None
    same = found.seen_as.account_id == found.account_id
    return found if same and authority.held(found.seen_as, authority.MANAGE) else None


def record(viewing: Viewing, address: str, *, at: datetime) -> ViewedPage:
    """Write down a page that is about to be shown."""
    return ViewedPage.objects.create(viewing=viewing, address=address[:500], at=at)


def administrators(account: Account):
    """Whose view can be taken: the active people who manage the account's apps."""
    return authority.holders(account, authority.MANAGE).filter(kind=User.Kind.CUSTOMER)


def of(account: Account):
    """The viewings of an account, newest first, with how many pages each saw."""
    return (
        Viewing.objects.filter(account=account)
        .select_related("staff", "seen_as")
        .annotate(page_count=Count("pages"))
        .order_by("-begun_at")
    )
