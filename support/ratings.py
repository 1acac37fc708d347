"""What customers think of the answer they got: said once, after it was given."""

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts import authority
from accounts.models import User
from support.models import Rating, Ticket

LONGEST = 1_000


@transaction.atomic
def rate(ticket: Ticket, *, score: int, word: str, by: User) -> Rating:
    """Rate how Support dealt with a request, from 1 (poor) to 5 (very good), once.

    Only who asked may, or who manages the account's apps (PermissionDenied). Refuses
    another score (code score), a request that is not done (unsolved), and a second
    rating, by whomever (rated).
    """
    if not may_rate(ticket, by=by):
        raise PermissionDenied
    if not 1 <= score <= 5:
        raise ValidationError(_("Choose one of the five."), code="score")
    ticket = Ticket.objects.select_for_update(no_key=True).get(pk=ticket.pk)
    if not ticket.is_done:
        raise ValidationError(
            _("Rate it when it is done: Support still works on it."), code="unsolved"
        )
    try:
        with transaction.atomic():
            return Rating.objects.create(
                ticket=ticket, score=score, word=word.strip()[:LONGEST], by=by
            )
    except IntegrityError:
        raise ValidationError(
            _("This request was rated already."), code="rated"
        ) from None


def may_rate(ticket: Ticket, *, by: User) -> bool:
    """Who asked, and who manages the apps of the account that asked."""
    if ticket.internal or ticket.account_id != by.account_id:
        return False
    return ticket.requester_id == by.pk or authority.held(by, authority.MANAGE)
