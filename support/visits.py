"""Visits: Support looks at an account's data outside a ticket only for a reason (5.6)."""

from datetime import date

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import Account, User
from journal import activities
from support.models import StaffVisit, Ticket


@transaction.atomic
def begin(
    account: Account, *, by: User, on: date, reason: str, ticket: Ticket | None = None
) -> StaffVisit:
    """Record who of Support opens an account, and why; the account can read it.

    Refuses an empty reason (code no_reason).
    """
    reason = " ".join(reason.split())[:300]
    if not reason:
        raise ValidationError(
            _("Say why you open this account: its people can read it."),
            code="no_reason",
        )
    visit = StaffVisit.objects.create(
        account=account, staff=by, reason=reason, ticket=ticket
    )
    activities.record(
        "account.visited", account=account, by=by, on=on, subject=visit, reason=reason
    )
    return visit
