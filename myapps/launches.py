"""Opening an app: whoever has a seat, a role that may launch, and an app that works
(3.19). Opening buys nothing and is not written to the journal: a seat keeps its last day.
"""

from datetime import date

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from accounts import authority
from accounts.models import Account, User
from myapps import partner_events
from myapps.models import Seat


@transaction.atomic
def launch(seat: Seat, *, by: User, on: date) -> dict:
    """Let a person open the app they have a seat in; returns what its partner is told
    of them. Writes the day, once a day.

    Refuses a seat of somebody else and who may not launch (PermissionDenied), an app
    that does not work on that day (not_working) or says nowhere where it is opened
    (no_address).
    """
    if seat.user_id != by.pk or not authority.held(by, authority.LAUNCH):
        raise PermissionDenied
    installation = seat.installation
    state = partner_events.standing(installation, on=on)
    if state not in {"active", "ending"}:
        words = {
            "installing": _("Its partner is still setting it up. Try again later."),
            "ended": _("It was uninstalled. Ask an administrator if you need it."),
        }
        raise ValidationError(
            words.get(state, _("It does not work. Ask an administrator.")),
            code="not_working",
        )
    if not installation.app.launch_address:
        raise ValidationError(
            _("It has no address to open. Ask an administrator how to open it."),
            code="no_address",
        )
    Seat.objects.filter(pk=seat.pk).exclude(last_launched_on=on).update(
        last_launched_on=on
    )
    return {
        "sub": str(by.pk),
        "name": by.display_name,
        "email": by.email,
        "account": by.account.slug,
        "installation": installation.pk,
        "plan": installation.plan.code,
    }


def cannot(seats: QuerySet[Seat], account: Account) -> QuerySet[Seat]:
    """Those seats of an account whose people cannot open the app they are paid for:
    none of their roles may launch, or they are deactivated (3.19).
    """
    return seats.filter(account=account).exclude(
        authority.holding(account, authority.LAUNCH, user="user_id")
    )
