"""Who may approve an adjustment, and how many it takes.

Above the limit of its currency two people of staff answer for an adjustment: who wrote
it or approved it first, and another. What counts is its weight: what is no longer billed
up to the next term end, or what is given back (`proposals.Proposal.weight`). A currency
without a limit, and whatever is at the limit or below it, takes one.
"""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal

from django.core.exceptions import PermissionDenied, ValidationError
from django.utils.translation import gettext as _

from accounts.models import User
from support.models import Adjustment, AdjustmentApproval, ApprovalLimit, Ticket

STAFF = {User.Kind.SUPPORT, User.Kind.SALES}


def limits(currencies: Iterable[str]) -> dict[str, Decimal]:
    """The limit of each currency that has one, in its own units."""
    found = ApprovalLimit.objects.filter(currency__in=set(currencies))
    return dict(found.values_list("currency", "amount"))


def set_limit(currency: str, amount: Decimal) -> ApprovalLimit:
    """Ask for two people above an amount of a currency, from now on."""
    limit, _made = ApprovalLimit.objects.update_or_create(
        currency=currency, defaults={"amount": amount}
    )
    return limit


def two_needed(weight: Decimal, *, limit: Decimal | None) -> bool:
    return limit is not None and weight > limit


def refuse(adjustment: Adjustment, *, by: User) -> None:
    """Refuse who may not approve a version.

    Only staff do (PermissionDenied). Nobody approves what they asked for (code
    own_request) and, above the limit, what they wrote (author) or have approved
    already (approved_already).
    """
    may_decide(adjustment.ticket, by=by)
    if not adjustment.two_needed:
        return
    if adjustment.author_id == by.pk:
        raise ValidationError(
            _(
                "You wrote this proposal, and it is above the limit. A colleague "
                "approves it."
            ),
            code="author",
        )
    if adjustment.approvals.filter(by=by).exists():
        raise ValidationError(
            _("You have approved this. It waits for a second person."),
            code="approved_already",
        )


def may_decide(ticket: Ticket, *, by: User) -> None:
    """Staff decide, but never what they asked for themselves (code own_request)."""
    if by.kind not in STAFF:
        raise PermissionDenied
    asked_by = ticket.change.asked_by_id if ticket.change_id else ticket.requester_id
    if asked_by == by.pk:
        raise ValidationError(
            _("You asked for this yourself. A colleague decides it."),
            code="own_request",
        )


def stands(adjustment: Adjustment, *, by: User) -> bool:
    """Whether a version was approved, by this person too."""
    return (
        adjustment.state in {"APPROVED", "SCHEDULED", "APPLIED"}
        and adjustment.approvals.filter(by=by).exists()
    )


def record(adjustment: Adjustment, *, by: User, on: date) -> bool:
    """Write one approval down. Returns whether a version has all that it takes."""
    AdjustmentApproval.objects.create(adjustment=adjustment, by=by, on=on)
    return not missing(adjustment)


def missing(adjustment: Adjustment) -> int:
    """How many more people must approve a version."""
    given = adjustment.approvals.count()
    if not adjustment.two_needed:
        return max(0, 1 - given)
    wrote = adjustment.author_id and adjustment.author.kind in STAFF
    return max(0, 2 - given - bool(wrote))
