"""Erasing who somebody is: their name and address go, their opaque id stays (5.3).

Orders, charges and activity are append-only and name people by that id alone, so they
need no change. Contracts and order forms name who signed them: those are the company's
papers and stay. What else carries a name or an address is emptied here, or by whoever
hears `user_erased` in the same transaction.
"""

from datetime import date, datetime, timedelta

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _

from accounts import languages, people, signals
from accounts.models import Account, ApiKey, JobRow, User
from journal import activities, outbox
from journal.models import Notice, NoticeChoice

SIGN_IN = (
    "authenticator_set",
    "emailaddress_set",
    "socialaccount_set",
    "usersession_set",
)
"""Rows of the sign-in library that belong to a person."""


@transaction.atomic
def erase(user: User, *, by: User | None, on: date, at: datetime) -> User:
    """Forget a person's name, address and all by which they sign in; for good.

    Who could still sign in is deactivated first, which frees their seats and changes no
    bill (3.22). Refuses oneself (own_erasure) and what would leave nobody active to
    manage roles (last_manager). An erased person stays so: once more does nothing.
    """
    account = Account.objects.locked(user.account_id)
    user = User.objects.select_for_update(no_key=True).get(pk=user.pk)
    if by is not None and by.pk == user.pk:
        raise ValidationError(
            _("Ask a colleague who manages roles to erase you."), code="own_erasure"
        )
    if user.erased_at:
        return user
    people.deactivate([user], by=by, on=on)
    address = user.email
    _forget(user, at=at)
    ApiKey.objects.filter(user=user, revoked_at=None).update(revoked_at=at)
    JobRow.objects.filter(job__account=account, content__email__iexact=address).update(
        content=None, words=""
    )
    for rows in (Notice, NoticeChoice):
        rows.objects.filter(user_id=user.pk).delete()
    outbox.forget(address)
    activities.record(
        "person.erased", account=account, by=by, on=on, subject=user, users=[user]
    )
    signals.user_erased.send(User, account=account, user=user, address=address)
    return user


def _forget(user: User, *, at: datetime) -> None:
    with translation.override(languages.of(user)):
        user.display_name = _("Erased person")
    user.email = f"erased-{user.pk}@erased.invalid"
    user.team = user.language = user.external_id = ""
    user.is_active, user.erased_at = False, at
    user.set_unusable_password()
    user.save()
    user.groups.clear()
    for rows in SIGN_IN:
        getattr(user, rows).all().delete()


def overdue(*, zone: str, before: date):
    """People of accounts in a time zone who were deactivated before a day, and not
    reactivated since.
    """
    return User.objects.filter(
        account__timezone=zone,
        is_active=False,
        erased_at=None,
        deactivated_on__lt=before,
    )


def erase_overdue(*, zone: str, days: int, on: date, at: datetime) -> int:
    """Erase whom their company deactivated more than so many days ago; says how many.

    Each in a transaction of its own; safe to repeat.
    """
    before = on - timedelta(days=days)
    found = overdue(zone=zone, before=before).order_by("deactivated_on", "id")
    gone = 0
    for user in found[:500]:
        erase(user, by=None, on=on, at=at)
        gone += 1
    return gone
